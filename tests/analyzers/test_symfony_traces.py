"""What Symfony finds by name, remembered: a review with a store that remembers says what a review without one says."""

from __future__ import annotations

from pathlib import Path

import pytest

import analyzers
from tests.analyzers.test_traces import Store
from tests.markdown import cases
from tests.test_cases import Blobs

_PAGES = (Path(__file__).parents[1] / "cases" / "n_plus_one").glob("symfony*.md")
_CASES = {case.heading: case.head for page in _PAGES for case in cases(page)}
CHANGES = {
    "a function has another name": ("Functions of templates, and who may do what", b"'votes', [$this", b"'ballots', [$this"),
    "a filter asks for less": ("Functions of templates, and who may do what", b"getAuthor()->getName", b"getAuthor()->getId"),
    "another filter has the name": ("Functions of templates, and who may do what", b"'writer'", b"'key'"),
    "nobody votes on it": ("Functions of templates, and who may do what", b"extends Voter", b"extends Other"),
    "the vote is on another class": ("Functions of templates, and who may do what", b"instanceof Post", b"instanceof Author"),
    "members are put out by other groups": ("Groups say what is read of each row", b"['full', 'name']", b"['full', 'list']"),
    "nobody lays out the rows": ("A class of the project lays out the rows", b"implements NormalizerInterface", b""),
    "everything is joined": ("API Platform is told to join nothing", b"force_eager: false", b"force_eager: true"),
    "a group is joined": ("API Platform joins what its groups put out", b"forceEager: false, ", b""),
}


@pytest.mark.parametrize("name", CHANGES)
def test_remembering_changes_nothing(name: str) -> None:
    heading, old, new = CHANGES[name]
    files = _CASES[heading]
    changed = {path: text.replace(old, new) for path, text in files.items()}
    assert changed != files
    blobs, store = Blobs(), Store()
    base, head = blobs.add(files), blobs.add(changed)
    plain = [analyzers.compare(one, two, blobs).review for one, two in ((base, head), (head, base))]
    assert any(review.new for review in plain)
    for one, two, expected in ((base, head, plain[0]), (head, base, plain[1])):
        assert analyzers.compare(one, two, blobs, store=store).review == expected
