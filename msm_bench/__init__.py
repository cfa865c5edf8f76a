"""msm-bench: did this training change how a language model generalizes, and how sure are we?"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from msm_bench.api import Comparison, Results, compare, load_results
    from msm_bench.stats import Options

__version__ = version("msm-bench")
__all__ = ["Comparison", "Options", "Results", "__version__", "compare", "load_results"]
_FROM = {name: "msm_bench.api" for name in ("Comparison", "Results", "compare", "load_results")}
_FROM["Options"] = "msm_bench.stats"
"""Where names lie that are loaded once they are needed: every part of msm-bench imports this module."""


def __getattr__(name: str) -> Any:
    if name in _FROM:
        return getattr(import_module(_FROM[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
