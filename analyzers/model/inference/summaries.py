"""What a function does with its arguments: the inference of values through statements and calls.

`Inference` walks a function once for each distinct set of argument values, binding names to `Value`s in order of execution:
branches are walked apart and joined, loops are walked once, calls of the project's own functions are followed (a summary is
remembered, recursion is cut off). On the way it notes two things: relations read per row (`Read`), and queries with the
columns they search by (`Query`). Both are keyed by where they stand, so that walking a place twice notes it once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Assign, Function, Name, Node
from analyzers.model.inference import arguments, edges, flow, members, namesakes
from analyzers.model.inference.branching import conditions
from analyzers.model.inference.branching.evidence import Evidence
from analyzers.model.inference.frames import Frame, Lookup, Noted, Query, Read, Trace, merged, way
from analyzers.model.inference.readers import entries
from analyzers.model.inference.rows import origins, queries, sent
from analyzers.model.inference.templates import templates
from analyzers.model.inference.types import (
    Bound,
    ClassValue,
    Closure,
    Instance,
    LibraryValue,
    Listed,
    Mapped,
    ModelClass,
    ModuleValue,
    Row,
    Rows,
    Site,
    Tupled,
    Value,
)
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import (
    TEMPLATE_LANGUAGES,
    ClassDefinition,
    External,
    FunctionDefinition,
    Module,
    Resolved,
    ValueDefinition,
)
from analyzers.model.project import Relation
from analyzers.model.tables import repositories
from analyzers.model.tables.models import Model, ModelIndex

if TYPE_CHECKING:
    from analyzers.model.inference.templates.tags import TemplateFunction

_MAX_DEPTH = 8  # calls followed into one another


class Inference:
    """The walk over one revision. `trace` fills up while roots are walked."""

    def __init__(self, code: Codebase, models: ModelIndex, evidence: Evidence) -> None:
        self.code, self.models, self.evidence = code, models, evidence
        self.trace = Trace()
        self._summaries: dict[tuple[object, ...], tuple[Value, Noted]] = {}
        self.steps = 0
        self._depth = 0
        self._within: list[int] = []  # the closures that are being walked, by the identity of their nodes
        self.assigned: set[tuple[Site | None, tuple[str, ...]]] = set()
        self.once: list[Site] = []  # loops whose body is left right after what is walked now
        self.loops: list[Site] = []
        self.hydrated: set[tuple[str, str]] = (
            set()
        )  # (model, relation) that some query of this root brought into the identity map
        self.cached = 0  # how many answers of caches stand between here and what is walked now
        self.opened: set[Site] = set()  # loops that began behind such an answer
        self.ways: list[Value] = []  # what the function walked last returns, one for each way out of it
        self.walks_templates = True  # whether the templates that code renders are walked too
        self.guarded = 0  # how many tests for what is already known are around what is walked now
        self.trying = 0  # how many blocks inside the innermost loop go on where something in them fails, or do more work
        self.handing: dict[int, bool] = {}  # whether loops hand over what they walk, by the identity of their nodes
        self.repositories = repositories.repositories(code, models)
        self.loaded_tags: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}  # template -> files of its tags, and keys
        self.template_functions: dict[str, dict[str, TemplateFunction]] = {}
        self.tests: dict[int, conditions.Test] = {}  # of branches, by the identity of their nodes
        self.set_by_methods: dict[tuple[int, str], tuple[Node, ...]] = {}  # of a class and an attribute
        self.imports: frozenset[str] | None = None  # what files import by name, once that is asked for
        self.uses: dict[int, tuple[tuple[Node, ...], namesakes.Uses]] = {}  # of a body, which is kept for its identity
        self.held: dict[int, tuple[frozenset[str], frozenset[str]]] = {}  # what inherited methods walk and return

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
            self._summaries[key] = (None, Noted(Trace()))
            value, trace = self.traced(walk)
            known = self._summaries[key] = value, Noted(trace)
        self.trace.add(known[1])
        self.hydrated |= known[1].hydrated
        return known[0]

    def frame(self, path: str, outer: Frame | None) -> Frame:
        """A new frame for the top level of `path`."""
        return Frame(path, members.module_name(self.code, path), self.code.files[path].language, outer=outer)

    @staticmethod
    def depth_of(frame: Frame | None) -> int:
        """How many templates are open around this frame."""
        count = 0
        while frame is not None:
            count += frame.template or frame.view
            frame = frame.outer
        return count

    # -- roots ---------------------------------------------------------------------------------------------------------

    def root(self, definition: FunctionDefinition, heir: ClassDefinition | None = None) -> Value:
        """Walks a function with nothing known of its arguments but their types; a method as one of `heir`, if that is given."""
        self.steps = 0
        self.hydrated = set()
        owner = heir or definition.owner
        receiver = self.receiver_of(owner) if owner is not None else None
        if any(isinstance(d, Name) and d.id in ("staticmethod", "static") for d in definition.node.decorators):
            receiver = None
        elif any(isinstance(d, Name) and d.id == "classmethod" for d in definition.node.decorators):
            receiver = self.of_class(owner) if owner else None
        given = templates.given_to(self, definition) if definition.owner is None else ()
        return self.call(definition, receiver, given, {}, None, None)

    def module(self, path: str) -> None:
        """Walks the top level of a file: scripts and configuration code."""
        self.steps = 0
        frame = self.frame(path, None)
        flow.run(self, self.code.files[path].outline, frame)

    def receiver_of(self, definition: ClassDefinition) -> Value:
        """What `self` holds in a method of `definition`."""
        if definition.is_interface:
            definition = self.code.wiring.implementation(definition) or definition
        if self.is_model(definition):
            return Row(definition.qualified)
        rows = origins.rows_of_class(self, definition)
        return rows if rows is not None else Instance(definition)

    def of_class(self, definition: ClassDefinition) -> Value:
        """The class itself as a value."""
        return ModelClass(definition.qualified) if self.is_model(definition) else ClassValue(definition)

    def model(self, name: str) -> Model | None:
        """The model of that qualified name."""
        self.trace.touched.add(f"model:{name}")
        return self.models.by_name.get(name)

    def user(self) -> Model | None:
        """The model that stands for the user."""
        self.trace.touched.add("user:")
        return self.model(self.models.user)

    def model_called(self, name: str) -> Model | None:
        """The one model of that short name."""
        self.trace.touched.add(f"named:{name}")
        return repositories.called(self.code, self.models, name)

    def is_model(self, definition: ClassDefinition) -> bool:
        """Whether the class is a table."""
        self.trace.touched.add(f"model:{definition.qualified}")
        return id(definition) in self.models.by_class

    def repository_of(self, model: str) -> ClassDefinition | None:
        """The project's repository class that serves the model."""
        self.trace.touched.add(f"serves:{model}")
        return self.repositories.classes.get(model)

    def hydrate(self, rows: Rows) -> None:
        """A query ran that brought relations with its rows: whoever holds such a row by another query has them too."""
        for path in rows.eager:
            model = self.model(rows.model)
            for hop in path.removesuffix(".*").split("."):
                if model is None or path.endswith(".*"):
                    break
                self.trace.hydrated.add((model.qualified, hop))
                relation = model.relations.get(hop)
                model = self.model(relation.target) if relation is not None else None
        self.hydrated |= self.trace.hydrated

    # -- notes ---------------------------------------------------------------------------------------------------------

    def note_read(
        self, row: Row, relation: Relation, node: Node, frame: Frame, *, bypass: bool = False, counted: bool = False
    ) -> None:
        """Notes that `relation` of `row` is queried at `node`, if that happens once for each of many rows."""
        if row.rows is None or row.loop is None:
            return
        unseen = not (row.rows.known or bypass)
        if unseen and (self.may_load(relation) or queries.may_share(self, row)):
            return
        if row.loop in self.once or (row.rows.limit == 1 and not row.path) or (self.cached and row.loop not in self.opened):
            return
        hops = (*row.path, relation.name)
        if (row.loop, hops) in self.assigned:
            return
        at, *through = way(row.loop, frame, node)
        within = self.loops[-1] if self.loops else None
        key = (row.rows.site, row.rows.model, hops, at.path, at.start, bypass)
        self.trace.reads.setdefault(
            key, Read(row.rows, hops, relation, row.loop, at, tuple(through), bypass, counted, unseen, None, within)
        )

    def shown_by(self, caller: Frame, node: Node) -> None:
        """Notes which call in code shows the template in which rows were just seen to be asked for."""
        if caller.template or caller.view:
            return
        for key, read in self.trace.reads.items():
            if read.shown is None and self.code.files[read.rows.site.path].language in TEMPLATE_LANGUAGES:
                self.trace.reads[key] = msgspec.structs.replace(read, shown=caller.site(node))

    def may_load(self, relation: Relation) -> bool:
        """Whether some query of the project may load the relation with its rows."""
        self.trace.touched.add(f"eager:{relation.model}.{relation.name}")
        return self.evidence.may_load(relation.model, relation.name)

    def asked_here(self, row: Row, relation: Relation) -> bool:
        """Whether a collection of an unknown row is queried where it is read, as nothing in the project may have loaded it."""
        return relation.target != row.model and not self.may_load(relation)

    def note_lookup(self, rows: Rows, node: Node, frame: Frame, *, effect: str = "", alone: bool = False) -> None:
        """Notes that the query of `rows` runs at `node`, if it does so for each of many rows. `effect` is what it writes;
        `alone` where no statement for all rows would do the same."""
        row = rows.per
        if row is None or row.rows is None or row.loop is None or self.guarded or queries.may_share(self, row):
            return
        if row.loop in self.once or (row.rows.limit == 1 and not row.path) or (self.cached and row.loop not in self.opened):
            return
        at, *through = way(row.loop, frame, node)
        inside = frame.path == row.loop.path and row.loop.start <= node.start < row.loop.end
        if effect:
            self.trace.written.add((row.loop, ("alone" if alone else "here") if inside else "beyond"))
        if effect and (alone or self.trying or not inside or row.rows.given):
            return  # written one by one so that one may fail, or by code that has other callers too
        changed = tuple(sorted(path[-1] for loop, path in self.assigned if loop == row.loop and path[:-1] == row.path))
        self.trace.lookups.setdefault((rows.site, row.loop), Lookup(rows, row, at, tuple(through), effect, changed))

    def note_query(self, rows: Rows, frame: Frame, node: Node, *, added: bool = False) -> None:
        """Notes the columns of a query; a longer chain from the same beginning replaces the shorter.
        What is added to one that another function began makes it another query."""
        if rows.root is None or not (rows.searches or rows.limited):
            return
        at = frame.site(node)
        if frame.holds(rows.root):
            self.trace.note((at.path, rows.root.start), Query(rows, msgspec.structs.replace(at, start=rows.root.start)))
        elif added and origins.handed_over(self, rows, frame):
            self.trace.note_more((f"{rows.root.path} {frame.function}", rows.root.start), Query(rows, at))

    # -- values ---------------------------------------------------------------------------------------------------

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
                known = ModelClass(name) if self.model(name) is not None else origins.sender(self, name)
                return known or LibraryValue(name)
            case ValueDefinition(path=path, node=node):
                return self.constant(path, node)
        return None

    def constant(self, path: str, node: Assign, owner: ClassDefinition | None = None) -> Value:
        """The value of an assignment at the top level of a file or class, found once."""

        def walk() -> Value:
            if node.value is None:
                return (
                    members.annotated(
                        self, path, node.annotation, owner.qualified if owner else members.module_name(self.code, path)
                    )
                    if node.annotation is not None
                    else None
                )
            function = owner.qualified if owner else members.module_name(self.code, path)
            return flow.evaluate(self, node.value, Frame(path, function, self.code.files[path].language, owner))

        return self.remembered(("constant", id(node)), walk)

    # -- calls ----------------------------------------------------------------------------------------------------

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
        self.code.touch(definition.path, definition.node)
        edges.note_call(self, definition, node, caller)

        def walk() -> Value:
            frame = self._opened(definition, receiver, args, keywords, caller)
            return self._walk(definition.node, frame, caller, node)

        around = (
            caller is None,
            tuple(self.once),
            self.guarded > 0,
            self.cached > 0,
            self.walks_templates,
        )  # decides what is noted, not what is returned
        return self.remembered((id(definition.node), receiver, args, tuple(keywords.items()), around), walk)

    def _opened(
        self,
        definition: FunctionDefinition,
        receiver: Value,
        args: tuple[Value, ...],
        keywords: dict[str, Value],
        caller: Frame | None,
    ) -> Frame:
        language = self.code.files[definition.path].language
        frame = Frame(definition.path, definition.qualified, language, definition.owner, caller)
        if definition.node.receiver:
            frame.env[definition.node.receiver] = receiver
        self.bind_arguments(definition.node, args, keywords, frame)
        return frame

    def call_on(
        self,
        definition: FunctionDefinition,
        receiver: Value,
        args: tuple[Value, ...],
        keywords: dict[str, Value],
        caller: Frame,
        node: Node,
    ) -> tuple[Value, Value]:
        """What a function of the project returns, and what its first parameter then holds: it may change a query in place."""
        if self._depth >= _MAX_DEPTH:
            return None, None
        self.code.touch(definition.path, definition.node)

        def walk() -> Value:
            frame = self._opened(definition, receiver, args, keywords, caller)
            return Tupled((self._walk(definition.node, frame, caller, node), frame.first_of(definition.node)))

        around = (tuple(self.once), self.guarded > 0, self.walks_templates)
        key = ("on", id(definition.node), receiver, args, tuple(keywords.items()), around)
        value = self.remembered(key, walk)
        return (value.items[0], value.items[1]) if isinstance(value, Tupled) else (None, None)

    def closure_on(self, closure: Closure, query: Rows, frame: Frame, node: Node) -> tuple[Value, Value]:
        """What a closure returns that is given a query, and what that query is then."""
        if self._depth >= _MAX_DEPTH:
            return None, None
        inner = Frame(closure.path, frame.function, frame.language, frame.owner, frame)
        inner.env = dict(closure.env)
        self.bind_arguments(closure.node, (query,), {}, inner)
        return self._walk(closure.node, inner, frame, node), inner.first_of(closure.node)

    def _walk(self, function: Function, frame: Frame, caller: Frame | None, node: Node | None) -> Value:
        """Walks the body with the caller's place kept, so that reads know the call they happen through."""
        held = caller.at if caller is not None else None
        if caller is not None and node is not None:
            caller.at = node
        self._depth += 1
        loops, once, cached = self.loops, self.once, self.cached
        self.loops = []
        try:
            flow.run(self, function.body, frame)
        finally:
            self._depth -= 1
            self.loops, self.once, self.cached = loops, once, cached
            if caller is not None:
                caller.at = held
        self.ways = frame.returned
        if frame.yielded:
            return Listed(merged(frame.yielded))
        result = merged(frame.returned)
        if result is None and function.returns is not None:
            return members.annotated(self, frame.path, function.returns, frame.function)
        return result

    def bind_arguments(self, function: Function, args: tuple[Value, ...], keywords: dict[str, Value], frame: Frame) -> None:
        position = 0
        for parameter in function.parameters:
            plain = parameter.name.lstrip("*.&")
            if parameter.name.startswith("**"):
                named = {p.name for p in function.parameters}
                frame.env[plain] = Mapped(tuple((k, v) for k, v in keywords.items() if k not in named and k != "**"))
                continue
            if parameter.name.startswith("*") or parameter.name.startswith("..."):
                frame.env[plain] = Tupled(args[position:]) if frame.outer is not None or args[position:] else None
                position = len(args)
                continue
            value: Value = None
            if position < len(args):
                value = args[position]
                position += 1
                frame.given(parameter, plain, value)
            elif plain.lstrip("$") in keywords:
                value = keywords[plain.lstrip("$")]
                frame.given(parameter, plain, value)
            elif frame.outer is not None and parameter.default is not None:
                value = arguments.left_out(self, parameter.default, plain, frame)
            value = value if value is not None else sent.parameter(self, function, parameter, frame)
            if value is None and parameter.annotation is not None:
                value = members.annotated(self, frame.path, parameter.annotation, frame.function)
                if isinstance(value, Row) and frame.outer is None and entries.is_entry(self.code, frame.owner, function):
                    value = msgspec.structs.replace(value, known=True)
            elif value is None:
                value = namesakes.parameter(self, function, parameter, frame)
            frame.env[plain] = value

    def call_closure(
        self, closure: Closure, args: tuple[Value, ...], keywords: dict[str, Value], frame: Frame, node: Node
    ) -> Value:
        me = id(closure.node)  # one that calls itself in several places would take forever; a template's macro seldom does
        again = self.code.files[closure.path].language not in ("python", "php")
        if self._depth >= _MAX_DEPTH or self._within.count(me) > again:
            return None
        inner = Frame(frame.path, frame.function, frame.language, frame.owner, frame)
        inner.path = closure.path
        inner.env = dict(closure.env)
        self.bind_arguments(closure.node, args, keywords, inner)
        self._within.append(me)
        try:
            return self._walk(closure.node, inner, frame, node)
        finally:
            self._within.pop()
