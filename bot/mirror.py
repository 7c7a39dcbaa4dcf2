"""Bare partial git mirrors, one a repository: what a review reads, fetched once and kept until the room is needed.

A mirror holds the commits and trees of the revisions asked for (shallow, without history) and the blobs an analysis reads,
all of them fetched in one batch. Nothing is checked out, no hook, filter, submodule or LFS file is touched, and reading
never talks to the network: the remote exists only in the environment of a fetch, so to every other git process a missing
object is simply missing. The credential, too, is only in that environment.

Several worker processes share a mirror: `<id>.fetch` is locked while one of them fetches, `<id>.use` is shared by those
who read, and taken alone by whoever deletes. Git's own recovery is not trusted with a damaged mirror: it is fetched anew.
"""

from __future__ import annotations

import base64
import fcntl
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from analyzers import Revision
from bot.errors import Broken, Later
from bot.objects import GitError, Repository, environment
from bot.subprocesses import Exceeded, Finished, Overdue, run_group

REMOTE = "origin"
PACKS = 200  # two a review; beyond that lookups slow down, and starting anew costs a second or two
STALE = 600.0  # seconds after which a temporary file of a killed git is litter
EVICT_EVERY = 600.0
SHA = re.compile(r"[0-9a-f]{40}")
PASSED = (
    "PATH",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "SSL_CERT_FILE",
    "GIT_SSL_CAINFO",
)

CONFIG = {
    "core.askPass": "",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "http.postBuffer": str(32 * 2**20),
}


class Damaged(GitError):
    """The mirror on disk cannot be used; a new one can."""


class NoCommit(Later):
    """The remote does not have the commit (yet, or any more)."""


@dataclass(frozen=True)
class Snapshot:
    """Two revisions whose needed blobs are all here, with their diff. Valid while the mirror is open."""

    base: Revision
    head: Revision
    diff: str
    blobs: Repository


@dataclass(frozen=True)
class Source:
    """Where and as whom to fetch. `token` is asked for only when something is to be fetched."""

    url: str
    token: Callable[[], str] | None = None

    def environment(self, *, allow_file: bool, partial: bool = True) -> dict[str, str]:
        """What a fetch needs to know beyond its arguments: the remote and the credential, bound to its host."""
        scheme = urlsplit(self.url).scheme
        allowed = {"https", "http"} | ({"file"} if allow_file else set())
        if scheme not in allowed:
            raise Broken(f"Repositories are fetched over https; {scheme or 'a path'} is not allowed.")
        config = {
            **CONFIG,
            f"protocol.{scheme}.allow": "always",
            f"remote.{REMOTE}.url": self.url,
        }
        if partial:
            config |= {f"remote.{REMOTE}.promisor": "true", f"remote.{REMOTE}.partialclonefilter": "blob:none"}
        if self.token is not None and scheme in ("https", "http"):
            parts = urlsplit(self.url)
            secret = base64.b64encode(f"x-access-token:{self.token()}".encode()).decode()
            config[f"http.{parts.scheme}://{parts.netloc}/.extraheader"] = f"Authorization: Basic {secret}"
        return environment(config, keep=PASSED)


def clone_url(github_url: str, owner: str, repository: str) -> str:
    """Where git fetches the repository from. Never carries a credential."""
    parts = urlsplit(github_url)
    root = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
    return f"{root}/{quote(owner, safe='')}/{quote(repository, safe='')}.git"


def scrub(text: str, environment: Mapping[str, str]) -> str:
    """`text` without anything secret of `environment`, and without credentials in URLs; one line, bounded."""
    for key, value in environment.items():
        if key.startswith("GIT_CONFIG_VALUE_") and "Basic " in value:
            text = text.replace(value.split("Basic ", 1)[1], "***").replace(value, "***")
    text = re.sub(r"(https?://)[^/\s@]+@", r"\1***@", text)
    text = re.sub(r"\b(gh[pousr]_|github_pat_)\w+", "***", text)
    return " ".join(text.split())[-400:]


_REFUSED = re.compile(
    r"authentication failed|could not read username|error: 40[13]|access denied|permission to .* denied", re.I
)
_ABSENT = re.compile(r"repository .*not found|error: 404|does not appear to be a git repository", re.I)
_NO_COMMIT = re.compile(r"not our ref|unadvertised object|couldn't find remote ref|no such remote ref", re.I)
_NETWORK = re.compile(
    r"could not resolve|failed to connect|connection|timed out|rpc failed|early eof|hung up|error: 5\d\d|error: 429|"
    r"unexpected disconnect|gnutls|ssl|operation too slow|empty reply",
    re.I,
)


def judge(failed: Finished, message: str) -> Exception:
    """What a failed fetch means. What is not recognised is laid at the mirror's door: a new one is cheap."""
    text = failed.stderr
    if _NO_COMMIT.search(text):
        return NoCommit(f"the repository does not have the commit ({message})")
    if _REFUSED.search(text):
        return Later(f"git access was refused ({message})", 15.0)
    if _ABSENT.search(text):
        return Later(f"the repository was not found ({message})", 15.0)
    if _NETWORK.search(text):
        return Later(f"the repository could not be fetched ({message})", 15.0)
    return Damaged(message)


@dataclass
class Mirrors:
    """All mirrors of this machine.

    `root`: their folder. `limit_bytes`: what all may take. `fetch_bytes`, `timeout`: what one fetch may take (bytes, seconds).
    `max_files`: larger trees are refused. `allow_file` lets tests fetch from this machine's files.
    """

    root: Path
    limit_bytes: int = 20 * 2**30
    fetch_bytes: int = 2 * 2**30
    timeout: float = 120.0
    lock_timeout: float = 60.0
    max_blob_bytes: int = 1_000_000
    max_files: int = 60_000
    allow_file: bool = False

    @contextmanager
    def open(self, repository_id: int, source: Source) -> Iterator[Mirror]:
        """The mirror of a repository, protected from deletion for as long as it is open."""
        self.root.mkdir(parents=True, exist_ok=True)
        mirror = Mirror(self, self.root / f"{repository_id}.git", source)
        with mirror.in_use():
            yield mirror
        self.evict()

    def delete(self, repository_id: int) -> bool:
        """Deletes a repository's mirror, unless somebody reads it now. Whether there was one, and it is gone."""
        path = self.root / f"{repository_id}.git"
        if not path.exists():
            return False
        with suppress(Later), locked(path.with_suffix(".use"), fcntl.LOCK_EX, 0):
            delete(path)
            return True
        return False

    def evict(self) -> None:
        """Deletes the least recently used mirrors until the rest fits, and what deletions and crashes left behind."""
        stamp = self.root / "evicted"
        with suppress(FileNotFoundError):
            if time.time() - stamp.stat().st_mtime < EVICT_EVERY:
                return
        stamp.touch()
        for dead in self.root.glob("*.dead-*"):
            shutil.rmtree(dead, ignore_errors=True)
        used = sorted(self.root.glob("*.git"), key=lambda path: _modified(path.with_suffix(".use")))
        sizes = {path: size_of(path) for path in used}
        total = sum(sizes.values())
        for path in used:
            if total <= self.limit_bytes:
                return
            with suppress(Later), locked(path.with_suffix(".use"), fcntl.LOCK_EX, 0):
                delete(path)
                total -= sizes[path]


@dataclass
class Mirror:
    """One repository's mirror, open."""

    mirrors: Mirrors
    path: Path
    source: Source
    fetched: int = 0  # git fetches done
    _use: int = field(default=-1, repr=False)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        use = self.path.with_suffix(".use")
        self._use = lock(use, fcntl.LOCK_SH, self.mirrors.lock_timeout)
        os.utime(self._use)
        try:
            yield
        finally:
            os.close(self._use)

    def update(self, base: str, head: str, number: int, needed: Callable[[Revision], Iterable[str]]) -> Snapshot:
        """Brings `base` and `head` here, with the blobs `needed` names for each, and reads both trees and their diff.

        `head` is fetched by its id, or as the head of pull request `number` if the server serves only named refs.
        Raises `NoCommit` if either is not to be had, `Later` on any outage, `Broken` if the repository exceeds a limit.
        """
        for commit in (base, head):
            if not SHA.fullmatch(commit):
                raise Broken(f"{commit[:80]!r} is not a commit id.")
        if self.path.exists() and len(list(self.path.glob("objects/pack/*.pack"))) > PACKS:
            self.renew()
        try:
            return self._update(base, head, number, needed)
        except Damaged:
            self.renew()
        try:
            return self._update(base, head, number, needed)
        except Damaged as damaged:
            raise Later(f"the repository could not be read ({damaged})", 30.0) from damaged

    def renew(self) -> None:
        """Deletes the mirror as soon as nobody else reads it."""
        with locked(self.path.with_suffix(".fetch"), fcntl.LOCK_EX, self.mirrors.lock_timeout):
            relock(self._use, fcntl.LOCK_EX, self.mirrors.lock_timeout)
            try:
                delete(self.path)
            finally:
                relock(self._use, fcntl.LOCK_SH, self.mirrors.lock_timeout)

    def _update(self, base: str, head: str, number: int, needed: Callable[[Revision], Iterable[str]]) -> Snapshot:
        with locked(self.path.with_suffix(".fetch"), fcntl.LOCK_EX, self.mirrors.lock_timeout):
            self._prepare()
            self._fetch_commits(base, head, number)
            try:
                repository = Repository(self.path, max_blob_bytes=self.mirrors.max_blob_bytes)
                try:
                    return self._snapshot(repository, base, head, needed)
                except BaseException:
                    repository.close()
                    raise
            except GitError as error:
                raise Damaged(str(error)) from error

    def _snapshot(self, repository: Repository, base: str, head: str, needed: Callable[[Revision], Iterable[str]]) -> Snapshot:
        revisions = self._revision(repository, base), self._revision(repository, head)
        wanted = dict.fromkeys(blob for revision in revisions for blob in needed(revision))
        self._fetch_blobs(list(wanted))
        paths = {path for revision in revisions for path, blob in revision.files.items() if blob in wanted}
        return Snapshot(*revisions, repository.diff(base, head, paths), repository)

    # fetching

    def _prepare(self) -> None:
        """A repository is there, without what a killed git left: locks, which would block for ever, and half packs."""
        if not (self.path / "HEAD").is_file():
            delete(self.path)
            (self.path / "objects" / "pack").mkdir(parents=True)
            (self.path / "refs").mkdir()
            (self.path / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
            (self.path / "HEAD").write_text("ref: refs/heads/none\n")
        for stale in (*self.path.glob("*.lock"), *self.path.glob("refs/**/*.lock")):
            stale.unlink(missing_ok=True)
        for partial in self.path.glob("objects/pack/tmp_*"):
            if time.time() - _modified(partial) > STALE:
                partial.unlink(missing_ok=True)

    def _fetch_commits(self, base: str, head: str, number: int) -> None:
        missing = [sha for sha in dict.fromkeys((base, head)) if not (self.path / "refs" / "keep" / sha).is_file()]
        if not missing:
            return
        flags = ("--depth=1", "--filter=blob:none", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
        try:
            self._fetch(*flags, REMOTE, *(f"+{sha}:refs/keep/{sha}" for sha in missing))
        except NoCommit:
            if head not in missing or not number:
                raise
            others = (f"+{sha}:refs/keep/{sha}" for sha in missing if sha != head)
            self._fetch(*flags, REMOTE, f"+refs/pull/{number}/head:refs/pull/{number}", *others)
            if self._git("rev-parse", "--verify", "--quiet", f"refs/pull/{number}^{{commit}}").strip() != head:
                raise NoCommit("the pull request's branch has another head") from None
            self._git("update-ref", f"refs/keep/{head}", head)

    def _fetch_blobs(self, blobs: Sequence[str]) -> None:
        """Everything missing in one request. Git is told that we have nothing, else it would look through all we have."""
        if missing := self._missing(blobs):
            arguments = ("--filter=blob:none", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--stdin")
            self._fetch(
                *arguments,
                REMOTE,
                input="".join(f"{blob}\n" for blob in missing),
                config={"fetch.negotiationAlgorithm": "noop"},
            )
            if still := self._missing(missing):
                raise Damaged(f"{len(still)} of {len(missing)} files did not come")

    def _missing(self, blobs: Sequence[str]) -> list[str]:
        if not blobs:
            return []
        answer = self._git("cat-file", "--batch-check=%(objectname)", "--buffer", input="".join(f"{blob}\n" for blob in blobs))
        return [line.split(" ", 1)[0] for line in answer.splitlines() if line.endswith(" missing")]

    def _fetch(self, *arguments: str, input: str = "", config: Mapping[str, str] | None = None) -> None:
        environment = self.source.environment(allow_file=self.mirrors.allow_file)
        for key, value in (config or {}).items():
            n = int(environment["GIT_CONFIG_COUNT"])
            environment |= {"GIT_CONFIG_COUNT": str(n + 1), f"GIT_CONFIG_KEY_{n}": key, f"GIT_CONFIG_VALUE_{n}": value}
        objects, before = self.path / "objects", size_of(self.path / "objects")

        def exceeded() -> bool:
            return size_of(objects) - before > self.mirrors.fetch_bytes

        self.fetched += 1
        command = ("git", "--git-dir", str(self.path), "fetch", "--quiet", "--no-auto-maintenance", *arguments)
        try:
            done = run_group(command, environment, input=input.encode(), timeout=self.mirrors.timeout, exceeded=exceeded)
        except Overdue as overdue:
            raise Later(f"fetching the repository took more than {self.mirrors.timeout:.0f} s", 30.0) from overdue
        except Exceeded as exceeded_:
            megabytes = self.mirrors.fetch_bytes // 2**20
            raise Broken(f"The repository is too large: fetching it was stopped after {megabytes} MB.") from exceeded_
        if done.code:
            raise judge(done, scrub(done.stderr, environment))

    def _git(self, *arguments: str, input: str = "") -> str:
        """A git that can only look at what is here."""
        command = ("git", "--git-dir", str(self.path), *arguments)
        try:
            done = run_group(command, environment(CONFIG, keep=PASSED), input=input.encode(), timeout=self.mirrors.timeout)
        except Overdue as overdue:
            raise Damaged("reading took too long") from overdue
        if done.code:
            raise Damaged(scrub(done.stderr, {}) or f"git {arguments[0]} ended with {done.code}")
        return done.stdout

    def _revision(self, repository: Repository, sha: str) -> Revision:
        revision = repository.revision(sha)
        if len(revision.files) > self.mirrors.max_files:
            raise Broken(f"The repository has {len(revision.files):,} files; at most {self.mirrors.max_files:,} are analysed.")
        return revision


# files and locks


def lock(path: Path, how: int, timeout: float) -> int:
    """An open file, locked. Closing it unlocks; so does the death of the process."""
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        relock(opened, how, timeout)
    except BaseException:
        os.close(opened)
        raise
    return opened


def relock(opened: int, how: int, timeout: float) -> None:
    until = time.monotonic() + timeout
    while True:
        try:
            return fcntl.flock(opened, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise Later("another worker is busy with this repository", 10.0) from None
            time.sleep(0.02)


@contextmanager
def locked(path: Path, how: int, timeout: float) -> Iterator[None]:
    opened = lock(path, how, timeout)
    try:
        yield
    finally:
        os.close(opened)


def delete(path: Path) -> None:
    """Removes a folder so that nobody ever sees half of it."""
    if path.exists():
        dead = path.with_name(f"{path.name}.dead-{os.getpid()}-{time.monotonic_ns()}")
        path.rename(dead)
        shutil.rmtree(dead, ignore_errors=True)


def size_of(folder: Path) -> int:
    """Bytes of all files below; what vanishes while we look counts nothing."""
    total = 0
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                total += (
                    size_of(Path(entry.path))
                    if entry.is_dir(follow_symlinks=False)
                    else entry.stat(follow_symlinks=False).st_size
                )
    return total


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
