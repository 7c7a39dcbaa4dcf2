"""Other analysers of N+1 queries in Django, asked the same question as Cliffguard: what does this change add?

    python -m bench.peers django-orm-lens --repo DIR [--base REV] --head REV [--store DIR]

None of them compares two revisions, so each runs over the whole Python tree of both, and what it says of the head and not of
the base is what the change adds: the same rule, file, words and source line, counted, so that moved lines are no news. The
answer is SARIF in the shape `cliffguard review` writes, every result in the category `n_plus_one`. Without a base it is all the
analyser says of the head. `--store` keeps answers by tree, so that the way back of a change costs nothing.

The analysers are found in the folder `PEERS` names, or on the path: django-orm-lens, drf-lint (of mitol-drf-lint) and djch.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from bench.mirrors import git

READ = (".py", ".toml", ".cfg")
"""What an analyser may see of a tree: the sources, and what it finds the root of a project by."""
SERIALIZER = re.compile(r"^class \w*Serializer\w*\(", re.MULTILINE)
DJCH = re.compile(r"^(?P<path>[^\s:][^:]*):(?P<line>\d+):\d+: \[N\+1\] (?P<text>.*)$", re.MULTILINE)
DRF_LINT = re.compile(r"^(?P<path>[^\s:][^:]*):(?P<line>\d+):\d+: (?P<rule>ORM\d+) (?P<text>.*)$", re.MULTILINE)


class Remark(msgspec.Struct, frozen=True):
    """One thing an analyser said, and the source line it said it of."""

    rule: str
    path: str
    line: int
    text: str
    source: str

    @property
    def identity(self) -> tuple[str, str, str, str]:
        return self.rule, self.path, self.text, self.source


class Answer(msgspec.Struct, frozen=True):
    """All remarks on one tree, and the seconds the analyser took for them."""

    remarks: list[Remark]
    seconds: float


def django_orm_lens(tree: Path) -> Iterator[tuple[str, str, int, str]]:
    """Every confidence it has; it reads the whole tree."""
    said = _run(tree, "django-orm-lens", "nplusone", "--format", "json", "--exit-zero", "--quiet")
    for finding in json.loads(said or "[]"):
        text = f"{finding['loop_var']} of {finding['queryset_var']} reads {', '.join(finding['accessed'])}"
        yield f"nplusone-{finding['confidence']}", finding["file"], finding["line"], text


def djch(tree: Path) -> Iterator[tuple[str, str, int, str]]:
    for found in DJCH.finditer(_run(tree, "djch", "check")):
        yield "djch", found["path"], int(found["line"]), found["text"]


def drf_lint(tree: Path) -> Iterator[tuple[str, str, int, str]]:
    """It is given every file that has a class of serializers, which is more than the names its own documentation suggests."""
    files = [path for path in _sources(tree) if SERIALIZER.search(path.read_text("utf-8", "replace"))]
    names = sorted(path.relative_to(tree).as_posix() for path in files)
    if names:
        for found in DRF_LINT.finditer(_run(tree, "drf-lint", "--no-baseline", "--no-index-cache", *names)):
            yield found["rule"], found["path"], int(found["line"]), found["text"]


PEERS: dict[str, Callable[[Path], Iterable[tuple[str, str, int, str]]]] = {
    "django-orm-lens": django_orm_lens,
    "djch": djch,
    "drf-lint": drf_lint,
}


def added(repository: Path, peer: str, base: str | None, head: str, store: Path | None) -> list[Remark]:
    """What an analyser says of the head and not of the base."""
    known = Counter(remark.identity for remark in (answer(repository, peer, base, store).remarks if base else ()))
    new = []
    for remark in answer(repository, peer, head, store).remarks:
        if known[remark.identity] > 0:
            known[remark.identity] -= 1
        else:
            new.append(remark)
    return new


def answer(repository: Path, peer: str, revision: str, store: Path | None) -> Answer:
    """All it says of one revision, from the store where it has said it before."""
    tree = git(repository, "rev-parse", f"{revision}^{{tree}}")
    kept = store / f"{peer}-{hashlib.sha1(tree.encode(), usedforsecurity=False).hexdigest()}.json" if store else None
    if kept and kept.is_file():
        return msgspec.json.decode(kept.read_bytes(), type=Answer)
    with tempfile.TemporaryDirectory(prefix="cliffguard-peers-") as name:
        _check_out(repository, tree, Path(name))
        started = time.monotonic()
        said = list(PEERS[peer](Path(name)))
        seconds = time.monotonic() - started
        remarks = [Remark(rule, path, line, text, _line(Path(name) / path, line)) for rule, path, line, text in said]
        answered = Answer(remarks, seconds)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(msgspec.json.encode(answered))
    return answered


def sarif(peer: str, remarks: Iterable[Remark]) -> dict[str, object]:
    """The remarks as a report whose every rule is one of N+1 queries."""
    said = list(remarks)
    rules = [{"id": rule, "properties": {"category": "n_plus_one"}} for rule in sorted({remark.rule for remark in said})]
    results = [
        {
            "ruleId": remark.rule,
            "baselineState": "new",
            "message": {"text": remark.text},
            "locations": [_location(remark)],
        }
        for remark in said
    ]
    return {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": peer, "rules": rules}}, "results": results}]}


def _location(remark: Remark) -> dict[str, object]:
    return {"physicalLocation": {"artifactLocation": {"uri": remark.path}, "region": {"startLine": remark.line}}}


def _run(tree: Path, program: str, *arguments: str) -> str:
    """What the program prints in a tree; anything but a report, exit status 0 or 1, is an error."""
    path = shutil.which(program, path=os.environ.get("PEERS")) or shutil.which(program)
    if path is None:
        raise SystemExit(f"{program} is neither in the folder PEERS names nor on the path")
    done = subprocess.run([path, *arguments], cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.stderr.write(done.stderr)
        raise SystemExit(2)
    return done.stdout


def _check_out(repository: Path, tree: str, into: Path) -> None:
    """Write what analysers read of a tree, with the folder they know its root by. Blobs a partial clone lacks are left out."""
    (into / ".git").mkdir()
    entries = git(repository, "ls-tree", "-r", "-z", tree).rstrip("\0").split("\0")
    named = [(entry.partition("\t")[0].split(), entry.partition("\t")[2]) for entry in entries if entry]
    wanted = [(blob, path) for (mode, kind, blob), path in named if kind == "blob" and mode != "120000" and path.endswith(READ)]
    command = ["git", f"--git-dir={repository}", "cat-file", "--batch"]
    asked = "".join(f"{blob}\n" for blob, _ in wanted).encode()
    contents = subprocess.run(command, input=asked, capture_output=True, check=True).stdout
    at = 0
    for _, path in wanted:
        end = contents.index(b"\n", at)
        size = contents[at:end].rpartition(b" ")[2]
        at = end + 1
        if size.isdigit():
            (into / path).parent.mkdir(parents=True, exist_ok=True)
            (into / path).write_bytes(contents[at : at + int(size)])
            at += int(size) + 1


def _sources(tree: Path) -> Iterator[Path]:
    return (path for path in tree.rglob("*.py") if "tests" not in path.parts)


def _line(path: Path, number: int) -> str:
    lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
    return lines[number - 1].strip() if number <= len(lines) else ""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers")
    parser.add_argument("peer", choices=sorted(PEERS))
    parser.add_argument("--repo", type=Path, required=True)
    parser.add_argument("--base")
    parser.add_argument("--head", required=True)
    parser.add_argument("--store", type=Path)
    asked = parser.parse_args()
    print(json.dumps(sarif(asked.peer, added(asked.repo, asked.peer, asked.base, asked.head, asked.store))))


if __name__ == "__main__":
    main()
