"""`cliffguard audit` of two repositories against `ast.parse` of their Python files, and a review of one changed file after it.

    cold      a process of its own with an empty store, as somebody runs it the first time
    warm      the same again with what the first run kept
    one file  `analyzers.compare` with a function added to one view module that the store has not seen, in this process

An audit reads templates, settings and SQL besides, links all of it and judges it; its ratio is of all that to parsing alone.
Processor seconds, memory and wall time of the audits are their processes' own, as Linux tells them.
"""

import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import analyzers
from bench.extraction import parse_all, python_files, seconds
from bench.figures import Figure
from bench.mirrors import find
from bot.cache import DiskFacts
from bot.objects import Repository

REPOSITORIES = {
    "readthedocs/readthedocs.org": "readthedocs/projects/views/public.py",
    "wagtail/wagtail": "wagtail/admin/views/home.py",
}
REVIEWS = 5
FUNCTION = """

def rows_{number}():
    return [row for row in range({number})]
"""
AUDIT = """
import atexit, sys
from pathlib import Path
from bot.cli import main
status = Path(sys.argv[1])
atexit.register(lambda: status.write_text(Path("/proc/self/status").read_text()))
main(sys.argv[2:])
"""  # what `wait4` says of memory begins with this process's own


@dataclass(frozen=True)
class Run:
    """One audit: seconds it took, processor seconds, and the most memory it held (MB)."""

    wall: float
    cpu: float
    peak: float


def run(path: Path, cache: Path) -> Run:
    """One audit of HEAD in a process of its own that keeps what it learns in `cache`."""
    asked = ["audit", "--repo", str(path), "--head", "HEAD", "--output", str(cache / "report")]
    command = [sys.executable, "-c", AUDIT, str(cache / "status"), *asked]
    start = time.perf_counter()
    process = os.posix_spawn(sys.executable, command, {**os.environ, "XDG_CACHE_HOME": str(cache)})
    _, ended, used = os.wait4(process, 0)
    if os.waitstatus_to_exitcode(ended) not in (0, 1):
        raise SystemExit(f"the audit of {path} failed")
    status = dict(line.split(":", 1) for line in (cache / "status").read_text().splitlines())
    return Run(time.perf_counter() - start, used.ru_utime + used.ru_stime, int(status["VmHWM"].split()[0]) / 1024)


class Changed:
    """The blobs of a repository, and one more."""

    def __init__(self, repository: Repository, blob: str, source: bytes) -> None:
        self._repository, self._blob, self._source = repository, blob, source

    def read(self, blob_ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        wanted = list(blob_ids)
        yield from self._repository.read([blob for blob in wanted if blob != self._blob])
        if self._blob in wanted:
            yield self._blob, self._source


def reviews(path: Path, changed: str) -> list[float]:
    """Wall seconds of reviews that each change one file, with a store that knows their base."""
    taken = []
    with tempfile.TemporaryDirectory() as folder, Repository(path) as repository:
        store = DiskFacts(Path(folder) / "facts.sqlite")
        base = repository.revision("HEAD")
        analyzers.audit(base, repository, store=store)
        source = dict(repository.read([base.files[changed]]))[base.files[changed]]
        for number in range(REVIEWS):
            blob = f"{number + 1:040x}"
            head = analyzers.Revision("", {**base.files, changed: blob})
            blobs = Changed(repository, blob, source + FUNCTION.format(number=number).encode())
            start = time.perf_counter()
            analyzers.compare(base, head, blobs, store=store)
            taken.append(time.perf_counter() - start)
        store.close()
    return taken


def of(name: str, path: Path, changed: str) -> list[Figure]:
    sources = python_files(path)
    parsed = statistics.median(seconds(lambda: parse_all(sources)) for _ in range(3))
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for state in ("cold", "warm"):
            done = run(path, Path(folder))
            print(f"{name} {state}: {done.wall:.2f} s, cpu {done.cpu:.2f} s, peak {done.peak:.0f} MB", flush=True)
            note = f"cpu {done.cpu:.2f} s to {parsed:.2f} s; {done.wall:.2f} s in all, peak {done.peak:.0f} MB"
            figures.append(Figure(f"audit to ast.parse, {name}, {state}", done.cpu / parsed, "x", note=note))
    taken = reviews(path, changed)
    note = f"median of {len(taken)}, {min(taken):.2f} to {max(taken):.2f}"
    return [*figures, Figure(f"review of one file, {name}, warm", statistics.median(taken), "s", most=1.0, note=note)]


def measure() -> list[Figure]:
    warnings.simplefilter("ignore", SyntaxWarning)
    warnings.simplefilter("ignore", DeprecationWarning)  # invalid escapes, of other people's files
    figures: list[Figure] = []
    for name, changed in REPOSITORIES.items():
        path = find(name)
        figures += of(name, path, changed) if path is not None else [Figure(f"audit of {name}", None, note="no repository")]
    return figures
