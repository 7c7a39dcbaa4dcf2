"""What a function does with its arguments: the inference of values through statements and calls.

`Inference` walks a function once for each distinct set of argument values, binding names to `Value`s in order of execution:
branches are walked apart and joined, loops are walked once, calls of the project's own functions are followed (a summary is
remembered, recursion is cut off). On the way it notes two things: relations read per row (`Read`), and queries with the
columns they search by (`Query`). Both are keyed by where they stand, so that walking a place twice notes it once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from analyzers.facts.outline import Assign, Call, Class, Function, Loop, Member, Name, Node, Other, Return, Text
from analyzers.model import members, queries, templates
from analyzers.model.code import (
    ClassDefinition,
    Codebase,
    External,
    FunctionDefinition,
    Module,
    Resolved,
    ValueDefinition,
)
from analyzers.model.models import Model, ModelIndex
from analyzers.model.project import Relation
from analyzers.model.types import (
    Bound,
    ClassValue,
    Closure,
    Instance,
    LibraryValue,
    Listed,
    Literal,
    Mapped,
    ModelClass,
    ModuleValue,
    Row,
    RowMethod,
    Rows,
    Site,
    Super,
    Tupled,
    Value,
    join,
)

_MAX_DEPTH = 8  # calls followed into one another
_MAX_STEPS = 400_000  # expressions walked for one root; real roots stay below 5,000
_MISSING = object()


class Read(msgspec.Struct, frozen=True, eq=False):
    """A relation read per row: a query each time."""

    rows: Rows
    hops: tuple[str, ...]
    relation: Relation
    loop: Site
    at: Site  # in the function that holds the loop
    through: Site  # where the relation itself is touched
    bypass: bool


class Query(msgspec.Struct, frozen=True, eq=False):
    """A query and the columns it searches by."""

    rows: Rows
    at: Site


class Trace:
    """What a walk noted, and what it depended on: keys of `Codebase.touched`, and `model:…` and `repository:…` by name."""

    __slots__ = ("reads", "searches", "touched")

    def __init__(self) -> None:
        self.reads: dict[tuple[object, ...], Read] = {}
        self.searches: dict[tuple[str, int], Query] = {}
        self.touched: set[str] = set()

    def add(self, other: Trace) -> None:
        """Takes over what a part of the walk noted; a longer chain of a query replaces a shorter."""
        self.touched |= other.touched
        for key, read in other.reads.items():
            self.reads.setdefault(key, read)
        for place, query in other.searches.items():
            self.note(place, query)

    def note(self, place: tuple[str, int], query: Query) -> None:
        known = self.searches.get(place)
        if known is None or len(known.rows.searches) <= len(query.rows.searches):
            self.searches[place] = query


class Frame:
    """One walk of one function: its names and where it stands."""

    __slots__ = ("at", "blocks", "env", "function", "language", "outer", "owner", "path", "returned", "template", "yielded")

    def __init__(
        self, path: str, function: str, language: str, owner: ClassDefinition | None = None, outer: Frame | None = None
    ) -> None:
        self.path, self.function, self.language, self.owner = path, function, language, owner
        self.outer = outer  # the frame that called this one
        self.template = language in ("django", "twig")
        self.env: dict[str, Value] = {}
        self.returned: list[Value] = []
        self.yielded: list[Value] = []
        self.at: Node | None = None  # the call being followed from here
        self.blocks: dict[str, tuple[str, Function]] = {}  # template blocks that stand in for this template's own

    def site(self, node: Node) -> Site:
        return Site(self.path, node.start, node.end, self.function)


class Inference:
    """The walk over one revision. `trace` fills up while roots are walked."""

    def __init__(self, code: Codebase, models: ModelIndex) -> None:
        self.code, self.models = code, models
        self.trace = Trace()
        self._summaries: dict[tuple[object, ...], tuple[Value, Trace]] = {}
        self._depth = 0
        self._steps = 0
        self.assigned: set[tuple[Site | None, tuple[str, ...]]] = set()
        self.once: list[Site] = []  # loops whose body is left right after what is walked now
        self.loops: list[Site] = []
        self.repositories = queries.repositories(code, models)
        self.default_context: dict[int, Mapped] = {}

    def traced(self, walk: Callable[[], Value]) -> tuple[Value, Trace]:
        """The value of a walk and what it noted, apart from everything around it."""
        outer, self.trace = self.trace, Trace()
        touched, self.code.touched = self.code.touched, self.trace.touched
        try:
            return walk(), self.trace
        finally:
            self.trace, self.code.touched = outer, touched

    def remembered(self, key: tuple[object, ...], walk: Callable[[], Value]) -> Value:
        """The value of a walk that is done once for each key; a walk that comes back to itself gets unknown."""
        known = self._summaries.get(key)
        if known is None:
            self._summaries[key] = (None, Trace())
            known = self._summaries[key] = self.traced(walk)
        self.trace.add(known[1])
        return known[0]

    def frame(self, path: str, outer: Frame | None) -> Frame:
        """A new frame for the top level of `path`."""
        return Frame(path, members.module_name(self.code, path), self.code.files[path].language, outer=outer)

    @staticmethod
    def depth_of(frame: Frame | None) -> int:
        """How many templates are open around this frame."""
        count = 0
        while frame is not None:
            count += frame.template
            frame = frame.outer
        return count

    # -- roots ---------------------------------------------------------------------------------------------------------

    def root(self, definition: FunctionDefinition) -> Value:
        """Walks a function with nothing known of its arguments but their types."""
        self._steps = 0
        receiver = self.receiver_of(definition.owner) if definition.owner is not None else None
        if any(isinstance(d, Name) and d.id in ("staticmethod", "static") for d in definition.node.decorators):
            receiver = None
        elif any(isinstance(d, Name) and d.id == "classmethod" for d in definition.node.decorators):
            receiver = self.of_class(definition.owner) if definition.owner else None
        return self.call(definition, receiver, (), {}, None, None)

    def module(self, path: str) -> None:
        """Walks the top level of a file: scripts and configuration code."""
        self._steps = 0
        frame = self.frame(path, None)
        self.body(self.code.files[path].outline, frame)

    def receiver_of(self, definition: ClassDefinition) -> Value:
        """What `self` holds in a method of `definition`."""
        if self.is_model(definition):
            return Row(definition.qualified)
        rows = queries.rows_of_class(self, definition)
        return rows if rows is not None else Instance(definition)

    def of_class(self, definition: ClassDefinition) -> Value:
        """The class itself as a value."""
        return ModelClass(definition.qualified) if self.is_model(definition) else ClassValue(definition)

    def model(self, name: str) -> Model | None:
        """The model of that qualified name."""
        self.trace.touched.add(f"model:{name}")
        return self.models.by_name.get(name)

    def is_model(self, definition: ClassDefinition) -> bool:
        """Whether the class is a table."""
        self.trace.touched.add(f"model:{definition.qualified}")
        return id(definition) in self.models.by_class

    def repository_of(self, model: str) -> ClassDefinition | None:
        """The project's repository class that serves the model."""
        self.trace.touched.add(f"serves:{model}")
        return next((c for c, served in self.repositories.values() if served == model), None)

    # -- notes ---------------------------------------------------------------------------------------------------------

    def note_read(self, row: Row, relation: Relation, node: Node, frame: Frame, *, bypass: bool = False) -> None:
        """Notes that `relation` of `row` is queried at `node`, if that happens once for each of many rows."""
        if row.rows is None or row.loop is None or not (row.rows.known or bypass):
            return
        if row.loop in self.once or row.rows.limit == 1:
            return
        hops = (*row.path, relation.name)
        if (row.loop, hops) in self.assigned:
            return
        through = frame.site(node)
        at = self._in_loop(row.loop, frame, through)
        key = (row.rows.site, hops, at.path, at.start, bypass)
        self.trace.reads.setdefault(key, Read(row.rows, hops, relation, row.loop, at, through, bypass))

    @staticmethod
    def _in_loop(loop: Site, frame: Frame, through: Site) -> Site:
        """The call, in the function that holds the loop, through which the read happens; the read itself if it is there."""
        at, here = through, frame.outer
        if frame.path == loop.path and loop.start <= through.start < loop.end:
            return through
        while here is not None:
            if here.at is not None and here.path == loop.path and loop.start <= here.at.start < loop.end:
                return here.site(here.at)
            here = here.outer
        return at

    def note_query(self, rows: Rows, frame: Frame, node: Node) -> None:
        """Notes the columns of a query; a longer chain from the same beginning replaces the shorter."""
        if rows.root is None or not rows.searches or rows.root.path != frame.path or rows.root.function != frame.function:
            return
        key = (rows.root.path, rows.root.start)
        self.trace.note(key, Query(rows, Site(frame.path, rows.root.start, node.end, frame.function)))

    # -- statements ----------------------------------------------------------------------------------------------------

    def body(self, nodes: Iterable[Node], frame: Frame) -> None:
        for node in nodes:
            self.value(node, frame)

    def _block(self, nodes: tuple[Node, ...], frame: Frame) -> None:
        """A block of a branch. What leaves the loop at its end happens at most once in that loop."""
        leaving = _leaves(nodes)
        if leaving and self.loops:
            left = list(self.loops) if leaving == "function" else self.loops[-1:]
            self.once.extend(left)
            self.body(nodes, frame)
            del self.once[len(self.once) - len(left) :]
        else:
            self.body(nodes, frame)

    def _if(self, node: Other, frame: Frame) -> None:
        parts = node.children
        if not parts:
            return
        self.value(parts[0], frame)
        before = frame.env
        ways = []
        for part in parts[1:]:
            frame.env = dict(before)
            self._block(part.children if isinstance(part, Other) and part.word in ("block", "else") else (part,), frame)
            if not _leaves(part.children if isinstance(part, Other) else ()):
                ways.append(frame.env)
        if len(parts) < 3 or not ways:
            ways.append(before)
        merged = ways[0]
        for way in ways[1:]:
            merged = {
                name: join(merged[name], way[name]) if name in merged and name in way else merged.get(name, way.get(name))
                for name in {**merged, **way}
            }
        frame.env = merged

    def _assign(self, node: Assign, frame: Frame) -> Value:
        value = self.value(node.value, frame) if node.value is not None else None
        if node.operator:
            if node.operator == "+":
                value = join(self.value(node.target, frame), value)
            else:
                return None
        if value is None and node.annotation is not None:
            value = members.annotated(self, frame.path, node.annotation)
        self.bind(node.target, value, frame)
        return value

    def bind(self, target: Node, value: Value, frame: Frame) -> None:
        """Gives `target` the value, and notes relations that are set by hand."""
        match target:
            case Name(id=name):
                frame.env[name] = value
            case Other(word="tuple" | "list", children=parts):
                items: tuple[Value, ...] = value.items if isinstance(value, Tupled) else ()
                if isinstance(value, Listed):
                    items = (value.item,) * len(parts)
                for i, part in enumerate(parts):
                    self.bind(part, items[i] if len(items) == len(parts) else None, frame)
            case Other(word="item", children=(Name(id=name), Text(value=str() as key))):
                held = frame.env.get(name)
                if isinstance(held, Mapped):
                    frame.env[name] = Mapped((*(i for i in held.items if i[0] != key), (key, value)))
            case Other(word="item", children=(Name(id=name), *_)):
                held = frame.env.get(name)
                if isinstance(held, Listed | Mapped) or held is None:
                    frame.env[name] = Listed(value)
            case Member(of=of, name=name):
                holder = self.value(of, frame)
                if isinstance(holder, Row):
                    self.assigned.add((holder.loop, (*holder.path, name)))
                elif isinstance(of, Name):
                    frame.env[f"{of.id}.{name}"] = value

    def _loop(self, node: Loop, frame: Frame) -> Value:
        over = self.value(node.over, frame) if node.over is not None else None
        site = frame.site(node)
        growing = isinstance(over, Rows | Listed) and not (isinstance(over, Rows) and over.limit == 1)
        item = self.iterate(over, site, node.over or node, frame)
        if _leaves(node.body):
            item = _single(item)
        if node.target is not None:
            self.bind(node.target, item, frame)
        if frame.template:
            frame.env.setdefault("loop", None)
        if growing:
            self.loops.append(site)
        before = dict(frame.env)
        result: Value = None
        for part in node.body:
            result = self.value(part, frame)
        if growing:
            self.loops.pop()
        for name, value in before.items():
            if frame.env.get(name) != value:
                frame.env[name] = join(value, frame.env.get(name))
        if node.kind in ("list", "set", "generator"):
            return result if isinstance(node.body[-1] if node.body else None, Loop) else Listed(result)
        return None

    def iterate(self, over: Value, site: Site, node: Node, frame: Frame) -> Value:
        """One item of `over`, walked by the loop at `site`."""
        match over:
            case Rows():
                return queries.one_of(self, over, site, node, frame)
            case Listed(item=item):
                return item
            case Tupled(items=items):
                merged: Value = items[0] if items else None
                for other in items[1:]:
                    merged = join(merged, other)
                return merged
        return None

    # -- expressions ---------------------------------------------------------------------------------------------------

    def value(self, node: Node, frame: Frame) -> Value:
        """What `node` holds, once it and everything in it has happened."""
        self._steps += 1
        if self._steps > _MAX_STEPS:
            return None
        match node:
            case Name(id=name):
                return self.name(name, frame)
            case Call():
                return self._call(node, frame)
            case Member(of=of, name=name):
                if isinstance(of, Name):
                    held = frame.env.get(f"{of.id}.{name}", _MISSING)
                    if held is not _MISSING:
                        return held  # type: ignore[return-value]
                holder = self.value(of, frame)
                return members.member(self, holder, name, node, frame) if holder is not None else None
            case Text(value=value):
                return Literal(value)
            case Assign():
                return self._assign(node, frame)
            case Other():
                return self._other(node, frame)
            case Loop():
                return self._loop(node, frame)
            case Return():
                frame.returned.append(self.value(node.value, frame) if node.value is not None else Literal(None))
                return None
            case Function():
                return self._function(node, frame)
            case Class():
                return None
        return None

    def name(self, name: str, frame: Frame) -> Value:
        """What a name holds: a local, else what the file's top level means by it."""
        held = frame.env.get(name, _MISSING)
        if held is not _MISSING:
            return held  # type: ignore[return-value]
        if frame.template:
            return None
        if frame.language == "php":
            match name:
                case "self" | "static" if frame.owner is not None:
                    return self.of_class(frame.owner)
                case "parent" if frame.owner is not None:
                    return Super(frame.env.get("$this"), frame.owner)
        found = self.code.resolve(frame.path, name)
        if found is None:
            return LibraryValue(name) if frame.language == "python" else None
        return self.meaning(found)

    def meaning(self, found: Resolved) -> Value:
        """A definition as a value."""
        match found:
            case ClassDefinition():
                return self.of_class(found)
            case FunctionDefinition():
                return Bound(found)
            case Module():
                return ModuleValue(found)
            case External(name=name):
                return LibraryValue(name)
            case ValueDefinition(path=path, node=node):
                return self.constant(path, node)
        return None

    def constant(self, path: str, node: Assign, owner: ClassDefinition | None = None) -> Value:
        """The value of an assignment at the top level of a file or class, found once."""

        def walk() -> Value:
            if node.value is None:
                return members.annotated(self, path, node.annotation) if node.annotation is not None else None
            function = owner.qualified if owner else members.module_name(self.code, path)
            return self.value(node.value, Frame(path, function, self.code.files[path].language, owner))

        return self.remembered(("constant", id(node)), walk)

    def _function(self, node: Function, frame: Frame) -> Value:
        if frame.template:
            templates.inline(self, node, frame)
            return None
        closure = Closure(frame.path, node, frame.env)
        if node.name:
            frame.env[node.name] = closure
        return closure

    def _other(self, node: Other, frame: Frame) -> Value:
        word, parts = node.word, node.children
        match word:
            case "if":
                self._if(node, frame)
                return None
            case "block" | "else" | "try" | "finally" | "with":
                self.body(parts, frame)
                return None
            case "except" | "case":
                self._block(parts, frame)
                return None
            case "item":
                return self._item(node, frame)
            case "list" | "tuple" | "set":
                values = tuple(self.value(p, frame) for p in parts)
                return Tupled(values) if len(values) <= 16 else Listed(None)
            case "dict":
                return self._dict(parts, frame)
            case "await" | "yield":
                value = self.value(parts[0], frame) if parts else None
                if word == "yield":
                    frame.yielded.append(value)
                return value
            case "?:":
                if len(parts) != 3:
                    return None
                self.value(parts[0], frame)
                return join(self.value(parts[1], frame), self.value(parts[2], frame))
            case "or" | "??" | "and":
                values = tuple(self.value(p, frame) for p in parts)
                return join(values[0], values[-1]) if word != "and" and values else (values[-1] if values else None)
            case "format":
                for part in parts:
                    members.shown(self, self.value(part, frame), part, frame)
                return None
            case "spread":
                return self.value(parts[0], frame) if parts else None
        for part in parts:
            self.value(part, frame)
        return None

    def _item(self, node: Other, frame: Frame) -> Value:
        if len(node.children) < 2:
            return None
        holder, index = self.value(node.children[0], frame), node.children[1]
        if isinstance(index, Other) and index.word == "slice":
            bound = index.children[1] if len(index.children) > 1 else None
            limit = bound.value if isinstance(bound, Text) and isinstance(bound.value, int) else 0
            if isinstance(holder, Rows):
                bounded = bound is not None and not (isinstance(bound, Text) and bound.value is None)
                sliced = msgspec.structs.replace(holder, limit=limit or holder.limit, limited=holder.limited or bounded)
                self.note_query(sliced, frame, node)
                return sliced
            return holder
        key = self.value(index, frame)
        match holder:
            case Rows():
                return queries.single(holder, known=holder.known)
            case Mapped() if isinstance(key, Literal) and isinstance(key.value, str):
                return holder.get(key.value)
            case Tupled(items=items) if (
                isinstance(key, Literal) and isinstance(key.value, int) and -len(items) <= key.value < len(items)
            ):
                return items[key.value]
            case Listed(item=item):
                return _single(item)
        return None

    def _dict(self, parts: tuple[Node, ...], frame: Frame) -> Value:
        items: list[tuple[str, Value]] = []
        for part in parts:
            if not (isinstance(part, Other) and part.word == "pair" and len(part.children) == 2):
                spread = self.value(part, frame)
                if isinstance(spread, Mapped):
                    items.extend(spread.items)
                continue
            key, value = part.children
            name = self.value(key, frame)
            held = self.value(value, frame)
            if isinstance(name, Literal) and isinstance(name.value, str):
                items = [i for i in items if i[0] != name.value]
                items.append((name.value, held))
        return Mapped(tuple(items))

    # -- calls ---------------------------------------------------------------------------------------------------------

    def _call(self, node: Call, frame: Frame) -> Value:
        if frame.template and isinstance(node.callee, Name):
            return templates.tag(self, node, node.callee.id, frame)
        callee = self.value(node.callee, frame)
        if isinstance(callee, RowMethod):
            return queries.apply(self, callee.rows, callee.name, node, frame)
        args = tuple(self.value(a, frame) for a in node.args)
        keywords = {k.name: self.value(k.value, frame) for k in node.keywords}
        match callee:
            case Bound(definition=definition, receiver=receiver):
                result = self.call(definition, receiver, args, keywords, frame, node)
                return queries.extended(self, receiver, result, node, frame)
            case Closure():
                return self._call_closure(callee, args, keywords, frame, node)
            case ModelClass(model=model):
                return Row(model)
            case ClassValue(definition=definition):
                return queries.rows_of_class(self, definition) or Instance(definition, args, tuple(keywords.items()))
            case LibraryValue():
                return members.call_library(self, callee, node, args, keywords, frame)
        self.hand_over(args, frame, node)
        return None

    def hand_over(self, args: tuple[Value, ...], frame: Frame, node: Call) -> None:
        """Closures given to something unknown are walked with unknown arguments: their own loops count."""
        for value in args:
            if isinstance(value, Closure):
                self._call_closure(value, (), {}, frame, node)

    def call(
        self,
        definition: FunctionDefinition,
        receiver: Value,
        args: tuple[Value, ...],
        keywords: dict[str, Value],
        caller: Frame | None,
        node: Node | None,
    ) -> Value:
        """What a function of the project returns; walked once for each set of values."""
        if self._depth >= _MAX_DEPTH:
            return None
        self.trace.touched.add(definition.path)

        def walk() -> Value:
            language = self.code.files[definition.path].language
            frame = Frame(definition.path, definition.qualified, language, definition.owner, caller)
            if definition.node.receiver:
                frame.env[definition.node.receiver] = receiver
            self.bind_arguments(definition.node, args, keywords, frame)
            return self._walk(definition.node, frame, caller, node)

        return self.remembered((id(definition.node), receiver, args, tuple(keywords.items())), walk)

    def _walk(self, function: Function, frame: Frame, caller: Frame | None, node: Node | None) -> Value:
        """Walks the body with the caller's place kept, so that reads know the call they happen through."""
        held = caller.at if caller is not None else None
        if caller is not None and node is not None:
            caller.at = node
        self._depth += 1
        loops, once = self.loops, self.once
        self.loops = []
        try:
            self.body(function.body, frame)
        finally:
            self._depth -= 1
            self.loops, self.once = loops, once
            if caller is not None:
                caller.at = held
        if frame.yielded:
            return Listed(_merge(frame.yielded))
        result = _merge(frame.returned)
        if result is None and function.returns is not None:
            return members.annotated(self, frame.path, function.returns)
        return result

    def bind_arguments(self, function: Function, args: tuple[Value, ...], keywords: dict[str, Value], frame: Frame) -> None:
        position = 0
        for parameter in function.parameters:
            plain = parameter.name.lstrip("*.&")
            if parameter.name.startswith("**"):
                frame.env[plain] = Mapped(())
                continue
            if parameter.name.startswith("*") or parameter.name.startswith("..."):
                frame.env[plain] = Tupled(args[position:])
                position = len(args)
                continue
            value: Value = None
            if position < len(args):
                value = args[position]
                position += 1
            elif plain.lstrip("$") in keywords:
                value = keywords[plain.lstrip("$")]
            elif parameter.default is not None and isinstance(parameter.default, Text):
                value = None
            if value is None and parameter.annotation is not None:
                value = members.annotated(self, frame.path, parameter.annotation)
            frame.env[plain] = value

    def _call_closure(
        self, closure: Closure, args: tuple[Value, ...], keywords: dict[str, Value], frame: Frame, node: Node
    ) -> Value:
        if self._depth >= _MAX_DEPTH:
            return None
        inner = Frame(frame.path, frame.function, frame.language, frame.owner, frame)
        inner.path = closure.path
        inner.env = dict(closure.env)
        self.bind_arguments(closure.node, args, keywords, inner)
        return self._walk(closure.node, inner, frame, node)


def _leaves(nodes: tuple[Node, ...]) -> str:
    """Whether a block ends by leaving the loop it stands in (`loop`), or the function (`function`)."""
    if not nodes:
        return ""
    match nodes[-1]:
        case Return() | Other(word="raise"):
            return "function"
        case Other(word="break"):
            return "loop"
    return ""


def _single(value: Value) -> Value:
    """The row as the only one: its loop ends after it."""
    match value:
        case Row():
            return msgspec.structs.replace(value, loop=None)
        case Tupled(items=items):
            return Tupled(tuple(_single(i) for i in items))
    return value


def _merge(values: list[Value]) -> Value:
    merged: Value = values[0] if values else None
    for value in values[1:]:
        merged = join(merged, value)
    return merged
