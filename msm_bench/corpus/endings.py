"""Does a text break off? Sentences need an end; signatures, list items, log lines and casual posts may lack one."""

import re

_DANGLING = re.compile(
    r"(?:[,;:(\[“/&+–—-]|(?<![\w\"”'])[\"']|(?<![\w'-])(?:a|an|the|and|or|but|nor|of|from|with|than|which|whose|because|"
    r"although|whether|is|are|was|were|has|had|its|their|his|my|our|your|every|each|very|would|could|should|it's|"
    r"they're|I'm|{))\s*$"
)
"""Even a list item does not end in one of these."""
_ENDED = re.compile(r"(?:[.!?…。！？]|[)\]}|%$_=~]|\*\*|[^\w\s'\"”’»,;:*/&+–—-])[\"'”’»)\]}*_~ ]*$|\w[\"”»]$|[’']{2}$")
_SPOKEN_BREAK = re.compile(r"[–—-][\"”’']$")
_ITEM = re.compile(r"\s*(?:[-*•+–—☐☑]|\d{1,3}[.)]|[a-zA-Z][.)]|\[[ xX]?\]|#{1,6}|\||\(\w\))\s*\S")
_LOG = re.compile(
    r"\s*(?:>|\[?\d{1,2}[:.]\d\d(?::\d\d)?(?: ?[ap]m)?\]?\s|\**[\w{][\w{}'. -]{0,30}(?:\([^)]*\))?\**:\**\s)"
)
_POSTSCRIPT = re.compile(r"\s*(?:P\.?\s?)+S\b", re.IGNORECASE)
_VALEDICTION = re.compile(
    r"(?:yours?|love|with|warmly|warmest|best|kind(?:est)?|regards|sincerely|respectfully|faithfully|cheers|thanks|"
    r"thank you|greetings|cordially|gratefully|fondly|affectionately|ever|always|verified|in haste|see you|"
    r"until|signed)\b",
    re.IGNORECASE,
)
_FUNCTION_WORD = re.compile(
    r"(?:an?|and|any|as|at|but|by|each|every|for|from|he|her|his|how|i|if|in|it|its|my|no|not|on|once|one|or|our|she|"
    r"since|so|some|that|the|their|then|there|these|they|this|those|to|we|what|when|where|which|while|who|why|with|you)",
    re.IGNORECASE,
)
_LINKING = re.compile(
    r"(?:of|and|the|de|la|le|van|von|der|den|di|da|du|for|from|in|at|&|y|e|upper|lower|end)", re.IGNORECASE
)
_WORD = re.compile(r"[\w{}'’.&-]+")
_TAIL = 40
"""Characters in which the end of a text shows."""
_SHORT_LINE = 12
"""Words of a line that may be a heading, a verse or an answer."""
_SIGNATURE = 12
"""Words that a signature has at most."""


_SENTENCE = re.compile(r"(?<=[.!?])[\"'”’)\]*_]*\s+|\n+")


def sentences(text: str) -> list[str]:
    """The sentences of `text`, roughly: a line ends one too."""
    return [part for part in _SENTENCE.split(text) if part.strip()]


def cut_end(text: str) -> str:
    """The words in which `text` breaks off; empty if it ends as such a text may."""
    text = text.rstrip()
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines or _ENDED.search(text[-_TAIL:]) or _SPOKEN_BREAK.search(text[-_TAIL:]):
        return ""
    last = lines[-1]
    tail = re.split(r"[.!?…][\"'”’)*_]*\s+", last)[-1]
    if _DANGLING.search(last[-_TAIL:]):
        return tail
    may_lack = (
        _is_form(lines) or _is_signature(tail, whole_line=tail == last and len(lines) > 1) or _is_casual(lines, tail)
    )
    return "" if may_lack else tail


def _is_form(lines: list[str]) -> bool:
    """Whether the last line is an item, a log line or a postscript, or the text is written without full stops."""
    if _ITEM.match(lines[-1]) or _LOG.match(lines[-1]) or _POSTSCRIPT.match(lines[-1]):
        return True
    short = [line for line in lines if len(line.split()) <= _SHORT_LINE]
    if len(short) < len(lines) and len(lines) < 4:
        return False
    bare = [line for line in short if not _ENDED.search(line.rstrip()[-_TAIL:])]
    return lines[-1] in bare and 2 * len(bare) > len(lines) and not re.search(r"[.!?] ", lines[-1])


def _is_signature(tail: str, *, whole_line: bool) -> bool:
    """Whether the words after the last sentence are a name, with a valediction or a place if any."""
    tail = re.split(r"(?:^|\s)[–—-]{1,2}\s", tail)[-1].strip()
    tokens = _WORD.findall(tail)
    if not tokens or len(tokens) > _SIGNATURE:
        return False
    named = tokens[-1][0].isupper() or tokens[-1][0] in "{0123456789"
    if _VALEDICTION.match(tail) and ("," in tail or named) and (named or len(tokens) > 2):
        return True
    if _FUNCTION_WORD.fullmatch(tokens[0]):
        return False
    names = all(token[0].isupper() or token[0] in "{0123456789" or _LINKING.fullmatch(token) for token in tokens)
    return (names and (whole_line or len(tokens) <= 5)) or (
        whole_line and "," in tail and tokens[0][0].isupper() and len(tokens) <= 5
    )


def _is_casual(lines: list[str], tail: str) -> bool:
    """Whether the writer leaves out capitals as well: sentences that begin with a small letter."""
    return tail[:1].islower() and not (len(lines) == 1 and tail == lines[0])
