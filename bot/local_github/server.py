"""`LocalGitHub`: a GitHub on this machine, run in a thread of this process, and what a person would do on it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from bot.local_github import apps, checks, graphql, page, pulls, repositories, reviews, webhooks
from bot.local_github.anchor import follow
from bot.local_github.api import Api
from bot.local_github.faults import Faults
from bot.local_github.git import Git
from bot.local_github.manifest import Manifests, new_app
from bot.local_github.record import Record
from bot.local_github.smart_http import SmartHttp
from bot.local_github.state import (
    App,
    CheckRun,
    CheckSuite,
    Delivery,
    Installation,
    IssueComment,
    PullRequest,
    Reaction,
    Repository,
    ReviewComment,
    World,
)
from bot.local_github.webhooks import Webhooks

OPERATIONS = [*apps.OPERATIONS, *pulls.OPERATIONS, *reviews.OPERATIONS, *checks.OPERATIONS, *repositories.OPERATIONS]
START_TIMEOUT = 20.0


class LocalGitHub:
    """A GitHub on a loopback port, strict like the real one.

    `app` is the GitHub App it knows: give `app.id`, `app.private_key` and `app.webhook_secret` to the service, and set
    `webhook_url` to where the service listens. `root` takes the bare repositories and `log.jsonl`, the record of API calls.
    Everything that changes something sends the webhook GitHub would send.
    """

    def __init__(self, root: Path, port: int = 0, *, clock: Callable[[], datetime] | None = None) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.world = World(root, clock)
        self.faults = Faults()
        self.record = Record(root / "log.jsonl")
        self.webhooks = Webhooks(self.world)
        self.world.redeliver = self.webhooks.redeliver
        self.git_http = SmartHttp(self.world, self.faults)
        self._port = port
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.app = new_app(self.world, "cliffguard", "Cliffguard", self.world.account("shop-team", "Organization"))

    # Running

    def start(self) -> Self:
        """Listen. The port is known, and requests are answered, when this returns."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        self.world.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.world.api_url = f"{self.world.url}/api/v3"
        started = threading.Event()
        config = uvicorn.Config(
            self._application(), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=3, ws="none"
        )
        self._server = _Server(config, started)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="local-github", daemon=True)
        self._thread.start()
        if not started.wait(START_TIMEOUT):
            raise RuntimeError(f"the local GitHub did not start within {START_TIMEOUT:.0f} s")
        self.webhooks.start()
        return self

    def stop(self) -> None:
        """Finish what is being answered, then close the port."""
        self.webhooks.stop()
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(START_TIMEOUT)
            self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _application(self) -> Starlette:
        api = Api(self.world, OPERATIONS, self.faults, self.record)
        graph = Api(self.world, [graphql.OPERATION], self.faults, self.record)
        manifests = Manifests(self.world)
        pages = page.Pages(self.world)
        return Starlette(
            routes=[
                Route("/settings/apps/new", manifests.create, methods=["POST"]),
                Route("/organizations/{owner}/settings/apps/new", manifests.create, methods=["POST"]),
                Mount("/api/v3", api),
                Mount("/api", graph),
                Route("/{owner}/{repo}/info/refs", self.git_http.refs),
                Route("/{owner}/{repo}/git-upload-pack", self.git_http.upload_pack, methods=["POST"]),
                *pages.routes,
            ]
        )

    @property
    def url(self) -> str:
        """Where pages are seen and repositories are fetched from."""
        return self.world.url

    @property
    def api_url(self) -> str:
        """The REST API; GraphQL is beside it, at `/api/graphql`."""
        return self.world.api_url

    @property
    def log(self) -> list[dict[str, Any]]:
        """Every API request and its answer, in the form of the contract check; also in `root/log.jsonl`."""
        return self.record.entries

    @property
    def webhook_url(self) -> str | None:
        return self.app.webhook_url

    @webhook_url.setter
    def webhook_url(self, url: str | None) -> None:
        self.app.webhook_url = url

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Every attempt to deliver a webhook, oldest first."""
        with self.world.lock:
            return tuple(self.world.deliveries)

    def wait_for_deliveries(self, timeout: float = 30.0) -> bool:
        """Until every webhook was answered or given up; False when that took longer than `timeout` seconds."""
        return self.webhooks.wait(timeout)

    # The App and its installations

    def install(self, owner: str, repositories: Iterable[Repository] | None = None) -> Installation:
        """Install the App on an account, for all repositories or for those given; sends `installation created`."""
        with self.world.lock:
            account, chosen = self.world.account(owner), None if repositories is None else {r.id for r in repositories}
            made = Installation(self.world.next_id(), self.app, account, dict(self.app.permissions), self.world.now(), chosen)
            self.world.installations[made.id] = made
            payload = webhooks.installation_created(self.world, made, account)
        self.webhooks.send(self.app, "installation", payload, installation=made)
        return made

    def ping(self) -> Delivery | None:
        return self.webhooks.send(self.app, "ping", webhooks.ping(self.app))

    def installation(self, repository: Repository) -> Installation:
        """The App's installation that covers the repository."""
        found = self.world.installation_of(repository, self.app)
        if found is None:
            raise ValueError(f"the App is not installed on {repository.full_name}")
        return found

    def token(self, repository: Repository, **permissions: str) -> str:
        """A token for one repository, with all permissions of the installation or those given: for tests and scripts."""
        installation = self.installation(repository)
        given = {**(permissions or installation.permissions), "metadata": "read"}
        return self.world.issue_token(installation, given, frozenset((repository.id,))).value

    def add_app(self, slug: str, owner: str) -> App:
        """Another App, with no webhook, for tests of what one App may do to the things of another."""
        return new_app(self.world, slug, slug, self.world.account(owner))

    # Repositories

    def create_repository(
        self, full_name: str, source: Path, *, branches: dict[str, str], default_branch: str = "main", install: bool = True
    ) -> Repository:
        """A repository over the objects of `source` (a work tree or git directory, only read).

        `branches` maps names to revisions of it. The App is installed on the owner unless it is already, or `install` is False.
        """
        owner, _, name = full_name.partition("/")
        self.world.check_name(owner, name)
        heads = {branch: _commit(Git(source), source, revision) for branch, revision in branches.items()}
        git = Git.create(self.world.root / "repositories" / owner / f"{name}.git")
        git.borrow(source)
        with self.world.lock:
            made = self.world.add_repository(owner, name, git, default_branch, None)
        for branch, sha in heads.items():
            git.update(f"refs/heads/{branch}", sha)
        git.run("symbolic-ref", "HEAD", f"refs/heads/{default_branch}")
        if install and self.world.installation_of(made, self.app) is None:
            self.install(owner)
        return made

    def fork(self, repository: Repository, owner: str) -> Repository:
        """A fork with the same branches. The App is not installed on it."""
        self.world.check_name(owner, repository.name)
        git = Git.create(self.world.root / "repositories" / owner / f"{repository.name}.git")
        git.borrow(repository.git.path)
        for line in repository.git.text("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads").splitlines():
            sha, _, ref = line.partition(" ")
            git.update(ref, sha)
        with self.world.lock:
            return self.world.add_repository(owner, repository.name, git, repository.default_branch, repository)

    def push(self, repository: Repository, branch: str, revision: str, *, source: Path | None = None) -> str:
        """Move a branch to a commit (of `source`, where given); open pull requests from it get a new head and `synchronize`."""
        if source is not None:
            repository.git.borrow(source)
        sha = _commit(repository.git, source, revision)
        repository.git.update(f"refs/heads/{branch}", sha)
        with self.world.lock:
            everywhere = [pull for r in self.world.repositories.values() for pull in r.pulls.values()]
            for pull in everywhere:
                if (
                    pull.head_repository is repository
                    and pull.head_ref == branch
                    and pull.state == "open"
                    and pull.head_sha != sha
                ):
                    self._synchronize(pull, sha)
        return sha

    def _synchronize(self, pull: PullRequest, sha: str) -> None:
        before = pull.head_sha
        pull.heads.append(sha)
        self._refresh(pull)
        follow(pull)
        self._send(pull, "synchronize", before=before, after=sha)

    def _refresh(self, pull: PullRequest) -> None:
        """Bring `refs/pull/N/head`, `refs/pull/N/merge` and the base up to date."""
        git = pull.repository.git
        if pull.fork:
            git.borrow(pull.head_repository.git.path)
        pull.base_sha = git.resolve(f"refs/heads/{pull.base_ref}") or pull.base_sha
        git.update(f"refs/pull/{pull.number}/head", pull.head_sha)
        message = f"Merge {pull.head_sha} into {pull.base_sha}"
        pull.merge_commit = git.merge(pull.base_sha, pull.head_sha, message)
        if pull.merge_commit:
            git.update(f"refs/pull/{pull.number}/merge", pull.merge_commit)
        pull.updated_at = self.world.now()

    # Pull requests

    def open_pull(
        self,
        repository: Repository,
        head: str,
        base: str | None = None,
        *,
        title: str = "",
        body: str = "",
        draft: bool = False,
        user: str = "",
        fork: Repository | None = None,
    ) -> PullRequest:
        """A pull request of branch `head` (of `fork`, where given) into `base`, the default branch unless said."""
        origin, into = fork or repository, base or repository.default_branch
        head_sha, base_sha = (r.git.resolve(f"refs/heads/{b}") for r, b in ((origin, head), (repository, into)))
        if head_sha is None or base_sha is None:
            raise ValueError(f"no such branch: {head if head_sha is None else into}")
        with self.world.lock:
            if fork is not None:
                repository.git.borrow(fork.git.path)
            if repository.git.merge_base(base_sha, head_sha) is None:
                raise ValueError(f"the history of {head} has nothing in common with {into}")
            number, now, author = next(repository.numbers), self.world.now(), self.world.account(user or origin.owner.login)
            pull = PullRequest(
                self.world.next_id(),
                number,
                repository,
                origin,
                title or repository.git.commit(head_sha).message.splitlines()[0],
                body,
                author,
                into,
                base_sha,
                head,
                [head_sha],
                now,
                now,
                draft=draft,
            )
            repository.pulls[number] = pull
            self._refresh(pull)
            self._send(pull, "opened")
        return pull

    def mark_ready(self, pull: PullRequest) -> None:
        pull.draft = False
        self._send(pull, "ready_for_review")

    def edit_base(self, pull: PullRequest, base: str) -> None:
        """Let the pull request go into another branch."""
        with self.world.lock:
            sha = pull.repository.git.resolve(f"refs/heads/{base}")
            if sha is None:
                raise ValueError(f"no such branch: {base}")
            changes = {"base": {"ref": {"from": pull.base_ref}, "sha": {"from": pull.base_sha}}}
            pull.base_ref, pull.base_sha = base, sha
            self._refresh(pull)
            follow(pull)
            self._send(pull, "edited", changes=changes)

    def edit_title(self, pull: PullRequest, title: str) -> None:
        """An edit that changes no code: a reviewer has nothing to do."""
        changes = {"title": {"from": pull.title}}
        pull.title = title
        self._send(pull, "edited", changes=changes)

    def close(self, pull: PullRequest, *, merged: bool = False) -> None:
        """Close a pull request; `merged` says that its change went into the base."""
        pull.state, pull.closed_at, pull.merged = "closed", self.world.now(), merged
        self._send(pull, "closed")

    def react(self, comment: ReviewComment | IssueComment, content: str, user: str) -> None:
        """A person's reaction, as `+1`."""
        with self.world.lock:
            comment.reactions.append(Reaction(self.world.next_id(), self.world.account(user), content, self.world.now()))

    def resolve(self, comment: ReviewComment, user: str) -> None:
        """A person resolves the thread of a comment."""
        comment.thread.resolved_by = self.world.account(user)

    def reopen(self, pull: PullRequest) -> None:
        pull.state, pull.closed_at = "open", None
        self._send(pull, "reopened")

    def rerequest(self, run: CheckRun | CheckSuite, user: str = "") -> None:
        """Press "Re-run" at a check run, or "Re-run all checks" at a suite."""
        with self.world.lock:
            suite = run.suite if isinstance(run, CheckRun) else run
            installation, sender = self.installation(suite.repository), self.world.account(user or suite.repository.owner.login)
            if isinstance(run, CheckRun):
                payload = webhooks.check_run(self.world, run, installation, sender, "rerequested")
            else:
                payload = webhooks.check_suite(self.world, suite, installation, sender)
        event = "check_run" if isinstance(run, CheckRun) else "check_suite"
        self.webhooks.send(suite.app, event, payload, installation=installation)

    def add_to_merge_queue(self, pull: PullRequest) -> str:
        """Ask for checks of the combined tree, on a branch of the queue; its head's id."""
        with self.world.lock:
            git, base = pull.repository.git, pull.repository.git.resolve(f"refs/heads/{pull.base_ref}")
            head = (
                git.merge(str(base), pull.head_sha, f"Merge pull request #{pull.number} from {pull.head_ref}") if base else None
            )
            if base is None or head is None:
                raise ValueError(f"#{pull.number} cannot be merged")
            ref = f"refs/heads/gh-readonly-queue/{pull.base_ref}/pr-{pull.number}-{base}"
            git.update(ref, head)
            installation = self.installation(pull.repository)
            payload = webhooks.merge_group(self.world, pull, installation, head=head, ref=ref, base=base)
        self.webhooks.send(self.app, "merge_group", payload, installation=installation)
        return head

    def press(self, run: CheckRun, identifier: str, user: str = "") -> None:
        """Press a button of a check run, as somebody who may; by default the repository's owner."""
        with self.world.lock:
            repository = run.suite.repository
            installation, sender = self.installation(repository), self.world.account(user or repository.owner.login)
            payload = webhooks.check_run(self.world, run, installation, sender, "requested_action")
            payload["requested_action"] = {"identifier": identifier}
        self.webhooks.send(run.suite.app, "check_run", payload, installation=installation)

    def reply_to_comment(self, comment: ReviewComment, body: str, user: str) -> ReviewComment:
        """A person's answer in a thread."""
        with self.world.lock:
            made = reviews.add_reply(self.world, comment, self.world.account(user), body)
        self._say(made)
        return made

    def comment(self, pull: PullRequest, body: str, user: str) -> IssueComment:
        """A person's comment in the conversation."""
        with self.world.lock:
            now = self.world.now()
            made = IssueComment(self.world.next_id(), pull, self.world.account(user), body, now, now)
            pull.comments.append(made)
        self._say(made)
        return made

    def redeliver(self, delivery: Delivery) -> Delivery:
        """The same delivery once more, under the same GUID."""
        return self.webhooks.redeliver(delivery)

    def check_runs(self, repository: Repository, sha: str, name: str | None = None) -> list[CheckRun]:
        """The check runs at a commit, oldest first."""
        with self.world.lock:
            suites = [s for s in self.world.suites.values() if s.repository is repository and s.head_sha == sha]
            return [run for suite in suites for run in suite.runs if name in (None, run.name)]

    def _say(self, comment: IssueComment | ReviewComment) -> None:
        installation = self.world.installation_of(comment.pull.repository, self.app)
        if installation is not None:
            with self.world.lock:
                event, payload = webhooks.comment(self.world, comment, installation)
            self.webhooks.send(self.app, event, payload, installation=installation)

    def _send(self, pull: PullRequest, action: str, **more: Any) -> None:
        installation = self.world.installation_of(pull.repository, self.app)
        if installation is None:
            return
        with self.world.lock:
            payload = webhooks.pull_request(self.world, pull, installation, action, pull.user, **more)
        self.webhooks.send(self.app, "pull_request", payload, installation=installation)


def _commit(git: Git, source: Path | None, revision: str) -> str:
    """The commit id that `revision` names in `source`, if one is given, else here."""
    sha = git.resolve(revision) if source is None else Git.resolve_in(source, revision)
    if sha is None:
        raise ValueError(f"no such commit: {revision}")
    return sha


class _Server(uvicorn.Server):
    """A server that says when it is ready."""

    def __init__(self, config: uvicorn.Config, started: threading.Event) -> None:
        super().__init__(config)
        self._ready = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()
