"""A backtest of a small project: what is said of each pull request, what became of it, and what the reports look like."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from bot.backtest import history, later, reviewing
from bot.backtest.pages import to_html, to_json, to_terminal
from bot.backtest.remote import Remote, remote_of
from bot.backtest.running import page_of, run
from bot.backtest.values import Backtest, Change, Fate, Pull, Reviewed, State
from bot.local_github import LocalGitHub
from bot.objects import GitError, Repository
from bot.progress import MANY, Watched, progress
from tests.bot.test_cli import BAD, ENV, GOOD, Shop
from tests.reference import ROOT

HOSTILE = '<script>alert("1")</script> [x](javascript:1) `a`'


class History(Shop):
    """Pull requests of every fate."""

    def squash(self, number: int, title: str, **files: str) -> str:
        self.write(**files)
        self.git("add", "-A")
        self.git("commit", "-qm", f"{title} (#{number})", "--allow-empty")
        return self.git("rev-parse", "HEAD")

    def merge(self, number: int, title: str, **files: str) -> str:
        self.git("checkout", "-q", "-b", f"b{number}")
        self.commit(**files)
        self.git("checkout", "-q", "main")
        self.git("merge", "-q", "--no-ff", "-m", f"Merge pull request #{number} from me/b{number}\n\n{title}", f"b{number}")
        return self.git("rev-parse", "HEAD")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> History:
    shop = History(tmp_path_factory.mktemp("history") / "shop")
    shop.squash(1, HOSTILE, views=BAD)
    shop.merge(2, "Add a page", pages="x = 1\n")
    for number in range(5):
        shop.commit(other=f"x = {number}\n")
    shop.merge(3, "Load customers at once", views=GOOD)
    shop.squash(4, "Show names in a report", report=BAD)
    shop.squash(5, "Show names for good", lasting=BAD.replace("def names", "def lasting"))
    (shop.path / "shop" / "report.py").unlink()
    shop.squash(6, "Drop the report")
    return shop


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def found(shop: History) -> Iterator[Backtest]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(shop.path.parent / "cache"))
        yield run(str(shop.path), 50, 2)


def numbered(found: Backtest) -> dict[int, Reviewed]:
    return {one.pull.change.number: one for one in found.reviews}


# What is found


def test_merges_and_squashes_are_pull_requests_and_nothing_else_is(shop: History) -> None:
    with Repository(shop.path) as repository:
        commits = history.first_parents(repository, "main", 100)
        pulls = history.merged(repository, commits, 50)
        assert [pull.change.number for pull in pulls] == [6, 5, 4, 3, 2, 1]
        assert [pull.change.title for pull in pulls][:4] == [
            "Drop the report",
            "Show names for good",
            "Show names in a report",
            "Load customers at once",
        ]
        assert [pull.change.number for pull in history.merged(repository, commits, 2)] == [6, 5]
        merged = pulls[3]
        assert merged.head == shop.git("rev-parse", f"{merged.change.commit}^2")
        assert merged.base == shop.git("merge-base", f"{merged.change.commit}^1", merged.head)
        assert pulls[0].base == shop.git("rev-parse", f"{pulls[0].head}^")


@pytest.mark.parametrize(
    ("parents", "subject", "body", "number", "title"),
    [
        ("a b", "Merge branch 'x' into 'main'", "Add x\n\nSee merge request shop/api!17", 17, "Add x"),
        ("a b", "Auto merge of #9 - me:x, r=you", "Add x", 9, "Add x"),
        ("a b", "Merge branch 'main' of here", "", 0, "Merge branch 'main' of here"),
        ("a", "Add x (#3)", "Add y (#4)", 3, "Add x"),
        ("a", "Fix #3", "", 0, "Fix #3"),
    ],
)
def test_how_pull_requests_call_themselves(parents: str, subject: str, body: str, number: int, title: str) -> None:
    commit = history._commit("\x00".join(("f" * 40, parents, "2026-01-01T00:00:00Z", subject, body)))
    assert (commit.number, commit.title) == (number, title)


def test_each_pull_request_is_reviewed_as_the_app_would(found: Backtest) -> None:
    reviews = numbered(found)
    assert [one.error for one in found.reviews] == [""] * 6
    assert {number: len(one.told) for number, one in reviews.items()} == {1: 1, 2: 0, 3: 0, 4: 1, 5: 1, 6: 0}
    [told] = reviews[1].told
    assert (told.finding.rule, told.finding.place.path, told.suggested) == ("n_plus_one", "shop/views.py", True)
    assert (reviews[1].conclusion, reviews[1].comments, reviews[2].conclusion) == ("failure", 1, "success")
    assert (reviews[3].mended, reviews[6].mended) == (1, 1)


def test_what_became_of_it_is_decided_by_analyses(found: Backtest) -> None:
    reviews = numbered(found)
    fates = {number: found.fate(one, told) for number, one in reviews.items() for told in one.told}
    assert {number: fate.state for number, fate in fates.items()} == {1: State.FIXED, 4: State.REMOVED, 5: State.PRESENT}
    assert [fate.by.number if fate.by else 0 for fate in fates.values()] == [0, 6, 3]
    assert fates[1].by is not None
    assert fates[1].by.title == "Load customers at once"


def test_few_analyses_answer_for_a_long_history(tmp_path: Path) -> None:
    shop = History(tmp_path / "long")
    shop.squash(1, "Add", views=BAD)
    for number in range(20):
        shop.commit(views=f"{BAD}\nx = {number}\n")
    mended = shop.commit(views=GOOD)
    for number in range(20):
        shop.commit(views=f"{GOOD}\nx = {number}\n")
    reader = reviewing.Reader(shop.path)
    with Repository(shop.path) as repository:
        commits = history.first_parents(repository, "main", 100)
        pulls = history.merged(repository, commits, 5)
    asked: list[int] = []
    work = later.Later(reader, commits, lambda: asked.append(1))
    [fate] = work.fates(reviewing.review_all(reader, pulls, 1, lambda: None)).values()
    assert fate.by is not None
    assert fate.by.commit == mended
    assert len(asked) <= 8


def test_what_was_mended_elsewhere_is_found_too(tmp_path: Path) -> None:
    shop = History(tmp_path / "elsewhere")
    models = (shop.path / "shop" / "models.py").read_text()
    manager = """\
class Loaded(models.Manager):
    def get_queryset(self):
        return super().get_queryset().select_related("customer")


class Order(models.Model):
    objects = Loaded()
"""
    shop.squash(1, "Add", views=BAD)
    shop.commit(other="x = 1\n")
    mended = shop.commit(models=models.replace("class Order(models.Model):\n", manager))
    shop.commit(other="x = 2\n")
    found = run(str(shop.path), 5, 1, cached=False)
    [fate] = found.fates.values()
    assert fate.state is State.FIXED
    assert fate.by is not None
    assert fate.by.commit == mended


def test_what_another_function_of_the_name_does_keeps_nothing_there(tmp_path: Path) -> None:
    shop = History(tmp_path / "namesakes")
    shop.squash(1, "Add", views=BAD)
    shop.squash(2, "Mend", views=GOOD)
    shop.squash(3, "Add elsewhere", lasting=BAD)
    states = [fate.state for fate in run(str(shop.path), 5, 1, cached=False).fates.values()]
    assert states == [State.PRESENT, State.FIXED]


def test_what_a_migration_did_is_past(tmp_path: Path) -> None:
    shop = History(tmp_path / "past")
    (shop.path / "compose.yml").write_text("services:\n  db:\n    image: postgres:16\n")
    (shop.path / "shop" / "migrations").mkdir()
    head = "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"
    made = '    operations = [migrations.CreateModel("Order", [("id", models.BigAutoField(primary_key=True))])]\n'
    shop.commit(**{"migrations/0001_initial": f"{head}    initial = True\n{made}"})
    index = '    operations = [migrations.AddIndex("order", models.Index(fields=["paid"], name="paid"))]\n'
    shop.write(**{"migrations/0002_index": f'{head}    dependencies = [("shop", "0001_initial")]\n{index}'})
    shop.squash(1, "Index")
    found = run(str(shop.path), 5, 1, cached=False)
    assert [told.finding.rule for told in found.told] == ["migration_safety"]
    assert [fate.state for fate in found.fates.values()] == [State.PAST]
    assert "Past:" in Page(to_html(found)).text


def test_what_only_moved_is_still_there(tmp_path: Path) -> None:
    shop = History(tmp_path / "moved")
    shop.squash(1, "Add", views=BAD)
    shop.squash(2, "Move", views="x = 1\n", lists=BAD)
    assert [fate.state for fate in run(str(shop.path), 5, 1, cached=False).fates.values()] == [State.PRESENT]


@pytest.mark.parametrize("how", ["raises", "dies"])
def test_one_that_cannot_be_reviewed_costs_no_other(
    shop: History, cache: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    real = reviewing._review

    def broken(repository: Any, store: Any, pull: Pull) -> Reviewed:
        if pull.change.number == 4:
            if how == "raises":
                raise RuntimeError("the tree is odd")
            os.kill(os.getpid(), signal.SIGKILL)
        return real(repository, store, pull)

    monkeypatch.setattr(reviewing, "_review", broken)
    found = run(str(shop.path), 50, 2, later=False)
    assert [bool(one.error) for one in found.reviews] == [number == 4 for number in (6, 5, 4, 3, 2, 1)]
    error = numbered(found)[4].error
    assert ("the tree is odd" if how == "raises" else "killed") in error
    assert error in to_html(found)


# The reports


class Page(HTMLParser):
    """The tags and addresses of a page, and that every tag is closed."""

    VOID = frozenset({"meta", "link", "br", "img", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.addresses: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_needs_nothing_else_and_shows_names_as_text(found: Backtest) -> None:
    page = Page(to_html(found))
    assert page.seen.isdisjoint({"script", "img", "link", "iframe"})
    assert all(address.startswith("#p") for address in page.addresses)
    assert HOSTILE in page.text
    assert "Fixed since" in page.text
    assert "Still there today." in page.text
    assert "Gone with its file" in page.text
    assert "3 of 3" not in page.text
    assert "2 of 3" in page.text.replace("\n", "")


def test_links_lead_to_where_the_repository_is_seen(found: Backtest) -> None:
    seen = Backtest(found.name, found.branch, found.head, found.reviews, found.fates, "https://github.com/acme/shop")
    addresses = [one for one in Page(to_html(seen)).addresses if not one.startswith("#")]
    assert "https://github.com/acme/shop/pull/1" in addresses
    first = numbered(found)[1]
    assert f"https://github.com/acme/shop/blob/{first.pull.head}/shop/views.py#L5-L5" in addresses
    assert all(one.startswith("https://github.com/acme/shop") for one in addresses)


def test_a_backtest_of_which_nothing_is_known_has_a_page() -> None:
    change = Change("f" * 40, "T", "no date", 0)
    Page(to_html(Backtest("x", "main", change, (Reviewed(Pull(change, "a", "b"), "success", "No"),), {})))


def test_the_terminal_has_the_same(found: Backtest) -> None:
    out = io.StringIO()
    to_terminal(found, Console(file=out, width=120, highlight=False))
    text = " ".join(out.getvalue().split())
    assert "6 merged pull requests" in text
    assert "3 without a word, 3 with a failed check, 3 comments, 0 findings listed." in text
    assert "shop/views.py:5" in text
    assert "fixed by" in text
    assert "(#3)" in text


def test_json_has_everything(found: Backtest) -> None:
    document = json.loads(to_json(found))
    assert (document["version"], document["summary"]["quiet"]) == (1, 3)
    [told] = next(one for one in document["pull_requests"] if one["pull"]["change"]["number"] == 1)["told"]
    assert told["finding"]["rule"] == "n_plus_one"
    assert told["fate"]["by"]["number"] == 3


def command(shop: Path, cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**ENV, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(cache)}
    line = [sys.executable, "-c", "from bot.cli import main; main()", "backtest", "--repo", str(shop), *arguments]
    return subprocess.run(line, env=environment, capture_output=True, text=True, check=False)


def test_the_command_writes_what_it_is_asked_for(shop: History, cache: Path, tmp_path: Path) -> None:
    done = command(shop.path, cache, "--last", "3", "--json", "--html", str(tmp_path / "page.html"), "--no-later")
    assert (done.returncode, done.stderr) == (0, "")  # no progress where nobody looks
    assert len(json.loads(done.stdout)["pull_requests"]) == 3
    Page((tmp_path / "page.html").read_text())


def test_a_repository_without_pull_requests_is_said(cache: Path, tmp_path: Path) -> None:
    empty = Shop(tmp_path / "empty")
    done = command(empty.path, cache)
    assert done.returncode == 2
    assert "names a pull request" in done.stderr
    assert len(done.stderr.splitlines()) == 1


# On GitHub


@pytest.mark.parametrize(
    ("text", "server", "page", "token"),
    [
        ("acme/shop", None, "https://github.com/acme/shop", "t"),
        ("https://github.com/acme/shop.git", None, "https://github.com/acme/shop", "t"),
        ("https://elsewhere.example/acme/shop", None, "https://elsewhere.example/acme/shop", ""),
        ("https://git.example/acme/shop", "https://git.example", "https://git.example/acme/shop", "t"),
        ("acme/shop", "https://git.example", "https://github.com/acme/shop", ""),
    ],
)
def test_a_token_goes_to_its_own_host_alone(
    monkeypatch: pytest.MonkeyPatch, text: str, server: str | None, page: str, token: str
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "t")
    monkeypatch.delenv("GITHUB_SERVER_URL", raising=False)
    if server:
        monkeypatch.setenv("GITHUB_SERVER_URL", server)
    assert remote_of(text) == Remote(page, token)


def test_a_folder_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert remote_of("a/b") is None
    assert remote_of(".") is None


def test_a_repository_is_cloned_and_brought_up_to_date(tmp_path: Path) -> None:
    shop = History(tmp_path / "shop")
    with LocalGitHub(tmp_path / "hub") as hub:
        repository = hub.create_repository("acme/shop", shop.path, branches={"main": "main"})
        remote = Remote(f"{hub.url}/acme/shop", hub.token(repository))
        first = remote.clone(tmp_path / "cache")
        moved = shop.squash(1, "More", views=BAD)
        hub.push(repository, "main", "main", source=shop.path)
        again = remote.clone(tmp_path / "cache")
        with pytest.raises(GitError, match="cannot be cloned"):
            Remote(f"{hub.url}/acme/none", remote.token).clone(tmp_path / "cache")
    assert first == again
    with Repository(again) as cloned:
        assert cloned.resolve("HEAD") == moved
        assert [one.number for one in history.first_parents(cloned, "HEAD", 5)] == [1, 0]
    assert remote.token not in repr(remote)
    stored = subprocess.run(("grep", "-r", remote.token, str(again)), capture_output=True, check=False)
    assert stored.returncode == 1


def test_the_api_names_those_that_were_rebased(tmp_path: Path) -> None:
    shop = History(tmp_path / "shop")
    before = shop.git("rev-parse", "HEAD")
    shop.commit(views=BAD)
    rebased = shop.commit(views=f"{BAD}\nx = 1\n")
    squashed = shop.squash(8, "Squashed", other="x = 1\n")

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer t"
        if request.url.path.endswith("/pulls/7"):
            return httpx.Response(200, json={"number": 7, "commits": 2})
        listed = [
            {"number": 8, "title": "Eight", "merged_at": "2026-01-02T00:00:00Z", "merge_commit_sha": squashed},
            {"number": 9, "title": "Closed", "merged_at": None, "merge_commit_sha": squashed},
            {"number": 7, "title": "Seven", "merged_at": "2026-01-01T00:00:00Z", "merge_commit_sha": rebased},
            {"number": 6, "title": "Into another branch", "merged_at": "2026-01-01T00:00:00Z", "merge_commit_sha": "f" * 40},
        ]
        return httpx.Response(200, json=listed)

    remote = Remote("https://github.com/acme/shop", "t", httpx.MockTransport(answer))
    with Repository(shop.path) as repository:
        commits = {one.commit: one for one in history.first_parents(repository, "main", 50)}
        pulls = remote.merged(repository, commits, 5)
    assert [(pull.change.number, pull.change.title, pull.base, pull.head) for pull in pulls] == [
        (8, "Eight", rebased, squashed),
        (7, "Seven", before, rebased),
    ]


@pytest.mark.parametrize(
    ("origin", "page"),
    [
        ("git@github.com:acme/shop.git", "https://github.com/acme/shop"),
        ("https://user:secret@github.com/acme/shop", "https://github.com/acme/shop"),
        ("ssh://git@git.example:22/acme/shop.git", "https://git.example/acme/shop"),
        ("/srv/git/shop.git", ""),
        ("", ""),
        ("javascript:alert(1)", ""),
    ],
)
def test_where_a_clone_is_seen(origin: str, page: str) -> None:
    assert page_of(origin) == page


# Progress


class Blobs:
    def read(self, blob_ids: Any) -> Iterator[tuple[str, bytes]]:
        return ((one, b"") for one in blob_ids)


@pytest.mark.parametrize(("terminal", "count", "shown"), [(True, MANY, True), (True, MANY - 1, False), (False, MANY, False)])
def test_long_readings_are_shown_to_people_alone(terminal: bool, count: int, shown: bool) -> None:
    out = io.StringIO()
    with progress(Console(file=out, force_terminal=terminal, width=80)) as bars:
        read = list(Watched(Blobs(), bars).read(str(number) for number in range(count)))
    assert len(read) == count
    assert (f"{count}/{count}" in out.getvalue()) is shown


def test_a_fate_without_a_commit_is_told(found: Backtest) -> None:
    unknown = {key: Fate(State.FIXED) for key in found.fates}
    page = Page(to_html(Backtest(found.name, found.branch, found.head, found.reviews, unknown)))
    assert "Fixed since" in page.text
