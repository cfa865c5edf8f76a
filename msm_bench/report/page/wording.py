"""A contrast in words: what was claimed, what came out, and nothing more than the numbers carry."""

from typing import Literal, NamedTuple

from msm_bench.measures import MEASURES, unit
from msm_bench.recipe import Contrast, Recipe
from msm_bench.report.figures.words import counted
from msm_bench.report.tables import measure_text, p_text
from msm_bench.stats import ContrastResult

ALPHA = 0.05
"""Level of the tests, after Holm."""
Verdict = Literal[
    "confirmed",
    "not shown",
    "opposite",
    "equivalent",
    "equivalence not shown",
    "not yet tested",
    "exploratory",
    "one seed",
    "not computed",
]
LABELS: dict[Verdict, str] = {
    "confirmed": "Confirmed",
    "not shown": "Not shown",
    "opposite": "Opposite to what was stated",
    "equivalent": "Equivalent within the stated bound",
    "equivalence not shown": "Equivalence not shown",
    "not yet tested": "Not yet tested",
    "exploratory": "Exploratory",
    "one seed": "An illustration",
    "not computed": "Not computed",
}


class Claim(NamedTuple):
    """What was stated of a contrast before the run, so far as it is known."""

    description: str = ""
    """What it would mean if it were positive."""
    equivalence: bool = False
    """Whether equivalence to 0 is claimed."""
    bound: float | None = None
    """The smallest effect of interest, in the unit of the measure."""
    family: int = 0
    """Confirmatory contrasts in Holm's family; 0 where that is not known."""
    stated_seeds: int = 0
    """Seeds that must be there before there is a test; 0 where that is not known."""
    trained: bool = True
    """Whether a seed is a training run; of other logs it is not."""


class Reading(NamedTuple):
    """A contrast, as a person reads it."""

    name: str
    """Of the contrast."""
    verdict: Verdict
    """In one of the words of `LABELS`."""
    number: str
    """Estimate with its unit; empty where there is none."""
    interval: str
    """The 95 % interval with its unit; empty where there is none."""
    sentences: tuple[str, ...]
    """What to say, the most important first."""
    claim: str
    """What was claimed, as stated; empty where that is not known."""
    cautions: tuple[str, ...] = ()
    """What the computation itself warns of."""

    @property
    def label(self) -> str:
        """The verdict as a heading."""
        return LABELS[self.verdict]

    @property
    def stated(self) -> str:
        """What the claim is headed with: of an exploratory contrast it is a description, and no claim."""
        return "Stated in the recipe" if self.verdict == "exploratory" else "Claimed before the run"


def claim_of(recipe: Recipe | None, result: ContrastResult, trained: bool = True) -> Claim:
    """What `recipe` states of a result's contrast; of a half, what it states of the whole."""
    whole = result.half_of or result.name
    stated = next((own for own in recipe.contrasts if own.name == whole), None) if recipe else None
    if recipe is None or stated is None:
        return Claim(equivalence=result.p_equivalence is not None, trained=trained)
    return Claim(
        description=stated.description if result.half_of is None else "",
        equivalence=stated.equivalence,
        bound=None if in_unit(measure_text(result)) == "" else recipe.smallest_effect.of(measure_text(result)),
        family=recipe.confirmatory,
        stated_seeds=len(recipe.stated_seeds(stated)),
    )


def in_unit(measure: str) -> str:
    """The unit of a difference in a measure, in words; empty for scales of their own and measures of other tasks."""
    if measure not in MEASURES:
        return ""
    return {"nats": "nats", "share": "percentage points", "other": ""}[unit(measure)]


def amount(value: float, measure: str, *, signed: bool = True, named: bool = True) -> str:
    """A difference in a measure: `+0.18 nats`, `−5.0 percentage points`, `+0.12`."""
    of = in_unit(measure)
    shown, digits = (100 * value, 1) if of == "percentage points" else (value, 2)
    text = f"{abs(shown):.{digits}f}"
    zero = float(text) == 0
    sign = "" if not signed or zero else "−" if shown < 0 else "+"
    return f"{sign}{text}" + (f" {of}" if of and named else "")


def read_contrast(result: ContrastResult, claim: Claim) -> Reading:
    """Verdict and sentences for a contrast. A large p is "not shown", never "no effect"."""
    verdict = _verdict(result, claim)
    sentences = [_lead(result, claim, verdict), _basis(result, claim), *_size(result, claim, verdict)]
    interval = ""
    if result.ci_low is not None and result.ci_high is not None:
        low, high = (amount(limit, measure_text(result), named=False) for limit in (result.ci_low, result.ci_high))
        interval = f"95 % interval {low} to {high}"
    return Reading(
        result.name,
        verdict,
        amount(result.estimate, measure_text(result)),
        interval,
        tuple(sentence for sentence in sentences if sentence),
        claim.description,
        tuple(cautions(result)),
    )


def not_computed(contrast: Contrast, reason: str) -> Reading:
    """A stated contrast that these results do not allow."""
    said = f"It was stated before the run, and these results do not have what it needs: {reason}."
    return Reading(contrast.name, "not computed", "", "", (said,), contrast.description)


def cautions(result: ContrastResult) -> list[str]:
    """Warnings of the computation, and what any reader of these numbers must know."""
    found = list(result.cautions)
    if result.unscored_rate > 0 and not any("unscored" in one for one in found):
        found.append(f"{result.unscored_rate:.1%} of the needed values could not be scored; they count as missing")
    if result.smallest_p is not None and result.smallest_p > ALPHA:
        found.append(
            f"with {counted(result.n_seeds, 'seed')} no p below {result.smallest_p:.3g} is possible after Holm's "
            "correction, so the test could not have passed"
        )
    return found


def _verdict(result: ContrastResult, claim: Claim) -> Verdict:
    if result.p_holm is not None:
        below = result.p_holm < ALPHA
        if claim.equivalence:
            return "equivalent" if below else "equivalence not shown"
        if not below:
            return "not shown"
        return "confirmed" if result.estimate > 0 else "opposite"
    if result.n_seeds == 1 and claim.trained:
        return "one seed"
    return "not yet tested" if result.confirmatory else "exploratory"


def _lead(result: ContrastResult, claim: Claim, verdict: Verdict) -> str:
    """Direction, size, interval and what the test says, in one sentence."""
    p = _p(result, claim)
    if verdict == "confirmed":
        return f"{_estimate(result)}, in the stated direction, and the stated test tells it from 0 ({p})."
    if verdict == "opposite":
        return (
            f"{_estimate(result)}: the stated test tells it from 0 ({p}), but in the direction opposite to the "
            "stated one. The claim is not confirmed; these results speak against it."
        )
    if verdict == "not shown":
        lean = "in the stated direction" if result.estimate > 0 else "against the stated direction"
        if not amount(result.estimate, measure_text(result)).startswith(("+", "−")):
            lean = "too close to 0 to have a direction"
        return (
            f"{_estimate(result)}, {lean}; the stated test does not tell it from 0 ({p}). A difference is not shown, "
            "and that there is none is not shown either."
        )
    if verdict in ("equivalent", "equivalence not shown"):
        within = (
            f"within ± {amount(claim.bound, measure_text(result), signed=False)}" if claim.bound else "within the bound"
        )
        if verdict == "equivalent":
            return f"{_estimate(result)}; the two one-sided tests place the difference {within} ({p})."
        return (
            f"{_estimate(result)}; the two one-sided tests do not place the difference {within} ({p}). That the arms "
            "are alike is not shown, nor that they differ."
        )
    if verdict == "one seed":
        return f"{_estimate(result)}. One seed is an illustration: it does not say what training again would give."
    if verdict == "not yet tested":
        if claim.stated_seeds > result.n_seeds:
            due = f"the test waits for the {claim.stated_seeds} seeds that were stated, {result.n_seeds} of them done"
        else:
            due = "the test could not be computed, as the variance can't be estimated from these results"
        return f"{_estimate(result)}; {due}. Nothing is confirmed or refuted yet."
    stated = claim.equivalence and claim.stated_seeds > 0
    tested = "It is no part of the stated tests" if stated else "No test of it was stated"
    return f"{_estimate(result)}{_compared(result)}. {tested}, so this is a lead and no finding."


def _compared(result: ContrastResult) -> str:
    """The tests of a comparison with a baseline, which nobody stated: false discovery rate and equivalence."""
    said = ""
    if result.q is not None:
        said += f"; q {_equals(result.q)} after Benjamini and Hochberg over all comparisons"
    if not result.confirmatory and result.p_equivalence is not None:
        said += f"; equivalence (TOST): p {_equals(result.p_equivalence)}"
    return said


def _equals(p: float) -> str:
    text = p_text(p)
    return text if text.startswith("<") else f"= {text}"


def _estimate(result: ContrastResult) -> str:
    """The estimate as the beginning of a sentence."""
    size = amount(result.estimate, measure_text(result))
    what = f"The estimate is {size} in {measure_text(result)}"
    if result.ci_low is None or result.ci_high is None:
        return f"{what}, without an interval"
    low, high = (amount(limit, measure_text(result), named=False) for limit in (result.ci_low, result.ci_high))
    around = ", which includes 0" if result.ci_low <= 0 <= result.ci_high else ""
    return f"{what} (95 % interval from {low} to {high}{around})"


def _p(result: ContrastResult, claim: Claim) -> str:
    name = "TOST, p" if claim.equivalence else "p"
    p = "" if result.p_holm is None else _equals(result.p_holm)
    family = f" over {claim.family} contrasts" if claim.family > 1 else ""
    best = f"; {result.smallest_p:.3g} is the smallest that could be" if result.smallest_p else ""
    after = f" after Holm's correction{family}" if claim.family != 1 else ", the only stated test"
    return f"{name} {p}{after}{best}"


def _basis(result: ContrastResult, claim: Claim) -> str:
    """How much the numbers rest on."""
    items = counted(result.n_items, "item")
    clusters = f" in {result.n_clusters:,} clusters" if result.n_clusters != result.n_items else ""
    if not claim.trained:
        about = "one run of each arm" if result.n_seeds == 1 else counted(result.n_seeds, "seed")
        tail = (
            "; the interval is over items alone and says nothing of other training runs" if result.n_seeds == 1 else ""
        )
        return f"It rests on {items}{clusters} and {about}{tail}."
    return f"It rests on {counted(result.n_seeds, 'seed')} and {items}{clusters} ({result.subset or 'all items'})."


def _size(result: ContrastResult, claim: Claim, verdict: Verdict) -> list[str]:
    """The effect beside the smallest one of interest, where that was stated."""
    bound, low, high = claim.bound, result.ci_low, result.ci_high
    if bound is None or low is None or high is None or claim.equivalence or verdict in ("one seed", "exploratory"):
        return []
    stated = f"{amount(bound, measure_text(result), signed=False)}, the smallest effect of interest"
    if verdict == "confirmed":
        if low >= bound:
            return [f"The whole interval lies above {stated}."]
        if result.estimate < bound:
            return [f"It is smaller than {stated}: told from 0, and of little weight by that measure."]
        return [f"The interval reaches below {stated}."]
    if -bound < low and high < bound:
        return [f"The interval lies within ± {stated}; equivalence was not what was tested."]
    if verdict == "not shown":
        return [f"An effect as large as {stated}, is not ruled out."]
    return []
