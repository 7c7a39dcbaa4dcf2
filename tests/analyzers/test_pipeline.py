"""What an analysis keeps, and when it may use it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

import pytest

import analyzers
from analyzers import Review, Revision, Settings, pipeline, read_settings

MODELS = """from django.db import models


class Author(models.Model):
    name = models.TextField()


class Book(models.Model):
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
"""
VIEWS = """from .models import Book


def names():
    return [book.author.name for book in Book.objects.all()]
"""


DEFAULTS = Settings()


class Memory(dict[str, bytes]):
    """A store of facts, and of blobs by id."""

    def get_many(self, keys: Iterable[str]) -> Mapping[str, bytes]:
        return {key: self[key] for key in keys if key in self}

    def put_many(self, items: Mapping[str, bytes]) -> None:
        self.update(items)

    def read(self, blob_ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        yield from self.get_many(blob_ids).items()

    def revision(self, **files: str) -> Revision:
        contents = {f"shop/{name}.py": text.encode() for name, text in files.items()}
        ids = {path: hashlib.sha1(text).hexdigest() for path, text in contents.items()}  # as git's ids are
        self.update((ids[path], text) for path, text in contents.items())
        return Revision("0" * 40, ids)


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One element for each time that a revision was linked."""
    done: list[None] = []
    link = pipeline.link
    monkeypatch.setattr(pipeline, "link", lambda *given, **options: (done.append(None), link(*given, **options))[1])
    return done


def review(blobs: Memory, store: Memory, settings: Settings = DEFAULTS, views: str = VIEWS) -> Review:
    base, head = blobs.revision(models=MODELS, __init__=""), blobs.revision(models=MODELS, __init__="", views=views)
    return analyzers.compare(base, head, blobs, store=store, settings=settings).review


def test_a_judged_revision_is_not_judged_again(links: list[None]) -> None:
    blobs, store = Memory(), Memory()
    first = review(blobs, store)
    assert {finding.rule for finding in first.new} >= {"n_plus_one"}
    assert len(links) == 2
    assert review(blobs, store) == first
    assert len(links) == 2
    changed = review(blobs, store, views=VIEWS + "\n# moved on\n")
    assert len(links) == 3, "the head alone"
    assert [finding.identity for finding in changed.new] == [finding.identity for finding in first.new]


def test_other_settings_judge_anew(links: list[None]) -> None:
    blobs, store = Memory(), Memory()
    review(blobs, store)
    off, problems = read_settings({".cliffguard.yml": b"rules:\n  disabled: [n_plus_one]\n"})
    assert not problems
    assert {finding.rule for finding in review(blobs, store, off).new} == set()
    assert len(links) == 4


def test_a_folder_may_have_what_the_root_has_not() -> None:
    blobs = Memory()
    only_here, _ = read_settings(
        {".cliffguard.yml": b"rules: {disabled: [n_plus_one]}", "shop/.cliffguard.yml": b"rules: {comments: [n_plus_one]}"}
    )
    not_here, _ = read_settings({"shop/.cliffguard.yml": b"rules: {disabled: [n_plus_one]}"})
    assert {finding.rule for finding in review(blobs, Memory(), only_here).new} >= {"n_plus_one"}
    assert "n_plus_one" not in {finding.rule for finding in review(blobs, Memory(), not_here).new}


def test_comments_in_the_code_accept_nothing_where_they_are_not_honoured() -> None:
    accepting = VIEWS.replace("]\n", "]  # cliffguard: ignore[n_plus_one] three rows\n")
    blobs = Memory()
    assert not [f for f in review(blobs, Memory(), views=accepting).new if f.rule == "n_plus_one"]
    strict, _ = read_settings({".cliffguard.yml": b"honour_inline: false"})
    reviewed = review(blobs, Memory(), strict, accepting)
    assert [f.rule for f in reviewed.new if f.rule == "n_plus_one"] == ["n_plus_one"]
    assert reviewed.accepted == ()


def test_growth_is_told_for_the_expected_peak() -> None:
    peak, _ = read_settings({".cliffguard.yml": b"expected_peak: {users: 200}"})
    [told] = [f for f in review(Memory(), Memory(), peak).new if f.rule == "n_plus_one"]
    assert told.growth == "1 + N queries: 101 for 100 books; 20,200 if each of the 200 users expected at once asks once"
    [untold] = [f for f in review(Memory(), Memory()).new if f.rule == "n_plus_one"]
    assert untold.growth == "1 + N queries: 101 for 100 books"
    assert told.fingerprint == untold.fingerprint


def test_damaged_judgements_are_made_anew(links: list[None]) -> None:
    blobs, store = Memory(), Memory()
    first = review(blobs, store)
    store.update((key, b"\xc1") for key in store)
    assert review(blobs, store) == first
    assert len(links) == 4


def test_a_judgement_without_a_rule_that_failed_is_not_kept(links: list[None], monkeypatch: pytest.MonkeyPatch) -> None:
    blobs, store = Memory(), Memory()
    with monkeypatch.context() as broken:
        broken.setattr(
            pipeline, "_guarded", lambda rule, *_: pipeline.Verdict((), (), (analyzers.Problem("", 0, f"{rule} failed"),), {})
        )
        assert review(blobs, store).problems
    assert {finding.rule for finding in review(blobs, store).new} >= {"n_plus_one"}
    assert len(links) == 4


COUPONS = """from django.db import models


class Coupon(models.Model):
    code = models.CharField(max_length=40)
    owner = models.ForeignKey("auth.User", on_delete=models.CASCADE)
"""
REDEMPTION = """from .models import Coupon


def redeem(request):
    return Coupon.objects.filter(code=request.POST["code"], **{unread}).first()
"""


def test_what_is_understood_only_now_was_there_before() -> None:
    blobs = Memory()
    plain = REDEMPTION.replace("{unread}", "{}")
    indexed = blobs.revision(__init__="", models=COUPONS.replace("40", "40, db_index=True"), views=plain)
    without = blobs.revision(__init__="", models=COUPONS)
    unread = blobs.revision(__init__="", models=COUPONS, views=REDEMPTION.replace("{unread}", "request.session"))
    head = blobs.revision(__init__="", models=COUPONS, views=plain)

    def changed(base: Revision, head: Revision) -> tuple[int, int, int]:
        review = analyzers.compare(base, head, blobs, store=Memory()).review
        return len(review.new), len(review.fixed), len(review.kept)

    assert changed(indexed, head) == (1, 0, 0)
    assert changed(without, head) == (1, 0, 0)
    assert changed(unread, head) == (0, 0, 1)
    assert changed(head, unread) == (0, 0, 0), "it is there still, as far as anybody knows"
    assert changed(without, unread) == (0, 0, 0)
