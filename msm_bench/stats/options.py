"""What a comparison is asked to compute beyond its contrasts."""

from pydantic import BaseModel, ConfigDict, Field, model_validator

from msm_bench.recipe import Smallest


class Options(BaseModel):
    """Settings of `evaluate`, `evaluate_all`, `evaluate_stated`, `baseline_contrasts` and `sensitivity`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    draws: int = Field(4000, ge=100)
    """Resamples of the crossed bootstrap."""
    smallest: Smallest = Smallest()
    """The margin of equivalence in comparisons with a baseline, on the measure's scale; a recipe states its own."""
    equivalence: bool = False
    """Whether to test equivalence (TOST within ± `smallest`) in comparisons with a baseline; a stated contrast says so
    itself."""
    ordinal: tuple[str, ...] = ()
    """Measures whose values are ranks: two arms are compared by the probability of superiority."""
    graders: dict[str, tuple[str, ...]] = {}
    """For each measure that several graders score, a name for it and the metrics of its graders; its value is their
    mean, and what they disagree in is part of the interval."""
    mixed: bool = False
    """Whether to fit a mixed model beside the interval, as a cross-check; needs statsmodels."""

    @model_validator(mode="after")
    def _graders_are_named_once(self) -> "Options":
        for measure, metrics in self.graders.items():
            if not metrics or len(set(metrics)) < len(metrics):
                raise ValueError(f"graders of {measure!r}: name each metric once, and at least one")
        return self

    def metrics_of(self, measure: str) -> tuple[str, ...]:
        """The metrics whose mean is `measure`: those of its graders, else itself alone."""
        return self.graders.get(measure, (measure,))


DEFAULTS = Options()
"""What is computed where nothing else is asked for."""
