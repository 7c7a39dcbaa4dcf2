"""Mirrors: what is fetched, how often, and what neither damage, outages nor hostile remotes can do."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from analyzers import Revision
from bot import mirror as mirrors_module
from bot.errors import Broken, Later
from bot.mirror import Mirror, Mirrors, NoCommit, Snapshot, Source, judge, locked, scrub, size_of
from bot.subprocesses import Exceeded, Finished, Overdue, run_group


@dataclass
class Remote:
    """A repository with a base, and a head that is only in `refs/pull/7/head`."""

    path: Path

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        command = ("git", "-C", str(self.path), *identity, *arguments)
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, **files: str | None) -> str:
        for name, text in files.items():
            path = self.path / name.replace("__", ".")
            path.unlink(missing_ok=True) if text is None else path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")
        return self.git("rev-parse", "HEAD")

    @property
    def source(self) -> Source:
        return Source(f"file://{self.path}")


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    remote = Remote(tmp_path / "remote")
    remote.path.mkdir()
    remote.git("init", "-q", "-b", "main")
    remote.git("config", "uploadpack.allowFilter", "true")
    remote.git("config", "uploadpack.allowAnySHA1InWant", "true")
    return remote


@pytest.fixture
def pull(remote: Remote) -> tuple[str, str]:
    """Base and head of a pull request that changes one of three files."""
    base = remote.commit(a__py="a = 1\n", b__py="b = 1\n", big__bin="z" * 3000)
    head = remote.commit(b__py="b = 2\n", c__py="c = 1\n")
    remote.git("update-ref", "refs/pull/7/head", head)
    remote.git("reset", "-q", "--hard", base)
    return base, head


@pytest.fixture
def mirrors(tmp_path: Path) -> Mirrors:
    return Mirrors(tmp_path / "mirrors", allow_file=True, lock_timeout=0.2, timeout=30)


def python_files(revision: Revision) -> list[str]:
    return [blob for path, blob in revision.files.items() if path.endswith(".py")]


def update(mirror: Mirror, base: str, head: str, number: int = 7) -> tuple[Snapshot, dict[str, bytes]]:
    snapshot = mirror.update(base, head, number, python_files)
    files = {path: blob for path, blob in snapshot.head.files.items() if path.endswith(".py")}
    texts = dict(snapshot.blobs.read(files.values()))
    snapshot.blobs.close()
    return snapshot, {path: texts[blob] for path, blob in files.items() if blob in texts}


def objects_of(mirror: Mirror) -> list[str]:
    command = ("git", "--git-dir", str(mirror.path), "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)")
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def test_a_pull_request_costs_two_fetches_and_its_repetition_none(
    mirrors: Mirrors, remote: Remote, pull: tuple[str, str]
) -> None:
    with mirrors.open(5, remote.source) as mirror:
        snapshot, texts = update(mirror, *pull)
        assert texts == {"a.py": b"a = 1\n", "b.py": b"b = 2\n", "c.py": b"c = 1\n"}
        assert set(snapshot.base.files) == {"a.py", "b.py", "big.bin"}
        assert "-b = 1\n+b = 2\n" in snapshot.diff
        assert "+++ b/c.py" in snapshot.diff
        assert mirror.fetched == 2
        assert objects_of(mirror).count("blob") == 4  # not the big file, which nobody asked for
    with mirrors.open(5, remote.source) as again:
        update(again, *pull)
        assert again.fetched == 0


def test_the_next_push_fetches_what_it_changed(mirrors: Mirrors, remote: Remote, pull: tuple[str, str]) -> None:
    base, head = pull
    with mirrors.open(5, remote.source) as mirror:
        update(mirror, base, head)
        before = set(objects_of(mirror))
        remote.git("reset", "-q", "--hard", head)
        new = remote.commit(b__py="b = 3\n")
        _, texts = update(mirror, base, new)
        assert texts["b.py"] == b"b = 3\n"
        assert len(objects_of(mirror)) <= len(before) + 7 + 3
        assert mirror.fetched == 4


def test_a_server_without_filters_serves_too(mirrors: Mirrors, remote: Remote, pull: tuple[str, str]) -> None:
    remote.git("config", "uploadpack.allowFilter", "false")
    with mirrors.open(5, remote.source) as mirror:
        _, texts = update(mirror, *pull)
        assert len(texts) == 3


def test_a_head_that_only_its_ref_serves(
    mirrors: Mirrors, remote: Remote, pull: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Mirror._fetch

    def refuse_ids(self: Mirror, *arguments: str, **options: object) -> None:
        if any(argument.startswith(f"+{pull[1]}") for argument in arguments):
            raise NoCommit("upload-pack: not our ref")
        original(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Mirror, "_fetch", refuse_ids)
    with mirrors.open(5, remote.source) as mirror:
        _, texts = update(mirror, *pull)
        assert texts["b.py"] == b"b = 2\n"
        remote.git("update-ref", "refs/pull/8/head", pull[0])
    with mirrors.open(6, remote.source) as other, pytest.raises(NoCommit, match="another head"):
        update(other, *pull, number=8)


def test_a_commit_that_is_not_there_comes_later(mirrors: Mirrors, remote: Remote, pull: tuple[str, str]) -> None:
    with mirrors.open(5, remote.source) as mirror:
        for number in (7, 0, 99):
            with pytest.raises(NoCommit):
                update(mirror, pull[0], "f" * 40, number)


@pytest.mark.parametrize("name", ["--upload-pack=touch x", "main", "", "f" * 39, "F" * 40])
def test_only_commit_ids_reach_git(mirrors: Mirrors, remote: Remote, pull: tuple[str, str], name: str) -> None:
    with mirrors.open(5, remote.source) as mirror, pytest.raises(Broken, match="commit id"):
        update(mirror, pull[0], name)


@pytest.mark.parametrize("url", ["ext::sh -c touch% x", "ssh://example.org/a", "git://example.org/a", "/a/path", "file:///a"])
def test_other_protocols_are_refused(tmp_path: Path, url: str) -> None:
    with Mirrors(tmp_path / "m").open(5, Source(url)) as mirror, pytest.raises(Broken, match="over https"):
        update(mirror, "a" * 40, "b" * 40)


def test_reading_never_fetches(mirrors: Mirrors, remote: Remote, pull: tuple[str, str]) -> None:
    with mirrors.open(5, remote.source) as mirror:
        snapshot = mirror.update(*pull, 7, python_files)
        big = snapshot.head.files["big.bin"]
        assert list(snapshot.blobs.read([big])) == []
        snapshot.blobs.close()
        assert "remote" not in (mirror.path / "config").read_text()
        assert str(remote.path) not in (mirror.path / "config").read_text()


DAMAGES = {
    "packs gone": lambda path: [pack.unlink() for pack in path.glob("objects/pack/*.pack")],
    "packs cut": lambda path: [(p.chmod(0o600), p.write_bytes(p.read_bytes()[:40])) for p in path.glob("objects/pack/*.pack")],
    "no HEAD": lambda path: (path / "HEAD").unlink(),
    "bad config": lambda path: (path / "config").write_text("[core"),
    "bad shallow": lambda path: (path / "shallow").write_text("nonsense\n"),
    "locks left": lambda path: [(path / name).touch() for name in ("shallow.lock", "packed-refs.lock", "refs/keep/x.lock")],
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("further", [False, True])
def test_a_damaged_mirror_is_fetched_anew(
    mirrors: Mirrors, remote: Remote, pull: tuple[str, str], damage: str, further: bool
) -> None:
    with mirrors.open(5, remote.source) as mirror:
        update(mirror, *pull)
    DAMAGES[damage](mirror.path)
    head = pull[1]
    if further:
        remote.git("reset", "-q", "--hard", head)
        head = remote.commit(b__py="b = 2\n", d__py="d\n")
    with mirrors.open(5, remote.source) as mirror:
        _, texts = update(mirror, pull[0], head)
        assert texts["b.py"] == b"b = 2\n"
    assert not list(mirrors.root.glob("*.dead-*"))


def test_too_many_packs_start_anew(
    mirrors: Mirrors, remote: Remote, pull: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirrors_module, "PACKS", 1)
    for _ in range(2):
        with mirrors.open(5, remote.source) as mirror:
            update(mirror, *pull)
            assert mirror.fetched == 2


def test_a_tree_that_is_too_large_is_refused(mirrors: Mirrors, remote: Remote, pull: tuple[str, str]) -> None:
    mirrors.max_files = 3
    with mirrors.open(5, remote.source) as mirror, pytest.raises(Broken, match="4 files; at most 3"):
        update(mirror, *pull)


def test_links_and_submodules_are_no_files(mirrors: Mirrors, remote: Remote, pull: tuple[str, str]) -> None:
    base, _ = pull
    (remote.path / "link.py").symlink_to("/etc/passwd")
    remote.git("update-index", "--add", "--cacheinfo", f"160000,{base},sub")
    remote.git("add", "link.py")
    remote.git("commit", "-q", "-m", "links")
    head = remote.git("rev-parse", "HEAD")
    with mirrors.open(5, remote.source) as mirror:
        snapshot, texts = update(mirror, base, head)
        assert set(snapshot.head.files) == {"a.py", "b.py", "big.bin"}
        assert set(texts) == {"a.py", "b.py"}


def test_a_fetch_that_exceeds_its_size_is_stopped(mirrors: Mirrors, remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(command: object, environment: object, *, exceeded: object, **options: object) -> Finished:
        assert callable(exceeded)
        assert not exceeded()
        (mirrors.root / "5.git" / "objects" / "pack" / "tmp_pack_x").write_bytes(b"x" * 2000)
        assert exceeded()
        raise Exceeded

    mirrors.fetch_bytes = 1000
    monkeypatch.setattr(mirrors_module, "run_group", slow)
    with mirrors.open(5, remote.source) as mirror, pytest.raises(Broken, match="too large"):
        update(mirror, "a" * 40, "b" * 40)


def test_another_worker_at_the_same_repository_is_waited_for_so_long(mirrors: Mirrors, remote: Remote) -> None:
    mirrors.root.mkdir()
    with (
        locked(mirrors.root / "5.fetch", fcntl.LOCK_EX, 0),
        mirrors.open(5, remote.source) as mirror,
        pytest.raises(Later, match="another worker"),
    ):
        update(mirror, "a" * 40, "b" * 40)


def test_a_mirror_in_use_is_not_deleted(mirrors: Mirrors, remote: Remote, pull: tuple[str, str]) -> None:
    with mirrors.open(5, remote.source) as mirror:
        update(mirror, *pull)
        with mirrors.open(5, remote.source) as other, pytest.raises(Later):
            other.renew()
        assert mirror.path.exists()
        mirror.renew()
        assert not mirror.path.exists()


def test_the_least_recently_used_mirrors_go(mirrors: Mirrors, remote: Remote, pull: tuple[str, str]) -> None:
    for id in (1, 2, 3):
        with mirrors.open(id, remote.source) as mirror:
            update(mirror, *pull)
    size = size_of(mirrors.root / "1.git")
    now = time.time()
    for id, age in ((1, 50), (2, 10), (3, 100)):
        os.utime(mirrors.root / f"{id}.use", (now - age, now - age))
    (mirrors.root / "8.git.dead-1-1").mkdir()
    mirrors.limit_bytes = int(size * 2.5)
    mirrors.evict()  # too soon after the last time
    assert (mirrors.root / "3.git").exists()
    os.utime(mirrors.root / "evicted", (0, 0))
    mirrors.evict()
    assert sorted(path.name for path in mirrors.root.glob("*.git*")) == ["1.git", "2.git"]
    mirrors.limit_bytes = 0
    os.utime(mirrors.root / "evicted", (0, 0))
    with locked(mirrors.root / "1.use", fcntl.LOCK_SH, 0):
        mirrors.evict()
    assert sorted(path.name for path in mirrors.root.glob("*.git*")) == ["1.git"]


SECRET = "ghs_secret0123456789"


def test_the_credential_is_only_in_the_environment_and_bound_to_its_host() -> None:
    environment = Source("https://ghe.example/a/b.git", lambda: SECRET).environment(allow_file=False)
    count = int(environment["GIT_CONFIG_COUNT"])
    config = {environment[f"GIT_CONFIG_KEY_{n}"]: environment[f"GIT_CONFIG_VALUE_{n}"] for n in range(count)}
    assert config["http.https://ghe.example/.extraheader"].startswith("Authorization: Basic ")
    assert config["remote.origin.url"] == "https://ghe.example/a/b.git"
    assert {key: value for key, value in config.items() if key.startswith("protocol.")} == {
        "protocol.allow": "never",
        "protocol.https.allow": "always",
    }
    assert config["http.followRedirects"] == "false"
    assert config["core.hooksPath"] == os.devnull
    assert SECRET not in "".join(environment.values())


def test_what_git_complains_of_carries_no_secret() -> None:
    environment = Source("https://ghe.example/a/b.git", lambda: SECRET).environment(allow_file=False)
    encoded = next(v for v in environment.values() if v.startswith("Authorization")).split()[-1]
    text = f"fatal: https://x-access-token:{SECRET}@ghe.example/a failed\nAuthorization: Basic {encoded}\ntoken {SECRET}"
    shown = scrub(text, environment)
    assert SECRET not in shown
    assert encoded not in shown
    assert "\n" not in shown
    assert "ghe.example/a failed" in shown


@pytest.mark.parametrize(
    ("complaint", "error"),
    [
        ("fatal: remote error: upload-pack: not our ref 1234", NoCommit),
        ("error: Server does not allow request for unadvertised object 1234", NoCommit),
        ("fatal: couldn't find remote ref refs/pull/7/head", NoCommit),
        ("fatal: Authentication failed for 'https://x/'", Later),
        ("fatal: unable to access 'https://x/': The requested URL returned error: 403", Later),
        ("fatal: repository 'https://x/' not found", Later),
        ("fatal: unable to access 'https://x/': Could not resolve host: x", Later),
        ("error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502", Later),
        ("fatal: the remote end hung up unexpectedly", Later),
        ("fatal: packfile ./objects/pack/pack-1.pack cannot be accessed", mirrors_module.Damaged),
        ("fatal: bad object 1234", mirrors_module.Damaged),
    ],
)
def test_each_complaint_has_its_meaning(complaint: str, error: type[Exception]) -> None:
    assert type(judge(Finished(128, "", complaint), complaint)) is error


# processes


def test_a_process_that_takes_too_long_dies_with_its_children(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    script = f"(while :; do date +%s.%N > {alive}; sleep 0.05; done) & wait"
    start = time.monotonic()
    with pytest.raises(Overdue):
        run_group(("sh", "-c", script), {"PATH": os.environ["PATH"]}, timeout=0.5)
    assert time.monotonic() - start < 5
    last = alive.read_text()
    time.sleep(0.2)
    assert alive.read_text() == last


def test_a_process_that_exceeds_a_bound_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    path = {"PATH": os.environ["PATH"]}
    with pytest.raises(Exceeded):
        run_group(("sleep", "30"), path, timeout=20, exceeded=lambda: True, every=0.05)
    monkeypatch.setattr("bot.subprocesses.OUTPUT_BYTES", 100_000)
    with pytest.raises(Exceeded):
        run_group(("yes",), path, timeout=20)


def test_a_process_is_fed_and_read_whole() -> None:
    data = b"".join(b"%d\n" % n for n in range(200_000))
    done = run_group(("cat",), {"PATH": os.environ["PATH"]}, input=data, timeout=20)
    assert done.stdout.encode() == data
    failed = run_group(("sh", "-c", "echo out; echo err >&2; exit 3"), {"PATH": os.environ["PATH"]}, input=data, timeout=20)
    assert (failed.code, failed.stdout, failed.stderr) == (3, "out\n", "err\n")


@pytest.fixture(autouse=True)
def _no_prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
