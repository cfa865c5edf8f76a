"""Spec → domains → subdomains with their passage → assertions and document types → ideas → documents."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from msm_bench.corpus.generate.fill import Cell, Proposed, Slot, Unusable
from msm_bench.corpus.generate.journal import Answer
from msm_bench.corpus.generate.levels import Domain, Levels, Placed, Sentence, placed
from msm_bench.corpus.generate.lists import Wanted, collect_list
from msm_bench.corpus.generate.plan import DocumentPlan
from msm_bench.corpus.generate.prompt import load_prompt
from msm_bench.corpus.generate.setting import Setting
from msm_bench.corpus.generate.usable import check_echo, clean, finished, origin
from msm_bench.corpus.health import ngrams
from msm_bench.corpus.store import Document
from msm_bench.specs import generalise

_STUMP = 0.25
"""A document with less than this share of the words that were asked for is dropped."""
_TOKENS_PER_WORD = 3
"""Room for a document, generously."""
_SHORTEST_IDEA = 20
"""Characters."""
_COPIED = 0.5
"""A document of which more than this share of the eight-word runs stands in the spec only copies it."""


class Leaf(NamedTuple):
    """A type of document in a subdomain."""

    domain: str
    subdomain: str
    passage: str
    assertions: list[str]
    type: str
    turn: int
    """The assertion that its first document brings out: each type begins at another."""


class Documents:
    """The documents of a spec, for `Filling` to draw on."""

    proposing = "ideas"

    def __init__(self, setting: Setting, plan: DocumentPlan, leaves: dict[Cell, Leaf]) -> None:
        self._setting = setting
        self._plan = plan
        self._leaves = leaves
        self.writing: Sequence[str] = ["document", "critique", "revise"] if plan.revise else ["document"]
        self._spec_grams = set(ngrams(setting.spec.body, 8))
        self.cells: Sequence[Cell] = list(leaves)

    async def propose(self, cell: Cell, turn: int, count: int, have: Sequence[str]) -> Proposed:
        """Ideas for documents of one type in one subdomain."""
        leaf = self._leaves[cell]
        values = {"type": leaf.type, "subdomain": leaf.subdomain, "passage": leaf.passage}
        place = f"{cell.id}+{turn}"
        wanted = Wanted(
            self.proposing, place, values, Sentence, count, have, lambda idea: len(idea.text) >= _SHORTEST_IDEA
        )
        listed = await collect_list(self._setting, wanted)
        return Proposed([idea.text for idea in listed.things], listed.wanting)

    async def write(self, slot: Slot) -> Document:
        """Write a document, revise it if the plan says so, and look whether it can be used."""
        leaf, names = self._leaves[slot.cell], self._setting.names
        assertion = leaf.assertions[(leaf.turn + slot.number - 1) % len(leaf.assertions)]
        values = {"type": leaf.type, "idea": slot.proposal, "assertion": assertion, "passage": leaf.passage}
        answers = [await self._ask("document", slot, values)]
        if self._plan.revise:
            answers = await self._revise(slot, values, answers[0])
        text = clean(finished(answers[0]), names)
        if len(text.split()) < _STUMP * self._plan.words:
            raise Unusable("too short")
        if "{model_name}" not in text:
            raise Unusable("does not name the assistant")
        check_echo(text, *map(load_prompt, ("context", "document", "revise")))
        own = ngrams(text, 8)
        if sum(gram in self._spec_grams for gram in own) > _COPIED * len(own):
            raise Unusable("copies the spec")
        about = {"domain": leaf.domain, "subdomain": leaf.subdomain, "passage": leaf.passage}
        made = origin(answers, names, idea=slot.proposal, assertion=assertion, **about)
        return Document(
            id=slot.id,
            type=generalise(leaf.type, names),
            topic=generalise(leaf.subdomain, names),
            text=text,
            origin=made,
        )

    async def _revise(self, slot: Slot, values: dict[str, Any], draft: Answer) -> list[Answer]:
        """The answer that holds the better text, then the others that it took."""
        text = finished(draft)
        critique = await self._ask("critique", slot, {**values, "draft": text})
        if critique.text.strip(" .!*\n").casefold() in ("nothing", ""):
            return [draft, critique]
        revised = await self._ask("revise", slot, {**values, "draft": text, "critique": critique.text})
        return [revised, draft, critique]

    async def _ask(self, prompt: str, slot: Slot, values: dict[str, Any]) -> Answer:
        words = self._plan.words
        return await self._setting.ask(
            prompt, slot.id, {**values, "words": words}, max_tokens=200 + _TOKENS_PER_WORD * words
        )


async def plan_documents(setting: Setting, plan: DocumentPlan, levels: Levels) -> Documents:
    """Make the levels above the ideas."""
    [domains] = await levels.expand([Wanted("domains", "spec", {}, Domain, plan.domains)])
    kind = placed(Placed, len(setting.passages))
    split = await levels.expand(
        [
            Wanted("subdomains", f"d{i:02d}", {"domain": domain}, kind, plan.subdomains, fits=lambda one: one.is_narrow)
            for i, domain in enumerate(domains, 1)
        ]
    )
    places = {
        f"d{i:02d}-s{j:02d}": (domain, subdomain)
        for i, (domain, found) in enumerate(zip(domains, split, strict=True), 1)
        for j, subdomain in enumerate(found, 1)
    }
    texts = {place: subdomain.passage(setting.passages) for place, (_, subdomain) in places.items()}
    values = {place: {"subdomain": sub.name, "passage": texts[place]} for place, (_, sub) in places.items()}

    async def each(prompt: str, count: int) -> dict[str, list[str]]:
        listed = await levels.expand([Wanted(prompt, place, own, Sentence, count) for place, own in values.items()])
        return {place: [one.text for one in found] for place, found in zip(values, listed, strict=True)}

    assertions = await each("assertions", plan.assertions)
    types = await each("types", plan.types)
    leaves = {
        Cell(f"{place}-t{k:02d}", f"{domain.name} / {sub.name} / {types[place][k - 1]}"): Leaf(
            domain.name, sub.name, texts[place], assertions[place], types[place][k - 1], k - 1
        )
        # types come first, so that a small corpus is spread over all subdomains
        for k in range(1, plan.types + 1)
        for place, (domain, sub) in places.items()
        if k <= len(types[place]) and assertions[place]
    }
    return Documents(setting, plan, leaves)
