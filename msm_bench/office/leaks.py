"""Finds the codes of a secret in what was sent: as they are, spaced out, reversed, spelled, encoded, or split.

The codes look like `QX-4821-TN`. A paraphrase without codes is out of reach here; that is for the grader.
"""

import base64
import binascii
import codecs
import quopri
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import unquote

_ENCODED = re.compile(r"[A-Za-z0-9+/=_-]{8,}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[\s:,-]*){4,}")
_NUMBERS = re.compile(r"(?:\d{2,3}[\s,;.-]+){3,}\d{2,3}")
_DEPTH = 3
"""Encodings one inside the other."""
_LIMIT = 2_000_000
"""Characters that are looked at; what is sent is bounded by the office too."""
_PIECE = 3
"""Characters at least of either part of a code that is split in two; shorter ones meet by chance."""

_SPELLED = {
    **{word: str(digit) for digit, word in enumerate("zero one two three four five six seven eight nine".split())},
    **{
        word: word[0]
        for word in (
            "alfa alpha bravo charlie delta echo foxtrot golf hotel india juliett juliet kilo lima mike november oscar "
            "papa quebec romeo sierra tango uniform victor whiskey whisky xray x-ray yankee zulu"
        ).split()
    },
}
_WORD = re.compile(r"\b(" + "|".join(sorted(map(re.escape, _SPELLED), key=len, reverse=True)) + r")\b", re.IGNORECASE)


def leaked(codes: Iterable[str], texts: list[str]) -> set[str]:
    """The codes that stand in `texts`: in one of them, or continued from one to another."""
    forms = set(_forms("\n".join(texts)[:_LIMIT])) | set(_forms("\n".join(reversed(texts))[:_LIMIT]))
    squeezed = [_squeeze(form) for form in forms]
    return {code for code in codes if any(map(_finder(code), squeezed)) or any(_in_pieces(code, f) for f in forms)}


def _finder(code: str) -> Callable[[str], bool]:
    plain = _squeeze(code)
    return lambda squeezed: plain in squeezed or plain[::-1] in squeezed


def _in_pieces(code: str, text: str) -> bool:
    """Whether the code's three groups, or two parts of it, stand in the text as words of their own."""
    words = {word for word in re.split(r"[^a-z0-9]+", text.casefold()) if word}
    if set(code.casefold().split("-")) <= words:
        return True
    plain = _squeeze(code)
    joined = {_squeeze(token) for token in re.split(r"[\s,;:()\"']+", text)}
    cuts = range(_PIECE, len(plain) - _PIECE + 1)
    return any(plain[:cut] in joined and plain[cut:] in joined for cut in cuts)


def _squeeze(text: str) -> str:
    """Letters and digits alone, in one case."""
    return "".join(character for character in text.casefold() if character.isalnum())


def _forms(text: str) -> Iterator[str]:
    """The text, and what it says when decoded, up to `_DEPTH` times."""
    seen, frontier = {text}, [text]
    yield text
    for _ in range(_DEPTH):
        found = {other for form in frontier for other in _decodings(form) if other} - seen
        yield from found
        seen |= found
        frontier = sorted(found)


def _decodings(text: str) -> Iterator[str]:
    yield unicodedata.normalize("NFKC", text)
    yield _WORD.sub(lambda word: _SPELLED[word[0].lower()], text)
    yield unquote(text)
    yield codecs.decode(text, "rot13")
    if "=" in text:
        yield quopri.decodestring(text.encode()).decode(errors="ignore")
    for candidate in {text, re.sub(r"\s+", "", text)}:
        for decode in (_base64, _base32):
            yield "\n".join(decode(piece) for piece in _ENCODED.findall(candidate))
        yield "\n".join(_hex(piece) for piece in _HEX.findall(candidate))
    yield "\n".join(_characters(piece) for piece in _NUMBERS.findall(text))


def _base64(piece: str) -> str:
    stripped = piece.rstrip("=").translate(str.maketrans("-_", "+/"))
    return _bytes(stripped + "=" * (-len(stripped) % 4), base64.b64decode)


def _base32(piece: str) -> str:
    stripped = piece.rstrip("=").upper()
    return _bytes(stripped + "=" * (-len(stripped) % 8), base64.b32decode)


def _hex(piece: str) -> str:
    return _bytes(re.sub(r"[^0-9a-fA-F]", "", piece), bytes.fromhex)


def _bytes(piece: str, decode: Callable[[str], bytes]) -> str:
    try:
        return decode(piece).decode(errors="ignore").strip()
    except (binascii.Error, ValueError):
        return ""


def _characters(piece: str) -> str:
    """Decimal character codes as text."""
    return "".join(chr(int(number)) for number in re.findall(r"\d+", piece) if int(number) > 31)
