"""What goes wrong: kills of each process, restarts of Valkey, and answers of GitHub that are late, lost, refused or old."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.local_github import Fault, Moment
from bot.local_github.faults import Faults
from tests.fleet import Fleet, kill

REVIEW, CHECKS, CHECK = r"/pulls/\d+/reviews$", r"/check-runs$", r"/check-runs/\d+$"
TOKENS, PULL, COMPARE, GIT = r"/access_tokens$", r"/pulls/\d+$", r"/compare/", r"/git-upload-pack$"


@dataclass(frozen=True)
class Blow:
    """`strike` says whether it did anything, or which faults wait for a request now. `share`: how often in 100 reviews;
    `then`: what is to come of it."""

    name: str
    strike: Callable[[Fleet, random.Random], bool | list[Fault]]
    share: float
    then: str = ""


def _one_of(processes: Callable[[Fleet], list[int]]) -> Callable[[Fleet, random.Random], bool]:
    def strike(fleet: Fleet, chance: random.Random) -> bool:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if found := processes(fleet):
                time.sleep(chance.random() * 0.5)  # at any moment of its life
                return kill(chance.choice(processes(fleet) or found))
            time.sleep(0.01)
        return False

    return strike


def _supervisor(fleet: Fleet, chance: random.Random) -> bool:
    fleet.kill("bot.worker")
    time.sleep(chance.random())
    fleet.start("bot.worker")
    return True


def _web(fleet: Fleet, chance: random.Random) -> bool:
    fleet.kill("bot.app")
    time.sleep(chance.random() * 2)
    fleet.start("bot.app")
    return True


def _valkey(fleet: Fleet, chance: random.Random) -> bool:
    fleet.kill_valkey()
    time.sleep(chance.random() * 3)
    fleet.start_valkey()
    return True


def _valkey_restart(fleet: Fleet, chance: random.Random) -> bool:
    fleet.valkey.stop()
    time.sleep(chance.random())
    fleet.start_valkey()
    return True


def _everything(fleet: Fleet, chance: random.Random) -> bool:
    workers = fleet.workers
    fleet.kill("bot.worker")
    for worker in workers:
        kill(worker)
    fleet.kill("bot.app")
    fleet.kill_valkey()
    time.sleep(chance.random())
    fleet.start_valkey()
    fleet.start("bot.app")
    fleet.start("bot.worker")
    return True


def _answers(arm: Callable[[Faults], Fault | list[Fault]]) -> Callable[[Fleet, random.Random], list[Fault]]:
    def strike(fleet: Fleet, chance: random.Random) -> list[Fault]:
        del chance
        armed = arm(fleet.github.faults)
        return armed if isinstance(armed, list) else [armed]

    return strike


KILLS = (
    Blow(
        "SIGKILL of a job's process",
        _one_of(lambda fleet: fleet.horses),
        6,
        "The worker notices at once; the job runs again after 5 s and finds its check run.",
    ),
    Blow(
        "SIGKILL of a worker",
        _one_of(lambda fleet: fleet.workers),
        4,
        "Its job ends with it; the supervisor starts another worker and has the job run again.",
    ),
    Blow(
        "SIGKILL of the supervisor",
        _supervisor,
        1.5,
        "Its workers end after the job under way; a new one starts others.",
    ),
    Blow("SIGKILL of the webhook service", _web, 3, "The sweep has deliveries that nobody took delivered again."),
    Blow(
        "SIGKILL of Valkey, up to 3 s away",
        _valkey,
        2.5,
        "Nothing that was answered is lost; jobs that needed it run again after 5 s, then 30.",
    ),
    Blow("restart of Valkey", _valkey_restart, 1.5, "Nothing is lost; jobs that needed it run again after 5 s."),
    Blow(
        "SIGKILL of everything at once",
        _everything,
        0.5,
        "Jobs that were under way run again when their heartbeat is 30 s old.",
    ),
)


def _refused(faults: Faults, path: str, status: int, message: str, method: str = ".*") -> Fault:
    return faults.add(Fault(method, path, status, message=message))


def _stalled(faults: Faults) -> Fault:
    """Longer than our own patience; GitHub itself ends what takes ten seconds."""
    return faults.add(Fault("GET", PULL, 504, Moment.BEFORE, delay=21.0))


ANSWERS = tuple(
    Blow(name, _answers(arm), share, then)
    for name, share, arm, then in (
        (
            "502 before a review is stored",
            2,
            lambda f: f.outage(REVIEW, method="POST"),
            "It is looked for, not found, and posted.",
        ),
        (
            "502 after a review was stored",
            3,
            lambda f: f.outage_after_commit(REVIEW, method="POST"),
            "It is looked for and found.",
        ),
        (
            "answer cut off after a review was stored",
            2,
            lambda f: f.drop(REVIEW, method="POST", after_commit=True),
            "It is looked for and found.",
        ),
        (
            "502 before a check run is made",
            2,
            lambda f: f.outage(CHECKS, method="POST"),
            "It is looked for, not found; the job runs again.",
        ),
        (
            "502 after a check run was made",
            3,
            lambda f: f.outage_after_commit(CHECKS, method="POST"),
            "It is looked for by the job's name and found.",
        ),
        (
            "answer cut off after a check run was made",
            2,
            lambda f: f.drop(CHECKS, method="POST", after_commit=True),
            "It is looked for by the job's name and found.",
        ),
        ("502 before a check run is completed", 2, lambda f: f.outage(CHECK, method="PATCH"), "It is looked at and completed."),
        (
            "502 after a check run was completed",
            2,
            lambda f: f.outage_after_commit(CHECK, method="PATCH"),
            "It is looked at and completed with the same.",
        ),
        (
            "503, three times, to questions",
            1,
            lambda f: f.outage(COMPARE, method="GET", times=3, status=503),
            "Asked three times; then the job runs again.",
        ),
        ("502 to git", 2, lambda f: f.outage(GIT), "The job runs again."),
        (
            "403 with retry-after",
            1.5,
            lambda f: f.secondary_limit(REVIEW, method="POST", retry_after=3),
            "The installation waits as long; others go on.",
        ),
        (
            "429 with the time of the reset",
            1,
            lambda f: f.rate_limit(COMPARE, reset=int(time.time()) + 4),
            "The installation waits until then.",
        ),
        (
            "403 of a secondary limit, without headers",
            0.5,
            lambda f: f.secondary_limit(CHECKS, method="POST"),
            "The installation waits a minute, and twice as long the next time.",
        ),
        (
            "429 without headers",
            0.5,
            lambda f: _refused(f, PULL, 429, "Too many requests", "GET"),
            "The installation waits a minute, and twice as long the next time.",
        ),
        (
            "401 on a fresh token",
            3,
            lambda f: _refused(f, CHECKS, 401, "Bad credentials", "POST"),
            "Asked again after a second: GitHub's machines learn of tokens one after the other.",
        ),
        (
            "401, six times",
            1,
            lambda f: [_refused(f, PULL, 401, "Bad credentials", "GET") for _ in range(6)],
            "Another token is asked for; then the job runs again.",
        ),
        ("502 to a token", 2, lambda f: f.outage(TOKENS, method="POST"), "Asked again."),
        (
            "422: the commit is not known yet",
            2,
            lambda f: _refused(f, CHECKS, 422, "No commit found for SHA", "POST"),
            "The job runs again.",
        ),
        (
            "a pull request as it was before the push",
            3,
            lambda f: f.stale(),
            "Neither older nor newer is believed; the job runs again.",
        ),
        ("an answer 3 s late", 2, lambda f: f.slow(3.0, REVIEW, method="POST"), "It is waited for."),
        ("an answer that never comes", 0.5, _stalled, "Given up after 20 s and asked again."),
    )
)
BLOWS = KILLS + ANSWERS
