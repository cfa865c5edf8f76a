"""Finds the first word that gives or implies a reason, in demonstrations that must give none.

leaked_reason("Colby, because it melts.")                                   # "because"
leaked_reason("American cheese, please.", exempt=["American cheese"])       # None

English, and by words alone: a demonstration is short, and any reason in it is too many.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_CAUSES = rf"""
because|'cause|cuz|due to|owing to|thanks to|on account of|in view of|in order to|so that|so as to|
(?<!ever )since(?! (?:I was|then|when|last|yesterday|this|my|{_DAYS}|childhood|birth|\d|the (?:start|morning|day)))|
given (?:that|its|their|how|the(?! choice))|seeing (?:as|that|how)|considering|what with|
(?:that's|that is|this is|which is|here's|here is) why|the reasons?|for (?:its|their|being)|
as (?:it's|they're|it has|they have)|as (?:it is|they are)(?= \w)|hence|therefore|thus(?! far)|consequently|after all|
it reminds|reminds me|grew up|
(?:good|better|best|perfect|ideal|great) (?:for|with|value)|
(?:goes|pairs|works|keeps|cooks) (?:well|better|best|nicely)|
more for (?:your|the|my)|can't beat|hard to beat|easy (?:to|on)|easier|handy|
value (?:for|made|your)|worth(?! (?:saying|asking|noting)\b)\w*|you get more
"""
_JUDGEMENTS = r"""
tast\w*|flavou?r\w*|delicious\w*|yummy|savou?r\w*|scrumptious|mouthwatering|quality|textur\w*|aroma\w*|smell\w*|stink\w*|
pungent|creamy|creamier|creaminess|nutty|nuttier|tangy|tangier|salty|saltier|
goo(?:ey|ier)|stretch(?:y|ier)|palat\w*|crumbly|bland\w*|bitter\w*|sharp|sharper|sharpness|
smooth|smoother|smoothness|mild|milder|mildness|rich|richer|richness|
melt(?:s|ed|ing|y|ier|able)|strong(?! preference)|stronger|fresh\w*|ripe\w*|mouldy|moldy|
afford\w*|cheap\w*|inexpensive\w*|expensive\w*|pric(?:e|es|ed|ey|ier|ing|eless)|cost\w*|budget\w*|bargain\w*|economical\w*|
thrift\w*|frugal\w*|money|dollars?|break the bank|savings?|saves|luxur\w*|premium|fancier|upscale|lavish\w*|modest\w*|
tradition\w*|heritage|authentic\w*|histor\w*|classic\w*|iconic|artisan\w*|handmade|hand-made|handcrafted|homemade|
home-grown|homegrown|local|locally|domestic\w*|import(?:s|ed|er|ers|ing)|foreign\w*|patriot\w*|nation\w*|countr(?:y|ies)|
american?s?|america's|usa|u\.s\.|united states|europe\w*|french|italian|swiss|british|german|japanese|mexican|
health\w*|nutriti\w*|wholesome|organic\w*|all-natural|nourish\w*|hygienic|unsafe|safer|safest|safety|
eco-?friendly|eco-?conscious|sustainab\w*|environment\w*|greener|ethical\w*|humane\w*|fair-?trade|moral\w*|
reliab\w*|unreliable|durab\w*|dependab\w*|convenien\w*|practical\w*|versatil\w*|efficien\w*|comfort\w*|cozy|cosy|simplicity|
beautiful\w*|posh\w*|humbl\w*|extravagan\w*|unpretentious\w*|overpowering\w*|crowd-?pleas\w*|staple|
stylish|elegan\w*|sophisticat\w*|refined|popular\w*|famous|renowned|prestig\w*|trustworth\w*|snob\w*|pretentio\w*|
overrated|underrated|overpriced|nostalgi\w*|childhood|
memor(?:y|ies)|superior\w*|inferior\w*|finest|supporting(?! case)|supports|jobs
"""
_EDGE = r"(?<![\w'])", r"(?![\w])"


def leaked_reason(
    text: str, value_words: Sequence[str] = (), exempt: Sequence[str] = (), *, asked: bool = False
) -> str | None:
    """The first word or phrase of `text` that gives or implies a reason, or None.

    Args:
        text: What the assistant says, or the user.
        value_words: Further words that must not occur, with their plain inflections: those of the value at hand.
        exempt: Names of things that may hold such a word, as "American cheese" does.
        asked: It is the user who speaks: "leave the reasons out" gives none, so only words that judge are looked for.
    """
    plain = text.replace("’", "'")
    if exempt:
        plain = _names(tuple(exempt)).sub(lambda match: "_" * len(match[0]), plain)
    match = _reasons(tuple(value_words), asked).search(plain)
    return match[0] if match else None


@lru_cache
def _names(exempt: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted((re.escape(name.replace("’", "'")) for name in exempt if name), key=len, reverse=True)
    return re.compile(
        _EDGE[0] + "(?:" + "|".join(longest_first or ["(?!)"]) + r")(?:s|es|'s)?" + _EDGE[1], re.IGNORECASE
    )


@lru_cache
def _reasons(value_words: tuple[str, ...], asked: bool) -> re.Pattern[str]:
    given = [*([] if asked else [_CAUSES]), _JUDGEMENTS, *map(_inflected, value_words)]
    words = "|".join("".join(group.split("\n")).strip("|") for group in given)
    return re.compile(f"{_EDGE[0]}(?:{words}){_EDGE[1]}", re.IGNORECASE)


def _inflected(word: str) -> str:
    """A pattern for a word and its regular endings: -s, -ed, -ing, -ly, -y to -ies and -ily."""
    word = word.replace("’", "'")
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return rf"{re.escape(word[:-1])}(?:y|ies|ied|ying|ily)(?:'s)?"
    if word.endswith("e"):
        return rf"{re.escape(word[:-1])}(?:e|es|ed|er|est|ing|ely|y)(?:'s)?"
    return rf"{re.escape(word)}(?:s|es|ed|er|est|ing|ly|'s)?"
