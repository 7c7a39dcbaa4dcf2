"""Where the repositories of the benchmarks are: bare, as `owner+name/repo` in the folder `MIRRORS`, or that one itself."""

import os
import subprocess
from pathlib import Path

BESIDE = Path(__file__).parents[2] / ".mirror"


def find(name: str) -> Path | None:
    """The bare repository of `owner/name`, or None after saying where it was looked for."""
    root = Path(os.environ.get("MIRRORS") or BESIDE).expanduser()
    for candidate in (root / name.replace("/", "+") / "repo", *([root] if _is_named(root, name) else ())):
        if (candidate / "HEAD").is_file():
            return candidate
    print(f"{name}: no bare repository in {os.environ.get('MIRRORS') or '.mirror beside this checkout'}; set MIRRORS. Skipped.")
    return None


def _is_named(path: Path, name: str) -> bool:
    """Whether the one repository given is the one looked for."""
    known = f"{path.resolve().parent.name}/{path.resolve().name}"
    return name.rpartition("/")[2].removesuffix(".org") in known


def git(repository: Path, *arguments: str, stdin: bytes = b"") -> str:
    """What git says of a repository; the benchmarks write only into repositories of their own."""
    from bot.local_github.git import environment

    command = ["git", f"--git-dir={repository}", *arguments]
    done = subprocess.run(command, input=stdin, env=environment(), capture_output=True, check=True, timeout=120)
    return done.stdout.decode("utf-8", "replace").strip()
