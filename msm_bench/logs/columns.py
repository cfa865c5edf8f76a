"""The columns of a result frame that say what a sample is: arm, seed, item, cell, cluster.

A log made by a recipe carries its arm and seed in its metadata. Of any other Inspect log, the arm is its model's name,
with what the model was told beyond the task's own words, its seed is `UNTRAINED`, and each item is its own cluster,
unless other columns are named: `model`, `metadata.domain`, `task_arg.style` and so on (`FIXED`, `KEYED`).
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from inspect_ai.log import EvalLog

from msm_bench.errors import UserError, printable
from msm_bench.files import canonical_json, sha256_text
from msm_bench.logs.find import LogFile, Sample
from msm_bench.results import UNTRAINED

FIXED = ("sample_id", "epoch", "model", "task", "solver", "log", "target", "tag")
"""Columns that every log has; a log's tags stand in one text."""
KEYED = ("metadata", "task_arg", "model_arg")
"""Columns that a log may have: `metadata.X` is the sample's, else the log's; `X.Y` looks inside."""
OF_SAMPLE = ("item", "cell", "cluster", "split", "cue", "epoch", "sample_uuid")
"""Columns of a result frame that differ within a log, but for those of its scores."""
_TOLD = ("name", "agent_name", "system", "prefill", "pressure")
"""Arguments of our tasks that change what a model is told around the same items (`docs/robustness.md`)."""
_SEED_LIMIT = 2**63
"""Seeds are below, as a column of whole numbers holds them."""
_TOLD_LENGTH = 24
"""Characters of a text that stand in an arm's name."""
_LEFT_OUT = "Key removed from summary (> 1k)"
"""What a summary has instead of a value of more than 1,024 characters that is no text."""
_CUT = ("...", "(content truncated)")
"""How longer texts and targets end there."""
_LISTED = 40
"""So many columns are listed where one is unknown."""


class Columns(NamedTuple):
    """Which column of the logs makes what of the result frame; None is the default that the module describes."""

    by: str | None = None
    """The arm."""
    item: str = "sample_id"
    """The item."""
    cell: str | None = None
    """The cell, which by default is the sample's `metadata.cell`."""
    cluster: str | None = None
    """The cluster, which by default is the sample's `metadata.cluster`, else the item."""
    seed: str | None = None
    """The seed; `log` numbers the logs of each arm and task by their age."""


def about_log(log: EvalLog, *, seed_named: bool = False) -> dict[str, Any]:
    """The columns of a result frame that all samples of a log have in common.

    Args:
        log: With or without its samples.
        seed_named: Another column is to be the seed, so that what its metadata call one does not count.

    Raises:
        UserError: its metadata give a seed that is no whole number of 64 bits.
    """
    metadata = log.eval.metadata or {}
    seed = None if seed_named else metadata.get("seed")
    seed = UNTRAINED if seed is None else seed
    if not isinstance(seed, int) or isinstance(seed, bool) or abs(seed) >= _SEED_LIMIT:
        raise UserError(
            f"{log.location}: its metadata give the seed {printable(str(seed), 40)!r}; a seed is a whole number below "
            "2^63; name what is the seed by --seed, or take each log for a run by --seed log"
        )
    return {
        "recipe": str(metadata.get("recipe", "")),
        "model": log.eval.model,
        "arm": str(metadata.get("arm", f"{log.eval.model}{_told(log.eval.task_args_passed)}")),
        "seed": seed,
        "task": log.eval.task.split("/")[-1],
        "log": Path(log.location).name,
    }


def _told(arguments: Mapping[str, Any]) -> str:
    """The options of a task that were given, for the name of an arm; a long text is cut, and told apart by its hash."""
    parts = []
    for option in _TOLD:
        if value := arguments.get(option):
            # Inspect's command line splits text at its commas
            text = " ".join((",".join(map(str, value)) if isinstance(value, list) else str(value)).split())
            if len(text) > _TOLD_LENGTH:
                text = f"{text[:_TOLD_LENGTH]}… {sha256_text(text)[:6]}"
            parts.append(f"{option}={text}")
    return f" ({', '.join(parts)})" if parts else ""


def about_sample(sample: Sample) -> dict[str, Any]:
    """The columns of a result frame that say which sample and epoch it is."""
    item = str(sample.id)
    cluster = as_text(sample.metadata.get("cluster"))
    return {
        "item": item,
        "cell": as_text(sample.metadata.get("cell")) or "",
        "cluster": item if cluster is None else cluster,
        "split": as_text(sample.metadata.get("split")) or "",
        "cue": as_text(sample.metadata.get("cue")) or "",
        "epoch": sample.epoch,
        "sample_uuid": sample.uuid or "",
    }


def as_text(value: Any) -> str | None:
    """A value of a log's metadata as text, on one line as summaries have it; None stays None."""
    if value is None:
        return None
    return " ".join((canonical_json(value) if isinstance(value, dict | list) else str(value)).split())


def column(name: str, file: LogFile) -> Callable[[Sample], str | None]:
    """What a column holds for each sample of a log; None where the log or the sample lacks it."""
    kind, _, key = name.partition(".")
    of_log = _of_log(name, file)
    if name in ("sample_id", "epoch", "target"):
        return lambda sample: _of_sample(name, sample)
    if kind == "metadata" and key:

        def of_sample(sample: Sample) -> str | None:
            own = as_text(_inside(sample.metadata, key))
            return of_log if own is None else own

        return of_sample
    return lambda _: of_log


def _of_sample(name: str, sample: Sample) -> str | None:
    if name == "target":
        return as_text(sample.target)
    return str(sample.id) if name == "sample_id" else str(sample.epoch)


def _of_log(name: str, file: LogFile) -> str | None:
    spec, (kind, _, key) = file.head.eval, name.partition(".")
    if key:
        found = {"metadata": file.head.metadata, "task_arg": spec.task_args, "model_arg": spec.model_args}
        return as_text(_inside(found.get(kind, {}), key))
    steps = [step.solver for step in file.head.plan.steps]
    whole = {
        "model": spec.model,
        "task": file.task,
        "solver": spec.solver or ", ".join(steps),
        "log": file.name,
        "tag": ", ".join(sorted(file.head.tags)),
    }
    return whole.get(name)


def _inside(values: Mapping[str, Any], key: str) -> Any:
    """The value of a key; of `a.b`, which is no key itself, what `a` holds under `b`."""
    if key in values or "." not in key:
        return values.get(key)
    first, _, rest = key.partition(".")
    inner = values.get(first)
    return _inside(inner, rest) if isinstance(inner, Mapping) else None


def column_names(file: LogFile, samples: Iterable[Sample]) -> set[str]:
    """The `KEYED` columns of a log."""
    spec = file.head.eval
    keys = {key for sample in samples for key in sample.metadata}.union(file.head.metadata)
    named = {"metadata": keys, "task_arg": spec.task_args, "model_arg": spec.model_args}
    return {f"{kind}.{key}" for kind, own in named.items() for key in own}


def unknown_column(name: str, there: Iterable[str]) -> UserError:
    """What to tell of a column that no sample has, beside the `KEYED` ones that there are."""
    listed = [*FIXED, *(printable(name, 60) for name in sorted(there))]
    more = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    return UserError(f"unknown column {name!r}; these logs have {', '.join(listed[:_LISTED])}{more}")


def may_be_cut(sample: Sample, names: Iterable[str]) -> bool:
    """Whether a summary may lack a part of what the columns `names` and the defaults are made of."""
    keys = [name.partition(".")[2].split(".")[0] for name in names if name.startswith("metadata.")]
    values = [sample.metadata.get(key) for key in (*keys, "cell", "cluster", "split", "cue")]
    values += [sample.target] if "target" in names else []
    return any(isinstance(value, str) and (value == _LEFT_OUT or value.endswith(_CUT)) for value in values)
