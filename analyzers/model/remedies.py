"""What to do about a finding, in the project's own library and names."""

from __future__ import annotations

from analyzers.findings import Edit, Fix
from analyzers.knowledge import Rows as RowsWords
from analyzers.model.inference.types import Declared, Rows
from analyzers.model.project import Relation, Remedy
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.words import noun, plural

_CODE = frozenset({"py", "php"})


def load_with_rows(
    models: ModelIndex, rows: Rows, hops: tuple[Relation, ...], *, bypass: bool, counted: bool = False
) -> Remedy:
    """How to load a relation path together with the rows."""
    model = models.by_name.get(rows.model)
    words = model.library.rows if model is not None else None
    if model is None or words is None:
        return Remedy("Load the relation together with the rows.")
    path = words.path_separator.join(h.name for h in hops)
    language = model.library.language
    if hops[-1].deferred:
        return Remedy(f"Name `{hops[-1].label}` among the columns that the query loads.", language=language)
    if counted:
        alias = rows.aliases[0][0] if rows.aliases else model.name[0].lower()
        advice = words.count_advice.format(path=path, name=hops[-1].name, alias=alias)
        return Remedy(f"Do not load them: {advice}.", language=language)
    if bypass:
        return Remedy(f"Ask once for all rows: {words.bypass_advice.format(path=path, name=hops[-1].name)}.", language=language)
    if rows.declared is not None:
        return _declared(rows, rows.declared, hops, words, language)
    if rows.joined is not None:
        return _join(rows, hops, words, language)
    if words.option_chain:
        return _option(models, hops, words, language)
    if not words.eager_chain:
        return _rewritten(model, rows, hops, words, language)
    many = any(h.many or h.polymorphic for h in hops)
    call = (words.eager_to_many if many else words.eager_to_one).format(path=path)
    sentence = f"Load `{hops[-1].label}` with the rows: add `{call}` to the query."
    if rows.site.path.rpartition(".")[2] not in _CODE:
        return Remedy(
            f"Load `{hops[-1].label}` with the rows where the template's context is made: `{call}`.", language=language
        )
    if rows.narrowed:
        return Remedy(f"{sentence[:-1]}, and the relation to the columns that the query names.", language=language)
    if not rows.chained and words.apart:
        return _placed(rows, hops, call, sentence, words, language)
    if not rows.chained:
        return Remedy(sentence, f"{model.name}.{words.managers[0]}{call}", language)
    return Remedy(
        sentence, "", language, Fix(f"Load {hops[-1].label} with the rows", rows.site.path, (_after(rows.site.end, call),))
    )


def _declared(rows: Rows, declared: Declared, hops: tuple[Relation, ...], words: RowsWords, language: str) -> Remedy:
    """What to write in a class that declares rows, whose query nobody wrote."""
    separator = words.path_separator
    path = separator.join(h.name for h in hops)
    many = any(h.many or h.polymorphic for h in hops)
    if declared.advice:
        call = (words.eager_to_many if many else words.eager_to_one).format(path=path) if "{call}" in declared.advice else ""
        return Remedy(f"{declared.advice.format(name=hops[-1].label, call=call)}.", language=language)
    call = (words.eager_to_many if many else words.eager_to_one).format(path=path)
    if declared.references and not many:
        come = {p.replace(".", separator) for p in rows.eager if "*" not in p}
        shortest = sorted({path, *(c for c in come if not any(o.startswith(c + separator) for o in come | {path}))})
        code = declared.references.format(paths=", ".join(f'"{p}"' for p in shortest) + ("," if len(shortest) == 1 else ""))
        return Remedy(f"Load `{hops[-1].label}` with the rows, by name.", code, language)
    return Remedy(f"Load `{hops[-1].label}` with the rows.", declared.query.format(load=call), language)


def _placed(rows: Rows, hops: tuple[Relation, ...], call: str, sentence: str, words: RowsWords, language: str) -> Remedy:
    """Eager loading where no query can be added to: before the call on the class itself, or into the rows of an attribute."""
    title = f"Load {hops[-1].label} with the rows"
    if rows.recast:
        text = rows.recast.format(call=call.lstrip("->"))
        return Remedy(sentence, "", language, Fix(title, rows.site.path, (Edit(rows.site.start, rows.site.end, text),)))
    if rows.stage == "fetched" and words.eager_later:
        later = words.eager_later.format(path=words.path_separator.join(h.name for h in hops))
        sentence = f"Load `{hops[-1].label}` for all of them at once: add `{later}` to the collection."
        return Remedy(sentence, "", language, Fix(title, rows.site.path, (_after(rows.site.end, later),)))
    return Remedy(sentence, language=language)


def _option(models: ModelIndex, hops: tuple[Relation, ...], words: RowsWords, language: str) -> Remedy:
    """A loader option for the path, said in words: it needs an import that the file may not have."""
    steps = []
    for hop in hops:
        step = words.option_to_many if hop.many else words.option_to_one
        steps.append(step.format(model=models.by_name[hop.model].name, name=hop.name))
    call = words.option_chain.format(options=".".join(steps))
    return Remedy(f"Load `{hops[-1].label}` with the rows: add `{call}` to the query.", language=language)


def _after(offset: int, text: str) -> Edit:
    return Edit(offset, offset, text)


def _join(rows: Rows, hops: tuple[Relation, ...], words: RowsWords, language: str) -> Remedy:
    """Joins for the hops that have none yet, selected with the rows, right after the query builder is made.

    It is an edit only where it cannot change what the query says: in the function that makes and ends the query, for
    references (a joined collection multiplies rows, and with a limit or a condition on it loses some), with no join to build
    on, and where no later `select` would undo it. Else it is said in words.
    """
    assert rows.joined is not None
    sentence = f"Load `{hops[-1].label}` with the rows: join it and select it in the query."
    aliases = {path: alias for alias, path in rows.aliases}
    taken = {alias for alias, _ in rows.aliases}
    own = rows.joined.function == rows.site.function
    if not own or rows.listed or any(h.many for h in hops) or hops[0].name in aliases:
        return Remedy(sentence, language=language)
    text, path = "", ""
    for hop in hops:
        parent, path = path, ".".join(p for p in (path, hop.name) if p)
        alias = hop.name if hop.name not in taken and hop.name.lower() not in _RESERVED else f"{hop.name}Row"
        taken.add(alias)
        text += words.join_chain.replace("'{name}'", f"'{alias}'").format(alias=aliases[parent], name=hop.name)
        aliases[path] = alias
    fix = Fix(f"Load {hops[-1].label} with the rows", rows.joined.path, (_after(rows.joined.end, text),))
    return Remedy(sentence, "", language, fix)


# Words of the query language that cannot be aliases. Source: Doctrine ORM, `Doctrine\\ORM\\Query\\TokenType`.
# fmt: off
_RESERVED = frozenset(
    {
        "all", "and", "any", "as", "asc", "avg", "between", "both", "by", "case", "coalesce", "count", "delete",
        "desc", "distinct", "else", "empty", "end", "entity", "escape", "exists", "false", "from", "group", "having",
        "hidden", "in", "index", "inner", "instance", "is", "join", "leading", "left", "length", "like", "max",
        "member", "min", "new", "not", "null", "nullif", "of", "or", "order", "outer", "partial", "select", "set",
        "size", "some", "sum", "then", "trailing", "trim", "true", "type", "update", "when", "where", "with",
    }
)
# fmt: on


def _rewritten(model: Model, rows: Rows, hops: tuple[Relation, ...], words: RowsWords, language: str) -> Remedy:
    """A query method that takes the place of the library's own, which loads no relation."""
    sentence = f"Load `{hops[-1].label}` with the rows: ask by a method of the repository that joins and selects it."
    if rows.searches or rows.limit or any(h.many for h in hops):
        return Remedy(sentence, language=language)
    alias = model.name[0].lower()
    lines, parent = [f"// in the repository of {model.name}", f"return $this->createQueryBuilder('{alias}')"], alias
    for hop in hops:
        name = f"{hop.name}Row" if hop.name.lower() in _RESERVED else hop.name
        lines.append("    " + words.join_chain.replace("'{name}'", f"'{name}'").format(alias=parent, name=hop.name))
        parent = name
    return Remedy(sentence, "\n".join([*lines, "    ->getQuery()", "    ->getResult();"]), language)


_UNCALLED = {
    "create": " (which calls no `save()` and no signal of the single rows)",
    "update": " (which calls no `save()` and no signal of the single rows)",
    "delete": " (which calls no `delete()` of the single rows)",
}
"""What libraries say of their bulk forms."""


def at_once(asked: Model | None, table: str, walked: str, effect: str, changed: tuple[str, ...]) -> Remedy:
    """How to replace a statement for each row by one for all of them. `changed` is what the loop assigned to its row."""
    rows = plural(noun(walked))
    words = asked.library.rows if asked is not None else None
    match effect:
        case "create":
            sentence = f"Collect the new `{table}` rows in the loop, and write them after it in one statement"
            template = words.bulk_create if words is not None else ""
        case "update":
            sentence = f"Change the {rows} in the loop, and write them after it in one statement"
            template = words.bulk_update if words is not None else ""
        case "delete":
            sentence = f"Delete the `{table}` rows of all {rows} in one statement"
            template = words.bulk_delete if words is not None else ""
        case "statement":
            sentence, template = f"Collect the values in the loop, and send one statement for all {rows}", ""
        case _:
            sentence = f"Ask for the `{table}` rows of all {rows} once, before the loop, and pick from them in it"
            template = words.bulk if words is not None else ""
    if template and words is not None and words.bulk_silent:
        sentence += _UNCALLED.get(effect, "")
    row = noun(walked).replace(" ", "_")
    fields = "[" + ", ".join(f'"{name}"' for name in changed) + "]" if changed else "[…]"
    code = template.format(model=table, rows=rows.replace(" ", "_"), row=row, fields=fields)
    return Remedy(f"{sentence}.", code, asked.library.language if asked is not None else "")
