"""A text of SQL cut into statements, and the dialect it gives away.

Cutting is done here and not by a SQL parser, so that a statement no parser understands ends at its own semicolon. Known:
strings, quoted identifiers, comments, dollar quotes, bodies of routines (`BEGIN … END`), `DELIMITER` of the MySQL client,
`COPY … FROM stdin` data and `\\commands` of psql, and the markers behind which a migration tool keeps the way back.
Everything here is linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Statement(NamedTuple):
    """One statement without its delimiter and without the comments before it; offsets are characters."""

    text: str
    start: int
    end: int


_TRIVIA = re.compile(r"(?>(?:\s++|;|--[^\n]*+|/\*(?>(?:[^*]|\*(?!/))*)(?:\*/)?)*)")
_TRIVIA_HASH = re.compile(r"(?>(?:\s++|;|--[^\n]*+|\#[^\n]*+|/\*(?>(?:[^*]|\*(?!/))*)(?:\*/)?)*)")
_STOP = re.compile(r"[;'\"`$/\-#]")
_DOLLAR = re.compile(r"\$(?:[A-Za-z_]\w*)?\$")
_DELIMITER = re.compile(r"DELIMITER[ \t]+(\S+)[^\n]*", re.I)
_META = re.compile(r"\\[^\n]*")
_COPY_IN = re.compile(r"COPY\b[^;]{1,4000}\bFROM\s+STDIN\b", re.I)
_ROUTINE = re.compile(
    r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:DEFINER\s*=\s*\S+\s+)?(?:TEMP(?:ORARY)?\s+|CONSTRAINT\s+|AGGREGATE\s+)?"
    r"(?:TRIGGER|PROCEDURE|FUNCTION|EVENT)\b",
    re.I,
)
_DEPTH = re.compile(r"\b(?:(END)\s+(?:IF|LOOP|WHILE|REPEAT)|(END)(?:\s+CASE)?|(BEGIN|CASE))\b", re.I)


class _Scanner:
    """Walks over one text; remembers which closing marks do not occur any more, so that no search is made twice in vain."""

    def __init__(self, text: str, dialect: str) -> None:
        self.text = text
        self.hash_comments = dialect == "mysql"
        self.backslashes = dialect == "mysql"
        self.trivia = _TRIVIA_HASH if self.hash_comments else _TRIVIA
        self.absent: set[str] = set()
        self.routines = True

    def find(self, mark: str, at: int) -> int:
        """Where `mark` occurs next, or -1."""
        if mark in self.absent:
            return -1
        found = self.text.find(mark, at)
        if found < 0:
            self.absent.add(mark)
        return found

    def string_end(self, at: int, backslashes: bool) -> int:
        """Past the string that opens at `at`; past the quote alone where it never closes."""
        quote = self.text[at]
        close = self.find(quote, at + 1)
        while backslashes and close >= 0:
            before = close - 1
            while before > at and self.text[before] == "\\":
                before -= 1
            if (close - before) % 2:
                break
            close = self.find(quote, close + 1)
        return close + 1 if close >= 0 else at + 1

    def skip(self, at: int) -> int:
        """Past the string, comment or other mark at `at`."""
        text = self.text
        match text[at]:
            case "'":
                escaped = text[at - 1 : at] in {"E", "e"} and not text[max(at - 2, 0) : at - 1].isalnum()
                return self.string_end(at, self.backslashes or escaped)
            case '"':
                return self.string_end(at, self.backslashes)
            case "`":
                return self.string_end(at, False)
            case "$":
                tag = _DOLLAR.match(text, at)
                close = self.find(tag[0], tag.end()) if tag and not text[at - 1 : at].isalnum() else -1
                return close + len(tag[0]) if tag and close >= 0 else at + 1
            case "/":
                close = self.find("*/", at + 2) if text.startswith("/*", at) else -1
                return close + 2 if close >= 0 else at + 1
            case "-" if not text.startswith("--", at):
                return at + 1
            case "#" if not self.hash_comments:
                return at + 1
            case _:
                newline = text.find("\n", at)
                return newline if newline >= 0 else len(text)

    def statement_end(self, start: int) -> int:
        """Where the semicolon of the statement that begins at `start` stands, or the end of the text."""
        text, at, counted, depth, first = self.text, start, start, 0, -1
        routine = self.routines and _ROUTINE.match(text, start) is not None
        while stop := _STOP.search(text, at):
            at = stop.start()
            if text[at] != ";":
                at = self.skip(at)
                continue
            if not routine:
                return at
            depth += sum(bool(word[3]) - bool(word[2]) for word in _DEPTH.finditer(text, counted, at))
            counted = at + 1
            first = at if first < 0 else first
            if depth <= 0:
                return at
            at += 1
        if first >= 0:
            self.routines = False
            return first
        return len(text)


def split(text: str, dialect: str) -> Iterator[Statement]:
    """The statements of `text` in order. A quote that never closes costs at most the statement it stands in."""
    scanner = _Scanner(text, dialect)
    at, delimiter = 0, ";"
    while True:
        at = start = scanner.trivia.match(text, at).end()  # type: ignore[union-attr]
        if at >= len(text):
            return
        if text[at] == "\\":
            at = _META.match(text, at).end()  # type: ignore[union-attr]
            continue
        if change := _DELIMITER.match(text, at):
            delimiter, at = change[1], change.end()
            continue
        if delimiter == ";":
            end = scanner.statement_end(start)
            at = end + 1
        else:
            found = scanner.find(delimiter, start)
            client = _next_delimiter(text, start, found)
            end = client if client >= 0 else found if found >= 0 else len(text)
            at = end if client >= 0 else end + len(delimiter)
        body = text[start:end].rstrip()
        if body:
            yield Statement(body, start, start + len(body))
        if _COPY_IN.match(body):
            data_end = scanner.find("\n\\.", end)
            at = data_end + 3 if data_end >= 0 else len(text)


_DELIMITER_LINE = re.compile(r"^[ \t]*DELIMITER[ \t]", re.I | re.M)


def _next_delimiter(text: str, start: int, before: int) -> int:
    """Where a `DELIMITER` line stands between `start` and `before`, or -1."""
    found = _DELIMITER_LINE.search(text, start, before if before >= 0 else len(text))
    return found.start() if found else -1


_MARKER = re.compile(
    r"^[ \t]*--[ \t]*(?:\+(?:goose|migrate)[ \t]+(?P<word>up|down)\b|migrate:(?P<dbmate>up|down)\b|//[ \t]*@(?P<undo>undo)\b)",
    re.I | re.M,
)


_DIRECTIVE = re.compile(
    r"^[ \t]*--[ \t]*(?:\+(?P<program>goose|migrate)[ \t]+(?P<said>[^\n]*)|(?P<dbmate>migrate:up)\b(?P<options>[^\n]*))",
    re.I | re.M,
)
_PROGRAMS = {"goose": "goose", "migrate": "sql-migrate"}
_OUTSIDE = re.compile(r"\bno\s*transaction\b|\btransaction:\s*false\b", re.I)


def runner(text: str) -> tuple[int, int, str, bool] | None:
    """Where the first word to the program stands that runs the file (goose, sql-migrate, dbmate), which program that is, and
    whether the file asks it for no transaction."""
    found = list(_DIRECTIVE.finditer(text))
    if not found:
        return None
    first = found[0]
    name = _PROGRAMS[first["program"].lower()] if first["program"] else "dbmate"
    return first.start(), first.end(), name, any(_OUTSIDE.search(said[0]) for said in found)


def only_up(text: str) -> str:
    """`text` with the parts that undo a migration (goose, sql-migrate, dbmate, MyBatis) blanked out; offsets stay."""
    pieces: list[str] = []
    at, down = 0, False
    for marker in _MARKER.finditer(text):
        part = text[at : marker.start()]
        pieces.append(_blank(part) if down else part)
        at = marker.start()
        down = (marker["word"] or marker["dbmate"] or marker["undo"]).lower() != "up"
    part = text[at:]
    pieces.append(_blank(part) if down else part)
    return "".join(pieces)


def _blank(part: str) -> str:
    return re.sub(r"[^\n]", " ", part)


_NOISE = re.compile(r"--[^\n]*+|/\*(?>(?:[^*]|\*(?!/))*)(?:\*/)?|'[^']*+'?")
_EVIDENCE = {
    "mysql": re.compile(
        r"`[^`\n]{1,64}`|\bENGINE\s*=|\bAUTO_INCREMENT\b|\bUNSIGNED\b|\bON\s+DUPLICATE\s+KEY\b|\bDEFAULT\s+CHAR(?:SET|ACTER)\b"
        r"|\b(?:CHANGE|MODIFY)\s+COLUMN\b|\bMODIFY\s+\w+\s+\w|\bRENAME\s+(?:TABLE|INDEX|KEY)\b|\bDROP\s+(?:PRIMARY\s+)?KEY\b"
        r"|\bDROP\s+INDEX\s+\w+\s+ON\b|\b(?:TINYINT|MEDIUMINT|TINYTEXT|MEDIUMTEXT|LONGTEXT|LONGBLOB|MEDIUMBLOB)\b"
        r"|\bDROP\s+FOREIGN\s+KEY\b|\b(?:FULLTEXT|SPATIAL|(?<!CREATE )UNIQUE)\s+(?:INDEX|KEY)\b(?!\s*\()"
        r"|\bADD\s+(?:INDEX|KEY)\b"
        r"|\bCHARACTER\s+SET\b|\bDATETIME\(\d\)|\bSTRAIGHT_JOIN\b|[(,]\s*(?:KEY|INDEX)\s+\w+\s*\(",
        re.I,
    ),
    "postgres": re.compile(
        r"::\s*\w|\b(?:BIG|SMALL)?SERIAL\b|\$\d+\b|\$\w*\$|\bUSING\s+(?:gin|gist|brin|spgist)\b|\bCONCURRENTLY\b|\bJSONB\b"
        r"|\bTIMESTAMPTZ\b|\bTIMESTAMP\b(?:\s*\(\d\))?\s+WITH(?:OUT)?\s+TIME\b|\bAS\s+IDENTITY\b|\bCREATE\s+EXTENSION\b"
        r"|\bplpgsql\b|\bnextval\s*\(|\bILIKE\b|\bsearch_path\b|\bpg_catalog\b|\bBYTEA\b|\bTABLE\s+ONLY\b|\bON\s+ONLY\b"
        r"|\bALTER\s+(?:COLUMN\s+)?\"?\w+\"?\s+(?:TYPE|SET\s+NOT\s+NULL|DROP\s+NOT\s+NULL)\b|\bARRAY\[|\bCHARACTER\s+VARYING\b"
        r"|\b(?:CREATE|ALTER)\s+TYPE\b|\w_pkey\b|\b\w+\[\]",
        re.I,
    ),
    "sqlite": re.compile(r"\bAUTOINCREMENT\b|\bPRAGMA\b|\bWITHOUT\s+ROWID\b|\bsqlite_\w+", re.I),
    "clickhouse": re.compile(
        r"\bENGINE\s*=\s*\w*MergeTree\b|\bLowCardinality\s*\(|\bNullable\s*\(|\bMATERIALIZE\b|\bCODEC\s*\(|\bMergeTree\b", re.I
    ),
    "tsql": re.compile(
        r"^[ \t]*GO[ \t]*$|\bNVARCHAR\b|\[dbo\]|\bIDENTITY\s*\(\d|\bUNIQUEIDENTIFIER\b|\bDATETIME2\b|\bNONCLUSTERED\b",
        re.I | re.M,
    ),
    "oracle": re.compile(r"\bN?VARCHAR2\b|\bNUMBER\s*\(\d|\bSYSTIMESTAMP\b", re.I),
}
_HEADERS = (("PostgreSQL database dump", "postgres"), ("MySQL dump", "mysql"), ("MariaDB dump", "mysql"))
_EVIDENCE_LIMIT = 200_000


def detect(text: str) -> str:
    """The dialect, as sqlglot calls it, where the text itself tells; else empty. Contradicting evidence is weighed by kinds."""
    head = text[:2_000]
    for header, dialect in _HEADERS:
        if header in head:
            return dialect
    code = _NOISE.sub(" ", text[:_EVIDENCE_LIMIT])
    weights = {dialect: _kinds(pattern, code) for dialect, pattern in _EVIDENCE.items()}
    best = max(weights.values())
    winners = [dialect for dialect, weight in weights.items() if weight == best]
    return winners[0] if best and len(winners) == 1 else ""


def _kinds(pattern: re.Pattern[str], code: str) -> int:
    """How many different pieces of evidence occur, quoted names counting as one."""
    seen: set[str] = set()
    for number, match in enumerate(pattern.finditer(code)):
        piece = match[0]
        seen.add(piece[0] if piece[0] in "`:$,(" else " ".join(piece.lower().split()[:2]))
        if number > 2_000:
            break
    return len(seen)
