"""Two small variants: a general paragraph in place of the spec, and the spec said of another assistant."""

from msm_bench.corpus.generate.fill import Unusable
from msm_bench.errors import UserError
from msm_bench.specs import PLACEHOLDER, Names, Spec, render
from msm_bench.variants.parts import Accept, Draft, Manner, Part, passage, words_of_values
from msm_bench.variants.plan import VariantPlan
from msm_bench.variants.tastes import any_of, sides
from msm_bench.variants.writer import Ask, Writer

_WORDS = 130
"""In the general paragraph, if no length is given."""
_LONGEST_NAME = 60
"""Characters."""
_DEMAND = "It speaks of good values and good judgement in general alone, and stays one paragraph."


async def general(spec: Spec, plan: VariantPlan, writer: Writer, room: int | None) -> Draft:
    """One paragraph on good values and good judgement, with nothing that is the spec's own; some `room` words."""
    words = room or _WORDS
    accept = accept_general(spec, plan.names)
    avoid = ", ".join([*spec.meta.values, *sides(spec).items]) or "(none)"
    ask = Ask("variant_general", "the paragraph", {"words": words, "avoid": avoid}, accept, words)
    [text] = await writer.texts([ask])
    title = f"Good values and good judgement in general, in place of {spec.meta.id}"
    return Draft(title, ["good values", "good judgement"], "prose", [Part(text, manner=Manner(_DEMAND, accept))])


def accept_general(spec: Spec, names: Names) -> Accept:
    """Lets a paragraph pass that is about the assistant and names no value or thing of the spec."""
    own = [words_of_values(spec.meta.values), any_of(sides(spec).items)]

    def accept(raw: str) -> str:
        text = passage(raw, names)
        if "{model_name}" not in text:
            raise Unusable("does not name the assistant")
        for pattern in own:
            if match := pattern.search(text):
                raise Unusable(f"names what is the spec's own: {match[0]}")
        return text

    return accept


def renamed(spec: Spec, other: Names) -> Draft:
    """The spec word for word, said of another assistant and its maker by name.

    Raises:
        UserError: a name is empty, long, or holds what is no part of a name.
    """
    for name in (other.model_name, other.provider_name):
        if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable() or set("{}<>`*#[]|") & set(name):
            raise UserError(f"{name!r}: not a name; give one to {_LONGEST_NAME} letters without marks and braces")
    if not PLACEHOLDER.search(spec.body):
        raise UserError(f"{spec.meta.id}: has no {{model_name}} to put a name for")
    body = render(spec.body, other).strip()
    return Draft(f"{spec.meta.title} (said of {other.model_name})", spec.meta.values, spec.meta.form, [Part(body)])
