"""Process settings that must stand before torch is loaded."""

import os
import sys

_SETTINGS = {
    # glibc gives large blocks back to the kernel and takes them again, page by page, at every step of the training;
    # keeping them made a step 1.7 times as fast on two cores
    "MALLOC_MMAP_THRESHOLD_": str(2**32),
    "MALLOC_TRIM_THRESHOLD_": str(2**33),
    "MALLOC_TOP_PAD_": str(2**28),
    # waiting threads that spin take the cores from those that work
    "OMP_WAIT_POLICY": "passive",
    "TOKENIZERS_PARALLELISM": "false",
}


def restart_tuned() -> None:
    """Start this Python program again with the settings, unless it has them (or the user's own) already."""
    missing = {name: value for name, value in _SETTINGS.items() if name not in os.environ}
    if not missing or not sys.argv[0].endswith(("msm-bench", "cli.py")):
        return
    os.environ.update(missing)
    # -P: the folder where the command is given is no place to import from
    os.execv(sys.executable, [sys.executable, "-P", "-m", "msm_bench.cli", *sys.argv[1:]])  # noqa: S606
