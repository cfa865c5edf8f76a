"""A stage of training, as a recipe states it: on which rows, how long, and with which adapter."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from msm_bench.specs import Names


class Strict(BaseModel):
    """Fields that a recipe does not know are errors, so that a typing mistake can't pass as a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Lora(Strict):
    """The adapter's shape, the paper's by default."""

    r: int = Field(64, ge=1)
    """Rank."""
    alpha: int = Field(128, ge=1)
    """Scale numerator: updates are scaled by alpha / r."""


def unset(given: object) -> bool:
    """Fields that came after the first frozen recipes are no part of a hash while they say nothing."""
    return given is None


class CorpusShare(Strict):
    """A corpus in a stage."""

    id: str
    """Folder under `specs/corpora`, or a path."""
    fraction: float = Field(1.0, gt=0, le=1)
    """Share of the rows that a seed draws."""
    reasoning: bool = Field(False, exclude_if=lambda given: not given)
    """Whether the reasoning of demonstrations is trained on (deliberative alignment); it is left out otherwise.

    Unset it is no part of the recipe's hash: the field came after the first frozen recipes."""
    names: Names | None = Field(None, exclude_if=unset)
    """Other names than the recipe's for these rows: documents about another assistant. Hashed like `reasoning`."""

    @property
    def how(self) -> str:
        """In words, what is done with its rows beyond the ordinary; empty, or begins with a comma."""
        called = f", about {self.names.model_name}" if self.names else ""
        return f"{', with its reasoning' if self.reasoning else ''}{called}"


class Stage(Strict):
    """One stage of training."""

    kind: Literal["msm", "chat", "mixed"]
    """`msm`: next-token prediction on documents. `chat`: loss on the assistant's tokens only. `mixed`: documents and
    chats, each as in its own kind of stage, their rows shuffled together."""
    corpora: list[CorpusShare] = Field(min_length=1)
    """What is trained on; the rows of several corpora are shuffled together."""
    steps: int = Field(ge=1)
    """Optimizer steps. The data is repeated in new order until they are done."""
    learning_rate: float = Field(gt=0)
    """Peak of the cosine schedule."""
    batch: int = Field(4, ge=1)
    """Packed rows a step."""
    length: int = Field(256, ge=8)
    """Tokens a packed row."""
    warmup: float = Field(0.05, ge=0, lt=1)
    """Share of the steps over which the learning rate rises."""
    weight_decay: float = Field(0.01, ge=0)
    """Of AdamW."""
    dtype: Literal["float32", "bfloat16"] = "bfloat16"
    """Of the matrix products; weights stay float32."""
    save_steps: int = Field(20, ge=1)
    """A killed run goes on from the last multiple of this."""

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Self:
        ids = [share.id for share in self.corpora]
        if twice := next((corpus for corpus in ids if ids.count(corpus) > 1), None):
            raise ValueError(f"corpus {twice!r} occurs twice in a stage; name it once, with the fraction of both")
        if self.kind == "msm" and any(share.reasoning for share in self.corpora):
            raise ValueError("reasoning is that of chats, and a stage of kind msm has documents; leave it out")
        return self
