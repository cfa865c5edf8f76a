"""Loss: the training loss of every stage, from the manifests of checkpoints."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from msm_bench.checkpoints import CheckpointManifest
from msm_bench.report.figures.style import CHARACTER, TEXT, Mark, cut, key_of, marks_of, panels, themed
from msm_bench.report.figures.words import counted, listed, sentences

_KINDS = {"msm": "documents", "chat": "chats", "mixed": "documents and chats"}
_ARROW = " → "
_WINDOW = 0.1
"""Of the steps that a running mean takes in."""


class LossCurve(NamedTuple):
    """The training loss of a stage, after the stages before it."""

    name: str
    """The arm, where the chain is a whole arm, else the chain."""
    place: int
    """Of the stage in its chain, from 1."""
    kind: str
    """Of the stage, in words: what it was trained on."""
    losses: list[list[float]]
    """A list a seed: the loss of every step, in nats a token."""


def loss_curves(manifests: Sequence[Mapping[str, Any]]) -> list[LossCurve]:
    """The curves of all stages that the manifests of shards tell of; a stage that several arms share counts once.

    Args:
        manifests: Of shards (`Experiment.manifests`).
    """
    found: dict[str, LossCurve] = {}
    seen = set()
    arms = {_chain(shard): str(shard["identity"]["arm"]) for shard in manifests if shard.get("checkpoint")}
    for shard in manifests:
        if not shard.get("checkpoint"):
            continue
        manifest = CheckpointManifest.model_validate(shard["checkpoint"])
        chain: list[str] = []
        for stage in manifest.stages:
            chain.append(stage.name)
            name = _ARROW.join(chain)
            if (name, manifest.seed) in seen or not np.isfinite(stage.loss).any():
                continue
            seen.add((name, manifest.seed))
            kind = _KINDS.get(str(stage.settings.get("kind")), "text")
            found.setdefault(name, LossCurve(arms.get(name, name), len(chain), kind, [])).losses.append(stage.loss)
    return list(found.values())


def _chain(shard: Mapping[str, Any]) -> str:
    """The stages of an arm, in words."""
    return _ARROW.join(str(stage["name"]) for stage in shard["checkpoint"]["stages"])


@themed
def draw_losses(curves: Sequence[LossCurve], width: float = TEXT) -> Figure:
    """Loss over steps: a panel for each kind of text and place in the chain, a line for each chain of stages.

    Lines are running means of the mean over seeds; of a panel with few lines, bands reach from the lowest seed to the
    highest.

    Args:
        curves: Of `loss_curves`; at least one.
        width: Of the figure, in inches.
    """
    groups = _groups(curves)
    across = max(1, min(len(groups), int((width - 0.3) / 2.1)))
    room = int(width / across / CHARACTER) - 8
    below = max(map(len, groups.values())) * 0.135
    figure, axes = panels(len(groups), width, 2.0 + below, left=0.3, least=2.1, most=3, share="none")
    for axis, (title, own) in zip(axes, groups.items(), strict=True):
        marks = marks_of(curve.name for curve in own)
        for curve in own:
            _curve(axis, curve, marks[curve.name], band=len(own) <= 3)
        axis.set_title(title)
        axis.set_xlabel("optimizer step")
        axis.set_ylabel("loss (nats a token)")
        axis.grid(axis="y")
        axis.legend(
            key_of(marks.values()),
            [cut(name, room) for name in marks],
            loc="upper left",
            bbox_to_anchor=(0, -0.22),
            borderaxespad=0,
            labelspacing=0.2,
            handlelength=2.4,
        )
    return figure


def _groups(curves: Sequence[LossCurve]) -> dict[str, list[LossCurve]]:
    groups: dict[str, list[LossCurve]] = {}
    for curve in sorted(curves, key=lambda own: own.place):
        groups.setdefault(f"stage {curve.place}: {curve.kind}", []).append(curve)
    return groups


def _curve(axis: Axes, curve: LossCurve, mark: Mark, *, band: bool) -> None:
    smooth = np.array([_running(losses) for losses in _equally_long(curve.losses)])
    steps = np.arange(1, smooth.shape[1] + 1)
    every = max(1, len(steps) // 5)
    axis.plot(
        steps,
        smooth.mean(axis=0),
        color=mark.color,
        linestyle=mark.line,
        marker=mark.marker,
        markevery=every,
        markersize=3,
        linewidth=1,
    )
    if band and len(smooth) > 1:
        axis.fill_between(steps, smooth.min(axis=0), smooth.max(axis=0), color=mark.color, alpha=0.15, linewidth=0)


def _equally_long(losses: Sequence[Sequence[float]]) -> list[Sequence[float]]:
    """All cut to the shortest: a seed that was trained under another recipe may have more steps."""
    steps = min(map(len, losses))
    return [own[:steps] for own in losses]


def _running(losses: Sequence[float]) -> np.ndarray:
    """The mean over a window around each step, shorter at the ends; shape (steps,)."""
    values, half = np.asarray(losses, dtype=float), int(len(losses) * _WINDOW / 2)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    steps = np.arange(len(values))
    low, high = np.maximum(steps - half, 0), np.minimum(steps + half + 1, len(values))
    return np.asarray((sums[high] - sums[low]) / (high - low))


def losses_caption(curves: Sequence[LossCurve]) -> str:
    """What the figure shows, from the data."""
    seeds = max(len(curve.losses) for curve in curves)
    bands = seeds > 1 and any(len(own) <= 3 for own in _groups(curves).values())
    return sentences(
        [
            f"Training loss of {counted(len(curves), 'chain')} of stages: means over {counted(seeds, 'seed')} at most, "
            "smoothed over a tenth of the steps.",
            "Bands, where lines are few, reach from the lowest seed to the highest." if bands else "",
        ]
    )


def losses_alt(curves: Sequence[LossCurve]) -> str:
    """The figure in words: from which loss to which."""
    said = []
    for curve in curves:
        mean = np.mean([_running(losses) for losses in _equally_long(curve.losses)], axis=0)
        said.append(f"{listed([curve.name])}: {mean[0]:.2f} to {mean[-1]:.2f}")
    return f"Loss curves, from the first step to the last. {'; '.join(said[:10])}."
