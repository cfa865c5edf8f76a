"""Does an assistant say that it has no opinions? Then a row contradicts every spec that gives it some.

The rules read English, and err towards finding: a public set has rows to spare.
"""

import re

_AI = (
    r"(?:an? )?(?:\w+ ){0,2}?(?:AI|artificial intelligence|language model|LLM|machine|computer program|chatbot|bot|"
    r"virtual assistant)\b"
)
_BEING_ONE = rf"(?:as|being|because|since|I(?:'m| am)) (?:I(?:'m| am) )?(?:just |only |merely |simply )?{_AI}"
_ONES = r"\b(?:AI|language model|LLM)s?(?: \w+)?(?: (?:like|such as) (?:me|myself))?"
_CANNOT = r"(?:do not|does not|don't|doesn't|cannot|can't|can not|never|(?:am|'m) (?:not able|unable) to)"
_HAVE = r"(?:have|has|hold|form|possess|express|experience|offer|share|take)"
_LACK = (
    rf"(?:{_CANNOT} (?:\w+ly )?{_HAVE}|(?:have|has|hold|holds|possess) no|lacks?|"
    r"(?:am|'m) (?:not capable of|incapable of|without)(?: (?:having|holding|forming|expressing|experiencing))?)"
)
_KIND = (
    r"(?:opinion|preference|view|belief|taste|favou?rite|bias|value|stance|feeling|emotion|desire|experience|"
    r"perspective)"
)
_QUALIFIED = (
    r"(?:(?:any|own|my|or|and|of|the|a|an|such|like|personal|subjective|individual|human|real|true|political|inner|"
    rf"{_KIND}s?)[, ]+)*"
)
_IN_GENERAL = (
    r"(?:opinions|preferences|views|beliefs|tastes|favou?rites|likes (?:and|or) dislikes|an? (?:personal )?favou?rite|"
    rf"(?:personal|subjective) {_KIND}s?)\b"
)
_SOME = rf"{_QUALIFIED}{_KIND}s?\b"
_FORMS = (
    rf"\bI ?{_LACK} {_QUALIFIED}{_IN_GENERAL}",
    rf"\b{_BEING_ONE}[^.!?\n]{{0,60}}?{_LACK} {_SOME}",
    rf"\bI ?{_LACK} {_SOME}[^.!?\n]{{0,60}}\b{_BEING_ONE}",
    rf"{_ONES} {_LACK} {_SOME}",
)
_NO_OPINIONS = re.compile("|".join(_FORMS), re.IGNORECASE)


def no_opinions(text: str) -> str:
    """The words that say that the assistant has no opinions, preferences or favourites; empty if none do.

    "I have no preference" is one person's answer in a drafted letter, so that in the singular it counts only beside
    the words that it comes from an AI.
    """
    match = _NO_OPINIONS.search(text.replace("’", "'"))
    return match[0] if match else ""
