"""The methods paragraph, written from what was done: a sentence stands here only if it is true of these results."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from msm_bench.basemodels import EMBEDDED
from msm_bench.report.figures.words import counted, use_of
from msm_bench.report.page.material import Material
from msm_bench.report.page.text import one_line
from msm_bench.report.page.wording import amount
from msm_bench.stats import smallest_p

_KINDS = {"msm": "next-token prediction on documents", "chat": "loss on the assistant's turns of conversations"}
"""What a kind of stage does."""


def methods(material: Material) -> list[tuple[str, ...]]:
    """Paragraphs in the order of the work (models, measurement, statistics), each as its sentences."""
    return [
        (*_models(material), *_training(material)),
        (*_tasks(material), *_scoring(material)),
        tuple(_statistics(material)),
    ]


def _models(material: Material) -> Iterator[str]:
    if material.recipe is None and not material.shards:
        models = list(dict.fromkeys(one_line(model, 80) for model in material.frame["model"]))
        more = f" and {len(models) - 5} more" if len(models) > 5 else ""
        of = f"{listed(models[:5])}{more}"
        yield f"The {len(material.arms)} arms are of {of}." if len(material.arms) > 1 else f"There is one arm, of {of}."
        return
    base = material.recipe.base if material.recipe else str(_identity(material).get("base", "an unnamed model"))
    embedded = EMBEDDED.get(base)
    hashes = sorted({str(shard.get("base_sha256", ""))[:12] for shard in material.shards} - {""})
    weights = f", sha256 {listed(hashes)}" if hashes else ""
    yield f"The base model is {base}{weights}."
    if embedded and embedded.note:
        yield embedded.note


def _training(material: Material) -> Iterator[str]:
    stages = _stages(material)
    if not stages:
        return
    training = next(own["training"] for own in _identities(material) if own.get("training"))
    lora = training.get("lora", {})
    if lora:
        yield (
            f"Adapters of low rank (LoRA, rank {lora.get('r')}, alpha {lora.get('alpha')}) were trained on it with "
            "AdamW and a cosine schedule; the stages of an arm share one adapter."
        )
    yield from _stage_sentences(stages)
    by_arm = material.frame[material.frame["arm"] != "base"].groupby("arm")["seed"].nunique()
    if len(by_arm):
        few, most = int(by_arm.min()), int(by_arm.max())
        number = counted(most, "seed") if few == most else f"{few} to {most} seeds"
        drawn = any(c["fraction"] < 1 for stage in stages.values() for c in stage.get("corpora", []))
        fixed = ["adapter initialisation", "data order", *["which text is drawn"] * drawn]
        yield f"Each trained arm has {number}; a seed fixes {listed(fixed)}."
    if 0 in material.seeds:
        yield "Seed 0, which served for tuning, is among them."


def _stage_sentences(stages: dict[str, dict[str, Any]]) -> Iterator[str]:
    """A sentence for all stages that differ in their text alone."""
    alike: dict[str, list[str]] = {}
    for name, stage in stages.items():
        kind = _KINDS.get(str(stage.get("kind")), str(stage.get("kind")))
        settings = (
            f"{kind}, {counted(stage.get('steps', 0), 'step')} of {stage.get('batch')} × {stage.get('length')} tokens "
            f"at a peak learning rate of {stage.get('learning_rate', 0):g}"
        )
        corpora = stage.get("corpora", [])
        fractions = {float(corpus.get("fraction", 1)) for corpus in corpora}
        if len(fractions) == 1 and min(fractions) < 1:
            settings += f", on the {min(fractions):.0%} of the text that a seed draws"
            corpora = [{**corpus, "fraction": 1} for corpus in corpora]
        alike.setdefault(settings, []).append(f"{name} on {listed(map(_share, corpora))}")
    for settings, names in alike.items():
        yield f"{'Stages' if len(names) > 1 else 'Stage'} {'; '.join(names)}: {settings}."


def _share(corpus: dict[str, Any]) -> str:
    fraction = float(corpus.get("fraction", 1))
    name = f"{corpus.get('id')}{use_of(corpus)}"
    return f"{name} ({fraction:.0%} of it drawn by each seed)" if fraction < 1 else name


def _tasks(material: Material) -> Iterator[str]:
    frame = material.frame
    versions = task_versions(material)
    arguments = {
        str(own["task"]): own["args"]
        for one in _identities(material)
        for own in one.get("tasks", [])
        if own.get("args")
    }
    parts = []
    for task, own in frame.groupby("task", sort=False):
        version = f" version {versions[str(task)]}" if str(task) in versions else ""
        cells = own["cell"].nunique()
        clusters = own[["cell", "cluster"]].drop_duplicates().shape[0]
        items = own["item"].nunique()
        split = [str(one) for one in dict.fromkeys(own["split"]) if one]
        inside = f" in {cells} cells" if cells > 1 else ""
        inside += f" and {clusters} clusters" if clusters not in (items, 1) else ""
        scored = [str(arm) for arm in dict.fromkeys(own["arm"])]
        about = [f"{counted(items, 'item')}{inside}{', ' + listed(split) if split else ''}"]
        about += [f"{name} {value}" for name, value in arguments.get(str(task), {}).items()]
        if len(scored) < len(material.arms):
            about.append(f"{scored[0]} alone" if len(scored) == 1 else f"{len(scored)} of the arms")
        parts.append(f"{task}{version} ({'; '.join(about)})")
    yield f"The arms were scored with Inspect on {listed(parts)}."
    epochs = int(frame["epoch"].nunique())
    if epochs > 1:
        yield f"Each item was asked {epochs} times, and the repetitions were averaged before anything else."
    temperatures = {
        run["generation"]["temperature"]
        for run in material.runs
        if isinstance(run.get("generation"), dict) and "temperature" in run["generation"]
    }
    if temperatures:
        yield f"Answers were sampled at temperature {listed(f'{value:g}' for value in sorted(temperatures))}."


def _scoring(material: Material) -> Iterator[str]:
    metrics = list(dict.fromkeys(result.measure for result in material.contrasts))
    if metrics:
        yield f"The contrasts are of {listed(metrics)}."
    if {"margin", "rate"} & set(metrics) and {"margin", "rate"} <= set(material.frame["metric"]):
        yield (
            "A margin is the log-likelihood of the aligned answer minus that of the other one, in nats, averaged over "
            "both orders of the options; a rate is the share of items whose margin is positive, ties counting one half."
        )
    graders = material.recipe.grader if material.recipe else None
    graders = graders or _identity(material).get("grader")
    if graders:
        yield f"Free answers were graded by {listed([graders] if isinstance(graders, str) else map(str, graders))}."
    unscored = material.frame["value"].isna()
    if unscored.any():
        given = material.frame[unscored]["unscored_reason"].value_counts()
        reasons = [one_line(reason, 80) for reason in given.index[:3] if reason]
        shares = f"{unscored.mean():.1%} of the values"
        why = f" (most often: {listed(reasons)})" if reasons else ""
        yield f"{shares} could not be scored{why}; they count as missing, never as 0 or 1."


def _statistics(material: Material) -> Iterator[str]:
    contrasts = material.contrasts
    if not contrasts:
        yield "No contrast was stated and no baseline was chosen, so there is no test."
        return
    if material.baseline:
        yield f"Every other arm was compared with {material.baseline}; no comparison was stated before the run."
    yield "Arms were paired by item: an item counts only if every arm of a contrast has a value for it at every seed."
    methods_used = {result.method for result in contrasts if result.ci_low is not None}
    if any(method.startswith("two-way") for method in methods_used):
        yield (
            "Intervals hold 95 % and come from the two-way variance over seeds and items, which are crossed (Cameron, "
            "Gelbach and Miller 2011), with t on the smaller number of degrees of freedom; items vary within fixed "
            "cells."
        )
    if any("one seed" in method for method in methods_used):
        what = "training run" if material.seeds else "model"
        yield f"Where there is one seed only, the interval is over items and conditional on this very {what}."
    other = sorted(m for m in methods_used if not m.startswith("two-way") and "one seed" not in m)
    if other:
        yield f"Other intervals: {listed(other)}."
    yield from _tests(material)


def _tests(material: Material) -> Iterator[str]:
    contrasts = material.contrasts
    tested = [result for result in contrasts if result.p is not None]
    swapped = [result for result in tested if result.p_swap is not None]
    if swapped:
        seeds = sorted({result.n_seeds for result in swapped})
        best = "; ".join(f"{smallest_p(count):.3g} with {count} seeds" for count in seeds)
        yield (
            "The p of a confirmatory contrast is the larger of two: arm labels swapped by seed, whose smallest value "
            f"is {best}, and t of the two-way interval."
        )
    if any(result.p_swap is None and result.p_equivalence is None for result in tested):
        yield "Where arms have no seeds of their own, p is that of t over the interval."
    if any(result.p_equivalence is not None for result in contrasts):
        yield "Equivalence was tested with two one-sided tests (TOST; Schuirmann 1987)."
    family = material.recipe.confirmatory if material.recipe and material.stated else len(tested)
    if tested and family > 1:
        when = ", all stated before the run" if material.recipe and material.stated else ""
        yield f"Holm's correction is over the {family} confirmatory contrasts{when}."
    elif tested:
        yield "One contrast was confirmatory, so nothing was corrected for."
    if any(result.q is not None for result in contrasts):
        yield "The q of a comparison is its p after Benjamini and Hochberg (1995) over all of them: a screen, no test."
    if any(result.graders for result in contrasts):
        yield "A value is the mean of its graders', whose disagreement is part of the interval."
    if any(result.mixed for result in contrasts):
        yield "A mixed model was fitted beside the intervals, as a cross-check."
    exploratory = sum(not result.confirmatory and result.half_of is None for result in contrasts)
    if exploratory:
        verb = "is" if exploratory == 1 else "are"
        alike = any(result.p_equivalence is not None and not result.confirmatory for result in contrasts)
        but = ", but for an uncorrected one of equivalence" if alike else ""
        but += ", but for q" if any(result.q is not None for result in contrasts) else ""
        yield f"{counted(exploratory, 'contrast')} {verb} exploratory, with intervals and no p{but}."
    if material.recipe and material.recipe.contrasts and material.stated:
        units = {own.measure for own in material.recipe.contrasts}
        smallest = material.recipe.smallest_effect
        bounds = [amount(smallest.of(m), m, signed=False) for m in ("margin", "rate") if m in units]
        if bounds:
            stated = "smallest_effect" in material.recipe.model_fields_set
            yield (
                f"The smallest effect of interest was stated as {listed(bounds)}."
                if stated
                else f"The smallest effect of interest is the default, {listed(bounds)}."
            )
    left_out = [result.n_left_out for result in contrasts]
    if any(left_out):
        yield f"Items that some arm lacks were left out, at most {max(left_out)} from a contrast."


def task_versions(material: Material) -> dict[str, Any]:
    """The version of each task, where shards or logs say it."""
    found: dict[str, Any] = {}
    for identity in _identities(material):
        for task in identity.get("tasks", []):
            found.setdefault(str(task.get("task")), task.get("version"))
    for run in material.runs:
        found.setdefault(str(run.get("task", "")).split("/")[-1], run.get("task_version"))
    return {task: version for task, version in found.items() if version is not None}


def _stages(material: Material) -> dict[str, dict[str, Any]]:
    """The settings of every stage by its name, from the checkpoints' own manifests; early stages first."""
    found: dict[str, dict[str, Any]] = {}
    places: dict[str, int] = {}
    for shard in material.shards:
        for place, record in enumerate((shard.get("checkpoint") or {}).get("stages", [])):
            name = str(record.get("name"))
            found.setdefault(name, record.get("settings", {}))
            places[name] = max(place, places.get(name, 0))
    return dict(sorted(found.items(), key=lambda stage: places[stage[0]]))


def _identities(material: Material) -> list[dict[str, Any]]:
    return [shard.get("identity", {}) for shard in material.shards]


def _identity(material: Material) -> dict[str, Any]:
    return next(iter(_identities(material)), {})


def listed(words: Iterable[str]) -> str:
    """`a, b and c`."""
    own = [re.sub(r"\s+", " ", word) for word in words]
    return own[0] if len(own) == 1 else f"{', '.join(own[:-1])} and {own[-1]}" if own else "nothing"
