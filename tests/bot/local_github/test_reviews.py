"""Reviews: what GitHub takes, what it refuses, and what happens to comments when the branch moves on."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Stage, numbered

GOOD = {"path": "a.py", "line": 5, "side": "RIGHT", "body": "Here."}


def listed(stage: Stage, what: str = "comments") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage.bot.get(f"{stage.path}/pulls/1/{what}").json()
    return found


def test_a_review_with_its_comments(stage: Stage) -> None:
    ranged = {"path": "a.py", "start_line": 29, "start_side": "RIGHT", "line": 31, "side": "RIGHT", "body": "These."}
    made = stage.review(GOOD, ranged, {"path": "gone.py", "line": 1, "side": "LEFT", "body": "Why?"})
    assert made.status_code == 200, made.text
    assert (made.json()["state"], made.json()["commit_id"]) == ("COMMENTED", stage.pull.head_sha)
    of_review = stage.bot.get(f"{stage.path}/pulls/1/reviews/{made.json()['id']}/comments").json()
    assert [c["path"] for c in of_review] == ["a.py", "a.py", "gone.py"]
    first, second, _ = listed(stage)
    assert (first["line"], first["start_line"], first["position"]) == (5, None, 5)
    assert (second["start_line"], second["line"], second["side"]) == (29, 31, "RIGHT")
    assert first["diff_hunk"].splitlines()[-1] == "+five"


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"path": "a.py", "line": 15, "side": "RIGHT"}, "line must be part of the diff"),
        ({"path": "a.py", "line": 5, "side": "RIGHT", "start_line": 5, "start_side": "RIGHT"}, "must precede the end line"),
        ({"path": "a.py", "line": 30, "side": "RIGHT", "start_line": 5, "start_side": "RIGHT"}, "same hunk"),
        ({"path": "a.py", "line": 5, "side": "RIGHT", "start_line": 15}, "start line must be part of the diff"),
        ({"path": "c.py", "line": 1, "side": "RIGHT"}, "Path could not be resolved"),
        ({"path": "a.py"}, "Line could not be resolved"),
        ({"path": "a.py", "position": 400}, "Line could not be resolved"),
        ({"path": "a.py", "line": 5, "side": "MIDDLE"}, "side must be"),
        ({"path": "a.py", "line": 5, "body": " "}, "body can't be blank"),
        ({"path": "a.py", "line": 5, "body": "x" * 65_537}, "too long"),
    ],
)
def test_one_bad_comment_loses_the_whole_review(shared: Stage, bad: dict[str, object], message: str) -> None:
    refused = shared.review(GOOD, {"body": "There.", **bad})
    assert refused.status_code == 422
    assert message in refused.json()["errors"][0]
    assert listed(shared, "reviews") == listed(shared) == []


@pytest.mark.parametrize(
    "body",
    [
        {"event": "BLOCK", "body": "x"},
        {"event": "COMMENT", "body": "x", "comments": [{**GOOD, "start_lin": 4}]},
        {"event": "COMMENT", "body": "x", "comments": [{**GOOD, "line": "5"}]},
        {"event": "COMMENT", "body": "x", "comments": [{"path": "a.py", "line": 5}]},
        {"event": "COMMENT"},
        {"event": None, "body": "x"},
        {"event": "COMMENT", "body": "x" * 65_537},
        {"event": "COMMENT", "body": "x", "commit_id": "0" * 40},
        {"event": "COMMENT", "body": "x", "commit_id": "main"},
    ],
)
def test_malformed_reviews_are_refused(shared: Stage, body: dict[str, object]) -> None:
    assert shared.bot.post(f"{shared.path}/pulls/1/reviews", json=body).status_code == 422
    assert listed(shared, "reviews") == []


def test_broken_json_is_refused(shared: Stage) -> None:
    assert shared.bot.post(f"{shared.path}/pulls/1/reviews", content=b"{").status_code == 400


def test_a_review_without_event_is_pending_and_unseen(stage: Stage) -> None:
    body = {"body": "Read.", "commit_id": stage.pull.head_sha, "comments": [GOOD]}
    made = stage.bot.post(f"{stage.path}/pulls/1/reviews", json=body)
    stage.github.record.path.unlink()  # the contract check would rightly ask whether this was meant
    assert made.status_code == 200
    assert made.json()["state"] == "PENDING"
    assert listed(stage) == []
    second = stage.review()
    assert "one pending review" in second.json()["errors"][0]


def test_a_position_counts_lines_of_the_diff(stage: Stage) -> None:
    assert stage.review({"path": "a.py", "position": 4, "body": "The removed one."}).status_code == 200
    (comment,) = listed(stage)
    assert (comment["side"], comment["line"]) == ("LEFT", 5)


def test_comments_follow_their_lines_or_become_outdated(stage: Stage) -> None:
    last = {"path": "a.py", "start_line": 30, "start_side": "RIGHT", "line": 31, "side": "RIGHT", "body": "Both."}
    stage.review(GOOD, last, {"path": "b.py", "line": 2, "side": "RIGHT", "body": "Two."})
    text = "zero\n" + numbered(l5="five again", l30="thirty\nmore")
    stage.source.write({"a.py": text}, "Answer the review")
    head = stage.github.push(stage.repository, "feature", "feature", source=stage.source.path)
    first, second, third = listed(stage)
    assert ("line" in first, "position" in first, first["original_line"]) == (False, False, 5)
    assert (second["start_line"], second["line"], second["commit_id"]) == (31, 32, head)
    assert (third["line"], third["commit_id"]) == (2, head)
    assert third["original_commit_id"] != head


def test_a_review_of_an_earlier_head_is_taken(stage: Stage) -> None:
    earlier = stage.pull.head_sha
    stage.source.write({"b.py": "print('new')\n"}, "Shorten")
    stage.github.push(stage.repository, "feature", "feature", source=stage.source.path)
    comment = {"path": "b.py", "line": 2, "side": "RIGHT", "body": "Gone since."}
    assert stage.review(comment).status_code == 422
    assert stage.review(comment, commit_id=earlier).status_code == 200


def test_single_comments_replies_and_changes(stage: Stage) -> None:
    comments = f"{stage.path}/pulls/1/comments"
    made = stage.bot.post(comments, json={**GOOD, "commit_id": stage.pull.head_sha})
    assert made.status_code == 201
    first = made.json()["id"]
    whole = {"path": "b.py", "body": "All of it.", "commit_id": stage.pull.head_sha, "subject_type": "file"}
    assert stage.bot.post(comments, json=whole).json()["subject_type"] == "file"
    refused = stage.bot.post(comments, json={**GOOD, "line": 15, "commit_id": stage.pull.head_sha})
    assert refused.json()["errors"][0]["field"] == "pull_request_review_thread.line"
    reply = stage.bot.post(f"{comments}/{first}/replies", json={"body": "And?"})
    assert reply.json()["in_reply_to_id"] == first
    theirs = stage.github.reply_to_comment(stage.pull.review_comments[0], "Done.", "mira")
    assert [c["body"] for c in listed(stage)] == ["Here.", "All of it.", "And?", "Done."]
    edit = f"{stage.path}/pulls/comments"
    assert stage.bot.patch(f"{edit}/{first}", json={"body": "There."}).json()["body"] == "There."
    assert stage.bot.patch(f"{edit}/{theirs.id}", json={"body": "x"}).status_code == 403
    assert stage.bot.delete(f"{edit}/{reply.json()['id']}").status_code == 204
    assert stage.bot.delete(f"{edit}/{reply.json()['id']}").status_code == 404


def test_reviews_are_changed_and_dismissed(stage: Stage) -> None:
    review = f"{stage.path}/pulls/1/reviews/{stage.review().json()['id']}"
    assert stage.bot.put(review, json={"body": "Read again."}).json()["body"] == "Read again."
    assert stage.bot.get(review).json()["body"] == "Read again."
    assert stage.bot.put(f"{review}/dismissals", json={"message": "no"}).status_code == 422
    blocking = stage.review(event="REQUEST_CHANGES").json()["id"]
    dismissed = stage.bot.put(f"{stage.path}/pulls/1/reviews/{blocking}/dismissals", json={"message": "no"})
    assert dismissed.json()["state"] == "DISMISSED"
