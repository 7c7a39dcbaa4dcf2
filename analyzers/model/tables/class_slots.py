"""Where a class that states a table takes one more index: on the column itself, among its options, or before its name.

Each style of stating tables has a place of its own, whose words are the library's (`Models`). A place that only reading the
text could tell (behind a comment, in a list that is computed) is none, and the file must know what an index is made with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from analyzers.facts.outline import Assign, Call, Class, Function, Member, Name, Node, Other
from analyzers.knowledge import Library, Models, named
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, External
from analyzers.model.project import Slot
from analyzers.model.tables.column_slots import STEP, column_slot
from analyzers.model.tables.models import Model


def class_slots(code: Codebase, model: Model) -> Iterator[Slot]:
    """The slots of the class, the best first."""
    words = model.library.models
    facts = code.files.get(model.definition.path)
    if words is not None and facts is not None and facts.language == model.library.language and words.style in _STYLES:
        yield from _STYLES[words.style](code, model, words)


# -- an index among the options of a nested class ----------------------------------------------------------------------


def _by_options(code: Codebase, model: Model, words: Models) -> Iterator[Slot]:
    """`class Meta: indexes = [models.Index(…)]`."""
    definition, path, name = model.definition, model.definition.path, words.option_indexes[0]
    word = _known_as(code, path, model.library, definition)
    if not word:
        return
    meta = definition.classes.get(words.options)
    if meta is None:
        heirs = [b for b in code.lineage(definition) if isinstance(b, ClassDefinition) and words.options in b.classes]
        last = _last_attribute(definition.node)
        if last is not None and not heirs:
            inner = " " * code.files[path].span(last.start, last.end).start_column
            indent = inner[1:]
            head = f"\n\n{indent}class {words.options}:\n{indent}{' ' * STEP}{name} = [\n{indent}{' ' * 2 * STEP}"
            yield Slot(path, last.end, head, f",\n{indent}{' ' * STEP}]", model.library.library, word)
        return
    stated = [n for n in meta.body if isinstance(n, Assign) and isinstance(n.target, Name)]
    own = next((n for n in stated if isinstance(n.target, Name) and n.target.id == name), None)
    if own is not None:
        yield from _in_list(code, path, own, model.library.library, word)
    elif stated and stated[-1] is meta.body[-1]:
        indent = " " * (code.files[path].span(stated[-1].start, stated[-1].end).start_column - 1)
        head = f"\n{indent}{name} = [\n{indent}{' ' * STEP}"
        yield Slot(path, stated[-1].end, head, f",\n{indent}]", model.library.library, word)


def _in_list(code: Codebase, path: str, own: Assign, form: str, word: str) -> Iterator[Slot]:
    listed = own.value
    if not isinstance(listed, Other) or listed.word != "list":
        return
    if not listed.children:
        yield Slot(path, listed.end - 1, "", "", form, word)
        return
    last, span = listed.children[-1], code.files[path].span
    below = span(listed.children[0].start, last.end).start_line > span(own.start, own.end).start_line
    indent = " " * (span(listed.children[0].start, last.end).start_column - 1)
    yield Slot(path, last.end, f",\n{indent}" if below else ", ", "", form, word)


# -- an index of a column, or among the arguments of the table ---------------------------------------------------------


def _by_columns(code: Codebase, model: Model, words: Models) -> Iterator[Slot]:
    """`mapped_column(index=True)`, and `__table_args__ = (Index(…),)`."""
    definition, path = model.definition, model.definition.path
    for column in model.columns.values():
        stated = definition.attributes.get(column.attribute)
        if stated is not None and isinstance(stated.value, Call) and not column.foreign:
            yield from column_slot(code, path, stated.value, column.name, words)
    word = _known_as(code, path, model.library, definition)
    name = words.arguments_attribute
    holders = [b for b in code.lineage(definition) if isinstance(b, ClassDefinition) and name in (*b.attributes, *b.methods)]
    last = _last_attribute(definition.node)
    if not word or last is None:
        return
    indent = " " * (code.files[path].span(last.start, last.end).start_column - 1)
    own = definition.attributes.get(name)
    if not holders:
        yield Slot(path, last.end, f"\n\n{indent}{name} = (", ",)", model.library.library, word)
    elif own is not None and isinstance(own.value, Other) and own.value.word == "tuple" and own.value.children:
        first, span = own.value.children[0], code.files[path].span
        at = span(first.start, first.end)
        below = at.start_line > span(own.start, own.end).start_line
        after = ",\n" + " " * (at.start_column - 1) if below else ", "
        yield Slot(path, first.start, "", after, model.library.library, word)


# -- an index before the name of a class -------------------------------------------------------------------------------


def _by_marks(code: Codebase, model: Model, words: Models) -> Iterator[Slot]:
    """`#[ORM\\Index(…)]`, behind the attribute that makes the class a table."""
    path = model.definition.path
    for mark in model.definition.node.decorators:
        callee = mark.callee if isinstance(mark, Call) else mark
        meant = code.resolve_node(path, callee) if isinstance(callee, Name) else None
        if isinstance(meant, External) and isinstance(callee, Name) and named(model.library, meant.name, words.marks):
            outer, separator, _ = callee.id.rpartition("\\")
            word = f"{outer}{separator}{words.index_marks[0]}"
            known = code.resolve(path, word)
            if isinstance(known, External) and named(model.library, known.name, words.index_marks):
                indent = " " * (code.files[path].span(mark.start, mark.end).start_column - 3)
                yield Slot(path, mark.end, f"]\n{indent}#[", "", model.library.library, word)
            return


_STYLES: dict[str, Callable[[Codebase, Model, Models], Iterator[Slot]]] = {
    "call": _by_options,
    "typed": _by_columns,
    "decorator": _by_marks,
}


# -- what files call things --------------------------------------------------------------------------------------------

_MAKER = "Index"


def _known_as(code: Codebase, path: str, library: Library, definition: ClassDefinition) -> str:
    """What the file calls that which makes an index: by itself, or as a part of what it has imported."""
    outer = [a.value.callee.of for a in definition.attributes.values() if _is_part(a.value)]  # type: ignore[union-attr]
    parts = {n.id: n for n in outer if isinstance(n, Name)}
    parts |= {i.name: Name(0, 0, i.name) for i in code.files[path].imports}
    for name, node in parts.items():
        direct = code.resolve_node(path, node)
        if isinstance(direct, External) and named(library, direct.name, (_MAKER,)):
            return name
    for name, node in parts.items():
        part = code.resolve_node(path, Member(0, 0, node, _MAKER))
        if isinstance(part, External) and named(library, part.name, (_MAKER,)):
            return f"{name}.{_MAKER}"
    return ""


def _is_part(node: Node | None) -> bool:
    return isinstance(node, Call) and isinstance(node.callee, Member)


def _last_attribute(node: Class) -> Assign | None:
    """The last attribute of a class, of those that stand together before its methods and other classes."""
    found = None
    for statement in node.body:
        if isinstance(statement, Assign):
            found = statement
        elif isinstance(statement, Function | Class):
            break
    return found
