"""Links into Inspect's log viewer: a bundle of the logs beside the page, or the command that opens them."""

import shlex
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from inspect_ai.log import bundle_log_dir

from msm_bench.errors import UserError
from msm_bench.report.page.text import file_stem

FOLDER = "logs"
"""Where the bundle lies, beside the page."""
_LISTING = "listing.json"


def make_bundle(logs: Mapping[str, str], folder: Path) -> None:
    """Write Inspect's viewer with these logs, and no others, to `folder`; an earlier bundle there is replaced.

    Args:
        logs: Files by their names, as they stand in the frame.
        folder: Made by this.

    Raises:
        UserError: there are no logs, or something else lies in the folder.
    """
    if not logs:
        raise UserError("--bundle needs logs; give their folder with --logs")
    earlier = (folder / FOLDER / _LISTING).is_file() and (folder / "index.html").is_file()
    if folder.exists() and not earlier:
        raise UserError(f"{folder}: something other than a bundle of logs lies there; move it away for --bundle")
    with tempfile.TemporaryDirectory() as gathered:
        for name, file in logs.items():
            place = Path(gathered) / _bundled(name)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, place)
        bundle_log_dir(gathered, str(folder), overwrite=earlier)


def sample_link(log: str, sample_id: str, epoch: int) -> str:
    """Where the bundle shows a sample, relative to the page; a slash in its id is no part of the route."""
    return f"{FOLDER}/index.html#/logs/{quote(_bundled(log))}/samples/sample/{quote(sample_id, safe='')}/{epoch}/"


def _bundled(log: str) -> str:
    """A log's place in the bundle; a folder of it, too, is no way out of there."""
    folder, name = PurePosixPath(log).parent.name, PurePosixPath(log)
    file = f"{file_stem(name.stem, 150)}{name.suffix}"
    return f"{file_stem(folder)}/{file}" if folder else file


def view_command(log_dirs: Iterable[str]) -> str:
    """What opens the logs in Inspect's viewer."""
    return "\n".join(f"inspect view --log-dir {shlex.quote(folder)}" for folder in log_dirs)
