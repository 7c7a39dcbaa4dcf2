"""How many reviews an hour, and how long one waits, by the real service on the local GitHub.

    small     a repository of three files, of which eight belong to four owners: all that is not analysis
    netbox    a large one (`bench.review`), each pull request with one more N+1 query

Reviews an hour are those of a batch that is in the queue before the first one is begun, from then to the last check run's
completion. The local GitHub and the service share the processors with the workers, so two workers do not do twice as much.
`spaced` is the same with writes as slow as GitHub wants them, for one owner alone; the others are not spaced.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.figures import Figure
from bench.mirrors import find
from bench.review import FUNCTION, NETBOX, VIEWS, Bench
from bench.service import NOTICE, Service, running
from bot.local_github import PullRequest
from tests.chaos.world import Push, World

BATCH, SPACED, LARGE, LONE, DEPTH = 40, 20, 8, 8, 100
PATIENCE = 900.0


def measure() -> list[Figure]:
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="cliffguard-bench-", ignore_cleanup_errors=True) as name:
        rates = {count: _small(Path(name) / f"small-{count}", count) for count in (1, 2)}
        figures += [Figure(f"reviews an hour, small, {count} worker{'s' * (count > 1)}", rate) for count, rate in rates.items()]
        figures.append(Figure("  two workers to one", rates[2] / rates[1], "x", note=f"{os.cpu_count()} processors"))
        figures.append(Figure("  one owner alone, spaced", _spaced(Path(name) / "spaced"), note="CLIFFGUARD_WRITE_SPACING=1"))
        figures += _waiting(Path(name) / "waiting")
        if source := find(NETBOX):
            large = {count: _large(Path(name), source, count) for count in (1, 2)}
            figures += [Figure(f"reviews an hour, netbox, {count} worker{'s' * (count > 1)}", large[count]) for count in large]
            figures.append(Figure("  two workers to one", large[2] / large[1], "x", note=f"load {os.getloadavg()[0]:.1f}"))
    return figures


def _small(folder: Path, workers: int) -> float:
    with running(folder, WORKERS=str(workers), WRITE_SPACING="0", SWEEP="86400") as service:
        world = _world(service, [_push(number, number % 8) for number in range(8 + BATCH)])
        _pushed(service, world, range(8))
        return _rate(service, world, range(8, 8 + BATCH))


def _spaced(folder: Path) -> float:
    with running(folder, WORKERS="2", SWEEP="86400") as service:
        world = _world(service, [_push(number, 0) for number in range(1 + SPACED)])
        _pushed(service, world, range(1))
        return _rate(service, world, range(1, 1 + SPACED))


def _waiting(folder: Path) -> list[Figure]:
    """From a push to its review: alone, and behind a hundred others."""
    with running(folder, WORKERS="2", WRITE_SPACING="0", SWEEP="86400") as service:
        plan = [_push(number, number % 8) for number in range(8 + LONE + DEPTH + 3)]
        plan[8 + LONE :] = [_push(number, 0) for number in range(8 + LONE, 8 + LONE + DEPTH)]
        after = 8 + LONE + DEPTH
        plan += [_push(after, 1), _push(after + 1, 4), _push(after + 2, 0)]  # another owner; the owner's other one; the same
        world = _world(service, plan)
        _pushed(service, world, range(8))
        alone, calls = [], []
        for number in range(8, 8 + LONE):
            before = len(service.github.log)
            alone += _pushed(service, world, [number])
            calls.append([f"{entry['method']} {entry['path']}" for entry in service.github.log[before:]])
        _paused(service, world, range(8 + LONE, after))
        behind = _pushed(service, world, range(after, after + 3), settle=False)
        service.settle()
    notices = max(sum(bool(NOTICE.fullmatch(call)) for call in made) for made in calls)
    spread = f"median of {LONE}, {min(alone):.2f} to {max(alone):.2f}; two workers"
    return [
        Figure("from push to review, nothing waits", statistics.median(alone), "s", note=spread),
        Figure(f"  {DEPTH} of another owner wait", behind[0], "s"),
        Figure(f"  {DEPTH} of another repository wait", behind[1], "s"),
        Figure(f"  {DEPTH} of the same repository wait", behind[2], "s"),
        Figure("requests to GitHub, a review", max(map(len, calls)), "", most=8, note=f"{notices} notifies people"),
    ]


def _large(folder: Path, source: Path, workers: int) -> float:
    """The facts of netbox are kept for the second measurement, the mirror is not."""
    settings = {"WORKERS": str(workers), "WRITE_SPACING": "0", "SWEEP": "86400", "DATA_DIR": str(folder / "netbox-data")}
    with running(folder / f"netbox-{workers}", **settings) as service:
        bench = Bench(service, source)
        bench.open("first", bench.commit(bench.base, VIEWS, FUNCTION, 0))
        service.settle()
        github, repository = service.github, bench.repository
        for number in range(1, LARGE + 1):
            repository.git.update(f"refs/heads/change-{number}", bench.commit(bench.base, VIEWS, FUNCTION, number))
        start = time.perf_counter()
        pulls = [github.open_pull(repository, f"change-{number}") for number in range(1, LARGE + 1)]
        _await(service, pulls)
        return 3600 * LARGE / (time.perf_counter() - start)


def _push(number: int, repository: int) -> Push:
    return Push(repository, f"change-{number}", f"shop/part_{number}.py", bad=True)


def _world(service: Service, plan: list[Push]) -> World:
    world = World(service.github, service.fleet.folder / "source.git")
    world.build(plan)
    service.github.wait_for_deliveries()
    return world


def _pushed(service: Service, world: World, numbers: Sequence[int], *, settle: bool = True) -> list[float]:
    """Opens these pull requests at once, and says how long each took to be reviewed."""
    if settle:
        service.settle()
    starts = [(time.perf_counter(), world.push(world.planned[number], 0.0).pull) for number in numbers]
    ends: dict[int, float] = {}
    deadline = time.perf_counter() + PATIENCE
    while len(ends) < len(starts):
        for start, pull in starts:
            if id(pull) not in ends and _done(service, pull):
                ends[id(pull)] = time.perf_counter() - start
        if time.perf_counter() > deadline:
            raise SystemExit(f"no review within {PATIENCE:.0f} s:\n{service.log.read_text()[-3000:]}")
        time.sleep(0.005)
    if settle:
        service.settle()
    return [ends[id(pull)] for _, pull in starts]


def _rate(service: Service, world: World, numbers: Sequence[int]) -> float:
    pulls = _paused(service, world, numbers)
    start = time.perf_counter()
    _await(service, pulls)
    return 3600 * len(pulls) / (time.perf_counter() - start)


def _paused(service: Service, world: World, numbers: Sequence[int]) -> list[PullRequest]:
    """Opens these pull requests while no job is begun, so that all of them wait; then lets the workers go."""
    with service.fleet.paused_workers():
        pulls = [world.push(world.planned[number], 0.0).pull for number in numbers]
        service.github.wait_for_deliveries()
    return pulls


def _await(service: Service, pulls: Sequence[PullRequest]) -> None:
    deadline = time.perf_counter() + PATIENCE
    left = list(pulls)
    while left:
        left = [pull for pull in left if not _done(service, pull)]
        if time.perf_counter() > deadline:
            raise SystemExit(f"{len(left)} not reviewed within {PATIENCE:.0f} s:\n{service.log.read_text()[-3000:]}")
        time.sleep(0.02)


def _done(service: Service, pull: PullRequest) -> bool:
    runs = service.github.check_runs(pull.repository, pull.head_sha, "cliffguard")
    return bool(runs) and runs[-1].status == "completed"
