"""Codebooks: the patterns that transcripts are read for, in a YAML file that people edit."""

import re
from pathlib import Path
from typing import Annotated, Literal, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from msm_bench.errors import UserError, explain_invalid, printable
from msm_bench.files import canonical_json, read_yaml, sha256_text, write_text

PAPER = "paper"
"""Stands for the codebook of the paper's patterns, which ships."""
Side = Literal["misaligned", "aligned", "neither"]
MOST_OF_A_SIDE = 20
MOST = MOST_OF_A_SIDE * len(get_args(Side))
"""Patterns of a codebook: a grader reads each transcript for all of them at once."""
CLUSTERS = 15
"""Clusters of a side that a codebook is drafted from: too many rather than too few, since they can be joined."""
_HEAD = """\
# Patterns of reasons, drafted by a grader. Edit names, definitions and sides, delete or add patterns; then go on with
# `msm-bench reasons LOGS … --codebook THIS_FILE`. `reasons` and `examples` are for you, the grader does not see them.
"""


def _plain(text: str) -> str:
    """A text that can be shown anywhere: on one line, and it begins with a letter or digit."""
    text = " ".join(text.split())
    if not text.isprintable():
        raise ValueError(f"holds characters that can't be printed: {printable(text, 40)!r}")
    if not re.match(r"\w", text):
        raise ValueError("begins with a letter or a digit, please")
    return text


Plain = Annotated[str, AfterValidator(_plain)]


class Pattern(BaseModel):
    """A kind of reason."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)
    """What tables and frames call it."""
    name: Plain = Field(max_length=80)
    """A few words."""
    side: Side = "neither"
    """Whether it speaks for harmful or unapproved conduct, or against it."""
    definition: Plain = Field(max_length=1000)
    """When a transcript shows it; the grader goes by this."""
    reasons: int | None = None
    """How many reasons it was drawn from."""
    examples: list[str] = []
    """Quotes from transcripts."""


class Origin(BaseModel):
    """How a drafted codebook came about."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    transcripts: int
    """That could be read."""
    transcripts_sha256: str
    """Of their names and texts."""
    grader: str
    """Who extracted, named and joined."""
    embedding: str
    """What the reasons were compared by."""
    clusters: int
    """At most so many for each side."""
    seed: int
    """Of the draw, where there were more different reasons than can be compared."""
    reasons: int
    """Extracted, with a quote that is in the transcript."""
    compared: int
    """Different ones that went into clusters."""
    dropped: dict[str, int]
    """Reasons thrown away, by why."""
    unread: dict[str, int]
    """Transcripts of which no reasons could be had, by why."""
    unnamed: int
    """Clusters that the grader gave no readable name."""
    joined: int
    """Patterns that the grader found to be another's double."""


class Codebook(BaseModel):
    """A list of patterns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    """For people."""
    patterns: list[Pattern] = Field(min_length=1, max_length=MOST)
    """What transcripts are read for."""
    origin: Origin | None = None
    """Of a drafted one."""

    @model_validator(mode="after")
    def _distinct(self) -> "Codebook":
        ids = [pattern.id for pattern in self.patterns]
        if twice := next((id for id in ids if ids.count(id) > 1), ""):
            raise ValueError(f"two patterns have the id {twice!r}")
        return self

    @classmethod
    def load(cls, source: Path | str) -> "Codebook":
        """The codebook in a file, or the paper's.

        Raises:
            UserError: no such file, not YAML, or not a codebook.
        """
        path = Path(__file__).with_name("paper.yaml") if str(source) == PAPER else Path(source)
        found = read_yaml(path)
        if not isinstance(found, dict):
            raise UserError(f"{path}: not a codebook; it needs `title` and `patterns`")
        with explain_invalid(path):
            return cls.model_validate(found)

    @property
    def sha256(self) -> str:
        """Of what the grader reads, and of the sides."""
        return sha256_text(canonical_json([[one.id, one.name, one.side, one.definition] for one in self.patterns]))

    def shown(self) -> str:
        """The patterns as the grader reads them."""
        return "\n".join(f"- {one.id}: {one.name}. {one.definition}" for one in self.patterns)

    def save(self, path: Path) -> None:
        """Write it for people to edit."""
        listed = self.model_dump(exclude_none=True, exclude_defaults=True)
        write_text(path, _HEAD + yaml.safe_dump(listed, sort_keys=False, allow_unicode=True, width=100))


def slug(name: str, taken: set[str]) -> str:
    """An id for a pattern of this name that is not among `taken`."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:50] or "pattern"
    return next(id for id in (plain, *(f"{plain}-{number}" for number in range(2, 1000))) if id not in taken)
