"""A job that waits for longer than it may take is ended half done, each time; Django refuses a query on an event loop."""

from __future__ import annotations

import pytest

from tests.proofs import jobs

pytestmark = pytest.mark.timeout(300)


def test_rq_ends_a_job_that_takes_longer_than_it_may() -> None:
    found = {one.title: (one.started, one.finished, one.failed, one.found) for one in jobs.ended()}
    assert list(found.values()) == [(1, 0, 1, True), (2, 0, 1, True), (1, 1, 0, False)]
    assert list(found) == list(jobs.OPTIONS)


def test_django_refuses_a_query_in_a_coroutine() -> None:
    found = [(one.answer, one.found) for one in jobs.asked()]
    assert found == [("SynchronousOnlyOperation", True), ("200", False), ("200", False)]
