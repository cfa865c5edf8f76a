"""What whoever wants to make these results again must know: commands, versions and hashes; and how to cite them."""

from typing import NamedTuple

from msm_bench import __version__
from msm_bench.report.page.material import Material
from msm_bench.report.page.methods import task_versions

CITATION = (
    f"The msm-bench authors (2026). msm-bench, version {__version__} [software].",
    "Li, Wichers, Price, Marks and Kutasov (2026). Model Spec Midtraining: Improving How Alignment Training "
    "Generalizes. arXiv:2605.02087.",
)


class Fact(NamedTuple):
    """One of them."""

    name: str
    """What it is."""
    value: str
    """What it was."""


def provenance(material: Material, command: str) -> list[Fact]:
    """Commands, versions and hashes, each only where it is known.

    Args:
        material: What the report is made from.
        command: That made this report.
    """
    summary, found = material.summary, []
    recipe_hash = summary.get("recipe_sha256") or (material.recipe.sha256 if material.recipe else "")
    found += [Fact("recipe", str(summary["recipe"]))] if summary.get("recipe") else []
    found += [Fact("recipe, sha256", str(recipe_hash))] if recipe_hash else []
    found += [Fact("command of the results", str(summary["command"]))] if summary.get("command") else []
    found.append(Fact("command of this report", command))
    found += [Fact(f"weights of the base model, sha256 of {name}", sha) for name, sha in _bases(material).items()]
    found += [Fact(f"corpus {name}, sha256", sha) for name, sha in _corpora(material).items()]
    found += [Fact(f"items of {name}, sha256", sha) for name, sha in _items(material).items()]
    found += [Fact(f"version of task {name}", str(version)) for name, version in task_versions(material).items()]
    versions = summary.get("versions")
    if isinstance(versions, dict):
        found += [Fact(f"version of {name}", str(version)) for name, version in versions.items()]
    found += [Fact("machine", str(summary["machine"]))] if summary.get("machine") else []
    if isinstance(seconds := summary.get("wall_seconds_total"), (int, float)):
        found.append(Fact("time of all steps", f"{seconds / 3600:.1f} hours"))
    return found


def _bases(material: Material) -> dict[str, str]:
    return {
        str(shard.get("identity", {}).get("base", "")): str(shard["base_sha256"])
        for shard in material.shards
        if shard.get("base_sha256")
    }


def _corpora(material: Material) -> dict[str, str]:
    found: dict[str, str] = {}
    for shard in material.shards:
        for stage in (shard.get("checkpoint") or {}).get("stages", []):
            found |= {str(name): str(sha) for name, sha in stage.get("corpora", {}).items()}
    return found


def _items(material: Material) -> dict[str, str]:
    return {
        str(task["task"]): str(task["items_sha256"])
        for shard in material.shards
        for task in shard.get("identity", {}).get("tasks", [])
        if task.get("items_sha256")
    }


def how_to_cite(material: Material) -> list[str]:
    """References for these results and the software."""
    recipe_hash = str(material.summary.get("recipe_sha256") or "")
    of = f", recipe {recipe_hash[:12]}" if recipe_hash else ""
    return [f"These results: {material.title}{of}, made with msm-bench.", *CITATION]
