"""The columns a SELECT, UPDATE or DELETE uses, and how: compared for equality, as a range, or to order by.

Only what an index of one table could serve counts: bare columns in conditions that all must hold. A column inside a function
or a cast, one under an `OR` over different columns, one whose table is not clear and one of a subquery's result are left out,
and the query is `partial`, as it may be narrowed by what was left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from analyzers.facts.sql import SqlQuery
from analyzers.frontends.sql_elements import identifier, table_of
from analyzers.frontends.sql_tokens import UnreadableError, parse, tokenize

QUERY_LIMIT = 60_000
"""Characters of one query that are parsed."""

Column = tuple[str, str]
_Sources = dict[str, str | None]  # alias -> table; None where it is a subquery's result

_PLACEHOLDER = re.compile(
    r"(?P<keep>'[^']*+'?|\"[^\"]*+\"?|`[^`]*+`?|--[^\n]*+|/\*(?>(?:[^*]|\*(?!/))*)(?:\*/)?)"
    r"|%\(\w+\)[sdf]|%[sdf]\b|\?\d+|[#$]?\{[^{}'\"\n]{0,80}\}|%%"
)


def _neutral(match: re.Match[str]) -> str:
    if match["keep"] is not None:
        return match["keep"]
    return "%" if match[0] == "%%" else ":p"


def queries(text: str, dialect: str) -> list[SqlQuery]:
    """The queries of one statement, subqueries included, outermost first. Raises `UnreadableError`."""
    if len(text) > QUERY_LIMIT:
        raise UnreadableError("too long")
    text = _PLACEHOLDER.sub(_neutral, text)
    candidates = [dialect] if dialect else ["", "postgres", "mysql"]
    for candidate in candidates:
        try:
            tree = parse(text, tokenize(text, candidate), candidate)
        except UnreadableError:
            if candidate == candidates[-1]:
                raise
            continue
        break
    try:
        return list(_scopes(tree, candidate))
    except RecursionError as error:
        raise UnreadableError("too deep") from error


def _scopes(tree: exp.Expr, dialect: str) -> Iterator[SqlQuery]:
    local = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    scopes: dict[int, _Scope] = {}
    for node in tree.find_all(exp.Select, exp.Update, exp.Delete):
        outer = node.parent
        while outer is not None and id(outer) not in scopes:
            outer = outer.parent
        scope = _Scope(node, scopes[id(outer)] if outer is not None else None, local, dialect)
        scopes[id(node)] = scope
        if query := scope.read():
            yield query


class _Found:
    """The columns that the conditions of one scope use, by how."""

    def __init__(self) -> None:
        self.equal: list[Column] = []
        self.ranged: list[Column] = []
        self.joined: list[Column] = []
        self.folded: list[Column] = []
        self.partial = False


class _Scope:
    """One SELECT, UPDATE or DELETE with the tables its columns may belong to."""

    def __init__(self, node: exp.Expr, outer: _Scope | None, local: set[str], dialect: str) -> None:
        self.node = node
        self.outer = outer
        self.local = local
        self.dialect = dialect
        self.sources: _Sources = {}
        self.joins: list[exp.Join] = []
        for relation in self._relations():
            self._add_source(relation)

    def _relations(self) -> Iterator[exp.Expr]:
        arguments = self.node.args
        starts = [arguments.get("this")] if not isinstance(self.node, exp.Select) else []
        source = arguments.get("from_")
        starts.append(source.this if source is not None else None)
        starts += arguments.get("using") or []
        stack = [start for start in reversed(starts) if isinstance(start, exp.Expr)]
        self.joins += arguments.get("joins") or ()
        stack[:0] = [join.this for join in reversed(self.joins)]
        while stack:
            relation = stack.pop()
            nested = relation.args.get("joins") or ()
            self.joins += nested
            stack += [join.this for join in nested]
            if isinstance(relation, (exp.Paren, exp.Subquery)) and isinstance(relation.this, exp.Table):
                stack.append(relation.this)
            else:
                yield relation

    def _add_source(self, relation: exp.Expr) -> None:
        alias = _alias(relation, self.dialect)
        table: str | None = None
        if isinstance(relation, exp.Table):
            try:
                table = table_of(relation, self.dialect)
            except UnreadableError:
                table = None
            schema = relation.args.get("db")
            if schema is None and table is not None and table.lower() in self.local:
                table = None
            if schema is not None and identifier(schema, self.dialect) in self.sources:
                raise UnreadableError("a path of an object query language, not a table")
        self.sources[alias or f"?{len(self.sources)}"] = table

    def read(self) -> SqlQuery | None:
        """What the scope uses, or nothing where it reads no table."""
        tables = tuple(dict.fromkeys(table for table in self.sources.values() if table))
        if not tables:
            return None
        found = _Found()
        conditions = [where.this] if (where := self.node.args.get("where")) is not None else []
        for join in self.joins:
            if (on := join.args.get("on")) is not None:
                conditions.append(on)
            found.joined += self._using(join)
        for condition in _conjuncts(conditions):
            self._condition(condition, found)
        return SqlQuery(
            does=type(self.node).__name__.lower(),
            tables=tables,
            equal=tuple(dict.fromkeys(found.equal)),
            ranged=tuple(dict.fromkeys(found.ranged)),
            ordered=tuple(dict.fromkeys(self._ordered())),
            limited=self.node.args.get("limit") is not None,
            joined=tuple(dict.fromkeys(found.joined)),
            folded=tuple(dict.fromkeys(found.folded)),
            partial=found.partial,
        )

    def _using(self, join: exp.Join) -> Iterator[Column]:
        """`JOIN t USING (c)`: certain for the joined table, and for the other where there are but two."""
        names = [identifier(column, self.dialect) for column in join.args.get("using") or ()]
        joined = self.sources.get(_alias(join.this, self.dialect))
        sides = list(self.sources.values()) if len(self.sources) == 2 else [joined]
        return ((table, name) for name in names for table in sides if table)

    def column(self, tree: exp.Expr | None) -> Column | None:
        """The table and name of a bare column, or nothing where either is unclear."""
        while isinstance(tree, exp.Paren):
            tree = tree.this
        if not isinstance(tree, exp.Column) or not isinstance(tree.this, exp.Identifier):
            return None
        name = identifier(tree, self.dialect)
        qualifier = tree.args.get("table")
        if qualifier is None:
            tables = list(self.sources.values())
            return (tables[0], name) if len(tables) == 1 and tables[0] else None
        alias = identifier(qualifier, self.dialect)
        scope: _Scope | None = self
        while scope is not None:
            if alias in scope.sources:
                table = scope.sources[alias]
                # A column of an outer query is a constant for this one.
                return (table, name) if table and scope is self else None
            scope = scope.outer
        return None

    def _condition(self, tree: exp.Expr, found: _Found) -> None:
        match tree:
            case exp.EQ() | exp.NullSafeEQ():
                self._equality(tree, found)
            case exp.Is() if column := self.column(tree.this):
                found.equal += [] if tree.args.get("negate") else [column]
            case exp.In():
                targets = tree.this.expressions if isinstance(tree.this, exp.Tuple) else [tree.this]
                columns = [column for target in targets if (column := self.column(target))]
                found.equal += columns
                found.partial = found.partial or not columns
            case exp.GT() | exp.GTE() | exp.LT() | exp.LTE():
                sides = [side for side in (self.column(tree.this), self.column(tree.expression)) if side]
                found.ranged += sides if len(sides) == 1 else []
                found.partial = found.partial or not sides
            case exp.Between() if column := self.column(tree.this):
                found.ranged.append(column)
            case exp.Like() | exp.ILike() if column := self.column(tree.this):
                found.ranged += [column] if isinstance(tree, exp.Like) and _has_prefix(tree.expression) else []
            case exp.Or():
                self._alternatives(tree, found)
            case (
                exp.NEQ()
                | exp.Not(this=exp.In() | exp.Is() | exp.Exists() | exp.Like() | exp.ILike() | exp.Between() | exp.EQ())
            ):
                pass  # what is denied narrows nothing
            case exp.Not() if column := self.column(tree.this):
                found.equal.append(column)
            case exp.Column() if column := self.column(tree):
                found.equal.append(column)
            case exp.Boolean() | exp.Literal():
                pass
            case _:
                found.partial = True

    def _equality(self, tree: exp.Expr, found: _Found) -> None:
        """`a = 1`, `a.id = b.a_id` of two tables, `lower(a) = :p`."""
        left, right = self.column(tree.this), self.column(tree.expression)
        if left and right:
            same = _qualifier(tree.this) == _qualifier(tree.expression)
            found.joined += [] if same else [left, right]
        elif left or right:
            found.equal += [side for side in (left, right) if side]
        elif not (_constant(tree.this) and _constant(tree.expression)):
            folded = [side.this for side in (tree.this, tree.expression) if isinstance(side, exp.Lower | exp.Upper)]
            columns = [column for side in folded if (column := self.column(side))]
            found.folded += columns
            found.partial = found.partial or not columns

    def _alternatives(self, tree: exp.Or, found: _Found) -> None:
        """Alternatives over one and the same column are like an `IN`; over different ones no single index serves them."""
        sides: list[list[Column]] = []
        kinds: set[str] = set()
        for branch in _flatten([tree], exp.Or):
            mine = _Found()
            if not isinstance(branch, exp.And | exp.Or):
                self._condition(branch, mine)
            kinds.add("ranged" if mine.ranged else "equal")
            sides.append(mine.equal + mine.ranged)
        if all(columns == sides[0] and len(columns) == 1 for columns in sides):
            (found.ranged if "ranged" in kinds else found.equal).append(sides[0][0])
        else:
            found.partial = True

    def _ordered(self) -> Iterator[Column]:
        """The leading bare columns of ORDER BY; none where rows are grouped or made distinct before they are ordered."""
        arguments = self.node.args
        order = arguments.get("order")
        if order is None or arguments.get("group") is not None or _aggregates(self.node):
            return
        outputs = {item.alias.lower(): item.this for item in self.node.expressions if isinstance(item, exp.Alias)}
        for item in order.expressions:
            target = item.this if isinstance(item, exp.Ordered) else item
            if isinstance(target, exp.Literal) and target.is_int and 0 < int(target.this) <= len(self.node.expressions):
                target = self.node.expressions[int(target.this) - 1].unalias()
            elif isinstance(target, exp.Column) and not target.args.get("table"):
                target = outputs.get(target.name.lower(), target)
            column = self.column(target)
            if column is None:
                return
            yield column


def _alias(relation: exp.Expr, dialect: str) -> str:
    """What a source is called in its query; empty where it has no name."""
    alias = relation.args.get("alias")
    named = alias.this if isinstance(alias, exp.TableAlias) else alias
    if named is None and isinstance(relation, exp.Table):
        named = relation.this
    return identifier(named, dialect) if isinstance(named, exp.Identifier) else ""


def _qualifier(tree: exp.Expr) -> str:
    while isinstance(tree, exp.Paren):
        tree = tree.this
    return str(tree.args["table"].this).lower() if isinstance(tree, exp.Column) and tree.args.get("table") else ""


def _conjuncts(conditions: list[exp.Expr]) -> Iterator[exp.Expr]:
    return _flatten(conditions, exp.And)


def _flatten(conditions: list[exp.Expr], connector: type[exp.Expr]) -> Iterator[exp.Expr]:
    """The conditions that `connector` (AND, OR) joins, in order, through brackets."""
    stack = list(reversed(conditions))
    while stack:
        tree = stack.pop()
        while isinstance(tree, exp.Paren):
            tree = tree.this
        if isinstance(tree, connector):
            stack += [tree.expression, tree.this]
        elif tree is not None:
            yield tree


def _constant(tree: exp.Expr | None) -> bool:
    return isinstance(tree, exp.Literal | exp.Boolean | exp.Null)


def _has_prefix(pattern: exp.Expr | None) -> bool:
    """Whether a LIKE pattern is a text whose first character is no wildcard."""
    return isinstance(pattern, exp.Literal) and pattern.is_string and str(pattern.this)[:1] not in {"", "%", "_"}


def _aggregates(node: exp.Expr) -> bool:
    """Whether the output is one row of totals."""
    return any(isinstance(item.unalias(), exp.AggFunc) for item in node.expressions)
