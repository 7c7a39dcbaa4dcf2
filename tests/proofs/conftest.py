"""What the proofs share: one PostgreSQL a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.proofs.postgres import postgres


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of its database `postgres`."""
    with postgres() as url:
        yield url
