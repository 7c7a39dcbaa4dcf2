"""Strings of a source file that are SQL, and the statements that they and files of SQL hold."""

from __future__ import annotations

import re

import msgspec

from analyzers.facts.sql import CreateTable, SchemaChange, SqlQuery, SqlText
from analyzers.frontends.sql_alter import not_understood
from analyzers.frontends.sql_queries import queries
from analyzers.frontends.sql_schema import schema_changes
from analyzers.frontends.sql_statements import Statement, detect, split
from analyzers.frontends.sql_tokens import UnreadableError

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
        read = read_statement(statement, dialect)
        understood = understood or read is not None
        if read is not None:
            changes += (msgspec.structs.replace(c, spans=()) if isinstance(c, CreateTable) else c for c in read[0])
            found += read[1]
    return SqlText(start, end, tuple(changes), tuple(found), dialect) if understood else None


def read_statement(statement: Statement, dialect: str) -> tuple[list[SchemaChange], list[SqlQuery]] | None:
    """The facts of one statement, or `None` for a query that is not understood."""
    if _QUERY.match(statement.text):
        try:
            return [], queries(statement.text, dialect)
        except UnreadableError:
            return None
    return schema_changes(statement.text, dialect), []
