"""What a configuration is for, as far as its path says."""

from __future__ import annotations

import re

_OTHER = "dev|devcontainer|develop|development|local|tests?|testing|ci|sandbox|demo|debug"


def _named(words: str) -> re.Pattern[str]:
    """Paths with a part that is one of the words: `test` is one of `compose.test.yml`, none of `latest`."""
    return re.compile(rf"(?:^|[/._-])(?:{words})(?:[/._-]|$)", re.IGNORECASE)


OTHER_USE = _named(_OTHER)
"""Paths of settings for development and tests."""

NOT_RUN = _named(f"{_OTHER}|e2e|examples?|samples?|build|lint|bench|storybook|docs|devcontainer|ddev|windows|preview|cypress")
"""Paths of stacks that no users meet."""
