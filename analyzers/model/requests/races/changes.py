"""What a function does with rows that goes wrong where two requests do it at once, told by its text and the acts in it.

Here, what becomes of a column; `checks` and `sequences` read what goes by the rows that are there,
`parts` what several writes do that belong together, and `flags` what goes by marks and folders.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from analyzers.facts.outline import Assign, Call, Function, Member, Name, Node, Other, Text, dotted, walk
from analyzers.findings import Edit, Fix
from analyzers.knowledge.concurrency import Concurrency
from analyzers.model.inference.acts import Act
from analyzers.model.naming.definitions import ClassDefinition, External
from analyzers.model.naming.roles import is_batch
from analyzers.model.requests import bodies
from analyzers.model.requests.bodies import Body
from analyzers.model.requests.races import checks, crossed, drawn, exclusion, files, flags, parts, sequences, tested, whole
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.model.ways import Race

_SUMS = frozenset({"+", "-"})
_BOUNDS = frozenset({"max", "min", "abs", "round", "int", "float", "Decimal", "intval", "floatval", "bcadd", "bcsub"})
_BIG_SUMS = {"bcadd": "+", "bcsub": "-"}
_COPIES = frozenset({"replicate", "copy", "deepcopy", "clone"})


def read(read_: Iterable[Body], models: ModelIndex) -> Iterator[Race]:
    """The races of these bodies, as far as their own text tells."""
    for body in read_:
        if is_batch(body.path):
            continue
        yield from _changed(body, models)
        yield from checks.read(body, models)
        yield from sequences.read(body, models)
        yield from drawn.read(body, models)
        yield from tested.read(body, models)
        yield from whole.read(body, models)
        yield from parts.read(body, models)
        yield from exclusion.read(body, models)
        yield from crossed.read(body, models)
        yield from flags.read(body)
        yield from files.read(body)


# -- a column that gets what was read of it, and more ------------------------------------------------------------------


class _Change:
    """`row.column` becomes itself with `operator` and `amount`, at `node`."""

    def __init__(self, node: Node, row: Node, column: str, operator: str, amount: Node | None) -> None:
        self.node, self.row, self.column, self.operator, self.amount = node, row, column, operator, amount


def _changed(body: Body, models: ModelIndex) -> Iterator[Race]:
    told: set[str] = set()
    for change, act in _changes(body):
        model = models.by_name.get(act.model)
        words = model.library.concurrency if model is not None else None
        row = dotted(change.row)
        if model is None or words is None or not row or f"{row}.{change.column}" in told:
            continue
        if _is_new(body, row, change.node) or _is_versioned(model, words):
            continue
        written = _written(body, change, row, words)
        if written is None:
            continue
        told.add(f"{row}.{change.column}")
        yield _race(body, model, words, change, written)


def _changes(body: Body) -> Iterator[tuple[_Change, Act]]:
    for node, act in body.acts("assigned"):
        found = _of_assign(body, node) if isinstance(node, Assign) else None  # a promoted property's name is one, too
        if found is not None:
            yield found, act
    for node, act in (*body.acts("written"), *body.acts("queried"), *body.acts("called")):
        if isinstance(node, Call) and (act.effect == "update" or act.name == "update"):
            for change in _of_values(node):
                yield change, act
        elif isinstance(node, Call) and act.kind == "called" and (change_ := _of_setter(node)) is not None:
            yield change_, act


def _of_assign(body: Body, node: Assign) -> _Change | None:
    """`row.column += amount`, `row.column = row.column + amount`, also by a local name."""
    target = node.target
    if not isinstance(target, Member) or node.value is None:
        return None
    if node.operator in _SUMS:
        return _Change(node, target.of, target.name, node.operator, node.value)
    if node.operator:
        return None
    found = _sum_of(_unfolded(body, node.value, node), dotted(target))
    return _Change(node, target.of, target.name, *found) if found is not None else None


def _unfolded(body: Body, value: Node, before: Node) -> Node:
    """A sum with what a local name was given in the place of the name, if it was given something once: `stock + 1`."""
    match value:
        case Name(id=name):
            held = _held(body, name, before)
            return held if isinstance(held, Other) else value
        case Other(word="+" | "-", children=(Name(id=name), second)):
            held = _held(body, name, before)
            return msgspec.structs.replace(value, children=(held, second)) if isinstance(held, Member) else value
    return value


def _held(body: Body, name: str, before: Node) -> Node | None:
    given = body.assigned.get(name, ())
    return given[0].value if len(given) == 1 and given[0].end <= before.start and not given[0].operator else None


def _sum_of(value: Node, column: str) -> tuple[str, Node | None] | None:
    """What is added to a column, or taken from it, where an expression is the column and that."""
    match value:
        case Other(word="+" | "-" as operator, children=(first, second)):
            if dotted(first) == column:
                return operator, second
            if operator == "+" and dotted(second) == column:
                return operator, first
            inner = _sum_of(first, column)
            return (inner[0], None) if inner is not None else None
        case Other(word="or" | "??" | "cast" | "?:", children=parts):
            return next((found for p in parts if (found := _sum_of(p, column)) is not None), None)
        case Call(callee=Name(id=name), args=args) if name.lstrip("\\") in _BOUNDS:
            if name in _BIG_SUMS and args and dotted(args[0]) == column:
                return _BIG_SUMS[name], args[1] if len(args) > 1 else None
            return next((found for a in args if (found := _sum_of(a, column)) is not None), None)
    return None


def _of_values(node: Call) -> Iterator[_Change]:
    """`update(column=row.column + amount)`, `update(['column' => $row->column + 1])`."""
    pairs: list[tuple[str, Node]] = [(k.name, k.value) for k in node.keywords]
    for argument in node.args:
        for part in argument.children if isinstance(argument, Other) and argument.word == "dict" else ():
            match part:
                case Other(word="pair", children=(Text(value=str() as key), value)):
                    pairs.append((key, value))
    for name, value in pairs:
        for read in (n for n in walk(value) if isinstance(n, Member) and n.name == name):
            found = _sum_of(value, dotted(read))
            if found is not None and dotted(read):
                yield _Change(node, read.of, name, *found)
                break


def _of_setter(node: Call) -> _Change | None:
    """`$row->setColumn($row->getColumn() + $amount)`."""
    match node:
        case Call(callee=Member(of=row, name=name), args=(value,)) if name.startswith("set") and dotted(row):
            stem = name[3:]
            for getter in (f"get{stem}", stem[:1].lower() + stem[1:]):
                found = _sum_of(value, f"{dotted(row)}.{getter}()")
                if found is not None and stem:
                    return _Change(node, row, stem[:1].lower() + stem[1:], *found)
    return None


def _is_new(body: Body, row: str, node: Node) -> bool:
    """Whether the function has made the row itself, so that nobody else knows it."""
    before = [a for a in body.assigned.get(row, ()) if a.end <= node.start]
    for value in (n for a in before[-1:] if a.value is not None for n in walk(a.value)):
        act = body.act(value, "made") or body.act(value, "queried") if isinstance(value, Call) else None
        if act is not None and (act.kind == "made" or act.effect == "create") and not act.ensures:
            return True
        match value:
            case Call(callee=Member(name=name) | Name(id=name)) if name in _COPIES:
                return True
    return False


def _is_versioned(model: Model, words: Concurrency) -> bool:
    """Whether rows of the model have a version by which a late write is refused."""
    for node in walk(model.definition.node):
        match node:
            case Name(id=name) | Member(name=name) | Text(value=str() as name):
                if name.rpartition("\\")[2] in words.versions:
                    return True
    return False


def _written(body: Body, change: _Change, row: str, words: Concurrency) -> Node | None:
    """The call that writes the change: itself, one that saves the row afterwards, or the change alone where all is written
    together."""
    if isinstance(change.node, Call) and not words.writes_later:
        return change.node
    if words.writes_later:
        return change.node
    for node in body.nodes:
        if node.start < change.node.end or not isinstance(node, Call) or not isinstance(node.callee, Member):
            continue
        if dotted(node.callee.of) == row and bodies.parts_of(node.callee.name)[:1] in (("save",), ("asave",), ("push",)):
            return node
    return None


def _race(body: Body, model: Model, words: Concurrency, change: _Change, written: Node) -> Race:
    row = body.said(change.row)
    column = model.columns.get(change.column)
    template = words.add if change.operator == "+" else words.subtract
    amount = body.said(change.amount)
    code = _code(model, template, row, change.column, amount)
    if words.locked:
        mark = "//" if model.library.language == "php" else "#"
        code += f"\n\n{mark} or lock the row before it is read\n" + _code(model, words.locked, row, change.column, amount)
    joint = "->" if row.startswith("$") else "."
    also = ((body.place(written), "writes the row"),) if written is not change.node else ()
    return Race(
        kind="changed",
        function=body.called,
        place=body.place(change.node),
        model=model.name,
        table=model.table,
        columns=(change.column,),
        role=column.role if column is not None else "",
        row=f"{row}{joint}{change.column}",
        also=also,
        sentence="Let the database do the sum, in one statement; or lock the row before it is read.",
        code=code,
        language=model.library.language,
        fix=_fix(body, model, words, change, written),
        abstract=model.abstract,
    )


def _code(model: Model, template: str, row: str, column: str, amount: str) -> str:
    return (
        template.replace("{row}", row)
        .replace("{model}", model.name)
        .replace("{class}", model.qualified)
        .replace("{column}", column)
        .replace("{amount}", amount or "…")
    )


def _fix(body: Body, model: Model, words: Concurrency, change: _Change, written: Node) -> Fix | None:
    """The sum as the database's own, where the row is written right after it and nothing else of it was changed before."""
    amount, row = body.said(change.amount), body.said(change.row)
    if not amount or not isinstance(change.node, Assign) or not isinstance(written, Call):
        return None
    block = _block(body, change.node)
    position = next((i for i, n in enumerate(block) if n is change.node), -1)
    if position < 0 or position + 1 >= len(block) or block[position + 1] is not written or written.args:
        return None
    if not isinstance(written.callee, Member) or written.callee.name != "save":
        return None
    assigned = (n for n in body.nodes if isinstance(n, Assign) and n is not change.node and isinstance(n.target, Member))
    if any(dotted(n.target.of) == dotted(change.row) for n in assigned if isinstance(n.target, Member)):
        return None
    if not any(isinstance(a.value, Call) for a in body.assigned.get(dotted(change.row), ())):
        return None  # whoever handed it in may have changed more of it
    if words.expressions:
        return _expressed(body, model, words, change, written)
    if not words.together:
        return None
    verb = "increment" if change.operator == "+" else "decrement"
    text = (
        words.together.replace("{row}", row)
        .replace("{verb}", verb)
        .replace("{column}", change.column)
        .replace("{amount}", amount)
    )
    return Fix(f"Change {change.column} in one statement", body.path, (Edit(change.node.start, written.end, text),))


def _expressed(body: Body, model: Model, words: Concurrency, change: _Change, written: Call) -> Fix | None:
    """An expression is assigned, where nobody reads the column again: neither the function, nor how the class is saved."""
    row, amount = body.said(change.row), body.said(change.amount)
    holder = _expression(body, words)
    own = (c for c in body.code.lineage(model.definition) if isinstance(c, ClassDefinition))
    if not holder or any(body.uses(row, written.end)) or any({"save", "clean"} & c.methods.keys() for c in own):
        return None
    text = f'{row}.{change.column} = {holder}("{change.column}") {change.operator} {amount}'
    return Fix(f"Let the database add to {change.column}", body.path, (Edit(change.node.start, change.node.end, text),))


def _expression(body: Body, words: Concurrency) -> str:
    """What the file calls the class of expressions; nothing where it has not imported it."""
    name = words.expressions[0].rpartition(".")[2]
    for said, wanted in ((name, words.expressions), (words.expressions_of.rpartition(".")[2], (words.expressions_of,))):
        found = body.code.resolve_node(body.path, Name(0, 0, said))
        if isinstance(found, External) and found.name in wanted:
            return said if said == name else f"{said}.{name}"
    return ""


def _block(body: Body, node: Node) -> tuple[Node, ...]:
    above = next(body.around(node), None)
    match above:
        case None:
            return body.function.body
        case Other(word="block", children=parts):
            return parts
        case Function(body=inner):
            return inner
    return ()
