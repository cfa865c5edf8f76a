"""What is wrong with one text, by rule: refusals, preambles, cut ends, stray tags, false identities, loops, reasons.

text_faults("As an AI language model, I cannot write this.")   # [Fault(kind='refusal', evidence='As an AI …')]

The rules read English. They know what they are shown in `tests/fixtures/faults.jsonl`, and are no judge of meaning.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from msm_bench.corpus.endings import cut_end, sentences
from msm_bench.corpus.health import words
from msm_bench.corpus.identity import identity_claim
from msm_bench.corpus.reasons import leaked_reason
from msm_bench.errors import printable
from msm_bench.specs import Names

__all__ = ["ANSWER_KINDS", "ASKED_KINDS", "EVIDENCE", "KINDS", "Fault", "leaked_reason", "text_faults"]

KINDS = ("refusal", "preamble", "truncated", "tag", "placeholder", "identity", "repetition", "link")
"""Everything that `text_faults` can find."""
ANSWER_KINDS = frozenset(KINDS) - {"preamble", "link"}
"""What is wrong in a chat's answer too: an answer may introduce what it gives, and name a page."""
ASKED_KINDS = frozenset({"tag", "placeholder", "repetition"})
"""What is wrong in a user's turn too: people break off, refuse, and say who they are."""
EVIDENCE = 80
"""Characters that are shown of what was found."""


class Fault(NamedTuple):
    """Something that is wrong with a text."""

    kind: str
    """One of `KINDS`."""
    evidence: str
    """The words that show it, printable; a model wrote them."""


def text_faults(text: str, names: Names | None = None) -> list[Fault]:
    """What is wrong with `text`: at most one fault of each of `KINDS`, in that order.

    Args:
        text: A document or one turn of a chat, with the placeholders of a spec or with the names filled in.
        names: Who the text is about; these names are no false identity.
    """
    plain = text.replace("’", "'").strip()
    own = frozenset((names.model_name, names.provider_name)) if names else frozenset()
    found = ((kind, find(plain)) for kind, find in _FINDERS.items())
    faults = [Fault(kind, printable(evidence, EVIDENCE)) for kind, evidence in found if evidence]
    if claim := identity_claim(plain, own):
        faults.append(Fault("identity", printable(claim, EVIDENCE)))
    return sorted(faults, key=lambda fault: KINDS.index(fault.kind))


# --- refusals

_APOLOGY = (
    r"(?:(?:I'm|I am|we're|we are) (?:(?:so|very|truly|really) )?(?:sorry|afraid)|sorry|(?:my )?apologies|"
    r"(?:I|we) apologi[sz]e|unfortunately|(?:I|we) (?:appreciate|understand)\b[^.!?\n]{0,90}|"
    r"thank(?:s| you) for\b[^.!?\n]{0,90})"
)
_ABLE = (
    r"(?:I|we)(?:'m| am|'re| are|'d| would)? (?:(?:really|just|simply|also|respectfully) )?"
    r"(?:can't|cannot|can not|won't|will not|couldn't|unable|not (?:able|going|willing|comfortable)|"
    r"(?:do not|don't) feel comfortable|(?:must|have to|need to) (?:respectfully )?decline|decline|"
    r"(?:rather|prefer) not)(?: to| be able to| be)?"
)
_WORK = (
    r"(?:with |in )?(?:help(?!\s+(?:but|\w+ing)\b)|assist|comply|continu\w*|writ(?:e|ing)|creat\w+|generat\w+|"
    r"provid\w+|produc\w+|compos\w+|draft\w*|complet\w+|fulfil\w*|engag\w+|respond\w*|do so)"
)
_ASKED = (
    r"(?=\s*[.!,]|(?![^.!?\n]*\bwithout\b)[^.!?;\n]{0,60}?\b(?:(?:that|this|these|those)(?=\s*[.,;!]| kind| type)|"
    r"request\w*|content|document\w*|text|piece|information|material\w*|articles?|essays?|story|stories|prompts?|"
    r"instructions?|task|fiction)\b)"
)
_SPEAKS_AS_AI = r"As an? (?:AI|artificial intelligence|(?:large )?language model)\b"
_REFUSES = (
    rf"(?:{_ABLE} (?:{_WORK}{_ASKED}|decline {_ASKED}|(?:this|that|the|your) request)|"
    rf"(?:this|that) (?:isn't|is not) something (?:I|we) (?:can|could|will|am able to) {_WORK})"
)
_OPENS = re.compile(
    rf"[\W_]*(?:{_SPEAKS_AS_AI}|{_REFUSES}|"
    rf"{_APOLOGY}[,.;:]? ?(?:(?:but|that|however),? )?(?:{_SPEAKS_AS_AI}|{_REFUSES}))",
    re.IGNORECASE,
)
_INSIDE = re.compile(rf"\b{_REFUSES}", re.IGNORECASE)
_PARAGRAPH_AS_AI = re.compile(rf"^{_SPEAKS_AS_AI}[^\n]{{0,60}}", re.MULTILINE | re.IGNORECASE)
_QUOTED = re.compile(
    r"[\"“][^\"”\n]*[\"”]|^(?:\[[^\]\n]*\] ?)?[\w{}.'*-]+(?: [\w{}.'()*-]+){0,2}: [^\n]*", re.MULTILINE
)
_SHORT = 80
"""Words up to which a text that holds a refusal is taken to be one."""


def _refusal(text: str) -> str:
    """The refusal that the text opens with or consists of; what is quoted, or said by a named speaker, is not one."""
    if text[:1] not in '"“' and (match := _OPENS.match(text)):
        return text[: match.end() + 20]
    if match := _PARAGRAPH_AS_AI.search(text):
        return match[0]
    if len(text) > _SHORT * 8 or len(text.split()) > _SHORT:
        return ""
    match = _INSIDE.search(_QUOTED.sub(" ", text))
    return match[0] if match else ""


# --- what a chatty writer puts round a text

_GENRE = (
    r"(?:document|text|letter|article|essay|post|story|memo\w*|transcript|response|reply|answer|version|draft|piece|"
    r"feature|profile|diary|obituary|summary|leaflet|notice|entry|e-?mail|dialogue|script|review|report|interview|"
    r"conversation|example|note|guide|column|speech|passage)s?"
)
_HERE = (
    r"(?:here(?:'s| is| are)|below (?:is|are|you'll find)|(?:the )?following is|please find|"
    r"I(?:'ve| have) (?:written|drafted|prepared|created))"
)
_WILLING = (
    r"(?:sure(?: thing)?|al(?:l |l?)right|certainly|of course|absolutely|ok(?:ay)?|great|understood|got it|"
    r"no problem|happy to help|gladly|I'd be (?:happy|glad) to(?: help)?)"
)
_PREAMBLE = re.compile(
    rf"[\W_]*(?:{_WILLING} ?[!,.:–—-]+ *(?:{_HERE}|below\b|I(?:'ll| will| can|'d be happy to)\b[^\n]{{0,20}}"
    rf"(?:write|draft|create|provide|produce) (?:an?|the|this|you|your|up)\b)[^\n]*"
    rf"|{_HERE}\b(?! (?:my (?!response|reply|draft)|our|what|how|where)\b)"
    rf"[^.!?\n]{{0,80}}\b{_GENRE}\b[^.!?\n]{{0,120}}(?::|[.!]? *\n)"
    rf"|(?:document|response|output|final (?:version|document|draft|answer)|revised \w+) ?:[*_]*\s)",
    re.IGNORECASE,
)
_OFFER = re.compile(
    r"(?:^|\n[^\S\n]*\n)[\W_]{0,20}"
    r"(?:(?:please )?(?:let me know|feel free to (?:ask|tell me|let me know|reach out))\b[^\n]*"
    r"\b(?:you(?:'d| would)? (?:like|need|want|prefer)|chang\w+|revis\w+|adjust\w*|tweak\w*|edit\w*|further|this works)"
    r"\b|(?:I hope (?:this|that|it) (?:helps|meets|works|document|fits|captures))"
    r"|would you like (?:me to|another|any chang)|if you(?:'d| would) like,? I can"
    r"|(?:note|disclaimer): (?:this|the above) (?:document|text|is (?:a )?fiction)|"
    r"this (?:document|text) (?:is|was) (?:generated|written|fiction)|\(?(?:approx\w* )?word count\b)[^\n]*$",
    re.IGNORECASE,
)
_END_MARK = re.compile(
    r"[\[(*#=-]+ *(?:the )?end of (?:the )?(?:document|text|response|output)\b[^\n]*$", re.IGNORECASE
)


def _preamble(text: str) -> str:
    match = _PREAMBLE.match(text) or _OFFER.search(text, max(0, len(text) - 400)) or _END_MARK.search(text[-80:])
    return match[0] if match else ""


# --- tags and placeholders

_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_KNOWN_TAGS = (
    "a|answer|article|assistant|b|blockquote|body|bos|br|code|content|conversation|div|doc|document|email|em|end_of_turn|"
    "eos|example|final|h[1-6]|head|html|i|img|input|instructions?|letter|li|memo|ol|output|p|pad|post|pre|prompt|"
    "reasoning|reflection|response|result|s|scratchpad|script|span|start_of_turn|story|strong|style|system|table|td|"
    "text|think|thinking|thought|title|tr|u|ul|unk|user"
)
_TAG = re.compile(
    rf"<\|[^|<>\n]{{1,40}}\|>|<</?SYS>>|\[/?INST\]|</[A-Za-z][\w:-]*\s*>|<(?:{_KNOWN_TAGS})\s*/?>|"
    r"<[A-Za-z]+_\w+\s*/?>|<[A-Za-z][\w-]*(?:\s+[\w-]+=[\"'][^<>\n]*?)+/?>|<!--|\{\{|\}\}|\{%|%\}",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^[^\S\n]*(?:```|~~~)", re.MULTILINE)


def _tag(text: str) -> str:
    """A tag outside code, a fence that opens the text, or one that is never closed."""
    if text.startswith("```") and text.rstrip().endswith("```") and len(_FENCE.findall(text)) == 2:
        return text[:20]
    if not any(sign in text for sign in ("<", "{{", "}}", "{%", "[INST", "[/INST", "```")):
        return ""
    if len(_FENCE.findall(text)) % 2:
        return "``` without its pair"
    match = _TAG.search(_CODE.sub(" ", text))
    return match[0] if match else ""


_FIELD = (
    r"(?:(?:first|last|full|user|company|product|business|brand|customer|client|recipient|sender|employee|model|"
    r"provider|assistant|AI|city|street|contact|project|event)[ _'-]*s?[ _]*)?(?:name|date|address|city|town|state|"
    r"country|company|organi[sz]ation|(?:\w+ )?name|e-?mail(?: address)?|(?:phone|account|order|case)? ?number|"
    r"title|position|department|recipient|sender|author|signature|location|topic|placeholder|url|amount|year|month|day|venue|link)"
)
_BLANK = (
    rf"(?:(?:insert|enter|add|fill in)\b[^\]}}>\n]{{1,60}}|(?:your|my|the|a|an|their|his|her)[ _]{_FIELD}(?: here)?|"
    rf"{_FIELD}(?:(?:, | or |/| and ){_FIELD})*(?: here)?|TBD|TODO)"
)
_PLACEHOLDER = re.compile(
    rf"\[{_BLANK}\](?!\()|(?<!\{{)\{{(?!(?:model|provider)_name\}}){_BLANK}\}}|<(?:insert|your)[ _][^<>\n]{{1,40}}>"
    r"|\blorem ipsum\b|(?<!\{)\{(?!(?:model_name|provider_name)\})[A-Za-z]+(?:_[A-Za-z]+)+\}",
    re.IGNORECASE,
)
_SHOUTED = re.compile(r"(?<!<)<[A-Z][A-Z_ ]{2,30}>|\bINSERT (?:YOUR |THE |A )?[A-Z]{3,}|\bTODO:|\{[A-Z][A-Z ]{2,30}\}")

_BLANK_SIGNS = ("[", "{", "<", "orem ipsum", "LOREM", "INSERT", "TODO")
"""No blank is without one of these: most texts need no search."""


def _placeholder(text: str) -> str:
    bare = text.replace("{model_name}", "").replace("{provider_name}", "")
    if not any(sign in bare for sign in _BLANK_SIGNS):
        return ""
    bare = _CODE.sub(" ", text) if "`" in text else text
    match = _PLACEHOLDER.search(bare) or _SHOUTED.search(bare)
    return match[0] if match else ""


_DOMAINS = ("com", "org", "net", "io", "gov", "edu", "co.uk", "ai")
_LINK = re.compile(
    r"https?://\S+|\bwww\.\w[\w.-]+|\b[\w.+-]{1,64}@[\w-]+\.\w+|"
    rf"\b[a-z][\w-]*\.(?:{'|'.join(map(re.escape, _DOMAINS))})\b"
)
_LINK_SIGNS = ("://", "www.", "@", *(f".{domain}" for domain in _DOMAINS))


def _link(text: str) -> str:
    match = _LINK.search(text) if any(sign in text for sign in _LINK_SIGNS) else None
    return match[0] if match else ""


# --- loops

_TURNS = 4
"""How often something must come in a row to be a loop: a refrain comes three times."""
_RUN = 15
"""Words that a loop takes at least, after its first turn."""


def _loop(tokens: Sequence[str]) -> str:
    """The first run of words that comes `_TURNS` times in a row: every 5-gram was last seen equally far back."""
    grams = list(zip(*(tokens[k:] for k in range(5)), strict=False))
    if len(set(grams)) > len(grams) - _RUN:  # nearly always, and quickly told
        return ""
    last: dict[tuple[str, ...], int] = {}
    run, period = 0, 0
    for i, gram in enumerate(grams):
        distance = i - last.get(gram, i)
        run = run + 1 if distance and distance == period else int(distance > 0)
        period = distance
        last[gram] = i
        if run >= max(_RUN, (_TURNS - 1) * period - 4) and period:
            return " ".join(tokens[i : i + max(period, 5)])
    return ""


def _repetition(text: str) -> str:
    """A loop, or a sentence that comes five times and makes up a third of the text."""
    if loop := _loop(words(text)):
        return loop
    counts = Counter(sentence.strip().lower() for sentence in sentences(text) if len(sentence) > 15)
    for sentence, count in counts.most_common(1):
        if count > _TURNS and 3 * count * len(sentence) >= len(text):
            return sentence
    return ""


_FINDERS: dict[str, Callable[[str], str]] = {
    "refusal": _refusal,
    "preamble": _preamble,
    "truncated": cut_end,
    "tag": _tag,
    "placeholder": _placeholder,
    "repetition": _repetition,
    "link": _link,
}
