"""A review as JSON: the findings as they are, for scripts. `version` grows when a field changes its meaning."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from analyzers.findings import Finding, Review
from analyzers.report.readiness import as_data

VERSION = 1


def to_json(review: Review) -> str:
    """One object: `version`, `counts`, then the parts of the review; each finding with its `fingerprint`."""
    document = {
        "version": VERSION,
        "counts": {name: len(getattr(review, name)) for name in ("new", "fixed", "kept", "accepted", "problems")},
        "new": _findings(review.new),
        "fixed": _findings(review.fixed),
        "kept": _findings(review.kept),
        "accepted": [
            {"reason": one.reason, "finding": finding} for one in review.accepted for finding in _findings([one.finding])
        ],
        "problems": review.problems,
        "readiness": as_data(review.readiness),
        "connections": review.pictures,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _findings(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    return [{"fingerprint": finding.fingerprint, **msgspec.structs.asdict(finding)} for finding in findings]
