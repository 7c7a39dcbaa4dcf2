"""Pushes and blows in one order drawn from a seed. Which moment of which review a blow meets is left to the machine."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from redis.exceptions import RedisError

from bot.local_github import Fault
from bot.queue import DeadLetter, Queue
from bot.valkey import connect
from tests.chaos.blows import BLOWS, Blow
from tests.chaos.world import Head, Push, World, pushes
from tests.fleet import Fleet

UNDER_WAY = 12  # heads that may wait for their check run before the next one is pushed
SETTINGS = {"SWEEP": "15", "WORKERS": "2"}


@dataclass
class Struck:
    """What became of a kind of blow: how often it struck, and the heads that were under way then."""

    times: int = 0
    heads: list[Head] = field(default_factory=list)
    faults: list[list[Fault]] = field(default_factory=list)


@dataclass
class Storm:
    """A storm that is over, or was given up at its deadline."""

    world: World
    struck: dict[str, Struck]
    letters: list[DeadLetter]
    seconds: float
    ended: bool
    log: str


def plan(reviews: int, chance: random.Random, blows: Sequence[Blow] = BLOWS) -> list[Push | Blow]:
    """Every push, with the blows among them; each blow at least once."""
    steps: list[Push | Blow] = list(pushes(reviews, chance))
    for blow in blows:
        for _ in range(max(1, round(blow.share * reviews / 100))):
            steps.insert(chance.randint(1, len(steps)), blow)
    return steps


def run(
    folder: Path,
    steps: Sequence[Push | Blow],
    chance: random.Random,
    seconds: float,
    *,
    settings: dict[str, str] | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Storm:
    """Does the steps and waits until nothing is left to do, for so many seconds at most."""
    start = time.monotonic()
    with Fleet(folder, {**SETTINGS, **(settings or {})}) as fleet:
        world = World(fleet.github, folder / "source.git")
        world.build([step for step in steps if isinstance(step, Push)])
        struck: dict[str, Struck] = {}
        deadline = start + seconds
        for step in steps:
            if time.monotonic() > deadline:
                break
            if isinstance(step, Push):
                world.push(step, time.monotonic())
                _await(world, UNDER_WAY, deadline)
                time.sleep(chance.random() * 0.3)
            else:
                under_way = _open(world)
                done = struck.setdefault(step.name, Struck())
                if effect := step.strike(fleet, chance):
                    done.times += 1
                    done.heads += under_way
                    done.faults += [effect] if isinstance(effect, list) else []
                tell(f"{len(world.heads)} heads, {len(under_way)} under way: {step.name}")
        _await(world, 0, deadline)
        idle = fleet.github.faults.armed  # met no request any more
        for done in struck.values():
            done.times -= sum(all(fault in idle for fault in faults) for faults in done.faults)
        fleet.github.faults.clear()
        tell(f"{len(world.heads)} heads, {len(_open(world))} under way: the storm is over")
        with connect(fleet.valkey.url) as connection:
            queue = Queue(connection)
            ended = _settle(world, queue, deadline)
            letters = queue.dead_letters()
        return Storm(world, struck, letters, time.monotonic() - start, ended, fleet.log.read_text(errors="replace"))


def _open(world: World) -> list[Head]:
    """The heads whose check run does not say yet what it has to."""
    now = time.monotonic()
    for head in world.heads:
        if head.closed is None and _closed(world, head):
            head.closed = now
    return [head for head in world.heads if head.closed is None]


def _closed(world: World, head: Head) -> bool:
    """Reviewed; or, where a newer head came or the pull request was closed, nothing of it is left open."""
    runs = world.github.check_runs(head.pull.repository, head.sha, "cliffguard")
    if head.sha != head.pull.head_sha or head.pull.state == "closed":
        return all(run.status == "completed" for run in runs)
    return any(run.conclusion in ("success", "failure") for run in runs)


def _await(world: World, most: int, deadline: float) -> None:
    """Until at most so many heads are under way."""
    while len(_open(world)) > most and time.monotonic() < deadline:
        time.sleep(0.05)


def _settle(world: World, queue: Queue, deadline: float) -> bool:
    """Until all is reviewed and the queue is empty, twice in a row."""
    quiet = 0
    while time.monotonic() < deadline:
        with contextlib.suppress(RedisError):
            depth = queue.depth()
            quiet = quiet + 1 if not (_open(world) or depth.queued or depth.started or depth.scheduled) else 0
            if quiet == 3:
                return True
        time.sleep(0.3)
    return False
