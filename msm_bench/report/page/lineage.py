"""How each arm came about: spec, corpora, stages and checkpoints, and the logs that scored it, each with its hash."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from msm_bench.corpus.store import Manifest
from msm_bench.errors import UserError
from msm_bench.files import data_path, read_json
from msm_bench.report.figures.words import use_of
from msm_bench.report.page.material import Material


class StageOf(NamedTuple):
    """One stage of an arm."""

    name: str
    """As in the recipe."""
    kind: str
    """`msm` or `chat`; empty where it is not known."""
    steps: int
    """Of training; 0 where that is not known."""
    corpora: tuple[str, ...]
    """Each with the share that a seed draws, its spec, and the beginning of its hash."""


class ArmOf(NamedTuple):
    """One arm, from its spec to its logs."""

    arm: str
    """Its name."""
    base: str
    """The model that it starts from."""
    stages: tuple[StageOf, ...]
    """None for a model that was not trained here."""
    seeds: tuple[int, ...]
    """Those that are done; none of a model that no recipe trained."""
    checkpoints: tuple[str, ...]
    """Beginnings of the adapters' hashes, in the order of the seeds."""
    logs: int
    """How many logs scored it."""


def lineage(material: Material) -> list[ArmOf]:
    """Every arm of the frame."""
    shards: dict[str, list[Mapping[str, Any]]] = {}
    for shard in material.shards:
        shards.setdefault(str(shard.get("identity", {}).get("arm", "")), []).append(shard)
    found = []
    for arm in material.arms:
        own = material.frame[material.frame["arm"] == arm]
        manifests = sorted(shards.get(arm, []), key=lambda shard: int(shard["identity"].get("seed", 0)))
        adapters = [(shard.get("checkpoint") or {}).get("adapter_sha256", "") for shard in manifests]
        found.append(
            ArmOf(
                arm,
                _base(material, arm, manifests),
                tuple(_stages(manifests)),
                tuple(seed for seed in sorted({int(seed) for seed in own["seed"]}) if seed >= 0),
                tuple(adapter[:12] for adapter in adapters if adapter),
                int(own["log"].nunique()),
            )
        )
    return found


def _base(material: Material, arm: str, manifests: list[Mapping[str, Any]]) -> str:
    if manifests:
        return str(manifests[0].get("identity", {}).get("base", ""))
    models = material.frame[material.frame["arm"] == arm]["model"].unique()
    return str(models[0]) if len(models) == 1 else f"{len(models)} models"


def _stages(manifests: list[Mapping[str, Any]]) -> list[StageOf]:
    records = (manifests[0].get("checkpoint") or {}).get("stages", []) if manifests else []
    found = []
    for record in records:
        settings, hashes = record.get("settings", {}), record.get("corpora", {})
        corpora = [_corpus(share, str(hashes.get(share.get("id"), ""))) for share in settings.get("corpora", [])]
        found.append(
            StageOf(str(record.get("name")), str(settings.get("kind", "")), int(record.get("steps", 0)), tuple(corpora))
        )
    return found


def _corpus(share: Mapping[str, Any], sha256: str) -> str:
    fraction = float(share.get("fraction", 1))
    drawn = f", {fraction:.0%} a seed" if fraction < 1 else ""
    spec = spec_of(str(share.get("id")), sha256)
    return f"{share.get('id')}{use_of(share)} ({f'spec {spec}, ' if spec else ''}sha256 {sha256[:12]}{drawn})"


@cache
def spec_of(corpus: str, sha256: str) -> str:
    """The spec that a corpus is about, if the corpus ships with this installation and has that hash; else nothing."""
    folder = data_path("specs") / "corpora" / Path(corpus).name
    try:
        manifest = Manifest.model_validate(read_json(folder / "manifest.json"))
    except (UserError, ValidationError):  # it is not here, or of another version
        return ""
    return str(manifest.spec or "") if manifest.data_sha256 == sha256 else ""
