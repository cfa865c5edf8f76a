"""What a generation run is asked for."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from msm_bench.specs import Names

Style = Literal["value", "rule", "opaque"]


class Sampling(BaseModel):
    """How a model is asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = Field(default=1, ge=0)
    """Makes the requests of one run differ from those of another."""
    temperature: float = Field(default=1.0, ge=0, le=2)
    """Of sampling; graders are asked at 0."""
    thinking_tokens: int = Field(default=0, ge=0)
    """Added to the room of every answer, for models that think before they write."""


class Plan(Sampling):
    """What documents and chats have in common."""

    spec: str
    """The spec's id."""
    spec_sha256: str
    """Hash of its file."""
    model: str
    """Who writes, in Inspect's words: `provider/name`."""
    names: Names
    """What the assistant and its maker are called while texts are written; in the rows they are placeholders again."""


class DocumentPlan(Plan):
    """From a spec to documents."""

    kind: Literal["documents"] = "documents"
    domains: int = Field(default=8, ge=1)
    """Of the spec."""
    subdomains: int = Field(default=4, ge=1)
    """Of each domain."""
    assertions: int = Field(default=6, ge=1)
    """About the assistant, for each subdomain; its documents take turns with them."""
    types: int = Field(default=20, ge=1)
    """Types of document for each subdomain."""
    ideas: int = Field(default=25, ge=1)
    """Ideas for each type, and one document for each idea."""
    documents: int = Field(ge=1)
    """In all; if fewer than there are ideas for, they are spread over domains, subdomains and types."""
    words: int = Field(default=1000, ge=40)
    """About so many in a document."""
    revise: bool = False
    """Whether each document is criticised and written anew."""


class ChatPlan(Plan):
    """From a spec to demonstrations."""

    kind: Literal["chats"] = "chats"
    style: Style
    """value: from values made its own; rule: citing the policy; opaque: a preference and never a reason."""
    grader: str | None
    """Who judges what was written; None: nobody, and rules alone decide."""
    domains: int = Field(default=12, ge=1)
    """Domains of conversation; opaque chats go by the preferences of the spec, if it lists any."""
    chats: int = Field(ge=1)
    """In all, spread over domains and kinds of question."""
    reasoning_words: int = Field(default=150, ge=10)
    """About so many in a reasoning trace."""
