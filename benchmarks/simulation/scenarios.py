"""The scenarios of the simulation study: stated before the run.

Every scenario names the population that the inference is to, and the truth is that of this population. A method is
judged only in scenarios of its own population, but where the misuse itself is what is shown; its name then says so.
"""

from simulation.scenario import (
    BOTH,
    CONFIRMED,
    CONTRAST,
    EFFECTS,
    ERRORS,
    FIRES,
    INTERVALS,
    ITEMS,
    MARGIN,
    NOMINAL,
    SEEDS,
    SHARE,
    TESTED,
    Scenario,
)
from simulation.share_scenarios import RATES, SHARES

__all__ = ["ERRORS", "FIRES", "ITEMS", "MARGIN", "NOMINAL", "QUIET", "SCENARIOS", "SEEDS", "Scenario"]


def _seeds(count: int, name: str, **how: float) -> Scenario:
    return Scenario(f"{count} seeds, {name}", TESTED if how.get("item_sd") == 0 else CONFIRMED, seeds=count, **how)  # type: ignore[arg-type]


_CROSSED = tuple(_seeds(count, "30 items", clusters=30) for count in (2, 3, 4, 5, 6, 7, 8, 12, 20))
_MOSTLY_SEEDS = tuple(
    _seeds(count, "noise of training only", clusters=30, seed_sd=1.0, item_sd=0.0)
    for count in (2, 3, 4, 5, 6, 7, 8, 12, 20)
)
_FEW_CLUSTERS = tuple(
    Scenario(f"{count} clusters of 3, 20 seeds", CONTRAST, seeds=20, clusters=count, size=3, seed_sd=0.1, cluster_sd=1)
    for count in (3, 5, 10, 15, 20, 30)
)
_CELLS = (
    Scenario("10 cells of 3 clusters", CONFIRMED, cells=10, clusters=3),
    Scenario("5 cells of 12 clusters, 12 seeds", CONFIRMED, seeds=12, cells=5, clusters=12),
    Scenario("10 cells of 3 clusters of 4, ICC 0.3", CONFIRMED, cells=10, clusters=3, size=4, cluster_sd=0.65),
    Scenario("3 cells of 2 clusters", CONTRAST, seeds=8, cells=3, clusters=2, seed_sd=0.1),
    Scenario("10 clusters of 4, ICC 0.3", CONFIRMED, clusters=10, size=4, cluster_sd=0.65),
    Scenario("10 clusters of 4, ICC 0.3, truth 0.5", INTERVALS, clusters=10, size=4, cluster_sd=0.65, truth=0.5),
    Scenario("10 clusters, sizes drawn", CONTRAST, seeds=8, size=4, unequal="drawn", cluster_sd=1, seed_sd=0.1),
    Scenario("30 clusters, sizes drawn", CONTRAST, seeds=8, clusters=30, size=4, unequal="drawn", cluster_sd=1),
    Scenario("10 cells, every other of one cluster", CONTRAST, seeds=12, cells=10, clusters=(1, 4), seed_sd=0.1),
    Scenario("10 cells of one cluster", CONTRAST, cells=10, clusters=1),
    Scenario(
        "30 clusters, one of half the items",
        CONTRAST,
        seeds=12,
        clusters=30,
        size=2,
        unequal="one large",
        cluster_sd=1,
        seed_sd=0.1,
    ),
    Scenario(
        "10 clusters, one of half the items", CONTRAST, seeds=12, size=4, unequal="one large", cluster_sd=1, seed_sd=0.1
    ),
    Scenario("cells of unequal spread", CONTRAST, seeds=8, cells=8, clusters=3, seed_sd=0.1, scales=(1, 1, 2, 3)),
    Scenario(
        "one cell has nearly all spread", CONTRAST, seeds=12, cells=8, clusters=3, seed_sd=0.1, scales=(10, *[1.0] * 7)
    ),
    *(
        Scenario(
            f"{cells} cells of {len(size)} clusters, of {', '.join(map(str, size))} items",
            CONTRAST,
            seeds=20,
            cells=cells,
            clusters=len(size),
            size=size,
            cluster_sd=cluster_sd,
            item_sd=item_sd,
            seed_sd=0.1,
        )
        for cells, size, cluster_sd, item_sd in ((12, (1, 9), 1, 0.5), (8, (1, 2, 6), 1, 0.5), (12, (2, 5), 0.3, 1))
    ),
    Scenario(
        "10 cells, every other of one cluster of 8 items",
        CONTRAST,
        seeds=20,
        cells=10,
        clusters=(1, 4),
        size=(8, 1, 1, 1, 1),
        cluster_sd=1,
        item_sd=0.5,
        seed_sd=0.1,
    ),
)
_ITEMS_ONLY = (
    Scenario(
        "one seed, 10 items", ("two_way_interval", "two_way_p", "crossed_bootstrap", "item_sign_flip"), ITEMS, seeds=1
    ),
    Scenario(
        "one seed, 30 items",
        ("two_way_interval", "two_way_p", "crossed_bootstrap", "item_sign_flip"),
        ITEMS,
        seeds=1,
        clusters=30,
    ),
    Scenario("one seed, 30 items, taken as about training again", CONTRAST, BOTH, seeds=1, clusters=30),
    Scenario("6 checkpoints, 30 clusters of 2", ("item_sign_flip",), ITEMS, clusters=30, size=2, cluster_sd=1),
    Scenario("6 checkpoints, 8 skewed items", ("item_sign_flip",), ITEMS, clusters=8, shape="lognormal"),
    Scenario(
        "6 checkpoints, 30 skewed items", ("item_sign_flip",), ITEMS, clusters=30, shape="lognormal", noise_sd=0.3
    ),
    Scenario("8 seeds, these 30 items", ("seed_swap",), SEEDS, seeds=8, clusters=30),
)
_SHAPES = (
    Scenario("heavy tails, 10 items", CONFIRMED, shape="t3"),
    Scenario("heavy tails, 30 items", CONFIRMED, clusters=30, shape="t3"),
    Scenario("skewed, 10 items, 8 seeds", CONTRAST, seeds=8, shape="lognormal", seed_sd=0.1, noise_sd=0.3),
    Scenario("skewed, 30 items, 8 seeds", CONTRAST, seeds=8, clusters=30, shape="lognormal", seed_sd=0.1, noise_sd=0.3),
    Scenario(
        "skewed, 100 items, 8 seeds", CONTRAST, seeds=8, clusters=100, shape="lognormal", seed_sd=0.1, noise_sd=0.3
    ),
    Scenario("unequal epochs", CONFIRMED, clusters=30, epochs=(1, 1, 8), noise_sd=2.0),
    Scenario("sharpening 1.5", CONFIRMED, clusters=30, sharpening=1.5, item_sd=0.3),
    Scenario("sharpening 3", CONFIRMED, clusters=30, sharpening=3.0, item_sd=0.3),
    Scenario("trend over four doses", CONFIRMED, clusters=30, doses=(0, 1, 2, 3)),
    Scenario(
        "trend over four doses, 8 seeds, truth 0.3", INTERVALS, seeds=8, doses=(0, 1, 2, 3), truth=0.3, clusters=30
    ),
    Scenario(
        "trend over four doses, 4 seeds, 5 clusters of 4",
        CONTRAST,
        seeds=4,
        clusters=5,
        size=4,
        cluster_sd=1,
        doses=(0, 1, 2, 3),
    ),
    Scenario("ranks alike", ("superiority", *CONFIRMED), marks=(0.0, 0.0), clusters=30, item_sd=0.5),
    Scenario("ranks, one arm higher", ("superiority",), marks=(0.5, 0.0), clusters=30, item_sd=0.5),
    Scenario(
        "ranks, one arm higher, 8 seeds, 10 clusters of 4",
        ("superiority",),
        seeds=8,
        marks=(0.5, 0.0),
        size=4,
        cluster_sd=1,
        item_sd=0.5,
    ),
    Scenario(
        "ranks near the top, one seed", ("superiority",), ITEMS, seeds=1, marks=(3.5, 3.0), clusters=50, seed_sd=0
    ),
)
_UNSCORED = (
    Scenario("20 % unscored at random", CONFIRMED, clusters=300, unscored=0.2),
    *(
        Scenario(
            f"{share:.0%} of one arm unscored, the low ones",
            CONTRAST,
            clusters=100,
            seed_sd=0.2,
            unscored=share,
            unscored_how="low",
        )
        for share in (0.02, 0.05, 0.1, 0.2)
    ),
    Scenario(
        "2% of one arm unscored, the low ones, 1000 items",
        CONTRAST,
        clusters=1000,
        seed_sd=0.05,
        unscored=0.02,
        unscored_how="low",
    ),
    Scenario(
        "5% of one arm unscored, the low ones, equivalence",
        ("tost",),
        truth=-0.5,
        bound=0.5,
        clusters=100,
        seed_sd=0.2,
        unscored=0.05,
        unscored_how="low",
    ),
    Scenario(
        "rates 0.5 and 0.5, 5% unscored at random",
        (*CONFIRMED, *EFFECTS),
        rates=(0.5, 0.5),
        clusters=60,
        item_sd=0.5,
        unscored=0.05,
    ),
    Scenario(
        "rates 0.7 and 0.7, 5% of one arm unscored, wrong ones",
        (*CONTRAST, *EFFECTS),
        rates=(0.7, 0.7),
        clusters=100,
        item_sd=0.5,
        seed_sd=0.1,
        unscored=0.05,
        unscored_how="low",
    ),
    Scenario(
        "share 0.7, one seed, 15% unscored, wrong ones",
        SHARE,
        ITEMS,
        seeds=1,
        rates=(0.7,),
        clusters=200,
        seed_sd=0,
        unscored=0.15,
        unscored_how="low",
    ),
)
_TESTS = (
    Scenario("equivalence, truth on the bound", ("tost",), truth=0.5, bound=0.5, seeds=6, clusters=30, seed_sd=0.2),
    Scenario(
        "equivalence, 3 seeds, truth on the bound", ("tost",), truth=0.5, bound=0.5, seeds=3, clusters=30, seed_sd=0.2
    ),
    Scenario(
        "equivalence, 5 clusters, 20 seeds, truth on the bound",
        ("tost",),
        truth=0.5,
        bound=0.5,
        seeds=20,
        clusters=5,
        seed_sd=0.1,
        noise_sd=0.3,
        item_sd=0.3,
    ),
    Scenario(
        "equivalence, rates 0.98 and 0.93, truth on the bound",
        ("tost",),
        rates=(0.98, 0.93),
        bound=0.05,
        seeds=8,
        clusters=200,
        item_sd=0.2,
        seed_sd=0.05,
    ),
    Scenario(
        "six contrasts, differences and equivalence in turn, four null",
        ("holm",),
        seeds=8,
        clusters=30,
        effects=(0, 1.5, 0, 1.5, 3, 0),
        bound=1.5,
    ),
    Scenario(
        "six contrasts, all null, noise of training only",
        ("holm",),
        seeds=12,
        clusters=30,
        seed_sd=1.0,
        item_sd=0.0,
        effects=(0.0,) * 6,
    ),
    Scenario(
        "20 contrasts, all null, 10 clusters of 4",
        ("benjamini_hochberg",),
        seeds=8,
        size=4,
        cluster_sd=1,
        seed_sd=0.1,
        effects=(0.0,) * 20,
    ),
    Scenario(
        "equivalence, 30 skewed items, truth on the bound",
        ("tost",),
        truth=0.5,
        bound=0.5,
        seeds=8,
        clusters=30,
        shape="lognormal",
        seed_sd=0.05,
        noise_sd=0.3,
        item_sd=0.7,
    ),
    Scenario("six contrasts, all null", ("holm",), seeds=8, clusters=30, effects=(0.0,) * 6),
    Scenario("six contrasts, three null", ("holm",), seeds=8, clusters=30, effects=(0, 0, 0, 3, 3, 3)),
    Scenario("20 contrasts, all null", ("benjamini_hochberg",), seeds=8, clusters=30, effects=(0.0,) * 20),
    Scenario(
        "20 contrasts, ten null", ("benjamini_hochberg",), seeds=8, clusters=30, effects=(0.0,) * 10 + (2.0,) * 10
    ),
    Scenario("McNemar, single items", ("mcnemar",), ITEMS, seeds=1, rates=(0.5, 0.5), clusters=60, seed_sd=0),
    Scenario("McNemar, 6 seeds", ("mcnemar",), seeds=6, rates=(0.5, 0.5), clusters=60),
    Scenario("2 graders", ("grader_interval",), seeds=12, clusters=30, graders=2),
    Scenario("3 graders", ("grader_interval",), seeds=12, clusters=30, graders=3),
    Scenario("5 graders", ("grader_interval",), seeds=12, clusters=30, graders=5),
    Scenario("3 graders, one seed", ("grader_interval",), ITEMS, seeds=1, clusters=30, seed_sd=0, graders=3),
    Scenario("3 graders, 4 seeds, 10 clusters of 3", ("grader_interval",), seeds=4, size=3, cluster_sd=1, graders=3),
    Scenario(
        "5 graders, 20 seeds, 5 clusters of 3",
        ("grader_interval",),
        seeds=20,
        clusters=5,
        size=3,
        cluster_sd=1,
        graders=5,
    ),
    Scenario("3 graders who agree", ("grader_interval",), seeds=12, clusters=30, graders=3, grader_sd=0.0),
    Scenario("mixed model, 4 seeds, 15 items", ("mixed_model",), seeds=4, clusters=15),
    Scenario("mixed model, 12 seeds, 20 items", ("mixed_model",), seeds=12, clusters=20),
    Scenario("mixed model, 12 seeds, 10 clusters of 3", ("mixed_model",), seeds=12, size=3, cluster_sd=1),
    Scenario(
        "McNemar, 15 clusters of 6",
        ("mcnemar", "two_way_p"),
        ITEMS,
        seeds=1,
        rates=(0.5, 0.5),
        clusters=15,
        size=6,
        cluster_sd=1,
        seed_sd=0,
    ),
)
SCENARIOS = (
    *_CROSSED,
    *_MOSTLY_SEEDS,
    *_FEW_CLUSTERS,
    *_CELLS,
    *_ITEMS_ONLY,
    *_SHAPES,
    *RATES,
    *SHARES,
    *_UNSCORED,
    *_TESTS,
)
"""All of them, in the order of the table."""
QUIET = (
    "12 seeds, 30 items",
    "20 seeds, 30 items",
    "30 clusters of 3, 20 seeds",
    "5 cells of 12 clusters, 12 seeds",
    "rates 0.5 and 0.5, 20 seeds, 100 items",
)
"""Scenarios in which nothing may fail, and no caution may fire in more than a tenth of the data sets."""
