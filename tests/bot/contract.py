"""GitHub's own description of its API, held against recorded requests and answers."""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BESIDE = Path(__file__).parents[3] / "shared" / "bench" / "github_contract"
CHECK, DESCRIPTION = BESIDE / "contract_check.py", BESIDE / "github-openapi-trim.json"
AT_HAND = CHECK.exists()


@functools.cache
def contract() -> Any:
    """The check as a module, with the description loaded."""
    spec = importlib.util.spec_from_file_location("contract_check", CHECK)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Contract(str(DESCRIPTION))


def violations(entries: Iterable[dict[str, Any]]) -> list[str]:
    """What was accepted must be right in request and answer; what was refused on purpose, in its answer.

    Nothing where the description is not at hand.
    """
    if not AT_HAND:
        return []
    found = []
    for entry in entries:
        refused = entry.get("status", 200) >= 400
        for level, message in contract().check(entry):
            if not refused or re.match(r"response|status \d", message):
                found.append(f"{entry['method']} {entry['path']}: {level}: {message}")
    return found


@dataclass(frozen=True)
class Judged:
    """How many recorded requests were looked at, and what is wrong with them."""

    checked: int = 0
    violations: tuple[str, ...] = ()


def judged(folder: Path) -> Judged:
    """What the local GitHubs below a folder recorded (`log.jsonl`)."""
    if not AT_HAND:
        return Judged()
    checked, found = 0, list[str]()
    for log in sorted(folder.rglob("log.jsonl")):
        entries = [json.loads(line) for line in log.read_text().splitlines()]
        found += [f"{log}: {text}" for text in violations(entries)]
        checked += len(entries)
    return Judged(checked, tuple(found))
