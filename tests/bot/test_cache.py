"""Stores of facts: what they keep, what they forget, and that nothing they suffer reaches a review."""

from __future__ import annotations

import multiprocessing
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from bot.cache import DiskFacts, Layered, ValkeyFacts, fact_store
from bot.observe import measuring


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[DiskFacts]:
    store = DiskFacts(tmp_path / "deep" / "facts.sqlite")
    yield store
    store.close()


def facts(count: int, size: int = 10, start: int = 0) -> dict[str, bytes]:
    return {f"{n:040x}-python-1": n.to_bytes(4, "big") * (size // 4) for n in range(start, start + count)}


def test_what_was_put_is_found_in_any_number(disk: DiskFacts) -> None:
    many = facts(1203)
    disk.put_many(many)
    assert disk.get_many(many) == many
    assert disk.get_many(["unknown"]) == {}
    assert disk.get_many([]) == {}
    disk.put_many({})


def test_a_later_value_replaces_an_earlier(disk: DiskFacts) -> None:
    disk.put_many({"k": b"1"})
    disk.put_many({"k": b"2"})
    assert disk.get_many(["k", "k"]) == {"k": b"2"}


def test_another_process_reads_it(tmp_path: Path, disk: DiskFacts) -> None:
    disk.put_many({"k": b"1"})
    other = DiskFacts(disk.path)
    assert other.get_many(["k"]) == {"k": b"1"}
    other.close()


def _write(path: Path, start: int) -> None:
    store = DiskFacts(path)
    for n in range(10):
        store.put_many(facts(20, start=start + 20 * n))


def test_several_processes_write_at_once(disk: DiskFacts) -> None:
    disk.put_many({"first": b""})
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_write, args=(disk.path, 1000 * n)) for n in (1, 2, 3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
        assert writer.exitcode == 0
    for n in (1, 2, 3):
        assert len(disk.get_many(facts(200, start=1000 * n))) == 200


def test_a_fork_does_not_use_its_parents_connection(disk: DiskFacts) -> None:
    disk.put_many({"k": b"1"})
    child = multiprocessing.get_context("fork").Process(target=disk.put_many, args=({"child": b"2"},))
    child.start()
    child.join(30)
    assert disk.get_many(["k", "child"]) == {"k": b"1", "child": b"2"}


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    store = DiskFacts(tmp_path / "facts.sqlite", limit_bytes=400_000)
    old, used = facts(20, 10_000), facts(5, 10_000, start=100)
    store.put_many({**used, **old})
    with sqlite3.connect(store.path) as database:
        database.execute("UPDATE facts SET used = used - 100000")
    assert store.get_many(used) == used  # which makes them recent
    store.put_many(facts(20, 10_000, start=200))
    assert store.get_many(used) == used
    assert len(store.get_many(old)) < len(old)
    for start in range(300, 800, 20):
        store.put_many(facts(20, 10_000, start=start))
    store.close()
    assert store.path.stat().st_size < 800_000


@pytest.mark.parametrize("damage", [b"this is no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "facts.sqlite"
    path.write_bytes(damage)
    store = DiskFacts(path)
    assert store.get_many(["k"]) == {}
    store.put_many({"k": b"1"})
    assert store.get_many(["k"]) == {"k": b"1"}
    store.close()


def test_damage_under_an_open_store_is_survived(disk: DiskFacts) -> None:
    disk.put_many(facts(500, 1000))
    disk.close()
    content = bytearray(disk.path.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    disk.path.write_bytes(content)
    disk.get_many(facts(500))
    disk.put_many({"k": b"1"})
    disk.put_many({"k": b"1"})
    assert disk.get_many(["k"]) == {"k": b"1"}


def test_a_path_that_cannot_be_written_is_a_store_that_forgets(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = DiskFacts(tmp_path / "file" / "facts.sqlite")
    store.put_many({"k": b"1"})
    assert store.get_many(["k"]) == {}


def test_valkey_keeps_facts_for_a_while(valkey_url: str) -> None:
    store = ValkeyFacts(valkey_url)
    many = facts(1203)
    store.put_many(many)
    assert store.get_many([*many, "unknown"]) == many
    assert 0 < store._client.ttl("cliffguard:facts:" + next(iter(many))) <= 14 * 86400
    store.close()


def test_an_absent_valkey_is_asked_once(tmp_path: Path) -> None:
    store = ValkeyFacts(f"unix://{tmp_path}/nobody.sock?db=0")
    assert store.get_many(["k"]) == {}
    start = time.monotonic()
    for _ in range(50):
        assert store.get_many(["k"]) == {}
        store.put_many({"k": b"1"})
    assert time.monotonic() - start < 2
    store.close()


class Memory:
    def __init__(self, **items: bytes) -> None:
        self.items: dict[str, bytes] = dict(items)
        self.asked: list[list[str]] = []

    def get_many(self, keys: Iterable[str]) -> Mapping[str, bytes]:
        self.asked.append(list(keys))
        return {key: self.items[key] for key in self.asked[-1] if key in self.items}

    def put_many(self, items: Mapping[str, bytes]) -> None:
        self.items.update(items)


def test_layers_ask_far_only_for_what_is_not_near() -> None:
    near, far = Memory(a=b"1"), Memory(a=b"x", b=b"2")
    layered = Layered(near, far)
    assert layered.get_many(["a", "b", "c"]) == {"a": b"1", "b": b"2"}
    assert far.asked == [["b", "c"]]
    assert near.items == {"a": b"1", "b": b"2"}
    layered.get_many(["a", "b"])
    assert len(far.asked) == 1
    layered.put_many({"d": b"4"})
    assert near.items["d"] == far.items["d"] == b"4"


def test_the_workers_store_is_on_disk_before_valkey(tmp_path: Path, valkey_url: str) -> None:
    fact_store(tmp_path / "one", valkey_url).put_many({"k": b"1"})
    assert fact_store(tmp_path / "two", valkey_url).get_many(["k"]) == {"k": b"1"}
    assert fact_store(tmp_path / "one", None).get_many(["k"]) == {"k": b"1"}
    with measuring() as measures:
        assert fact_store(tmp_path / "three", None).get_many(["k"]) == {}
        assert fact_store(tmp_path / "one", None).get_many(["k", "k", "l"]) == {"k": b"1"}
    assert measures.lookups == {"hit": 1, "miss": 2}
