"""SQL: `.sql` files, and the string literals of other languages that turn out to be SQL.

A file is read statement by statement, so that one that cannot be read costs no other. The way back of a migration (what
follows `-- +goose Down`, `-- migrate:down`) is no part of the schema and left out.
"""

from __future__ import annotations

import re
from typing import ClassVar

import msgspec

from analyzers.facts.sql import CreateTable, SchemaChange, SqlQuery, SqlText
from analyzers.facts.store import FileFacts, FileProblem
from analyzers.frontends.lines import find_ignores
from analyzers.frontends.sql_alter import not_understood
from analyzers.frontends.sql_queries import queries
from analyzers.frontends.sql_schema import schema_changes
from analyzers.frontends.sql_statements import Statement, detect, only_up, split
from analyzers.frontends.sql_tokens import UnreadableError
from analyzers.frontends.tree import Frontend, line_starts

TEXT_LIMIT = 200_000
"""Characters of a string literal that is read as SQL; a longer one counts as not understood."""

STATEMENTS = 20_000
"""Statements of one file that are read."""

# What a literal must look like to be worth a parser: prose begins with the same words.
_LOOKS_LIKE_SQL = re.compile(
    r"""\s*(?:--[^\n]*\s|/\*(?>(?:[^*]|\*(?!/))*)\*/\s*|\(\s*)*+(?P<verb>
        SELECT\s(?=[^;]*?\sFROM\s|\s*[\w.]+\s*\(|\s*\d) | WITH\s+(?:RECURSIVE\s+)?["`\w]+\s*(?:\([^)]*\)\s*)?AS\s
      | INSERT\s+(?:IGNORE\s+)?INTO\s | REPLACE\s+INTO\s | UPDATE\s+[^;]*?\sSET\s | DELETE\s+(?:[\w`",.*]+\s+)*?FROM\s
      | CREATE\s+(?:\w+\s+){0,3}?(?:TABLE\s+[^;]*?[(\s]|INDEX\s+[^;]*?\bON\b[^;]*?\()
      | ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?[^\s;]+\s+\*?\s*(?:ADD|DROP|ALTER|RENAME|CHANGE|MODIFY|SET|OWNER|ENABLE
          |DISABLE|VALIDATE|ATTACH|DETACH|CONVERT|COMMENT|ENGINE|AUTO_INCREMENT|CLUSTER|REPLICA|FORCE|NO|INHERIT)\b
      | DROP\s+(?:TEMPORARY\s+)?TABLE\s+(?:IF\s+EXISTS\s+)?[^\s;,]+(?:\s*,\s*[^\s;,]+)*+\s*(?:CASCADE|RESTRICT)?\s*(?:;|$)
      | DROP\s+INDEX\s+(?:CONCURRENTLY\s+)?(?:IF\s+EXISTS\s+)?[^\s;]+\s*(?:ON\s+[^\s;]+\s*|,[^;]*)?
          (?:CASCADE|RESTRICT)?\s*(?:;|$)
      | RENAME\s+TABLE\s+[^;]*?\sTO\s
      | DO\s+(?:LANGUAGE\s+\w+\s+)?\$
    )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_PROOF = re.compile(r"[=*(<>?]|%s|\bWHERE\b")
_OBJECT_QUERY = re.compile(r"\b(?:FROM|JOIN|UPDATE)\s+(?:[\w\\]*\\[\w\\]+|[A-Z]\w*:[A-Z]\w*|\w+::class)", re.I)
_QUERY = re.compile(r"\(*+\s*(?:SELECT|WITH|UPDATE|DELETE)\b|(?:INSERT|REPLACE)\b[^;]{0,2000}?\bSELECT\b", re.I | re.DOTALL)


def read_text(text: str, start: int, end: int) -> SqlText | None:
    """What a string literal at `start`..`end` says as SQL; `None` when it is not SQL. Never raises."""
    looks = _LOOKS_LIKE_SQL.match(text[:TEXT_LIMIT])
    if not looks or _OBJECT_QUERY.search(text[:TEXT_LIMIT]):
        return None
    verb = looks["verb"].split()[0]
    if verb == verb.capitalize() and not _PROOF.search(text[:TEXT_LIMIT]):
        return None
    if len(text) > TEXT_LIMIT:
        return SqlText(start, end, changes=(not_understood(text),))
    dialect = detect(text)
    changes: list[SchemaChange] = []
    found: list[SqlQuery] = []
    understood = False
    for number, statement in enumerate(split(text, dialect)):
        if number >= STATEMENTS:
            changes.append(not_understood(statement.text))
            break
        read = _read(statement, dialect)
        understood = understood or read is not None
        if read is not None:
            changes += (msgspec.structs.replace(c, spans=()) if isinstance(c, CreateTable) else c for c in read[0])
            found += read[1]
    return SqlText(start, end, tuple(changes), tuple(found), dialect) if understood else None


def _read(statement: Statement, dialect: str) -> tuple[list[SchemaChange], list[SqlQuery]] | None:
    """The facts of one statement, or `None` for a query that is not understood."""
    if _QUERY.match(statement.text):
        try:
            return [], queries(statement.text, dialect)
        except UnreadableError:
            return None
    return schema_changes(statement.text, dialect), []


class SqlFrontend(Frontend):
    """Reads `.sql` files: migrations, schemas, dumps."""

    language: ClassVar[str] = "sql"

    def __init__(self) -> None:
        self.version = "4"

    def read(self, source: bytes) -> FileFacts:
        starts = line_starts(source)
        text, mark = decoded(source)
        text = only_up(text)
        dialect = detect(text)
        offsets = _Offsets(text, source, mark)
        found: list[SqlText] = []
        problems: list[FileProblem] = []
        for number, statement in enumerate(split(text, dialect)):
            if number >= STATEMENTS:
                problems.append(FileProblem(0, f"Only the first {STATEMENTS:,} statements were read."))
                break
            read = _read(statement, dialect)
            if read is None or not any(read):
                continue
            begin = offsets.to_bytes(statement.start)
            changes = tuple(_placed(change, statement.start, offsets) for change in read[0])
            found.append(SqlText(begin, offsets.to_bytes(statement.end), changes, tuple(read[1]), dialect))
        return FileFacts(
            language=self.language,
            lines=starts.tobytes(),
            sql=tuple(found),
            ignores=find_ignores(source, starts),
            problems=tuple(problems),
        )


def _placed(change: SchemaChange, start: int, offsets: _Offsets) -> SchemaChange:
    """A change with offsets in the file for those in the statement that begins at `start`."""
    if not isinstance(change, CreateTable):
        return change
    spans = [(offsets.to_bytes(start + first), offsets.to_bytes(start + last)) for first, last in change.spans]
    return msgspec.structs.replace(change, spans=tuple(spans))


def decoded(source: bytes) -> tuple[str, int]:
    """The text of a file and how many bytes stand before it (a byte order mark); what is no UTF-8 is read as Latin-1."""
    mark = 3 if source.startswith(b"\xef\xbb\xbf") else 0
    try:
        return source[mark:].decode(), mark
    except UnicodeDecodeError:
        return source[mark:].decode("latin-1"), mark


class _Offsets:
    """Byte offsets of characters, asked for in ascending order."""

    def __init__(self, text: str, source: bytes, mark: int) -> None:
        self.text = text
        self.plain = len(text) + mark == len(source)
        self.mark = mark
        self.at = 0
        self.bytes = mark

    def to_bytes(self, offset: int) -> int:
        if self.plain:
            return offset + self.mark
        if offset < self.at:
            return self.bytes
        self.bytes += len(self.text[self.at : offset].encode())
        self.at = offset
        return self.bytes
