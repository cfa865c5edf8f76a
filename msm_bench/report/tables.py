"""Tables of results, as frames of text or of numbers."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from msm_bench.recipe import Term
from msm_bench.stats import (
    ContrastResult,
    Effect,
    EffectName,
    NotComparable,
    Panels,
    TaskPart,
    cautions,
    holds_shares,
    moderation,
    pair,
    paired_share_limits,
    rule_of_three,
    sharpening,
    two_way_interval,
    wilson,
)
from msm_bench.stats.ordinal import OF_RANKS

_SHOWN = (
    *("margin", "rate", "choice_rate", "accuracy"),
    *("won", "finished"),  # decisions after reasoning: without its end they are of another form
    *("margin_self", "margin_own_minus_other", "margin_self_minus_own", "rate_premise"),  # what recall tells apart
)

_NAMED = 4
"""So many contrasts or arms are named beside a caution."""


def shown_measures(frame: pd.DataFrame) -> list[str]:
    """What tables and figures show of each task: the measures of record, or all metrics where there is none of them.

    A metric of which nothing could be scored is not shown.
    """
    found: list[str] = []
    for _, own in frame[frame["value"].notna()].groupby("task", sort=False):
        metrics = [str(metric) for metric in own["metric"].unique()]
        found += [measure for measure in _SHOWN if measure in metrics] or metrics
    return list(dict.fromkeys(found))


def arm_summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean, 95 % interval and seeds of every arm on every task, for the shown measures; one row each.

    The interval of a share is Wilson's by an effective number of values (`stats.share_limits`), of anything else the
    two-way one; `method` says which. `one_sided` is, where a share is 0 or 1, the one-sided 95 % limit that clusters,
    each counted once, leave (`stats.rule_of_three`). `cautions` are those of `stats.cautions`. `slope` is the
    sharpening of an arm's margins against the base model's, where there is an arm `base`.
    """
    panels, rows = Panels(frame), []
    for task, own in frame.groupby("task", sort=False, observed=True):
        measures = shown_measures(own)
        for arm in own["arm"].unique():
            for measure in measures:
                try:
                    paired = pair(panels, [Term(arm=arm, task=str(task), weight=1)], (measure,))
                except NotComparable:
                    continue
                [part] = paired.parts
                share = holds_shares(panels, str(task), measure)
                # how many seeds there are stands beside, so nothing more is said of them
                found = cautions([part.task], share=share, unscored=paired.unscored, trained=False)
                rows.append(
                    {"task": task, "arm": arm, "measure": measure}
                    | _arm_interval(part, share=share)
                    | {
                        "cautions": "; ".join(found),
                        "seeds": part.task.values.shape[0],
                        "items": part.task.values.shape[1],
                        "unscored_rate": paired.unscored,
                        "slope": _slope(own, arm) if measure == "margin" else float("nan"),
                    }
                )
    return pd.DataFrame(rows)


def _arm_interval(part: TaskPart, *, share: bool) -> dict[str, Any]:
    """Mean and limits of one arm, how they were made, and the one-sided limit of a share of 0 or 1."""
    mean = part.task.mean
    if not share:
        interval = two_way_interval([part.task])
        low, high, method = interval.low, interval.high, interval.method
    else:
        low, high, method = paired_share_limits(part)
    one_sided = math.nan
    if share and mean in (0.0, 1.0):
        reach = rule_of_three(len(np.unique(part.task.clusters))).exact
        one_sided = reach if mean == 0 else 1 - reach
    return {"mean": mean, "ci_low": low, "ci_high": high, "method": method, "one_sided": one_sided}


def margins_beside_base(frame: pd.DataFrame, task: str, arm: str) -> pd.DataFrame:
    """Columns `item`, `cue`, `arm`, `base`: margins (means over seeds) of the items where both arms have one."""
    own = frame[(frame["task"] == task) & (frame["metric"] == "margin") & frame["arm"].isin([arm, "base"])]
    wide = own.pivot_table(index=["item", "cue"], columns="arm", values="value").reset_index()
    wide = wide.reindex(columns=["item", "cue", arm, "base"])
    return wide.rename(columns={arm: "arm"}).dropna(subset=["arm", "base"])


def _slope(frame: pd.DataFrame, arm: str) -> float:
    if arm == "base" or not frame["arm"].eq("base").any():
        return float("nan")
    pairs = margins_beside_base(frame, str(frame["task"].iloc[0]), arm)
    return sharpening(pairs["arm"].to_numpy(), pairs["base"].to_numpy()).slope


def arm_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Arms as rows; for each task the shown measures (margins in nats), with 95 % intervals."""
    summary = arm_summary(frame)
    rows: dict[str, dict[str, str]] = {}
    for row in summary.to_dict("records"):
        cell = with_interval(row["mean"], row["ci_low"], row["ci_high"], signed=row["measure"] == "margin")
        rows.setdefault(str(row["arm"]), {})[f"{row['task']} {row['measure']}"] = cell
    table = pd.DataFrame.from_dict(rows, orient="index").fillna("–")
    return table.rename_axis("arm").reset_index()


def knowledge_summary(effects: pd.DataFrame) -> pd.DataFrame:
    """What the base model knows, and whether the effect on an item grows with it, from `item_effects`.

    `known` is the share of items for which it holds the aligned option for the true answer of the knowledge probe
    (Wilson's 95 % interval); `slope` is in nats of effect per nat of knowledge. One row for each task and cue.
    """
    rows = []
    for (task, cue), own in effects.groupby(["task", "cue"], sort=False):
        known, line = int((own["knowledge"] > 0).sum()), moderation(own)
        known_low, known_high = wilson(known / len(own), len(own))
        rows.append(
            {
                "task": task,
                "cue": cue,
                "items": len(own),
                "known": known / len(own),
                "known_low": known_low,
                "known_high": known_high,
                "knowledge": own["knowledge"].mean(),
                "slope": line.slope,
                "slope_low": line.low,
                "slope_high": line.high,
            }
        )
    return pd.DataFrame(rows)


def knowledge_table(summary: pd.DataFrame) -> pd.DataFrame:
    """The rows of `knowledge_summary` as text."""
    return pd.DataFrame(
        {
            "task": row["task"],
            "cue": row["cue"],
            "items": str(row["items"]),
            "known": with_interval(row["known"], row["known_low"], row["known_high"]),
            "knowledge margin": f"{row['knowledge']:+.2f}",
            "slope of the effect": with_interval(row["slope"], row["slope_low"], row["slope_high"], signed=True),
        }
        for row in summary.to_dict("records")
    )


def contrast_table(results: Sequence[ContrastResult]) -> pd.DataFrame:
    """One contrast a row, as text; p-values of confirmatory contrasts only, and q of exploratory ones.

    A contrast with cautions has a dagger; `caution_notes` says what they are.
    """
    rows = []
    for result in results:
        row = {
            "contrast": result.name + (" *" if result.headline else "") + (" †" if result.cautions else ""),
            "measure": measure_text(result),
            "subset": result.subset,
            "estimate [95 % CI]": with_interval(result.estimate, result.ci_low, result.ci_high, signed=True),
            "items": str(result.n_items),
        }
        if any(r.n_left_out for r in results):
            row["left out"] = str(result.n_left_out)
        row |= {"seeds": str(result.n_seeds), "unscored": f"{result.unscored_rate:.1%}"}
        screened = any(r.q is not None for r in results)
        if not screened or any(r.confirmatory for r in results):
            row["p (Holm)"] = p_text(result.p_holm, result.smallest_p)
        if screened:
            row["q (BH, exploratory)"] = p_text(result.q)
        if any(r.p_equivalence is not None for r in results):
            row["p (TOST)"] = p_text(result.p_equivalence)
        rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else ["contrast"])


def measure_text(result: ContrastResult) -> str:
    """The measure of a contrast, and of ranks what its estimate is."""
    return f"{result.measure} ({OF_RANKS})" if result.method.startswith(OF_RANKS) else result.measure


def caution_notes(results: Sequence[ContrastResult]) -> list[str]:
    """Each caution once, with the contrasts that it is about."""
    pairs = [(text, f"{result.name} ({result.measure})") for result in results for text in result.cautions]
    return _each_once(pairs, "contrasts")


def arm_caution_notes(summary: pd.DataFrame) -> list[str]:
    """Each caution once, with the arms that it is about, from `arm_summary`."""
    pairs = [
        (text, f"{row['arm']} ({row['measure']})")
        for row in summary.to_dict("records")
        for text in str(row["cautions"]).split("; ")
        if text
    ]
    return _each_once(pairs, "means")


def _each_once(pairs: Sequence[tuple[str, str]], what: str) -> list[str]:
    about: dict[str, list[str]] = {}
    for text, name in pairs:
        about.setdefault(text, []).append(name)
    shown = {
        text: ", ".join(names) if len(names) <= _NAMED else f"{len(names)} {what}" for text, names in about.items()
    }
    return [f"{text}: {names}" for text, names in shown.items()]


def effects_table(results: Sequence[ContrastResult]) -> pd.DataFrame:
    """Effect sizes of the contrasts that have any, with McNemar's test, graders and mixed model, as text."""
    columns = [name for name in _EFFECTS if any(effect.name == name for r in results for effect in r.effects)]
    rows = []
    for result in results:
        own = {effect.name: effect for effect in result.effects}
        row = {"contrast": result.name, "measure": result.measure}
        row |= {f"{name} [95 % CI]": _effect_text(own.get(name)) for name in columns}
        if any(r.mcnemar for r in results):
            row["McNemar (ignores clusters, seeds)"] = _mcnemar_text(result)
        if any(r.graders for r in results):
            row["by grader"] = ", ".join(f"{name} {value:+.2f}" for name, value in result.graders.items()) or "–"
        if any(r.mixed for r in results):
            row["mixed model [95 % CI]"] = _mixed_text(result)
        if any(r.effects or r.mcnemar or r.graders or r.mixed for r in [result]):
            rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else ["contrast"])


def _effect_text(effect: Effect | None) -> str:
    if effect is None or effect.estimate is None:
        return "–"
    if effect.high is not None and effect.high >= 1000:
        return f"{effect.estimate:.2f} [{effect.low:.2f}, {effect.high:.1e}]"
    return with_interval(effect.estimate, effect.low, effect.high, signed=effect.name == "Cohen's h")


def _mcnemar_text(result: ContrastResult) -> str:
    if result.mcnemar is None:
        return "–"
    return f"{result.mcnemar.first_only}:{result.mcnemar.second_only}, p {p_text(result.mcnemar.p)}"


def _mixed_text(result: ContrastResult) -> str:
    if result.mixed is None or result.mixed.estimate is None:
        return "–"
    return with_interval(result.mixed.estimate, result.mixed.low, result.mixed.high, signed=True)


_EFFECTS: tuple[EffectName, ...] = ("ratio", "odds ratio", "Cohen's h", "superiority")
_NESTED = ("terms", "effects", "mcnemar", "graders", "mixed", "cautions")
"""Fields of a contrast that are no single number or text."""


def contrast_numbers(results: Sequence[ContrastResult]) -> pd.DataFrame:
    """One contrast a row, with the fields of `ContrastResult` (but for its terms) as numbers.

    An effect size is three columns (`ratio`, `ratio_low`, `ratio_high`), McNemar's test and the mixed model likewise;
    graders have a column each, and cautions are joined.
    """
    fields = [name for name in ContrastResult.model_fields if name not in _NESTED]
    return pd.DataFrame([_flat(result) for result in results], columns=None if results else fields)


def _flat(result: ContrastResult) -> dict[str, Any]:
    row = result.model_dump(exclude=set(_NESTED))
    for effect in result.effects:
        name = effect.name.replace("'", "").replace(" ", "_").lower()
        row |= {name: effect.estimate, f"{name}_low": effect.low, f"{name}_high": effect.high}
    if result.mcnemar:
        row |= {f"mcnemar_{name}": value for name, value in result.mcnemar.model_dump(exclude={"method"}).items()}
    if result.mixed:
        row |= {f"mixed_{name}": value for name, value in result.mixed.model_dump().items()}
    row |= {f"grader_{name}": value for name, value in result.graders.items()}
    return row | {"cautions": "; ".join(result.cautions)}


def p_text(value: float | None, smallest: float | None = None) -> str:
    """A p-value, never as 0, with the smallest that there could be."""
    if value is None:
        return "–"
    return ("< 0.001" if value < 0.001 else f"{value:.3f}") + (f" (min. {smallest:.3g})" if smallest else "")


def with_interval(estimate: float, low: float | None, high: float | None, *, signed: bool = False) -> str:
    """An estimate with its limits, where it has some, to two decimals; `signed` shows a plus, too."""
    sign = "+" if signed else ""
    if low is None or high is None or low != low or high != high:
        return f"{estimate:{sign}.2f}"
    return f"{estimate:{sign}.2f} [{low:{sign}.2f}, {high:{sign}.2f}]"
