"""Lineage: what was made from what, as boxes in columns, from spec to log."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path as Curve

from msm_bench.corpus import Corpus
from msm_bench.errors import UserError
from msm_bench.recipe import Recipe
from msm_bench.report.figures.style import CHARACTER, TEXT, Mark, inks, marks_of, new_figure, themed, wrapped
from msm_bench.report.figures.words import counted, listed, task_title, use_of
from msm_bench.results import UNTRAINED

_HASH = 8
"""Characters of a hash that are shown."""
_MOST = 14
"""Boxes of a column; what is beyond them is one box."""
_BOX = 0.9
"""Inches that a box is wide at least."""
_LINE = 0.125
"""Inches of a line of text."""


class Box(NamedTuple):
    """Something that was made."""

    key: str
    """Tells it apart."""
    column: int
    """Its place, from left to right."""
    name: str
    """What it is called."""
    about: str
    """A short hash, or a number."""
    arm: str
    """The arm that it is of; empty where it is of several or none."""


class Lineage(NamedTuple):
    """Boxes and what follows from what."""

    titles: list[str]
    """Of the columns."""
    boxes: dict[str, Box]
    """By their keys."""
    links: dict[tuple[str, str], str]
    """Of two keys, the second is made from the first; with the arm that it is for, empty for several."""


def recipe_lineage(recipe: Recipe, manifests: Sequence[Mapping[str, Any]]) -> Lineage:
    """Spec → corpus → checkpoints, stage by stage → tasks, of the shards that there are.

    Args:
        recipe: The recipe.
        manifests: Of its shards (`Experiment.manifests`), at least one.
    """
    shards: dict[str, list[Mapping[str, Any]]] = {}
    for shard in manifests:
        shards.setdefault(str(shard["identity"]["arm"]), []).append(shard)
    depth = max((len(recipe.arms.get(arm, [])) for arm in shards), default=0)
    middle = [f"stage {place}" for place in range(1, depth)]
    graph = Lineage(["spec", "corpora", *middle, "arm", "scored on"], {}, {})
    for arm, own in shards.items():
        _add_arm(graph, recipe, arm, own)
    return graph


def _add_arm(graph: Lineage, recipe: Recipe, arm: str, shards: Sequence[Mapping[str, Any]]) -> None:
    checkpoint, final = shards[0]["checkpoint"], len(graph.titles) - 2
    seeds = len(shards)
    if checkpoint:
        about = f"{_short(checkpoint['adapter_sha256'])}{f', {seeds} seeds' if seeds > 1 else ''}"
    else:
        about = _short(shards[0]["base_sha256"])
    head = f"arm {arm}"
    graph.boxes[head] = Box(head, final, arm if checkpoint else f"{arm}: {recipe.base}", about, arm)
    before = ""
    stages = checkpoint["stages"] if checkpoint else []
    for place, stage in enumerate(stages):
        chain = " → ".join(str(own["name"]) for own in stages[: place + 1])
        last = place == len(stages) - 1
        key = head if last else f"stage {chain}"
        if not last:
            graph.boxes[key] = Box(key, 2 + place, str(stage["name"]), f"{stage['steps']} steps", "")
        shares = stage.get("settings", {}).get("corpora", [])
        uses = {str(share["id"]): use_of(share) for share in shares}
        corpora = _add_corpora(graph, recipe, stage["corpora"], uses)
        _link(graph, corpora, key, arm)
        if before:
            _link(graph, before, key, arm)
        before = key
    for choice in shards[0]["identity"]["tasks"]:
        key = f"task {choice['task']}"
        about = f"items {_short(choice['items_sha256'])}"
        graph.boxes[key] = Box(key, final + 1, task_title(str(choice["task"])), about, "")
        _link(graph, head, key, arm)


def _add_corpora(graph: Lineage, recipe: Recipe, corpora: Mapping[str, str], uses: Mapping[str, str]) -> str:
    """A box for the corpora of a stage, each with its `use_of`, behind those of their specs."""
    key = f"corpora {sorted(corpora.items())} {sorted(uses.items())}"
    names = " + ".join(PurePath(name).name + uses.get(name, "") for name in corpora)
    graph.boxes[key] = Box(key, 1, names, ", ".join(_short(value) for value in corpora.values()), "")
    for corpus in corpora:
        try:
            manifest = Corpus.load(recipe.find_corpus(corpus)).manifest
        except UserError:  # what was trained on need not be here any more
            continue
        if manifest.spec and manifest.spec_sha256:
            spec = f"spec {manifest.spec_sha256}"
            graph.boxes[spec] = Box(spec, 0, manifest.spec, _short(manifest.spec_sha256), "")
            _link(graph, spec, key, "")
    return key


def log_lineage(frame: pd.DataFrame) -> Lineage:
    """Arm → log → task, of results that no recipe made.

    Args:
        frame: A result frame.
    """
    graph = Lineage(["model or arm", "log", "task"], {}, {})
    for (arm, seed, log, task), own in frame.groupby(["arm", "seed", "log", "task"], sort=False):
        name = str(arm)
        head, file, last = f"arm {name}", f"log {log}", f"task {task}"
        graph.boxes[head] = Box(head, 0, name, "", name)
        about = counted(int(own["item"].nunique()), "item") + (f", seed {seed}" if seed != UNTRAINED else "")
        graph.boxes[file] = Box(file, 1, PurePath(str(log)).name or "log", about, name)
        graph.boxes[last] = Box(last, 2, task_title(str(task)), "", "")
        _link(graph, head, file, name)
        _link(graph, file, last, name)
    return graph


def _link(graph: Lineage, start: str, end: str, arm: str) -> None:
    known = graph.links.get((start, end), arm)
    graph.links[start, end] = arm if known == arm else ""


@themed
def draw_lineage(graph: Lineage, width: float = TEXT) -> Figure:
    """Boxes in columns with curves between them; what belongs to a single arm has its colour.

    Args:
        graph: With at least one box.
        width: Of the figure, in inches, where its boxes find room in it; it is wider otherwise.
    """
    graph = _routed(_limited(graph))
    columns = [number for number in range(len(graph.titles)) if any(b.column == number for b in graph.boxes.values())]
    gap = 0.32
    width = max(width, _BOX * len(columns) + gap * (len(columns) - 1) + 0.1)
    wide = (width - 0.1 - gap * (len(columns) - 1)) / len(columns)
    room = max(6, int((wide - 0.06) / CHARACTER))
    texts = {key: _text(box, room) for key, box in graph.boxes.items()}
    heights = {key: _LINE * (text.count("\n") + 1) + 0.09 if text else 0.0 for key, text in texts.items()}
    order = _ordered(graph, columns)
    height = max(sum(heights[key] + 0.1 for key in own) for own in order) + 0.3
    figure = new_figure(width, height, pad=0)
    axis = figure.subplots()
    axis.set_xlim(0, width)
    axis.set_ylim(height, 0)
    axis.set_axis_off()
    marks = marks_of(box.arm for box in graph.boxes.values() if box.arm and box.name)
    plain = Mark(inks().muted, "", "-", "")
    places = {}
    for at, own in enumerate(order):
        x = 0.05 + at * (wide + gap)
        axis.text(x + wide / 2, 0.12, wrapped(graph.titles[columns[at]], room, 1), ha="center", va="center", fontsize=8)
        free = (height - 0.3 - sum(heights[key] for key in own)) / len(own)
        y = 0.25
        for key in own:
            places[key] = (x, y + free / 2, heights[key])
            y += heights[key] + free
    for (start, end), arm in graph.links.items():
        _curve(axis, places[start], places[end], wide, marks.get(arm, plain))
    for key, box in graph.boxes.items():
        if texts[key]:
            _box(axis, places[key], wide, texts[key], marks.get(box.arm, plain))
        else:
            x, y, _ = places[key]
            mark = marks.get(box.arm, plain)
            axis.plot([x, x + wide], [y, y], color=mark.color, linestyle=mark.line, linewidth=0.8, zorder=1)
    return figure


def _limited(graph: Lineage) -> Lineage:
    """The graph with no more than `_MOST` boxes in a column."""
    renamed: dict[str, str] = {}
    boxes: dict[str, Box] = {}
    for column in range(len(graph.titles)):
        own = [box for box in graph.boxes.values() if box.column == column]
        for box in own[:_MOST] if len(own) > _MOST else own:
            boxes[box.key] = box
        if len(own) > _MOST:
            rest = f"more {column}"
            boxes[rest] = Box(rest, column, f"… and {len(own) - _MOST} more", "", "")
            renamed |= {box.key: rest for box in own[_MOST:]}
    limited = Lineage(graph.titles, boxes, {})
    for (start, end), arm in graph.links.items():
        _link(limited, renamed.get(start, start), renamed.get(end, end), arm)
    return limited


def _routed(graph: Lineage) -> Lineage:
    """The graph with an empty box wherever a link passes a column, so that links pass between boxes."""
    routed = Lineage(graph.titles, dict(graph.boxes), {})
    for (start, end), arm in graph.links.items():
        before = start
        for column in range(graph.boxes[start].column + 1, graph.boxes[end].column):
            key = f"via {column} {start} {end}"
            routed.boxes[key] = Box(key, column, "", "", arm)
            routed.links[before, key] = arm
            before = key
        routed.links[before, end] = arm
    return routed


def _ordered(graph: Lineage, columns: Sequence[int]) -> list[list[str]]:
    """The boxes of each column from top to bottom, each about level with what it is linked to.

    The barycentre method of Sugiyama, Tagawa & Toda (1981, IEEE Trans. SMC 11), a few sweeps of it.
    """
    order = [[box.key for box in graph.boxes.values() if box.column == column] for column in columns]
    level = {key: (place + 0.5) / len(own) for own in order for place, key in enumerate(own)}
    near: dict[str, list[str]] = {key: [] for key in graph.boxes}
    for start, end in graph.links:
        near[start].append(end)
        near[end].append(start)
    for _ in range(8):
        for own in order:
            wanted = {key: float(np.mean([level[other] for other in near[key]] or [level[key]])) for key in own}
            own.sort(key=wanted.__getitem__)
            level |= {key: (place + 0.5) / len(own) for place, key in enumerate(own)}
    return order


def _text(box: Box, room: int) -> str:
    return "\n".join(part for part in (wrapped(box.name, room, 3), wrapped(box.about, room, 2)) if part)


def _curve(
    axis: Axes, start: tuple[float, float, float], end: tuple[float, float, float], wide: float, mark: Mark
) -> None:
    (x0, y0, h0), (x1, y1, h1) = start, end
    x0, y0, y1 = x0 + wide, y0 + h0 / 2, y1 + h1 / 2
    bend = (x1 - x0) / 2
    path = Curve(
        [(x0, y0), (x0 + bend, y0), (x1 - bend, y1), (x1, y1)], [Curve.MOVETO, Curve.CURVE4, Curve.CURVE4, Curve.CURVE4]
    )
    axis.add_patch(
        PathPatch(path, facecolor="none", edgecolor=mark.color, linestyle=mark.line, linewidth=0.8, zorder=1)
    )


def _box(axis: Axes, place: tuple[float, float, float], wide: float, text: str, mark: Mark) -> None:
    x, y, high = place
    shape = FancyBboxPatch(
        (x, y),
        wide,
        high,
        boxstyle="round,pad=0,rounding_size=0.05",
        facecolor=inks().paper,
        edgecolor=mark.color,
        linestyle=mark.line,
        linewidth=1.2,
        zorder=2,
    )
    axis.add_patch(shape)
    axis.text(x + wide / 2, y + high / 2, text, ha="center", va="center", linespacing=1.15, zorder=3)


def lineage_caption(graph: Lineage) -> str:
    """What the figure shows, from the data."""
    parts = []
    for number, title in enumerate(graph.titles):
        if count := sum(box.column == number for box in graph.boxes.values()):
            parts.append(f"{title} ({count})")
    arms = len({box.arm for box in graph.boxes.values() if box.arm})
    colours = " Colours are arms." if arms > 1 else ""
    return (
        f"What was made from what: {' → '.join(parts)}. Hashes are shortened; of several seeds, the first's.{colours}"
    )


def lineage_alt(graph: Lineage) -> str:
    """The figure in words: what every arm comes from."""
    parts = []
    for box in graph.boxes.values():
        if box.arm and box.key.startswith("arm "):
            sources = [graph.boxes[start].name for start, end in graph.links if end == box.key]
            parts.append(f"{listed([box.name])}{f' from {listed(sources)}' if sources else ''}")
    return f"Boxes in columns with lines between them. {'; '.join(parts[:12])}."


def _short(value: object) -> str:
    return str(value)[:_HASH]
