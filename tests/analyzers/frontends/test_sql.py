"""The page `sql.md`: SQL with the facts it says; and what hostile text must not do."""

from __future__ import annotations

import re
import time
from pathlib import Path

import msgspec
import pytest
import sqlglot.parser
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.facts.sql import (
    AddCheck,
    AddColumn,
    AddForeignKey,
    AddIndex,
    AlterColumn,
    CreateTable,
    DropColumn,
    DropConstraint,
    DropIndex,
    DropTable,
    NotUnderstood,
    RenameColumn,
    RenameConstraint,
    RenameIndex,
    RenameTable,
    RunCode,
    SchemaChange,
    SetOption,
    SqlColumn,
    SqlForeignKey,
    SqlIndex,
    SqlQuery,
    Transaction,
    ValidateConstraint,
    WriteRows,
)
from analyzers.facts.store import FileFacts
from analyzers.frontends.sql import SqlFrontend
from analyzers.frontends.sql_statements import detect, only_up, split
from analyzers.frontends.sql_texts import read_text
from analyzers.frontends.sql_tokens import words

PAGE = Path(__file__).with_name("sql.md")
SECTION = re.compile(
    r"^## (?P<title>[^\n]+)\n```sql\n(?P<source>.*?)```\n```facts(?: (?P<dialect>\w+))?\n(?P<facts>.*?)```", re.M | re.S
)
SECTIONS = [pytest.param(found, id=found["title"]) for found in SECTION.finditer(PAGE.read_text("utf-8"))]


def column(of: SqlColumn) -> str:
    marks = [of.name, of.type + ("" if of.nullable else "!"), "primary" if of.primary else "", "unique" if of.unique else ""]
    return " ".join(filter(None, [*marks, f"-> {of.references}" if of.references else ""]))


def index(of: SqlIndex) -> str:
    parts = ", ".join(
        " ".join(filter(None, [part.column or f"({part.expression})", part.opclass, "desc" if part.descending else ""]))
        for part in of.parts
    )
    kind = "primary key" if of.primary else "unique index" if of.unique else "index"
    return " ".join(filter(None, [kind, of.name, of.method, f"({parts})", f"where {of.where}" if of.where else ""]))


def foreign_key(of: SqlForeignKey) -> str:
    return f"foreign key ({', '.join(of.columns)}) -> {of.references}"


def change(of: SchemaChange) -> str:
    match of:
        case CreateTable():
            lines = [*map(column, of.columns), *map(index, of.indexes), *map(foreign_key, of.foreign_keys)]
            return "\n    ".join([f"create {of.table}", *lines])
        case DropTable():
            return f"drop {of.table}"
        case RenameTable():
            return f"{of.table}: rename to {of.to}"
        case AddColumn():
            return f"{of.table}: add {column(of.column)}"
        case DropColumn():
            return f"{of.table}: drop {of.column}"
        case RenameColumn():
            return f"{of.table}: rename {of.column} to {of.to}"
        case AddIndex():
            return f"{of.table}: {index(of.index)}"
        case DropIndex():
            return f"{of.table or '?'}: drop index {of.name}"
        case AddForeignKey():
            return f"{of.table}: {foreign_key(of.key)}"
        case AlterColumn():
            said = {"type": of.new_type, "size": of.size, "nullable": of.nullable, "default": of.default}
            stated = [f"{k} {v}" for k, v in said.items() if v is not None and v not in {"", ()}]
            dropped = ["no default"] * (of.default == "")
            return f"{of.table}: alter {of.column} {', '.join([*stated, *dropped])}"
        case DropConstraint():
            return f"{of.table}: drop {of.kind or 'constraint'} {of.name}"
        case AddCheck():
            return f"{of.table}: check {of.check.name} {of.check.condition}{' not valid' if of.check.not_valid else ''}"
        case ValidateConstraint():
            return f"{of.table}: validate {of.name}"
        case RenameIndex():
            return f"{of.table or '?'}: rename index {of.name} to {of.to}"
        case RenameConstraint():
            return f"{of.table}: rename constraint {of.name} to {of.to}"
        case WriteRows():
            return f"{of.table}: {of.does} {'some' if of.narrowed else 'all'} rows"
        case SetOption():
            return f"set {of.name} {of.value}"
        case Transaction():
            return of.does
        case RunCode():
            return f"run {of.text}"
        case NotUnderstood():
            return f"{of.table or '?'}: not understood: {of.text}"


def query(of: SqlQuery) -> str:
    def columns(word: str, pairs: tuple[tuple[str, str], ...]) -> str:
        return f"{word}({', '.join(f'{table}.{name}' for table, name in pairs)})" if pairs else ""

    kinds = ("equal", "ranged", "joined", "folded", "ordered")
    parts = [columns(kind, getattr(of, kind)) for kind in kinds]
    flags = [flag for flag in ("limited", "partial") if getattr(of, flag)]
    return " ".join(filter(None, [of.does, ", ".join(of.tables), *parts, *flags]))


def facts_of(source: str) -> tuple[str, str]:
    """What the page shows of a file, and its dialect."""
    said = SqlFrontend().read(source.encode()).sql
    lines = [line for text in said for line in (*map(change, text.changes), *map(query, text.queries))]
    return "".join(line + "\n" for line in lines), said[0].dialect if said else ""


def test_every_heading_is_a_section() -> None:
    assert len(SECTIONS) == PAGE.read_text("utf-8").count("\n## ") > 15


def test_the_page_shows_enough_statements() -> None:
    assert sum(len(list(split(section.values[0]["source"], ""))) for section in SECTIONS) >= 100


@pytest.mark.parametrize("section", SECTIONS)
def test_facts(section: re.Match[str]) -> None:
    facts, dialect = facts_of(section["source"])
    assert facts == section["facts"]
    assert dialect == (section["dialect"] or "")


def test_the_parser_is_the_compiled_one() -> None:
    assert sqlglot.parser.__file__.endswith(".so")


LITERALS = {
    "SELECT * FROM users WHERE email = %s": "select users equal(users.email)",
    "SELECT * FROM users WHERE email = %(email)s AND age > %(age)s": "select users equal(users.email) ranged(users.age)",
    "SELECT * FROM users WHERE email = :email LIMIT :n": "select users equal(users.email) limited",
    "SELECT * FROM users WHERE email = ?1 ORDER BY id": "select users equal(users.email) ordered(users.id)",
    "SELECT * FROM users WHERE email = $1 AND id = ANY($2)": "select users equal(users.email, users.id)",
    "SELECT * FROM users WHERE id IN (?, ?) AND deleted_at IS NULL": "select users equal(users.id, users.deleted_at)",
    "select * from users where email = {email}": "select users equal(users.email)",
    "SELECT * FROM t WHERE a LIKE 'x%%' AND b = %s": "select t equal(t.b) ranged(t.a)",
    "DELETE FROM orders o USING users u WHERE u.id = o.user_id": "delete orders, users joined(users.id, orders.user_id)",
    "UPDATE orders SET state = %s WHERE id = %s": "update orders equal(orders.id)",
    "CREATE INDEX i ON orders (customer_id)": "orders: index i (customer_id)",
    'ALTER TABLE "Order" ADD COLUMN "userId" INT': "Order: add userId int",
    "ALTER TABLE `Order` ADD `userId` INT": "order: add userid int",
    "DROP INDEX idx ON orders": "orders: drop index idx",
    "DROP TABLE a, b": "drop a | drop b",
    "RENAME TABLE a TO b": "a: rename to b",
    "-- why\nSELECT a FROM t WHERE b = 1": "select t equal(t.b)",
    "(SELECT a FROM t WHERE b = 1) UNION ALL (SELECT a FROM u WHERE c > 2)": "select t equal(t.b) | select u ranged(u.c)",
    "ALTER TABLE orders FROBNICATE": None,
    "SET NAMES utf8": None,
    "SELECT o FROM App\\Entity\\Order o WHERE o.customer = :c": None,
    "SELECT c FROM Customer c JOIN c.orders o WHERE o.paid = 1": None,
    "Select an option from the list": None,
    "Update the settings": None,
    "Delete from the cart": None,
    "Create table for two": None,
    "drop table if you can": None,
    "create index of names on demand": None,
    "with love from us": None,
    "": None,
    "SELECT FROM WHERE": None,
    "INSERT INTO t VALUES (1)": "",
    "select 'unclosed from t": None,
}


@pytest.mark.parametrize(("text", "expected"), LITERALS.items(), ids=[text[:40] for text in LITERALS])
def test_a_literal(text: str, expected: str | None) -> None:
    said = read_text(text, 7, 7 + len(text))
    if said is None:
        assert expected is None
    else:
        assert " | ".join([*map(change, said.changes), *map(query, said.queries)]) == expected
        assert (said.start, said.end) == (7, 7 + len(text))


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("CREATE TABLE `a` (b int) ENGINE=InnoDB", "mysql"),
        ("CREATE TABLE a (b int AUTO_INCREMENT)", "mysql"),
        ("CREATE TABLE a (b serial)", "postgres"),
        ("CREATE INDEX i ON a USING gin (b)", "postgres"),
        ("SELECT a::text FROM b", "postgres"),
        ("-- PostgreSQL database dump\n\nSET x = 1;", "postgres"),
        ("CREATE TABLE a (b integer PRIMARY KEY AUTOINCREMENT)", "sqlite"),
        ("CREATE TABLE a (b int)", ""),
        ("-- about `a` and `b`\nCREATE TABLE a (b int)", ""),
        ("INSERT INTO a VALUES ('x::y', '$1')", ""),
    ],
)
def test_dialect(text: str, dialect: str) -> None:
    assert detect(text) == dialect


def test_positions_are_bytes() -> None:
    source = "-- é\nCREATE TABLE é (a int);\n\nCREATE INDEX i ON é (a);\n".encode()
    facts = SqlFrontend().read(source)
    assert [source[text.start : text.end].decode() for text in facts.sql] == [
        "CREATE TABLE é (a int)",
        "CREATE INDEX i ON é (a)",
    ]
    assert [facts.span(text.start, text.end).start_line for text in facts.sql] == [2, 4]


@pytest.mark.parametrize("source", [b"\xef\xbb\xbfCREATE TABLE a (b int);", b"-- \xe9\nCREATE TABLE a (b int);"])
def test_odd_encodings(source: bytes) -> None:
    (text,) = SqlFrontend().read(source).sql
    assert source[text.start : text.end] == b"CREATE TABLE a (b int)"


def test_ignores() -> None:
    source = b"CREATE TABLE a (b int);\n-- cliffguard: ignore[missing_index, other] small table\n\nCREATE INDEX i ON a (b);\n"
    (ignore,) = SqlFrontend().read(source).ignores
    assert (ignore.line, ignore.rules, ignore.reason) == (4, ("missing_index", "other"), "small table")


def test_the_way_back_is_left_out() -> None:
    text = "-- +goose Up\nA;\n-- +goose Down\nB;\n-- +goose Up\nC;\n-- migrate:down\nD"
    assert [statement.text for statement in split(only_up(text), "")] == ["A", "C"]
    assert len(only_up(text)) == len(text)


@pytest.mark.parametrize(
    ("text", "dialect", "statements"),
    [
        ("a; b", "", ["a", "b"]),
        ("a 'x;y'; b \"x;y\"; c `x;y`", "", ["a 'x;y'", 'b "x;y"', "c `x;y`"]),
        ("a 'it''s;'; b", "", ["a 'it''s;'", "b"]),
        (r"a 'it\'s;'; b", "mysql", [r"a 'it\'s;'", "b"]),
        (r"a 'it\'; b", "postgres", [r"a 'it\'", "b"]),
        (r"a E'it\'s;'; b", "postgres", [r"a E'it\'s;'", "b"]),
        ("a $$x;y$$; b $t$ x;$$;y $t$; c", "", ["a $$x;y$$", "b $t$ x;$$;y $t$", "c"]),
        ("-- x;\na -- y;\n; /* ; */ b /* ; */", "", ["a -- y;", "b /* ; */"]),
        ("a # it's;\n; b", "mysql", ["a # it's;", "b"]),
        ("a 'never closed; b; c", "", ["a 'never closed", "b", "c"]),
        ("a /* never closed; b", "", ["a /* never closed", "b"]),
        ("CREATE TRIGGER t BEGIN a; CASE x; END CASE; END; b", "", ["CREATE TRIGGER t BEGIN a; CASE x; END CASE; END", "b"]),
        (
            "CREATE PROCEDURE p() BEGIN IF a THEN b; END IF; END; c",
            "",
            ["CREATE PROCEDURE p() BEGIN IF a THEN b; END IF; END", "c"],
        ),
        ("CREATE FUNCTION f() BEGIN a; b; c", "", ["CREATE FUNCTION f() BEGIN a", "b", "c"]),
        ("DELIMITER $$\na; b$$\nc$$\nDELIMITER ;\nd; e", "mysql", ["a; b", "c", "d", "e"]),
        ("COPY t FROM stdin;\n1\tit's; x\n\\.\n\na; b", "", ["COPY t FROM stdin", "a", "b"]),
        ("\\connect db\na; b", "", ["a", "b"]),
    ],
)
def test_split(text: str, dialect: str, statements: list[str]) -> None:
    found = list(split(text, dialect))
    assert [statement.text for statement in found] == statements
    assert all(text[statement.start : statement.end] == statement.text for statement in found)


WORDS = st.sampled_from(
    sorted(
        words(
            """SELECT FROM WHERE AND OR NOT NULL IN ( ) , ; . = < > * 'a' "b" `c` a b t 1 % ? :p $1 $$ CREATE TABLE INDEX UNIQUE
            ALTER ADD DROP COLUMN CONSTRAINT PRIMARY KEY FOREIGN REFERENCES ON USING gin RENAME TO IF EXISTS ORDER BY LIMIT JOIN
            UPDATE SET DELETE WITH AS UNION CASE WHEN END BEGIN DO DELIMITER -- /* */ ' " ` \\ é COPY stdin FIRST AFTER INCLUDE
            CHECK LIKE"""
        )
    )
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.lists(WORDS, max_size=40).map(" ".join)))
def test_any_text_is_read(text: str) -> None:
    said = read_text(text, 0, len(text))
    facts = SqlFrontend().read(text.encode("utf-8", "surrogatepass"))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(facts), type=FileFacts) == facts
    assert said is None or msgspec.msgpack.encode(said)
    for one in facts.sql:
        facts.span(one.start, one.end)


@settings(max_examples=100, deadline=None)
@given(st.lists(WORDS, max_size=12).map(" ".join).filter(lambda text: not set(text) & set("'\"`$;/\\-")))
def test_one_bad_statement_costs_no_other(text: str) -> None:
    said = SqlFrontend().read(f"CREATE TABLE zz (a int);\n{text}\n;\nCREATE INDEX zi ON zz (a);".encode()).sql
    changes = [change(one) for sql in said for one in sql.changes]
    assert changes[0].startswith("create zz")
    assert changes[-1] == "zz: index zi (a)" or "COPY" in text or "CREATE" in text or "DELIMITER" in text


SIZE = 40_000


@pytest.mark.parametrize(
    "text",
    [
        "'" * SIZE,
        "'\\" * SIZE,
        "/*" * SIZE,
        "$$" * SIZE + "$",
        "$a$ " * SIZE,
        "--\n" * SIZE,
        "SELECT " + "(" * SIZE,
        "SELECT a FROM t WHERE " + "NOT " * SIZE + "a",
        "SELECT a FROM t WHERE " + "a = 1 AND " * SIZE + "a = 1",
        "SELECT a FROM t WHERE a IN (" + "1," * SIZE + "1)",
        "CREATE TABLE t (" + "a int, " * SIZE + "b int)",
        "CREATE TABLE t (" + "(" * SIZE,
        "CREATE FUNCTION f() BEGIN a;" * SIZE,
        "ALTER TABLE t " + "ADD a int, " * (SIZE // 8) + "ADD b int",
        "DELIMITER x\n" * SIZE,
        "a;" * SIZE,
        "CREATE " * SIZE,
        "FROM a\\" * SIZE,
        "DROP TABLE a" + ", a" * SIZE,
        "COPY a FROM stdin;" * SIZE,
        "DO $$ " + "INDEX " * SIZE + "$$",
        "IF x CREATE TABLE " * SIZE,
    ],
    ids=lambda text: text[:24],
)
def test_hostile_text_ends_soon(text: str) -> None:
    start = time.process_time()
    read_text(text, 0, len(text))
    SqlFrontend().read(text.encode())
    assert time.process_time() - start < 10
