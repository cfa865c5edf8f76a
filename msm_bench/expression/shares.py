"""Shares with their intervals; apart from the rest, so that they need no optional package."""

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict

from msm_bench import stats

LEVEL = 0.95


class Share(BaseModel):
    """A share with its interval."""

    model_config = ConfigDict(extra="forbid")

    count: int
    """How many."""
    of: int
    """Of how many."""
    share: float
    """0 to 1."""
    low: float
    """Wilson (1927), J. Am. Stat. Assoc. 22:209, 95 %."""
    high: float
    """The same, its upper end."""

    def __str__(self) -> str:
        """In one line, to two digits."""
        return f"{self.count} of {self.of}: {self.share:.2f} [{self.low:.2f}, {self.high:.2f}]"


def wilson(hits: ArrayLike) -> Share:
    """The share of hits, with Wilson's interval."""
    count, of = int(np.sum(hits)), np.size(hits)
    low, high = stats.wilson(count / of, of, LEVEL)
    return Share(count=count, of=of, share=count / of, low=low, high=high)
