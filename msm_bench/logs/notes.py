"""What to know of logs before their numbers are believed: what is missing, stopped, unscored or uneven."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from inspect_ai.log import EvalLog

from msm_bench.errors import printable
from msm_bench.files import canonical_json
from msm_bench.logs.find import LogFile
from msm_bench.logs.samples import Counts

_NAMED = 4
"""So many arms, logs or reasons are named in a note."""
_LONG = 60
"""Characters of an arm's name or a reason in a note."""


def run_notes(counts: Sequence[Counts]) -> list[str]:
    """How many samples of finished logs were not run, ended with an error, or were stopped by a limit."""
    short, wrong, stopped = [], [], []
    for one in counts:
        results = one.file.head.results
        if results and results.total_samples > one.samples:
            short.append(f"{one.file.name} {results.total_samples - one.samples} of {results.total_samples}")
        if one.errors:
            wrong.append(f"{one.file.name} {one.errors} of {one.samples}")
        if one.limits:
            kinds = ", ".join(f"{count} {kind}" for kind, count in one.limits.most_common())
            stopped.append(f"{one.file.name} {one.limits.total()} of {one.samples} ({kinds})")
    notes = [
        ("samples that are not in their log", short),
        ("samples that ended with an error, unscored", wrong),
        ("samples that a limit stopped, scored as they were", stopped),
    ]
    return [f"{what}: {_listed(logs)}" for what, logs in notes if logs]


def scoring_notes(files: Sequence[LogFile]) -> list[str]:
    """Scorers, graders and other roles that are not the same in all logs of a task, and reducers of epochs.

    Arms that were not scored alike differ by that too. An item's epochs are averaged whatever the task's reducer, so
    means are not those that a log shows where it takes, say, the best of them.
    """
    notes = []
    for task in dict.fromkeys(file.task for file in files):
        own = [file.head for file in files if file.task == task]
        for name, all_settings in _settings(own).items():
            if differing := _differing(all_settings):
                notes.append(f"{task}: {name} differ between logs: {_listed(map(_short, differing))}")
        scores = [(score, head) for head in own for score in (head.results.scores if head.results else [])]
        reducers = {score.reducer for score, head in scores if (head.eval.config.epochs or 1) > 1}
        if others := sorted(reducer for reducer in reducers if reducer not in (None, "mean")):
            named = _listed(map(_short, others))
            notes.append(f"{task}: epochs of an item are averaged, which is not what its logs show: {named}")
    return notes


def _settings(logs: Sequence[EvalLog]) -> dict[str, list[dict[str, str]]]:
    """What each log was scored by: the options of each scorer, and the model of each role."""
    found: dict[str, list[dict[str, str]]] = {}
    for log in logs:
        for score in {score.scorer: score for score in (log.results.scores if log.results else [])}.values():
            options = {name: canonical_json(value) for name, value in score.params.items()}
            found.setdefault(f"options of scorer {_short(score.scorer)}", []).append(options)
        roles = log.eval.model_roles or {}
        models = {role: config if isinstance(config, list) else [config] for role, config in roles.items()}
        named = {role: ", ".join(one.model for one in own) for role, own in models.items()}
        found.setdefault("models of roles", []).append(named)
    return found


def _differing(settings: Sequence[dict[str, str]]) -> list[str]:
    names = sorted({name for one in settings for name in one})
    return [name for name in names if len({one.get(name) for one in settings}) > 1]


def frame_notes(frame: pd.DataFrame) -> list[str]:
    """Items that some arms lack, uneven epochs, unscored values, and clusters of several cells: a line each."""
    return [*_missing(frame), *_epochs(frame), *_unscored(frame), *_recurring(frame)]


def _missing(frame: pd.DataFrame) -> list[str]:
    """An arm has an item if it has a number for it at each of its seeds."""
    notes: dict[str, list[str]] = {}
    scored = frame[frame["value"].notna()]
    arms_of = {str(task): list(arms) for task, arms in frame.groupby("task", observed=True)["arm"].unique().items()}
    for (task, metric), own in scored.groupby(["task", "metric"], sort=False, observed=True):
        arms, items = arms_of[str(task)], own["item"].nunique()
        pairs = own.groupby(["arm", "item"], sort=False, observed=True)["seed"].nunique()
        seeds = own.groupby("arm", sort=False, observed=True)["seed"].nunique()
        whole = pairs[pairs.to_numpy() == seeds.reindex(pairs.index.get_level_values("arm")).to_numpy()]
        counts = whole.groupby(level="arm", observed=True).size().reindex(arms, fill_value=0)
        common = int((whole.groupby(level="item", observed=True).size() == len(arms)).sum())
        if common < items and len(arms) > 1:
            lacking = [f"{_short(arm)} lacks {items - count}" for arm, count in counts.items() if count < items]
            line = f"{common} of {items} items have a value in every arm, and arms are compared on what they share: "
            notes.setdefault(f"{task}\0{line}{_listed(lacking)}", []).append(str(metric))
    return [_of_metrics(key, metrics) for key, metrics in notes.items()]


def _epochs(frame: pd.DataFrame) -> list[str]:
    notes = []
    once = frame.drop_duplicates(["task", "arm", "seed", "item", "epoch"])
    counts = once.groupby(["task", "arm", "seed", "item"], sort=False, observed=True).size()
    for task, own in counts.groupby(level="task", sort=False):
        if own.nunique() == 1:
            continue
        ends = own.groupby(level="arm", sort=False).agg(["min", "max"])
        said = [
            f"{_short(arm)} {low}" if low == high else f"{_short(arm)} {low} to {high}"
            for arm, low, high in ends.itertuples(name=None)
        ]
        notes.append(f"{task}: epochs of an item differ, and its mean is taken: {_listed(said)}")
    return notes


def _unscored(frame: pd.DataFrame) -> list[str]:
    notes: dict[str, list[str]] = {}
    for (task, metric), own in frame.groupby(["task", "metric"], sort=False, observed=True):
        blank = own[own["value"].isna()]
        if blank.empty:
            continue
        said = [f"{_short(reason)} {count}" for reason, count in blank["unscored_reason"].value_counts().items()]
        line = f"{len(blank)} of {len(own)} values are unscored: {_listed(said)}"
        notes.setdefault(f"{task}\0{line}", []).append(str(metric))
    return [_of_metrics(key, metrics) for key, metrics in notes.items()]


def _recurring(frame: pd.DataFrame) -> list[str]:
    """What is one thing, such as a company that acts in many cells, makes cells alike, and intervals too narrow."""
    pairs = frame[["task", "cell", "cluster"]].drop_duplicates()
    notes = []
    for task, own in pairs.groupby("task", sort=False, observed=True)["cluster"]:
        cells = own.value_counts()
        if (cells > 1).any():
            notes.append(
                f"{task}: {(cells > 1).sum()} of {len(cells)} clusters, such as {_short(cells.index[0])}, lie in "
                "several cells, and are taken as another one in each; if they are one thing, take no cells: --cell task"
            )
    return notes


def _of_metrics(key: str, metrics: Sequence[str]) -> str:
    task, line = key.split("\0", 1)
    return f"{task}, {_listed(metrics)}: {line}"


def _listed(parts: Iterable[Any]) -> str:
    listed = list(parts)
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return ", ".join(map(str, listed[:_NAMED])) + more


def _short(name: Any) -> str:
    return printable(str(name), _LONG)
