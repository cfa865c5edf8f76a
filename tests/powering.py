"""Components, paired values and frames that the tests of power are made of."""

import math

import numpy as np
import pandas as pd
from stat_frames import minus, result_frame

from msm_bench.planning import Component, Components, Design
from msm_bench.planning.components import Asking, Shape, TaskComponents
from msm_bench.recipe import Contrast
from msm_bench.stats import TaskValues

ASKED = Asking(2, 0)
ALONE = Shape(40, 40, 1)


def known(
    seed: float,
    item: float,
    noise: float,
    *,
    shape: Shape = ALONE,
    cluster: float = 0.0,
    seed_cluster: float = 0.0,
) -> Components:
    """Components of one task from standard deviations."""
    between, of_item, of_both, rest = (Component(sd**2, 1) for sd in (cluster, item, seed_cluster, noise))
    own = TaskComponents("t", shape, 2, 0, between, of_item, of_both, rest, None)
    return Components(Component(seed**2, 1), math.nan, math.nan, 0, 0, (own,), math.nan)


def drawn(of: Components, design: Design, effect: float, rng: np.random.Generator) -> TaskValues:
    """Paired values with these components; cells, which are fixed, lie 3 apart."""
    own, seeds, n = of.tasks[0], design.seeds, design.items[0]
    clusters = np.repeat(np.arange(n // round(own.shape.per_cluster)), round(own.shape.per_cluster))
    cells = clusters % design.cells[0]
    g = clusters.max() + 1
    assert of.seed is not None
    values = (
        effect
        + 3 * (cells - cells.mean())
        + rng.normal(0, of.seed.sd, (seeds, 1))
        + rng.normal(0, own.cluster.sd, g)[clusters]
        + rng.normal(0, own.item.sd, n)
        + rng.normal(0, own.seed_cluster.sd, (seeds, g))[:, clusters]
        + rng.normal(0, own.seed_item.sd, (seeds, n))
    )
    return TaskValues("t", values, cells, clusters)


def frame(epochs: int = 2, seeds: tuple[int, ...] = (1, 2, 3), n: int = 6) -> pd.DataFrame:
    """Arms `a` and `b` on one task; answers of `a` differ by 2 between two epochs, those of `b` by 4."""
    rng = np.random.default_rng(3)
    rows = []
    for arm, apart in (("a", 1.0), ("b", 2.0)):
        for seed in seeds:
            for item in range(n):
                middle = rng.normal()
                for epoch in range(1, epochs + 1):
                    rows.append((arm, seed, f"i{item}", middle + apart * (-1) ** epoch * (epochs > 1)))
    return result_frame(rows, cell="", metric="rate")


A_LESS_B = Contrast(name="a − b", terms=minus("a", "b"), measure="rate")
