"""Whether what a model wrote can be a row."""

from collections.abc import Collection, Sequence

from msm_bench.corpus.faults import KINDS, text_faults
from msm_bench.corpus.generate.fill import Unusable
from msm_bench.corpus.generate.journal import Answer
from msm_bench.corpus.generate.prompt import Prompt
from msm_bench.corpus.health import ngrams
from msm_bench.corpus.store import Origin
from msm_bench.errors import UserError
from msm_bench.specs import Names, check_placeholders, generalise, other_form

_ECHO = 8
"""Words in a row that no text shares with its prompt by chance."""


def finished(answer: Answer) -> str:
    """The answer's text, if the model ended it of its own accord.

    Raises:
        Unusable: it was cut off, filtered, or is empty.
    """
    if answer.stop_reason in ("max_tokens", "model_length"):
        raise Unusable("truncated: out of tokens")
    if answer.stop_reason == "content_filter":
        raise Unusable("refusal: stopped by the provider's filter")
    if answer.stop_reason != "stop":
        raise Unusable(f"not ended by the model: {answer.stop_reason}")
    if not answer.text.strip():
        raise Unusable("empty")
    return answer.text.strip()


def clean(text: str, names: Names, kinds: Collection[str] = KINDS) -> str:
    """The text with placeholders for the names, if no rule finds a fault of one of `kinds` in it.

    Raises:
        Unusable: the first fault, with its evidence.
    """
    general = generalise(text, names)
    if other := other_form(general, names):
        raise Unusable(f"name in another form: {other}")
    for fault in text_faults(general, names):
        if fault.kind in kinds:
            raise Unusable(f"{fault.kind}: {fault.evidence}")
    try:
        check_placeholders(general, "text")
    except UserError:
        raise Unusable("placeholder: braces that look like one of a spec") from None
    return general


def check_echo(text: str, *prompts: Prompt) -> None:
    """Let no text through that repeats what it was asked for.

    Raises:
        Unusable: eight words in a row stand in one of the prompt files.
    """
    own = set(ngrams(text, _ECHO))
    for prompt in prompts:
        if echo := own & prompt.grams(_ECHO):
            raise Unusable(f"echoes the request: {' '.join(min(echo))}")


def origin(answers: Sequence[Answer], names: Names, **about: str) -> Origin:
    """The provenance of a row that stands in the first of `answers`; the others were asked for its sake."""
    return Origin(
        **{field: generalise(text, names) for field, text in about.items()},
        prompt_sha256=answers[0].prompt_sha256,
        model=answers[0].model,
        parameters=answers[0].parameters,
        input_tokens=sum(answer.input_tokens for answer in answers),
        output_tokens=sum(answer.output_tokens for answer in answers),
    )
