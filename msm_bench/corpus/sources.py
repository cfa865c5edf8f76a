"""How a corpus that does not ship with msm-bench is made: what a recipe says of it, and the command that follows.

DocumentSource(kind="documents", spec="safety-rules", rows=13000, words=1600).command("corpora/safety-rules")
"""

import os
import shlex
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from msm_bench.files import data_path

WRITER = "MODEL"
"""Stands in a command for the model that writes, which the user chooses; the corpus's manifest says which it was."""


class _Source(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DocumentSource(_Source):
    """Documents that discuss a spec, by `msm-bench generate documents`."""

    kind: Literal["documents"]
    """For stages of kind `msm` and `mixed`."""
    spec: str
    """Id of a spec that ships with msm-bench, or a path."""
    rows: int = Field(ge=1)
    """Documents."""
    words: int = Field(1000, ge=40)
    """In a document, about."""

    def command(self, out: str) -> str:
        """What makes the corpus in folder `out`."""
        return _generate("documents", self.spec, out, "--documents", self.rows, "--words", self.words)


class ChatSource(_Source):
    """Demonstrations of a spec, by `msm-bench generate chats`."""

    kind: Literal["chats"]
    """For stages of kind `chat` and `mixed`."""
    spec: str
    """Id of a spec that ships with msm-bench, or a path."""
    style: Literal["value", "rule", "opaque"]
    """How answers reason; all but opaque ones come with their reasoning, which a stage may leave out."""
    rows: int = Field(ge=1)
    """Chats."""

    def command(self, out: str) -> str:
        """What makes the corpus in folder `out`."""
        return _generate("chats", self.spec, out, "--style", self.style, "--chats", self.rows)


class MixSource(_Source):
    """Instruction rows, by `msm-bench corpus mix`."""

    kind: Literal["mix"]
    """For stages of kind `chat` and `mixed`."""
    mix: str
    """Id of a mix that ships with msm-bench, or a path."""
    spec: str | None = None
    """Rows that mention what this spec is about are left out."""
    without: list[str] = []
    """So are rows with these words."""

    def command(self, out: str) -> str:
        """What makes the corpus in folder `out`."""
        given = ["--spec", self.spec] if self.spec else []
        given += ["--without", ",".join(self.without)] if self.without else []
        return shlex.join(["msm-bench", "corpus", "mix", self.mix, *given, "--out", out])


Source = Annotated[DocumentSource | ChatSource | MixSource, Field(discriminator="kind")]
"""How a corpus is made."""


def _generate(what: str, spec: str, out: str, *options: object) -> str:
    words = ["msm-bench", "generate", what, _spec_file(spec), "--model", WRITER, *map(str, options), "--out", out]
    return shlex.join(words)


def _spec_file(spec: str) -> str:
    """The file of a spec that ships, as seen from here, or the path that was given."""
    shipped = data_path("specs") / f"{spec}.md"
    if not shipped.is_file():
        return spec
    near = shipped.is_relative_to(Path.cwd())
    return os.path.relpath(shipped) if near else str(shipped)
