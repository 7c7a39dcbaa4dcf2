"""What code keeps in a session of the database server, where a pooler gives each transaction another one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from analyzers.deployment.uses import OTHER_USE
from analyzers.deployment.values import Conflict, Pooler, Stack
from analyzers.facts.outline import Assign, Call, Keyword, Member, Name, Node, Other, Text, children, dotted
from analyzers.facts.store import FileFacts
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import statements
from analyzers.model.naming.roles import is_product
from analyzers.source import Place


class _Shape(NamedTuple):
    """A statement that changes the session it runs in, and what a pooler makes of it."""

    shape: re.Pattern[str]
    what: str
    harm: str
    remedy: str


_STATEMENTS = (
    _Shape(
        re.compile(r"\s*LISTEN\s+\w", re.I),
        "`LISTEN`",
        "the server sends notifications to a connection that the next transaction of somebody else has",
        "Listen by a connection of its own to the server itself, past the pooler.",
    ),
    _Shape(
        re.compile(r".*\bpg_(?:try_)?advisory_lock(?:_shared)?\s*\(", re.I | re.S),
        "a session's advisory lock",
        "it stays with a connection that others get, and is unlocked by another one, or never",
        "Take `pg_advisory_xact_lock`, which ends with the transaction.",
    ),
    _Shape(
        re.compile(r"\s*SET\s+(?:SESSION\s+)?(?!LOCAL\b|TRANSACTION\b|CONSTRAINTS\b|SESSION\b)[a-z_.]+\s*(?:=|\bTO\b)", re.I),
        "`SET`",
        "it holds for whoever gets the connection next, and not for one's own next transaction",
        "Say `SET LOCAL` in the transaction, or `ALTER ROLE … SET`.",
    ),
    _Shape(
        re.compile(r"\s*CREATE\s+(?:LOCAL\s+|GLOBAL\s+)?TEMP(?:ORARY)?\s+TABLE\b(?!.*\bON\s+COMMIT\s+DROP\b)", re.I | re.S),
        "a temporary table",
        "the next statement may go to another connection, which does not have it, and whoever comes next finds it on this one",
        "Make it in the transaction that uses it, with `ON COMMIT DROP`.",
    ),
    _Shape(
        re.compile(r"\s*PREPARE\s+(?!TRANSACTION\b)\w+(?:\s*\([^)]*\))?\s+AS\b", re.I),
        "`PREPARE`",
        "the statement is kept by one connection, and the next transaction may get another, which does not know it",
        "Let the driver prepare statements, if the pooler keeps those.",
    ),
)
# fmt: off
_RUNS = frozenset({
    "execute", "executemany", "text", "exec", "query", "statement", "unprepared", "executeStatement", "raw", "select",
    "selectOne", "scalar", "affectingStatement", "fetchOne", "fetchAssociative", "executeQuery", "exec_driver_sql",
})
# fmt: on
_LANGUAGES = ("python", "php")
_CURSORS = "DISABLE_SERVER_SIDE_CURSORS"


def conflicts(code: Codebase, stacks: Sequence[Stack]) -> Iterator[Conflict]:
    """What the product's code keeps in sessions, where a stack states a pooler that shares them between transactions."""
    sharing = [(s, p) for s in stacks for p in s.poolers if p.mode in ("transaction", "pinning")]
    if not sharing or any(server.database != "postgresql" for s, _ in sharing for server in s.servers):
        return
    pooler = sharing[0][1]
    code.look_for(r"\.(?:py|php)$")
    texts: dict[_Shape, list[Place]] = {}
    cursors: list[Place] = []
    for path, facts in code.files.items():
        if facts.language in _LANGUAGES and is_product(path) and not OTHER_USE.search(path):
            django = any(i.path.startswith("django") for i in facts.imports)
            for node in _outside_transactions(facts):
                if django and _is_iterated(node):
                    cursors.append(code.place(path, node))
                for shape in _run(node):
                    texts.setdefault(shape, []).append(code.place(path, node))
    for shape, (first, *more) in texts.items():
        yield Conflict(shape.what, _harm(shape.harm, pooler), shape.remedy, "", first, tuple(more[:4]), pooler)
    if cursors:
        yield from _of_cursors(code, cursors, pooler)


def _harm(lost: str, pooler: Pooler) -> str:
    """What comes of it: what is kept is `lost`, or, where the pooler sees that, its connection is shared no more."""
    if pooler.mode == "pinning":
        return "that is so: the connection stays with this one client until it disconnects, and nobody else can use it"
    return lost


def _of_cursors(code: Codebase, cursors: Sequence[Place], pooler: Pooler) -> Iterator[Conflict]:
    """Django reads `iterator()` by a cursor of the server, unless its settings say that it must not."""
    stated: list[Place] = []
    for path, facts in code.files.items():
        if facts.language == "python" and is_product(path) and not OTHER_USE.search(path):
            if _says(facts, _CURSORS):
                return
            for node in statements(facts.outline):
                match node:
                    case Assign(target=Name(id="DATABASES"), value=value) if value is not None and children(value):
                        stated.append(code.place(path, node))
    if stated:
        yield Conflict(
            "a server-side cursor of `iterator()`",
            _harm("the cursor is asked for its next rows on another connection, which does not know it", pooler),
            "Let Django read without cursors of the server.",
            f'"{_CURSORS}": True,',
            stated[0],
            tuple(cursors[:4]),
            pooler,
        )


def _says(facts: FileFacts, word: str) -> bool:
    def said(node: Node) -> bool:
        match node:
            case Text(value=str() as text):
                return text == word
            case Call(keywords=keywords) if any(isinstance(k, Keyword) and k.name.upper() == word for k in keywords):
                return True
        return any(map(said, children(node)))

    return any(map(said, facts.outline))


def _outside_transactions(facts: FileFacts) -> Iterator[Node]:
    """All nodes but those in a block that is one transaction: a connection is the same until it ends."""
    stack = list(facts.outline)
    while stack:
        node = stack.pop()
        if isinstance(node, Other) and node.word == "with" and any("atomic" in _called(c) for c in node.children[:-1]):
            continue
        yield node
        stack.extend(children(node))


def _called(node: Node) -> str:
    return dotted(node.callee) if isinstance(node, Call) else ""


def _is_iterated(node: Node) -> bool:
    match node:
        case Call(callee=Member(of=Call() | Member(), name="iterator"), args=(), keywords=keywords):
            return all(k.name == "chunk_size" for k in keywords)
    return False


def _run(node: Node) -> Iterator[_Shape]:
    match node:
        case Call(callee=Member(name=name) | Name(id=name), args=(Text(value=str() as text), *_)) if name in _RUNS:
            yield from (s for s in _STATEMENTS if s.shape.match(text))
