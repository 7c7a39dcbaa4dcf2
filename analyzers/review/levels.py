"""What the configuration makes of a finding: whether it is told at all, where, and whether it fails the check."""

from __future__ import annotations

import msgspec

from analyzers.findings import Confidence, Finding, Severity
from analyzers.settings import Configuration, Level, Settings


def is_on(finding: Finding, settings: Settings) -> bool:
    """Whether its rule runs where it is."""
    return _level(finding, settings.at(finding.place.path)) is not Level.DISABLED


def listed(finding: Finding, settings: Settings) -> Finding:
    """The finding; without a comment of its own where the level of its rule is so."""
    if finding.listed or _level(finding, settings.at(finding.place.path)) is not Level.LISTS:
        return finding
    return msgspec.structs.replace(finding, listed="The configuration has findings of this rule listed here.")


def demoted(finding: Finding, settings: Settings, why: str) -> Finding:
    """The finding without a comment of its own, unless the configuration gives its rule a level."""
    if finding.listed or _level(finding, settings.at(finding.place.path)) is not None:
        return finding
    return msgspec.structs.replace(finding, listed=why)


def fails(finding: Finding, settings: Settings, fail_on: str) -> bool:
    """Whether it fails the check: by the level of its rule, else by its severity. A mere possibility never does.

    `fail_on` is the severity that counts where the configuration names none.
    """
    here = settings.at(finding.place.path)
    if finding.confidence is Confidence.POSSIBLE:
        return False
    match _level(finding, here):
        case Level.BLOCKS:
            return True
        case None:
            threshold = here.fail_on or fail_on
            return threshold != "never" and finding.severity.at_least(Severity(threshold))
        case _:
            return False


def _level(finding: Finding, here: Configuration) -> Level | None:
    return here.rules.level(finding.rule)
