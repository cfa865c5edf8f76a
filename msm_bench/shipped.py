"""Recipes, mixes and corpora by name: those that ship with msm-bench, and those of the user by path."""

from pathlib import Path

from msm_bench.errors import UserError
from msm_bench.files import data_path


def find_recipe(path: Path | str) -> Path:
    """The file of a recipe given by path, or by name if it ships with msm-bench."""
    return _find_file("recipe", path, data_path("training") / "recipes")


def find_mix(path: Path | str) -> Path:
    """The file of a mix given by path, or by name if it ships with msm-bench."""
    return _find_file("mix", path, data_path("specs") / "mixes")


def _find_file(kind: str, path: Path | str, shipped: Path) -> Path:
    for candidate in (Path(path), shipped / f"{path}.yaml"):
        if candidate.is_file():
            return candidate
    known = ", ".join(sorted(file.stem for file in shipped.glob("*.yaml")))
    raise UserError(f"{path}: no such {kind}; give a path or one of {known}")


def find_corpus(corpus: str) -> Path:
    """The folder of a corpus given by path, or by id if it ships with msm-bench."""
    if folder := corpus_folder(corpus):
        return folder
    shipped = data_path("specs") / "corpora"
    known = ", ".join(sorted(folder.name for folder in shipped.iterdir() if folder.is_dir()))
    raise UserError(f"{corpus}: no such corpus; give a path or one of {known}")


def corpus_folder(corpus: str) -> Path | None:
    """The folder of a corpus, or None if it is not there."""
    candidates = (data_path("specs") / "corpora" / corpus, Path(corpus))
    return next((folder for folder in candidates if folder.is_dir()), None)
