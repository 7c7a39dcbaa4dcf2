"""What a library's methods do to rows: which come with them, by which columns they are searched, and when a query runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Assign, Call, Member, Name, Node, Other, Text, walk
from analyzers.knowledge import Library, Method, libraries, named
from analyzers.model import flow
from analyzers.model.code import ClassDefinition, Codebase
from analyzers.model.dql import read_dql
from analyzers.model.models import Model, ModelIndex
from analyzers.model.project import Relation
from analyzers.model.types import (
    LibraryValue,
    Listed,
    Literal,
    Mapped,
    ModelClass,
    Row,
    Rows,
    Search,
    Site,
    Tupled,
    Value,
    covers,
)

if TYPE_CHECKING:
    from analyzers.model.frames import Frame
    from analyzers.model.summaries import Inference

_COMPARISON = re.compile(r"\b([a-zA-Z_]\w*)\.([a-zA-Z_]\w*)\s*(=|<>|!=|<=|>=|<|>|IN\b|BETWEEN\b|LIKE\b|IS\b)", re.IGNORECASE)
_DOTTED = re.compile(r"\s*([a-zA-Z_]\w*)\.([a-zA-Z_]\w*)")
_ALIASES = re.compile(r"[a-zA-Z_]\w*")


# -- where rows come from ----------------------------------------------------------------------------------------------


def repositories(code: Codebase, models: ModelIndex) -> dict[str, tuple[ClassDefinition, str]]:
    """The project's repository classes by qualified name, and the model each serves."""
    out: dict[str, tuple[ClassDefinition, str]] = {}
    for library in libraries():
        words = library.rows
        if words is None or not words.repository_bases:
            continue
        for definition in code.classes():
            if code.files[definition.path].language != library.language or not definition.node.bases:
                continue
            if any(named(library, e, words.repository_bases) for e in code.externals(definition)):
                served = _served(code, models, definition)
                if served:
                    out[definition.qualified] = (definition, served)
        for model in models.by_name.values():
            for decorator in model.definition.node.decorators if model.library is library else ():
                for keyword in decorator.keywords if isinstance(decorator, Call) else ():
                    if keyword.name != "repositoryClass":
                        continue
                    found = _class_named(code, model.definition.path, keyword.value)
                    if found is not None:
                        out.setdefault(found.qualified, (found, model.qualified))
    return out


def _class_named(code: Codebase, path: str, node: Node) -> ClassDefinition | None:
    match node:
        case Member(of=of, name="class"):
            found = code.resolve_node(path, of)
        case Text(value=str() as text):
            found = code.resolve(path, text)
        case _:
            return None
    return found if isinstance(found, ClassDefinition) else None


def _served(code: Codebase, models: ModelIndex, definition: ClassDefinition) -> str:
    """The model named by `parent::__construct($registry, Order::class)` or `@extends ServiceEntityRepository<Order>`."""
    for node in (*definition.node.bases, *definition.node.decorators, *definition.node.body):
        for inner in walk(node):
            candidate: Node | None = None
            if isinstance(inner, Call) and isinstance(inner.callee, Member) and inner.callee.name == "__construct":
                candidate = next((a for a in inner.args if isinstance(a, Member) and a.name == "class"), None)
            elif isinstance(inner, Other) and inner.word == "item" and inner in definition.node.bases:
                candidate = Member(0, 0, inner.children[-1], "class")
            found = _class_named(code, definition.path, candidate) if candidate is not None else None
            if found is not None and id(found) in models.by_class:
                return found.qualified
    return ""


def rows_of_class(inference: Inference, definition: ClassDefinition) -> Rows | None:
    """What an object of a repository, manager or queryset class stands for: rows that nothing is known of yet."""
    inference.trace.touched.add(f"repository:{definition.qualified}")
    served = inference.repositories.get(definition.qualified)
    if served is not None:
        site = Site(definition.path, definition.node.start, definition.node.end, definition.qualified)
        return Rows(served[1], site, kind=definition)
    return None


def manager_class(inference: Inference, stated: tuple[ClassDefinition, Assign]) -> ClassDefinition | None:
    """The project's manager or queryset class behind `objects = OrderManager()`, `OrderQuerySet.as_manager()` and
    `models.Manager.from_queryset(OrderQuerySet)()`."""
    owner, assign = stated
    if not isinstance(assign.value, Call):
        return None
    for node in walk(assign.value):
        if isinstance(node, Name):
            found = inference.code.resolve(owner.path, node.id)
            if isinstance(found, ClassDefinition) and _is_manager(inference, found):
                return found
    return None


def _is_manager(inference: Inference, definition: ClassDefinition) -> bool:
    externals = inference.code.externals(definition)
    return any(
        named(library, e, library.rows.manager_bases) for library in libraries() if library.rows is not None for e in externals
    )


def manager_kind(inference: Inference, model: str) -> ClassDefinition | None:
    """The class whose methods a collection of the model's rows has: its default manager's."""
    found = inference.model(model)
    if found is None or found.library.rows is None:
        return None
    for name in found.library.rows.managers:
        stated = inference.code.attribute(found.definition, name)
        if stated is not None:
            return manager_class(inference, stated)
    return None


def library_of(inference: Inference, rows: Rows) -> Library | None:
    """The library whose methods these rows have."""
    model = inference.model(rows.model)
    if model is not None:
        return model.library
    language = inference.code.files[rows.site.path].language
    wanted = "php" if language in ("php", "twig") else "python"
    return next((x for x in libraries() if x.language == wanted and x.rows is not None), None)


def rows_from(value: Value, frame: Frame, node: Node) -> Rows | None:
    """A model class or rows, as rows."""
    match value:
        case Rows():
            return value
        case ModelClass(model=model):
            return Rows(model, frame.site(node), root=frame.site(node))
    return None


def session_call(
    inference: Inference, library: Library, callee: LibraryValue, node: Call, args: tuple[Value, ...], frame: Frame
) -> Value:
    """What a session's own methods give: a repository, one row, a query in the ORM's language, a query builder."""
    words = library.rows
    holder, _, method = callee.name.rpartition(".")
    if words is None or not words.session_bases or not callee.instance or named(library, holder, words.session_bases) is None:
        return None
    site = frame.site(node)
    if method == words.repository_of and node.args:
        found = _class_named(inference.code, frame.path, node.args[0])
        if found is None or not inference.is_model(found):
            return None
        return Rows(found.qualified, site, kind=inference.repository_of(found.qualified))
    if method == "find" and node.args:
        found = _class_named(inference.code, frame.path, node.args[0])
        return Row(found.qualified, known=True) if found is not None and inference.is_model(found) else None
    if method == "createQuery" and args and isinstance(args[0], Literal) and isinstance(args[0].value, str):
        return _from_dql(inference, args[0].value, site, frame)
    if method == "createQueryBuilder":
        return Rows("", site, root=site, joined=site)
    if method in ("getManager", "getManagerForClass", "getEntityManager"):
        return LibraryValue(holder, instance=True)
    return None


def _from_dql(inference: Inference, text: str, site: Site, frame: Frame) -> Value:
    """Rows of a query written in the ORM's own language."""
    dql = read_dql(text)
    if dql is None:
        return None
    found = inference.code.php_class(dql.entity) or inference.code.resolve(frame.path, dql.entity)
    if not isinstance(found, ClassDefinition) or not inference.is_model(found):
        return None
    model = inference.models.by_class[id(found)]
    aliases: dict[str, str] = {dql.alias: ""}
    for alias, parent, relation in dql.joins:
        if parent in aliases:
            aliases[alias] = ".".join(p for p in (aliases[parent], relation) if p)
    eager = frozenset(aliases[a] for a in dql.selected if aliases.get(a))
    searches = tuple(s for s in (_search(model, aliases, a, n, how) for a, n, how in dql.searches) if s is not None)
    known = dql.alias in dql.selected
    return Rows(model.qualified, site, eager=eager, known=known, aliases=tuple(aliases.items()), root=site, searches=searches)


def extended(inference: Inference, receiver: Value, result: Value, node: Call, frame: Frame) -> Value:
    """`Order.objects.paid()`: rows that the project's own queryset method hands on are a query of the caller, where eager
    loading can be added to it. (A repository's method is the query's own place.)"""
    if not (isinstance(receiver, Rows) and isinstance(result, Rows)):
        return result
    library = library_of(inference, result)
    if library is None or library.rows is None or not library.rows.eager_chain:
        return result
    return msgspec.structs.replace(result, site=frame.site(node), chained=True, root=receiver.root or frame.site(node))


# -- rows in use -------------------------------------------------------------------------------------------------------


def touch(inference: Inference, rows: Rows, node: Node, frame: Frame) -> None:
    """The rows are needed now. A collection of a row in a loop is queried for, unless it came with the rows."""
    if rows.owner is None or rows.loop is None:
        return
    if not rows.bypass and covers(rows.owner.eager, rows.path):
        return
    relation = relation_at(inference, rows.owner, rows.path)
    if relation is not None and not relation.eager:
        row = Row(relation.model, rows.owner, rows.path[:-1], rows.loop)
        inference.note_read(row, relation, node, frame, bypass=rows.bypass)


def relation_at(inference: Inference, rows: Rows | None, path: tuple[str, ...]) -> Relation | None:
    """The relation that `path` ends with, from the model of `rows`."""
    model = inference.model(rows.model) if rows is not None else None
    relation: Relation | None = None
    for hop in path:
        relation = model.relations.get(hop) if model is not None else None
        model = inference.model(relation.target) if relation is not None else None
    return relation


def one_of(inference: Inference, rows: Rows, loop: Site, node: Node, frame: Frame) -> Row:
    """A row of `rows`, walked by `loop`."""
    touch(inference, rows, node, frame)
    if rows.limit == 1:
        return single(rows, known=rows.known)
    if rows.owner is not None and not rows.bypass:
        return Row(rows.model, rows.owner, rows.path, loop)
    inference.note_query(rows, frame, node)
    return Row(rows.model, rows, (), loop)


def single(rows: Rows, *, known: bool) -> Row:
    """One row picked from `rows`."""
    if rows.owner is not None and not rows.bypass:
        return Row(rows.model, rows.owner, rows.path, rows.loop)
    return Row(rows.model, eager=rows.eager, known=known)


def apply(inference: Inference, rows: Rows, name: str, call: Call, frame: Frame) -> Value:
    """What `rows.name(…)` gives."""
    library = library_of(inference, rows)
    if library is None or library.rows is None:
        return None
    method = library.rows.methods.get(name)
    args = [flow.evaluate(inference, a, frame) for a in call.args]
    for keyword in call.keywords:
        flow.evaluate(inference, keyword.value, frame)
    if method is None:
        return rows if name in library.transparent_methods else None
    changed = _changed(inference, rows, name, method, call, args, library, frame)
    if method.fresh and rows.owner is not None:
        changed = msgspec.structs.replace(changed, bypass=True)
    if rows.owner is not None and (method.runs or method.returns == "value") and name not in _WRITES:
        touch(inference, changed, call, frame)
    inference.note_query(changed, frame, call)
    match method.returns:
        case "rows":
            return changed
        case "new":
            return msgspec.structs.replace(changed, kind=None)
        case "row":
            return single(msgspec.structs.replace(changed, owner=None) if changed.bypass else changed, known=changed.known)
    return None


_WRITES = frozenset({"add", "remove", "set", "clear", "create", "update", "delete", "bulk_create", "bulk_update", "none"})


def _changed(
    inference: Inference,
    rows: Rows,
    name: str,
    method: Method,
    call: Call,
    args: list[Value],
    library: Library,
    frame: Frame,
) -> Rows:
    """The rows after the call: what comes with them, how they are searched, where a fix would go."""
    words = library.rows
    assert words is not None
    site = frame.site(call)
    out = rows
    if method.eager == "paths":
        out = _eager_paths(out, name, call, args, words.path_separator)
    elif method.eager == "joined":
        out = _joined(out, args)
    elif method.eager == "selected":
        out = _selected(out, args)
    if name == "createQueryBuilder" and args and isinstance(args[0], Literal):
        out = msgspec.structs.replace(out, aliases=((str(args[0].value), ""),), joined=site, root=site)
    if name == "from" and call.args:
        found = _class_named(inference.code, frame.path, call.args[0])
        if found is not None and inference.is_model(found):
            alias = args[1].value if len(args) > 1 and isinstance(args[1], Literal) else "o"
            out = msgspec.structs.replace(out, model=found.qualified, aliases=((str(alias), ""),))
    model = inference.model(out.model)
    if model is not None:
        found_searches = _searches(inference, model, method, call, args, dict(out.aliases), words.path_separator, words.lookups)
        out = msgspec.structs.replace(out, searches=(*out.searches, *found_searches))
    chained = words.eager_chain and method.returns == "rows"
    limit = out.limit
    if method.limits:
        first = args[0].value if args and isinstance(args[0], Literal) else None
        limit = first if isinstance(first, int) and not isinstance(first, bool) else limit
        out = msgspec.structs.replace(out, limited=True)
    keep_site = out.owner is not None and not out.bypass
    return msgspec.structs.replace(
        out,
        site=out.site if keep_site and not chained else site,
        chained=chained,
        limit=limit,
        root=out.root or (site if method.returns in ("new", "row") else None),
    )


def _eager_paths(rows: Rows, name: str, call: Call, args: list[Value], separator: str) -> Rows:
    """Relation paths given as strings, or as objects whose first argument is the path."""
    paths: set[str] = set()
    known = rows.known
    if not args and name == "select_related":
        known = False  # every mandatory relation: which ones that are is not followed
    for node, value in zip(call.args, args, strict=True):
        candidates = value.items if isinstance(value, Tupled) else (value,)
        for candidate in candidates:
            if isinstance(candidate, Literal) and isinstance(candidate.value, str):
                paths.add(candidate.value.replace(separator, "."))
            elif isinstance(candidate, Literal) and candidate.value is None:
                rows = msgspec.structs.replace(rows, eager=frozenset())
            elif isinstance(node, Call) and node.args and isinstance(node.args[0], Text):
                paths.add(str(node.args[0].value).replace(separator, "."))
                inner = next((k.value for k in node.keywords if k.name == "queryset"), None)
                paths.update(_nested(inner, str(node.args[0].value).replace(separator, "."), separator))
            else:
                known = False
    return msgspec.structs.replace(rows, eager=rows.eager | paths, known=known)


def _nested(node: Node | None, path: str, separator: str) -> set[str]:
    """What the queryset of a `Prefetch` itself loads, below `path`."""
    out: set[str] = set()
    for inner in walk(node) if node is not None else ():
        if isinstance(inner, Call) and isinstance(inner.callee, Member) and inner.callee.name.endswith("_related"):
            out.update(
                f"{path}.{a.value.replace(separator, '.')}"
                for a in inner.args
                if isinstance(a, Text) and isinstance(a.value, str)
            )
    return out


def _joined(rows: Rows, args: list[Value]) -> Rows:
    """`join('o.customer', 'c')`: the alias `c` stands for the path `customer`."""
    names = [a.value for a in args[:2] if isinstance(a, Literal) and isinstance(a.value, str)]
    if len(names) < 2:
        return rows
    parent, _, relation = names[0].partition(".")
    aliases = dict(rows.aliases)
    if parent not in aliases or not relation:
        return rows
    aliases[names[1]] = ".".join(p for p in (aliases[parent], relation) if p)
    return _with_selected(msgspec.structs.replace(rows, aliases=tuple(aliases.items())))


def _selected(rows: Rows, args: list[Value]) -> Rows:
    """`addSelect('c')`: what `c` stands for comes with the rows. Columns instead of entities: no rows are known any more."""
    names, known = set(rows.selected), rows.known
    for value in args:
        for literal in value.items if isinstance(value, Tupled) else (value,):
            text = literal.value if isinstance(literal, Literal) and isinstance(literal.value, str) else "?"
            for part in text.split(","):
                if _ALIASES.fullmatch(part.strip()):
                    names.add(part.strip())
                else:
                    known = False
    return _with_selected(msgspec.structs.replace(rows, selected=frozenset(names), known=known))


def _with_selected(rows: Rows) -> Rows:
    """The rows with what their selected aliases stand for, as far as the joins are stated by now."""
    paths = {path for alias, path in rows.aliases if path and alias in rows.selected}
    return msgspec.structs.replace(rows, eager=rows.eager | paths)


# -- columns a query searches by ---------------------------------------------------------------------------------------


def _searches(
    inference: Inference,
    model: Model,
    method: Method,
    call: Call,
    args: list[Value],
    aliases: dict[str, str],
    separator: str,
    lookups: dict[str, str],
) -> list[Search]:
    found: list[Search | None] = []
    match method.filters:
        case "lookups":
            found.extend(_lookup(inference, model, k.name, separator, lookups) for k in call.keywords)
            found.extend(Search("other", model.qualified, "") for _ in call.args)
        case "criteria" if args:
            found.extend(_criteria(model, args[0], "equal"))
        case "expression":
            for value in args:
                text = value.value if isinstance(value, Literal) and isinstance(value.value, str) else ""
                if " or " in f" {text.lower()} ":
                    found.append(Search("other", model.qualified, ""))
                    continue
                hits = list(_COMPARISON.finditer(text))
                found.extend(_search(model, aliases, m[1], m[2], _how(m[3])) for m in hits)
                if not hits:
                    found.append(Search("other", model.qualified, ""))
    match method.orders:
        case "names":
            names = [a.value for a in args if isinstance(a, Literal) and isinstance(a.value, str)]
            found.extend(_column_search(model, name.lstrip("-+"), "ordered") for name in names)
        case "criteria" if len(args) > 1:
            found.extend(_criteria(model, args[1], "ordered"))
        case "expression" if args and isinstance(args[0], Literal) and isinstance(args[0].value, str):
            hit = _DOTTED.match(args[0].value)
            if hit:
                found.append(_search(model, aliases, hit[1], hit[2], "ordered"))
    return [s for s in found if s is not None]


def _how(operator: str) -> str:
    match operator.upper():
        case "=" | "IN" | "IS":
            return "equal"
        case "<" | ">" | "<=" | ">=" | "BETWEEN":
            return "ranged"
    return "other"


def _lookup(inference: Inference, model: Model, keyword: str, separator: str, lookups: dict[str, str]) -> Search:
    """`customer__email__iexact="…"`: the column at the end of the path, and what the lookup asks of an index."""
    parts = keyword.split(separator)
    how = "equal"
    if len(parts) > 1 and (parts[-1] in lookups):
        how = lookups[parts.pop()]
    current: Model | None = model
    for hop in parts[:-1]:
        relation = current.relations.get(hop) if current is not None else None
        current = inference.model(relation.target) if relation is not None else None
    if current is None or current is not model:
        return Search("other", model.qualified, "")
    return _column_search(model, parts[-1], how) or Search("other", model.qualified, "")


def _column_search(model: Model, name: str, how: str) -> Search | None:
    words = model.library.models
    if name in model.keys:
        return Search(how, model.qualified, model.indexes[-1].columns[0]) if model.indexes else None
    column = model.columns.get(name)
    if column is None and words is not None and words.key_suffix and name.endswith(words.key_suffix):
        column = model.columns.get(name.removesuffix(words.key_suffix))
    return Search(how, model.qualified, column.name) if column is not None else None


def _criteria(model: Model, value: Value, how: str) -> list[Search | None]:
    if isinstance(value, Mapped):
        return [_column_search(model, key, how) or Search("other", model.qualified, "") for key, _ in value.items]
    if isinstance(value, Listed | Tupled) or value is None:
        return [Search("other", model.qualified, "")] if how == "equal" and value is None else []
    return []


def _search(model: Model, aliases: dict[str, str], alias: str, name: str, how: str) -> Search | None:
    if aliases.get(alias) == "":
        return _column_search(model, name, how) or Search("other", model.qualified, "")
    return Search("other", model.qualified, "")
