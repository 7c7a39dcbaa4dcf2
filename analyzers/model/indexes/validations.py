"""Queries that rules of validation send: whether a row with a value is there already, once for each form that is sent.

Where no index serves such a query, no unique index keeps two requests from writing the same value either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzers.facts.outline import Call, Member, Node, Other, Text, walk
from analyzers.knowledge import Library, libraries, named
from analyzers.knowledge.derived import derived
from analyzers.knowledge.validations import Validations
from analyzers.model.indexes.query_sites import around
from analyzers.model.inference.rows import lookups
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, External
from analyzers.model.naming.literals import text_of
from analyzers.model.naming.roles import is_product
from analyzers.model.project import Condition, QuerySite
from analyzers.model.tables.models import Model, ModelIndex

_rules = derived(lambda: tuple((x, x.validations) for x in libraries() if x.validations is not None))
_NAME = re.compile(r"[\w.]+")


def validated(code: Codebase, models: ModelIndex) -> Iterator[QuerySite]:
    """The queries of all rules in code that runs for users."""
    for library, words in _rules():
        names = frozenset(re.split(r"[\\.:]+", name)[-1] for name in (*words.rules, *words.calls))
        for path, facts in code.files.items():
            stated = any(used.path.startswith(words.imports) for used in facts.imports) and facts.may_say(names)
            if stated and facts.language == library.language and is_product(path):
                for top in facts.outline:
                    yield from _stated(code, models, library, words, path, top)
        for model in models.by_name.values() if words.marks else ():
            yield from _marked(code, model, library, words)


def _stated(
    code: Codebase, models: ModelIndex, library: Library, words: Validations, path: str, top: Node
) -> Iterator[QuerySite]:
    more: set[int] = set()
    for node in walk(top):
        match node:
            case Other(word="pair", children=(Text(value=str() as key), value)) if words.rules:
                texts = value.children if isinstance(value, Other) else (value,)
                for text in texts:
                    if isinstance(text, Text) and isinstance(text.value, str):
                        for table, column in _named(models, words, text.value, key):
                            yield _site(code, path, text, table, [column])
            case Call(callee=Member(of=Call() as of, name=name)) if words.calls:
                if name in words.narrowing or id(node) in more:
                    more.add(id(of))
            case _:
                pass
        if isinstance(node, Call) and words.calls and id(node) not in more and len(node.args) > 1:
            meant = code.resolve_node(path, node.callee)
            column = text_of(node.args[1])
            table = _table(code, models, path, node.args[0])
            if isinstance(meant, External) and named(library, meant.name, words.calls) and table and column:
                yield _site(code, path, node, table, [column])


def _named(models: ModelIndex, words: Validations, text: str, key: str) -> Iterator[tuple[str, str]]:
    """The table and column of each rule in a text. One that asks for more columns is left out."""
    for rule in text.split(words.between):
        name, _, rest = rule.partition(":")
        given = rest.split(",")
        if name in words.rules and given[0] and len(given) <= _PLAIN:
            model = models.by_name.get(given[0].strip("\\").replace("\\", "."))
            table = model.table if model is not None else given[0]
            column = given[1] if len(given) > 1 and given[1] != "NULL" else key.rpartition(".")[2]
            if _NAME.fullmatch(table) and _NAME.fullmatch(column):
                yield table, column


_PLAIN = 4
"""Parts of a rule that names a table, a column, and the row that it leaves out by its key."""


def _table(code: Codebase, models: ModelIndex, path: str, node: Node) -> str:
    """The table that a text names, or `Order::class`."""
    match node:
        case Text(value=str() as text):
            return text if _NAME.fullmatch(text) else ""
        case Member(of=of, name="class"):
            found = code.resolve_node(path, of)
            model = models.by_name.get(found.qualified) if isinstance(found, ClassDefinition) else None
            return model.table if model is not None else ""
    return ""


def _marked(code: Codebase, model: Model, library: Library, words: Validations) -> Iterator[QuerySite]:
    definition = model.definition
    facts = code.files.get(definition.path)  # a library's own class stands in none
    if facts is None or facts.language != library.language or model.abstract:
        return
    for mark in definition.node.decorators:
        meant = code.resolve_node(definition.path, mark.callee) if isinstance(mark, Call) else None
        keyword = next(
            (k for n, k in words.marks.items() if isinstance(meant, External) and named(library, meant.name, (n,))), ""
        )
        if not keyword or not isinstance(mark, Call):
            continue
        given = [*mark.args[:1], *(k.value for k in mark.keywords if k.name == keyword)]
        fields = [text_of(n) for value in given for n in walk(value) if isinstance(n, Text)]
        columns = [_column(model, field) for field in fields if field]
        if columns and all(columns):
            yield _site(code, definition.path, mark, model.table, columns)


def _column(model: Model, field: str) -> str:
    relation = model.relations.get(field)
    return relation.column if relation is not None else lookups.column_of(model, field)


def _site(code: Codebase, path: str, node: Node, table: str, columns: list[str]) -> QuerySite:
    conditions = tuple(Condition("equal", column) for column in columns)
    return QuerySite(table, around(code, path, node.start), code.place(path, node), conditions)
