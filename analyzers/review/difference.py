"""Findings of quantities, told as what a change does to them: "takes the worst case from 60 to 140 of 100"."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from analyzers.findings import Finding, Measure


def told_as_differences(new: Iterable[Finding], base: Iterable[Measure]) -> tuple[Finding, ...]:
    """The new findings; those whose quantity the base had too begin with what became of it."""
    before = {measure.name: measure for measure in base}
    return tuple(_told(finding, before.get(finding.measure.name)) if finding.measure else finding for finding in new)


def _told(finding: Finding, before: Measure | None) -> Finding:
    after = finding.measure
    if after is None or before is None or (before.value, before.limit) == (after.value, after.limit):
        return finding
    if before.limit == after.limit:
        difference = f"from {before.value:,} to {after.value:,} of {after.limit:,}"
    else:
        difference = f"from {before.value:,} of {before.limit:,} to {after.value:,} of {after.limit:,}"
    message = f"This change takes {after.what} {difference}. {finding.message}"
    return msgspec.structs.replace(finding, message=message)
