"""Other analysers of migrations, asked about the cases that the rule `migration_safety` is tested by.

    python -m bench.claims squawk | django-orm-lens | django-migration-linter

Each case is a small project on PostgreSQL with a new migration, which is to be told of or not. An analyser is asked about the
new file alone; of what it says counts what is about locks, failures and names in use, not what is about style. squawk reads
files of SQL, the others migrations of Django. django-migration-linter runs the project, on a PostgreSQL of its own.

The analysers are found in the folder `PEERS` names, or on the path; that of django-migration-linter has a `python` beside it.
"""

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from urllib.parse import unquote

from tests.markdown import Case, cases
from tests.proofs.postgres import postgres

PAGES = Path(__file__).parents[1] / "tests" / "cases" / "migration_safety"
STYLE = (
    "prefer-",
    "require-timeout",
    "require-statement-timeout",
    "require-lock-timeout",
    "ban-char",
    "identifier-",
    "syntax-",
)
SETTINGS = """
SECRET_KEY = "x"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [{apps}, "django_migration_linter"]
DATABASES = {{
    "default": {{"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "postgres", "HOST": "{host}"}}
}}
"""

_Said = Callable[[Path, str], bool | None]
"""Whether it says something of a file of a tree; nothing where it fails."""


def program(name: str) -> str:
    found = shutil.which(name, path=os.environ.get("PEERS")) or shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is neither in the folder PEERS names nor on the path")
    return found


def squawk(tree: Path, path: str) -> bool:
    done = subprocess.run(
        [program("squawk"), "--reporter", "json", path], cwd=tree, capture_output=True, text=True, check=False
    )
    return any(not remark["rule_name"].startswith(STYLE) for remark in json.loads(done.stdout or "[]"))


def django_orm_lens(tree: Path, path: str) -> bool:
    command = [
        program("django-orm-lens"),
        "migration-risk",
        "--severity",
        "warning",
        "--format",
        "json",
        "--exit-zero",
        "--quiet",
    ]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    return any(finding["filePath"] == path for finding in json.loads(done.stdout or "{}").get("findings", ()))


def django_migration_linter(tree: Path, path: str) -> bool | None:
    """A warning counts like an error."""
    apps = sorted({found.parent.parent.name for found in tree.glob("*/migrations/*.py")})
    for app in apps:
        for folder in (tree / app, tree / app / "migrations"):
            (folder / "__init__.py").touch()
    (tree / "linted.py").write_text(SETTINGS.format(apps=", ".join(map(repr, apps)), host=os.environ["SERVER"]))
    app, _, name = path.replace("/migrations/", " ").removesuffix(".py").partition(" ")
    python = str(Path(program("django-admin")).with_name("python"))
    said = _run(tree, python, "-m", "django", "lintmigrations", "--no-cache", app, name)
    if f"({app}, {name})" not in said:
        return None  # Django refuses the migration before it is judged
    return "... OK" not in said


def _run(tree: Path, *command: str) -> str:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "linted", "PYTHONPATH": str(tree)}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False).stdout


PEERS: dict[str, tuple[str, str, _Said]] = {
    "squawk": ("sql.md", ".sql", squawk),
    "django-orm-lens": ("django.md", ".py", django_orm_lens),
    "django-migration-linter": ("django.md", ".py", django_migration_linter),
}


def asked(peer: str) -> Iterator[tuple[Case, bool | None]]:
    """Each case, and whether the analyser says something of its new migration."""
    page, ending, said = PEERS[peer]
    for case in cases(PAGES / page):
        new = [path for path in case.born if path.endswith(ending)]
        if len(new) != 1 or b"postgres" not in b"".join(case.head.values()):
            continue
        with tempfile.TemporaryDirectory(prefix="cliffguard-claims-") as name:
            for path, text in case.head.items():
                (Path(name) / path).parent.mkdir(parents=True, exist_ok=True)
                (Path(name) / path).write_bytes(text)
            yield case, said(Path(name), new[0])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.claims")
    parser.add_argument("peer", choices=sorted(PEERS))
    peer = parser.parse_args().peer
    with postgres() if peer == "django-migration-linter" else nullcontext("") as url:
        os.environ["SERVER"] = unquote(url.partition("host=")[2])
        _report(peer)


def _report(peer: str) -> None:
    counts = {True: [0, 0], False: [0, 0]}
    for case, said in asked(peer):
        bad = bool(case.expected)
        if said is None:
            print(f"not read: {case.heading}")
            continue
        counts[bad][0] += said == bad
        counts[bad][1] += 1
        if said != bad:
            print(f"{'missed' if bad else 'wrongly told'}: {case.heading}")
    print(f"{peer}: told {counts[True][0]} of {counts[True][1]}, silent on {counts[False][0]} of {counts[False][1]}")


if __name__ == "__main__":
    main()
