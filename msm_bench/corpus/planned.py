"""What a generated corpus holds of its plan: places that have rows, and rows that could not be made."""

import re
from collections.abc import Iterator

from pydantic import BaseModel, Field

from msm_bench.corpus.store import Document, Manifest
from msm_bench.corpus.tallies import Finding, Seen

_LEVEL = re.compile(r"(?:domains|subdomains|assertions|types|chat_domains) at (?:spec|d\d+(?:-s\d+)?)")
"""How a manifest names what a level of the plan lacks (`generate.levels`); whatever else is missing is rows."""


class Counts(BaseModel):
    """As much of a plan of `msm-bench generate documents` as says how many places there are."""

    domains: int = Field(ge=1)
    """Of the spec."""
    subdomains: int = Field(ge=1)
    """Of each domain."""
    types: int = Field(ge=1)
    """Of document, for each subdomain."""
    documents: int = Field(ge=1)
    """In all."""


class Places:
    """Subdomains, and types of document in them, that have rows, over those of the plan."""

    def __init__(self, plan: Counts) -> None:
        self._plan = plan
        self._subdomains: set[tuple[str, str]] = set()
        self._types: set[tuple[str, str, str]] = set()

    def add(self, seen: Seen) -> None:
        """Take the next row."""
        if isinstance(seen.row, Document) and (origin := seen.row.origin):
            place = (origin.domain, origin.subdomain or "")
            self._subdomains.add(place)
            self._types.add((*place, seen.row.type))

    def findings(self) -> Iterator[Finding]:
        """Both shares; a plan of fewer documents than types in subdomains has no more of these than documents."""
        subdomains = min(self._plan.domains * self._plan.subdomains, self._plan.documents)
        types = min(self._plan.domains * self._plan.subdomains * self._plan.types, self._plan.documents)
        for measure, found, planned in (
            ("subdomains_covered", len(self._subdomains), subdomains),
            ("types_covered", len(self._types), types),
        ):
            yield Finding(measure, min(1.0, found / planned), None, f"{found} of {planned}")


def missing_rows(manifest: Manifest, rows: int) -> Finding:
    """Rows that were asked for and could not be made, over all that were asked for."""
    lacking = [gap for gap in manifest.missing if not _LEVEL.fullmatch(gap.what)]
    count = sum(gap.count for gap in lacking)
    evidence = f"{count} rows, such as {lacking[0].what}: {lacking[0].reason}" if lacking else ""
    return Finding("missing", count / (rows + count), None, evidence)
