"""`results/reasons-known`: what `msm-bench reasons` makes of the forty transcripts whose reasons are known.

python docs/known_reasons.py

The grader is the script of the tests, which answers by the authors' marks. Logs and samples have new names each time;
all else comes out the same. Left out are the grader's answers, which the script can always give again.
"""

import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
OUT = "results/reasons-known"
ANSWERS = "answers.jsonl"


def write(root: Path) -> None:
    """Read the transcripts against the paper's patterns, and against drafted ones; results go below `root`."""
    sys.path.insert(0, str(ROOT / "tests"))
    from reason_scripts import fresh_grader, give, write_known_logs

    common = ["logs", "--model-role", "grader=scripted/grader", "--out"]
    drafted = f"{OUT}/drafted"
    with tempfile.TemporaryDirectory() as folder, fresh_grader():
        work = Path(folder)
        write_known_logs(work / "logs")
        give(work, *common, f"{OUT}/paper", "--codebook", "paper")
        give(work, *common, drafted)
        give(work, *common, drafted, "--codebook", f"{drafted}/codebook.yaml")
        shutil.copytree(work / OUT, root / OUT, ignore=shutil.ignore_patterns(ANSWERS), dirs_exist_ok=True)


if __name__ == "__main__":
    write(ROOT)
