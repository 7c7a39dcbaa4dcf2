"""GitHub's own description of its API, held against recorded requests and answers."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from bot.local_github.graphql import schema as answered

BESIDE = Path(__file__).parents[3] / "shared" / "bench" / "github_contract"
CHECK, DESCRIPTION = BESIDE / "contract_check.py", BESIDE / "github-openapi-trim.json"
AT_HAND = CHECK.exists()
SCHEMA = Path(os.environ.get("CLIFFGUARD_GITHUB_SCHEMA") or BESIDE / "schema.graphql")
"""GitHub's schema of GraphQL, as `octokit/graphql-schema` publishes it; a megabyte, and no part of this repository."""


@functools.cache
def contract() -> Any:
    """The check as a module, with the description loaded."""
    spec = importlib.util.spec_from_file_location("contract_check", CHECK)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Contract(str(DESCRIPTION))


@functools.cache
def schema() -> GraphQLSchema:
    """What GraphQL requests are held against."""
    return build_schema(SCHEMA.read_text("utf-8"), assume_valid=True) if SCHEMA.exists() else answered()


def _asked(entry: dict[str, Any]) -> list[str]:
    """What is wrong in a request to GraphQL: in its document, or in its variables."""
    body = entry["json"]
    try:
        document = parse(body["query"])
    except GraphQLError as error:
        return [error.message]
    found = [error.message for error in validate(schema(), document)]
    for operation in document.definitions:
        if isinstance(operation, OperationDefinitionNode) and not found:
            given = get_variable_values(schema(), operation.variable_definitions, body.get("variables") or {})
            found += [error.message for error in given] if isinstance(given, list) else []
    return found


def violations(entries: Iterable[dict[str, Any]]) -> list[str]:
    """What was accepted must be right in request and answer; what was refused on purpose, in its answer.

    GraphQL is held against GitHub's schema where that is at hand, else against the part of it that the local GitHub answers by;
    of the rest nothing is said where the description is not at hand.
    """
    found = []
    for entry in entries:
        if entry["path"].rstrip("/").endswith("/graphql"):
            if "data" in (entry.get("response") or {"data": None}):  # else it was refused as a whole, on purpose
                found += [f"GraphQL: {message}" for message in _asked(entry)]
            continue
        if not AT_HAND:
            continue
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
    checked, found = 0, list[str]()
    for log in sorted(folder.rglob("log.jsonl")):
        entries = [json.loads(line) for line in log.read_text().splitlines()]
        found += [f"{log}: {text}" for text in violations(entries)]
        checked += len(entries)
    return Judged(checked, tuple(found))
