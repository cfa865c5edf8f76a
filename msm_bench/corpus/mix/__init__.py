"""The instruction mix: chats of public sets, drawn and filtered by a recipe of `specs/mixes`.

build(Mix.load("safety"), Path("runs/it"), spec=Spec.load("specs/safety-specific.md"), seed=1)
"""

from msm_bench.corpus.mix.draw import Counts, build
from msm_bench.corpus.mix.recipe import Format, Mix, MixSource

__all__ = ["Counts", "Format", "Mix", "MixSource", "build"]
