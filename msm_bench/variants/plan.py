"""What a variant is asked for, and the record of how it was made."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from msm_bench.corpus.generate.plan import Sampling
from msm_bench.specs import Names

Variant = Literal["ablated", "rules", "value-augmented", "rule-augmented", "general", "anti", "renamed"]


class Length(BaseModel):
    """How long a variant is to be, once the names are filled in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = Field(ge=1)
    """So many words or tokens of the body; the front matter does not count."""
    tokenizer: str | None = None
    """The base model whose tokens are counted; words are where there is none."""
    tokenizer_sha256: str | None = None
    """Hash of that base model."""

    @property
    def unit(self) -> str:
        """What is counted."""
        return "tokens" if self.tokenizer else "words"


class VariantPlan(Sampling):
    """All that decides what the variant's text is; its seed also fixes the shuffle of `ablated`."""

    variant: Variant
    """ablated, rules, value-augmented, rule-augmented, general, anti or renamed."""
    id: str
    """The variant's id, which is its file's name."""
    spec: str
    """The id of the spec that it is derived from."""
    spec_sha256: str
    """Hash of that spec's file."""
    model: str | None = None
    """Who writes, in Inspect's words; None where code does it all."""
    names: Names
    """What the assistant and its maker are called while texts are written and counted; the file has placeholders."""
    renamed: Names | None = None
    """The other assistant and its maker, for `renamed`."""
    value_words: list[str] = Field(default_factory=list)
    """Words of the value beside those of the front matter, for `ablated`."""
    rules: int = Field(default=12, ge=1)
    """How many rules, for `rules`."""
    subrules: int = Field(default=110, ge=1)
    """How many subrules in all, for `rule-augmented`."""
    length: Length | None = None
    """How long it is to be, if that matters."""


class Record(BaseModel):
    """How a variant was made; lies in the working folder, since a spec's front matter has no room for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    plan: VariantPlan
    """What was asked for."""
    prompts: dict[str, str]
    """Hashes of the prompt files used, by name."""
    sha256: str
    """Hash of the file that was written."""
    size: int
    """Words of the body, or tokens if the plan counts them, with the names filled in."""
    near: bool
    """Whether the size is within the tolerance of what was asked for; true if no length was."""
