"""As many rows as a request wants, and files that are read whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from analyzers.facts.outline import Assign, Call, Function, Member, Name, Node, Other, Parameter, Text, children, dotted, walk
from analyzers.knowledge import libraries
from analyzers.knowledge.derived import derived
from analyzers.model.inference.acts import Kind
from analyzers.model.inference.frames import Trace
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, FunctionDefinition
from analyzers.model.naming.roles import is_batch, is_product
from analyzers.model.requests import bodies
from analyzers.model.requests.bodies import Body
from analyzers.model.requests.results import answers, handles
from analyzers.model.requests.results.answers import LANGUAGES
from analyzers.model.tables.models import ModelIndex
from analyzers.model.ways import Function as Called
from analyzers.model.ways import Heap
from analyzers.source import Place

_sizes = derived(lambda: answers.words("sizes"))
_inputs = derived(lambda: answers.words("inputs"))
_uploads = derived(lambda: answers.words("uploads"))
_wholes = derived(lambda: answers.words("wholes"))
_lists = derived(lambda: answers.words("lists"))
_parsers = derived(lambda: answers.words("parsers"))
_file_fields = derived(lambda: answers.words("file_fields"))
_loaders = derived(lambda: answers.words("loaders"))
_queries = derived(lambda: answers.words("queries"))
_sent = derived(lambda: answers.words("sent_files"))
_calls: Callable[[], dict[str, list[tuple[str, int]]]] = derived(
    lambda: {
        of: [item for x in libraries() if x.bounds is not None and x.language == of for item in x.bounds.size_calls.items()]
        for of in LANGUAGES
    }
)
_pages = derived(
    lambda: {name: stated for x in libraries() if x.bounds is not None for name, stated in x.bounds.page_bases.items()}
)
_CAPS = frozenset({"min", "clamp", "max_page_size", "validate", "validated"})
_BOUNDING = frozenset({"le", "lt", "max", "max_value"})
_ACTS: tuple[Kind, ...] = ("queried", "handed")
_COMPARED = frozenset({"<", ">", "<=", ">=", "in", "not in"})


def read(
    code: Codebase, models: ModelIndex, trace: Trace, definition: ClassDefinition | FunctionDefinition | None
) -> Iterator[Heap]:
    """What the functions of a root read at once because a request says so, or because a file holds it."""
    if isinstance(definition, ClassDefinition):
        yield from _pagination(code, definition)
    for function in bodies.functions(definition):
        if not is_product(function.path) or is_batch(function.path):
            continue
        language = code.files[function.path].language
        if language in LANGUAGES and _may(function.node, language):
            body = Body(code, function, trace.acts)
            yield from _sized(body, models)
            yield from _whole(body)
            yield from handles.read(body)


def _may(function: Function, language: str) -> bool:
    """Whether a function speaks of what is looked for, so that its body is worth reading."""
    ends = {name.rpartition(".")[2] for name in _parsers()[language] | _loaders()[language]}
    words = _sizes()[language] | _uploads()[language] | _wholes()[language] | ends | handles.words()[language]
    if any(name in words for name in bodies.spoken((*function.decorators, *function.body))):
        return True
    return any(p.name.lstrip("$*") in words for p in function.parameters) or any(
        isinstance(n, Text) and n.value in words for statement in function.body for n in walk(statement)
    )


# -- sizes -------------------------------------------------------------------------------------------------------------


def _pagination(code: Codebase, definition: ClassDefinition) -> Iterator[Heap]:
    """A pagination that lets the request say how many rows it wants, without a most."""
    names = code.externals(definition) if definition.node.bases else frozenset()
    for base in sorted(names & _pages().keys()):
        asks, caps = _pages()[base]
        capped = code.attribute(definition, caps)
        if (capped is not None and _says_something(capped[1])) or not is_product(definition.path) or definition.is_abstract:
            continue
        asked = code.attribute(definition, asks) if asks else None
        if asks and (asked is None or asked[0] is not definition or not _says_something(asked[1])):
            continue
        said = asked[1].value if asked is not None else None
        yield Heap(
            kind="sized",
            function=Called(definition.path, definition.qualified),
            place=code.place(definition.path, asked[1]) if asked is not None else _head(code, definition),
            said=str(said.value) if isinstance(said, Text) else asks or "limit",
            code=f"{caps} = 100",
            language="python",
        )


def _says_something(stated: Assign) -> bool:
    return stated.value is not None and not (isinstance(stated.value, Text) and stated.value.value is None)


def _head(code: Codebase, definition: ClassDefinition) -> Place:
    node = definition.node
    last = max((base.end for base in node.bases), default=node.start + 1)
    return Place(definition.path, code.files[definition.path].span(node.start, last))


class _Wanted(NamedTuple):
    """A number that a request brings, by the name it has here, and where it is read."""

    name: str
    node: Node


def _sized(body: Body, models: ModelIndex) -> Iterator[Heap]:
    language = body.language
    for call, given in _amounts(body):
        found = _wanted(body, given)
        if found is None or _is_capped(body, found):
            continue
        cut = call.children[0] if isinstance(call, Other) else call
        act = next((act for kind in _ACTS if (act := body.act(cut, kind)) is not None), None)
        model = models.by_name.get(act.model) if act is not None else None
        yield Heap(
            kind="sized",
            function=body.called,
            place=body.place(given),
            model=model.name if model is not None else "",
            table=model.table if model is not None else "",
            said=found.name,
            also=((body.place(found.node), "is what the request says"),) if found.node.end < call.start else (),
            code=f"min({found.name}, 100)" if language == "python" and found.name.isidentifier() else "",
            language=language,
        )
        return


def _amounts(body: Body) -> Iterator[tuple[Node, Node]]:
    """The calls that are given how many rows there are to be, and the numbers; also what a query is cut by."""
    language = body.language
    for node in body.nodes:
        match node:
            case Call(callee=callee, args=args, keywords=keywords):
                last = callee.name if isinstance(callee, Member) else dotted(callee)
                places = [at for name, at in _calls()[language] if name == last]
                yield from ((node, args[at]) for at in places if at < len(args))
                yield from ((node, k.value) for k in keywords if places and k.name in _sizes()[language])
            case Other(word="item", children=(of, Other(word="slice", children=(_, stop, _)))) if language == "python":
                if _is_query(body, of):
                    yield from ((node, part) for part in (stop, *children(stop)) if not isinstance(part, Text))


def _is_query(body: Body, of: Node) -> bool:
    """Whether an expression, as it reads, is a query that can be cut: `Order.objects.filter(…)`."""
    if isinstance(of, Name):
        before = [a.value for a in body.assigned.get(of.id, ()) if a.end <= of.start]
        return bool(before) and before[-1] is not None and not isinstance(before[-1], Name) and _is_query(body, before[-1])
    while isinstance(of, Call | Member):
        if isinstance(of, Member) and of.name in _queries()[body.language]:
            return True
        of = of.callee if isinstance(of, Call) else of.of
    return False


def _wanted(body: Body, node: Node) -> _Wanted | None:
    """What a request brings under a name that says how many: read here, or a parameter of a handler."""
    if isinstance(node, Name):
        before = [a for a in body.assigned.get(node.id, ()) if a.end <= node.start and a.value is not None]
        if before:
            value = before[-1].value
            found = _read_of_request(body, value) if value is not None else None
            return _Wanted(node.id, before[-1]) if found is not None else None
        return _parameter(body, node)
    return _read_of_request(body, node)


def _read_of_request(body: Body, node: Node) -> _Wanted | None:
    """`int(request.GET.get("page_size", 50))`, `$request->per_page`."""
    language, names = body.language, _sizes()[body.language]
    if any(isinstance(n, Call) and _changes(n) for n in walk(node)):
        return None
    for part in walk(node):
        match part:
            case Call(callee=Member(of=of), args=(Text(value=str() as name), *_)) if name in names and _is_input(of, body):
                return _Wanted(name, part)
            case Other(word="item", children=(of, Text(value=str() as name))) if name in names and _is_input(of, body):
                return _Wanted(name, part)
            case Member(of=Name(id="$request"), name=name) if name in names and language == "php":
                return _Wanted(name, part)
            case Call(callee=Name(id="request"), args=(Text(value=str() as name), *_)) if name in names and language == "php":
                return _Wanted(name, part)
    return None


_NUMBERS = frozenset({"int", "intval", "float", "str", "request"})


def _changes(call: Call) -> bool:
    """Whether a call may give another number than it was given, as one that knows the most."""
    if isinstance(call.callee, Name):
        return call.callee.id.lstrip("\\") not in _NUMBERS
    said = dotted(call.callee)
    return said.startswith(("self.", "$this.", "static.")) and "request" not in said


def _is_input(of: Node, body: Body) -> bool:
    said = dotted(of)
    if body.language == "php":
        return said in ("$request", "$request.query", "request()", "$this.request")
    return any(said.endswith(f"request.{word}") for word in _inputs()["python"])


def _parameter(body: Body, node: Name) -> _Wanted | None:
    """A parameter of a handler that is a number, and has no most."""
    if node.id not in _sizes()[body.language] or body.language != "python":
        return None
    for parameter in body.function.parameters:
        if parameter.name == node.id and _is_open(parameter):
            return _Wanted(node.id, node) if _is_route(body) else None
    return None


def _is_open(parameter: Parameter) -> bool:
    stated = [n for part in (parameter.annotation, parameter.default) if part is not None for n in walk(part)]
    names = {n.id for n in stated if isinstance(n, Name)} | {n.name for n in stated if isinstance(n, Member)}
    if any(k.name in _BOUNDING for n in stated if isinstance(n, Call) for k in n.keywords):
        return False
    return "int" in names and not names - {"int", "Query", "Optional", "Annotated", "None", "Union"}


def _is_route(body: Body) -> bool:
    """Whether a decorator gives the function an address, whose parameters then come with the request."""
    for decorator in body.function.decorators:
        match decorator:
            case Call(callee=Member(), args=(Text(value=str() as address), *_)) if address.startswith("/") or not address:
                return True
    return False


def _is_capped(body: Body, wanted: _Wanted) -> bool:
    """Whether the function, or what calls it, says how many are the most."""
    for node in body.nodes:
        match node:
            case Name(id=name) | Member(name=name) if name in _CAPS:
                return True
            case Other(word=word, children=parts) if word in _COMPARED:
                if any(_speaks_of(part, wanted.name) for part in parts):
                    return True
            case Text(value=str() as text) if "max:" in text or "between:" in text:
                return True
    typed = [p.annotation for p in body.function.parameters if p.annotation is not None and p.name == "$request"]
    return any(isinstance(t, Name) and t.id.rpartition("\\")[2] != "Request" for t in typed)


def _speaks_of(node: Node, name: str) -> bool:
    for n in walk(node):
        match n:
            case Name(id=said) | Member(name=said) | Text(value=said) if said == name:
                return True
    return False


# -- files -------------------------------------------------------------------------------------------------------------


def _whole(body: Body) -> Iterator[Heap]:
    """`list(csv.reader(file))`, `self.file.read()`, `await upload.read()`."""
    language = body.language
    if _minds_the_size(body):
        return
    for call in body.nodes:
        match call:
            case Call(callee=Name(id=name), args=(only,)) if name in _lists()[language] and _parses(body, only):
                yield _file(body, call, "rows of the file")
                return
            case Call(callee=callee, args=(first, *_), keywords=keywords) if dotted(callee) in _loaders()[language]:
                if _is_upload(body, first) and not any(k.name in _PARTS for k in keywords):
                    yield _file(body, call, body.said(first) or "file")
                    return
            case Call(callee=Member(of=of, name=name), args=()) if name in _wholes()[language] and _is_upload(body, of):
                yield _file(body, call, body.said(of))
                return


def _file(body: Body, call: Call, said: str) -> Heap:
    return Heap(
        kind="read",
        function=body.called,
        place=body.place(call),
        said=said,
        code=_CHUNKS if isinstance(call.callee, Member) and not call.args else "",
        language=body.language,
    )


_PARTS = frozenset({"chunksize", "iterator", "read_only", "nrows"})
_CHUNKS = "for chunk in file.chunks():\n    …"


def _minds_the_size(body: Body) -> bool:
    for node in body.nodes:
        if isinstance(node, Name | Member):
            name = (node.id if isinstance(node, Name) else node.name).lower()
            if any(
                word in name
                for word in ("max_size", "max_file", "max_upload", "size_limit", "too_large", "content_length", "chunk")
            ):
                return True
        compared = walk(node) if isinstance(node, Other) and node.word in _COMPARED else ()
        if any(isinstance(n, Member) and n.name in ("size", "length") for n in compared):
            return True
    return False


def _parses(body: Body, node: Node) -> bool:
    """Whether an expression gives the rows of a file, one by one."""
    if isinstance(node, Name):
        before = [a for a in body.assigned.get(node.id, ()) if a.end <= node.start and a.value is not None]
        return len(before) == 1 and before[0].value is not None and _parses(body, before[0].value)
    return isinstance(node, Call) and dotted(node.callee) in _parsers()[body.language] and not _is_text(node)


def _is_text(call: Call) -> bool:
    """Whether the rows are those of a text that is here already."""
    return any(
        isinstance(n, Call) and dotted(n.callee).rpartition(".")[2] in ("StringIO", "splitlines", "open") for n in walk(call)
    )


def _is_upload(body: Body, of: Node) -> bool:
    """Whether an expression is a file that somebody sent: of a form, of a parameter's type, or a field of the class."""
    said = dotted(of)
    match of:
        case Other(word="item", children=(Member() as files, _)):
            return _is_sent(body, files)
        case Name(id=name):
            for parameter in body.function.parameters:
                if parameter.name == name and parameter.annotation is not None:
                    return any(isinstance(n, Name) and n.id in _uploads()[body.language] for n in walk(parameter.annotation))
            before = [a.value for a in body.assigned.get(name, ()) if a.value is not None]
            return any(_is_sent(body, value) for value in before)
        case Member(of=Name(id="self"), name=name):
            owner = body.definition.owner
            stated = body.code.attribute(owner, name) if owner is not None else None
            value = stated[1].value if stated is not None else None
            return isinstance(value, Call) and dotted(value.callee).rpartition(".")[2] in _file_fields()[body.language]
    return bool(said) and _is_sent(body, of)


def _is_sent(body: Body, value: Node) -> bool:
    """`request.FILES["file"]`, `request.files.get("file")`."""
    return any(isinstance(n, Member) and dotted(n).endswith(tuple(_sent()[body.language])) for n in walk(value))
