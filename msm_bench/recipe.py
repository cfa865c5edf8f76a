"""A recipe: base model, stages, arms, seeds, tasks and contrasts in one YAML file, stated before the run."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from msm_bench.corpus.sources import Source
from msm_bench.corpus.thresholds import Thresholds
from msm_bench.errors import UserError, explain_invalid
from msm_bench.files import canonical_json, read_yaml, sha256_text
from msm_bench.judges import Graders
from msm_bench.measures import MEASURES, unit
from msm_bench.shipped import corpus_folder, find_corpus, find_recipe
from msm_bench.specs import Names
from msm_bench.stage import Lora, Stage, Strict, unset

KNOWLEDGE = ("value_knowledge", "further_knowledge")
"""The tasks that ask which option is the aligned one."""
_TAKEN_OVER = ("base", "names", "lora", "stages")
"""What a recipe that extends another one has from it, so that the checkpoints are the same."""
Name = Annotated[str, StringConstraints(pattern=r"^\w[\w+.-]*$")]
"""Of an arm or a stage; it becomes part of a path."""
Split = Literal["dev", "holdout", "all"]
"""Items to tune on, items that are scored once, or both, where nothing was tuned on either."""
Subset = Literal["named", "described", "known", "unknown"]
"""By cue, or by whether the base model knows which option is the aligned one (tasks `KNOWLEDGE`)."""


class TaskChoice(Strict):
    """A task and its arguments."""

    task: str
    """Name of the task, as in `inspect eval msm_bench/NAME`."""
    args: dict[str, str | int | float | bool] = Field({})
    """Its `-T` arguments."""
    split: Split | None = None
    """Another split than the recipe's, for a task that has no held-out items. A task whose items are not split takes
    none, and the recipe's does not apply to it."""
    arms: list[str] | None = Field(None, min_length=1)
    """Only these arms are scored on it; all by default."""
    epochs: int | None = Field(None, ge=1, exclude_if=unset)
    """How often each item is asked; once by default."""
    temperature: float | None = Field(None, ge=0, exclude_if=unset)
    """Of sampled answers; by default that of the task, or of the model's provider (0 for `msm`). Refused for a task
    of log-likelihoods, which samples nothing."""

    def scores(self, arm: str) -> bool:
        """Whether `arm` is scored on the task."""
        return self.arms is None or arm in self.arms


class Term(Strict):
    """One weighted mean of a contrast."""

    arm: str
    """The arm."""
    task: str
    """The task."""
    weight: float = Field(allow_inf_nan=False)
    """Its weight in the sum, not 0."""


class Contrast(Strict):
    """A weighted sum of arm means, with what is claimed of it.

    A difference of differences is one too: with D(aft) = msm-a+aft − msm-b+aft and D(none) = msm-a − msm-b, the four
    terms of D(aft) − D(none) have the weights 1, −1, −1 and 1. So is a trend over doses (`stats.trend_weights`).
    """

    name: str
    """A short name, unique in the recipe."""
    description: str = ""
    """What it would mean if it were positive."""
    terms: list[Term] = Field(min_length=1)
    """The sum."""
    measure: str = "margin"
    """One of `msm_bench.measures.MEASURES`; each task's page says what it means and which way is better."""
    subset: list[Subset] = Field([])
    """Which items: those to which every word applies; a single word needs no brackets, `all` is no restriction."""
    without_cells: list[str] = Field([])
    """Cells that are left out."""
    confirmatory: bool = False
    """Whether it counts in the Holm family; at most six do."""
    headline: bool = False
    """Whether it leads the report."""
    halves: bool = False
    """Whether to report the sum task by task as well."""
    equivalence: bool = False
    """Whether to test for equivalence to 0 within the smallest effect of interest (TOST)."""

    @field_validator("subset", mode="before")
    @classmethod
    def _words(cls, given: object) -> object:
        return ([] if given == "all" else [given]) if isinstance(given, str) else given

    @field_validator("subset")
    @classmethod
    def _can_apply(cls, words: list[Subset]) -> list[Subset]:
        for pair in ({"named", "described"}, {"known", "unknown"}):
            if pair <= set(words):
                raise ValueError(f"no item is {' and '.join(words)}")
        return words

    @property
    def about(self) -> str:
        """Which items, in a few words; empty for all."""
        return " and ".join([*self.subset, *(f"not {cell}" for cell in self.without_cells)])


class Smallest(Strict):
    """Smallest effect of interest."""

    margin: float = Field(0.5, gt=0)
    """In nats."""
    rate: float = Field(0.05, gt=0)
    """As a share."""

    def of(self, measure: str) -> float:
        """The one that belongs to a measure."""
        return self.margin if unit(measure) == "nats" else self.rate


class Recipe(Strict):
    """A whole experiment."""

    id: str
    """Equals the file's name without its ending; names the results' folder."""
    description: str
    """One or two sentences."""
    extends: str | None = Field(None, exclude_if=unset)
    """Another recipe, by path or name, whose checkpoints this one scores on other tasks: its base model, names, adapter
    and stages hold here, and its arms, unless others are stated."""
    base: str
    """An embedded model, a directory or a hub id."""
    names: Names
    """What the assistant and its maker are called in the corpora."""
    lora: Lora = Lora()
    """The adapter's shape."""
    stages: dict[Name, Stage]
    """Stages by name."""
    arms: dict[Name, list[str]]
    """Each arm as its chain of stages; the empty chain is the base model, and that arm is called `base`."""
    seeds: list[Annotated[int, Field(ge=0)]] = Field(min_length=1)
    """Seed 0 is for tuning and illustration only."""
    arm_seeds: dict[str, list[int]] = Field({})
    """The seeds of arms that are trained at some of them only."""
    split: Split = "dev"
    """Which items are scored."""
    tasks: list[TaskChoice] = Field(min_length=1)
    """What is measured."""
    contrasts: list[Contrast] = Field([])
    """What is claimed, stated before the run."""
    smallest_effect: Smallest = Smallest()
    """Below this an effect is of no interest."""
    grader: Graders | None = Field(None, exclude_if=unset)
    """The model that grades, as Inspect names it, or several, for tasks that need it: unscored without."""
    generate: dict[str, Source] = Field({})
    """How those of its corpora are made that do not ship; no part of the hash, as results depend on their text, whose
    hashes stand in every checkpoint and shard, and not on the way to it."""
    health: Thresholds | None = None
    """What `corpus check` judges its corpora by; no part of the hash, as it changes no result."""

    @property
    def corpora(self) -> list[str]:
        """The ids of its corpora, each once."""
        return list(dict.fromkeys(share.id for stage in self.stages.values() for share in stage.corpora))

    def missing_corpora(self) -> dict[str, str]:
        """The corpora that are not there, each with the command that makes it; empty where the recipe states none."""
        missing = [corpus for corpus in self.corpora if not corpus_folder(corpus)]
        return {corpus: self.generate[corpus].command(corpus) if corpus in self.generate else "" for corpus in missing}

    def find_corpus(self, corpus: str) -> Path:
        """The folder of one of its corpora.

        Raises:
            UserError: it is not there; with the command that makes it, if the recipe states one.
        """
        if corpus in self.generate and not corpus_folder(corpus):
            raise UserError(f"{corpus}: no such corpus; make it with `{self.generate[corpus].command(corpus)}`")
        return find_corpus(corpus)

    @property
    def confirmatory(self) -> int:
        """How many contrasts are in the Holm family."""
        return sum(contrast.confirmatory for contrast in self.contrasts)

    def split_of(self, task: str) -> str:
        """Which items of a task are scored."""
        return next((choice.split for choice in self.tasks if choice.task == task and choice.split), self.split)

    def seeds_of(self, arm: str) -> list[int]:
        """The seeds at which an arm is scored; the base model is the same at every seed, so it is scored once."""
        return self.seeds[:1] if arm == "base" else self.arm_seeds.get(arm, self.seeds)

    def stated_seeds(self, contrast: Contrast) -> list[int]:
        """The seeds that all trained arms of a contrast have."""
        arms = {term.arm for term in contrast.terms} - {"base"}
        return [seed for seed in self.seeds if all(seed in self.seeds_of(arm) for arm in arms)]

    @model_validator(mode="after")
    def _generates_its_own(self) -> Self:
        for corpus in self.generate:
            if corpus not in self.corpora:
                raise ValueError(f"generate: no stage has a corpus {corpus!r}; its corpora: {_list(self.corpora)}")
        return self

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        for arm, chain in self.arms.items():
            if (arm == "base") != (not chain):
                raise ValueError(f"arm {arm!r}: `base` is the name of the arm without stages, and of no other")
            for stage in chain:
                if stage not in self.stages:
                    raise ValueError(f"arm {arm!r} names an unknown stage {stage!r}; known: {_list(self.stages)}")
        tasks = [choice.task for choice in self.tasks]
        if len(set(tasks)) < len(tasks):
            raise ValueError("a task occurs twice")
        if any("split" in choice.args for choice in self.tasks):
            raise ValueError("split is a field of the recipe or of a task, not an argument of a task")
        for choice in self.tasks:
            for arm in choice.arms or []:
                if arm not in self.arms:
                    raise ValueError(f"task {choice.task!r} names an unknown arm {arm!r}; known: {_list(self.arms)}")
        for arm in self.arms:
            if not any(choice.scores(arm) for choice in self.tasks):
                raise ValueError(f"arm {arm!r} is scored on no task")
        for arm, seeds in self.arm_seeds.items():
            trained = arm in self.arms and arm != "base"
            if not trained or not seeds or len(set(seeds)) < len(seeds) or not set(seeds) <= set(self.seeds):
                raise ValueError(
                    f"arm_seeds: {arm!r} must be a trained arm, with some of the seeds {self.seeds}, each once"
                )
        for contrast in self.contrasts:
            if contrast.measure not in MEASURES:
                known = _list(MEASURES)
                raise ValueError(f"contrast {contrast.name!r}: unknown measure {contrast.measure!r}; known: {known}")
            _check_tests(contrast, self.seeds)
            for term in contrast.terms:
                if term.weight == 0:
                    raise ValueError(f"contrast {contrast.name!r}: a weight is 0; leave the term out")
                if term.arm not in self.arms:
                    raise ValueError(
                        f"contrast {contrast.name!r} names an unknown arm {term.arm!r}; known: {_list(self.arms)}"
                    )
                if term.task not in tasks:
                    raise ValueError(
                        f"contrast {contrast.name!r} names an unknown task {term.task!r}; known: {_list(tasks)}"
                    )
                if not self.tasks[tasks.index(term.task)].scores(term.arm):
                    raise ValueError(
                        f"contrast {contrast.name!r}: arm {term.arm!r} is not scored on {term.task!r}, which has arms"
                    )
            asked = any(choice.task in KNOWLEDGE and choice.scores("base") for choice in self.tasks)
            if {"known", "unknown"} & set(contrast.subset) and not (asked and "base" in self.arms):
                raise ValueError(
                    f"contrast {contrast.name!r}: known and unknown need the arm 'base' on the task "
                    f"{' or '.join(KNOWLEDGE)}"
                )
            if not self.stated_seeds(contrast):
                raise ValueError(f"contrast {contrast.name!r}: its arms have no seed in common")
        if len({contrast.name for contrast in self.contrasts}) < len(self.contrasts):
            raise ValueError("two contrasts have the same name")
        if self.confirmatory > 6:
            raise ValueError("more than six confirmatory contrasts; make the others exploratory")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("a seed occurs twice")
        return self

    @classmethod
    def load(cls, path: Path | str) -> "Recipe":
        """Read a recipe by path, or by the name of one that ships with msm-bench.

        Raises:
            UserError: no such file, not YAML, or a field that is wrong or missing.
        """
        path = find_recipe(path)
        stated = _extended(read_yaml(path), path)
        with explain_invalid(path):
            recipe = cls.model_validate(stated)
        if recipe.id != path.stem:
            raise UserError(f"{path}: id is {recipe.id!r} but the file is called {path.stem!r}; make them equal")
        return recipe

    @property
    def sha256(self) -> str:
        """Hash of what the recipe says; comments and layout do not count."""
        return sha256_text(canonical_json(self.model_dump(mode="json", exclude={"health", "generate"})))

    def check_arms(self, arms: list[str]) -> None:
        """Raise a `UserError` if one of `arms` is not in the recipe."""
        for arm in arms:
            if arm not in self.arms:
                raise UserError(f"recipe {self.id}: unknown arm {arm!r}; known: {_list(self.arms)}")


def _check_tests(contrast: Contrast, seeds: list[int]) -> None:
    """Raise a `ValueError` if the contrast claims what its test can't show."""
    where = f"contrast {contrast.name!r}"
    if contrast.equivalence and unit(contrast.measure) == "other":
        raise ValueError(f"{where}: the smallest effect is in nats or a share, and {contrast.measure} is neither")
    if not contrast.confirmatory:
        return
    if 0 in seeds:
        raise ValueError(f"{where} is confirmatory, but seed 0 is for tuning only; use other seeds")
    for task in {term.task for term in contrast.terms}:
        weights = sorted(term.weight for term in contrast.terms if term.task == task)
        if weights != sorted(-weight for weight in weights) and not contrast.equivalence:
            raise ValueError(f"{where} is confirmatory: on {task} each weight needs its opposite, for labels to swap")
    if any(term.arm == "base" for term in contrast.terms):
        raise ValueError(f"{where} is confirmatory: `base` has no seeds, so compare with a trained arm")


def _extended(stated: Any, path: Path) -> Any:
    """What a recipe's file states, with what it takes over from the recipe that it extends.

    Raises:
        UserError: that recipe is not there, extends another one, or what is taken over is stated here as well.
    """
    if not isinstance(stated, dict) or stated.get("extends") is None:
        return stated
    source = find_recipe(str(stated["extends"]))
    further = read_yaml(source)
    if isinstance(further, dict) and (origin := further.get("extends")) is not None:
        raise UserError(f"{path}: extends {source.stem}, which extends {origin}; extend one that extends none")
    parent = Recipe.load(source)
    if both := [field for field in _TAKEN_OVER if field in stated]:
        raise UserError(f"{path}: {_list(both)} come from {parent.id}; leave them out, or leave out extends")
    taken = parent.model_dump(mode="json", include={*_TAKEN_OVER, "arms", "generate", "health"})
    return taken | stated | {"extends": parent.id}


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
