"""Model and data cards: what was trained on what, from the manifests of the shards and the corpora."""

from collections import Counter

import pandas as pd

from msm_bench.basemodels import EMBEDDED
from msm_bench.experiment import Experiment
from msm_bench.report.render import render_table

_MODEL = """# Model card: the checkpoints of {recipe}

{description}

**Base**: `{base}`, {licence}. {note}

**Training**: LoRA, rank {r}, alpha {alpha}, on all linear layers; AdamW, cosine schedule; {dtype} matrix products. The
stages of an arm share one adapter. `msm` is next-token prediction on documents, `chat` has its loss on the assistant's
tokens only. The assistant is called {model_name}, its maker {provider_name}; what the documents say of them is fiction.

{stages}
{arms}
Adapters are not distributed: `msm-bench run {recipe}` makes them again ({machines}).

**For** research on how training generalizes, and nothing else. The checkpoints hold made-up preferences and views,
and were not made safe for use by anybody.
"""
_DATA = """# Data card: what {recipe} is trained and scored on

## Training text

{corpora}
How it was written, and what it is not: [specs/corpora/README.md](../../specs/corpora/README.md).

## Items

{items}
How they were written, held out and read: [tasks/README.md](../../tasks/README.md).
"""


def model_card(experiment: Experiment) -> str:
    """The model card, as Markdown."""
    recipe = experiment.recipe
    source = EMBEDDED.get(recipe.base)
    stages = pd.DataFrame(
        {
            "stage": name,
            "kind": stage.kind,
            "corpora": ", ".join(f"{share.id} ({share.fraction:.0%} a seed{share.how})" for share in stage.corpora),
            "steps": stage.steps,
            "tokens a step": stage.batch * stage.length,
            "peak learning rate": f"{stage.learning_rate:g}",
        }
        for name, stage in recipe.stages.items()
    )
    arms = pd.DataFrame(
        {
            "arm": arm,
            "stages": " → ".join(chain) or "none",
            "seeds": ", ".join(str(seed) for seed in experiment.finished_seeds(arm)) or "none yet",
        }
        for arm, chain in recipe.arms.items()
    )
    dtypes = sorted({stage.dtype for stage in recipe.stages.values()})
    return _MODEL.format(
        recipe=recipe.id,
        description=recipe.description,
        base=recipe.base,
        licence=source.licence if source else "under the licence that its own card states",
        note=source.note if source else "",
        r=recipe.lora.r,
        alpha=recipe.lora.alpha,
        dtype=" and ".join(dtypes) or "no",
        model_name=recipe.names.model_name,
        provider_name=recipe.names.provider_name,
        stages=render_table(stages, "markdown"),
        arms=render_table(arms, "markdown"),
        machines="; ".join(experiment.machines()) or "nothing is trained yet",
    )


def data_card(experiment: Experiment) -> str:
    """The data card, as Markdown."""
    recipe = experiment.recipe
    ids = dict.fromkeys(share.id for stage in recipe.stages.values() for share in stage.corpora)
    manifests = [experiment.corpus(corpus).manifest for corpus in ids]
    corpora = pd.DataFrame(
        {
            "corpus": manifest.id,
            "spec": manifest.spec or "none",
            "rows": f"{manifest.rows} {manifest.kind}",
            "words": f"{manifest.words:,}",
            "licence": manifest.licence,
            "sha256": manifest.data_sha256[:12],
        }
        for manifest in manifests
    )
    rows = []
    for choice, task in zip(recipe.tasks, experiment.tasks, strict=True):
        about = [sample.metadata or {} for sample in task.dataset]
        cues = Counter(str(item["cue"]) for item in about if item.get("cue"))
        rows.append(
            {
                "task": choice.task,
                "split": recipe.split_of(choice.task),
                "items": str(len(about)),
                "cells": str(len({item.get("cell") for item in about})),
                "arms": ", ".join(choice.arms) if choice.arms else "all",
                **{cue: str(count) for cue, count in sorted(cues.items())},
            }
        )
    return _DATA.format(
        recipe=recipe.id,
        corpora=render_table(corpora, "markdown"),
        items=render_table(pd.DataFrame(rows).fillna("–"), "markdown"),
    )


def cards(experiment: Experiment) -> dict[str, str]:
    """The cards by file name."""
    return {"MODEL_CARD.md": model_card(experiment), "DATA_CARD.md": data_card(experiment)}
