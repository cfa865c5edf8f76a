"""Which reasons models give for what they do: extracted by a grader, put together to patterns, and counted by arm."""

from msm_bench.reasons.codebook import Codebook, Pattern
from msm_bench.reasons.overlap import merge_overlapping, overlap

__all__ = ["Codebook", "Pattern", "merge_overlapping", "overlap"]
