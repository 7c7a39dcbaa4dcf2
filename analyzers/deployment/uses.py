"""What a configuration is for, as far as its path says."""

from __future__ import annotations

import re

OTHER_USE = re.compile(
    r"(?:^|[/._-])(?:dev|develop|development|local|tests?|testing|ci|sandbox|demo|debug)(?:[/._-]|$)", re.IGNORECASE
)
"""Paths of settings for development and tests."""
