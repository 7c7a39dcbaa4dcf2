"""Rows that are made because a query found none, or few enough: another request may have asked in between.

A query counts as such a question if a test, or an exception, decides by its answer whether a row of the same table is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from analyzers.facts.outline import Assign, Call, Member, Name, Node, Other, Return, Text, dotted, walk
from analyzers.knowledge.concurrency import Concurrency
from analyzers.model.inference.acts import Act
from analyzers.model.inference.types import Search
from analyzers.model.requests.bodies import Body, names_in
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.model.ways import Race
from analyzers.words import indefinite

_ASKS = frozenset({"exists", "aexists", "doesntExist", "count", "acount"})
_NO_CONDITION = frozenset({"ordered", "grouped"})
_EMPTY = frozenset({"is_null", "empty"})
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_ABSENT = frozenset({"==", "===", "is", "<", "<="})
_PRESENT = frozenset({"!=", "!==", "is not", ">", ">=", "<>"})
_LEAVES = frozenset({"raise", "continue", "break"})
_ABORTS = frozenset({"abort", "exit", "die", "dd"})
_ABORTS_BY_TEST: dict[str, bool] = {"abort_if": True, "throw_if": True, "abort_unless": False, "throw_unless": False}
_ATTRIBUTES = 40

Answer = Literal["absent", "present", "few", "many"]


class Span(NamedTuple):
    """Where what is done stands that a test decides about, and whether the other side of the test fails."""

    start: int
    end: int
    refuses: bool
    bound: str = ""  # of a number: what it was compared with

    def holds(self, node: Node) -> bool:
        return self.start <= node.start and node.end <= self.end


def read(body: Body, models: ModelIndex) -> Iterator[Race]:
    """Rows found or made by one call, and rows made after a question."""
    for node, act in body.acts("queried"):
        model = models.by_name.get(act.model)
        words = model.library.concurrency if model is not None else None
        if model is None or words is None or not isinstance(node, Call):
            continue
        if act.ensures or (act.name in words.prepares and _is_saved(body, node, words)):
            yield from _ensured(body, models, model, words, node, act)
        elif not act.effect and (act.name in _ASKS or act.gives == "row"):
            yield from _created(body, models, model, words, node, act)


def columns_of(models: ModelIndex, model: Model, searches: tuple[Search, ...]) -> tuple[str, ...] | None:
    """The columns that rows are found by, all with one value each; `None` where they are found by more than that. `@table`
    stands for the column that refers to a row of another table, and an empty name for the row's own key, or for what was not
    understood."""
    found: dict[str, None] = {}
    for search in searches:
        match search.how:
            case "equal" | "null" if search.model == model.qualified and search.column:
                found[search.column] = None
            case "key" if search.value in models.by_name:
                found[f"@{models.by_name[search.value].table}"] = None
            case "key" | "other":
                found[search.column] = None
            case how if how not in _NO_CONDITION:
                return None
    return tuple(found)


# -- found or made by one call -----------------------------------------------------------------------------------------


def _ensured(body: Body, models: ModelIndex, model: Model, words: Concurrency, node: Call, act: Act) -> Iterator[Race]:
    columns = columns_of(models, model, act.searches)
    given = {k.name for k in node.keywords}
    if not columns or given & {"pk", "**", *model.keys}:
        return
    yield Race(
        kind="ensured",
        function=body.called,
        place=body.place(node),
        model=model.name,
        table=model.table,
        columns=columns,
        call=act.name,
        handled=handled(body, node, words),
        sentence="State the constraint, so that the database refuses the second row and the call returns the first.",
        language=model.library.language,
        constraint=words.unique,
        abstract=model.abstract,
    )


# -- made after a question ---------------------------------------------------------------------------------------------


def _created(body: Body, models: ModelIndex, model: Model, words: Concurrency, node: Call, act: Act) -> Iterator[Race]:
    columns = columns_of(models, model, act.searches)
    for answer, span in _spans(body, node, act):
        made = next((m for m in makings(body, model, words) if span.holds(m)), None)
        limits = answer in ("few", "many")
        if made is None:
            continue
        if not limits and (not columns or not _gets(body, model, made, columns, act.searches)):
            continue
        yield Race(
            kind="limited" if limits else "created",
            function=body.called,
            place=body.place(made),
            model=model.name,
            table=model.table,
            columns=columns or (),
            row=span.bound if limits else "",
            call=act.name,
            also=((body.place(node), f"asks whether {indefinite(model.name)} is there" if not limits else "counts"),),
            refuses=span.refuses,
            handled=handled(body, made, words),
            sentence=_LIMIT if limits else _UNIQUE,
            code="" if limits or columns is None else _ensuring(model, words, columns),
            language=model.library.language,
            constraint="" if limits else words.unique,
            abstract=model.abstract,
        )
        return


def _ensuring(model: Model, words: Concurrency, columns: tuple[str, ...]) -> str:
    """Code that finds the row or makes it, in the words of the library."""
    names = {column.name: attribute for attribute, column in model.columns.items()}
    attributes = [names.get(column, column) for column in columns if column]
    given = (f"'{name}' => …" for name in attributes) if model.library.language == "php" else (f"{n}=…" for n in attributes)
    return words.ensure.replace("{model}", model.name).replace("{conditions}", ", ".join(given))


_LIMIT = "Lock the row that they belong to before they are counted, in the transaction that adds one."
_UNIQUE = "State a unique constraint, and let the database decide: insert, and take what is there where that is refused."


def _spans(body: Body, node: Call, act: Act) -> Iterator[tuple[Answer, Span]]:
    """What is done where the question finds nothing, or few enough."""
    yield from _of_exceptions(body, node)
    name = body.name_of(node)
    tested: list[Node] = [node]
    if name:
        again = [a.start for a in body.assigned.get(name, ()) if a.start > node.end]
        last = min(again, default=body.function.end)
        tested = [n for n in body.uses(name, node.end) if n.start <= last]
    for use in tested:
        yield from _of_test(body, use, act)


def _of_exceptions(body: Body, node: Call) -> Iterator[tuple[Answer, Span]]:
    """`try: row = get(…) except DoesNotExist: …`."""
    inner: Node = node
    for outer in body.around(node):
        if isinstance(outer, Other) and outer.word == "try" and outer.children and outer.children[0] is inner:
            if len(list(walk(inner))) > _ATTRIBUTES:
                return  # more than the question may fail
            for part in outer.children[1:]:
                if isinstance(part, Other) and part.word == "except":
                    yield "absent", Span(part.start, part.end, refuses=False)
            return
        inner = outer


def _of_test(body: Body, use: Node, act: Act) -> Iterator[tuple[Answer, Span]]:
    """`if not use: …`, `if use: return`, `use or Model(…)`."""
    answer: Answer = "absent" if act.name == "doesntExist" else "present"
    inner, bound = use, ""
    for outer in body.around(use):
        match outer:
            case Other(word="await" | "block", children=(only,)) if only is inner and not isinstance(only, Assign):
                pass
            case Other(word="not"):
                answer = _opposite(answer)
            case Call(callee=Name(id=name)) if name.lstrip("\\") in _EMPTY:
                answer = "absent"
            case Call(callee=Name(id=name), args=(test, *_)) if test is inner and name.lstrip("\\") in _ABORTS_BY_TEST:
                held = _opposite(answer) if _ABORTS_BY_TEST[name.lstrip("\\")] else answer
                yield held, Span(outer.end, body.function.end, refuses=True, bound=bound)
                return
            case Other(word=word, children=(first, second)) if word in _ABSENT | _PRESENT:
                compared = _compared(word if first is inner else _FLIPPED.get(word, word), second if first is inner else first)
                if compared is None:
                    return
                bound = _bound(second if first is inner else first)
                answer = compared if answer == "present" else _opposite(compared)
            case Other(word="and"):
                pass
            case Other(word="or" | "??", children=(first, *_)) if first is inner and answer == "present":
                yield "absent", Span(inner.end, outer.end, refuses=False)
                return
            case Assign(target=Name(), value=value) if value is inner and not isinstance(use, Name):
                return
            case Other(word="if" | "?:", children=(test, *rest)) if test is inner:
                yield from ((held, span._replace(bound=bound)) for held, span in _branch(body, outer, rest, answer))
                return
            case _:
                return
        inner = outer


def _bound(node: Node) -> str:
    """The last name in what a number is compared with: that of a column, a constant, or a function."""
    return next((n.id if isinstance(n, Name) else n.name for n in walk(node) if isinstance(n, Name | Member)), "")


def _opposite(answer: Answer) -> Answer:
    pairs: dict[Answer, Answer] = {"absent": "present", "present": "absent", "few": "many", "many": "few"}
    return pairs[answer]


def _compared(word: str, with_: Node) -> Answer | None:
    """What holds where a comparison of a row or a number with something is true."""
    match with_:
        case Text(value=None):
            return "absent" if word in ("==", "===", "is") else "present" if word in _PRESENT else None
        case Text(value=bool() as value):
            return "present" if value == (word in ("==", "===", "is")) else "absent"
        case Text(value=0):
            return "absent" if word in ("==", "===", "<=") else "present" if word in ("!=", "!==", ">") else None
        case Text(value=1) if word in ("<", ">="):
            return "absent" if word == "<" else "present"
    return "few" if word in ("<", "<=") else "many" if word in (">", ">=", "==", "===") else None


def _branch(body: Body, test: Node, rest: list[Node] | tuple[Node, ...], answer: Answer) -> Iterator[tuple[Answer, Span]]:
    yes, no = (rest[0] if rest else None), (rest[1] if len(rest) > 1 else None)
    if answer in ("absent", "few") and yes is not None:
        yield answer, Span(yes.start, yes.end, refuses=False)
        return
    if no is not None:
        yield _opposite(answer), Span(no.start, no.end, refuses=fails(yes))
    elif yes is not None and leaves(yes):
        yield _opposite(answer), Span(test.end, body.function.end, refuses=fails(yes))


def leaves(block: Node) -> bool:
    """Whether what follows a block does not happen after it."""
    last = block.children[-1] if isinstance(block, Other) and block.word == "block" and block.children else block
    return isinstance(last, Return) or (isinstance(last, Other) and last.word in _LEAVES) or _aborts(last)


def _aborts(node: Node) -> bool:
    return isinstance(node, Call) and dotted(node.callee).rpartition(".")[2].lstrip("\\") in _ABORTS


def fails(block: Node | None) -> bool:
    """Whether a block refuses what was asked for: it raises, or answers with an error."""
    if block is None:
        return False
    return any((isinstance(n, Other) and n.word == "raise") or _aborts(n) for n in walk(block)) or any(
        isinstance(n, Text) and isinstance(n.value, int) and 400 <= n.value < 500 for n in walk(block)
    )


# -- what is made ------------------------------------------------------------------------------------------------------


def makings(body: Body, model: Model, words: Concurrency) -> Iterator[Call]:
    """The calls that make a row of a model, in their order."""
    for node in body.nodes:
        if not isinstance(node, Call):
            continue
        query, made = body.act(node, "queried"), body.act(node, "made")
        adds = query is not None and query.model == model.qualified and query.effect == "create" and not query.ensures
        if adds or (made is not None and made.model == model.qualified and _is_saved(body, node, words)):
            yield node


def _is_saved(body: Body, node: Call, words: Concurrency) -> bool:
    """Whether a new row is written by the function."""
    name = name_of(body, node)
    for call in body.nodes:
        if not isinstance(call, Call) or not isinstance(call.callee, Member) or call.end < node.end:
            continue
        if name and dotted(call.callee.of) == name and call.callee.name in ("save", "asave", "saveQuietly", "saveOrFail"):
            return True
        if call.callee.name in words.saved_by and any(
            part is node or (name and isinstance(part, Name) and part.id == name) for a in call.args for part in walk(a)
        ):
            return True
    return False


_GIVES = ("set", "add", "with", "fill")


def fluent(body: Body, made: Call) -> Iterator[Call]:
    """The calls that follow the one that makes a row, each of which gives the row again: `(new Row())->setName(…)`."""
    inner: Node = made
    for outer in body.around(made):
        match outer:
            case Member(of=of, name=name) if of is inner and name.startswith(_GIVES):
                pass
            case Call(callee=callee) if callee is inner and isinstance(inner, Member):
                yield outer
            case _:
                return
        inner = outer


def name_of(body: Body, made: Call) -> str:
    """The local name that a new row gets, after what it is given at once."""
    return body.name_of([made, *fluent(body, made)][-1])


def attributes(body: Body, made: Call) -> dict[str, Node]:
    """What a new row is given: by the call that makes it, and afterwards."""
    found = {k.name: k.value for k in made.keywords}
    for given in fluent(body, made):
        if isinstance(given.callee, Member) and given.callee.name.startswith("set") and given.args:
            found.setdefault(given.callee.name[3:4].lower() + given.callee.name[4:], given.args[0])
    for argument in made.args:
        for part in walk(argument):
            match part:
                case Other(word="pair", children=(Text(value=str() as key), value)):
                    found.setdefault(key, value)
    name = name_of(body, made)
    for node in body.nodes:
        match node:
            case Assign(target=Member(of=of, name=attribute)) if name and dotted(of) == name:
                found.setdefault(attribute, node.value or node)
            case Call(callee=Member(of=of, name=method), args=(value, *_)) if (
                name and method.startswith("set") and dotted(of) == name
            ):
                found.setdefault(method[3:4].lower() + method[4:], value)
    return found


def _gets(body: Body, model: Model, made: Call, columns: tuple[str, ...], searches: tuple[Search, ...]) -> bool:
    """Whether the new row has what was asked for, as far as can be seen."""
    given = attributes(body, made)
    query = body.act(made, "queried")
    if all(column.startswith("@") for column in columns):
        owners = {s.value for s in searches if s.how == "key"}
        return query is not None and bool(owners & {s.value for s in query.searches if s.how == "key"})
    literal = {s.column: s.value for s in searches if s.value}
    for name, value in given.items():
        column = model.columns[name].name if name in model.columns else name
        if column in literal and isinstance(value, Text) and str(value.value) != literal[column]:
            return False
    if not given or "**" in given:
        return True
    named = {name.removesuffix("_id") for name in given} | {
        model.columns[name].name.removesuffix("_id") for name in given if name in model.columns
    }
    return any(column.removesuffix("_id") in named for column in columns if column)


def handled(body: Body, node: Node, words: Concurrency) -> bool:
    """Whether the function goes on where the database refuses the row."""
    inner = node
    for outer in body.around(node):
        if isinstance(outer, Other) and outer.word == "try" and outer.children and outer.children[0] is inner:
            for part in outer.children[1:]:
                if isinstance(part, Other) and part.word == "except" and part.children and _catches(part.children[0], words):
                    return True
        inner = outer
    return any(
        isinstance(n, Member) and n.name in ("on_conflict_do_nothing", "on_conflict_do_update", "insertOrIgnore", "upsert")
        for n in body.nodes
    )


def _catches(caught: Node, words: Concurrency) -> bool:
    names = {n.id if isinstance(n, Name) else n.name for n in walk(caught) if isinstance(n, Name | Member)}
    if isinstance(caught, Assign):
        names -= set(names_in(caught.target))
    plain = {name.rpartition("\\")[2] for name in names}
    return not plain or bool(plain & set(words.conflicts))
