"""Publishing: each finding told once, whatever GitHub does in between."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers import marks_in
from bot import publish
from bot.answers import Account, App, Check, CheckOutput, Comment, File, Rejected, Unsure
from bot.policy import Conclusion
from bot.publish import Annotation, Inline, Publication, Published, Publisher, cut, shortened

HEAD = "a" * 40
BOT = Account("cliffguard[bot]", "Bot")
PATCH = "@@ -1,3 +1,50 @@ def f():\n+x"


class FakeGitHub:
    """Stores what it is sent. `trouble`: for each write, an error to raise, and whether the write happens before."""

    def __init__(self) -> None:
        self.stored: list[Comment] = []
        self.reviews: list[dict[str, Any]] = []
        self.updates: list[Mapping[str, Any]] = []
        self.annotations: list[Any] = []
        self.checks_created: list[tuple[str, str]] = []
        self.trouble: list[tuple[Exception, bool] | None] = []
        self.unacceptable: Callable[[Mapping[str, Any]], bool] = lambda comment: False
        self.rejections_persist = False
        self.status = "in_progress"
        self.asked: list[str] = []

    def _trouble(self) -> Iterator[bool]:
        match self.trouble.pop(0) if self.trouble else None:
            case None:
                yield True
            case error, happens:
                if happens:
                    yield True
                raise error

    def create_review(self, number: int, head: str, body: str, comments: Sequence[Mapping[str, Any]]) -> int:
        self.asked.append("review")
        for _ in self._trouble():
            if any(self.unacceptable(comment) for comment in comments):
                raise Rejected("Line could not be resolved")
            self.reviews.append({"number": number, "head": head, "body": body, "comments": comments})
            self.stored += [Comment(len(self.stored), c["body"], c["path"], c["line"], BOT) for c in comments]
        return len(self.reviews)

    def comment_on_file(self, number: int, head: str, path: str, body: str) -> None:
        self.asked.append("comment on a file")
        for _ in self._trouble():
            if self.unacceptable({"path": path}):
                raise Rejected("Path could not be resolved")
            self.stored.append(Comment(len(self.stored), body, path, None, BOT))

    def comments(self, number: int) -> Iterator[Comment]:
        self.asked.append("comments")
        return iter(self.stored)

    def files(self, number: int) -> Iterator[File]:
        self.asked.append("files")
        return iter([File("a.py", PATCH), File("picture.png")])

    def find_check(self, head: str, external_id: str) -> Check | None:
        self.asked.append("find_check")
        return Check(9, external_id=external_id) if (head, external_id) in self.checks_created else None

    def create_check(self, head: str, external_id: str, fields: Mapping[str, Any]) -> Check:
        for _ in self._trouble():
            self.checks_created.append((head, external_id))
        return Check(9, external_id=external_id)

    def check(self, check_id: int) -> Check:
        return Check(check_id, status=self.status, output=CheckOutput(len(self.annotations)))

    def update_check(self, check_id: int, fields: Mapping[str, Any]) -> None:
        for _ in self._trouble():
            self.updates.append(fields)
            self.annotations += fields["output"].get("annotations", [])
            self.status = fields.get("status", self.status)


def digest(name: str) -> str:
    """A fingerprint that shows its name."""
    return name.encode().hex().rjust(20, "0")


def marker(name: str) -> str:
    return f"<!-- cliffguard:finding:n_plus_one:{digest(name)} -->"


def name_of(print: str) -> str:
    return bytes.fromhex(print.lstrip("0")).decode()


def inline(*names: str, line: int = 5) -> list[Inline]:
    return [Inline((digest(name),), "a.py", line, line, f"text\n\n{marker(name)}") for name in names]


def publication(comments: Sequence[Inline] = (), annotations: Sequence[Annotation] = ()) -> Publication:
    there = frozenset(print for comment in comments for print in comment.keys)

    def texts(elsewhere: Collection[Any]) -> tuple[str, str]:
        return "here: " + " ".join(sorted(map(name_of, elsewhere))), "text"

    def annotation(key: str) -> Annotation:
        return Annotation("a.py", 1, 1, "warning", name_of(key), "message")

    return Publication(Conclusion("failure", "title", "because"), "body", comments, annotations, texts, annotation, there)


@pytest.fixture
def github() -> FakeGitHub:
    return FakeGitHub()


@pytest.fixture
def publisher(github: FakeGitHub) -> Publisher:
    check = Check(9, app=App(1, "cliffguard"), status="in_progress")
    return Publisher(github, 7, HEAD, "job", check, pause=0.0)  # type: ignore[arg-type]


def run(publisher: Publisher, publication: Publication) -> Published:
    """As a review does: what our comments tell is read first."""
    there = bool(publisher.number and publisher.github.stored)  # type: ignore[attr-defined]
    return publisher.publish(publication, publisher.conversation(talk=False, comments=there))


def keys(github: FakeGitHub) -> list[str]:
    return sorted(name_of(mark.fingerprint) for comment in github.stored for mark in marks_in(comment.body))


def test_one_review_and_a_completed_check(github: FakeGitHub, publisher: Publisher) -> None:
    done = run(publisher, publication(inline("x", "y")))
    assert (done.posted, done.present, done.elsewhere) == (2, 0, 0)
    [review] = github.reviews
    assert review["head"] == HEAD
    assert f"<!-- cliffguard:review:{HEAD}:job -->" in review["body"]
    assert review["comments"][0] == {"path": "a.py", "line": 5, "side": "RIGHT", "body": f"text\n\n{marker('x')}"}
    assert [update["conclusion"] for update in github.updates] == ["failure"]


def test_nothing_new_means_no_review_and_no_question(github: FakeGitHub, publisher: Publisher) -> None:
    run(publisher, publication())
    assert github.asked == []
    assert github.status == "completed"


def test_twice_is_once(github: FakeGitHub, publisher: Publisher) -> None:
    run(publisher, publication(inline("x", "y")))
    done = run(publisher, publication(inline("x", "y", "z")))
    assert (done.posted, done.present) == (1, 2)
    assert keys(github) == ["x", "y", "z"]


def test_only_our_own_comments_count(github: FakeGitHub, publisher: Publisher) -> None:
    for user in (Account("mallory", "User"), Account("other[bot]", "Bot"), None):
        github.stored.append(Comment(1, marker("x"), user=user))
    run(publisher, publication(inline("x")))
    assert len(github.reviews) == 1


def test_a_merge_group_gets_a_check_alone(github: FakeGitHub, publisher: Publisher) -> None:
    publisher.number = 0
    run(publisher, publication(inline("x")))
    assert github.asked == []
    assert github.updates[-1]["output"]["summary"] == "here: x"


def test_several_lines_carry_their_start(github: FakeGitHub, publisher: Publisher) -> None:
    run(publisher, publication([Inline(("x",), "a.py", 3, 5, "b")]))
    comment = github.reviews[0]["comments"][0]
    assert (comment["start_line"], comment["start_side"], comment["line"]) == (3, "RIGHT", 5)


def test_what_has_no_line_is_a_comment_on_its_file(github: FakeGitHub, publisher: Publisher) -> None:
    both = publication([*inline("x"), *inline("y", line=0)])
    done = run(publisher, both)
    assert (done.posted, done.elsewhere) == (2, 0)
    assert github.asked == ["review", "comment on a file"]
    assert [len(review["comments"]) for review in github.reviews] == [1]
    done = run(publisher, both)
    assert (done.posted, done.present) == (0, 2)
    assert keys(github) == ["x", "y"]


def test_a_comment_on_a_file_needs_no_review(github: FakeGitHub, publisher: Publisher) -> None:
    run(publisher, publication(inline("y", line=0)))
    assert github.asked == ["comment on a file"]


@pytest.mark.parametrize("happens", [True, False])
def test_a_comment_on_a_file_is_looked_for_before_it_is_written_again(
    github: FakeGitHub, publisher: Publisher, happens: bool
) -> None:
    github.trouble = [(Unsure("502"), happens)]
    run(publisher, publication(inline("y", line=0)))
    assert keys(github) == ["y"]
    assert github.status == "completed"


def test_a_file_that_github_does_not_show_is_told_in_the_check_run(github: FakeGitHub, publisher: Publisher) -> None:
    github.unacceptable = lambda comment: True
    done = run(publisher, publication(inline("y", line=0)))
    assert (done.posted, done.elsewhere) == (0, 1)
    assert github.updates[-1]["output"]["summary"] == "here: y"
    assert [one["title"] for one in github.annotations] == ["y"]


def test_a_failed_review_that_exists_is_not_posted_again(github: FakeGitHub, publisher: Publisher) -> None:
    github.trouble = [(Unsure("502"), True)]
    done = run(publisher, publication(inline("x", "y")))
    assert done.posted == 2
    assert len(github.reviews) == 1
    assert github.status == "completed"


def test_a_failed_review_that_does_not_exist_is_posted_once_more(github: FakeGitHub, publisher: Publisher) -> None:
    github.trouble = [(Unsure("502"), False)]
    run(publisher, publication(inline("x", "y")))
    assert github.asked == ["review", "comments", "review"]
    assert len(github.reviews) == 1


def test_two_outages_bring_the_job_back_later(github: FakeGitHub, publisher: Publisher) -> None:
    github.trouble = [(Unsure("502"), False), (Unsure("502"), True)]
    with pytest.raises(Unsure):
        run(publisher, publication(inline("x")))
    assert github.status == "in_progress"
    run(publisher, publication(inline("x")))
    assert keys(github) == ["x"]


def test_one_bad_line_does_not_cost_the_others(github: FakeGitHub, publisher: Publisher) -> None:
    github.unacceptable = lambda comment: comment["line"] > 50
    done = run(publisher, publication([*inline("x", "y"), *inline("bad", line=77), *inline("z")]))
    assert keys(github) == ["x", "y", "z"]
    assert github.asked.count("review") == 2
    assert (done.posted, done.elsewhere) == (3, 1)
    assert github.updates[-1]["output"]["summary"] == "here: bad"
    assert [a["title"] for a in github.annotations] == ["bad"]


def test_what_github_rejects_for_reasons_of_its_own_is_found_by_halving(github: FakeGitHub, publisher: Publisher) -> None:
    github.unacceptable = lambda comment: digest("odd") in comment["body"]
    run(publisher, publication(inline("a", "b", "c", "odd", "e")))
    assert keys(github) == ["a", "b", "c", "e"]
    assert github.updates[-1]["output"]["summary"] == "here: odd"


def test_halving_is_bounded(github: FakeGitHub, publisher: Publisher) -> None:
    github.unacceptable = lambda comment: True
    done = run(publisher, publication(inline(*(f"n{n:02}" for n in range(25)))))
    assert github.asked.count("review") <= publish.MAX_REVIEWS
    assert done.elsewhere == 25
    assert github.status == "completed"


def test_a_rejected_review_that_was_stored_nevertheless_is_not_repeated(github: FakeGitHub, publisher: Publisher) -> None:
    github.trouble = [(Rejected("line"), True)]
    run(publisher, publication(inline("x", "y")))
    assert keys(github) == ["x", "y"]
    assert github.status == "completed"


def notes(count: int) -> list[Annotation]:
    return [Annotation("a.py", n, n, "notice", f"t{n}", "m") for n in range(1, count + 1)]


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, [0]), (1, [1]), (50, [50]), (51, [50, 1]), (120, [50, 50, 20]), (999, [50] * 4)]
)
def test_annotations_go_in_batches_of_50(github: FakeGitHub, publisher: Publisher, count: int, sizes: list[int]) -> None:
    run(publisher, publication(annotations=notes(count)))
    assert [len(update["output"].get("annotations", [])) for update in github.updates] == sizes
    assert [update.get("status") for update in github.updates] == [None] * (len(sizes) - 1) + ["completed"]
    assert all("annotations" not in update["output"] or update["output"]["annotations"] for update in github.updates)


@pytest.mark.parametrize("happened", [True, False])
def test_an_update_in_doubt_is_repeated_without_doubling_annotations(
    github: FakeGitHub, publisher: Publisher, happened: bool
) -> None:
    github.trouble = [None, (Unsure("502"), happened), None, (Unsure("502"), happened)]
    run(publisher, publication(annotations=notes(120)))
    assert [a["title"] for a in github.annotations] == [f"t{n}" for n in range(1, 121)]
    assert github.status == "completed"


def test_annotations_of_an_earlier_try_are_not_sent_again(github: FakeGitHub) -> None:
    check = Check(9, status="in_progress", output=CheckOutput(50))
    publish.complete(github, check, Conclusion("neutral", "t", "e"), "s", annotations=notes(60))  # type: ignore[arg-type]
    assert [a["title"] for a in github.annotations] == [f"t{n}" for n in range(51, 61)]


def test_a_check_is_created_once_for_a_job(github: FakeGitHub) -> None:
    def start(retried: bool) -> Check:
        return publish.start(github, HEAD, "job", retried=retried)  # type: ignore[arg-type]

    start(retried=False)
    assert github.asked == []
    start(retried=True)
    assert len(github.checks_created) == 1
    github.checks_created.clear()
    github.trouble = [(Unsure("502"), True)]
    assert start(retried=False).id == 9
    assert len(github.checks_created) == 1
    github.checks_created.clear()
    github.trouble = [(Unsure("502"), False)]
    with pytest.raises(Unsure):
        start(retried=False)


def test_waiting_is_said_but_never_undoes_a_completed_check(github: FakeGitHub) -> None:
    publish.wait(github, Check(9, status="completed"), "x")  # type: ignore[arg-type]
    assert github.updates == []
    publish.wait(github, Check(9, status="in_progress"), "GitHub's rate limit")  # type: ignore[arg-type]
    assert github.updates[0]["status"] == "in_progress"
    assert "Waiting: GitHub's rate limit" in github.updates[0]["output"]["title"]


@given(st.text(max_size=300), st.integers(min_value=40, max_value=200))
def test_cut_texts_are_within_bytes_and_readable(text: str, size: int) -> None:
    result = cut(text, size)
    assert len(result.encode()) <= max(size, len("\n\n… shortened: GitHub takes no more.".encode()))
    assert result == text or result.endswith("GitHub takes no more.")


def test_shortening_keeps_the_markers() -> None:
    marker = "\n\n<!-- cliffguard:n_plus_one a -->\n<!-- b -->"
    text = shortened("x" * 100_000 + marker, 65_000)
    assert len(text) == 65_000
    assert text.endswith(marker)
    assert shortened("short", 10) == "short"


def test_payloads_respect_githubs_limits() -> None:
    note = Annotation("a.py", 0, -3, "failure", "t" * 400, "é" * 50_000).payload()
    assert (note["start_line"], note["end_line"]) == (1, 1)
    assert len(note["title"]) <= 255
    assert len(note["message"].encode()) <= 64_000
    assert Annotation("a.py", 1, 1, "notice", "t", "").payload()["message"] == "t"
    assert len(Inline(("x",), "a.py", 1, 1, "y" * 70_000).payload()["body"]) <= 65_536
