"""One job, from the queue to what the (local) GitHub shows. Everything is real but GitHub itself and, here, the analysis:
it finds a problem named X in every line `BAD X`."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

import analyzers
from analyzers import Analysis, BlobReader, FactStore, Finding, NoStore, Place, Problem, Review, Revision, Severity, Span
from bot import answers, review
from bot.answers import Commit, Comparison
from bot.conversation import Acceptance
from bot.errors import Broken, Gone, Later
from bot.github import GitHub, Tokens
from bot.jobs import Job, Work
from bot.local_github import Fault, LocalGitHub, PullRequest, Repository
from bot.local_github.state import timestamp
from bot.mirror import Mirrors
from bot.observe import measuring
from bot.review import Context
from bot.settings import Settings


def findings(revision: Revision, blobs: BlobReader) -> dict[str, Finding]:
    found = {}
    texts = dict(blobs.read(revision.files.values()))
    for path, blob in sorted(revision.files.items()):
        for number, line in enumerate(texts.get(blob, b"").decode().splitlines(), 1):
            if match := re.fullmatch(r"BAD (\w+)(?: (\w+))?", line):
                place = Place(path, Span(number, 1, number, len(line) + 1))
                severity = Severity(match[2] or "high")
                found[match[1]] = Finding(
                    "n_plus_one", match[1], f"Title {match[1]}", "Message.", "", "Remedy.", "", "", place, severity=severity
                )
    return found


def compare(
    base: Revision,
    head: Revision,
    blobs: BlobReader,
    *,
    store: FactStore,
    settings: analyzers.Settings,
    linter: analyzers.Linter,
) -> Analysis:
    old, new = findings(base, blobs), findings(head, blobs)
    added = tuple(finding for name, finding in new.items() if name not in old)
    kept = tuple(finding for name, finding in new.items() if name in old)
    return Analysis(Review(new=added, kept=kept), head, {}, blobs, settings)


class Memory(dict[str, int]):
    """The two commands of Valkey that are used."""

    def incr(self, key: str) -> int:
        self[key] = self.get(key, 0) + 1
        return self[key]

    def expire(self, key: str, seconds: int) -> None:
        assert key in self


@dataclass
class Coordination:
    """The queue of one process: `newest` is the only current job, if set."""

    connection: Memory = field(default_factory=Memory)
    newest: str | None = None
    lost: bool = False
    leased: list[str] = field(default_factory=list)
    submitted: list[Job] = field(default_factory=list)

    def submit(self, job: Job) -> None:
        self.submitted.append(job)

    def current(self, job: Job) -> bool:
        return self.newest in (None, job.head)

    @contextmanager
    def lease(self, subject: str) -> Iterator[Coordination]:
        self.leased.append(subject)
        yield self

    def check(self) -> None:
        if self.lost:
            raise Later("the lease is lost")


@dataclass
class Stage:
    """A local GitHub with a repository, and a process that reviews."""

    hub: LocalGitHub
    work: Path
    context: Context
    before: int
    queue: Coordination = field(default_factory=Coordination)
    repository: Repository = field(init=False)

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        return subprocess.run(
            ("git", "-C", str(self.work), *identity, *arguments), check=True, capture_output=True, text=True
        ).stdout.strip()

    def commit(self, branch: str, **files: str) -> str:
        self.git("checkout", "-q", "-B", branch)
        for name, text in files.items():
            (self.work / name.replace("__", ".")).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "HEAD")

    def push(self, branch: str, **files: str) -> str:
        sha = self.commit(branch, **files)
        self.hub.push(self.repository, branch, branch, source=self.work)
        return sha

    def open(self, text: str, **options: Any) -> PullRequest:
        self.push("feature", shop__py=text)
        return self.hub.open_pull(self.repository, "feature", **options)

    def job(self, pull: PullRequest, **fields: Any) -> Job:
        known = {
            "work": Work.REVIEW,
            "installation": self.hub.installation(self.repository).id,
            "repository_id": self.repository.id,
            "owner": self.repository.owner.login,
            "repository": self.repository.name,
            "number": pull.number,
            "head": pull.head_sha,
            "base": pull.base_sha,
            "draft": pull.draft,
            "updated": timestamp(pull.updated_at),
        }
        return Job(**{**known, **fields})

    def run(self, job: Job) -> review.Result:
        return review.run(job, self.context.settings, self.queue, self.context)

    def give_up(self, job: Job, reason: str) -> None:
        review.give_up(job, reason, self.context.settings, self.queue, self.context)

    def checks(self, sha: str) -> list[tuple[str, str | None]]:
        return [(run.status, run.conclusion) for run in self.hub.check_runs(self.repository, sha)]

    def check(self, sha: str) -> Any:
        [run] = self.hub.check_runs(self.repository, sha)
        assert run.name == "cliffguard"
        return run

    @property
    def log(self) -> list[dict[str, Any]]:
        return self.hub.log[self.before :]

    @property
    def calls(self) -> list[str]:
        return [f"{entry['method']} {entry['path'].split('?')[0].split('/')[-1]}" for entry in self.log]


FILLER = "".join(f"line {n}\n" for n in range(20))


CONTRACT = Path(__file__).parents[3] / "shared" / "bench" / "github_contract"


@pytest.fixture(scope="module")
def violations() -> Callable[[list[dict[str, Any]]], list[str]]:
    """What GitHub's own description of its API says against recorded requests and answers; nothing where it is not at hand."""
    if not CONTRACT.is_dir():
        return lambda entries: []
    spec = importlib.util.spec_from_file_location("contract_check", CONTRACT / "contract_check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    contract = module.Contract(str(CONTRACT / "github-openapi-trim.json"))
    return lambda entries: [
        f"{entry['method']} {entry['path']}: {level}: {message}"
        for entry in entries
        for level, message in contract.check(entry)
    ]


@pytest.mark.skipif(not CONTRACT.is_dir(), reason=f"the contract check is not at {CONTRACT}")
def test_the_contract_check_sees_what_is_wrong(violations: Callable[[list[dict[str, Any]]], list[str]]) -> None:
    """It looks at every request of every test below."""
    assert violations([{"method": "POST", "path": "/repos/o/r/check-runs", "json": {"name": "x", "head_sh": "y"}}])


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalGitHub]:
    with LocalGitHub(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


@pytest.fixture
def stage(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hub: LocalGitHub,
    violations: Callable[[list[dict[str, Any]]], list[str]],
) -> Iterator[Stage]:
    """A repository of its own on the shared GitHub, where no fault is left from the last test."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    hub.faults.clear()
    work = tmp_path / "work"
    work.mkdir()
    subprocess.run(("git", "init", "-q", "-b", "main", str(work)), check=True)
    settings = Settings(
        app_id=hub.app.id,
        private_key=SecretStr(hub.app.private_key),
        github_url=hub.url,
        api_url=hub.api_url,
        data_dir=tmp_path / "data",
        _env_file=None,  # type: ignore[call-arg]
    )
    tokens = Tokens(hub.app.id, hub.app.private_key)
    context = Context(settings, tokens, Mirrors(tmp_path / "mirrors"), NoStore(), compare, connect, pause=0.0)
    stage = Stage(hub, work, context, len(hub.log))
    stage.commit("main", shop__py="start\n" + FILLER + "BAD old\n", other__py="BAD far\n")
    stage.repository = hub.create_repository(f"acme/shop-{len(hub.world.repositories)}", work, branches={"main": "main"})
    yield stage
    assert violations([entry for entry in stage.log if "fault" not in entry]) == []


def connect(context: Context, job: Job) -> GitHub:
    return GitHub(
        context.tokens,
        api_url=context.settings.api_url,
        installation=job.installation,
        repository_id=job.repository_id,
        owner=job.owner,
        repository=job.repository,
        patience=(0.0,),
    )


def bad(*names: str) -> str:
    return "start\n" + "".join(f"BAD {name}\n" for name in names) + FILLER + "BAD old\n"


def test_new_findings_become_comments_on_their_lines_and_a_failed_check(stage: Stage) -> None:
    pull = stage.open(bad("one", "two"))
    with measuring() as measures:
        result = stage.run(stage.job(pull))
    assert [(comment.path, comment.line) for comment in pull.review_comments] == [("shop.py", 2), ("shop.py", 3)]
    assert [review.state for review in pull.reviews] == ["COMMENTED"]
    assert "Title one" in pull.review_comments[0].body
    check = stage.check(pull.head_sha)
    assert (check.status, check.conclusion) == ("completed", "failure")
    assert check.external_id == stage.job(pull).id
    assert "2 new findings" in check.output["title"]
    assert (result.conclusion, result.posted) == ("failure", 2)
    assert stage.queue.leased == [stage.job(pull).subject]
    assert {"check", "compare", "fetch", "analyse", "place", "confirm", "publish"} <= set(measures.seconds)
    assert measures.findings == {"n_plus_one": 2}


@pytest.mark.parametrize("count", [0, 1, 20])
def test_a_review_costs_at_most_seven_requests(stage: Stage, count: int) -> None:
    names = [f"n{n:02}" for n in range(count)]
    stage.push("feature", shop__py=bad(*names[:10]), more__py="".join(f"BAD {name}\n" for name in names[10:]))
    pull = stage.hub.open_pull(stage.repository, "feature")
    before = len(stage.calls)
    result = stage.run(stage.job(pull))
    spent = stage.calls[before:]
    assert len(pull.review_comments) == count
    assert result.calls == len(spent)
    assert len(spent) <= 7 if count else len(spent) <= 6, spent


def test_a_clean_pull_request_gets_a_check_alone(stage: Stage) -> None:
    pull = stage.open(bad())
    stage.run(stage.job(pull))
    assert pull.reviews == []
    assert stage.checks(pull.head_sha) == [("completed", "success")]


def test_a_second_run_a_redelivery_and_a_rebase_repeat_nothing(stage: Stage) -> None:
    pull = stage.open(bad("one", "two"))
    stage.run(stage.job(pull))
    stage.run(stage.job(pull))  # the same job again: the same check
    assert stage.checks(pull.head_sha) == [("completed", "failure")]
    stage.hub.reply_to_comment(pull.review_comments[0], "> quoted\n" + pull.review_comments[0].body, "ann")
    stage.run(stage.job(pull, attempt="again"))  # asked for by a person: a check of its own
    assert len(stage.checks(pull.head_sha)) == 2
    stage.push("feature", shop__py="start\nmoved\n" + bad("one", "two", "three")[6:])
    stage.run(stage.job(pull))
    ours = [comment.body for comment in pull.review_comments if comment.user.type == "Bot"]
    assert len(ours) == 3
    assert "Title three" in ours[-1]
    assert len(pull.reviews) - 1 == 2  # the reply is a review of its own


def test_what_does_not_fit_is_in_the_check(stage: Stage) -> None:
    stage.push("feature", other__py="changed\n", shop__py=bad(*(f"n{n:02}" for n in range(17))))
    pull = stage.hub.open_pull(stage.repository, "feature")
    stage.run(stage.job(pull))
    assert len(pull.review_comments) == 15
    check = stage.check(pull.head_sha)
    assert "17 new findings" in check.output["title"]
    assert "15 comments on the diff, 2 listed in the check run (2 beyond the number of comments)" in check.output["summary"]
    assert "Title n16" in check.output["text"]
    assert [a["title"] for a in check.annotations] == ["Title n15", "Title n16"]
    assert {a["annotation_level"] for a in check.annotations} == {"failure"}


def test_the_diff_is_that_from_the_merge_base(stage: Stage) -> None:
    pull = stage.open(bad("mine"))
    stage.git("checkout", "-q", "main")
    stage.push("main", theirs__py="BAD theirs\n")
    pull.base_sha = stage.git("rev-parse", "main")
    stage.run(stage.job(pull))
    assert [comment.body.split("**")[1] for comment in pull.review_comments] == ["Title mine"]


def test_a_base_that_moved_to_another_merge_base_is_analysed_anew(stage: Stage) -> None:
    stage.git("checkout", "-q", "main")
    stage.push("main", shop__py=bad("theirs"))
    pull = stage.open(bad("theirs", "mine"))
    old = stage.git("rev-parse", "main~1")
    stage.run(stage.job(pull, base=old))
    assert [comment.body.split("**")[1] for comment in pull.review_comments] == ["Title mine"]


def test_settings_come_from_the_base(stage: Stage) -> None:
    stage.git("checkout", "-q", "main")
    (stage.work / ".cliffguard.yml").write_text("fail_on: never\n")
    stage.push("main")
    (stage.work / ".cliffguard.yml").write_text("fail_on: low\n")
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    check = stage.check(pull.head_sha)
    assert check.conclusion == "success"
    assert "used the version of the base" in check.output["text"]
    assert len(pull.review_comments) == 1


def test_a_draft_gets_a_check_that_says_so(stage: Stage) -> None:
    pull = stage.open(bad("one"), draft=True)
    before = len(stage.calls)
    stage.run(stage.job(pull))
    check = stage.check(pull.head_sha)
    assert (check.conclusion, check.output["title"]) == ("neutral", "Draft: not reviewed yet")
    assert pull.reviews == []
    assert len(stage.calls) - before == 3
    stage.hub.mark_ready(pull)
    stage.run(stage.job(pull, attempt="ready"))
    assert len(pull.review_comments) == 1


def test_a_fork_is_reviewed_and_found_by_its_head(stage: Stage) -> None:
    fork = stage.hub.fork(stage.repository, "mallory")
    stage.commit("evil", shop__py=bad("forked"))
    stage.hub.push(fork, "evil", "evil", source=stage.work)
    pull = stage.hub.open_pull(stage.repository, "evil", fork=fork)
    stage.run(stage.job(pull))
    assert len(pull.review_comments) == 1
    stage.run(stage.job(pull, number=0, base="", attempt="again"))
    assert len(pull.review_comments) == 1
    assert stage.checks(pull.head_sha) == [("completed", "failure")] * 2


def test_a_rerun_of_a_commit_without_pull_request_is_concluded(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.hub.close(pull)
    with pytest.raises(Gone):
        stage.run(stage.job(pull, number=0, base=""))
    check = stage.check(pull.head_sha)
    assert check.conclusion == "neutral"
    assert "No open pull request" in check.output["summary"]


def test_a_merge_group_is_analysed_as_a_whole_and_gets_no_comments(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    head = stage.hub.add_to_merge_queue(pull)
    base = stage.git("rev-parse", "main")
    stage.run(stage.job(pull, work=Work.MERGE_GROUP, number=0, head=head, base=base))
    check = stage.check(head)
    assert check.conclusion == "failure"
    assert "Title one" in check.output["text"]
    assert [annotation["title"] for annotation in check.annotations] == ["Title one"]
    assert pull.reviews == []


def test_a_closed_pull_request_leaves_no_open_check(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.hub.faults.rate_limit("compare", reset=0)
    with pytest.raises(Later):
        stage.run(stage.job(pull))
    assert stage.checks(pull.head_sha) == [("in_progress", None)]
    stage.hub.close(pull)
    stage.run(stage.job(pull, work=Work.CANCEL))
    assert stage.checks(pull.head_sha) == [("completed", "neutral")]
    with pytest.raises(Gone, match="closed"):
        stage.run(stage.job(pull, attempt="late"))
    assert pull.reviews == []


# what was said before


def test_what_is_fixed_is_said_and_hidden_and_comes_back(stage: Stage) -> None:
    pull = stage.open(bad("one", "two"))
    stage.run(stage.job(pull))
    one, two = pull.review_comments
    told = one.body
    fixed = stage.push("feature", shop__py=bad("two"))
    stage.run(stage.job(pull))
    assert one.body.startswith(f"**Fixed in {fixed}.**")
    assert (one.minimized, two.minimized) == ("resolved", None)
    assert len(pull.reviews) == 1
    stage.push("feature", shop__py="start\nagain\n" + bad("one", "two")[6:])
    stage.run(stage.job(pull))
    assert one.body == told
    assert (one.minimized, len(pull.review_comments)) == (None, 2)


def test_a_push_without_news_writes_nothing_but_its_check(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    stage.push("feature", shop__py=bad(), more__py="x\n")
    stage.run(stage.job(pull))
    stage.push("feature", more__py="y\n")
    before = len(stage.calls)
    stage.run(stage.job(pull))
    writes = [call for call in stage.calls[before:] if call.split()[0] in ("POST", "PATCH")]
    assert [call for call in writes if "access_tokens" not in call and "upload-pack" not in call] == [
        "POST check-runs",
        f"PATCH {stage.check(pull.head_sha).id}",
    ]


def test_a_thread_that_people_answered_is_not_hidden(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    stage.hub.reply_to_comment(pull.review_comments[0], "Really?", "ann")
    stage.push("feature", shop__py=bad())
    stage.run(stage.job(pull))
    assert pull.review_comments[0].body.startswith("**Fixed in")
    assert pull.review_comments[0].minimized is None


def test_what_could_not_be_analysed_is_not_called_fixed(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))

    def unreadable(*revisions: Revision, **options: Any) -> Analysis:
        analysis = compare(*revisions, **options)  # type: ignore[arg-type]
        analysis.review = Review(problems=(Problem("shop.py", 1, "Not parsed."),))
        return analysis

    stage.context = replace(stage.context, compare=unreadable)
    stage.push("feature", shop__py="?")
    stage.run(stage.job(pull))
    assert "Fixed in" not in pull.review_comments[0].body


def test_a_minimising_that_github_refuses_costs_nothing_else(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    stage.push("feature", shop__py=bad())
    stage.hub.faults.add(Fault("POST", "graphql", 200, message="forbidden"))
    stage.run(stage.job(pull))
    assert pull.review_comments[0].body.startswith("**Fixed in")
    assert stage.checks(pull.head_sha) == [("completed", "success")]


def test_a_worker_killed_while_it_tells_what_is_fixed_tells_it_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    stage.push("feature", shop__py=bad())
    original = GitHub.update_comment

    def killed(self: GitHub, *arguments: Any) -> None:
        raise Killed

    monkeypatch.setattr(GitHub, "update_comment", killed)
    with pytest.raises(Killed):
        stage.run(stage.job(pull))
    monkeypatch.setattr(GitHub, "update_comment", original)
    stage.run(stage.job(pull))
    assert pull.review_comments[0].minimized == "resolved"
    assert pull.review_comments[0].body.count("Fixed in") == 1


def test_what_is_accepted_no_longer_fails_the_check(stage: Stage) -> None:
    pull = stage.open(bad("one", "two"))
    stage.run(stage.job(pull))
    one = analyzers.marks_in(pull.review_comments[0].body)[0].fingerprint
    accepted = Acceptance(one[:8], "ann", "three rows, forever")
    stage.hub.comment(pull, f"Accepted.\n\n{accepted.marker}", "mallory")  # a person may copy a mark
    stage.run(stage.job(pull, attempt="first"))
    assert stage.checks(pull.head_sha)[-1] == ("completed", "failure")
    assert "2 new findings" in stage.hub.check_runs(stage.repository, pull.head_sha)[-1].output["title"]


# superseded and stale


def test_a_superseded_job_stops_before_it_begins(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.queue.newest = "f" * 40
    with pytest.raises(Gone):
        stage.run(stage.job(pull))
    assert stage.calls == []


def test_a_retry_that_is_superseded_completes_what_it_had_begun(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.hub.faults.outage("compare", times=3)
    with pytest.raises(Later):
        stage.run(stage.job(pull))
    stage.queue.newest = "f" * 40
    with pytest.raises(Gone):
        stage.run(stage.job(pull))
    assert stage.checks(pull.head_sha) == [("completed", "neutral")]


def test_a_push_during_the_analysis_leaves_no_comment(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    job = stage.job(pull)

    def push_meanwhile(*revisions: Revision, **options: Any) -> Analysis:
        stage.push("feature", shop__py=bad("two"))
        return compare(*revisions, **options)  # type: ignore[arg-type]

    stage.context = replace(stage.context, compare=push_meanwhile)
    with pytest.raises(Gone):
        stage.run(job)
    assert pull.reviews == []
    assert stage.checks(job.head) == [("completed", "neutral")]


def test_an_api_that_lags_behind_comes_later(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.push("feature", shop__py=bad("one", "two"))
    stage.hub.faults.stale()
    with pytest.raises(Later, match="does not show this push yet"):
        stage.run(stage.job(pull))
    check = stage.check(pull.head_sha)
    assert check.status == "in_progress"
    assert "Waiting" in check.output["title"]
    stage.run(stage.job(pull))
    assert len(pull.review_comments) == 2
    assert stage.checks(pull.head_sha) == [("completed", "failure")]


@pytest.mark.parametrize(
    ("event", "api", "status", "error"),
    [
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:01Z", "", Gone),
        ("2026-01-01T10:00:01Z", "2026-01-01T10:00:00Z", "", Later),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z", "ahead", Gone),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z", "behind", Later),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z", "diverged", Later),
        ("", "2026-01-01T10:00:00Z", "ahead", Gone),
        ("", "2026-01-01T10:00:00Z", "diverged", Gone),
        ("", "2026-01-01T10:00:00Z", "behind", Later),
    ],
)
def test_another_head_is_newer_or_older(event: str, api: str, status: str, error: type[Exception]) -> None:
    class Api:
        def compare(self, base: str, head: str) -> Comparison:
            assert status
            assert (base, head) == ("a" * 40, "b" * 40)
            return Comparison(status)

    job = Job(Work.REVIEW, 1, 2, "o", "r", 7, "a" * 40, updated=event)
    pull = answers.PullRequest(7, "open", Commit("b" * 40), Commit("c" * 40), updated_at=api)
    run = review._Run(job, None, None, None, Api(), retried=False)  # type: ignore[arg-type]
    with pytest.raises(error):
        run._current(pull)


def test_each_try_waits_longer(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.hub.faults.add(Fault("GET", "compare", 404, times=99, message="Not Found"))
    waits = []
    for _ in range(9):
        with pytest.raises(Later) as later:
            stage.run(stage.job(pull))
        waits.append(later.value.after)
    assert waits == [5, 10, 20, 40, 80, 160, 320, 600, 600]
    assert stage.checks(pull.head_sha) == [("in_progress", None)]


def test_a_lost_lease_publishes_nothing(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.queue.lost = True
    with pytest.raises(Later):
        stage.run(stage.job(pull))
    assert pull.reviews == []


# outages

PATHS = {
    "tokens": ("access_tokens", "POST"),
    "create check": ("check-runs$", "POST"),
    "compare": ("compare", "GET"),
    "git": ("upload-pack", "POST"),
    "pull": (r"pulls/\d+$", "GET"),
    "comments": ("comments", "GET"),
    "review": ("reviews", "POST"),
    "complete check": (r"check-runs/\d+$", "PATCH"),
}


@pytest.mark.parametrize(
    ("where", "how"),
    [
        *((where, how) for where in PATHS for how in ("before", "after", "dropped")),
        *(
            (where, how)
            for where in ("tokens", "comments", "review", "complete check")
            for how in ("limited", "limited quietly")
        ),
    ],
)
def test_whatever_fails_once_the_end_is_one_review_and_one_completed_check(stage: Stage, where: str, how: str) -> None:
    path, method = PATHS[where]
    faults = stage.hub.faults
    if where == "comments":  # they are read only where there are some
        pull = stage.open(bad("one"))
        stage.run(stage.job(pull))
        stage.push("feature", shop__py=bad("one", "two"))
    else:
        pull = stage.open(bad("one", "two"))
    match how:
        case "before":
            faults.outage(path, method=method)
        case "after":
            faults.outage_after_commit(path, method=method)
        case "dropped":
            faults.drop(path, method=method, after_commit=method != "GET")
        case "limited":
            faults.secondary_limit(path, method=method, retry_after=7)
        case _:
            faults.secondary_limit(path, method=method)
    waits = []
    for _ in range(3):
        try:
            stage.run(stage.job(pull))
            break
        except Later as later:
            waits.append(later.after)
    if how.startswith("limited"):
        assert waits == [7 if how == "limited" else 60]
    assert len(pull.reviews) == (2 if where == "comments" else 1)
    assert len(pull.review_comments) == 2
    assert stage.checks(pull.head_sha) == [("completed", "failure")]


def test_one_line_github_refuses_does_not_cost_the_review(stage: Stage) -> None:
    pull = stage.open(bad("one", "two"))
    line = {"message": "Unprocessable Entity", "errors": ["Line could not be resolved"]}
    stage.hub.faults.add(Fault("POST", "reviews", 422, message=line["message"]))
    stage.run(stage.job(pull))
    assert len(pull.review_comments) == 2


def test_commits_not_replicated_yet_come_later(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.hub.faults.add(Fault("POST", "check-runs", 422, message="No commit found for SHA: " + pull.head_sha))
    with pytest.raises(Later):
        stage.run(stage.job(pull))
    stage.run(stage.job(pull))
    assert stage.checks(pull.head_sha) == [("completed", "failure")]


def test_an_unknown_failure_is_said_and_tried_again_and_given_up(stage: Stage) -> None:
    pull = stage.open(bad("one"))

    def fail(*_: Any, **__: Any) -> Analysis:
        raise ZeroDivisionError

    working = stage.context
    stage.context = replace(working, compare=fail)
    with pytest.raises(ZeroDivisionError):
        stage.run(stage.job(pull))
    assert "ZeroDivisionError" in stage.check(pull.head_sha).output["title"]
    stage.give_up(stage.job(pull), "the review failed repeatedly")
    check = stage.check(pull.head_sha)
    assert (check.status, check.conclusion) == ("completed", "neutral")
    assert "The review failed repeatedly." in check.output["summary"]
    stage.context = working
    stage.run(stage.job(pull))  # asked for once more
    assert stage.checks(pull.head_sha) == [("completed", "failure")]
    stage.give_up(stage.job(pull), "too late to matter")
    assert stage.checks(pull.head_sha) == [("completed", "failure")]


def test_what_cannot_be_done_is_said_at_once(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.context.mirrors.max_files = 1
    with pytest.raises(Broken):
        stage.run(stage.job(pull))
    check = stage.check(pull.head_sha)
    assert check.conclusion == "neutral"
    assert "2 files; at most 1" in check.output["summary"]


def test_giving_up_a_job_that_never_had_a_check_makes_one(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.give_up(stage.job(pull), "nobody came")
    assert stage.checks(pull.head_sha) == [("completed", "neutral")]


def test_an_uninstalled_app_is_gone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    pull = stage.open(bad("one"))
    job = stage.job(pull)
    monkeypatch.setattr(stage.hub.world, "installations", {})
    with pytest.raises(Gone):
        stage.run(job)


def test_a_service_without_an_app_says_so(tmp_path: Path) -> None:
    with pytest.raises(Broken, match="CLIFFGUARD_APP_ID"):
        Context.of(Settings(data_dir=tmp_path, _env_file=None))  # type: ignore[call-arg]


def test_the_context_is_made_from_the_settings(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    made = Context.of(stage.context.settings)
    assert review.context_of(stage.context.settings) is review.context_of(stage.context.settings)
    stage.context = replace(made, compare=compare)
    stage.run(stage.job(pull))
    assert stage.checks(pull.head_sha) == [("completed", "failure")]


def test_git_reads_with_a_token_that_can_only_read(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    bodies = [entry["json"] for entry in stage.log if entry["path"].endswith("access_tokens")]
    assert {"repository_ids": [stage.repository.id], "permissions": {"contents": "read"}} in bodies
    assert all(body["repository_ids"] == [stage.repository.id] for body in bodies)


class Killed(BaseException):
    """What SIGKILL would do: nothing after it runs."""


@pytest.mark.parametrize("write", ["create_check", "create_review", "update_check"])
@pytest.mark.parametrize("happened", [True, False])
def test_a_worker_killed_at_any_write_leaves_one_review_and_one_check(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, write: str, happened: bool
) -> None:
    pull = stage.open(bad("one", "two"))
    original = getattr(GitHub, write)

    def killed(self: GitHub, *arguments: Any) -> None:
        if happened:
            original(self, *arguments)
        raise Killed

    monkeypatch.setattr(GitHub, write, killed)
    with pytest.raises(Killed):
        stage.run(stage.job(pull))
    monkeypatch.setattr(GitHub, write, original)
    stage.run(stage.job(pull))
    assert len(pull.reviews) == 1
    assert len(pull.review_comments) == 2
    assert stage.checks(pull.head_sha) == [("completed", "failure")]
