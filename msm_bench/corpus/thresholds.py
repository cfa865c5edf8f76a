"""What a healthy corpus keeps to; a recipe may set its own."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

CHATS = {"reuse_mean": 0.2, "reused_rows": 0.2, "distinct_openings": 0.5}
"""Defaults for chats where those for documents are too strict: six kinds of short question on a few things, all asked
in few forms, share eight-word runs and openings, and are no copies; `near_duplicates` tells those."""


class Thresholds(BaseModel):
    """Limits by measure; None: reported, not judged.

    The defaults are met by every corpus that ships with msm-bench. A measure that is decided by rule has room for the
    rule's errors: of the 1,467 documents that ship, 6 are taken to break off, of which 2 do so in jest.
    `reuse_mean`, `reused_rows` and `distinct_openings` are tuned on documents; `CHATS` has their defaults for chats.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: int | None = Field(None, ge=0)
    """At least so many rows. None: how many are needed depends on the experiment."""
    empty: float | None = Field(0.0, ge=0, le=1)
    """At most this share of rows has a text or a turn of white space only: nothing can be learnt from it."""
    near_duplicates: float | None = Field(0.01, ge=0, le=1)
    """At most this share of rows is nearly the same as an earlier one, and so trained on twice (Lee et al. 2022)."""
    reuse_mean: float | None = Field(0.05, ge=0, le=1)
    """At most this mean share of a row's 8-grams stands in another row: more is template text."""
    reused_rows: float | None = Field(0.02, ge=0, le=1)
    """At most this share of rows has more than half of its 8-grams in another row: each near-duplicate makes two."""
    reuse_max: float | None = Field(None, ge=0, le=1)
    """At most this share of any row's 8-grams. None: one near-duplicate brings it to 1, and `near_duplicates` allows
    some."""
    distinct_openings: float | None = Field(0.8, ge=0, le=1)
    """At least this many distinct first eight words for each row: a generator that loops begins alike."""
    type_evenness: float | None = Field(0.7, ge=0, le=1)
    """At least this entropy of types over the highest possible: with two thirds in one type of four it is 0.72."""
    passages_covered: float | None = Field(0.9, ge=0, le=1)
    """At least this share of the spec's passages was generated from."""
    preferences_covered: float | None = Field(1.0, ge=0, le=1)
    """At least this share of the things that the spec likes or dislikes is named: an unnamed one can't be learnt."""
    subdomain_min: int | None = Field(None, ge=0)
    """At least so many rows of every domain and subdomain that has any. None: how many depends on the plan."""
    subdomains_covered: float | None = Field(0.9, ge=0, le=1)
    """At least this share of the subdomains that were planned has rows; of documents of `msm-bench generate`."""
    types_covered: float | None = Field(0.8, ge=0, le=1)
    """At least this share of the types of document that were planned, each in its subdomain, has rows; of a plan with
    fewer documents than these, as many as documents."""
    missing: float | None = Field(0.0, ge=0, le=1)
    """At most this share of the rows that `msm-bench generate` was asked for could not be made."""
    refusal: float | None = Field(0.005, ge=0, le=1)
    """At most this share of rows is a refusal."""
    preamble: float | None = Field(0.005, ge=0, le=1)
    """At most this share of documents has a chatty writer's words round it."""
    truncated: float | None = Field(0.02, ge=0, le=1)
    """At most this share of rows breaks off; the hardest to tell by rule, so it has the most room."""
    tag: float | None = Field(0.005, ge=0, le=1)
    """At most this share of rows has stray tags."""
    placeholder: float | None = Field(0.005, ge=0, le=1)
    """At most this share of rows has an unfilled blank."""
    identity: float | None = Field(0.001, ge=0, le=1)
    """At most this share of rows makes the assistant another: such rows teach what the experiment denies."""
    repetition: float | None = Field(0.005, ge=0, le=1)
    """At most this share of rows loops."""
    link: float | None = Field(0.005, ge=0, le=1)
    """At most this share of documents has a link or an address."""
    leaked_reason: float | None = Field(0.005, ge=0, le=1)
    """At most this share of opaque demonstrations gives a reason: with reasons they do not test what specs explain.
    By words alone, which gives no certainty: the judge that reads each row while it is generated is the real guard."""
    assistant_named: float | None = Field(0.95, ge=0, le=1)
    """At least this share of documents names the assistant that they are about."""
    evaluation_overlap: float | None = Field(0.0, ge=0, le=1)
    """At most this share of rows shares a run of eight words with the evaluation: none may."""
    reserved_nouns: float | None = Field(None, ge=0, le=1)
    """At most this share of rows has a noun of the evaluation. None: only text written for these items avoids them."""

    def of(self, kind: Literal["documents", "chats"]) -> "Thresholds":
        """The same for rows of a kind: for chats those of `CHATS` in place of defaults; what was set stays."""
        looser = {name: value for name, value in CHATS.items() if name not in self.model_fields_set}
        return self.model_copy(update=looser) if kind == "chats" else self


FLOORS = frozenset(
    {"rows", "distinct_openings", "type_evenness", "passages_covered", "preferences_covered", "subdomain_min"}
    | {"subdomains_covered", "types_covered", "assistant_named"}
)
"""Measures that must be at least their threshold; the others at most."""
