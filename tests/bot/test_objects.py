"""Reading git repositories, hostile ones among them, without changing anything in them."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from bot import objects
from bot.objects import GitError, Repository

ENV = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "t"), ("EMAIL", "t@example.org"))
    },
}


class Work:
    """A repository with files, for tests to change."""

    def __init__(self, path: Path, *options: str) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main", *options)

    def git(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.path, env=ENV, capture_output=True, check=check)
        return done.stdout.decode().strip()

    def write(self, **files: str | bytes) -> None:
        for name, content in files.items():
            self.put(f"{name}.py", content)

    def put(self, name: str, content: str | bytes) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, **files: str | bytes) -> str:
        self.write(**files)
        self.git("add", "-A")
        self.git("commit", "-qm", "change", "--allow-empty")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path / "work")


def state(folder: Path) -> dict[str, tuple[int, str]]:
    """Every file below, with its age and content."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, hashlib.sha1(path.read_bytes()).hexdigest())
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def texts(repository: Repository, rev: str) -> dict[str, bytes]:
    revision = repository.revision(rev)
    blobs = dict(repository.read(revision.files.values()))
    return {path: blobs[blob] for path, blob in revision.files.items() if blob in blobs}


# names


def test_revisions_are_named_as_in_git(work: Work) -> None:
    first = work.commit(a="1")
    second = work.commit(a="2")
    work.git("tag", "-am", "tag", "v1", "HEAD~1")
    with Repository(work.path) as repository:
        assert [repository.resolve(rev) for rev in ("HEAD", "main", "HEAD~1", "v1", first[:10])] == [
            second,
            second,
            first,
            first,
            first,
        ]
        tree = work.git("rev-parse", "HEAD^{tree}")
        assert repository.resolve(tree) == tree
        assert repository.resolve("HEAD:") == tree


@pytest.mark.parametrize("rev", ["nope", "", "--all", "-h", "HEAD~9", "a\0b", "0" * 40, "HEAD:a.py", "@{upstream}"])
def test_what_names_nothing_is_said(work: Work, rev: str) -> None:
    work.commit(a="1")
    with Repository(work.path) as repository, pytest.raises(GitError, match=r"Unknown revision .*check its spelling"):
        repository.resolve(rev)


def test_a_repository_without_commits_says_so(work: Work) -> None:
    with Repository(work.path) as repository, pytest.raises(GitError, match="no commit yet"):
        repository.resolve("HEAD")


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not a git repository"):
        Repository(tmp_path)
    with pytest.raises(GitError, match="not a folder"):
        Repository(tmp_path / "nothing")


def test_a_folder_inside_and_a_linked_work_tree(work: Work, tmp_path: Path) -> None:
    head = work.commit(a="1")
    work.put("deep/er/b.py", "2")
    work.git("worktree", "add", "-q", str(tmp_path / "linked"))
    (tmp_path / "linked" / "c.py").write_text("3")
    with Repository(work.path / "deep" / "er") as repository:
        assert repository.resolve("HEAD") == head
        assert set(repository.revision(repository.working_tree()).files) == {"a.py", "deep/er/b.py"}
    with Repository(tmp_path / "linked") as repository:
        assert set(repository.revision(repository.working_tree()).files) == {"a.py", "c.py"}


def test_merge_base(work: Work) -> None:
    base = work.commit(a="1")
    work.git("checkout", "-qb", "topic")
    work.commit(b="1")
    work.git("checkout", "-q", "main")
    work.commit(c="1")
    work.git("checkout", "-q", "--orphan", "alone")
    work.commit(d="1")
    with Repository(work.path) as repository:
        assert repository.merge_base("main", "topic") == base
        with pytest.raises(GitError, match=r"no common ancestor; .*--base"):
            repository.merge_base("main", "alone")


def test_default_branch(work: Work, tmp_path: Path) -> None:
    work.commit(a="1")
    work.git("checkout", "-qb", "trunk")
    subprocess.run(["git", "clone", "-q", str(work.path), str(tmp_path / "clone")], env=ENV, check=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(work.path), str(tmp_path / "bare")], env=ENV, check=True)
    with Repository(tmp_path / "clone") as repository:
        assert repository.default_branch() == "refs/remotes/origin/HEAD"
    with Repository(tmp_path / "bare") as repository:
        assert repository.resolve(repository.default_branch()) == work.git("rev-parse", "HEAD")
    with Repository(work.path) as repository:
        assert repository.default_branch() == "refs/heads/main"
        work.git("branch", "-qm", "main", "master")
        assert repository.default_branch() == "refs/heads/master"
        work.git("branch", "-qm", "master", "other")
        with pytest.raises(GitError, match="--base"):
            repository.default_branch()


def test_a_dangling_remote_head_is_passed_over(work: Work) -> None:
    work.commit(a="1")
    work.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/gone")
    with Repository(work.path) as repository:
        assert repository.default_branch() == "refs/heads/main"


# trees and blobs


def test_regular_files_of_any_name(work: Work) -> None:
    names = ["a b.py", "ä.py", "new\nline.py", 'qu"o\\te.py', "-x.py", "x/y/z.py"]
    for name in names:
        work.put(name, name)
    (work.path / "run.sh").write_text("#!")
    (work.path / "run.sh").chmod(0o755)
    (work.path / "link.py").symlink_to("a b.py")
    Work(work.path / "sub").commit(inner="1")
    (work.path / os.fsdecode(b"caf\xe9.py")).write_text("latin")
    head = work.commit()
    with Repository(work.path) as repository:
        assert texts(repository, head) == {
            **{name: name.encode() for name in names},
            "run.sh": b"#!",
            "caf\\xe9.py": b"latin",
        }
        assert repository.revision("HEAD").sha == head


def test_blobs_come_in_the_order_asked_for_each_once(work: Work) -> None:
    head = work.commit(**{f"f{n}": f"{n}\n" * n for n in range(300)})
    with Repository(work.path) as repository:
        files = repository.revision(head).files
        asked = [files[f"f{n}.py"] for n in range(299, -1, -1)]
        assert list(repository.read([*asked, *asked])) == [(files[f"f{n}.py"], b"%d\n" % n * n) for n in range(299, -1, -1)]
        assert list(repository.read([])) == []


def test_missing_large_and_wrong_objects_are_left_out(work: Work) -> None:
    head = work.commit(small="x", large="y" * 101, gone="z")
    with Repository(work.path, max_blob_bytes=100) as repository:
        files = repository.revision(head).files
        gone = files["gone.py"]
        (work.path / ".git" / "objects" / gone[:2] / gone[2:]).unlink()
        asked = [*files.values(), "0" * 40, head, "HEAD", "--help", "", f"{files['small.py']}\n{gone}"]
        assert list(repository.read(asked)) == [(files["small.py"], b"x")]


def test_objects_that_arrive_later_are_found(work: Work) -> None:
    work.commit(a="1")
    with Repository(work.path) as repository:
        assert texts(repository, "HEAD") == {"a.py": b"1"}
        later = work.commit(a="2")
        work.git("gc", "-q", "--prune=now")
        assert texts(repository, later) == {"a.py": b"2"}


def test_blobs_larger_than_a_pipe_do_not_block(work: Work) -> None:
    head = work.commit(**{f"f{n}": os.urandom(200_000) for n in range(12)})
    with Repository(work.path) as repository:
        assert {len(text) for text in texts(repository, head).values()} == {200_000}


def test_sha256_and_bare_repositories(tmp_path: Path) -> None:
    work = Work(tmp_path / "work", "--object-format=sha256")
    head = work.commit(a="1")
    subprocess.run(["git", "clone", "-q", "--bare", str(work.path), str(tmp_path / "bare")], env=ENV, check=True)
    for path in (work.path, tmp_path / "bare"):
        with Repository(path) as repository:
            assert len(head) == 64
            assert texts(repository, "HEAD") == {"a.py": b"1"}
            assert repository.is_bare is (path.name == "bare")


def test_a_broken_repository_is_a_sentence(work: Work) -> None:
    head = work.commit(a="1")
    tree = work.git("rev-parse", "HEAD^{tree}")
    (work.path / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    with Repository(work.path) as repository, pytest.raises(GitError, match=f"The tree of {head[:12]} cannot be read"):
        repository.revision(head)


def test_answers_are_bounded_in_size_and_time(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    head = work.commit(a="1", b="2")
    with Repository(work.path) as repository:
        repository.revision(head)
        monkeypatch.setattr(objects, "OUTPUT_BYTES", 20)
        with pytest.raises(GitError, match="more than"):
            repository.revision(head)
    monkeypatch.undo()
    fifo = work.path / ".git" / "packed-refs"
    os.mkfifo(fifo)
    with pytest.raises(GitError, match="took more than 1 s"):
        Repository(work.path, timeout=1).resolve("nope")


# diffs


def test_diff_with_renames_context_and_without_the_repository_s_own_taste(work: Work) -> None:
    lines = [f"line {n}" for n in range(30)]
    base = work.commit(old="\n".join(lines), gone="x\n")
    (work.path / "old.py").rename(work.path / "new.py")
    (work.path / "gone.py").unlink()
    work.put(".gitattributes", "*.py diff=evil -text\n")
    for key, value in {
        "diff.external": "touch external; false",
        "diff.evil.command": "touch driver; false",
        "diff.evil.textconv": "touch textconv; false",
        "diff.noprefix": "true",
        "diff.context": "0",
        "color.diff": "always",
        "diff.renames": "false",
    }.items():
        work.git("config", key, value)
    head = work.commit(new="\n".join([*lines[:10], "changed", *lines[11:]]))
    with Repository(work.path) as repository:
        text = repository.diff(base, head)
    assert "rename from old.py\nrename to new.py\n" in text
    assert "@@ -8,7 +8,7 @@" in text
    assert "--- a/gone.py\n+++ /dev/null\n" in text
    assert "\x1b" not in text
    assert not {"external", "driver", "textconv"} & {path.name for path in work.path.rglob("*")}


def test_diff_of_some_paths_needs_no_other_blobs(work: Work) -> None:
    base = work.commit(a="1\n", moved="m\n" * 20, other="1\n")
    (work.path / "moved.py").rename(work.path / "ä [x]*.py")
    head = work.commit(a="2\n", other="3\n")
    other = work.git("rev-parse", "HEAD:other.py")
    (work.path / ".git" / "objects" / other[:2] / other[2:]).unlink()
    with Repository(work.path) as repository:
        text = repository.diff(base, head, ["a.py", "moved.py", "ä [x]*.py", "absent.py"])
        assert "+2" in text
        assert "rename from moved.py" in text
        assert "other.py" not in text
        assert repository.diff(base, head, ["absent.py"]) == ""
        with pytest.raises(GitError):
            repository.diff(base, head)


# the files beside the repository


def test_the_working_tree_is_what_lies_there(work: Work) -> None:
    work.put(".gitignore", "*.log\nbuild/\n")
    work.commit(same="1", staged="1", edited="1", deleted="1", removed="1", kept="1")
    work.write(staged="2", edited="2", new="2", added="2")
    work.git("add", "staged.py", "added.py")
    work.git("add", "-N", "new.py")
    work.git("rm", "-q", "--cached", "kept.py")
    work.git("rm", "-q", "removed.py")
    (work.path / "deleted.py").unlink()
    work.put("deep/untracked.py", "2")
    work.put("x.log", "2")
    work.put("build/x.py", "2")
    (work.path / "link.py").symlink_to("/etc/passwd")
    before = state(work.path)
    with Repository(work.path) as repository:
        tree = repository.working_tree()
        assert texts(repository, tree) == {
            ".gitignore": b"*.log\nbuild/\n",
            **{f"{name}.py": b"1" for name in ("same", "kept")},
            **{f"{name}.py": b"2" for name in ("staged", "edited", "new", "added", "deep/untracked")},
        }
        assert "+2" in repository.diff("HEAD", tree)
    assert state(work.path) == before


def test_a_clean_working_tree_is_the_commit_s_tree(work: Work) -> None:
    work.commit(a="1", b="2")
    with Repository(work.path) as repository:
        assert repository.working_tree() == work.git("rev-parse", "HEAD^{tree}")


def test_a_change_of_the_same_size_in_the_same_moment_is_seen(work: Work) -> None:
    work.commit(a="1")
    work.write(a="2")
    with Repository(work.path) as repository:
        assert texts(repository, repository.working_tree()) == {"a.py": b"2"}


def test_before_the_first_commit_and_in_the_middle_of_a_conflict(work: Work) -> None:
    work.write(a="0")
    with Repository(work.path) as repository:
        assert texts(repository, repository.working_tree()) == {"a.py": b"0"}
    work.commit(a="1")
    work.git("checkout", "-qb", "topic")
    work.commit(a="2")
    work.git("checkout", "-q", "main")
    work.commit(a="3")
    work.git("merge", "-q", "topic", check=False)
    with Repository(work.path) as repository:
        assert b"<<<<<<<" in texts(repository, repository.working_tree())["a.py"]


def test_split_indexes_and_global_ignores(work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".gitconfig").write_text("[core]\n\texcludesFile = ~/mine\n")
    (tmp_path / "mine").write_text("*.swp\n")
    work.commit(a="1")
    work.git("update-index", "--split-index")
    (work.path / ".git" / "info").mkdir(exist_ok=True)
    (work.path / ".git" / "info" / "exclude").write_text("private.py\n")
    work.write(b="2", private="2")
    work.put("a.swp", "2")
    with Repository(work.path) as repository:
        assert texts(repository, repository.working_tree()) == {"a.py": b"1", "b.py": b"2"}


@pytest.mark.parametrize("index", ["--sparse-index", "--no-sparse-index"])
def test_what_a_sparse_checkout_leaves_out_is_still_there(work: Work, index: str) -> None:
    work.put("a/x.py", "1")
    work.put("b/c/y.py", "1")
    work.commit()
    work.git("sparse-checkout", "init", "--cone", index)
    work.git("sparse-checkout", "set", "a")
    assert not (work.path / "b").exists()
    work.put("a/x.py", "2")
    with Repository(work.path) as repository:
        assert texts(repository, repository.working_tree()) == {"a/x.py": b"2", "b/c/y.py": b"1"}


def test_a_bare_repository_has_no_files(work: Work, tmp_path: Path) -> None:
    work.commit(a="1")
    subprocess.run(["git", "clone", "-q", "--bare", str(work.path), str(tmp_path / "bare")], env=ENV, check=True)
    with Repository(tmp_path / "bare") as repository, pytest.raises(GitError, match="--head REV"):
        repository.working_tree()


# hostility


def test_nothing_of_a_hostile_repository_runs(work: Work, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    spring = f"touch {trap}; cat"
    base = work.commit(a="1")
    inner = Work(work.path / "inner")
    inner.commit(x="1")
    inner.git("config", "core.fsmonitor", spring)
    work.put(".gitattributes", "*.py filter=evil diff=evil merge=evil\n")
    work.commit()
    inner.write(x="2")
    for key, value in {
        "core.fsmonitor": spring,
        "core.hooksPath": str(tmp_path / "hooks"),
        "core.pager": spring,
        "core.editor": spring,
        "core.sshCommand": spring,
        "core.alternateRefsCommand": spring,
        "core.attributesFile": str(tmp_path / "attributes"),
        "filter.evil.clean": spring,
        "filter.evil.smudge": spring,
        "filter.evil.process": spring,
        "filter.evil.required": "true",
        "diff.evil.command": spring,
        "diff.evil.textconv": spring,
        "diff.external": spring,
        "extensions.partialClone": "origin",
        "remote.origin.url": f"ext::sh -c '{spring}'",
        "remote.origin.promisor": "true",
        "remote.origin.uploadpack": spring,
        "alias.diff-tree": f"!{spring}",
    }.items():
        work.git("config", key, value)
    (tmp_path / "attributes").write_text("* filter=evil\n")
    (tmp_path / "hooks").mkdir()
    for hook in ("post-index-change", "reference-transaction", "post-checkout"):
        (tmp_path / "hooks" / hook).write_text(f"#!/bin/sh\n{spring}\n")
        (tmp_path / "hooks" / hook).chmod(0o755)
    work.write(a="2", b="3")
    with Repository(work.path) as repository:
        tree = repository.working_tree()
        assert texts(repository, tree) == {
            "a.py": b"2",
            "b.py": b"3",
            ".gitattributes": (work.path / ".gitattributes").read_bytes(),
        }
        assert list(repository.read(["1" * 40])) == []
        repository.diff(base, tree)
        repository.merge_base("HEAD", base)
        with pytest.raises(GitError):
            repository.resolve("2" * 40)
    assert not trap.exists()


def test_promised_blobs_are_missing_not_fetched(work: Work, tmp_path: Path) -> None:
    work.commit(a="1", b="2")
    work.git("config", "uploadpack.allowFilter", "true")
    clone = ["git", "clone", "-q", "--bare", "--filter=blob:none", f"file://{work.path}", str(tmp_path / "partial")]
    subprocess.run(clone, env=ENV, check=True)
    with Repository(tmp_path / "partial") as repository:
        assert set(repository.revision("HEAD").files) == {"a.py", "b.py"}
        assert texts(repository, "HEAD") == {}
        with pytest.raises(GitError):
            repository.resolve("3" * 40)


def test_a_tree_that_unfolds_without_end_is_refused(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    work.commit(a="1")
    tree = work.git("rev-parse", "HEAD^{tree}")
    for _ in range(9):
        listing = "".join(f"040000 tree {tree}\td{n}\n" for n in range(10))
        made = subprocess.run(
            ["git", "mktree"], cwd=work.path, env=ENV, input=listing.encode(), capture_output=True, check=True
        )
        tree = made.stdout.decode().strip()
    monkeypatch.setattr(objects, "OUTPUT_BYTES", 2**20)
    with Repository(work.path) as repository, pytest.raises(GitError, match="more than 1 MB"):
        repository.revision(tree)


def test_the_environment_is_ours(monkeypatch: pytest.MonkeyPatch, work: Work, tmp_path: Path) -> None:
    head = work.commit(a="1")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    with Repository(work.path) as repository:
        assert repository.resolve("HEAD") == head
        assert texts(repository, repository.working_tree()) == {"a.py": b"1"}
    assert "SECRET" not in objects.environment()


def test_closing_leaves_nothing_behind(work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    work.commit(a="1")
    repository = Repository(work.path)
    assert texts(repository, "HEAD")
    assert list((tmp_path / "temporary").iterdir())
    repository.close()
    assert not list((tmp_path / "temporary").iterdir())
    assert texts(repository, "HEAD"), "it opens again when asked again"
    del repository
    assert not list((tmp_path / "temporary").iterdir())
