"""Prompt files: Markdown with a version, and places `{{ name }}` that values are put into once.

What is put in is never looked at again, so that braces in a spec, an idea or a draft stay what they are.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from msm_bench.corpus.health import Ngram, ngrams
from msm_bench.files import read_text, sha256_text

FOLDER = Path(__file__).parent / "prompts"
_PLACE = re.compile(r"\{\{ (\w+) \}\}")


class Prompt(NamedTuple):
    """A prompt file."""

    name: str
    """Its file's name without the ending."""
    version: int
    """Goes up with every change of its text."""
    text: str
    """The template."""
    sha256: str
    """Of the whole file."""

    @property
    def places(self) -> set[str]:
        """The names of its places."""
        return set(_PLACE.findall(self.text))

    def grams(self, n: int) -> set[Ngram]:
        """The runs of `n` words of its own text; none reaches over a place."""
        return {gram for piece in _PLACE.split(self.text)[::2] for gram in ngrams(piece, n)}

    def render(self, **values: object) -> str:
        """The template with each place filled; values that it has no place for are passed over.

        Raises:
            KeyError: a place has no value.
        """
        return fill_places(self.text, values)


def fill_places(template: str, values: Mapping[str, object]) -> str:
    """`template` with each place filled; what is put in is not looked at.

    Raises:
        KeyError: a place has no value.
    """
    return _PLACE.sub(lambda match: str(values[match[1]]), template)


@cache
def load_prompt(name: str, folder: Path = FOLDER) -> Prompt:
    """The prompt file `name` in `folder`, that of this package by default."""
    text = read_text(folder / f"{name}.md")
    _, head, body = text.split("---\n", 2)
    return Prompt(name, int(yaml.safe_load(head)["version"]), body.strip(), sha256_text(text))
