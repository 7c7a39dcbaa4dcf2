"""Reviews of changes in netbox, from the webhook to the completed check run, by the real service on the local GitHub.

    cold        the first pull request a service ever sees: empty mirror, empty store of facts
    warm        further pushes, each of one commit that adds another N+1 query to the same view module
    models      commits on top of that, to a module of models, on which much else depends
    findings    a pull request with 26 N+1 queries: more than get a comment of their own

Wall times depend on what else the machine does; beside them stand processor seconds of the job's processes, which do so less.
The steps inside `analyse` are measured afterwards, in one process, by the façade's own `compare` with a clock around its parts.
"""

import gc
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import analyzers
from analyzers import pipeline
from bench.figures import Figure
from bench.mirrors import find, git
from bench.service import Reviewed, Service, running
from bot.cache import DiskFacts
from bot.local_github import PullRequest, Repository
from bot.objects import Repository as Objects

NETBOX = "netbox-community/netbox"
VIEWS, MODELS, MANY = "netbox/circuits/views.py", "netbox/dcim/models/racks.py", "netbox/dcim/overviews.py"
WARM, MODEL_PUSHES = 7, 3
FUNCTION = """

def site_names_{number}():
    from dcim.models import Device

    return [device.site.name for device in Device.objects.all()]
"""
METHOD = """

def rack_height_{number}(rack):
    return rack.u_height * {number}
"""


def measure() -> list[Figure]:
    source = find(NETBOX)
    if source is None:
        return [Figure("reviews of a change in netbox", None, note="no repository")]
    with tempfile.TemporaryDirectory(prefix="cliffguard-bench-", ignore_cleanup_errors=True) as name:
        with running(Path(name), WRITE_SPACING="0") as service:  # people do not push as often as this does
            bench = Bench(service, source)
            cold = bench.open("warm", bench.commit(bench.base, VIEWS, FUNCTION, 0))
            told("cold", cold)
            warm = [bench.push("warm", VIEWS, FUNCTION, number, bench.base) for number in range(1, WARM + 1)]
            models = [bench.push("warm", MODELS, METHOD, number) for number in range(1, MODEL_PUSHES + 1)]
            bodies = "".join(FUNCTION.format(number=number) for number in range(26))
            many = bench.open("many", bench.commit(bench.base, MANY, bodies.replace("{", "{{").replace("}", "}}"), 0))
            told("findings", many)
        inside = parts(Path(name), bench)
    return [*_figures(cold, warm, models, many, service.peak), *_shares(warm, inside)]


class Bench:
    """The repository on the local GitHub, and pull requests in it."""

    def __init__(self, service: Service, source: Path) -> None:
        self.service, github = service, service.github
        self.repository: Repository = github.create_repository("bench/netbox", source, branches={"main": "HEAD"})
        github.wait_for_deliveries()
        self.base = self._complete(git(source, "rev-parse", "HEAD"))
        self.repository.git.update("refs/heads/main", self.base)
        self._pulls: dict[str, PullRequest] = {}

    def _complete(self, sha: str) -> str:
        """This commit without the files whose blobs a partial mirror lacks."""
        at, blobs = self.repository.git.path, {}
        for line in git(at, "ls-tree", "-r", sha).splitlines():
            about, _, path = line.partition("\t")
            blobs[path] = about.split()[2]
        told = git(at, "cat-file", "--batch-check", stdin="\n".join(blobs.values()).encode()).splitlines()
        missing = [path for path, line in zip(blobs, told, strict=True) if line.endswith(" missing")]
        if not missing:
            return sha
        print(f"without {', '.join(missing)}: not in this mirror")
        git(at, "read-tree", sha)
        removed = "".join(f"0 {'0' * 40}\t{path}\n" for path in missing)
        git(at, "update-index", "--index-info", stdin=removed.encode())
        return self._write(sha, "Leave out what the mirror lacks")

    def commit(self, parent: str, path: str, text: str, number: int) -> str:
        """A commit that appends to (or adds) one file."""
        at = self.repository.git.path
        listed = git(at, "ls-tree", parent, path)
        before = f"{git(at, 'cat-file', 'blob', listed.split()[2])}\n" if listed else ""
        blob = git(at, "hash-object", "-w", "--stdin", stdin=f"{before}{text.format(number=number)}".encode())
        git(at, "read-tree", parent)
        git(at, "update-index", "--index-info", stdin=f"100644 {blob}\t{path}\n".encode())
        return self._write(parent, f"Change {path}")

    def _write(self, parent: str, message: str) -> str:
        at = self.repository.git.path
        return git(at, "commit-tree", git(at, "write-tree"), "-p", parent, "-m", message)

    def open(self, branch: str, sha: str) -> Reviewed:
        """A new pull request, reviewed."""
        github = self.service.github
        self.service.settle()
        self.repository.git.update(f"refs/heads/{branch}", sha)
        calls = len(github.log)
        pull = self._pulls[branch] = github.open_pull(self.repository, branch)
        return self.service.follow(pull, calls, 0)

    def push(self, branch: str, path: str, text: str, number: int, parent: str = "") -> Reviewed:
        """One more commit on its branch (or on `parent`: the branch begins anew), reviewed."""
        github, pull = self.service.github, self._pulls[branch]
        sha = self.commit(parent or pull.head_sha, path, text, number)
        self.service.settle()
        calls, comments = len(github.log), len(pull.review_comments)
        github.push(self.repository, branch, sha)
        done = self.service.follow(pull, calls, comments)
        told(f"push {number} of {path}", done)
        return done


def _short(call: str) -> str:
    method, _, path = call.partition(" ")
    return f"{method} {re.sub(r'[0-9a-f]{40}', 'SHA', path).rsplit('/netbox/', 1)[-1].rsplit('/installations/', 1)[-1]}"


def told(name: str, done: Reviewed) -> None:
    steps = ", ".join(f"{step} {seconds:.2f}" for step, seconds in done.steps.items())
    print(
        f"{name}: {done.wall:.2f} s, cpu {done.cpu:.2f} s, {len(done.calls)} calls, {done.comments} comments; {steps}",
        flush=True,
    )


def _figures(cold: Reviewed, warm: list[Reviewed], models: list[Reviewed], many: Reviewed, peak: int) -> list[Figure]:
    def middle(values: Iterator[float] | list[float]) -> float:
        return statistics.median(values)

    walls = [one.wall for one in warm]
    calls = max([cold, *warm, *models, many], key=lambda one: len(one.calls))
    spread = f"median of {len(warm)}, {min(walls):.2f} to {max(walls):.2f}"
    return [
        Figure("review of netbox, cold", cold.wall, "s", note=f"cpu {cold.cpu:.2f} s"),
        Figure("review of netbox, warm", middle(walls), "s", most=1.5, note=spread),
        Figure("  its processor time", middle([one.cpu for one in warm]), "cpu s", note="job and its git"),
        Figure("  a module of models changed", middle([one.wall for one in models]), "s", note=f"median of {len(models)}"),
        Figure(
            "requests to GitHub, a push without news",
            len(models[-1].calls),
            "",
            most=8,
            note=", ".join(map(_short, models[-1].calls)),
        ),
        Figure("  of them that notify people", models[-1].notices, "", most=0, note=f"with news: {warm[-1].notices}"),
        Figure("worker's peak memory", peak / 2**20, "MB", most=400, note="resident, shared pages included"),
        Figure("requests to GitHub, most", len(calls.calls), "", most=8, note=f"of {2 + len(warm) + len(models)} reviews"),
        Figure(
            "requests to GitHub, 26 findings", len(many.calls), "", most=8, note=f"{many.comments} comments, {many.wall:.2f} s"
        ),
    ]


# -- shares


def parts(folder: Path, bench: Bench) -> dict[str, float]:
    """Processor seconds of the parts of a warm `compare`: a push the store has not seen."""
    rounds: list[dict[str, float]] = []
    for number in range(101, 104):
        head = bench.commit(bench.base, VIEWS, FUNCTION, number)
        store = DiskFacts(folder / "data" / "facts.sqlite")
        spent: dict[str, float] = {}
        with Objects(bench.repository.git.path) as objects, ExitStack() as stack:
            for owner, name, part in (
                (pipeline.Analyst, "facts", "facts"),
                (pipeline, "link", "link"),
                (pipeline, "_guarded", "rules"),
                (analyzers, "_difference", "compare"),
            ):
                stack.enter_context(patch.object(owner, name, _clocked(getattr(owner, name), part, spent)))
            revisions = objects.revision(bench.base), objects.revision(head)
            gc.collect()
            with _clock("all", spent):
                analyzers.compare(*revisions, objects, store=store)
        store.close()
        rounds.append(spent)
    return {
        name: statistics.median(one.get(name, 0.0) for one in rounds) for name in ("facts", "link", "rules", "compare", "all")
    }


def _clocked(work: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    def clocked(*arguments: Any, **more: Any) -> Any:
        with _clock(name, spent):
            return work(*arguments, **more)

    return clocked


@contextmanager
def _clock(name: str, spent: dict[str, float]) -> Iterator[None]:
    start = time.process_time()
    try:
        yield
    finally:
        spent[name] = spent.get(name, 0.0) + time.process_time() - start


def _shares(warm: list[Reviewed], inside: dict[str, float]) -> list[Figure]:
    """Each step's share of the wall time of the median warm review; those inside `analyse` by their processor time."""
    one = sorted(warm, key=lambda review: review.wall)[len(warm) // 2]
    steps = dict(one.steps)
    total = steps.pop("total")
    spans = {"pickup (delivery, queue, fork)": one.wall - total, "rest of the job": total - sum(steps.values())}
    analyse = steps.pop("analyse", 0.0)
    known = {name: inside[name] for name in ("facts", "link", "rules", "compare")}
    known["rest of analyse"] = max(0.0, inside["all"] - sum(known.values()))
    for name, seconds in known.items():
        spans[f"analyse: {name}"] = analyse * seconds / inside["all"]
    spans |= steps
    order = sorted(spans.items(), key=lambda item: -item[1])
    return [
        Figure(f"  share of {name}", 100 * max(0.0, seconds) / one.wall, "%", note=f"{seconds:.3f} s")
        for name, seconds in order
    ]
