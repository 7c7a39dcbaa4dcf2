"""Queries of validators that a field holds: `email = EmailField(validators=[UniqueValidator(queryset=User.objects.all())])`.

Each asks for rows by the column of its field, or by columns that it names, whenever a form is sent.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.facts.outline import Assign, Call, Class, Member, Name, Node, Other, Text, children
from analyzers.knowledge import Library, libraries, named
from analyzers.knowledge.derived import derived
from analyzers.knowledge.validations import Validations, Validator
from analyzers.model.inference.rows import lookups
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, External, ValueDefinition
from analyzers.model.naming.literals import arguments, last_name, text_of, texts_of
from analyzers.model.naming.roles import is_product
from analyzers.model.project import Condition, QuerySite
from analyzers.model.tables.models import Model, ModelIndex

_WHOLE = frozenset({"objects", "all"})


def checked(code: Codebase, models: ModelIndex) -> Iterator[QuerySite]:
    """The queries of all validators in code that runs for users."""
    for library, words in ((x, x.validations) for x in libraries() if x.validations is not None and x.validations.validators):
        names = frozenset(name.rpartition(".")[2] for name in words.validators)
        for path, facts in code.files.items():
            stated = any(used.path.startswith(words.imports) for used in facts.imports) and facts.may_say(names)
            if stated and facts.language == library.language and is_product(path):
                for top in facts.outline:
                    if isinstance(top, Class):
                        for call, fields in _calls(top, ()):
                            yield from _query(code, models, library, words, path, top, call, fields)


def _calls(node: Node, fields: tuple[str, ...]) -> Iterator[tuple[Call, tuple[str, ...]]]:
    """Every call of a class, and the names of what it stands in, the innermost first."""
    match node:
        case Assign(target=Name(id=name), value=value):
            source = text_of(arguments(value).get("source")) if isinstance(value, Call) else ""
            fields = (source or name, *fields)
        case Other(word="pair", children=(Text(value=str() as key), _)):
            fields = (key, *fields)
        case Call():
            yield node, fields
    for child in children(node):
        yield from _calls(child, fields)


def _query(
    code: Codebase,
    models: ModelIndex,
    library: Library,
    words: Validations,
    path: str,
    holder: Class,
    call: Call,
    fields: tuple[str, ...],
) -> Iterator[QuerySite]:
    meant = code.resolve_node(path, call.callee)
    name = named(library, meant.name, words.validators) if isinstance(meant, External) else None
    given = arguments(call)
    spec = words.validators[name] if name is not None else None
    asked = given.get(spec.rows) if spec is not None else None
    model = _model(code, models, path, asked) if asked is not None else None
    if spec is None or model is None or asked is None:
        return
    how = words.lookups.get(text_of(given.get(spec.lookup)), "equal") if spec.lookup else "equal"
    columns = _columns(model, spec, given.get(spec.columns) if spec.columns else None, fields)
    if columns:
        definition = code.definitions(path).get(holder.name)
        function = definition.qualified if isinstance(definition, ClassDefinition) else holder.name
        conditions = tuple(Condition(how, column) for column in columns)
        yield QuerySite(model.table, function, code.place(path, call), conditions, partial=not _is_whole(asked))


def _columns(model: Model, spec: Validator, stated: Node | None, fields: tuple[str, ...]) -> list[str]:
    """The columns that a validator names, or that of the field it stands in; none where one of them is not known."""
    if not spec.columns:
        own = [lookups.column_of(model, field) for field in fields]
        return [column for column in own if column][:1]
    names = (text_of(stated),) if text_of(stated) else texts_of(stated) or ()
    columns = [model.relations[n].column if n in model.relations else lookups.column_of(model, n) for n in names]
    return columns if all(columns) else []


def _model(code: Codebase, models: ModelIndex, path: str, rows: Node) -> Model | None:
    """The class whose rows are asked for: what the chain of calls begins with."""
    root = rows
    while isinstance(root, Member) or (isinstance(root, Call) and isinstance(root.callee, Member)):
        root = root.of if isinstance(root, Member) else root.callee.of  # type: ignore[union-attr]
    if isinstance(root, Name):
        match code.resolve(path, root.id):
            case ClassDefinition(qualified=qualified):
                return models.by_name.get(qualified)
            case ValueDefinition(node=Assign(value=Call() as made)):
                root = made
    is_user = isinstance(root, Call) and last_name(root) in _users() and not root.args
    return models.by_name.get(models.user) if is_user else None


_users = derived(lambda: frozenset(name for x in libraries() if x.models is not None for name in x.models.user_names))


def _is_whole(rows: Node) -> bool:
    """Whether all rows are asked for."""
    node = rows
    while isinstance(node, Member | Call):
        if isinstance(node, Member) and node.name not in _WHOLE:
            return False
        node = node.of if isinstance(node, Member) else node.callee
    return True
