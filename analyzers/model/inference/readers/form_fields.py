"""Classes that declare the fields of a form: a field that offers rows shows each of them by its words.

A page with such a field sends a query for every row that it offers, where those words read a relation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Assign, Call, Member, Node, Other, Text, walk
from analyzers.knowledge import LINEAGES_KEPT, Library, libraries, named
from analyzers.knowledge.derived import per_libraries
from analyzers.knowledge.forms import Forms
from analyzers.model.inference import flow, members
from analyzers.model.inference.readers.serializer_fields import names_in, options_of
from analyzers.model.inference.rows import managers, origins, queries
from analyzers.model.inference.types import Declared, Instance, ModelClass, Row, Rows
from analyzers.model.naming.definitions import ClassDefinition, External, FunctionDefinition
from analyzers.model.naming.literals import arguments, text_of

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


def walk_form(inference: Inference, definition: ClassDefinition) -> None:
    """Walks the rows that a form offers, or the form that a view makes of a model."""
    if not definition.node.bases:
        return
    found = _words_by(inference.code.externals(definition))
    if found is None:
        return
    library, words, is_view = found
    inference.steps, inference.hydrated = 0, set()
    reader = _Reader(inference, library, words, definition)
    if is_view:
        if inference.code.attribute(definition, words.form_attribute) is None:
            reader.of_model(definition)
        return
    reader.declared()
    reader.set_in_code()
    options = options_of(inference.code, definition, words.options)
    if options is not None and words.options in definition.classes:
        reader.of_model(options)


@per_libraries(LINEAGES_KEPT)
def _words_by(externals: frozenset[str]) -> tuple[Library, Forms, bool] | None:
    for library in libraries():
        words = library.forms
        if words is not None and any(named(library, e, (*words.bases, *words.view_bases)) for e in externals):
            return library, words, not any(named(library, e, words.bases) for e in externals)
    return None


_Changes = dict[str, list[tuple[FunctionDefinition, Node]]]


class _Reader:
    def __init__(self, inference: Inference, library: Library, words: Forms, definition: ClassDefinition) -> None:
        self.inference, self.library, self.words, self.definition = inference, library, words, definition
        self.changed = _changed(inference, definition, words)
        hidden = _hidden(inference, definition, words)
        self.hidden = hidden or frozenset()
        self.whole = "" not in self.changed and hidden is not None  # what is changed of the fields is known by name

    def _frame(self, path: str, function: str) -> Frame:
        frame = self.inference.frame(path, None)
        frame.owner, frame.function = self.definition, function
        return frame

    def declared(self) -> None:
        """The fields that the class itself declares, with rows of their own."""
        for name, assign in self.definition.attributes.items():
            call = assign.value
            if not self.whole or name in self.changed or name in self.hidden or not isinstance(call, Call):
                continue
            known, label = self._kind(self.definition.path, call)
            given = arguments(call)
            stated = given.get(self.words.rows_argument) or given.get("0")
            if not known or stated is None or not self._is_plain(self.definition.path, given.get(self.words.widget_argument)):
                continue
            frame = self._frame(self.definition.path, self.definition.qualified)
            rows = flow.evaluate(self.inference, stated, frame)
            if isinstance(rows, Rows):
                self._offer(rows, label, assign, frame)

    def set_in_code(self) -> None:
        """`self.fields["order"].queryset = …`: the rows that a method gives to a field."""
        for name, nodes in self.changed.items():
            if not self.whole or len(nodes) != 1 or name in self.hidden:
                continue
            method, assign = nodes[0]
            if not isinstance(assign, Assign) or not isinstance(assign.target, Member) or assign.value is None:
                continue
            if assign.target.name != self.words.rows_attribute:
                continue
            stated = self.definition.attributes.get(name)
            call = stated.value if stated is not None else None
            known, label = self._kind(self.definition.path, call) if isinstance(call, Call) else (stated is None, None)
            if not known or not self._is_shown(name, call if isinstance(call, Call) else None):
                continue
            frame = self._frame(method.path, method.qualified)
            if method.node.receiver:
                frame.env[method.node.receiver] = Instance(self.definition)
            rows = flow.evaluate(self.inference, assign.value, frame)
            if isinstance(rows, Rows):
                self._offer(rows, label, assign, frame)

    def of_model(self, options: ClassDefinition) -> None:
        """The fields that follow from the model."""
        code, words = self.inference.code, self.words
        stated, of = code.attribute(options, words.fields), code.attribute(options, words.model)
        held = self.inference.constant(of[0].path, of[1], of[0]) if of is not None else None
        model = self.inference.model(held.model) if isinstance(held, ModelClass) else None
        if model is None or stated is None or stated[1].value is None or not self.whole:
            return
        for path, node in names_in(code, stated[0].path, stated[1].value)[0]:
            name = text_of(node)
            relation = model.relations.get(name)
            own = code.attribute(self.definition, name) is not None or name in self.changed or name in self.hidden
            target = self.inference.model(relation.target) if relation is not None else None
            if relation is None or target is None or own or relation.inverse or relation.polymorphic:
                continue
            if not self._is_shown(name, None):
                continue
            frame = self._frame(path, self.definition.qualified)
            text = words.code_many if relation.many else words.code
            advice = Declared(query=text.replace("{field}", name).replace("{model}", target.name))
            kind = origins.manager_kind(self.inference, target.qualified)
            site = frame.site(node)
            rows = Rows(target.qualified, site, root=site, kind=kind, declared=advice)
            self._offer(managers.begun(self.inference, rows), None, node, frame)

    # -- fields --------------------------------------------------------------------------------------------------------

    def _kind(self, path: str, call: Call) -> tuple[bool, FunctionDefinition | None]:
        """Whether a call makes a field that offers rows, and the project's own way of showing them."""
        code = self.inference.code
        match code.resolve_node(path, call.callee):
            case External(name=name):
                return named(self.library, name, self.words.choices) is not None, None
            case ClassDefinition() as own:
                known = any(named(self.library, e, self.words.choices) for e in code.externals(own))
                return known, code.method(own, self.words.label)
        return False, None

    def _is_plain(self, path: str, widget: Node | None) -> bool:
        """Whether a field shows all its rows."""
        if widget is None:
            return True
        found = self.inference.code.resolve_node(path, widget.callee if isinstance(widget, Call) else widget)
        return isinstance(found, External) and named(self.library, found.name, self.words.plain_widgets) is not None

    def _is_shown(self, name: str, call: Call | None) -> bool:
        """Whether the form shows all rows of a field, as far as its options say what shows it."""
        given = arguments(call).get(self.words.widget_argument) if call is not None else None
        if not self._is_plain(self.definition.path, given):
            return False
        options = options_of(self.inference.code, self.definition, self.words.options)
        stated = (self.inference.code.attribute(options, a) for a in (self.words.widgets, self.words.classes) if options)
        return all(self._shows(s[0].path, s[1].value, name) for s in stated if s is not None)

    def _shows(self, path: str, mapping: Node | None, name: str) -> bool:
        """Whether a mapping of fields to what shows them lets this one show all its rows."""
        if not isinstance(mapping, Other):
            return False
        pairs = {text_of(p.children[0]): p.children[-1] for p in mapping.children if isinstance(p, Other) and p.word == "pair"}
        if "" in pairs or len(pairs) < len(mapping.children):
            return False
        return name not in pairs or self._is_plain(path, pairs[name])

    def _offer(self, rows: Rows, label: FunctionDefinition | None, node: Node, frame: Frame) -> None:
        row = queries.one_of(self.inference, rows, frame.site(node), node, frame)
        if not isinstance(row, Row) or row.loop is None:
            return
        if label is not None:
            shown = self.inference.call(label, Instance(label.owner) if label.owner else None, (row,), {}, frame, node)
            members.shown(self.inference, shown, node, frame)
        else:
            members.shown(self.inference, row, node, frame)


def _hidden(inference: Inference, definition: ClassDefinition, words: Forms) -> frozenset[str] | None:
    """The fields that a class beside the form does not show with all their rows; none where it makes the fields itself, or
    stands elsewhere."""
    out: set[str] = set()
    inference.trace.touched.add(f"form:{definition.node.name}")
    known = not inference.evidence.shows(definition.node.name)
    for owner in inference.code.definitions(definition.path).values():
        stated = owner.attributes.get(words.owner_form) if isinstance(owner, ClassDefinition) else None
        if not isinstance(owner, ClassDefinition) or stated is None or stated.value is None:
            continue
        if inference.code.resolve_node(owner.path, stated.value) is not definition:
            continue
        known = True
        if any(inference.code.method(owner, name) is not None for name in words.owner_methods):
            return None
        for name in words.owner_fields:
            listed = inference.code.attribute(owner, name)
            if listed is not None and listed[1].value is not None:
                names, whole = names_in(inference.code, listed[0].path, listed[1].value)
                out.update(text_of(node) for _, node in names)
                if not whole:
                    return None
    return frozenset(out) if known else None


def _changed(inference: Inference, definition: ClassDefinition, words: Forms) -> _Changes:
    """The fields whose rows, or whose way of showing them, code of the form changes; without a name, some unknown ones."""
    out: _Changes = {}
    for base in inference.code.lineage(definition):
        for method in base.methods.values() if isinstance(base, ClassDefinition) else ():
            for node in (node for statement in method.node.body for node in walk(statement)):
                name = _changes(node, words)
                if name is not None:
                    out.setdefault(name, []).append((method, node))
    return out


def _changes(node: Node, words: Forms) -> str | None:
    """The field that a statement changes."""
    match node:
        case Assign(target=Member(of=field, name=attribute)) if attribute in (words.rows_attribute, *words.set):
            return _field(field, words)
        case Assign(target=field) | Other(word="delete", children=(field,)):
            return _field(field, words)
        case Call(callee=Member(of=Member(name=holder), name="pop"), args=(Text(value=str() as name), *_)):
            return name if holder == words.holder else None
    return None


def _field(node: Node, words: Forms) -> str | None:
    """The field that `self.fields["order"]` is; empty where its name is not known, none where it is no field."""
    match node:
        case Other(word="item", children=(Member(name=holder), at)) if holder == words.holder:
            return text_of(at)
    return None
