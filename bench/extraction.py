"""Facts of all Python files of two repositories against `ast.parse` of the same files, and reading facts back from the store.

One process; processor seconds. The two take turns, and the ratio is the median of the ratios within a round. Files that
`ast.parse` of this Python refuses are left out of both.
"""

import ast
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import msgspec

from analyzers.facts.store import FileFacts
from analyzers.frontends import read_facts
from bench.figures import Figure
from bench.mirrors import find
from bot.cache import DiskFacts
from bot.objects import Repository

REPOSITORIES = ("netbox-community/netbox", "readthedocs/readthedocs.org")
ROUNDS = 5
BLOBS = 2000
Sources = dict[str, bytes]


def python_files(path: Path) -> Sources:
    """The Python files at HEAD, by path, that `ast.parse` accepts."""
    with Repository(path, max_blob_bytes=4_000_000) as repository:
        blobs = {name: blob for name, blob in repository.revision("HEAD").files.items() if name.endswith(".py")}
        read = dict(repository.read(list(dict.fromkeys(blobs.values()))))
    found = {name: read[blob] for name, blob in blobs.items() if blob in read}
    accepted = {name: source for name, source in found.items() if _accepted(source)}
    size = sum(map(len, accepted.values())) / 1e6
    print(f"{len(blobs):,} Python files at HEAD, {len(accepted):,} of them ({size:.2f} MB) read by ast.parse and measured")
    return accepted


def _accepted(source: bytes) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return True


def parse_all(sources: Sources) -> None:
    for source in sources.values():
        ast.parse(source)


def extract_all(sources: Sources) -> None:
    for path, source in sources.items():
        read_facts(path, source)


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def compare(name: str, sources: Sources) -> Figure:
    extract_all(dict(list(sources.items())[:50]))  # grammars are loaded where first used
    ratios = []
    for number in range(ROUNDS):
        parsed, extracted = seconds(lambda: parse_all(sources)), seconds(lambda: extract_all(sources))
        ratios.append(extracted / parsed)
        print(
            f"{name} round {number + 1}: ast.parse {parsed:.2f} s, facts {extracted:.2f} s, ratio {ratios[-1]:.2f}", flush=True
        )
    note = f"{len(sources):,} files, median of {ROUNDS}, {min(ratios):.2f} to {max(ratios):.2f}"
    return Figure(f"facts to ast.parse, {name}", statistics.median(ratios), "x", most=2.0, note=note)


def recall(sources: list[Sources]) -> Figure:
    """`BLOBS` files' facts out of the store on disk, decoded as a review does it."""
    encode = msgspec.msgpack.Encoder().encode
    values = [encode(read_facts(path, source)) for group in sources for path, source in group.items()]
    values = [values[at % len(values)] for at in range(BLOBS)]
    decode = msgspec.msgpack.Decoder(FileFacts).decode
    with tempfile.TemporaryDirectory() as folder:
        store = DiskFacts(Path(folder) / "facts.sqlite")
        store.put_many({f"{at:040x}": value for at, value in enumerate(values)})
        keys = [f"{at:040x}" for at in range(BLOBS)]
        taken = [seconds(lambda: [decode(value) for value in store.get_many(keys).values()]) for _ in range(9)]
        store.close()
    note = f"{sum(map(len, values)) / 1e6:.1f} MB, median of {len(taken)}, {min(taken):.2f} to {max(taken):.2f}"
    return Figure(f"{BLOBS:,} files' facts from the store", statistics.median(taken), "cpu s", most=0.6, note=note)


def measure() -> list[Figure]:
    warnings.simplefilter("ignore", SyntaxWarning)
    warnings.simplefilter("ignore", DeprecationWarning)  # invalid escapes, of other people's files
    figures, all_sources = [], []
    for name in REPOSITORIES:
        if (path := find(name)) is None:
            figures.append(Figure(f"facts to ast.parse, {name}", None, note="no repository"))
            continue
        all_sources.append(python_files(path))
        figures.append(compare(name, all_sources[-1]))
    return [*figures, recall(all_sources)] if all_sources else figures
