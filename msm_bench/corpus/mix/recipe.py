"""What a mix is made of: a YAML file that names sources, and how many rows of each."""

from pathlib import Path
from typing import Any, Self

from pydantic import Field, PrivateAttr, model_validator

from msm_bench.errors import UserError, explain_invalid
from msm_bench.files import read_yaml
from msm_bench.recipe import Name
from msm_bench.shipped import find_mix
from msm_bench.stage import Strict

_DOCUMENTATION: dict[str, Any] = {"description": True, "sources": {"__all__": {"licence", "note"}}}
"""What says nothing about which rows are drawn."""


class Format(Strict):
    """Where in a row the turns stand: in one column, or in one for the prompt and one for the response."""

    messages: str | None = None
    """Column with the list of turns, each with a role and a content, or as plain texts that begin with the user's."""
    role: str = "role"
    """What a turn calls its speaker: `system`, `user` or `human`, `assistant` or `gpt`."""
    content: str = "content"
    """What a turn calls its text."""
    prompt: str | None = None
    """Column with what the user says."""
    response: str | None = None
    """Column with what the assistant says."""
    system: str | None = None
    """Column with the system message that goes before `prompt`; it may be empty."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        pair = (self.prompt, self.response)
        if (self.messages is None) == (pair == (None, None)) or (self.messages is None and None in pair):
            raise ValueError("give either `messages`, or `prompt` and `response`")
        if self.messages is not None and self.system is not None:
            raise ValueError("`system` goes with `prompt` and `response`; `messages` hold their own")
        return self


class MixSource(Strict):
    """A public set, and what is drawn of it."""

    name: Name
    """Unique in the mix; becomes the rows' topic."""
    hub: str | None = None
    """Dataset id on the Hugging Face hub."""
    config: str | None = None
    """Configuration of the dataset, if it has several."""
    split: str = "train"
    """Which split."""
    revision: str | None = Field(None, pattern=r"^[0-9a-f]{40}$")
    """Full commit hash of the dataset's repository."""
    files: str | None = None
    """Files of the split, as a pattern within the repository. Without it every split is downloaded."""
    path: str | None = None
    """Read from here instead: a JSONL or Parquet file, a folder of them (a copy of the hub's repository is one), or a
    corpus. Relative paths start at the mix's own folder."""
    licence: str
    """SPDX expression; NOASSERTION where none was found."""
    rows: int = Field(ge=1)
    """How many are wanted, after filtering."""
    where: dict[str, str] = Field(default_factory=dict)
    """Only rows that have these values in these columns."""
    format: Format = Format(messages="messages")
    """Where in a row the turns stand."""
    note: str = ""
    """What a reader should know, such as a fact that could not be verified."""

    @model_validator(mode="after")
    def _can_be_found(self) -> Self:
        if not self.hub and not self.path:
            raise ValueError(f"source {self.name!r}: give `hub` or `path`")
        if self.hub and not self.revision:
            raise ValueError(f"source {self.name!r}: give the `revision`, or the set may change under the mix")
        return self


class Mix(Strict):
    """The instruction rows that every arm is trained on."""

    id: Name
    """Equals the file's name without its ending."""
    description: str
    """What it is for, in a line or two."""
    max_tokens: int = Field(ge=16)
    """Longer rows are dropped. Tokens are estimated (`rules.estimated_tokens`): every base model counts its own."""
    sources: list[MixSource] = Field(min_length=1)
    """In the order in which their rows stand in the corpus."""
    _folder: Path = PrivateAttr(Path())

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [source.name for source in self.sources]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"source {twice[0]!r} occurs twice")
        return self

    @classmethod
    def load(cls, path: Path | str) -> "Mix":
        """Read a mix by path, or by the name of one that ships with msm-bench.

        Raises:
            UserError: no such file, not YAML, or a field that is wrong or missing.
        """
        path = find_mix(path)
        with explain_invalid(path):
            mix = cls.model_validate(read_yaml(path))
        if mix.id != path.stem:
            raise UserError(f"{path}: id is {mix.id!r} but the file is called {path.stem!r}; make them equal")
        mix._folder = path.parent
        return mix

    def local(self, source: MixSource) -> Path | None:
        """Where on this machine the source lies, if it has a `path`.

        Raises:
            UserError: nothing lies there.
        """
        if source.path is None:
            return None
        path = self._folder / source.path
        if not path.exists():
            raise UserError(f"mix {self.id}: source {source.name!r}: {path}: no such file or folder; mend its `path`")
        return path

    def drawing(self) -> dict[str, Any]:
        """All of the mix that decides which rows are drawn, as JSON values."""
        return self.model_dump(mode="json", exclude=_DOCUMENTATION)
