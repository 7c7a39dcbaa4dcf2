"""Columns, indexes and constraints as the arguments of a table state them: `Column("email", String(50), unique=True)`,
`Index("by_email", func.lower(User.email))`. The same calls stand in classes, in tables and in migrations.

Names of attributes become names of columns by a function of the caller's; so do nodes become texts, where a migration computes
them. A part that cannot be said in SQL is `?`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from analyzers.facts.outline import Call, Member, Name, Node, Other, Text
from analyzers.facts.sql import IndexPart, SqlCheck, SqlColumn, SqlForeignKey, SqlIndex
from analyzers.knowledge import Models
from analyzers.model.naming.literals import arguments, is_false, is_true, last_name, text_of
from analyzers.model.tables.constraints import UNKNOWN

Item = SqlIndex | SqlForeignKey | SqlCheck
Texts = Callable[[Node | None], str]
Columns = Callable[[str], str]

_ORDERED = re.compile(r"\s*\"?(\w+)\"?(?:\s+(asc|desc))?(?:\s+nulls\s+(first|last))?\s*", re.IGNORECASE)
_COMPARED = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_TESTS = {"is_": "IS", "is_not": "IS NOT", "isnot": "IS NOT"}


class TableCalls:
    """Reads such calls. `text` says what a node is as a text, `column` which column a name means."""

    def __init__(self, models: Models, text: Texts = text_of, column: Columns = str) -> None:
        self._models, self._words, self._text, self._column = models, models.arguments, text, column

    # -- columns -------------------------------------------------------------------------------------------------------

    def column(self, call: Call, name: str = "") -> SqlColumn:
        """A column; `name` is what it is called where the call does not say."""
        given, words = arguments(call), self._words
        stated = self._text(call.args[0]) if call.args else ""
        kind, size = self.type_of(call)
        key = next((c for c in call.args if isinstance(c, Call) and last_name(c) in self._models.references and c.args), None)
        primary = is_true(given.get(words.primary))
        nullable = given.get(words.optional)
        return SqlColumn(
            stated or self._text(given.get("name")) or name,
            kind,
            nullable=not primary and not is_false(nullable),
            primary=primary,
            unique=is_true(given.get(words.unique)) and not is_true(given.get(words.indexed)),
            references=_table_part(self._text(key.args[0])) if key is not None else "",
            size=size,
            default=self._default(given.get(words.stored_default)),
            generated=next((w.lower() for a in call.args if (w := last_name(a)) in ("Identity", "Computed")), ""),
        )

    def is_column(self, call: Call) -> bool:
        return last_name(call) in self._models.columns

    def own_index(self, call: Call, table: str, column: str) -> SqlIndex | None:
        """The index that a column's own arguments ask for."""
        given = arguments(call)
        if not is_true(given.get(self._words.indexed)):
            return None
        name = f"ix_{table}_{column}".replace(".", "_")
        return SqlIndex(name, (IndexPart(column),), unique=is_true(given.get(self._words.unique)))

    def type_of(self, call: Call) -> tuple[str, tuple[int, ...]]:
        """The type among a column's arguments."""
        given = arguments(call)
        for node in (*call.args, given.get("type_"), given.get(self._words.type)):
            kind = self._models.column_types.get(last_name(node)) if node is not None else None
            if kind is not None and node is not None:
                inner = arguments(node) if isinstance(node, Call) else {}
                length = inner.get("0") or inner.get(self._words.length)
                sized = isinstance(length, Text) and type(length.value) is int
                return kind.type, (length.value,) if sized else ()  # type: ignore[union-attr,return-value]
        return "", ()

    def _default(self, node: Node | None) -> str:
        match node:
            case None:
                return ""
            case Call(args=(Text(value=str() as text), *_)):
                return text
            case Text(value=str() as text):
                return f"'{text}'"
        return UNKNOWN

    # -- indexes and constraints ---------------------------------------------------------------------------------------

    def item(self, call: Call) -> Item | None:
        """An index or constraint; nothing where it is none or cannot be read."""
        given = arguments(call)
        kind = self._models.items.get(last_name(call))
        name = self._text(given.get("name"))
        match kind:
            case "primary" | "unique":
                parts = tuple(map(self.part, call.args))
                primary = kind == "primary"
                return SqlIndex(name, parts, unique=True, primary=primary, constraint=True) if parts else None
            case "index" if call.args:
                return self.index(self._text(call.args[0]), call.args[1:], given)
            case "foreign" if len(call.args) > 1:
                return self.foreign_key(name, call.args[0], call.args[1])
            case "check":
                return SqlCheck(name, self.condition(call.args[0]) if call.args else UNKNOWN)
            case "exclusion":
                pairs = [p.children[0] for p in call.args if isinstance(p, Other) and p.word == "tuple"]
                method = self._text(given.get("using")) or "gist"
                parts = tuple(map(self.part, pairs))
                return SqlIndex(name, parts, method=method, constraint=True, exclusion=True) if parts else None
        return None

    def index(self, name: str, nodes: tuple[Node, ...], given: Mapping[str, Node]) -> SqlIndex | None:
        """An index on these columns and expressions."""
        nodes = tuple(inner for node in nodes for inner in self._spread(node))
        ops = given.get("postgresql_ops")
        opclasses = _pairs(ops)
        parts = tuple(self._with(self.part(node), opclasses, _pairs(given.get("mysql_length"))) for node in nodes)
        where = next((given[k] for k in ("postgresql_where", "sqlite_where") if k in given), None)
        method = next((self._text(given[k]) for k in ("postgresql_using", "mysql_using", "mysql_prefix") if k in given), "")
        included = given.get("postgresql_include")
        if not parts:
            return None
        return SqlIndex(
            name,
            parts,
            unique=is_true(given.get("unique")),
            where=self.condition(where) if where is not None else "",
            method=method.lower(),
            concurrently=is_true(given.get("postgresql_concurrently")),
            include=tuple(self.part(c).column for c in included.children) if isinstance(included, Other) else (),
            nulls_not_distinct=is_true(given.get("postgresql_nulls_not_distinct")),
            if_missing=is_true(given.get("if_not_exists")),
        )

    def foreign_key(self, name: str, own: Node, other: Node) -> SqlForeignKey | None:
        """`["a_id"], ["a.id"]`."""
        if not (isinstance(own, Other) and isinstance(other, Other) and other.children):
            return None
        targets = [self._text(node) or _dotted(node) for node in other.children]
        columns = tuple(self._column(self._text(node)) for node in own.children)
        return SqlForeignKey(columns, _table_part(targets[0]), name, tuple(t.rpartition(".")[2] for t in targets))

    def _spread(self, node: Node) -> Iterator[Node]:
        if isinstance(node, Other) and node.word in ("list", "tuple"):
            yield from node.children
        elif not (isinstance(node, Other) and node.word == "spread"):
            yield node

    @staticmethod
    def _with(part: IndexPart, opclasses: Mapping[str, Node], lengths: Mapping[str, Node]) -> IndexPart:
        length = lengths.get(part.column)
        prefix = length.value if isinstance(length, Text) and type(length.value) is int else 0
        opclass = text_of(opclasses.get(part.column)) or part.opclass
        return IndexPart(part.column, part.expression, part.descending, opclass, prefix, part.nulls)

    # -- expressions ---------------------------------------------------------------------------------------------------

    def part(self, node: Node) -> IndexPart:
        """`"email"`, `User.email.desc()`, `func.lower(User.email)`, `text("lower(email)")`."""
        match node:
            case Call(callee=Member(of=of, name="desc" | "asc" as order), args=()):
                inner = self.part(of)
                return IndexPart(inner.column, inner.expression, order == "desc", inner.opclass, nulls=inner.nulls)
            case Call(callee=Member(of=of, name="nullslast" | "nulls_last" | "nullsfirst" | "nulls_first" as how), args=()):
                inner = self.part(of)
                nulls = "last" if how.endswith("last") else "first"
                return IndexPart(inner.column, inner.expression, inner.descending, inner.opclass, nulls=nulls)
            case Call(callee=callee, args=(of,)) if last_name(callee) in ("desc", "asc"):
                inner = self.part(of)
                return IndexPart(inner.column, inner.expression, last_name(callee) == "desc", inner.opclass)
            case Call(callee=callee, args=(of, *_)) if last_name(callee) in ("text", "literal_column"):
                stated = self._text(of)
                simple = _ORDERED.fullmatch(stated)
                if simple is None:
                    return IndexPart("", stated.lower() or UNKNOWN)
                nulls, descending = (simple[3] or "").lower(), (simple[2] or "").lower() == "desc"
                return IndexPart(self._column(simple[1]), descending=descending, nulls=nulls)
            case Call():
                return IndexPart("", self.expression(node))
            case Name(id=name) | Member(name=name):
                return IndexPart(self._column(self._text(node) or name))
        stated = self._text(node)
        return IndexPart(self._column(stated)) if stated else IndexPart("", UNKNOWN)

    def expression(self, node: Node) -> str:
        """What an expression means in SQL."""
        match node:
            case Text(value=None):
                return "NULL"
            case Text(value=bool() as flag):
                return "true" if flag else "false"
            case Text(value=int() | float() as number):
                return str(number)
            case Text(value=str() as text):
                return "'" + text.replace("'", "''") + "'"
            case Call(callee=callee, args=(inner, *_)) if last_name(callee) in ("text", "literal_column"):
                return self._text(inner) or UNKNOWN
            case Call(callee=Member(of=Name(id="func") | Member(name="func"), name=name), args=args):
                return f"{name.lower()}({', '.join(self.expression(arg) for arg in args)})"
            case Call(callee=callee, args=()) if last_name(callee) in ("true", "false", "null"):
                return last_name(callee)
            case Name(id=name) | Member(name=name):
                return self._column(name)
        return UNKNOWN

    def condition(self, node: Node) -> str:
        """What a condition means in SQL."""
        match node:
            case Text(value=str() as text):
                return text
            case Other(word="==" | "!=" | "<" | "<=" | ">" | ">=" as sign, children=(left, right)):
                value = self.expression(right)
                if value == "NULL" and sign in ("==", "!="):
                    return f"{self.expression(left)} {'IS' if sign == '==' else 'IS NOT'} NULL"
                return f"{self.expression(left)} {_COMPARED[sign]} {value}"
            case Other(word="&" | "|" as sign, children=parts):
                return (" AND " if sign == "&" else " OR ").join(f"({self.condition(p)})" for p in parts)
            case Call(callee=callee, args=parts) if last_name(callee) in ("and_", "or_"):
                return (" AND " if last_name(callee) == "and_" else " OR ").join(f"({self.condition(p)})" for p in parts)
            case Other(word="~" | "not", children=(inner,)):
                return f"NOT ({self.condition(inner)})"
            case Call(callee=Member(of=of, name=name), args=(right,)) if name in _TESTS:
                return f"{self.expression(of)} {_TESTS[name]} {self.expression(right)}"
            case Call(callee=Member(of=of, name="in_"), args=(Other(children=values),)):
                return f"{self.expression(of)} IN ({', '.join(map(self.expression, values))})"
        return self.expression(node)


def _pairs(node: Node | None) -> dict[str, Node]:
    if not isinstance(node, Other) or node.word != "dict":
        return {}
    return {text_of(p.children[0]): p.children[1] for p in node.children if isinstance(p, Other) and len(p.children) == 2}


def _table_part(text: str) -> str:
    """`customers` of `customers.id`."""
    return text.rpartition(".")[0]


def _dotted(node: Node) -> str:
    """`Customer.id` of attributes."""
    match node:
        case Member(of=of, name=name):
            return f"{last_name(of)}.{name}"
    return ""
