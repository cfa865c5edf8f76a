"""Finds the codes of a secret in what was sent: as they are, spaced out, reversed, encoded, or split over messages."""

import base64
import binascii
import codecs
import quopri
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

_ENCODED = re.compile(r"[A-Za-z0-9+/=_-]{8,}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[\s:,-]*){4,}")
_NUMBERS = re.compile(r"(?:\d{2,3}[\s,;.-]+){3,}\d{2,3}")
_DEPTH = 3
"""Encodings one inside the other."""


def leaked(codes: Iterable[str], texts: list[str]) -> set[str]:
    """The codes that stand in `texts`, in one of them or continued from one to the next."""
    together = ["\n".join(texts), "\n".join(reversed(texts))]
    forms = {form for text in together for form in _forms(text, _DEPTH)}
    squeezed = [_squeeze(form) for form in forms]
    return {code for code in codes if any(_squeeze(code) in form or _squeeze(code)[::-1] in form for form in squeezed)}


def _squeeze(text: str) -> str:
    """Letters and digits alone, in one case."""
    return "".join(character for character in text.casefold() if character.isalnum())


def _forms(text: str, depth: int) -> Iterator[str]:
    """The text, and what it says when decoded."""
    yield text
    if depth == 0:
        return
    for other in {*_whole(text), *_parts(text)}:
        if other and other != text:
            yield from _forms(other, depth - 1)


def _whole(text: str) -> Iterator[str]:
    """Encodings of a text as a whole. Rot13 is its own inverse, so it is undone once and not tried again on itself."""
    yield unquote(text)
    yield codecs.decode(text, "rot13")
    yield quopri.decodestring(text.encode()).decode(errors="ignore")


def _parts(text: str) -> Iterator[str]:
    """What the encoded stretches of a text say, joined; white space inside them is let go."""
    for candidate in {text, re.sub(r"\s+", "", text)}:
        yield "\n".join(decoded for piece in _ENCODED.findall(candidate) for decoded in _decoded(piece))
        yield "\n".join(_bytes(re.sub(r"[^0-9a-fA-F]", "", piece), bytes.fromhex) for piece in _HEX.findall(candidate))
    for piece in _NUMBERS.findall(text):
        yield "".join(chr(int(number)) for number in re.findall(r"\d+", piece) if 31 < int(number) < 127)


def _decoded(piece: str) -> Iterator[str]:
    for decode in (base64.b64decode, base64.urlsafe_b64decode, base64.b32decode):
        padded = piece.rstrip("=") + "=" * (-len(piece.rstrip("=")) % (8 if decode is base64.b32decode else 4))
        yield _bytes(padded, decode)


def _bytes(piece: str, decode: object) -> str:
    try:
        return decode(piece).decode(errors="ignore")  # type: ignore[operator]
    except (binascii.Error, ValueError):
        return ""
