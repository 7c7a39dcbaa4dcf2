"""Relations that are loaded with rows, or into them later, where an argument names paths, lists and maps of them.

A map may give a function to a path, which gets the query of that relation: what it loads lies below the path. What cannot be
read makes the rows unknown, so that nothing is said of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Call, Function, Node, Other, Text
from analyzers.knowledge import Method
from analyzers.model.inference import flow
from analyzers.model.inference.rows import queries
from analyzers.model.inference.types import Closure, Literal, Mapped, Row, Rows, Site, Tupled, Value
from analyzers.model.tables.models import Model
from analyzers.model.tables.relation_methods import path_of

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


class _Paths:
    """The paths that the arguments of one call name."""

    def __init__(self, inference: Inference, model: Model | None, frame: Frame) -> None:
        self.inference, self.model, self.frame = inference, model, frame
        self.found: set[str] = set()
        self.known = True

    def read(self, node: Node, value: Value, prefix: str = "") -> None:
        match node:
            case Text(value=str() as text):
                self.found.add(prefix + path_of(text))
            case Other(word="list" | "tuple", children=parts):
                for part in parts:
                    self.read(part, None, prefix)
            case Other(word="dict", children=parts):
                for part in parts:
                    if isinstance(part, Other) and part.word == "pair" and len(part.children) == 2:
                        self._pair(part.children[0], part.children[1], prefix)
                    else:
                        self.read(part, None, prefix)
            case _:
                held = value if value is not None else flow.evaluate(self.inference, node, self.frame)
                self._value(held, prefix)

    def _pair(self, key: Node, below: Node, prefix: str) -> None:
        named = flow.evaluate(self.inference, key, self.frame)
        if not (isinstance(named, Literal) and isinstance(named.value, str)):
            self.known = False
            return
        path = prefix + path_of(named.value)
        self.found.add(path)
        held = flow.evaluate(self.inference, below, self.frame)
        if isinstance(held, Closure):
            self.found |= {f"{path}.{deeper}" for deeper in self._constrained(path, held, below)}
        elif isinstance(below, Other) and below.word in ("list", "dict"):
            self.read(below, held, f"{path}.")
        elif not isinstance(held, Literal):
            self.found.add(f"{path}.*")

    def _constrained(self, path: str, closure: Closure, node: Node) -> frozenset[str]:
        """What the function loads that is given the query of the relation."""
        relation = (
            queries.relation_at(self.inference, Rows(self.model.qualified, Site("", 0, 0)), tuple(path.split(".")))
            if self.model is not None
            else None
        )
        if relation is None or not relation.target:
            return frozenset("*")
        site = self.frame.site(node)
        query = Rows(relation.target, site, eager=frozenset(relation.brings), root=site, stage="open", chained=True)
        after = given_to(self.inference, closure, query, self.frame, node)
        return after.eager if after.known else frozenset("*")

    def _value(self, held: Value, prefix: str) -> None:
        match held:
            case Literal(value=str() as text):
                self.found.add(prefix + path_of(text))
            case Literal(value=None) | Closure():
                pass
            case Tupled(items=items):
                for item in items:
                    self._value(item, prefix)
            case Mapped(items=pairs) if pairs:
                for name, below in pairs:
                    self.found |= (
                        {prefix + path_of(name), f"{prefix}{path_of(name)}.*"} if below is not None else {prefix + name}
                    )
            case _:
                self.known = False


def given_to(inference: Inference, closure: Closure, query: Rows, frame: Frame, node: Node) -> Rows:
    """A query after a function got it: what that returns, or the query that it changed."""
    result, left = inference.closure_on(closure, query, frame, node)
    out = result if isinstance(result, Rows) and result.model == query.model else left
    return out if isinstance(out, Rows) else msgspec.structs.replace(query, known=False)


def loaded_with(inference: Inference, rows: Rows, method: Method, call: Call, args: list[Value], frame: Frame) -> Rows:
    """The rows of a query with what its eager loading names, or rows in memory with what was loaded into them."""
    found = _paths(inference, rows.model, call, args, frame)
    kept = frozenset[str]() if method.resets else rows.eager
    out = msgspec.structs.replace(rows, eager=kept | found.found, known=rows.known and found.known)
    if rows.stage == "fetched":
        inference.hydrate(msgspec.structs.replace(out, eager=frozenset(found.found)))
        if rows.owner is not None:
            for path in found.found:
                inference.assigned.add((rows.loop, (*rows.path, *path.split("."))))
    return out


def loaded_with_row(inference: Inference, row: Row, method: Method, call: Call, args: tuple[Value, ...], frame: Frame) -> Row:
    """A row with what was loaded into it; done for each of many rows, that is a query for each."""
    del method
    found = _paths(inference, row.model, call, list(args), frame)
    if row.rows is None:
        inference.hydrate(Rows(row.model, frame.site(call), eager=frozenset(found.found)))
        return msgspec.structs.replace(row, eager=row.eager | found.found, known=row.known and found.known)
    model = inference.model(row.model)
    for path in sorted(found.found):
        relation = model.relations.get(path.split(".")[0]) if model is not None else None
        if relation is None:
            continue
        if not queries.came_along(inference, row.rows, (*row.path, relation.name)):
            inference.note_read(row, relation, call, frame)
        for end in range(1, path.count(".") + 2):
            inference.assigned.add((row.loop, (*row.path, *path.split(".")[:end])))
    return row


def changes(before: Value, result: Value) -> bool:
    """Whether a method's result is what it was called on, changed: a query under construction, or rows with more loaded."""
    match before, result:
        case Rows(stage="open"), Rows(stage="open"):
            return before.model == result.model
        case Rows(stage="fetched"), Rows(stage="fetched"):
            return before != result and msgspec.structs.replace(before, eager=result.eager, known=result.known) == result
        case Row(), Row():
            return before != result and msgspec.structs.replace(before, eager=result.eager, known=result.known) == result
    return False


def asked(inference: Inference, row: Row, name: Value) -> None:
    """The code asks whether a relation was loaded, or sets it: it knows what it does, with this row and those like it."""
    if isinstance(name, Literal) and isinstance(name.value, str):
        inference.assigned.add((row.loop, (*row.path, name.value)))
        inference.hydrate(Rows(row.model, Site("", 0, 0), eager=frozenset({name.value})))


def _paths(inference: Inference, model: str, call: Call, args: list[Value], frame: Frame) -> _Paths:
    out = _Paths(inference, inference.model(model), frame)
    for i, (node, value) in enumerate(zip(call.args, args, strict=True)):
        if isinstance(node, Function) or isinstance(value, Closure):
            first = call.args[0]
            if i and isinstance(first, Text) and isinstance(value, Closure):
                path = path_of(str(first.value))
                out.found |= {f"{path}.{deeper}" for deeper in out._constrained(path, value, node)}
            continue
        out.read(node, value)
    return out
