"""msm-bench: did this training change how a language model generalizes, and how sure are we?"""

from importlib.metadata import version

__version__ = version("msm-bench")
__all__ = ["__version__"]
