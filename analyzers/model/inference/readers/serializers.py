"""What a serializer reads of the rows it is given: each of its fields, as the library would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Call, Member, Name, Node, Text, walk
from analyzers.knowledge import Library, Serializers, libraries, named
from analyzers.knowledge.derived import derived
from analyzers.model.inference import flow, members
from analyzers.model.inference.readers import declared
from analyzers.model.inference.readers.serializer_fields import Field, fields_of, own_list, understands, words_of
from analyzers.model.inference.rows import queries
from analyzers.model.inference.types import Declared, Instance, Listed, Literal, Row, Rows, Site, Value
from analyzers.model.naming.definitions import ClassDefinition, External, FunctionDefinition
from analyzers.model.naming.literals import arguments, is_true, text_of

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference
    from analyzers.model.project import Relation
    from analyzers.model.tables.models import Model

_answers = derived(lambda: {n: at for x in libraries() if x.serializers is not None for n, at in x.serializers.answers.items()})
_MAX_HOPS = 5  # relations followed into one another; a serializer of a tree puts itself out again


def output(inference: Inference, holder: Instance, name: str, node: Node, frame: Frame) -> bool:
    """`serializer.data`: whether `name` is that, and if so, reads the rows that the serializer was made with."""
    found = words_of(inference.code, holder.definition)
    if found is None or name != found[1].output:
        return False
    _, words = found
    given = dict(holder.keywords)
    rows = holder.args[0] if holder.args else given.get(words.rows_argument)
    if not understands(inference.code, holder.definition, words, given):
        return True  # an argument of the project's own: what it puts out is not known
    many = given.get(words.many)
    if isinstance(many, Literal) and many.value is True:
        put_out(inference, holder.definition, rows, node, frame)
    elif isinstance(rows, Row):
        represent(inference, holder.definition, _alone(holder.definition, rows, node, frame), node, frame)
    return True


def puts_out(inference: Inference, holder: Instance, name: str) -> bool:
    """Whether the name is the library's own method of the serializer that puts out the rows it is given."""
    found = words_of(inference.code, holder.definition)
    return found is not None and name in found[1].puts_out and inference.code.method(holder.definition, name) is None


def dumped(inference: Inference, holder: Instance, rows: Value, keywords: dict[str, Value], node: Node, frame: Frame) -> None:
    """`OrderSchema(many=True).dump(orders)`: the rows go through the serializer, or the one row does."""
    found = words_of(inference.code, holder.definition)
    given = dict(holder.keywords) | keywords
    if found is None or not understands(inference.code, holder.definition, found[1], given):
        return  # an argument that picks fields, or of the project's own: what it puts out is not known
    many = given.get(found[1].many)
    if isinstance(many, Literal) and many.value is True:
        put_out(inference, holder.definition, rows, node, frame)
    elif isinstance(rows, Row):
        represent(inference, holder.definition, _alone(holder.definition, rows, node, frame), node, frame)


def _alone(definition: ClassDefinition, row: Row, node: Node, frame: Frame) -> Row:
    """A row that some query gave, as the one row of a query of which only the serializer is known: whoever puts out such a row
    by it had better load what the serializer reads of its collections."""
    if row.rows is not None or not row.known:
        return row
    at = definition.node.bases[0]
    site = Site(definition.path, at.start, at.end, definition.qualified)
    advice = Declared(advice="Load `{name}` where the row is fetched: add `{call}` to that query")
    return Row(row.model, Rows(row.model, site, eager=row.eager, limit=1, limited=True, declared=advice, via=frame.site(node)))


def answer(inference: Inference, called: FunctionDefinition, value: Value) -> None:
    """What a view returns is put out by the serializer that a decorator of it states: `@blp.response(200, OrderSchema)`."""
    for decorator in called.node.decorators if isinstance(value, Row | Rows | Listed) else ():
        match decorator:
            case Call(callee=Member(name=name), args=args) if name in _answers() and len(args) > _answers()[name]:
                frame = inference.frame(called.path, None)
                frame.owner, frame.function = called.owner, called.qualified
                stated = flow.evaluate(inference, args[_answers()[name]], frame)
                if isinstance(stated, Instance):
                    dumped(inference, stated, value, {}, called.node, frame)


def put_out(inference: Inference, definition: ClassDefinition, rows: Value, node: Node, frame: Frame) -> None:
    """Many rows go through the serializer at `node`, which is the loop over them."""
    found = words_of(inference.code, definition)
    if found is None:
        return
    stated, own = own_list(inference.code, definition, found[1])
    method = inference.code.method(own, found[1].represent) if own is not None else None
    if own is not None and method is not None:
        listed = Instance(own, given=((found[1].item, Instance(definition)),))
        inference.call(method, listed, (rows,), {}, frame, node)
        return
    if stated and own is None:
        return
    _each_out(inference, definition, rows, node, frame)


def _each_out(inference: Inference, definition: ClassDefinition, rows: Value, node: Node, frame: Frame) -> None:
    item = flow.iterate(inference, rows, frame.site(node), node, frame)
    if isinstance(item, Row):
        represent(inference, definition, item, node, frame)


def represent(inference: Inference, definition: ClassDefinition, row: Row, node: Node, frame: Frame) -> None:
    """One row goes through the serializer at `node`. Of one that is alone, only collections may cost more than their number."""
    found = words_of(inference.code, definition)
    if found is None or row.rows is None or len(row.path) > _MAX_HOPS:
        return
    method = inference.code.method(definition, found[1].represent)
    if method is not None:
        inference.call(method, Instance(definition), (row,), {}, frame, node)
    else:
        read_fields(inference, definition, row, node, frame)


def inherited(inference: Inference, receiver: Instance, name: str, args: tuple[Value, ...], node: Node, frame: Frame) -> None:
    """`super().to_representation(row)` in the project's own serializer, or in its own class for many rows."""
    item = next((v for _, v in receiver.given if isinstance(v, Instance) and words_of(inference.code, v.definition)), None)
    found = words_of(inference.code, item.definition if item is not None else receiver.definition)
    if item is not None and found is not None and name == found[1].represent and args:
        _each_out(inference, item.definition, args[0], node, frame)
    elif found is not None and name == found[1].represent and args and isinstance(args[0], Row) and args[0].rows:
        read_fields(inference, receiver.definition, args[0], node, frame)


def read_fields(inference: Inference, definition: ClassDefinition, row: Row, node: Node, frame: Frame) -> None:
    """Every field of the serializer is read of the row."""
    found = words_of(inference.code, definition)
    assert found is not None
    held, frame.at = frame.at, node
    for field in fields_of(inference.code, definition):
        inner = inference.frame(field.path, frame)
        inner.owner, inner.function = definition, definition.qualified
        _Reader(inference, *found, definition, field, inner).read(row)
    frame.at = held


class _Reader:
    """The reading of one field, in a frame of the file that states it."""

    def __init__(
        self,
        inference: Inference,
        library: Library,
        words: Serializers,
        definition: ClassDefinition,
        field: Field,
        frame: Frame,
    ) -> None:
        self.inference, self.library, self.words, self.definition = inference, library, words, definition
        self.field, self.node, self.frame = field, field.node, frame

    def read(self, row: Row) -> None:
        if self.field.call is not None:
            self._declared(row, self.field.call)
        elif self.field.name:
            self._of_model(row, self.field.name, self.field.depth)
        else:
            self._all_of_model(row)

    # -- fields that the serializer declares ---------------------------------------------------------------------------

    def _declared(self, row: Row, call: Call) -> None:
        given = arguments(call)
        source = text_of(given.get(self.words.source)) or self.field.name
        names = () if source == self.words.whole_source else tuple(source.split("."))
        resolved = self.inference.code.resolve_node(self.field.path, call.callee)
        if isinstance(resolved, ClassDefinition):
            self._of_project(row, names, resolved, call)
            return
        kind = named(self.library, resolved.name, self.words.fields) if isinstance(resolved, External) else None
        if kind is not None and self.words.fields[kind] == "items":
            inner = next((a for a in (given.get("0"), given.get(self.words.nested)) if isinstance(a, Call)), None)
            self._items(row, names, inner)
        elif kind is not None:
            self._read(row, names, self.words.fields[kind], call)
        else:
            self._path(row, names[:-1])  # the library walks there for a field of any kind

    def _of_project(self, row: Row, names: tuple[str, ...], own: ClassDefinition, call: Call) -> None:
        """A nested serializer, or a field of the project's own."""
        code = self.inference.code
        if words_of(code, own) is not None:
            known = understands(code, own, self.words, (keyword.name for keyword in call.keywords))
            self._nested(self._path(row, names), own if known else None, many=is_true(arguments(call).get(self.words.many)))
            return
        externals = sorted(code.externals(own))
        kind = next((k for k in (named(self.library, e, self.words.fields) for e in externals) if k is not None), None)
        if kind is None or any(code.method(own, name) is not None for name in self.words.own_reading):
            return
        method = code.method(own, self.words.represent)
        whole = self.words.fields[kind] != "key" or any(code.method(own, name) is not None for name in self.words.whole_rows)
        if method is None or not whole:
            self._read(row, names, self.words.fields[kind], call)
            return
        for value in self._each(self._path(row, names), many=is_true(arguments(call).get(self.words.many))):
            self.inference.call(method, Instance(own), (value,), {}, self.frame, self.node)

    def _nested(self, value: Value, serializer: ClassDefinition | None, *, many: bool) -> None:
        for one in self._each(value, many=many):
            if isinstance(one, Row) and serializer is not None:
                represent(self.inference, serializer, one, self.node, self.frame)

    def _read(self, row: Row, names: tuple[str, ...], kind: str, call: Call) -> None:
        given = arguments(call)
        many = is_true(given.get(self.words.many))
        attribute = next((text for text in (text_of(given.get(a)) for a in self.words.attributes) if text), "")
        match kind:
            case "method":
                self._method(row, given)
            case "key" if not attribute and not many:
                self._key(self._path(row, names[:-1]), names[-1:])
            case "key" | "attribute":
                for one in self._each(self._path(row, names), many=many):
                    self._path(one, tuple(attribute.replace("__", ".").split(".")) if attribute else ())
            case "text":
                for one in self._each(self._path(row, names), many=many):
                    members.shown(self.inference, one, self.node, self.frame)
            case "nested":
                self._nested(self._path(row, names), self._named(call), many=many)
            case "row" | "value":
                self._each(self._path(row, names), many=many)

    def _items(self, row: Row, names: tuple[str, ...], inner: Call | None) -> None:
        """A list whose items are put out by a field of its own: `fields.List(fields.Nested(LineSchema))`."""
        found = self.inference.code.resolve_node(self.field.path, inner.callee) if inner is not None else None
        kind = named(self.library, found.name, self.words.fields) if isinstance(found, External) else None
        nested = inner is not None and kind is not None and self.words.fields[kind] == "nested"
        self._nested(self._path(row, names), self._named(inner) if nested and inner is not None else None, many=True)

    def _named(self, call: Call) -> ClassDefinition | None:
        """The serializer that a nested field names: a class, its name, an object of it, or a function that gives one.

        None where the field is told which of its fields to put out.
        """
        given = arguments(call)
        stated = given.get(self.words.nested) or given.get("0")
        inner = next((n for n in walk(stated) if isinstance(n, Call)), call) if stated is not None else call
        known = {*self.words.arguments, self.words.nested, self.words.source}
        if not {k.name for k in (*call.keywords, *inner.keywords)} <= known:
            return None
        for node in walk(stated) if stated is not None else ():
            name: Node = Name(0, 0, node.value) if isinstance(node, Text) and isinstance(node.value, str) else node
            found = self.inference.code.resolve_node(self.field.path, name) if isinstance(name, Name | Member) else None
            if isinstance(found, ClassDefinition) and words_of(self.inference.code, found) is not None:
                return found
        return None

    def _method(self, row: Row, given: dict[str, Node]) -> None:
        name = text_of(given.get(self.words.method) or given.get("0"))
        name = name or self.words.method_default.format(name=self.field.name)
        method = self.inference.code.method(self.definition, name)
        if method is not None:
            self.inference.call(method, Instance(self.definition), (row,), {}, self.frame, self.node)

    # -- fields that follow from the model -----------------------------------------------------------------------------

    def _of_model(self, row: Row, name: str, depth: int) -> None:
        model = self.inference.model(row.model)
        relation = model.relations.get(name) if model is not None else None
        if relation is None:
            self._path(row, (name,))
        elif depth and not relation.polymorphic:
            for one in self._each(self._path(row, (name,)), many=relation.many):
                if isinstance(one, Row) and len(one.path) <= _MAX_HOPS:
                    self._all_of_model(one, depth - 1)
        elif relation.many:
            self._each(self._path(row, (name,)), many=True)
        else:
            self._key(row, (name,))

    def _all_of_model(self, row: Row, depth: int | None = None) -> None:
        """All columns and forward relations; `depth` is given below the serializer's own fields."""
        model = self.inference.model(row.model)
        without = self.field.without if depth is None else frozenset()
        for name, relation in model.relations.items() if model is not None else ():
            if model is not None and name not in without and self._is_forward(model, relation):
                self._of_model(row, name, self.field.depth if depth is None else depth)

    def _is_forward(self, model: Model, relation: Relation) -> bool:
        """Whether the model itself declares the relation, as a reference or as a list that it owns."""
        stated = self.inference.code.attribute(model.definition, relation.name)
        words = model.library.models
        if relation.inverse or stated is None or words is None or not isinstance(stated[1].value, Call):
            return False
        found = self.inference.code.resolve_node(stated[0].path, stated[1].value.callee)
        kind = named(model.library, found.name, words.relations) if isinstance(found, External) else None
        return kind is not None and words.relations[kind].points_back and not words.relations[kind].polymorphic

    # -- values --------------------------------------------------------------------------------------------------------

    def _path(self, value: Value, names: tuple[str, ...]) -> Value:
        return declared.read_path(self.inference, value, names, self.node, self.frame)

    def _key(self, value: Value, names: tuple[str, ...]) -> None:
        """The key of what `names` refers to: a reference holds it itself, all else is asked for."""
        model = self.inference.model(value.model) if isinstance(value, Row) else None
        relation = model.relations.get(names[0]) if model is not None and names else None
        if relation is None or not relation.column:
            self._path(value, names)

    def _each(self, value: Value, *, many: bool) -> tuple[Value, ...]:
        """The value, or one of many."""
        if not many:
            return (value,) if not isinstance(value, Rows) else ()
        if isinstance(value, Rows):
            return (queries.one_of(self.inference, value, self.frame.site(self.node), self.node, self.frame),)
        return (flow.iterate(self.inference, value, self.frame.site(self.node), self.node, self.frame),)
