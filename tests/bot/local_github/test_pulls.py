"""Pull requests as the API shows them."""

from __future__ import annotations

import base64

from .conftest import Stage, numbered


def test_a_pull_request(shared: Stage) -> None:
    shown = shared.bot.get(f"{shared.path}/pulls/1").json()
    assert shown["head"]["sha"] == shared.pull.head_sha
    assert (shown["base"]["sha"], shown["base"]["ref"]) == (shared.pull.base_sha, "main")
    assert (shown["changed_files"], shown["additions"], shown["deletions"], shown["commits"]) == (3, 5, 3, 1)
    assert shown["mergeable"] is True
    assert shared.bot.get(f"{shared.path}/pulls/99").status_code == 404
    assert [p["number"] for p in shared.bot.get(f"{shared.path}/pulls", params={"head": "acme:feature"}).json()] == [1]
    assert shared.bot.get(f"{shared.path}/pulls", params={"base": "other"}).json() == []


def test_its_files_carry_patches(shared: Stage) -> None:
    files = {f["filename"]: f for f in shared.bot.get(f"{shared.path}/pulls/1/files").json()}
    assert {name: f["status"] for name, f in files.items()} == {"a.py": "modified", "b.py": "added", "gone.py": "removed"}
    assert files["b.py"]["patch"] == "@@ -0,0 +1,2 @@\n+print('new')\n+print('two')"
    assert files["a.py"]["patch"].count("@@ -") == 2
    assert len(files["a.py"]["sha"]) == 40


def test_files_come_in_pages(shared: Stage) -> None:
    first = shared.bot.get(f"{shared.path}/pulls/1/files", params={"per_page": 2})
    assert [f["filename"] for f in first.json()] == ["a.py", "b.py"]
    rest = shared.bot.get(first.links["next"]["url"])
    assert [f["filename"] for f in rest.json()] == ["gone.py"]
    assert "next" not in rest.links
    assert rest.links["first"]["url"].endswith("page=1")


def test_binary_renamed_and_retyped_files(stage: Stage) -> None:
    (stage.source.path / "kept" / "name.txt").rename(stage.source.path / "kept" / "moved.txt")
    (stage.source.path / "logo.png").write_bytes(b"\x89PNG\0\xff")
    (stage.source.path / "a.py").unlink()
    (stage.source.path / "a.py").symlink_to("b.py")
    stage.source.write({"empty": ""}, "More")
    stage.github.push(stage.repository, "feature", "feature", source=stage.source.path)
    files = {f["filename"]: f for f in stage.bot.get(f"{stage.path}/pulls/1/files").json()}
    assert "patch" not in files["logo.png"]
    assert "patch" not in files["empty"]
    assert files["kept/moved.txt"]["previous_filename"] == "kept/name.txt"
    assert files["a.py"]["status"] == "changed"
    assert files["b.py"]["status"] == "added"


def test_comparison_starts_at_the_merge_base(stage: Stage) -> None:
    before = stage.pull.base_sha
    stage.source.git("checkout", "--quiet", "main")
    ahead = stage.source.write({"unrelated.py": "1\n"}, "Go on")
    stage.github.push(stage.repository, "main", "main", source=stage.source.path)
    shown = stage.bot.get(f"{stage.path}/compare/{ahead}...{stage.pull.head_sha}").json()
    assert shown["merge_base_commit"]["sha"] == before
    assert (shown["status"], shown["ahead_by"], shown["behind_by"]) == ("diverged", 1, 1)
    assert "unrelated.py" not in [f["filename"] for f in shown["files"]]
    by_name = stage.bot.get(f"{stage.path}/compare/main...acme:feature").json()
    assert by_name["files"] == shown["files"]
    assert stage.bot.get(f"{stage.path}/compare/main...{'0' * 40}").status_code == 404


def test_pull_requests_of_a_commit(shared: Stage) -> None:
    found = shared.bot.get(f"{shared.path}/commits/{shared.pull.head_sha}/pulls").json()
    assert [p["number"] for p in found] == [1]
    assert shared.bot.get(f"{shared.path}/commits/{shared.pull.base_sha}/pulls").json() == []


def test_the_diff_media_type(stage: Stage) -> None:
    diff = stage.bot.get(f"{stage.path}/pulls/1", headers={"accept": "application/vnd.github.diff"})
    assert diff.headers["content-type"].startswith("application/vnd.github.diff")
    assert diff.text.startswith("diff --git a/a.py b/a.py")
    stage.source.write({f"many/{n}.py": "1\n" for n in range(301)}, "Many")
    stage.github.push(stage.repository, "feature", "feature", source=stage.source.path)
    refused = stage.bot.get(f"{stage.path}/pulls/1", headers={"accept": "application/vnd.github.diff"})
    assert refused.status_code == 406
    assert refused.json()["errors"][0]["code"] == "too_large"


def test_contents_trees_and_blobs(shared: Stage) -> None:
    file = shared.bot.get(f"{shared.path}/contents/a.py", params={"ref": "main"}).json()
    assert base64.b64decode(file["content"]).decode() == numbered()
    assert [e["name"] for e in shared.bot.get(f"{shared.path}/contents/kept").json()] == ["name.txt"]
    tree = shared.bot.get(f"{shared.path}/git/trees/main", params={"recursive": "1"}).json()
    assert [(e["path"], e["type"]) for e in tree["tree"]] == [
        ("a.py", "blob"),
        ("gone.py", "blob"),
        ("kept", "tree"),
        ("kept/name.txt", "blob"),
    ]
    blob = shared.bot.get(f"{shared.path}/git/blobs/{file['sha']}").json()
    assert blob["content"] == file["content"]
    for path in ("contents/nothing", "git/trees/nothing", f"git/blobs/{'0' * 40}", "contents/a.py?ref=--output=x"):
        assert shared.bot.get(f"{shared.path}/{path}").status_code == 404


def test_comments_of_the_conversation(stage: Stage) -> None:
    comments = f"{stage.path}/issues/1/comments"
    made = stage.bot.post(comments, json={"body": "Hello"})
    assert made.status_code == 201
    assert made.json()["user"]["login"] == "cliffguard[bot]"
    changed = stage.bot.patch(f"{stage.path}/issues/comments/{made.json()['id']}", json={"body": "Bye"})
    assert changed.json()["body"] == "Bye"
    theirs = stage.github.comment(stage.pull, "Mine", "mira")
    assert stage.bot.patch(f"{stage.path}/issues/comments/{theirs.id}", json={"body": "No"}).status_code == 403
    assert [c["body"] for c in stage.bot.get(comments).json()] == ["Bye", "Mine"]
    assert stage.bot.post(comments, json={"body": " "}).status_code == 422
    assert stage.bot.post(comments, json={"body": "x" * 65_537}).status_code == 422
    reactions = f"{stage.path}/issues/comments/{theirs.id}/reactions"
    assert [stage.bot.post(reactions, json={"content": "eyes"}).status_code for _ in range(2)] == [201, 200]
