"""The results as the tables of `docs/statistics.md` and as figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulation.scenarios import MARGIN, NOMINAL, SCENARIOS
from simulation.study import example, fails

_COLUMNS = {
    "two_way_interval": "two-way interval",
    "crossed_bootstrap": "bootstrap",
    "two_way_p": "two-way p",
    "seed_swap": "seed swap",
    "confirmatory_p": "p of record",
    "item_sign_flip": "item flips",
}
"""Methods that stand side by side; the others have a table of their own."""
_MOSTLY = 0.9
"""Where a method gives something in a smaller share of the data sets, the share is said."""
_SCALE = {"type1": (0.0, 0.25), "coverage": (0.75, 1.0)}
"""Ends of the axis; the tables have what lies beyond."""
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*", "d", "h", "p")


def tables(rows: Sequence[Mapping[str, Any]]) -> str:
    """Three Markdown tables: contrasts by scenario, every other method, and what failed with what is said of it."""
    most = _data_sets(rows)
    by_scenario: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        by_scenario.setdefault(row["scenario"], {})[row["method"]] = row
    about = {scenario.name: scenario.about for scenario in SCENARIOS}
    first = [["scenario", "inference to", *_COLUMNS.values()]]
    second = [["method", "scenario", "inference to", "type-1 error", "coverage"]]
    for name, found in by_scenario.items():
        if any(method in found for method in _COLUMNS):
            cells = [_cell(found[method], most[method]) if method in found else "" for method in _COLUMNS]
            first.append([name, about[name], *cells])
        for method, row in found.items():
            if method not in _COLUMNS:
                cell = _cell(row, most[method])
                pair = ["", cell] if row["type1"] is None else [cell, ""]
                second.append([f"`{method}`", name, about[name], *pair])
    third = [["scenario", "what fails", "what is said, for example"]]
    for scenario in SCENARIOS:
        failing = {method for method, row in by_scenario.get(scenario.name, {}).items() if fails(row)}
        if failing:
            names = ", ".join(f"`{method}`" for method in scenario.methods if method in failing)
            third.append([scenario.name, names, "; ".join(example(scenario, failing))])
    captions = ("Contrasts: coverage, and type-1 error of p.", "Other methods.", "What fails, and what is said of it.")
    return "\n".join(
        f"{caption}\n\n{_markdown(table)}" for caption, table in zip(captions, (first, second, third), strict=True)
    )


def _data_sets(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Of each method: the most that it gave anything for in a scenario, which are all of some."""
    found: dict[str, int] = {}
    for row in rows:
        found[row["method"]] = max(found.get(row["method"], 0), row["n_sim"])
    return found


def _cell(row: Mapping[str, Any], most: int) -> str:
    """The number; in bold where it fails, with a flag where a caution is given, and in how many of `most` data sets."""
    value = row["coverage"] if row["type1"] is None else row["type1"]
    if value is None:
        return "*none*"
    text = f"**{value:.3f}**" if fails(row) else f"{value:.3f}"
    given = f" ({row['n_sim'] / most:.0%})" if row["n_sim"] < _MOSTLY * most else ""
    return text + given + (" ⚑" if row["flagged"] else "")


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    rule = "|" + "---|" * len(lines[0])
    text = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([text[0], rule, *text[1:]]) + "\n"


def plot(rows: Sequence[Mapping[str, Any]], key: str, path: Path) -> None:
    """A dot for each method and scenario with ± 2 simulation errors, the nominal level, and the failing side shaded.

    Args:
        rows: The results.
        key: `type1` or `coverage`.
        path: PNG.
    """
    shown = [row for row in rows if row[key] is not None]
    names = list(dict.fromkeys(row["scenario"] for row in shown))
    methods = list(dict.fromkeys(row["method"] for row in shown))
    figure = Figure(figsize=(9, 0.22 * len(names) + 1.4), layout="constrained")
    axes = figure.subplots()
    low, high = _SCALE[key]
    for number, method in enumerate(methods):
        own = [row for row in shown if row["method"] == method]
        shift = 0.5 * (number / max(1, len(methods) - 1) - 0.5)
        axes.errorbar(
            [min(max(row[key], low), high) for row in own],
            [names.index(row["scenario"]) + shift for row in own],
            xerr=[2 * row["mc_error"] * (low <= row[key] <= high) for row in own],
            fmt=_MARKERS[number % len(_MARKERS)],
            color=f"C{number % 10}",
            markersize=4,
            linewidth=0.8,
            label=method.replace("_", " "),
        )
    _level(axes, key)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="y", linewidth=0.3)
    figure.legend(loc="outside lower center", ncols=4, fontsize=7)
    figure.savefig(path, dpi=110, metadata={"Software": ""})


def _level(axes: Axes, key: str) -> None:
    low, high = _SCALE[key]
    if key == "type1":
        axes.axvline(NOMINAL, color="0.3", linewidth=0.8)
        axes.axvspan(NOMINAL + MARGIN, high, color="tab:red", alpha=0.07)
    else:
        axes.axvline(1 - NOMINAL, color="0.3", linewidth=0.8)
        axes.axvspan(low, 1 - NOMINAL - MARGIN, color="tab:red", alpha=0.07)
    axes.set_xlim(low - 0.005, high + 0.005)
    words = {"type1": "type-1 error, nominal 0.05", "coverage": "coverage, nominal 0.95"}
    edge = {"type1": f"what is above {high} stands there", "coverage": f"what is below {low} stands there"}
    note = f"lines: ± 2 simulation errors; shaded: fails, if by more than these; {edge[key]}"
    axes.set_xlabel(f"{words[key]}\n{note}", fontsize=8)
