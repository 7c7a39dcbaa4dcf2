"""A slow mail server holds those who order, and not those whose mail is queued; tasks are lost, or done twice, as is said."""

from __future__ import annotations

import pytest

from tests.proofs import sync_work
from tests.proofs.sync_work import KILLINGS, VISITORS, WORKERS

pytestmark = pytest.mark.timeout(600)


def test_a_slow_mail_server_holds_those_who_wait_for_it() -> None:
    inside, queued = sync_work.answered()
    assert inside.slowest >= VISITORS / WORKERS * sync_work.MAIL > sync_work.PATIENCE
    assert inside.gone >= VISITORS - WORKERS * (sync_work.PATIENCE / sync_work.MAIL)
    assert inside.found
    assert queued.gone == 0
    assert queued.slowest < inside.median
    assert not queued.found
    assert inside.mails == queued.mails == VISITORS


def test_tasks_are_lost_and_done_twice_as_the_rule_says() -> None:
    found = {one.title: (one.started, one.finished) for one in sync_work.done()}
    assert list(found.values()) == [(1, 0), (2, 1), (1, 0), (2, 1), (2, 2), (1, 1)]
    assert list(found) == [killing.title for killing in KILLINGS]
