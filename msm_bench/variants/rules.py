"""Variants that consist of rules: rules alone, rules with reasons, rules with subrules.

A rule is a section under a heading `##`. Where a variant takes rules over they stand in it word for word, since code
puts the spec's own text there and only adds to it.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from msm_bench.corpus.generate.fill import Unusable
from msm_bench.corpus.generate.levels import Entry, Sentence
from msm_bench.corpus.generate.lists import Wanted
from msm_bench.corpus.similar import Seen
from msm_bench.errors import UserError
from msm_bench.specs import Names, Spec
from msm_bench.variants.parts import Accept, Draft, Manner, Part, check_no_reason, heading, passage
from msm_bench.variants.plan import VariantPlan
from msm_bench.variants.writer import Ask, Writer

_LABEL = re.compile(r"##\s+([A-Z]+\d+)\b")
_TITLE = re.compile(r"##\s+(?:\d+[.)]\s+)?(.+)")
_REASON_WORDS = 400
"""In the reasons for one rule, if no length is given."""
_SUBRULE_WORDS = 22
"""In a subrule, if no length is given."""
_LONGEST_RULE = 80
"""Words of a rule or subrule."""
_STUMP = 0.25
"""Reasons with less than this share of the words that were asked for are none."""
_PARAGRAPHS = 12
"""Of the reasons for one rule, at most."""
_NO_REASON = "It is one sentence that says what the assistant does or does not do, and gives no reason for it."


class Rule(Entry):
    """A rule of conduct."""

    text: str
    name: str


class Section(NamedTuple):
    """A rule of a spec, as it stands there."""

    label: str
    """SP1, or else its whole heading."""
    text: str
    """Heading and all, word for word."""


class Sections(NamedTuple):
    """A spec of rules, taken apart."""

    head: str
    """What stands before the first rule."""
    rules: list[Section]


def sections(spec: Spec, variant: str) -> Sections:
    """The rules of a spec.

    Raises:
        UserError: it is no spec of rules, or has none under a heading of its own.
    """
    if spec.meta.form != "rules":
        raise UserError(
            f"{spec.meta.id}: its form is {spec.meta.form}; {variant} starts from rules: derive a rules variant first"
        )
    head, *found = re.split(r"^(?=## )", spec.body, flags=re.MULTILINE)
    if not found:
        raise UserError(f"{spec.meta.id}: no rule stands under a heading ## of its own; give each rule one")
    return Sections(head.strip(), [Section(_label(text), text.strip()) for text in found])


def _label(text: str) -> str:
    match = _LABEL.match(text) or _TITLE.match(text)
    return match[1].rstrip(".") if match else text


async def as_rules(spec: Spec, plan: VariantPlan, writer: Writer) -> Draft:
    """The conduct that the spec implies, as `plan.rules` rules without reasons."""
    names = plan.names
    accept = accept_rule(names)

    def accept_named(rule: Rule) -> Rule:
        name = heading(rule.name.rstrip(". "), names)
        check_no_reason(name)
        return Rule(text=accept(rule.text), name=name)

    wanted = Wanted("variant_rules", "the rules", {}, Rule, plan.rules)
    [rules] = await writer.lists([wanted], lambda: accept_named)
    parts = [Part("# The rules of {model_name}"), Part(f"{{provider_name}} gives {{model_name}} {len(rules)} rules.")]
    for number, rule in enumerate(rules, 1):
        parts.append(Part(f"## R{number}. {rule.name}"))
        parts.append(Part(rule.text, manner=Manner("It gives no reason for the rule.", accept)))
    title = f"The conduct that {spec.meta.id} implies, as {len(rules)} rules without reasons"
    return Draft(title, spec.meta.values, "rules", parts)


async def with_reasons(spec: Spec, plan: VariantPlan, writer: Writer, room: int | None) -> Draft:
    """The rules word for word, each followed by its reasons; `room` is how many words there are for these in all."""
    found = sections(spec, "value-augmented")
    words = max(40, (room or _REASON_WORDS * len(found.rules)) // len(found.rules))
    asks = [
        Ask(
            "variant_reasons",
            f"the reasons for {rule.label}",
            {"rule": writer.shown(rule.text), "label": writer.shown(rule.label), "words": words},
            accept_reasons(plan.names, words),
            words,
        )
        for rule in found.rules
    ]
    parts = [Part(found.head)] if found.head else []
    demand = "It gives reasons for the rule, and neither adds a rule nor changes one."
    for rule, text in zip(found.rules, await writer.texts(asks), strict=True):
        manner = Manner(demand, accept_reasons(plan.names, 0))
        parts += [Part(rule.text), Part(f"### Reasons for {rule.label}")]
        parts += [Part(paragraph, manner=manner) for paragraph in text.split("\n\n")]
    return Draft(f"The rules of {spec.meta.id}, with the reasons for them", spec.meta.values, "prose", parts)


async def with_subrules(spec: Spec, plan: VariantPlan, writer: Writer, room: int | None) -> Draft:
    """The rules word for word, each followed by its share of `plan.subrules`; `room` as in `with_reasons`."""
    found = sections(spec, "rule-augmented")
    count = len(found.rules)
    if plan.subrules < count:
        raise UserError(
            f"--subrules {plan.subrules}: {spec.meta.id} has {count} rules; ask for one subrule each at least"
        )
    shares = [plan.subrules // count + (place < plan.subrules % count) for place in range(count)]
    words = min(_LONGEST_RULE // 2, max(8, room // plan.subrules)) if room else _SUBRULE_WORDS
    wanted = [
        Wanted(
            "variant_subrules",
            f"the subrules of {rule.label}",
            {"rule": writer.shown(rule.text), "label": writer.shown(rule.label), "words": words},
            Sentence,
            share,
        )
        for rule, share in zip(found.rules, shares, strict=True)
    ]
    accept = accept_rule(plan.names)
    listed = await writer.lists(wanted, lambda: _accept_new(accept))
    parts = [Part(found.head)] if found.head else []
    for rule, subrules in zip(found.rules, listed, strict=True):
        parts += [Part(rule.text), Part(f"### Subrules of {rule.label}")]
        manner = Manner(_NO_REASON, accept)
        parts += [Part(one.text, mark=f"{number}. ", manner=manner) for number, one in enumerate(subrules, 1)]
    title = f"The rules of {spec.meta.id}, with {plan.subrules} subrules that spell out conduct"
    return Draft(title, spec.meta.values, "rules", parts)


def _accept_new(accept: Accept) -> Callable[[Sentence], Sentence]:
    """Lets a subrule pass that `accept` takes, and that no other of its list nearly equals."""
    seen = Seen(threshold=0.7, n=4)

    def accept_new(subrule: Sentence) -> Sentence:
        text = accept(subrule.text)
        if seen.add(text, text) not in (None, text):
            raise Unusable("nearly the same as another")
        return Sentence(text=text)

    return accept_new


def accept_rule(names: Names) -> Accept:
    """Lets a paragraph pass that is no longer than a rule and gives no reason."""

    def accept(raw: str) -> str:
        text = passage(raw, names)
        check_no_reason(text)
        if len(text.split()) > _LONGEST_RULE:
            raise Unusable("too long for a rule")
        return text

    return accept


def accept_reasons(names: Names, words: int) -> Accept:
    """Lets running text pass that is not much shorter than `words`."""

    def accept(raw: str) -> str:
        text = passage(raw, names, _PARAGRAPHS)
        if len(text.split()) < _STUMP * words:
            raise Unusable("too short")
        return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", text))

    return accept
