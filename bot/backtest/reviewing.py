"""The reviews of a backtest, in as many processes as there are cores. Whatever one of them does, the others are done."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import msgspec

import analyzers
from analyzers import FactStore, Finding, NoStore, Revision
from bot.backtest.values import Pull, Reviewed, Told
from bot.cache import DiskFacts
from bot.configuration import configuration
from bot.objects import Repository
from bot.policy import Gate, conclude
from bot.squawk import Squawk

SECONDS = 300  # for one pull request, as `CLIFFGUARD_JOB_TIMEOUT` has it
FAIL_ON = "high"


@dataclass(frozen=True)
class Reader:
    """The repository, and where facts are kept; each process opens both for itself."""

    path: Path
    facts: Path | None = None

    @contextlib.contextmanager
    def open(self) -> Iterator[tuple[Repository, FactStore]]:
        with Repository(self.path) as repository:
            yield repository, DiskFacts(self.facts) if self.facts else NoStore()


class Overdue(Exception):
    """It took too long."""


def review_all(reader: Reader, pulls: Sequence[Pull], jobs: int, done: Callable[[], None]) -> list[Reviewed]:
    """The reviews in the order of the pull requests. `done` is called after each.

    A process that dies takes those beside it along: they are done again, each in a process of its own.
    """
    found: dict[Pull, Reviewed] = {}
    analyzers.preload()
    for workers, alone in ((jobs, False), (1, True)):
        rest = [pull for pull in pulls if pull not in found]
        for batch in [[pull] for pull in rest] if alone else [rest]:
            found |= _batch(reader, batch, workers, done, alone=alone)
    return [found[pull] for pull in pulls]


def _batch(reader: Reader, pulls: Sequence[Pull], jobs: int, done: Callable[[], None], *, alone: bool) -> dict[Pull, Reviewed]:
    found: dict[Pull, Reviewed] = {}
    if not pulls:
        return found
    with ProcessPoolExecutor(max(1, min(jobs, len(pulls))), multiprocessing.get_context("fork")) as pool:
        waiting: dict[Future[Reviewed], Pull] = {pool.submit(review, reader, pull): pull for pull in pulls}
        for future in as_completed(waiting):
            pull = waiting[future]
            try:
                found[pull] = future.result()
            except BrokenProcessPool:
                if not alone:
                    continue
                found[pull] = Reviewed(
                    pull, error="the process that reviewed it was killed: too much memory, or a parser failed"
                )
            done()
    return found


def review(reader: Reader, pull: Pull) -> Reviewed:
    """One review; why there is none, where it fails."""
    start = time.monotonic()
    try:
        with _bounded(), reader.open() as (repository, store):
            found = _review(repository, store, pull)
    except Exception as error:
        return Reviewed(pull, error=f"{type(error).__name__}: {error}"[:500], seconds=time.monotonic() - start)
    return msgspec.structs.replace(found, seconds=time.monotonic() - start)


def _review(repository: Repository, store: FactStore, pull: Pull) -> Reviewed:
    base, head = repository.revision(pull.base), repository.revision(pull.head)
    settings, problems = analyzers.settings_of(
        configuration(repository, base), configuration(repository, head), known_rules=analyzers.RULES
    )
    analysis = analyzers.compare(base, head, repository, store=store, settings=settings, linter=Squawk())
    placement = analysis.place(analyzers.parse_diff(repository.diff(pull.base, pull.head)), settings.comments)
    gate = Gate(FAIL_ON, settings)
    conclusion = conclude(analysis.review, gate)
    blocking = {id(finding) for finding in gate.blocking(analysis.review.new)}

    def told(finding: Finding, elsewhere: str = "", suggested: bool = False) -> Told:
        return Told(finding, elsewhere, suggested, id(finding) in blocking)

    inline = [told(one.finding, suggested=one.suggestion is not None) for one in placement.inline]
    listed = [told(one.finding, one.finding.listed or one.reason.value) for one in placement.elsewhere]
    result = analysis.review
    return Reviewed(
        pull,
        conclusion.conclusion,
        conclusion.title,
        (*inline, *listed),
        len(result.accepted),
        len(result.fixed),
        len({problem.path for problem in (*result.problems, *problems) if problem.path}),
    )


@contextlib.contextmanager
def _bounded(seconds: int = SECONDS) -> Iterator[None]:
    def late(*_: object) -> None:
        raise Overdue(f"it took more than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def audited(reader: Reader, commit: str) -> tuple[Sequence[Finding], Sequence[Finding], Revision]:
    """What a commit has: its findings, those that are accepted, and its files."""
    with _bounded(), reader.open() as (repository, store):
        revision = repository.revision(commit)
        settings, _ = analyzers.read_settings(configuration(repository, revision), known_rules=analyzers.RULES)
        review = analyzers.audit(revision, repository, store=store, settings=settings).review
    return (*review.new, *review.kept), [one.finding for one in review.accepted], revision
