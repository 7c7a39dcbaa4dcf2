"""Migrations that lock by a session of the server, where they go through a pooler that shares sessions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from analyzers.deployment.demand import names_of, reaches
from analyzers.deployment.values import Conflict, Stack
from analyzers.facts.outline import Assign, Name, walk
from analyzers.facts.store import FileFacts

_LOCKING = (
    (re.compile(r"\bprisma\s+migrate\s+deploy\b"), "directUrl", "prisma"),
    (re.compile(r"\b(?:rails|rake)\s+(?:\S+\s+)*db:(?:migrate|prepare)\b"), "advisory_locks", "yaml"),
    (re.compile(r"(?:^|\s|/)flyway\s(?:.*\s)?migrate\b"), "", ""),
    (re.compile(r"(?:^|\s|/)migrate\s+(?:.*\s)?-{1,2}(?:path|source|database)\b"), "", ""),
    (re.compile(r"\bsqlx\s+migrate\s+run\b|\bnode-pg-migrate\s+up\b"), "", ""),
)
"""Commands that migrate under `pg_advisory_lock`, and the word of a configuration that avoids it, with that one's language.
Sources (read 2026-11): the documentation of Prisma Migrate, Active Record, Flyway, golang-migrate, sqlx and node-pg-migrate."""


def conflicts(files: Mapping[str, FileFacts], stacks: Sequence[Stack]) -> Iterator[Conflict]:
    """The services of stacks whose command migrates so, by the pooler's address."""
    for stack in stacks:
        for pooler in stack.poolers:
            if pooler.mode != "transaction":
                continue
            own = names_of(stack, pooler.service)
            servers = [name for server in stack.servers if server.service for name in names_of(stack, server.service)]
            for service in stack.services:
                locking = next((found for found in _LOCKING if found[0].search(service.command)), None)
                if locking is None or not any(reaches(service, name) for name in own):
                    continue
                if any(reaches(service, name) for name in servers) or _is_avoided(files, locking[1], locking[2]):
                    continue
                yield Conflict(
                    "the lock of migrations",
                    "what migrates locks by a session, and unlocks by another connection, or never",
                    "Let migrations go to the server itself.",
                    "",
                    service.place,
                    (),
                    pooler,
                )


def _is_avoided(files: Mapping[str, FileFacts], word: str, language: str) -> bool:
    """Whether a configuration says that migrations go elsewhere, or lock nothing."""
    if language == "prisma":
        nodes = (n for facts in files.values() if facts.language == "prisma" for top in facts.outline for n in walk(top))
        return any(isinstance(n, Assign) and isinstance(n.target, Name) and n.target.id == word for n in nodes)
    return bool(word) and any(
        setting.key.endswith(f".{word}") and setting.value in ("false", "f", "no")
        for facts in files.values()
        if facts.language == language
        for setting in facts.settings
    )
