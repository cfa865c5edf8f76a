"""What a scenario of the simulation study is, and the rule by which a method fails one: stated before the run."""

from dataclasses import dataclass

BOTH = "seeds and items"
"""Other items and other training runs: seeds, clusters and items are drawn anew each time."""
ITEMS = "items, these checkpoints"
"""Other items for the same checkpoints: the seeds' own effects are part of the truth."""
SEEDS = "seeds, these items"
"""Other training runs on the same items: the items' own effects are part of the truth."""

NOMINAL = 0.05
"""Type-1 error of a test; an interval's coverage is 1 − NOMINAL."""
ERRORS = 2.0
"""A method fails if it is off by more than so many simulation errors, and also by more than `MARGIN`."""
MARGIN = 0.02
"""What matters in practice: a type-1 error above 0.07 or a coverage below 0.93. Being too cautious is no failure."""
FIRES = 0.9
"""A scenario counts as flagged for a method if the caution fires in at least this share of its simulated data sets."""

CONTRAST = ("two_way_interval", "two_way_p", "crossed_bootstrap")
"""What is about seeds and items."""
TESTED = (*CONTRAST, "seed_swap", "confirmatory_p")
"""With the p of record, where the items' own effects do not move the seed swap's null."""
CONFIRMED = (*CONTRAST, "confirmatory_p")
INTERVALS = ("two_way_interval", "crossed_bootstrap")
"""Where the truth is not 0, so that there is no error of the first kind."""
EFFECTS = ("ratio", "odds_ratio", "cohens_h")
"""Of two arms' shares."""
SHARE = ("wilson", "clopper_pearson", "arm_summary", "share_limits")
"""Of one arm's share."""


@dataclass(frozen=True)
class Scenario:
    """One way in which data may come about.

    Without `rates` a value is a contrast on the scale of a margin, truth + seed + cluster + item + noise; the standard
    deviations are those of the contrast's parts. With `rates` every arm answers right or wrong: a latent normal of
    the same parts, drawn for each arm, and of `common`, the item's difficulty for all arms, is above a threshold such
    that the arm's expected rate is the one given.
    """

    name: str
    methods: tuple[str, ...]
    about: str = BOTH
    """The population."""
    truth: float = 0.0
    """Of a contrast of margins; with `rates` it is the first rate less the second."""
    rates: tuple[float, ...] = ()
    """Expected rate of each arm: one for an arm alone, two for a contrast."""
    seeds: int = 6
    cells: int = 1
    """Fixed strata; their means differ, which is no noise."""
    clusters: int | tuple[int, ...] = 10
    """In each cell, repeated over the cells."""
    size: int | tuple[int, ...] = 1
    """Items in a cluster; several are repeated over the clusters, those of the first cell first."""
    unequal: str = ""
    """Sizes of clusters: `drawn` (1 to 2·size − 1), `one large` (half of all items in a cell's first)."""
    seed_sd: float = 0.5
    cluster_sd: float = 0.0
    item_sd: float = 1.0
    noise_sd: float = 1.0
    """Of a seed and an item alone."""
    common: float = 1.0
    shape: str = "normal"
    """Of cluster and item effects: `normal`, `t3` (heavy tails) or `lognormal` (skewed, σ = 1), all with variance 1."""
    scales: tuple[float, ...] = (1.0,)
    """Factors of the cells' standard deviations, repeated over the cells."""
    epochs: tuple[int, ...] = (1,)
    """Repetitions of the items, repeated over the items; noise is averaged over them."""
    sharpening: float = 1.0
    """The arm's margins are so many times the base's, of mean 1 and standard deviation 1, on two tasks of opposite
    sign: the truth stays 0. With `rates` the noise of seed and item of the first arm is so many times smaller than that
    of the second, and the rates stay what they are."""
    doses: tuple[float, ...] = ()
    """Of arms whose margins grow by `truth` a dose: the contrast is their trend."""
    marks: tuple[float, ...] = ()
    """Of two arms, the means of latent normals of variance 1 that are cut into the ranks 1 to 5 at −1.5, −0.5, 0.5 and
    1.5: compared is how often the first beats the second on an item."""
    unscored: float = 0.0
    """Share of an arm's values that can't be judged. Items that lack one are left out."""
    unscored_how: str = "random"
    """`random`, or `low`: the lower a value of the first arm, the likelier it is unscored (of shares only what is
    wrong); other arms' all are scored."""
    effects: tuple[float, ...] = ()
    """True contrasts of a family, whose arms share one baseline; with `bound` every other one is tested by TOST."""
    graders: int = 0
    """How many score every value; 0 for values that need none. They are drawn anew too."""
    grader_sd: float = 0.5
    """Of a grader's leaning, and of its leaning on each item."""
    bound: float = 0.0
    """Of equivalence, where it is tested; the truth lies on it."""
