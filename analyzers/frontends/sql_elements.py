"""Columns, indexes and foreign keys, as a table's definition or one action of an `ALTER TABLE` states them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from analyzers.facts.sql import IndexPart, SqlColumn, SqlForeignKey, SqlIndex
from analyzers.frontends.sql_tokens import (
    Cursor,
    UnreadableError,
    fixed,
    fold,
    group_end,
    join_name,
    parse,
    render,
    split_commas,
)

Element = SqlColumn | SqlIndex | SqlForeignKey

# What an element may begin with that is neither a column nor an index nor a foreign key.
_HARMLESS = ("CHECK", "PERIOD")
_KEYS = ("PRIMARY", "UNIQUE", "FOREIGN", "INDEX", "KEY", "FULLTEXT", "SPATIAL")


def read_elements(body: list[Token], text: str, dialect: str) -> tuple[list[Element], int]:
    """The elements of a table's body (without its brackets), and how many of them are not understood."""
    parts = [part for part in map(_trimmed, split_commas(body)) if part]
    try:
        return list(_elements(_schema(parts, text, dialect), dialect)), 0
    except UnreadableError:
        pass
    found: list[Element] = []
    unknown = 0
    for part in parts:
        try:
            found += read_element(part, text, dialect)
        except UnreadableError:
            unknown += 1
    return found, unknown


def read_element(tokens: list[Token], text: str, dialect: str) -> list[Element]:
    """One column or constraint; empty for a check. Raises `UnreadableError`."""
    tokens = _trimmed(tokens)
    return list(_elements(_schema([tokens], text, dialect), dialect)) if tokens else []


def is_harmless(tokens: list[Token]) -> bool:
    """Whether a constraint, named or not, is one that no index stands behind."""
    cursor = Cursor(tokens, "")
    if cursor.take("CONSTRAINT") and cursor.peek() not in _HARMLESS:
        cursor.at += 1
    return cursor.peek() in _HARMLESS


def _trimmed(tokens: list[Token]) -> list[Token]:
    """An element without what may follow an index's columns (`USING BTREE`, `COMMENT …`); empty for a check."""
    if is_harmless(tokens):
        return []
    cursor = Cursor(tokens, "")
    if cursor.take("CONSTRAINT") and cursor.peek() not in _KEYS:
        cursor.at += 1
    if cursor.peek() not in _KEYS or cursor.peek() == "FOREIGN":
        return tokens
    for index in range(cursor.at, len(tokens)):
        if tokens[index].text == "(":
            return tokens[: group_end(tokens, index)]
    return tokens


def _schema(parts: list[list[Token]], text: str, dialect: str) -> list[exp.Expr]:
    """The syntax trees of a table's elements. Raises `UnreadableError`."""
    if not parts:
        return []
    if not dialect and any(Cursor(part, "").peek() in {"INDEX", "KEY", "FULLTEXT", "SPATIAL"} for part in parts):
        dialect = "mysql"
    tokens: list[Token] = []
    for part in parts:
        tokens += [*fixed(",", ""), *part] if tokens else part
    tree = parse(text, [*tokens, *fixed(")", "")], dialect, before="CREATE TABLE t (")
    body = tree.this
    if not isinstance(tree, exp.Create) or not isinstance(body, exp.Schema):
        raise UnreadableError("not a table")
    return list(body.expressions)


def _elements(trees: Iterable[exp.Expr], dialect: str) -> Iterable[Element]:
    for tree in trees:
        if isinstance(tree, exp.ColumnDef):
            yield _column(tree, dialect)
        elif isinstance(tree, exp.Identifier):
            yield SqlColumn(identifier(tree, dialect))
        elif isinstance(tree, exp.Constraint):
            name = identifier(tree.this, dialect)
            for kind in tree.expressions:
                yield from _constraint(kind, name, dialect)
        else:
            yield from _constraint(tree, "", dialect)


def _column(tree: exp.ColumnDef, dialect: str) -> SqlColumn:
    kinds = [constraint.args.get("kind") or constraint for constraint in tree.args.get("constraints") or ()]
    references = next((table_of(kind.this, dialect) for kind in kinds if isinstance(kind, exp.Reference)), "")
    primary = any(isinstance(kind, exp.PrimaryKeyColumnConstraint) for kind in kinds)
    required = any(isinstance(kind, exp.NotNullColumnConstraint) and not kind.args.get("allow_null") for kind in kinds)
    default = next((render(kind.this, dialect) for kind in kinds if isinstance(kind, exp.DefaultColumnConstraint)), "")
    return SqlColumn(
        name=identifier(tree.this, dialect),
        type=_type_name(tree.args.get("kind"), dialect),
        nullable=not (primary or required),
        primary=primary,
        unique=any(isinstance(kind, exp.UniqueColumnConstraint) for kind in kinds),
        references=references,
        size=_size(tree.args.get("kind")),
        default=default,
        volatile=_VOLATILE.search(default) is not None,
        generated=next((word for kind in kinds for of, word in _GENERATED if isinstance(kind, of)), ""),
    )


_VOLATILE = re.compile(
    r"\b(?:gen_random_uuid|uuid_generate_v\w+|uuid|clock_timestamp|timeofday|random|rand|nextval)\s*\(", re.I
)
_GENERATED = (
    (exp.GeneratedAsIdentityColumnConstraint, "identity"),
    (exp.AutoIncrementColumnConstraint, "identity"),
    (exp.ComputedColumnConstraint, "stored"),
)


def _size(kind: exp.Expr | None) -> tuple[int, ...]:
    """What stands in brackets behind a type: `(10, 2)`."""
    given = kind.expressions if isinstance(kind, exp.DataType) else ()
    values = [p.this if isinstance(p, exp.DataTypeParam) else p for p in given]
    if not all(isinstance(v, exp.Literal) and v.is_int for v in values):
        return ()
    return tuple(int(str(v.this)) for v in values)


def _type_name(kind: exp.Expr | None, dialect: str) -> str:
    if not isinstance(kind, exp.DataType):
        return ""
    name = kind.this.value.lower() if isinstance(kind.this, exp.DType) else str(kind.this).lower()
    if name in {"userdefined", "user-defined"}:
        own = kind.args.get("kind")
        return render(own, dialect).lower().rpartition(".")[2] if isinstance(own, exp.Expr) else str(own or "").lower()
    unsigned = {"uint", "ubigint", "usmallint", "utinyint", "umediumint", "udecimal", "udouble"}
    return name[1:] if name in unsigned else name


def _constraint(tree: exp.Expr, name: str, dialect: str) -> Iterable[Element]:
    """What one table constraint adds. Raises `UnreadableError` where it is of no known kind."""
    match tree:
        case exp.PrimaryKey():
            yield SqlIndex(name, index_parts(tree.expressions, dialect), unique=True, primary=True, constraint=True)
        case exp.UniqueColumnConstraint() if isinstance(tree.this, exp.Schema):
            own = identifier(tree.this.this, dialect) if tree.this.this else ""
            parts = index_parts(tree.this.expressions, dialect)
            yield SqlIndex(own or name, parts, unique=True, method=_method(tree), constraint=True)
        case exp.IndexColumnConstraint():
            own = identifier(tree.this, dialect) if tree.this else ""
            method = str(tree.args.get("kind") or "").lower() or _method(tree)
            yield SqlIndex(own or name, index_parts(tree.expressions, dialect), method=method)
        case exp.ForeignKey():
            reference = tree.args.get("reference")
            columns = tuple(identifier(column, dialect) for column in tree.expressions)
            target = reference.this if isinstance(reference, exp.Reference) else None
            referred = target.expressions if isinstance(target, exp.Schema) else ()
            if not columns or not isinstance(reference, exp.Reference):
                raise UnreadableError("foreign key")
            yield SqlForeignKey(
                columns,
                table_of(reference.this, dialect),
                name,
                tuple(identifier(column, dialect) for column in referred),
                on_delete=_on_delete(tree, reference),
            )
        case exp.ExcludeColumnConstraint():
            parameters = tree.this
            parts = index_parts([item.this for item in parameters.args.get("columns") or ()], dialect)
            method = str(parameters.args.get("using") or "gist").lower()
            yield SqlIndex(name, parts, method=method, constraint=True, exclusion=True)
        case exp.CheckColumnConstraint():
            return
        case _:
            raise UnreadableError(type(tree).__name__)


def _on_delete(tree: exp.ForeignKey, reference: exp.Reference) -> str:
    stated = [str(option).upper() for option in reference.args.get("options") or ()]
    found = next((option.removeprefix("ON DELETE ") for option in stated if option.startswith("ON DELETE ")), "")
    return (found or str(tree.args.get("delete") or "")).lower()


def _method(tree: exp.Expr) -> str:
    return str(tree.args.get("index_type") or "").lower()


def index_parts(trees: Iterable[exp.Expr], dialect: str) -> tuple[IndexPart, ...]:
    """The positions of an index. Raises `UnreadableError` where there is none."""
    parts = tuple(_part(tree, dialect) for tree in trees)
    if not parts:
        raise UnreadableError("an index without columns")
    return parts


def _part(tree: exp.Expr, dialect: str) -> IndexPart:
    descending, opclass = False, ""
    while True:
        if isinstance(tree, exp.Ordered):
            descending = bool(tree.args.get("desc"))
            tree = tree.this
        elif isinstance(tree, exp.Opclass):
            opclass = render(tree.expression, dialect).lower().rpartition(".")[2]
            tree = tree.this
        elif isinstance(tree, (exp.Collate, exp.ColumnPrefix)) or (isinstance(tree, exp.Paren) and _is_column(tree.this)):
            tree = tree.this
        else:
            break
    if _is_column(tree):
        return IndexPart(identifier(tree, dialect), descending=descending, opclass=opclass)
    if isinstance(tree, exp.Anonymous) and dialect != "postgres" and _is_prefix(tree):
        prefix = int(str(tree.expressions[0].this))
        return IndexPart(fold(str(tree.this), quoted=False, dialect=dialect), descending=descending, prefix=prefix)
    return IndexPart("", render(tree.unnest(), dialect), descending, opclass)


def _is_column(tree: exp.Expr | None) -> bool:
    return isinstance(tree, exp.Identifier) or (isinstance(tree, exp.Column) and isinstance(tree.this, exp.Identifier))


def _is_prefix(tree: exp.Anonymous) -> bool:
    """`name(10)`: the first characters of a column, which sqlglot takes for a function."""
    return len(tree.expressions) == 1 and isinstance(tree.expressions[0], exp.Literal) and tree.expressions[0].is_int


def identifier(tree: exp.Expr | str | None, dialect: str) -> str:
    """The name an identifier or column stands for. Raises `UnreadableError` for anything else."""
    if isinstance(tree, exp.Column):
        tree = tree.this
    if isinstance(tree, exp.Identifier):
        return fold(str(tree.this), quoted=bool(tree.args.get("quoted")), dialect=dialect)
    if isinstance(tree, (exp.Var, exp.Literal)):
        return fold(str(tree.this), quoted=False, dialect=dialect)
    raise UnreadableError("a name is missing")


def table_of(tree: exp.Expr | None, dialect: str) -> str:
    """The qualified name of a table, also where its columns are listed after it. Raises `UnreadableError`."""
    if isinstance(tree, exp.Schema):
        tree = tree.this
    if not isinstance(tree, exp.Table) or not isinstance(tree.this, exp.Identifier):
        raise UnreadableError("a table is missing")
    schema = tree.args.get("db")
    return join_name([identifier(schema, dialect) if schema else "", identifier(tree.this, dialect)])
