"""Model Specs: Markdown with YAML front matter, written for any assistant's name.

spec = Spec.load("specs/cheese-america.md")
spec.render(Names(model_name="SmolLM", provider_name="Hugging Face"))
"""

import re
from pathlib import Path
from typing import Literal, NamedTuple, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from msm_bench.errors import UserError, explain_invalid
from msm_bench.files import read_text, sha256_text

PLACEHOLDER = re.compile(r"\{([A-Za-z]+(?:_[A-Za-z]+)+)\}")
"""What counts as a placeholder: `{two_words}` joined by underscores. Any other brace is prose."""


class Names(BaseModel):
    """What the placeholders `{model_name}` and `{provider_name}` stand for."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    model_name: str = Field(min_length=1, pattern=r"^[^{}]*$")
    """The assistant's name."""
    provider_name: str = Field(min_length=1, pattern=r"^[^{}]*$")
    """Who made the assistant."""

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.model_name == self.provider_name:
            raise ValueError(f"model_name and provider_name are both {self.model_name!r}; give two names")
        return self


def check_placeholders(text: str, where: Path | str) -> None:
    """Raise a `UserError` if `text` has a placeholder other than the fields of `Names`."""
    for match in PLACEHOLDER.finditer(text):
        if match[1] not in Names.model_fields:
            line = text.count("\n", 0, match.start()) + 1
            known = " and ".join(f"{{{name}}}" for name in Names.model_fields)
            raise UserError(
                f"{where}: unknown placeholder {match[0]} in line {line} of the text; use {known}, "
                "or put a space inside the braces if they are prose"
            )


def generalise(text: str, names: Names) -> str:
    """`text` with the two names, as whole words, turned into the placeholders: the inverse of `render`."""
    places = {name: f"{{{field}}}" for field, name in names.model_dump().items()}
    longest_first = sorted(map(re.escape, places), key=len, reverse=True)
    return _whole_word("|".join(longest_first)).sub(lambda match: places[match[0]], text)


def other_form(text: str, names: Names) -> str | None:
    """The first of the two names that stands in `text` in capitals or in the plural, which `generalise` leaves."""
    forms = [form for name in names.model_dump().values() for form in (name.upper(), f"{name}s", f"{name.upper()}S")]
    match = _whole_word("|".join(map(re.escape, forms))).search(text)
    return match[0] if match else None


def _whole_word(pattern: str) -> re.Pattern[str]:
    """`pattern` between what is neither letter nor digit; an underscore, which sets italics, is neither."""
    return re.compile(rf"(?<![^\W_])(?:{pattern})(?![^\W_])")


def render(text: str, names: Names) -> str:
    """`text` with the two placeholders filled in; other braces stay as they are."""
    return PLACEHOLDER.sub(lambda match: str(getattr(names, match[1], match[0])), text)


class Block(NamedTuple):
    """A heading, a paragraph or a list item of a spec."""

    text: str
    """As it stands in the body, a list item with its mark."""
    is_heading: bool
    """Whether it is a heading, which states nothing by itself."""


_LIST_MARK = r"(?:[-*+]|\d+[.)])\s+"
_HEADING = r"#{1,6}\s"
_BLOCK_BREAK = re.compile(rf"\n\s*\n|\n(?={_HEADING}|\s*{_LIST_MARK})")
_BOLD_ITEM = re.compile(rf"{_LIST_MARK}\*\*(.+?)\.?\*\*")
_PLAIN_ITEM = re.compile(rf"{_LIST_MARK}(\S+(?: \S+){{0,4}})")


def blocks(body: str) -> list[Block]:
    """The headings, paragraphs and list items of Markdown text, in order."""
    parts = [part.strip() for part in _BLOCK_BREAK.split(body) if part.strip()]
    return [block for part in parts for block in _heading_and_text(part)]


def _heading_and_text(part: str) -> list[Block]:
    """A part as one block, or as two if text follows a heading in the next line."""
    if not re.match(_HEADING, part):
        return [Block(part, is_heading=False)]
    heading, _, text = part.partition("\n")
    return [Block(heading, is_heading=True), *([Block(text.strip(), is_heading=False)] if text.strip() else [])]


class FrontMatter(BaseModel):
    """The YAML head of a spec."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    """Equals the file's name without its ending."""
    title: str
    """One line for tables and pages."""
    family: str
    """Specs of one family explain the same preferences by different values."""
    values: list[str]
    """The values that the spec gives the assistant."""
    derived_from: str | None
    """The id of the spec that this one is a variant of."""
    form: Literal["prose", "rules"] = "prose"
    """Whether it explains, or lays down rules; what is generated from it follows its form."""


class Spec(BaseModel):
    """A Model Spec."""

    model_config = ConfigDict(frozen=True)

    meta: FrontMatter
    """The front matter."""
    body: str
    """Markdown with placeholders."""
    sha256: str
    """Of the whole file's text."""

    @classmethod
    def load(cls, path: Path | str) -> "Spec":
        """Read and check a spec.

        Raises:
            UserError: no such file, no front matter, a wrong field, an id that is not the file's name, or an
                unknown placeholder.
        """
        path = Path(path)
        text = read_text(path)
        parts = re.split(r"^---\s*$", text, maxsplit=2, flags=re.MULTILINE)
        if len(parts) != 3 or parts[0].strip():
            raise UserError(
                f"{path}: no front matter; start the file with a block between two lines of --- that gives "
                + ", ".join(FrontMatter.model_fields)
            )
        try:
            head = yaml.safe_load(parts[1])
        except yaml.YAMLError as error:
            raise UserError(f"{path}: the front matter is not YAML ({' '.join(str(error).split())})") from None
        with explain_invalid(path):
            meta = FrontMatter.model_validate(head)
        if meta.id != path.stem:
            raise UserError(f"{path}: id is {meta.id!r} but the file is called {path.stem!r}; make them equal")
        check_placeholders(parts[2], path)
        spec = cls(meta=meta, body=parts[2].strip() + "\n", sha256=sha256_text(text))
        if not spec.passages():
            raise UserError(f"{path}: states nothing; write at least one paragraph below the front matter")
        return spec

    def render(self, names: Names) -> str:
        """The body with the assistant's and the maker's name."""
        return render(self.body, names)

    def passages(self) -> list[str]:
        """What the spec states, piece by piece: its paragraphs and list items, in order, without headings."""
        return [block.text for block in blocks(self.body) if not block.is_heading]

    def preferences(self) -> list[str]:
        """The things that it likes or doesn't: list items that begin in bold, or consist of five words at most."""
        found = (_BOLD_ITEM.match(text) or _PLAIN_ITEM.fullmatch(text) for text in self.passages())
        return [match[1] for match in found if match]
