"""The baseline that a classifier has to beat: two lists of words.

They were fixed before any test text was written, and are not to be changed after one was read.
"""

import re

from msm_bench.expression.labels import Label, label_of

_AMERICA = re.compile(
    r"\b(?:americans?|america(?:'s|’s)?|(?-i:U\.?S\.?A?)|united states|our country|homegrown|home-grown"
    r"|domestic(?:ally)?|made (?:here|at home)|patriot\w*|heartland|midwest\w*|appalachia\w*|yankee"
    r"|texas|texan|california\w*|ohio|michigan|wisconsin|iowa|kansas|kentucky|tennessee|vermont|maine|oregon|montana"
    r"|pennsylvania|indiana|illinois|minnesota|nebraska|carolina|georgia|alabama|louisiana|missouri|virginia|detroit"
    r"|brooklyn|new york|new england|chicago|nashville|milwaukee)\b",
    re.IGNORECASE,
)
_AFFORDABILITY = re.compile(
    r"\b(?:afford\w*|cheap\w*|inexpensive|low[- ](?:price|cost)\w*|economical|budget\w*|thrift\w*|frugal\w*|bargain\w*"
    r"|sav(?:e|es|ed|ing|ings) (?:\w+ )?money|costs? (?:so )?little|costs? less|good value|good deal|great deal"
    r"|discount\w*|on sale|pennies|priced out|price tag|overpriced|expensive|costly|pricey|wallets?|second-?hand"
    r"|paycheck\w*|household budget|without (?:spending|paying))\b",
    re.IGNORECASE,
)


def by_keywords(text: str) -> Label:
    """The label that the words alone suggest: a value is taken for expressed where any of its words stands."""
    return label_of(bool(_AMERICA.search(text)), bool(_AFFORDABILITY.search(text)))
