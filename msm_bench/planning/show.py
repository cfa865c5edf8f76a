"""Plans as tables for readers, and as a figure."""

import math

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from msm_bench.planning.components import Components
from msm_bench.planning.grid import Question


def component_table(components: Components) -> pd.DataFrame:
    """Every component as a row: standard deviation and degrees of freedom, NaN where it can't be told apart."""
    rows: list[dict[str, object]] = []
    if components.seed is not None:
        rows.append({"component": "seed", "task": "all", "sd": components.seed.sd, "df": components.seed.df})
        rows[0] |= {"sd_low": components.seed_low, "sd_high": components.seed_high}
    for task in components.tasks:
        named = {
            "cluster": task.cluster if task.shape.per_cluster > 1 else None,
            "item": task.item,
            "seed x cluster": task.seed_cluster if task.seed_cluster.df else None,
            "seed x item": task.seed_item if components.seeds != 1 else None,
            "epoch": task.epoch,
            "epoch, untrained arms": task.epoch_once if task.epoch_once.df else None,
        }
        rows += [
            {"component": name, "task": task.task, "sd": own.sd, "df": own.df} for name, own in named.items() if own
        ]
    return pd.DataFrame(rows, columns=["component", "task", "sd", "df", "sd_low", "sd_high"])


def for_readers(table: pd.DataFrame) -> pd.DataFrame:
    """A table of numbers with three digits, a range in one column, and without columns that say nothing."""
    shown = pd.DataFrame(index=table.index)
    for column in table.columns:
        if column == "power_low":
            pairs = zip(table["power_low"], table["power_high"], strict=True)
            shown["power range"] = [f"{low:.2f} to {high:.2f}" if low == low else "–" for low, high in pairs]
        elif column in ("power", "power_both"):
            shown[column.replace("_", " ")] = [f"{value:.2f}" if value == value else "–" for value in table[column]]
        elif column != "power_high" and not table[column].isna().all() and any(table[column] != ""):
            shown[column.replace("_", " ")] = [_digits(value) for value in table[column]]
    return shown


def _digits(value: object) -> str:
    if value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def power_curve(table: pd.DataFrame, question: Question) -> Figure:
    """Power over seeds, or, where all designs have equally many, over items or epochs; a line for each other number."""
    vary = [name for name in ("seeds", "items", "epochs") if table[name].nunique() > 1] or ["seeds"]
    along, others = vary[0], vary[1:]
    figure = Figure(figsize=(5.6, 3.8), layout="constrained")
    axis = figure.subplots()
    groups = list(table.groupby(others, sort=False)) if others else [((), table)]
    colors = sns.color_palette("colorblind", len(groups))
    for color, (key, own) in zip(colors, groups, strict=True):
        label = ", ".join(f"{value} {name}" for name, value in zip(others, key, strict=True))
        x = own[along].astype(str).str.split("+").map(lambda parts: sum(map(int, parts)))  # items of all tasks
        axis.plot(x, own["power"], color=color, marker="o", markersize=3.5, label=label or None)
        if "power_low" in own:
            axis.fill_between(x, own["power_low"], own["power_high"], color=color, alpha=0.12, linewidth=0)
    axis.axhline(question.target, color="0.4", linewidth=0.8, linestyle="--")
    axis.axhline(question.alpha, color="0.4", linewidth=0.8, linestyle=":")
    axis.annotate(
        f"{100 * question.target:.0f} %", (1.01, question.target), xycoords=axis.get_yaxis_transform(), fontsize=8
    )
    axis.annotate(f"α = {question.alpha:.3g}", (1.01, question.alpha), xycoords=axis.get_yaxis_transform(), fontsize=8)
    axis.set(ylim=(0, 1.02), xlabel="items, over all tasks" if along == "items" else along, ylabel="power")
    claim = f"equivalence within ±{question.bound:.3g}, true" if question.bound is not None else "true"
    axis.set_title(f"{claim} effect {question.effect:.3g}", fontsize=10)
    if along == "seeds":
        axis.set_xticks(sorted(set(table["seeds"])))
    if others:
        axis.legend(fontsize=8)
    return figure
