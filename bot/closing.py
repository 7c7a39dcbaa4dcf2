"""What is left to do when a pull request is closed: open check runs are completed, and the ledger hears what became of what was
told."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bot import publish
from bot.answers import Check
from bot.github import GitHub
from bot.jobs import Job
from bot.ledger import Ledger, fates
from bot.observe import count_fates
from bot.policy import incomplete


def close(job: Job, github: GitHub, connection: Any) -> None:
    """Nobody waits any more. Doing it twice changes nothing."""
    checks = github.checks(job.head)
    for check in checks:
        if check.status != "completed":
            publish.complete(github, check, incomplete("The pull request was closed."), "The pull request was closed before.")
    if checks:
        _enter(job, github, Ledger(connection, job.repository_id), checks[0])


def _enter(job: Job, github: GitHub, ledger: Ledger, check: Check) -> None:
    pull = github.pull(job.number)
    if pull.state == "open" or not pull.review_comments:
        return
    told = publish.Publisher(github, job.number, job.head, job.id, check).conversation(talk=False).told
    resolved = github.resolved(job.number) if told and pull.merged else frozenset[int]()
    outcomes = list(fates(told, ledger.accepted(job.number), resolved, merged=pull.merged))
    ledger.close(job.number, outcomes)
    count_fates(Counter((rule, fate.value) for rule, _, fate in outcomes))
