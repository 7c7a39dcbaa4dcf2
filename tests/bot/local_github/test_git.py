"""What a real git client gets over HTTP, and what it does not."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import httpx
import pytest

from bot.local_github.git import environment

from .conftest import Stage, numbered


def run(directory: Path, *arguments: str, token: str | None = None) -> subprocess.CompletedProcess[str]:
    """git with a credential in its environment, and HTTP allowed."""
    settings = {"protocol.http.allow": "always"}
    if token:
        settings["http.extraheader"] = f"Authorization: Basic {base64.b64encode(f'x-access-token:{token}'.encode()).decode()}"
    env = {**environment(), "GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    command = ["git", "-C", str(directory), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    run(tmp_path, "init", "--quiet", "--bare", "mirror")
    return tmp_path / "mirror"


def test_a_narrow_token_fetches_blobless_and_shallow(shared: Stage, mirror: Path) -> None:
    token = shared.github.token(shared.repository, contents="read")
    url, base = f"{shared.github.url}/acme/shop.git", shared.pull.base_sha
    run(mirror, "config", "remote.origin.url", url)
    done = run(mirror, "fetch", "--depth=1", "--filter=blob:none", "origin", base, "refs/pull/1/head", token=token)
    assert done.returncode == 0, done.stderr
    missing = run(mirror, "rev-list", "--objects", "--missing=print", base, shared.pull.head_sha).stdout
    assert sum(line.startswith("?") for line in missing.splitlines()) >= 4
    blobs = [line[1:] for line in missing.splitlines() if line.startswith("?")]
    fetched = run(mirror, "fetch", "--no-filter", "--refetch", "--depth=1", "origin", *blobs, token=token)
    assert fetched.returncode == 0, fetched.stderr
    assert run(mirror, "cat-file", "blob", f"{base}:a.py").stdout == numbered()


def test_the_merge_of_the_pull_request_is_a_ref(shared: Stage, mirror: Path) -> None:
    token = shared.github.token(shared.repository, contents="read")
    done = run(mirror, "fetch", f"{shared.github.url}/acme/shop", "refs/pull/1/merge", token=token)
    assert done.returncode == 0, done.stderr
    parents = run(mirror, "rev-list", "--parents", "-1", "FETCH_HEAD").stdout.split()
    assert parents == [shared.pull.merge_commit, shared.pull.base_sha, shared.pull.head_sha]


def test_others_fetch_nothing(stage: Stage, mirror: Path) -> None:
    elsewhere = stage.github.create_repository("acme/other", stage.source.path, branches={"main": "main"})
    url = f"{stage.github.url}/acme/shop.git"
    for token, message in (
        (None, "could not read Username"),
        ("ghs_invented", "could not read Username"),
        (stage.github.token(stage.repository, checks="write"), "403"),
        (stage.github.token(elsewhere, contents="read"), "not found"),
    ):
        done = run(mirror, "fetch", url, "main", token=token)
        assert done.returncode != 0
        assert message in done.stderr


def test_nothing_can_be_pushed(shared: Stage, mirror: Path) -> None:
    token = shared.github.token(shared.repository)
    run(mirror, "fetch", f"{shared.github.url}/acme/shop.git", "main", token=token)
    done = run(mirror, "push", f"{shared.github.url}/acme/shop.git", "FETCH_HEAD:refs/heads/evil", token=token)
    assert done.returncode != 0
    assert shared.repository.git.resolve("refs/heads/evil") is None
    answer = httpx.get(f"{shared.github.url}/acme/shop.git/info/refs?service=git-receive-pack", trust_env=False)
    assert answer.status_code == 403


def test_an_outage_reaches_git_too(shared: Stage, mirror: Path) -> None:
    token = shared.github.token(shared.repository, contents="read")
    shared.github.faults.outage(r"/info/refs$", status=503)
    url = f"{shared.github.url}/acme/shop.git"
    assert "503" in run(mirror, "fetch", url, "main", token=token).stderr
    assert run(mirror, "fetch", url, "main", token=token).returncode == 0


def test_the_source_is_only_read(stage: Stage) -> None:
    refs = stage.source.git("for-each-ref", "--format=%(refname)")
    assert refs.split() == ["refs/heads/feature", "refs/heads/main"]
    assert stage.source.git("status", "--porcelain") == ""


def test_a_worktree_and_a_bare_clone_serve_as_source(stage: Stage, tmp_path: Path) -> None:
    stage.source.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"), "feature")
    for name, source in (("tree", tmp_path / "tree"), ("bare", stage.repository.git.path)):
        made = stage.github.create_repository(f"acme/{name}", source, branches={"main": "main", "feature": "feature"})
        assert stage.github.open_pull(made, "feature").head_sha == stage.pull.head_sha


def test_what_cannot_be_is_refused(stage: Stage) -> None:
    github, path = stage.github, stage.source.path
    with pytest.raises(ValueError, match="no such commit"):
        github.create_repository("acme/nothing", path, branches={"main": "nowhere"})
    with pytest.raises(ValueError, match="exists already"):
        github.create_repository("acme/shop", path, branches={"main": "main"})
    for name in ("acme/a b", "acme/..", "../shop", "acme", "acme/x.git"):
        with pytest.raises(ValueError, match="not a repository name"):
            github.create_repository(name, path, branches={"main": "main"})
    assert len(github.world.repositories) == 1
    with pytest.raises(ValueError, match="no such branch"):
        github.open_pull(stage.repository, "nowhere")
