"""Components given by hand, in place of a pilot's or beside them."""

import math

from msm_bench.errors import UserError
from msm_bench.planning.components import NONE, Component, Components, Shape, TaskComponents


def by_hand(
    *, seed: float | None, item: float, noise: float, epoch: float | None, cells: int, per_cluster: int, arms: int
) -> Components:
    """Components from standard deviations of the paired values, as one task.

    Args:
        seed: Of the seeds' means; None where only these very models are spoken of.
        item: Between clusters (which are the items themselves where `per_cluster` is 1).
        noise: Of seed and item together.
        epoch: Of one answer.
        cells: Fixed strata.
        per_cluster: Items of a cluster.
        arms: Arms that are asked.
    """
    between = Component(item**2, 0)
    task = TaskComponents(
        task="",
        shape=Shape(per_cluster, 1, cells),
        asked=arms,
        asked_once=0,
        cluster=between if per_cluster > 1 else NONE,
        item=NONE if per_cluster > 1 else between,
        seed_cluster=NONE,
        seed_item=Component(noise**2, 0),
        epoch=None if epoch is None else Component(epoch**2, 0),
    )
    own_seed = None if seed is None else Component(seed**2, 0)
    return Components(own_seed, math.nan, math.nan, 0, 0, (task,), math.nan)


def with_given(components: Components, seed: float | None, epoch: float | None) -> Components:
    """A pilot's components with standard deviations that are known better, or not from it.

    Raises:
        UserError: the noise of sampling is given for a contrast of several tasks.
    """
    if seed is not None:
        components = components._replace(seed=Component(seed**2, 0), seed_low=math.nan, seed_high=math.nan)
    if epoch is None:
        return components
    if len(components.tasks) > 1:
        raise UserError("--sd-epoch: the contrast is over several tasks, each with a noise of its own; leave it out")
    task = components.tasks[0]
    if task.epoch is None:  # until now it counted as the noise of seed and item, or with one seed as the items'
        from_seed_item = components.seeds > 1
        whole = task.seed_item if from_seed_item else task.item
        rest = Component(max(0.0, whole.variance - epoch**2), whole.df)
        task = task._replace(seed_item=rest) if from_seed_item else task._replace(item=rest)
    return components._replace(tasks=(task._replace(epoch=Component(epoch**2, 0)),))
