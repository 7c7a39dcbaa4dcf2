"""A repository's own routes: itself, its contents, trees and blobs, and the comparison of two commits."""

from __future__ import annotations

import base64

from bot.local_github import views
from bot.local_github.api import Answer, Call, Operation
from bot.local_github.diff import diff
from bot.local_github.git import GitError
from bot.local_github.refusal import NOT_FOUND, Refusal
from bot.local_github.state import Repository

MAX_FILES, MAX_COMMITS = 300, 250
MAX_CONTENT = 1_000_000
Entry = tuple[str, str, str, int | None, str]
_KINDS = {"blob": "file", "tree": "dir", "commit": "submodule"}
CONTENTS, METADATA = (("contents", "read"),), (("metadata", "read"),)
PULLS = (("pull_requests", "read"), *CONTENTS)


def commit_of(repository: Repository, revision: str) -> str:
    """The commit id of a branch, tag or id; 404 for what is none."""
    for name in (f"refs/heads/{revision}", f"refs/tags/{revision}", revision):
        if not revision.startswith("-") and (sha := repository.git.resolve(name)):
            return sha
    raise NOT_FOUND


def show_repository(call: Call) -> Answer:
    return Answer(json=views.repository(call.world, call.repository))


def compare(call: Call) -> Answer:
    """`base...head`, each a branch, a commit or `owner:branch`: the diff from the merge base."""
    world, repo, git = call.world, call.repository, call.repository.git
    names = call.path["basehead"].split("...")
    if len(names) != 2:
        raise NOT_FOUND
    base, head = (commit_of(repo, name.rpartition(":")[2]) for name in names)
    start = git.merge_base(base, head)
    if start is None:
        raise Refusal(404, f"No common ancestor between {names[0]} and {names[1]}.")
    ahead, behind = git.count(f"{base}..{head}"), git.count(f"{head}..{base}")
    commits, links = call.page(list(reversed(git.commits(f"{base}..{head}", limit=MAX_COMMITS))), default=MAX_COMMITS)
    files = diff(git, start, head).files[:MAX_FILES] if call.query.get("page", "1") == "1" else ()
    page, url = f"{world.url}/{repo.full_name}/compare", f"{world.api_url}/repos/{repo.full_name}/compare"
    shown = {
        "url": f"{url}/{call.path['basehead']}",
        "html_url": f"{page}/{call.path['basehead']}",
        "permalink_url": f"{page}/{base[:7]}...{head[:7]}",
        "diff_url": f"{page}/{call.path['basehead']}.diff",
        "patch_url": f"{page}/{call.path['basehead']}.patch",
        "base_commit": views.commit(world, repo, git.commit(base)),
        "merge_base_commit": views.commit(world, repo, git.commit(start)),
        "status": "diverged" if ahead and behind else "ahead" if ahead else "behind" if behind else "identical",
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": [views.commit(world, repo, c) for c in commits],
        "files": [views.file(world, repo, head, f) for f in files],
    }
    return Answer(json=shown, headers=links)


def pulls_of_commit(call: Call) -> Answer:
    """Pull requests whose changes hold the commit; those of forks too."""
    git, sha = call.repository.git, commit_of(call.repository, call.path["commit_sha"])

    def holds(base: str, head: str) -> bool:
        return git.merge_base(sha, head) == sha and git.merge_base(sha, base) != sha

    found = [p for p in call.repository.pulls.values() if holds(p.base_sha, p.head_sha)]
    items, links = call.page(found)
    return Answer(json=[views.simple_pull(call.world, p) for p in items], headers=links)


def contents(call: Call) -> Answer:
    """A file as base64, or the list of a directory."""
    repo, path = call.repository, call.path["path"].strip("/")
    sha = commit_of(repo, call.query.get("ref") or repo.default_branch)
    kind = repo.git.kind(f"{sha}:{path}")
    if kind == "tree":
        return Answer(json=[_entry(call, sha, path, e) for e in _tree(repo, f"{sha}:{path}")])
    if kind != "blob":
        raise NOT_FOUND
    data, blob = repo.git.run("cat-file", "blob", f"{sha}:{path}"), repo.git.text("rev-parse", f"{sha}:{path}")
    if "raw" in call.accept:
        return Answer(text=data.decode("utf-8", "replace"), media="application/vnd.github.raw; charset=utf-8")
    if len(data) > MAX_CONTENT:
        raise Refusal(403, "This API returns blobs up to 1 MB in size.")
    folder, _, name = path.rpartition("/")
    shown = _entry(call, sha, folder, ("100644", "blob", blob, len(data), name))
    return Answer(json={**shown, "encoding": "base64", "content": base64.encodebytes(data).decode()})


def _tree(repository: Repository, name: str, *options: str) -> list[Entry]:
    """Mode, kind, id, size and path of each entry of a tree."""
    found = []
    for line in repository.git.run("ls-tree", "-z", "--long", *options, name).decode("utf-8", "replace").split("\0")[:-1]:
        meta, _, path = line.partition("\t")
        mode, kind, sha, size = meta.split()
        found.append((mode, kind, sha, int(size) if size.isdigit() else None, path))
    return found


def _entry(call: Call, ref: str, folder: str, item: Entry) -> views.Json:
    _, kind, sha, size, name = item
    repo, path = call.repository, f"{folder}/{name}".strip("/")
    url = f"{call.world.api_url}/repos/{repo.full_name}"
    me, git = f"{url}/contents/{path}?ref={ref}", f"{url}/git/{'trees' if kind == 'tree' else 'blobs'}/{sha}"
    html = f"{call.world.url}/{repo.full_name}/{kind}/{ref}/{path}"
    return {
        "type": _KINDS[kind],
        "size": size or 0,
        "name": name,
        "path": path,
        "sha": sha,
        "url": me,
        "git_url": git,
        "html_url": html,
        "download_url": None,
        "_links": {"self": me, "git": git, "html": html},
    }


def show_tree(call: Call) -> Answer:
    repo, name = call.repository, call.path["tree_sha"]
    revision = name if repo.git.kind(name) == "tree" and not name.startswith("-") else f"{commit_of(repo, name)}^{{tree}}"
    sha = repo.git.text("rev-parse", revision)
    url = f"{call.world.api_url}/repos/{repo.full_name}/git"
    entries = []
    for mode, kind, item, size, path in _tree(repo, sha, *(("-r", "-t") if call.query.get("recursive") else ())):
        entry: views.Json = {"path": path, "mode": mode, "type": kind, "sha": item, "url": f"{url}/{kind}s/{item}"}
        entries.append(entry if size is None else {**entry, "size": size})
    return Answer(json={"sha": sha, "url": f"{url}/trees/{sha}", "tree": entries, "truncated": False})


def show_blob(call: Call) -> Answer:
    repo, sha = call.repository, call.path["file_sha"]
    if sha.startswith("-") or repo.git.kind(sha) != "blob":
        raise NOT_FOUND
    try:
        data = repo.git.run("cat-file", "blob", sha)
    except GitError:
        raise NOT_FOUND from None
    shown = {
        "sha": sha,
        "node_id": f"B_{sha}",
        "size": len(data),
        "url": f"{call.world.api_url}/repos/{repo.full_name}/git/blobs/{sha}",
    }
    return Answer(json={**shown, "content": base64.encodebytes(data).decode(), "encoding": "base64"})


def tarball(call: Call) -> Answer:
    sha = commit_of(call.repository, call.path["ref"])
    return Answer(302, None, {"location": f"{call.world.url}/{call.repository.full_name}/archive/{sha}.tar.gz"})


def permission_of(call: Call) -> Answer:
    """Owners administer, everybody else reads."""
    account = call.world.accounts.get(call.path["username"].lower())
    if account is None:
        raise NOT_FOUND
    level = "admin" if account is call.repository.owner else "read"
    shown = {**views.user(call.world, account), "role_name": level}
    return Answer(json={"permission": level, "role_name": level, "user": shown})


OPERATIONS = [
    Operation("GET", "/repos/{owner}/{repo}", show_repository, METADATA),
    Operation("GET", "/repos/{owner}/{repo}/compare/{basehead}", compare, CONTENTS),
    Operation(
        "GET", "/repos/{owner}/{repo}/commits/{commit_sha}/pulls", pulls_of_commit, (("pull_requests", "read"), *CONTENTS)
    ),
    Operation("GET", "/repos/{owner}/{repo}/contents/{path}", contents, CONTENTS),
    Operation("GET", "/repos/{owner}/{repo}/git/trees/{tree_sha}", show_tree, CONTENTS),
    Operation("GET", "/repos/{owner}/{repo}/git/blobs/{file_sha}", show_blob, CONTENTS),
    Operation("GET", "/repos/{owner}/{repo}/tarball/{ref}", tarball, CONTENTS),
    Operation("GET", "/repos/{owner}/{repo}/collaborators/{username}/permission", permission_of, METADATA),
]
