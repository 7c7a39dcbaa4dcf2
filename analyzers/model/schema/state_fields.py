"""Fields as migrations state them: a call with everything in its arguments."""

from __future__ import annotations

from collections.abc import Mapping

from analyzers.facts.outline import Call, Member, Node, Text, dotted
from analyzers.knowledge import Column, Library, Relation, named
from analyzers.knowledge.migrations import Migrations
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import External
from analyzers.model.naming.literals import arguments, is_false, is_true, last_name, text_of
from analyzers.model.schema.states import Label, StateField
from analyzers.model.tables.fields import kind_of

_PLAIN = Column()


class Fields:
    """Reads the calls of one library. `user` is the model that stands for the user."""

    def __init__(self, code: Codebase, library: Library, words: Migrations, user: Label | None) -> None:
        assert library.models is not None
        self._code, self._library, self._words, self._user = code, library, words, user
        self._models, self._names = library.models, library.models.arguments

    def read(self, path: str, application: str, model: str, name: str, node: Node) -> StateField | None:
        """The field `name` of a model, or nothing where it makes no column and no table."""
        if not isinstance(node, Call) or self._without_column(path, node):
            return None
        kind = self._kind(path, node, self._models.relations)
        given = arguments(node)
        if kind is not None:
            return self._relation(application, model, name, given, self._models.relations[kind])
        kind = self._kind(path, node, self._models.columns)
        return self._column(name, given, self._models.columns[kind] if kind is not None else _PLAIN)

    def _kind(self, path: str, node: Call, table: Mapping[str, object]) -> str | None:
        """The entry a field is of. Migrations write full names, which a module of the project may seem to have too."""
        found = kind_of(self._code, path, node, self._library, table)
        return found or named(self._library, dotted(node.callee), table)

    def _without_column(self, path: str, node: Call) -> bool:
        resolved = self._code.resolve_node(path, node.callee)
        name = resolved.name if isinstance(resolved, External) else last_name(node.callee)
        return name in self._words.without_column or name.rpartition(".")[2] in self._words.without_column

    def _column(self, name: str, given: dict[str, Node], kind: Column) -> StateField:
        names = self._names
        length = given.get(names.length)
        size = (length.value,) if isinstance(length, Text) and type(length.value) is int else ()
        stored = given.get(names.stored_default)
        asked = given.get(names.indexed)
        return StateField(
            name,
            text_of(given.get(names.column)) or name,
            kind.type,
            size,
            nullable=is_true(given.get(names.optional)),
            unique=kind.unique or is_true(given.get(names.unique)),
            indexed=is_true(asked) if asked is not None else kind.indexed,
            primary=is_true(given.get(names.primary)),
            default=_literal(stored if stored is not None else given.get(names.default)),
            stored_default=stored is not None,
            generated="identity" if kind.generated else "",
        )

    def _relation(self, application: str, model: str, name: str, given: dict[str, Node], kind: Relation) -> StateField | None:
        names = self._names
        target = self._target(application, model, given.get(names.target) or given.get("0"))
        if kind.many:
            through = given.get(names.through)
            return StateField(
                name,
                "",
                target=target,
                many=True,
                table=text_of(given.get(names.table)),
                through=self._target(application, model, through) if through is not None else None,
            )
        if not kind.owning:
            return None
        asked = given.get(names.indexed)
        return StateField(
            name,
            text_of(given.get(names.column)) or f"{name}{self._models.column_suffix}",
            nullable=is_true(given.get(names.optional)),
            unique=kind.unique or is_true(given.get(names.unique)),
            indexed=is_true(asked) if asked is not None else kind.indexed,
            primary=is_true(given.get(names.primary)),
            target=target,
            constrained=not is_false(given.get(names.constrained)),
            default=_literal(given.get(names.default)),
            refers=text_of(given.get(names.referred)),
        )

    def _target(self, application: str, model: str, node: Node | None) -> Label | None:
        """`"shop.Order"`, `"Order"`, `"self"`, `settings.AUTH_USER_MODEL`."""
        match node:
            case Text(value="self"):
                return application, model
            case Text(value=str() as text):
                app, _, name = text.rpartition(".")
                return app or application, name.lower()
            case Member(name=name) if name in self._models.user_names:
                return self._user
        return None


def _literal(node: Node | None) -> str:
    """A default as text: what is no literal is only known to be there."""
    match node:
        case None | Text(value=None):
            return ""
        case Text(value=bool() as flag):
            return "true" if flag else "false"
        case Text(value=str() as text):
            return f"'{text}'"
        case Text(value=value):
            return str(value)
    return "?"
