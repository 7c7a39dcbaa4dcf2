"""Rows that get into an answer, all of them: followed by the text, from their query through names and lists to where they are
put out."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.facts.outline import Assign, Call, Loop, Member, Name, Node, Other, Return, Text, dotted, walk
from analyzers.knowledge import libraries
from analyzers.knowledge.derived import derived
from analyzers.model.inference.acts import Act, Kind
from analyzers.model.inference.frames import Trace
from analyzers.model.inference.rows import scarcity
from analyzers.model.inference.types import Rows, Search
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, FunctionDefinition
from analyzers.model.naming.roles import is_product
from analyzers.model.requests.bodies import Body, names_in, says, spoken, told
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.model.ways import Function, Heap
from analyzers.source import Place

LANGUAGES = ("python", "php")


def words(field: str) -> dict[str, frozenset[str]]:
    """What the libraries of each language say in a field of `Bounds`."""
    known = [(x.language, getattr(x.bounds, field)) for x in libraries() if x.bounds is not None]
    return {spoken_: frozenset(w for language, some in known if language == spoken_ for w in some) for spoken_ in LANGUAGES}


_answers = derived(lambda: words("answers"))
_passes = derived(lambda: words("passes"))
_returns = derived(lambda: words("returns"))
_each = derived(lambda: words("each"))
_set = derived(lambda: words("set"))
_streams = derived(lambda: words("streams"))
_bounds = derived(lambda: {language: told(some) for language, some in words("bounds").items()})
_purposes = derived(lambda: {language: told(some) for language, some in words("purposes").items()})
_texts = derived(lambda: words("bound_texts"))
_passing = derived(lambda: {language: told(some) for language, some in _passes().items()})
_ending = derived(lambda: [words(field) for field in ("counts", "sums", "picks", "takes", "asks")])
ends = derived(lambda: {of: frozenset[str]().union(*(some[of] for some in _ending())) for of in LANGUAGES})
"""Methods of rows in memory that the database could do."""
_page_codes = derived(lambda: tuple(x.bounds.page_code for x in libraries() if x.bounds is not None and x.bounds.page_code))
_HOLDS = frozenset({"dict", "pair", "list", "tuple", "set", "await", "spread", "block", "?:", "or", "and", "??", "yield"})
_NO_CONDITION = frozenset({"ordered", "grouped"})
_MANY = ("rows", "new", "values")
_MOST = 60


def streams(name: str, language: str) -> bool:
    return name in _streams().get(language, frozenset())


def bounded(name: str, language: str) -> bool:
    """Whether a name says that what it stands for has so many rows and no more."""
    return says(name, _bounds().get(language, frozenset()))


def sources(body: Body) -> Iterator[tuple[Call, Act]]:
    """The queries that give all rows they find, each with the last call that adds to it."""
    kinds: tuple[Kind, ...] = ("queried", "collected", "handed")
    for kind in kinds:
        for node, act in body.acts(kind):
            if not isinstance(node, Call) or act.limited or act.effect or (kind == "queried" and act.gives not in _MANY):
                continue
            if act.by is not None and (_gives_pages(body, act.by) or body.act(node, "queried")):
                continue
            if kind == "collected" and act.name not in ("all", "values", "load", "loadMissing", "toArray"):
                continue
            if act.rows is not None and (act.rows.limit or act.rows.owner is not None or act.rows.typed):
                continue
            after = follows(body, node)
            if _is_grouped(body, node):
                continue
            more = next((a for other in kinds if after is not None and (a := body.act(after, other)) is not None), None)
            if more is None or _has_all(act, more, body.language):
                yield node, act


def _has_all(act: Act, more: Act, language: str) -> bool:
    """Whether what is done next is done in memory, with all rows, whatever it gives."""
    if more.kind == "collected":
        return more.name in ends()[language] or more.name in _each()[language] or says(more.name, _passing()[language])
    of_one = act.kind == "handed" and act.rows is not None and scarcity.is_of_one(act.rows)
    return of_one and more.gives == "value" and more.name in ends()[language]


_GROUPS = frozenset({"group_by", "groupBy", "groupby"})
_PARTS = frozenset({"select", "selectRaw", "with_entities", "with_only_columns", "query", "count", "pluck", "add_columns"})


def _is_grouped(body: Body, node: Call) -> bool:
    """Whether a query gives a row for each group: few, by what they are told apart."""
    names: set[str] = set()
    chain: Node = node
    while isinstance(chain, Call) and (more := follows(body, chain)) is not None:
        chain = more
    while isinstance(chain, Call | Member):
        names |= {chain.name} if isinstance(chain, Member) else set()
        chain = chain.of if isinstance(chain, Member) else chain.callee
    return bool(names & _GROUPS and names & _PARTS) or names >= {"values", "annotate"}


def _gives_pages(body: Body, function: FunctionDefinition) -> bool:
    """Whether a function of the project gives so many rows and no more."""
    names = {function.node.name, *spoken(function.node.body), *(p.name for p in function.node.parameters)}
    return any(bounded(name.lstrip("$"), body.language) for name in names)


def follows(body: Body, node: Node) -> Call | None:
    """The call of a method of what a node gives: `node.all()`."""
    around = list(zip(range(2), body.around(node), strict=False))
    match [outer for _, outer in around]:
        case [Member() as member, Call(callee=callee) as call] if callee is member and member.of is node:
            return call
    return None


def found_by(model: Model, act: Act, body: Body | None = None, node: Node | None = None) -> tuple[tuple[str, ...], bool] | None:
    """The columns that rows are asked for by one value each, and whether more was asked; `None` where few are found."""
    columns: dict[str, None] = {}
    partly = body is not None and node is not None and _has_a_value(body, node)
    of_one = act.rows is not None and _belongs(act.rows, act.searches, body)
    if of_one:
        columns[""] = None
    for search in act.searches:
        match search.how:
            case "key" if not of_one:
                return None
            case "equal" | "null" | "key" if search.model == model.qualified:
                if search.column and search.column in {model.columns[k].name for k in model.keys if k in model.columns}:
                    return None
                columns[search.column] = None
            case "member":
                return None  # as many as were listed
            case how if how not in _NO_CONDITION:
                partly = True
    return tuple(columns), partly


def _has_a_value(body: Body, query: Node, hops: int = 3) -> bool:
    """Whether a query asks for rows that have a value at all, as few may: `locked_at != None`, `done__isnull=False`."""
    for node in walk(query):
        match node:
            case Other(word="!=" | "is not", children=(_, Text(value=None))):
                return True
            case Call(callee=Member(name=name)) if name in _set()[body.language]:
                return True
            case Call(keywords=keywords) if any(k.name.endswith("__isnull") and _is_false(k.value) for k in keywords):
                return True
            case Name(id=name) if hops and (before := [a for a in body.assigned.get(name, ()) if a.end <= query.start]):
                value = before[-1].value
                if value is not None and _has_a_value(body, value, hops - 1):
                    return True
    return False


def _is_false(value: Node) -> bool:
    return isinstance(value, Text) and value.value is False


def deals_with_pages(body: Body) -> bool:
    """Whether the function gives pages, or is there to give all there is."""
    if body.pages is None:
        body.pages = _deals_with_pages(body)
    return body.pages


def _deals_with_pages(body: Body) -> bool:
    own = (n.id if isinstance(n, Name) else n.name for n in body.nodes if isinstance(n, Name | Member))
    names = (body.function.name, *own, *spoken(body.function.decorators))
    if any(bounded(name, body.language) for name in names):
        return True
    texts = _texts()[body.language]
    if any(isinstance(n, Text) and n.value in texts for n in body.nodes):
        return True
    if any(k.name in texts for n in body.nodes if isinstance(n, Call) for k in n.keywords):
        return True
    purposes = _purposes()[body.language]
    return any(says(part, purposes) for part in (body.definition.qualified, body.path.rpartition("/")[2]))


def read(body: Body, models: ModelIndex) -> Iterator[Heap]:
    """The rows of a function that get into an answer whole."""
    if deals_with_pages(body):
        return
    for node, act in sources(body):
        model = models.by_name.get(act.model)
        if model is None or streams(act.name, body.language):
            continue
        found, put = found_by(model, act, body, node), sink(body, node)
        if found is None or put is None or (isinstance(put, Return) and not _is_answer(body, act)):
            continue
        yield Heap(
            kind="answered",
            function=body.called,
            place=body.place(node),
            model=model.name,
            table=model.table,
            columns=found[0],
            partly=found[1],
            said=body.name_of(node),
            also=((body.place(put), "puts them out"),) if put.start > node.end else (),
            returned=isinstance(put, Return),
            handled=isinstance(put, Return) and _is_named(body),
            code=_page(model, body.name_of(node)),
            language=model.library.language,
            abstract=model.abstract,
        )


def _belongs(rows: Rows, searches: tuple[Search, ...], body: Body | None) -> bool:
    """Whether the rows are those of a relation of one row: they come with the way back to it, or begin with its call."""
    if rows.related is not None or scarcity.is_of_one(rows) or any(e.endswith(".*") for e in rows.eager):
        return True
    if not searches or searches[0].how != "key":
        return False
    begun = body is not None and rows.root is not None and (rows.root.start, rows.root.end) in body.calls
    return begun or any("." not in e for e in rows.eager)


def answers_by_return(body: Body) -> bool:
    """Whether what a function returns may be an answer. A method that gives rows to a library is none."""
    if body.definition.owner is None or body.language == "php":
        return not body.function.name.startswith("_") or _is_named(body)
    return _is_named(body)


def _is_answer(body: Body, act: Act) -> bool:
    """Whether rows are an answer where a function returns them: a query that its caller goes on with is none."""
    sent = act.runs or act.kind == "collected" or (act.rows is not None and act.rows.stage == "fetched")
    return answers_by_return(body) and (sent or _is_named(body))


def _is_named(body: Body) -> bool:
    """Whether the name of a function tells that a library calls it for an answer."""
    return body.definition.owner is None or body.function.name in _returns()[body.language]


def _page(model: Model, name: str) -> str:
    written = model.library.concurrency
    return written.page.replace("{rows}", name or f"{model.name.lower()}s") if written is not None else ""


def sink(body: Body, source: Node) -> Node | None:
    """The call, or the `return`, that puts the rows out."""
    ahead: list[tuple[Node, int]] = [(source, 0)]
    seen: set[tuple[str, int]] = set()
    while ahead and len(seen) < _MOST:
        node, _ = ahead.pop()
        found = _carried(body, node)
        if isinstance(found, Node) and not isinstance(found, Name | Assign):
            return found
        if isinstance(found, Assign):
            for name in _holders(found):
                key = (name, found.end)
                if key not in seen:
                    seen.add(key)
                    ahead += [(use, 0) for use in _uses(body, name, found)]
        elif isinstance(found, Name):
            key = (found.id, found.end)
            if key not in seen:
                seen.add(key)
                ahead += [(use, 0) for use in body.uses(found.id, found.end)]
    return None


def _holders(assign: Assign) -> Iterator[str]:
    """The names that hold what is assigned: itself, or a mapping that gets it."""
    match assign.target:
        case Other(word="item", children=(Name(id=name), *_)):
            yield name
        case target:
            yield from names_in(target)


def _uses(body: Body, name: str, after: Assign) -> Iterator[Node]:
    """Where the name stands until it gets something else, and where `compact('name')` names it."""
    again = [a.end for a in body.assigned.get(name, ()) if a.start > after.end and isinstance(a.target, Name)]
    last = min(again, default=body.function.end)
    yield from (use for use in body.uses(name, after.end) if use.start < last)
    for node in body.nodes:
        match node:
            case Call(callee=Name(id="compact"), args=args) if after.end <= node.start < last:
                if any(isinstance(a, Text) and a.value == name.lstrip("$") for a in args):
                    yield node


def _carried(body: Body, node: Node) -> Node | None:
    """What becomes of an expression: the answer it is put into, the assignment that keeps it, or the name of the mapping that
    gets it; nothing where it is only looked at."""
    inner, language = node, body.language
    for outer in body.around(node):
        match outer:
            case Assign(value=value, operator="") if value is inner:
                return outer if isinstance(outer.target, Name | Other) else None
            case Return():
                return outer
            case Loop(over=over, kind="list" | "set" | "generator" | "dict") if over is inner:
                pass
            case Member(name="data" | "value" | "results"):
                pass
            case Member(name=name):
                call = follows(body, inner)
                if call is None or not says(name, _passing()[language]) or bounded(name, language):
                    return None
            case Call(callee=callee) if callee is inner:
                pass
            case Call(callee=callee):
                name = callee.name if isinstance(callee, Member) else dotted(callee).rpartition("\\")[2]
                if name in _answers()[language]:
                    return outer
                if isinstance(callee, Member) and name == "update" and isinstance(callee.of, Name):
                    return callee.of
                many = any(k.name == "many" for k in outer.keywords)
                if not many and not says(name, _passing()[language]):
                    return None
            case Other(word=word) if word in _HOLDS:
                pass
            case _:
                return None
        inner = outer
    return None


def declared(
    code: Codebase, models: ModelIndex, trace: Trace, definition: ClassDefinition | FunctionDefinition | None
) -> Iterator[Heap]:
    """The rows that a class lists, and does not say how many at a time."""
    if not isinstance(definition, ClassDefinition):
        return
    node = definition.node
    act = trace.acts.get((definition.path, node.start, node.end, "listed"))
    model = models.by_name.get(act.model) if act is not None else None
    if act is None or model is None or definition.is_abstract or not is_product(definition.path):
        return
    found = found_by(model, act)
    language = code.files[definition.path].language
    if found is None or says(definition.name, _purposes()[language]):
        return
    last = max((base.end for base in node.bases), default=node.start + 1)
    setting = next((x.bounds.default_page for x in libraries() if x.bounds is not None and x.bounds.default_page), "")
    yield Heap(
        kind="listed",
        function=Function(definition.path, definition.qualified),
        place=Place(definition.path, code.files[definition.path].span(node.start, last)),
        model=model.name,
        table=model.table,
        columns=found[0],
        partly=found[1],
        said=definition.name,
        settings=setting if act.gives == "by settings" else "",
        code=next((c for c in _page_codes() if c.startswith(f"{act.name} ")), ""),
        language=language,
        abstract=model.abstract,
    )
