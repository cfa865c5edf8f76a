"""Ask a model for texts, and ask again for those that can't be used."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel

from msm_bench.corpus.generate.ask import Asker, Unanswered
from msm_bench.corpus.generate.fill import Unusable, kind_of
from msm_bench.corpus.generate.lists import Wanted, collect_list, counted, identity
from msm_bench.corpus.generate.progress import Progress
from msm_bench.corpus.generate.prompt import load_prompt
from msm_bench.corpus.generate.setting import Setting
from msm_bench.corpus.generate.together import together
from msm_bench.corpus.generate.usable import finished
from msm_bench.errors import UserError
from msm_bench.specs import Spec, render
from msm_bench.variants.parts import Accept
from msm_bench.variants.plan import VariantPlan

TRIES = 4
"""So many answers that can't be used, and a text is given up."""
_TOKENS_PER_WORD = 3
"""Room for an answer, generously."""

Thing = TypeVar("Thing", bound=BaseModel)
Accepting = Callable[[], Callable[[Thing], Thing]]
"""Gives what the things of one list are checked by: it raises `Unusable` for one that can't be used."""


class Ask(NamedTuple):
    """A text that is wanted."""

    prompt: str
    """The prompt file; it has the place `remark`, for what was wrong with the answer before."""
    place: str
    """Where in the variant it goes; for people too."""
    values: dict[str, Any]
    """What the other places hold."""
    accept: Accept
    """What an answer is checked by."""
    words: int
    """About so many are expected."""


class Writer:
    """A model that writes for one variant, with the source spec before its eyes."""

    def __init__(self, spec: Spec, plan: VariantPlan, asker: Asker, progress: Progress) -> None:
        self.names = plan.names
        self._setting = _setting(spec, plan, asker)
        self._progress = progress

    @property
    def prompts(self) -> dict[str, str]:
        """Hashes of the prompt files used so far, by name and version."""
        return self._setting.prompts

    def shown(self, text: str) -> str:
        """`text` as the model reads it: with the names."""
        return render(text, self.names)

    async def texts(self, asks: Sequence[Ask]) -> list[str]:
        """The texts.

        Raises:
            UserError: one of them could not be had in a form that can be used.
        """
        found = await self.attempts(asks)
        for ask, text in zip(asks, found, strict=True):
            if isinstance(text, Unusable):
                raise self._failure(f"{ask.prompt} for {ask.place}", str(text))
        return [text for text in found if isinstance(text, str)]

    async def attempts(self, asks: Sequence[Ask]) -> list[str | Unusable]:
        """The texts, or why one can't be had."""
        stages = Counter(ask.prompt for ask in asks)
        for stage, count in stages.items():
            self._progress.begin(stage, count)
        found = await together(*map(self._text, asks))
        for stage in stages:
            self._progress.end(stage)
        return found

    async def _text(self, ask: Ask) -> str | Unusable:
        reasons: Counter[str] = Counter()
        remark = ""
        for attempt in range(TRIES):
            try:
                answer = await self._setting.ask(
                    ask.prompt,
                    f"{ask.place}#{attempt}",
                    {**ask.values, "remark": remark},
                    max_tokens=200 + _TOKENS_PER_WORD * ask.words,
                )
                text = ask.accept(finished(answer))
            except Unanswered as error:
                reasons[kind_of(str(error))] += 1
            except Unusable as error:
                reasons[kind_of(str(error))] += 1
                remark = f"An answer that was given before could not be used ({error}). Avoid that."
            else:
                self._progress.done(ask.prompt)
                return text
        return Unusable(counted(reasons))

    async def lists(self, wanted: Sequence[Wanted[Thing]], accept: Accepting[Thing]) -> list[list[Thing]]:
        """The things of several lists of one prompt file, as `accept`, called anew for each list, leaves them.

        Raises:
            UserError: there are not as many as are wanted.
        """
        stage = wanted[0].prompt
        self._progress.begin(stage, sum(one.count for one in wanted))
        found = await together(*(self._list(one, accept()) for one in wanted))
        self._progress.end(stage)
        return found

    async def _list(self, wanted: Wanted[Thing], accept: Callable[[Thing], Thing]) -> list[Thing]:
        reasons: Counter[str] = Counter()
        accepted: dict[str, Thing] = {}

        def fits(thing: Thing) -> bool:
            try:
                accepted[identity(thing)] = accept(thing)
            except Unusable as error:
                reasons[kind_of(str(error))] += 1
                return False
            return True

        listed = await collect_list(self._setting, replace(wanted, fits=fits))
        self._progress.done(wanted.prompt, len(listed.things))
        if len(listed.things) < wanted.count:
            why = f"only {len(listed.things)} of {wanted.count}: {counted(reasons) or listed.wanting}"
            raise self._failure(f"{wanted.prompt} for {wanted.place}", why)
        return [accepted[identity(thing)] for thing in listed.things]

    def _failure(self, what: str, why: str) -> UserError:
        return UserError(
            f"{self._setting.asker.name}: no text that can be used: {what}: {why}; give the same command again if the "
            "model was out of reach, else try a stronger one, or another --seed"
        )


def _setting(spec: Spec, plan: VariantPlan, asker: Asker) -> Setting:
    """A setting of generation whose requests begin with the variants' own prompt."""
    setting = Setting(spec, plan.names, asker, plan)
    context = load_prompt("variant_context")
    setting.used = {context.name: context}
    setting.system = context.render(**setting.shared, spec=spec.render(plan.names))
    return setting
