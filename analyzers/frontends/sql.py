"""SQL: `.sql` files, and the string literals of other languages that turn out to be SQL.

A file is read statement by statement, so that one that cannot be read costs no other. The way back of a migration (what
follows `-- +goose Down`, `-- migrate:down`) is no part of the schema and left out. Which program runs the file, where it says
so, is a call in its outline: `goose("no transaction")`.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from analyzers.facts.outline import Call, Name, Text
from analyzers.facts.sql import CreateTable, SchemaChange, SqlText
from analyzers.facts.store import FileFacts, FileProblem
from analyzers.frontends.frontend import Frontend
from analyzers.frontends.lines import decoded, find_ignores, line_starts
from analyzers.frontends.sql_statements import detect, only_up, runner, split
from analyzers.frontends.sql_texts import STATEMENTS, read_statement


class SqlFrontend(Frontend):
    """Reads `.sql` files: migrations, schemas, dumps."""

    language: ClassVar[str] = "sql"

    def __init__(self) -> None:
        self.version = "5"

    def read(self, source: bytes) -> FileFacts:
        starts = line_starts(source)
        text, mark = decoded(source)
        told, text = runner(text), only_up(text)
        dialect = detect(text)
        offsets = _Offsets(text, source, mark)
        found: list[SqlText] = []
        problems: list[FileProblem] = []
        for number, statement in enumerate(split(text, dialect)):
            if number >= STATEMENTS:
                problems.append(FileProblem(0, f"Only the first {STATEMENTS:,} statements were read."))
                break
            read = read_statement(statement, dialect)
            if read is None or not any(read):
                continue
            begin = offsets.to_bytes(statement.start)
            changes = tuple(_placed(change, statement.start, offsets) for change in read[0])
            found.append(SqlText(begin, offsets.to_bytes(statement.end), changes, tuple(read[1]), dialect))
        return FileFacts(
            language=self.language,
            lines=starts.tobytes(),
            outline=(_run_by(*told),) if told is not None else (),
            sql=tuple(found),
            ignores=find_ignores(source, starts),
            problems=tuple(problems),
        )


def _run_by(start: int, end: int, program: str, outside: bool) -> Call:
    """The program that runs a file, and what the file asks of it."""
    return Call(start, end, Name(start, end, program), (Text(start, end, "no transaction"),) if outside else ())


def _placed(change: SchemaChange, start: int, offsets: _Offsets) -> SchemaChange:
    """A change with offsets in the file for those in the statement that begins at `start`."""
    if not isinstance(change, CreateTable):
        return change
    spans = [(offsets.to_bytes(start + first), offsets.to_bytes(start + last)) for first, last in change.spans]
    return msgspec.structs.replace(change, spans=tuple(spans))


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
