"""What is said of a contrast."""

from pydantic import BaseModel, ConfigDict

from msm_bench.recipe import Term
from msm_bench.stats.effects import Effect, McNemar
from msm_bench.stats.mixed import MixedFit


class ContrastResult(BaseModel):
    """A contrast, estimated. `None` stands for what can't be computed or was not asked for."""

    model_config = ConfigDict(extra="forbid")

    name: str
    """As in the recipe; a half of a contrast is called `name [task]`."""
    half_of: str | None = None
    """Of a half, the name of the whole."""
    terms: list[Term]
    """The weighted sum."""
    subset: str
    """Which items, in words."""
    measure: str
    """`margin` in nats, or `rate`."""
    headline: bool
    """Whether it leads the report."""
    confirmatory: bool
    """Whether it is in the Holm family."""
    recipe_sha256: str
    """Of the recipe that stated it; empty for contrasts with a baseline."""
    estimate: float
    """The sum."""
    ci_low: float | None
    """95 % limits of the two-way interval; the bootstrap's, which need not be symmetric, stand beside it. None
    where the variance can't be estimated, or is 0."""
    ci_high: float | None
    """95 % limits of the two-way interval."""
    se: float | None
    """Standard error of the analytic interval."""
    p: float | None
    """Only of confirmatory contrasts with all seeds: TOST where equivalence is claimed, else the larger of `p_swap` and
    `p_two_way`, since the claim is about other seeds and other items; of models that no recipe trained `p_two_way`."""
    p_holm: float | None
    """`p` after Holm's correction over the confirmatory contrasts."""
    smallest_p: float | None
    """What `p_holm` could be at best with so many seeds and confirmatory contrasts (`smallest_p_holm`)."""
    p_swap: float | None
    """Seed-swap test, conditional on these items; of arms that have seeds."""
    p_two_way: float | None
    """t test of the two-way interval; like `p_swap` also of exploratory comparisons with a baseline, for `q`."""
    p_items: float | None
    """Item sign-flips, conditional on these checkpoints; only of confirmatory contrasts, beside `p`."""
    p_equivalence: float | None
    """TOST within ± the smallest effect of interest, where asked for: of a stated contrast with more than one seed; of
    a comparison with a baseline also with one, and then conditional on these checkpoints."""
    bootstrap_low: float | None
    """95 % limits of the crossed bootstrap."""
    bootstrap_high: float | None
    """95 % limits of the crossed bootstrap."""
    n_items: int
    """Items, over all tasks."""
    n_cells: int
    """Cells, over all tasks."""
    n_clusters: int
    """Clusters, over all tasks."""
    n_seeds: int
    """Seeds that every arm has."""
    unscored_rate: float
    """Share of the values that arms were asked for that could not be judged; an item not asked is left out instead."""
    method: str
    """How the interval was made."""
    n_left_out: int = 0
    """Items, over all tasks, that some arm of the contrast has, but that not every arm and seed has a value for."""
    effects: list[Effect] = []
    """Ratio, odds ratio and Cohen's h where two arms are compared on a share; superiority where on ranks."""
    q: float | None = None
    """Of exploratory comparisons with a baseline: `p_two_way`, with several seeds the larger of it and `p_swap`, after
    Benjamini and Hochberg over all of them."""
    mcnemar: McNemar | None = None
    """McNemar's test where two arms are compared on 0 and 1: a description, which ignores clusters."""
    smallest_p_items: float | None = None
    """What `p_items` could be at best with so many clusters."""
    graders: dict[str, float] = {}
    """The estimate by each grader, where there are graders."""
    mixed: MixedFit | None = None
    """A mixed model of a contrast on one task, where asked for."""
    cautions: list[str] = []
    """What makes the interval or a test doubtful here."""
