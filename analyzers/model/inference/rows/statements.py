"""Statements sent for each row of a loop: rows written one by one, and SQL handed to a driver."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from analyzers.facts.outline import Assign, Call, Member, Name, Node, Other, Text, dotted
from analyzers.knowledge import Library, libraries, named
from analyzers.knowledge.derived import derived
from analyzers.knowledge.methods import Method
from analyzers.model.inference import flow
from analyzers.model.inference.branching import deeds, procedures
from analyzers.model.inference.rows import inputs, managers, origins, queries, scarcity
from analyzers.model.inference.types import KnownMethod, Row, RowMethod, Rows, RowWrite, Site, Taken, Value, row_among, row_in

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_TABLE = re.compile(r"\b(?:from|into|update|join)\s+[\"`\[]?([\w.]+)", re.IGNORECASE)
_STATEMENT = re.compile(r"\s*(?:\(\s*)?(?:select|with|insert|update|delete|replace|merge|call)\b", re.IGNORECASE)
_ROWS = re.compile(r"\s*(?:\(\s*)?(?:select|with)\b", re.IGNORECASE)


# -- rows written one by one -------------------------------------------------------------------------------------------


def row_write(inference: Inference, row: Row, name: str) -> RowWrite | None:
    """The library's method `name` of a row, if it writes the row."""
    model = inference.model(row.model)
    words = model.library.rows if model is not None else None
    effect = words.row_writes.get(name, "") if words is not None else ""
    return RowWrite(row, effect) if effect else None


def write(inference: Inference, called: RowWrite, node: Node, frame: Frame) -> None:
    """A row is written: once for each, where it is one of many or was made from one of many."""
    deeds.write(inference)
    row = called.row.per or row_in(called.row)
    if row is not None:
        effect = "create" if called.row.per is not None and called.effect == "update" else called.effect
        rows = Rows(called.row.model, frame.site(node), per=row)
        alone = procedures.writes_more(inference, inference.model(called.row.model))
        inference.note_lookup(rows, node, frame, effect=effect, alone=alone)


def write_of_rows(inference: Inference, rows: Rows, method: Method, per: Row | None, node: Node, frame: Frame) -> None:
    """A query writes: once for each row whose values it is made of, or to whose collection it belongs; one row, as its class
    does."""
    deeds.write(inference)
    if rows.owner is not None and rows.loop is not None:
        relation = queries.relation_at(inference, rows.owner, rows.path)
        per = Row(relation.model, rows.owner, rows.path[:-1], rows.loop) if relation is not None else None
    if per is not None:
        one = method.returns == "row"
        alone = method.unless_there or (one and procedures.writes_more(inference, inference.model(rows.model)))
        written = Rows(rows.model, frame.site(node), per=per, label=rows.label)
        inference.note_lookup(written, node, frame, effect=method.effect, alone=alone)


# -- SQL handed to a driver --------------------------------------------------------------------------------------------


def run_sql(inference: Inference, node: Call, args: tuple[Value, ...], keywords: dict[str, Value], frame: Frame) -> Value:
    """`cursor.execute("SELECT … WHERE id = %s", [order.id])`: a query, once for each row whose values it is given.

    Drivers are many and their objects come from everywhere, so such a call is told by its shape: the method's name, and SQL in
    its first argument.
    """
    name = _driver_name(node, frame)
    library = _drivers().get((frame.language, name))
    if library is None:
        return None
    at = library.driver_functions.get(name, 0)
    text = sql_of(node.args[at]) if at < len(node.args) else ""
    if not _STATEMENT.match(text):
        if name not in library.driver_rows:
            return None
        rows = _walked(node, args) or Rows("", frame.site(node), label="row")
        return rows if library.driver_rows[name] == "rows" else queries.single(rows, known=True)
    table = _TABLE.search(text)
    label = table[1].rpartition(".")[2] if table else "row"
    per = row_among((*args, *keywords.values()))
    rows = Rows("", frame.site(node), label=label, per=per)
    if not _ROWS.match(text):
        deeds.write(inference)
    if per is not None:
        inference.note_lookup(rows, node, frame, effect="" if _ROWS.match(text) else "statement")
    return rows if _ROWS.match(text) else None


_drivers: Callable[[], dict[tuple[str, str], Library]] = derived(
    lambda: {  # by language and name of a method, the first library whose drivers have it
        (library.language, name): library
        for library in reversed(libraries())
        for name in (*library.driver_calls, *library.driver_rows, *library.driver_functions)
    }
)


def _driver_name(node: Call, frame: Frame) -> str:
    """The name by which a driver is called: of a method, or of a function that is one of a driver's."""
    match node.callee:
        case Member(name=name):
            return name
        case Name(id=name):
            library = _drivers().get((frame.language, name.lstrip("\\")))
            own = library is not None and (name in library.driver_functions or name.startswith(library.driver_prefixes))
            return name.lstrip("\\") if own else ""
    return ""


def _walked(node: Call, args: tuple[Value, ...]) -> Rows | None:
    """The rows that a function of a driver fetches from: `mysqli_fetch_assoc($result)`."""
    first = args[0] if args and isinstance(node.callee, Name) else None
    return first if isinstance(first, Rows) else None


def fetched(inference: Inference, test: Node | None, loop: Site, frame: Frame) -> tuple[Node, Value] | None:
    """`while ($row = $result->fetch())`: the name, and the row of those that the loop fetches one by one."""
    match test:
        case Other(word="!=" | "!==" | "<>" | "and" | "&&", children=(Assign() as step, *_)) | (Assign() as step):
            call = step.value
        case _:
            return None
    if not isinstance(call, Call):
        return None
    name = call.callee.name if isinstance(call.callee, Member) else _driver_name(call, frame)
    library = _drivers().get((frame.language, name))
    if library is not None and library.driver_rows.get(name) == "row":
        source = call.callee.of if isinstance(call.callee, Member) else call.args[0] if call.args else None
        rows = flow.evaluate(inference, source, frame) if source is not None else None
        if isinstance(rows, Rows) and not rows.model:
            return step.target, Row("", rows, (), loop)
    if isinstance(call.callee, Name) and call.callee.id.lstrip("\\") in _lines().get(frame.language, ()):
        return step.target, Taken(Row("", Rows("", frame.site(call), label="row"), (), loop))
    return None


_lines = derived(
    lambda: {
        language: frozenset(n for x in libraries() if x.language == language for n in x.lines) for language in ("python", "php")
    }
)


_sql_makers = derived(lambda: frozenset(name for library in libraries() for name in library.sql_makers))


def sql_of(node: Node) -> str:
    """The text of a statement, as far as it is literal."""
    match node:
        case Text(value=str() as text):
            return text
        case Other(word="format" | "%" | "+" | ".", children=(first, *_)):
            return sql_of(first)
        case Call(callee=Name(id=name) | Member(name=name), args=(first, *_)) if name in _sql_makers():
            return sql_of(first)
        case Call(callee=Member(of=of, name="format")):
            return sql_of(of)
    return ""


def raw_member(rows: Rows, name: str, frame: Frame) -> Value:
    """A method of a statement or of what it gave: `.fetchall()`, `.fetchone()`, `->execute([…])`."""
    if binds(frame, name):
        return RowMethod(rows, name)
    library = _drivers().get((frame.language, name))
    if library is None or name not in library.driver_rows:
        return None
    return KnownMethod(rows if library.driver_rows[name] == "rows" else queries.single(rows, known=True))


def binds(frame: Frame, name: str) -> bool:
    """Whether a method runs a prepared statement with values."""
    return any(x.language == frame.language and name in x.driver_binds for x in libraries())


def bind_and_run(inference: Inference, rows: Rows, call: Call, frame: Frame) -> Value:
    """A prepared statement runs, once for each row whose values it is given."""
    args = [flow.evaluate(inference, a, frame) for a in call.args]
    per = row_among(args)
    if per is not None:
        inference.note_lookup(Rows("", frame.site(call), per=per, label=rows.label), call, frame)
    return rows


# -- models picked at run time -----------------------------------------------------------------------------------------


_managers = derived(
    lambda: frozenset(  # by language and name; those of classes with attributes are told by what they are given
        (library.language, name)
        for library in libraries()
        if library.rows is not None and not library.rows.class_attributes
        for name in library.rows.managers
    )
)


def of_unknown(inference: Inference, node: Member, frame: Frame) -> Value:
    """`model_class._default_manager` for a class that is not known: rows, whatever of. `request.user`: who sent the request,
    and `request.data`, what it brings."""
    if (frame.language, node.name) in _managers():
        label = dotted(node.of)
        return Rows("", frame.site(node), root=frame.site(node), label=label) if label else None
    if node.name in inputs.names() and (given := inputs.brought(dotted(node), frame.language)):
        return given
    return origins.sender(inference, dotted(node)) if node.name in origins.senders() else None


def asked_of_any(inference: Inference, name: str, node: Call, args: tuple[Value, ...], frame: Frame) -> None:
    """`$this->zoneRepository->findOneBy(…)` of a repository that is known by the library's interface alone, so that its model
    is not: a query all the same, once for each row whose values it is given."""
    kind, _, method = name.rpartition(".")
    per = row_among(args)
    if per is None or not isinstance(node.callee, Member):
        return
    for library in libraries():
        words = library.rows
        known = words.methods.get(method) if words is not None else None
        if words is None or known is None or library.language != frame.language:
            continue
        if known.runs and (known.binds or known.filters) and named(library, kind, words.repository_bases):
            label = dotted(node.callee.of).rpartition(".")[2]
            inference.note_lookup(Rows("", frame.site(node), per=per, label=label or "row"), node, frame)


def tree_rows(inference: Inference, row: Row, name: str, node: Node, frame: Frame) -> Value:
    """`page.get_descendants()`: other rows of the same table, by a query of their own."""
    model = inference.model(row.model)
    words = model.library.rows if model is not None else None
    bases = words.row_trees.get(name, ()) if words is not None else ()
    if model is None or not inference.code.externals(model.definition) & set(bases):
        return None
    site, per = frame.site(node), row if row.loop is not None else None
    kind = origins.manager_kind(inference, row.model)
    few = scarcity.ON_THE_WAY_UP if "ancestor" in name else ""
    return KnownMethod(managers.begun(inference, Rows(row.model, site, root=site, kind=kind, per=per, few=few)))


def fetch_through(inference: Inference, row: Row, name: str, node: Node, frame: Frame) -> bool:
    """`content_type.get_object_for_this_type(…)`: a row's own method that fetches another one."""
    model = inference.model(row.model)
    words = model.library.rows if model is not None else None
    label = words.row_fetchers.get(name, "") if words is not None else ""
    if label:
        inference.note_lookup(Rows("", frame.site(node), per=row, label=label), node, frame)
    return bool(label)
