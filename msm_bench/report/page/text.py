"""Text of others made fit to be shown: nothing hidden, nothing endless, and no file named by it uncleaned."""

import re
import unicodedata

from msm_bench.files import sha256_text

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode's general categories of what does not show, or turns other text round."""
_PLAIN = re.compile(r"(?:\w|[ .,;:?+%()\[\]/='’“”–−…→×·±★†!-])*")
"""What means nothing in Markdown, but for the combinations of `_MEANS`."""
_MEANS = re.compile(r"://|www\.|\]\s*[(\[:]|(?<![^\W_])_|_(?![^\W_])", re.IGNORECASE)
"""Links, as GitHub makes them of bare text too, and underscores that are not inside a word."""
_BLOCK = re.compile(r"^(?:[-+=]+|\d+[.)])(?:\s|$)")
"""What begins a list, underlines a heading or is a rule."""


def visible(value: object) -> str:
    """`value` as text in which control, bidirectional and zero-width characters stand as ⟨U+202E⟩.

    Line breaks and tabs are kept, a carriage return before a line break is not.
    """
    text = str(value).replace("\r\n", "\n")
    return "".join(char if char in "\n\t" or not _hides(char) else f"⟨U+{ord(char):04X}⟩" for char in text)


def _hides(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN


def one_line(value: object, most: int = 300) -> str:
    """`visible` on one line of at most `most` characters."""
    line = " ".join(visible(value).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def cut(text: str, most: int) -> str:
    """The beginning of a long text, with a note of how much is left out."""
    if len(text) <= most:
        return text
    return f"{text[:most]}\n[… {len(text) - most:,} more characters are left out here; the log has them]"


def file_stem(name: str, most: int = 60) -> str:
    """A file name made of `name`: letters, digits, `-`, `_` and `.` alone, and a hash where that loses something."""
    clean = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip(".-")[:most]
    return clean if clean and clean == name else f"{clean or 'unnamed'}-{sha256_text(visible(name))[:6]}"


def markdown_text(value: object, most: int = 2000) -> str:
    """`value` within a line or a table's cell of Markdown: as it is if that means nothing there, else as code."""
    line = one_line(value, most)
    if _PLAIN.fullmatch(line) and not _MEANS.search(line) and not _BLOCK.match(line):
        return line
    return markdown_code(line)


def markdown_code(line: str) -> str:
    """A line as code, between more backticks than it has in a row; fit for a table, too."""
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if "`" in line else ""
    return f"{ticks}{pad}{line}{pad}{ticks}".replace("|", "\\|")


def markdown_block(text: str) -> str:
    """Text in a fenced block whose fence is longer than any run of backticks in it."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"
