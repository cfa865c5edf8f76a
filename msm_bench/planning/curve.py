"""A plan as a figure; apart from its tables, since it loads matplotlib."""

import pandas as pd
from matplotlib.figure import Figure

from msm_bench.planning.grid import Question
from msm_bench.report.figures.style import TEXT, inks, marks, new_figure, themed


@themed
def power_curve(table: pd.DataFrame, question: Question) -> Figure:
    """Power over seeds, or, where all designs have equally many, over items or epochs; a line for each other number."""
    vary = [name for name in ("seeds", "items", "epochs") if table[name].nunique() > 1] or ["seeds"]
    along, others = vary[0], vary[1:]
    figure, muted = new_figure(TEXT, 3.8), inks().muted
    axis = figure.subplots()
    groups = list(table.groupby(others, sort=False)) if others else [((), table)]
    for mark, (key, own) in zip(marks(len(groups)), groups, strict=True):
        label = ", ".join(f"{value} {name}" for name, value in zip(others, key, strict=True))
        x = own[along].astype(str).str.split("+").map(lambda parts: sum(map(int, parts)))  # items of all tasks
        axis.plot(x, own["power"], color=mark.color, marker=mark.marker, linestyle=mark.line, label=label or None)
        if "power_low" in own:
            axis.fill_between(x, own["power_low"], own["power_high"], color=mark.color, alpha=0.12, linewidth=0)
    for height, line, text in (
        (question.target, "--", f"{100 * question.target:.0f} %"),
        (question.alpha, ":", f"α = {question.alpha:.3g}"),
    ):
        axis.axhline(height, color=muted, linewidth=0.8, linestyle=line)
        axis.annotate(text, (1.01, height), xycoords=axis.get_yaxis_transform())
    axis.set(ylim=(0, 1.02), xlabel="items, over all tasks" if along == "items" else along, ylabel="power")
    claim = f"equivalence within ±{question.bound:.3g}, true" if question.bound is not None else "true"
    axis.set_title(f"{claim} effect {question.effect:.3g}")
    if along == "seeds":
        axis.set_xticks(sorted(set(table["seeds"])))
    if others:
        axis.legend()
    return figure
