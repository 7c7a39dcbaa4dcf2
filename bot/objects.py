"""A git repository read from its object store: nothing checked out, nothing executed, nothing written into it, no network.

The repository may be hostile: its configuration, attributes, hooks and object graph are someone else's words. So every
git process gets an environment of our own making, and whatever only needs objects runs in a *scratch* repository beside it,
an empty one of ours with the other's object store as alternate: there its configuration does not exist, a promised object
that is absent is simply missing (before 2.45 git cannot be told not to fetch it), and new objects are written to ours.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from analyzers import Revision

TIMEOUT = 120.0  # seconds for one question
OUTPUT_BYTES = 128 * 2**20  # 60,000 paths are 6 MB; a tree that unfolds to billions of files ends here
ARGUMENT_BYTES = 1_000_000  # half of what Linux passes to a process
BATCH = 60  # ids asked for at once: less than 4 KB, the least a pipe holds, so that writing never waits for reading

CONFIG = {
    "safe.directory": "*",
    "protocol.allow": "never",
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.attributesFile": os.devnull,
}
# What a user's own configuration may still decide about the files beside the repository: how they are read.
_WORKTREE_CONFIG = r"^core\.(autocrlf|eol|excludesfile|ignorecase|precomposeunicode|symlinks|filemode)$"
_HEX = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class GitError(OSError):
    """The repository cannot answer: one sentence saying why and, where something can be done, what."""


class RefusedError(GitError):
    """Git answered, with an error."""


def environment(config: Mapping[str, str] | None = None, *, keep: Sequence[str] = ("PATH",)) -> dict[str, str]:
    """The whole environment of a git process: our configuration and `config`, no other, no prompt, no network."""
    settings = {**CONFIG, **(config or {})}
    numbered = {
        f"GIT_CONFIG_{part}_{n}": value
        for n, pair in enumerate(settings.items())
        for part, value in zip(("KEY", "VALUE"), pair, strict=True)
    }
    return {
        **{name: os.environ[name] for name in keep if name in os.environ},
        **numbered,
        "GIT_CONFIG_COUNT": str(len(settings)),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


class Repository:
    """A repository at `path`, or around it; bare or not. Also the `BlobReader` of its objects.

    `max_blob_bytes`: larger blobs are left out when reading. Close it: it holds processes and a temporary folder.
    """

    def __init__(self, path: Path, *, max_blob_bytes: int = 1_000_000, timeout: float = TIMEOUT) -> None:
        self.path, self.max_blob_bytes, self.timeout = path, max_blob_bytes, timeout
        if not path.is_dir():
            raise GitError(f"{path} is not a folder; give --repo DIR.")
        try:
            answer = self._git("rev-parse", "--is-bare-repository", "--absolute-git-dir", "--git-common-dir").split("\n")
            self.object_format = self._git("rev-parse", "--show-object-format").strip()
        except RefusedError as error:
            why = "" if str(error).startswith("not a git repository") else f" git can read ({error})"
            raise GitError(f"{path} is not a git repository{why}; run inside one, or give --repo DIR.") from error
        if len(answer) != 4:
            raise GitError("The path of the repository holds a line break; move it.")
        self.is_bare = answer[0] == "true"
        self.git_dir, self.common_dir = Path(answer[1]), (path / answer[2]).resolve()
        self._cleanup: list[weakref.finalize[..., Repository]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        while self._cleanup:
            self._cleanup.pop()()
        for name in ("_scratch", "_sizes", "_contents"):
            self.__dict__.pop(name, None)

    # names

    def resolve(self, rev: str) -> str:
        """The id of the commit that `rev` names, or of the tree if it names one."""
        if rev and not rev.startswith("-") and "\0" not in rev:
            with suppress(RefusedError):
                sha = self._git("rev-parse", "--verify", "--quiet", rev).strip()
                for kind in ("commit", "tree"):
                    with suppress(RefusedError):
                        return self._git("rev-parse", "--verify", "--quiet", f"{sha}^{{{kind}}}").strip()
        raise GitError(self._unknown(rev))

    def merge_base(self, one: str, other: str) -> str:
        """The best common ancestor of two commits."""
        commits = [self.resolve(rev) for rev in (one, other)]
        try:
            return self._git("merge-base", *commits).split("\n", 1)[0]
        except RefusedError:
            shallow = " (this clone is shallow: git fetch --unshallow)" if (self.common_dir / "shallow").exists() else ""
            raise GitError(
                f"{one} and {other} have no common ancestor{shallow}; say what to compare with: --base REV."
            ) from None

    def default_branch(self) -> str:
        """The full name of the branch that changes are merged into: the remote's, or main, or master."""
        names = [f"refs/{where}/{name}" for where in ("remotes/origin", "heads") for name in ("main", "master")]
        candidates = ["HEAD"] if self.is_bare else ["refs/remotes/origin/HEAD", *names]
        for name in candidates:
            with suppress(RefusedError):
                self._git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
                return name
        raise GitError("No default branch was found (origin/HEAD, main or master); say what to compare with: --base REV.")

    def origin(self) -> str:
        """Where it is fetched from; nothing where it does not say."""
        with suppress(RefusedError):
            return self._git("config", "--get", "remote.origin.url").strip()
        return ""

    def log(self, *arguments: str) -> str:
        """What `git log` says of the history."""
        return self._git("log", "--no-show-signature", *arguments)

    def _unknown(self, rev: str) -> str:
        try:
            self._git("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        except RefusedError:
            return f"Unknown revision {rev!r}: the repository has no commit yet."
        return f"Unknown revision {rev!r}: check its spelling, or fetch it first."

    # trees

    def revision(self, rev: str) -> Revision:
        """The regular files of a commit or tree. Links and submodules are left out; odd bytes of a name appear as `\\xff`."""
        sha = rev if _HEX.fullmatch(rev) else self.resolve(rev)
        return Revision(sha=sha, files={_text(path): blob for path, blob in self._entries(sha)})

    def diff(self, base: str, head: str, paths: Iterable[str] | None = None) -> str:
        """The unified diff of two commits or trees, with renames and three lines of context.

        With `paths`, only those are compared (a rename within them is found), so no other blob needs to be present.
        """
        trees = [rev if _HEX.fullmatch(rev) else self.resolve(rev) for rev in (base, head)]
        command = ["diff-tree", "-p", "-r", "-M", "-U3", "--no-ext-diff", "--no-textconv", "--no-color", "--full-index"]
        if paths is None:
            return self._bare(*command, *trees).decode(errors="replace")
        wanted = set(paths)
        changed = [raw for raw in self._changed(*trees) if _text(raw) in wanted]
        pieces = [self._bare(*command, *trees, "--", *batch) for batch in _argument_batches(changed)]
        return b"".join(pieces).decode(errors="replace")

    def _entries(self, sha: str) -> Iterator[tuple[bytes, str]]:
        try:
            listing = self._bare("ls-tree", "-r", "-z", "--full-tree", sha)
        except RefusedError as error:
            raise GitError(f"The tree of {sha[:12]} cannot be read: {error}") from error
        for entry in listing.split(b"\0")[:-1]:
            about, _, path = entry.partition(b"\t")
            mode, kind, blob = about.split(b" ")
            if kind == b"blob" and mode.startswith(b"100"):
                yield path, blob.decode()

    def _changed(self, base: str, head: str) -> list[bytes]:
        return self._bare("diff-tree", "-r", "-z", "--name-only", "--no-renames", base, head).split(b"\0")[:-1]

    # the files beside the repository

    def working_tree(self) -> str:
        """The id of a tree of the files as they lie there now, untracked ones included, ignored ones not.

        Its new objects are ours, the repository stays as it is. No filter runs, and no submodule is looked into.
        """
        if self.is_bare:
            raise GitError(f"{self.path} is bare and has no files of its own; say what to review: --head REV.")
        top = self._git("rev-parse", "--show-toplevel").removesuffix("\n")
        index = self._copy_index()
        # Where git sees that it has an object already, it freshens the file's age. So here it sees none but ours, unless
        # it has to: a sparse index names trees instead of files.
        sparse = index.is_file() and b"sdir" in index.read_bytes()
        extra = {
            "GIT_DIR": str(self._scratch),
            "GIT_WORK_TREE": top,
            "GIT_INDEX_FILE": str(index),
            "GIT_OBJECT_DIRECTORY": str(self._scratch / ("objects" if sparse else "written")),
        }
        # What we write lives as long as we do.
        config = {**self._worktree_config(), "core.fsync": "none"}
        process_environment = {**environment(config, keep=("PATH", "HOME", "XDG_CONFIG_HOME")), **extra}

        def git(*arguments: str, stdin: bytes = b"") -> bytes:
            return _run(("git", *arguments), process_environment, Path(top), self.timeout, stdin)

        try:
            modified = git("diff-files", "-z", "--name-only", "--ignore-submodules=all")
            untracked = git("ls-files", "-z", "--others", "--exclude-standard")
            # A nested repository is listed as a folder.
            paths = [path for path in (modified + untracked).split(b"\0")[:-1] if not path.endswith(b"/")]
            git("update-index", "-z", "--add", "--remove", "--stdin", stdin=b"".join(path + b"\0" for path in paths))
            return git("write-tree", "--missing-ok").decode().strip()
        except RefusedError as error:
            raise GitError(f"The files in {top} cannot be read: {error}") from error

    def _copy_index(self) -> Path:
        """Our copy of the index, with its age: git judges by it which files may have changed unseen."""
        (self._scratch / "info").mkdir(exist_ok=True)
        for name, target in (("index", "index"), ("info/exclude", "info/exclude")):
            source = (self.git_dir if name == "index" else self.common_dir) / name
            with suppress(FileNotFoundError):
                shutil.copy2(source, self._scratch / target)
        for shared in self.git_dir.glob("sharedindex.*"):
            shutil.copy2(shared, self._scratch / shared.name)
        (self._scratch / "info" / "attributes").write_text("* -filter -ident\n")
        return self._scratch / "index"

    def _worktree_config(self) -> dict[str, str]:
        """What the user and the repository say about reading files; asking for it runs nothing."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        with suppress(RefusedError):
            command = ("git", "config", "-z", "--get-regexp", _WORKTREE_CONFIG)
            answer = _run(command, own, self.path, self.timeout).decode(errors="surrogateescape")
            return dict(pair.split("\n", 1) for pair in answer.split("\0") if "\n" in pair)
        return {}

    # blobs

    def read(self, blob_ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The blobs that are here and within the bound, in the order asked for."""
        ids = iter(dict.fromkeys(blob for blob in blob_ids if _HEX.fullmatch(blob)))
        while batch := list(islice(ids, BATCH)):
            yield from self._read(batch)

    def _read(self, batch: Sequence[str]) -> list[tuple[str, bytes]]:
        wanted = [blob for blob, kind, size in self._sizes.headers(batch) if kind == "blob" and size <= self.max_blob_bytes]
        return list(self._contents.contents(wanted))

    @cached_property
    def _sizes(self) -> _CatFile:
        return self._cat_file("--batch-check")

    @cached_property
    def _contents(self) -> _CatFile:
        return self._cat_file("--batch")

    def _cat_file(self, mode: str) -> _CatFile:
        process = _CatFile(mode, self._scratch, self.timeout)
        self._cleanup.append(weakref.finalize(self, process.close))
        return process

    # processes

    @cached_property
    def _scratch(self) -> Path:
        """Our own empty repository that sees the objects of the other."""
        folder = Path(tempfile.mkdtemp(prefix="cliffguard-"))
        self._cleanup.append(weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True))
        command = ("git", "init", "--quiet", "--bare", "--template=", f"--object-format={self.object_format}", str(folder))
        _run(command, environment(), folder, self.timeout)
        alternate = str(self.common_dir / "objects")
        (folder / "objects" / "info").mkdir(parents=True, exist_ok=True)
        (folder / "written").mkdir()
        (folder / "objects" / "info" / "alternates").write_bytes(os.fsencode(f"{alternate}\n{folder / 'written'}\n"))
        with suppress(FileNotFoundError):
            shutil.copy2(self.common_dir / "shallow", folder / "shallow")
        return folder

    def _git(self, *arguments: str) -> str:
        """Asks the repository itself: its names and its history, never its contents."""
        output = _run(("git", *arguments), environment({"gc.auto": "0"}), self.path, self.timeout)
        return os.fsdecode(output)

    def _bare(self, *arguments: str | bytes) -> bytes:
        """Asks our scratch repository: trees and blobs."""
        command = ("git", "--git-dir", str(self._scratch), *arguments)
        return _run(command, environment(), self._scratch, self.timeout)


class _CatFile:
    """One long-lived `git cat-file` of a mode (`--batch` or `--batch-check`)."""

    def __init__(self, mode: str, git_dir: Path, timeout: float) -> None:
        self.timeout = timeout
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            ("git", "--git-dir", str(git_dir), "cat-file", mode),
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def headers(self, ids: Sequence[str]) -> list[tuple[str, str, int]]:
        """`(id, kind, size)` of those that are present."""
        with self._lock, _deadline(self._process, self.timeout):
            self._ask(ids)
            return [header for blob in ids if (header := self._header(blob)) is not None]

    def contents(self, ids: Sequence[str]) -> list[tuple[str, bytes]]:
        """`(id, bytes)` of those that are present; each is read whole."""
        with self._lock, _deadline(self._process, self.timeout):
            self._ask(ids)
            headers = (self._header(blob) for blob in ids)
            return [(header[0], self._exactly(header[2] + 1)[:-1]) for header in headers if header is not None]

    def close(self) -> None:
        with suppress(OSError):
            self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        self._process.wait()

    def _ask(self, ids: Sequence[str]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("".join(f"{blob}\n" for blob in ids).encode())
            self._process.stdin.flush()
        except OSError as error:
            raise GitError("git stopped while reading objects; the repository may be damaged.") from error

    def _header(self, blob: str) -> tuple[str, str, int] | None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise GitError("git stopped while reading objects; the repository may be damaged.")
        match line.split():
            case [_, kind, size] if size.isdigit():
                return blob, kind.decode(), int(size)
            case _:
                return None

    def _exactly(self, size: int) -> bytes:
        assert self._process.stdout is not None
        data = self._process.stdout.read(size)
        if len(data) < size:
            raise GitError("git stopped while reading objects; the repository may be damaged.")
        return data


class _deadline:  # noqa: N801 - used as a function
    """Kills the process if the block takes longer than `seconds`: what waits for it then sees its end."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.expired = False
        self._process = process
        self._timer = threading.Timer(seconds, self._kill)
        self._timer.daemon = True

    def _kill(self) -> None:
        self.expired = True
        self._process.kill()

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._timer.cancel()


def _run(command: Sequence[str | bytes], env: Mapping[str, str], cwd: Path, timeout: float, stdin: bytes = b"") -> bytes:
    """What git prints, bounded in time and size."""
    with tempfile.TemporaryFile() as questions, tempfile.TemporaryFile() as complaints:
        questions.write(stdin)
        questions.seek(0)
        try:
            process = subprocess.Popen(command, env=env, cwd=cwd, stdin=questions, stdout=subprocess.PIPE, stderr=complaints)
        except FileNotFoundError as error:
            raise GitError("git was not found; install it.") from error
        assert process.stdout is not None
        with process.stdout, _deadline(process, timeout) as deadline:
            try:
                output = process.stdout.read(OUTPUT_BYTES + 1)
            except BaseException:
                process.kill()
                process.wait()
                raise
            if len(output) > OUTPUT_BYTES:
                process.kill()
            code = process.wait()
        if deadline.expired:
            raise GitError(f"git took more than {timeout:.0f} s.")
        if len(output) > OUTPUT_BYTES:
            raise GitError(f"git answered with more than {OUTPUT_BYTES // 2**20} MB.")
        if code:
            raise RefusedError(_complaint(complaints) or f"git ended with {code}")
        return output


def _complaint(file: IO[bytes]) -> str:
    """The last line git printed, without its prefix."""
    file.seek(0)
    lines = file.read(64_000).decode(errors="replace").split("\n")
    meant = [line for line in lines if line.startswith(("fatal:", "error:"))] or [line for line in lines if line.strip()]
    return "".join(char for char in meant[-1].split(": ", 1)[-1] if char.isprintable())[:300] if meant else ""


def _text(path: bytes) -> str:
    return path.decode(errors="backslashreplace")


def _argument_batches(paths: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Paths in groups that fit a command line; usually one. A rename across two groups shows as removed and added."""
    batch: list[bytes] = []
    size = 0
    for path in paths:
        if batch and size + len(path) > ARGUMENT_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += len(path) + 9
    if batch:
        yield batch
