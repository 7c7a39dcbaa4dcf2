"""Files read by a process that may be ended."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import analyzers
from analyzers import Analysis, Revision, UnreadableError
from bot.errors import Later
from bot.guarded import MOST_KILLED, GuardedReader
from tests.bot.stage import Stage, bad, compare

CHILD = """
import os, sys, time
from bot.guarded import serve

def read(path, source):
    if b"slow" in source:
        time.sleep(60)
    if b"large" in source:
        return b"x" * 2**30 + b"y" * 2**30
    if b"crash" in source:
        os.abort()
    if b"secret" in source:
        return repr(sorted(name for name in os.environ if "CLIFFGUARD" in name)).encode()
    return path.encode(errors="surrogateescape") + b" " + source

serve(read, 2**29)
"""


@pytest.fixture
def child(tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "child.py").write_text(CHILD)
    return (sys.executable, str(tmp_path / "child.py"))


def test_what_the_child_reads_is_what_is_read_here() -> None:
    sources = {"shop/a.py": b"class Book:\n    pass\n", "a.sql": b"CREATE TABLE t (id int);", "b.php": b"<?php class A {}"}
    with GuardedReader() as reader:
        for path, source in sources.items():
            assert reader(path, source) == analyzers.read_encoded(path, source)


def test_a_file_that_ends_the_child_costs_no_other(child: tuple[str, ...]) -> None:
    with GuardedReader(0.5, child) as reader:
        assert reader("a", b"1" * 300_000) == b"a " + b"1" * 300_000
        for hostile, words in ((b"slow", "more than"), (b"large", "memory"), (b"crash", "ends the parser")):
            with pytest.raises(UnreadableError, match=words):
                reader("b", hostile)
            assert reader("odd\udcff\n", b"") == b"odd\xff\n "


def test_only_so_many_children_are_sacrificed(child: tuple[str, ...]) -> None:
    with GuardedReader(5, child) as reader:
        for _ in range(MOST_KILLED):
            with pytest.raises(UnreadableError, match="ends the parser"):
                reader("b", b"crash")
        with pytest.raises(UnreadableError, match="too many others"):
            reader("a", b"good")


def test_the_child_has_none_of_our_secrets(child: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIFFGUARD_PRIVATE_KEY", "key")
    with GuardedReader(5, child) as reader:
        assert reader("a", b"secret") == b"[]"


def test_only_a_review_that_was_tried_before_is_guarded(stage: Stage) -> None:
    given: list[Any] = []

    def noting(*revisions: Revision, **options: Any) -> Analysis:
        given.append(options["reader"])
        if len(given) == 1:
            raise Later("once more")
        return compare(*revisions, **options)  # type: ignore[arg-type]

    stage.context = replace(stage.context, compare=noting)
    pull = stage.open(bad("one"))
    with pytest.raises(Later):
        stage.run(stage.job(pull))
    stage.run(stage.job(pull))
    assert given[0] is None
    assert isinstance(given[1], GuardedReader)


class Blobs(dict[str, bytes]):
    """Blobs by id, and a store that remembers."""

    def read(self, blob_ids: Any) -> Any:
        return ((blob, self[blob]) for blob in blob_ids if blob in self)

    def get_many(self, keys: Any) -> dict[str, bytes]:
        return {key: self[key] for key in keys if key in self}

    def put_many(self, items: dict[str, bytes]) -> None:
        self.update(items)


def test_a_file_that_is_not_read_is_said_and_tried_again_next_time() -> None:
    blobs, store = Blobs(one=b"x = 1\n", two=b"y = 2\n"), Blobs()
    base, head = Revision("", {}), Revision("", {"a.py": "one", "b.py": "two"})

    def reader(path: str, source: bytes) -> bytes:
        if path == "b.py":
            raise UnreadableError("Too slow.")
        return analyzers.read_encoded(path, source)

    review = analyzers.compare(base, head, blobs, store=store, reader=reader).review
    assert [(problem.path, problem.text) for problem in review.problems] == [("b.py", "Too slow.")]
    assert analyzers.compare(base, head, blobs, store=store).review.problems == ()
