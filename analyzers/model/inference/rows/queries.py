"""What a library's methods do to rows: which come with them, by which columns they are searched, and when a query runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Call, Node, Text
from analyzers.knowledge import Library, Method
from analyzers.model.inference import acts, collections, flow
from analyzers.model.inference.branching import deeds
from analyzers.model.inference.finders import criteria, finder
from analyzers.model.inference.rows import eager, loaders, managers, scarcity, searches, selects, statements
from analyzers.model.inference.rows.origins import library_of
from analyzers.model.inference.types import (
    NOTHING,
    Literal,
    Row,
    Rows,
    Search,
    Site,
    Tupled,
    Value,
    covers,
    row_among,
)
from analyzers.model.naming.definitions import FunctionDefinition
from analyzers.model.project import Relation
from analyzers.model.tables.models import Model
from analyzers.model.tables.repositories import class_named

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_ALIASES = re.compile(r"[a-zA-Z_]\w*")
_SETS = frozenset({"|", "&"})


def touch(inference: Inference, rows: Rows, node: Node, frame: Frame, *, counted: bool = False) -> None:
    """The rows are needed now. A collection of a row in a loop is queried for, unless it came with the rows; so is what is
    searched by such a row's values."""
    if rows.per is not None and rows.owner is None:
        inference.note_lookup(rows, node, frame)
    if rows.owner is None or rows.loop is None:
        return
    if not rows.bypass and came_along(inference, rows.owner, rows.path):
        return
    relation = relation_at(inference, rows.owner, rows.path)
    if relation is not None and (rows.bypass or not relation.eager):
        row = Row(relation.model, rows.owner, rows.path[:-1], rows.loop)
        inference.note_read(row, relation, node, frame, bypass=rows.bypass, counted=counted)


def came_along(inference: Inference, rows: Rows, path: tuple[str, ...]) -> bool:
    """Whether a relation path comes with the rows: by their query, by what declares a relation on its way, or because some
    query of this root brought it for all."""
    if covers(rows.eager, path):
        return True
    for end in range(1, len(path)):
        relation = relation_at(inference, rows, path[:end])
        if relation is not None and (not relation.built or covers(frozenset(relation.brings), path[end:])):
            return True
        if relation is not None and relation.many and covers(managers.loaded(inference, relation.target), path[end:]):
            return True
    last = relation_at(inference, rows, path)
    return last is not None and (last.model, last.name) in inference.hydrated


def back(relation: Relation, *, alone: bool = False) -> frozenset[str]:
    """What rows of a collection have from the start: the row they belong to; if all belong to one, with what lies behind."""
    return frozenset({f"{relation.back}.*" if alone else relation.back} if relation.back else ())


def _anew(rows: Rows) -> Rows:
    """The rows of a relation once the query is another than the one that may have been loaded before."""
    if rows.related is None:
        return rows
    if rows.owner is not None:  # what lies behind the row they belong to is read once for all of them
        return msgspec.structs.replace(rows, bypass=True, eager=rows.eager | back(rows.related, alone=True))
    return msgspec.structs.replace(rows, known=True, eager=back(rows.related, alone=True), related=None)


def may_share(inference: Inference, row: Row) -> bool:
    """Whether a row that is reached by a reference may be one object for many rows of an unseen query, which keeps what it has
    read: so it is where they all belong to the row that was asked for them."""
    if row.rows is None or not row.rows.guessed:
        return False
    hops = (relation_at(inference, row.rows, row.path[:end]) for end in range(1, len(row.path) + 1))
    return any(hop is None or not hop.many for hop in hops)


def relation_at(inference: Inference, rows: Rows | None, path: tuple[str, ...]) -> Relation | None:
    """The relation that `path` ends with, from the model of `rows`."""
    model = inference.model(rows.model) if rows is not None else None
    relation: Relation | None = None
    for hop in path:
        relation = model.relations.get(hop) if model is not None else None
        model = inference.model(relation.target) if relation is not None else None
    return relation


def one_of(inference: Inference, rows: Rows, loop: Site, node: Node, frame: Frame) -> Value:
    """A row of `rows`, walked by `loop`."""
    touch(inference, rows, node, frame)
    if rows.typed:
        rows = msgspec.structs.replace(rows, site=frame.site(node), typed=False)
    library = library_of(inference, rows)
    if library is not None and library.rows is not None and library.rows.class_attributes and rows.owner is None:
        selects.brought(inference, rows)
    if rows.entities:
        inference.note_query(rows, frame, node)
        return selects.each(rows, loop if rows.limit != 1 else None)
    if rows.limit == 1:
        return single(rows, known=rows.known)
    if rows.owner is not None and not rows.bypass:
        return Row(rows.model, rows.owner, rows.path, loop)
    inference.note_query(rows, frame, node)
    return Row(rows.model, rows, (), loop)


def single(rows: Rows, *, known: bool) -> Value:
    """One row picked from `rows`."""
    if rows.entities:
        return selects.each(rows, None)
    if rows.owner is not None and not rows.bypass:
        return Row(rows.model, rows.owner, rows.path, rows.loop)
    return Row(rows.model, eager=rows.eager, known=known)


def combined(word: str, values: tuple[Value, ...]) -> Rows | None:
    """`paid | open`: one query of both, with what the first of them loads. What the second loads counts for rows of either, as
    the first may have none."""
    match values:
        case (Rows() as one, Rows() as other) if word in _SETS and one.model == other.model:
            return msgspec.structs.replace(one, eager=one.eager | other.eager, known=one.known and other.known)
        case (Rows() as one, None) if word in _SETS:
            return one
        case (Literal(value=None), Rows() as other) | (Rows() as other, Literal(value=None)) if word in _SETS:
            return other
    return None


def apply(inference: Inference, rows: Rows, name: str, call: Call, frame: Frame) -> Value:
    """What `rows.name(…)` gives."""
    if not rows.model and statements.binds(frame, name):
        return statements.bind_and_run(inference, rows, call, frame)
    library = library_of(inference, rows)
    if library is None or library.rows is None:
        return None
    if rows.stage == "fetched":
        acts.collected(inference, rows, name, call, frame)
        return collections.apply(inference, rows, name, call, frame)
    method = library.rows.methods.get(name)
    args = [flow.evaluate(inference, a, frame) for a in call.args]
    keywords = [flow.evaluate(inference, k.value, frame) for k in call.keywords]
    meant = finder(library, inference.model(rows.model), name) if method is None else None
    if meant is not None:
        method, args = library.rows.methods.get(meant[0]), criteria(meant[1], args)
    if method is None:
        if rows.stage and rows.model:
            return msgspec.structs.replace(rows, searches=(*rows.searches, Search("other", rows.model, "")))
        return rows if name in library.transparent_methods or rows.stage else None
    if method.returns == "nothing":
        return NOTHING
    changed = _changed(inference, _anew(rows) if method.fresh else rows, method, call, args, library, frame)
    per = row_among((*args, *keywords))
    if per is None and method.filters == "conditions":
        per = selects.row_named(call.args, frame)
    if per is not None and changed.per is None and (method.filters or method.binds):
        changed = msgspec.structs.replace(changed, per=per)
    if method.locks:
        changed = msgspec.structs.replace(changed, few=scarcity.LOCKED)
    if method.effect:
        deeds.write(inference)
    if method.effect and method.effect != "other":
        statements.write_of_rows(inference, changed, method, changed.per or per, call, frame)
    runs = method.runs or (rows.owner is not None and method.returns in ("value", "values"))
    if runs and not method.effect and not (method.by_key and (rows.model, "") in inference.hydrated):
        touch(inference, changed, call, frame, counted=method.counts)
    acts.queried(inference, changed, name, method, call, frame)
    added = (changed.searches, changed.limited) != (rows.searches, rows.limited)
    inference.note_query(changed, frame, call, added=added)
    if method.runs and library.rows.identity_map:
        inference.hydrate(changed)
        if not call.args and changed.owner is None and changed.joined is None and not (changed.searches or changed.limited):
            selects.brought(inference, changed)  # `findAll()`
    if method.calls:
        return collections.on_query(inference, changed, method, call, args, frame)
    match method.returns:
        case "rows" if method.fetches:
            apart = msgspec.structs.replace(changed, owner=None, path=(), loop=None) if changed.bypass else changed
            return msgspec.structs.replace(apart, stage="fetched", per=None, bypass=False)
        case "rows":
            return changed
        case "values":
            values = selects.values_of(changed)  # a query that was not sent yet is sent when they are walked
            return values if method.runs else msgspec.structs.replace(values, per=changed.per)
        case "new":
            return msgspec.structs.replace(changed, kind=None)
        case "row":
            apart = msgspec.structs.replace(changed, owner=None) if changed.bypass else changed
            return single(apart, known=changed.known and not method.effect)
    return None


def _changed(
    inference: Inference,
    rows: Rows,
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
        out = _eager_paths(inference, out, method, call, args, words.path_separator, frame)
    elif method.eager == "nested":
        out = eager.loaded_with(inference, out, method, call, args, frame)
    elif method.eager == "options":
        out = loaders.apply(inference, out, args)
    elif method.eager == "joined":
        out = _joined(out, args)
    elif method.eager == "selected":
        out = _selected(_forgotten(out) if method.resets else out, args)
    if method.starts and args and isinstance(args[0], Literal):
        out = msgspec.structs.replace(out, aliases=((str(args[0].value), ""),), joined=site, root=site)
    if method.names_rows and call.args:
        found = class_named(inference.code, frame.path, call.args[0])
        if found is not None and inference.is_model(found):
            alias = args[1].value if len(args) > 1 and isinstance(args[1], Literal) else "o"
            out = msgspec.structs.replace(out, model=found.qualified, aliases=((str(alias), ""),))
    if method.selects:
        out = selects.reselected(inference, out, method.selects, call, tuple(args), frame)
    if method.unpacks:
        out = selects.unpacked(out)
    model = inference.model(out.model)
    if model is not None:
        out = searches.searched(inference, out, model, method, words, call, args, frame)
        if words.identity_map:
            out = msgspec.structs.replace(out, eager=out.eager | _pinned(model, out.searches[len(rows.searches) :]))
    chained = words.eager_chain and method.returns == "rows"
    if method.limits and (not method.limit_at or method.limit_at < len(args)):
        bound = Literal(1) if method.returns == "row" else args[method.limit_at] if args else Literal(method.page)
        first = bound.value if isinstance(bound, Literal) else None
        limit = first if isinstance(first, int) and not isinstance(first, bool) else out.limit
        out = msgspec.structs.replace(out, limited=True, limit=limit or out.limit)
    if method.ends and method.instead and out.recast:
        return msgspec.structs.replace(out, site=site, recast=f"{out.recast}{method.instead}()")
    if method.ends:
        return out
    keep_site = out.owner is not None and not out.bypass
    return msgspec.structs.replace(
        out,
        site=out.site if out.lent or (keep_site and not chained) else site,
        chained=out.chained if out.lent else chained,
        narrowed=out.narrowed or method.narrows,
        recast="",
        declared=None,
        root=out.root or (site if method.returns in ("new", "row") else None),
    )


def _eager_paths(
    inference: Inference, rows: Rows, method: Method, call: Call, args: list[Value], separator: str, frame: Frame
) -> Rows:
    """Relation paths given as strings, or as objects whose first argument is the path."""
    paths: set[str] = set()
    known = rows.known
    if not args and method.whole:
        known = False
    for node, value in zip(call.args, args, strict=True):
        candidates = value.items if isinstance(value, Tupled) else (value,)
        for candidate in candidates:
            if isinstance(candidate, Literal) and isinstance(candidate.value, str):
                paths.add(candidate.value.replace(separator, "."))
            elif isinstance(candidate, Literal) and candidate.value is None:
                rows = msgspec.structs.replace(rows, eager=frozenset())
            elif (named := _prefetched(inference, node, frame)) is not None:
                paths.update(_with_queryset(inference, named[0], named[1].replace(separator, "."), frame))
            else:
                known = False
    return msgspec.structs.replace(rows, eager=rows.eager | paths, known=known)


def _prefetched(inference: Inference, node: Node, frame: Frame) -> tuple[Call, str] | None:
    """A `Prefetch` and its path. What a function of the project is given first need not be a path."""
    match node:
        case Call(args=(Text(value=path), *_), callee=callee):
            own = isinstance(inference.code.resolve_node(frame.path, callee), FunctionDefinition)
            return (node, str(path)) if not own else None
    return None


def _with_queryset(inference: Inference, prefetch: Call, path: str, frame: Frame) -> set[str]:
    """`path`, and below it what comes with the queryset that the `Prefetch` is given: if that is unknown, anything may."""
    given = [*prefetch.args[1:2], *(k.value for k in prefetch.keywords if k.name == "queryset")]
    if not given:
        return {path}
    match flow.evaluate(inference, given[0], frame):
        case Rows(known=True, eager=eager):
            return {path, *(f"{path}.{below}" for below in eager)}
    return {path, f"{path}.*"}


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


def _forgotten(rows: Rows) -> Rows:
    """The rows without what was selected along with them so far."""
    kept = {path for alias, path in rows.aliases if path and alias in rows.selected}
    return msgspec.structs.replace(rows, eager=rows.eager - kept, selected=frozenset(), listed=True)


def _pinned(model: Model, found: tuple[Search, ...]) -> set[str]:
    """The relations whose one value the query asks for: all rows share it, so it is loaded once, with what lies behind."""
    equal = {s.column for s in found if s.how == "equal" and s.model == model.qualified}
    return {f"{r.name}.*" for r in model.relations.values() if r.column and r.column in equal}


def _with_selected(rows: Rows) -> Rows:
    """The rows with what their selected aliases stand for, as far as the joins are stated by now."""
    paths = {path for alias, path in rows.aliases if path and alias in rows.selected}
    return msgspec.structs.replace(rows, eager=rows.eager | paths)
