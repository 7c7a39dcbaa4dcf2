"""The body of a function as text, with what its nodes do to rows: what stands around a node, and which words are said in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache

from analyzers.facts.outline import Assign, Call, Function, Member, Name, Node, Other, Text, children, dotted, walk
from analyzers.knowledge import libraries
from analyzers.knowledge.derived import derived
from analyzers.knowledge.work import known
from analyzers.model.inference.acts import Act, Kind
from analyzers.model.inference.frames import Trace
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, FunctionDefinition
from analyzers.model.naming.roles import is_product
from analyzers.model.ways import Function as Called
from analyzers.model.ways import Guarded
from analyzers.source import Place

_PARTS = re.compile(r"[a-z0-9]+|[A-Z]+(?![a-z])|[A-Z][a-z0-9]*")


class Body:
    """The nodes of a function in their order, each with the one around it, and with its acts."""

    def __init__(self, code: Codebase, definition: FunctionDefinition, acts: Mapping[tuple[str, int, int, str], Act]) -> None:
        self.code, self.definition, self.path = code, definition, definition.path
        self.language = code.files[definition.path].language
        self.function: Function = definition.node
        self._acts = acts
        self.pages: bool | None = None  # whether it deals with pages, once that was asked
        self.nodes: list[Node] = []
        self._above: dict[int, Node] = {}
        stack: list[Node] = list(self.function.body)[::-1]
        while stack:
            node = stack.pop()
            self.nodes.append(node)
            below = children(node)
            for inner in below:
                self._above[id(inner)] = node
            stack.extend(below[::-1])

    @property
    def called(self) -> Called:
        return Called(self.path, self.definition.qualified)

    def act(self, node: Node, kind: Kind) -> Act | None:
        """What a node does, of this kind."""
        return self._acts.get((self.path, node.start, node.end, kind))

    def acts(self, kind: Kind) -> Sequence[tuple[Node, Act]]:
        """All that is done of a kind, with the nodes, in their order."""
        return self._done.get(kind, ())

    @cached_property
    def _done(self) -> dict[str, list[tuple[Node, Act]]]:
        found: dict[str, list[tuple[Node, Act]]] = {}
        kinds = {act.kind for act in self._acts.values()}
        for node in self.nodes:
            if isinstance(node, Call | Assign | Member):
                for kind in kinds:
                    act = self.act(node, kind)
                    if act is not None:
                        found.setdefault(kind, []).append((node, act))
        return found

    def around(self, node: Node) -> Iterator[Node]:
        """What stands around a node, the innermost first."""
        above = self._above.get(id(node))
        while above is not None:
            yield above
            above = self._above.get(id(above))

    def place(self, node: Node) -> Place:
        return self.code.place(self.path, node)

    def said(self, node: Node | None) -> str:
        """An expression as the project writes it, as far as it is names and numbers."""
        match node:
            case Text(value=bool() as value):
                return str(value)
            case Text(value=int() | float() as value):
                return str(value)
            case Name() | Member() | Call():
                text = dotted(node)
                return re.sub(r"\.", "->", text) if text.startswith("$") else text
        return ""

    def said_as(self, text: str) -> str:
        """A dotted name as the project writes it."""
        return text.replace(".", "->") if text.startswith("$") else text

    @cached_property
    def assigned(self) -> dict[str, list[Assign]]:
        """The assignments to each local name, in their order."""
        found: dict[str, list[Assign]] = {}
        for node in self.nodes:
            if isinstance(node, Assign):
                for name in names_in(node.target):
                    found.setdefault(name, []).append(node)
        return found

    @cached_property
    def calls(self) -> frozenset[tuple[int, int]]:
        """Where calls begin and end that are no queries themselves."""
        found = (n for n in self.nodes if isinstance(n, Call) and self.act(n, "queried") is None)
        return frozenset((n.start, n.end) for n in found)

    def name_of(self, node: Node) -> str:
        """The local name that an expression is assigned to, also after `await`, or with a default."""
        inner = node
        for outer in self.around(node):
            match outer:
                case Assign(target=Name(id=name), value=value) if value is inner:
                    return name
                case Assign(target=Other(word="tuple" | "list", children=(Name(id=name), *_)), value=value) if value is inner:
                    return name
                case Other(word="await" | "or" | "??" | "block"):
                    inner = outer
                case _:
                    return ""
        return ""

    def uses(self, name: str, after: int) -> Iterator[Name]:
        """Where a name stands from an offset on."""
        return (n for n in self.nodes if isinstance(n, Name) and n.id == name and n.start >= after)


def names_in(target: Node) -> Iterator[str]:
    """The names that are bound by a target."""
    match target:
        case Name(id=name):
            yield name
        case Other(word="tuple" | "list", children=parts):
            for part in parts:
                yield from names_in(part)


def read(code: Codebase, trace: Trace, definition: ClassDefinition | FunctionDefinition | None) -> Iterator[Body]:
    """The bodies of a root in which something was noted, or a cache or folders are spoken of; and of coroutines."""
    for function in functions(definition):
        wanted = trace.acts or function.node.is_async or any(map(_is_looked_for, spoken(function.node.body)))
        if wanted and is_product(function.path):
            yield Body(code, function, trace.acts)


def _is_looked_for(name: str) -> bool:
    return is_cache(name) or name in _looked_for()


_NAMED = ("makedirs", "mkdir", "max", "exists", "open", "file_put_contents", "doesntExist", "isHit", "orderBy")
_looked_for = derived(lambda: frozenset({*_NAMED, *(name for one in known() for name in one.passing.puts)}))
_CACHES = frozenset({"cache", "redis", "caches", "valkey", "memcache", "memcached"})
_CLIENTS = (("client",), ("conn",), ("connection",), ("pool",))


def is_cache(name: str) -> bool:
    """Whether something is called a cache, or what one is talked to by: `redis_client`."""
    parts = parts_of(name)
    return bool(_CACHES & set(parts[-1:])) or (parts[-1:] in _CLIENTS and bool(_CACHES & set(parts)))


def functions(definition: ClassDefinition | FunctionDefinition | None) -> Iterable[FunctionDefinition]:
    match definition:
        case FunctionDefinition():
            return (definition,)
        case ClassDefinition(methods=methods):
            return methods.values()
    return ()


# -- words -------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=50_000)
def parts_of(name: str) -> tuple[str, ...]:
    """`lock`, `for`, `update` of `lockForUpdate` and of `lock_for_update`."""
    return tuple(part.lower() for part in _PARTS.findall(name))


def told(words: Iterable[str]) -> frozenset[tuple[str, ...]]:
    """Words as parts of names."""
    return frozenset(parts_of(word) for word in words)


def _by_language(words: str) -> dict[str, frozenset[tuple[str, ...]]]:
    known = [(x.language, getattr(x.concurrency, words)) for x in libraries() if x.concurrency is not None]
    return {of: told(w for language, some in known if language == of for w in some) for of in ("python", "php")}


_locks = derived(lambda: _by_language("locks"))
_transactions = derived(lambda: _by_language("transactions"))
_SQL_LOCK = re.compile(r"\bfor\s+update\b|\bget_lock\s*\(|advisory_(?:xact_)?lock|\block\s+tables?\s", re.IGNORECASE)


@lru_cache(maxsize=200_000)
def says(name: str, words: frozenset[tuple[str, ...]]) -> bool:
    """Whether one of the words stands in a name, whole."""
    parts = parts_of(name)
    return any(parts[i : i + len(word)] == word for word in words for i in range(len(parts) - len(word) + 1))


def spoken(nodes: Iterable[Node]) -> Iterator[str]:
    """The names that are called, read or caught in these nodes."""
    for node in nodes:
        for inner in walk(node):
            match inner:
                case Name(id=name) | Member(name=name):
                    yield name
                case Call(keywords=keywords):
                    yield from (k.name for k in keywords if not (isinstance(k.value, Text) and not k.value.value))


def guarded(code: Codebase, definition: ClassDefinition | FunctionDefinition | None) -> Iterator[Guarded]:
    """Which functions of a root lock something, or open a transaction."""
    outer: Sequence[Node] = ()
    if isinstance(definition, ClassDefinition):
        node = definition.node
        outer = (*node.decorators, *node.bases)
    around = set(spoken(outer))
    for function in functions(definition):
        language = code.files[function.path].language
        names = {*around, *spoken((*function.node.decorators, *function.node.body))}
        locks = any(says(n, _locks().get(language, frozenset())) for n in names) or _locks_by_sql(function.node)
        transacts = any(says(n, _transactions().get(language, frozenset())) for n in names)
        if locks or transacts:
            yield Guarded(Called(function.path, function.qualified), locks, transacts)


def _locks_by_sql(function: Function) -> bool:
    texts = (n.value for statement in function.body for n in walk(statement) if isinstance(n, Text))
    return any(isinstance(text, str) and _SQL_LOCK.search(text) is not None for text in texts)


always = derived(lambda: frozenset(w for x in libraries() if x.concurrency is not None for w in x.concurrency.always))
"""Settings that put a transaction around each request."""
_ends = derived(lambda: frozenset(x.bounds.default_page for x in libraries() if x.bounds is not None) - {""})


def settings(code: Codebase) -> frozenset[str]:
    """The settings that are stated somewhere and put a transaction around each request, or give all lists an end."""
    wanted = always() | _ends()
    found: set[str] = set()
    for path, facts in code.files.items():
        if facts.language == "python" and _SETTINGS.search(path) and is_product(path):
            found |= wanted & {said for top in facts.outline for n in walk(top) for said in _stated(n)}
    return frozenset(found)


def around_requests(code: Codebase) -> Place | None:
    """Where a setting surely puts a transaction around each request: `"ATOMIC_REQUESTS": True`."""
    for path, facts in code.files.items():
        if facts.language == "python" and _SETTINGS.search(path) and is_product(path) and facts.may_say(always()):
            for node in (n for top in facts.outline for n in walk(top)):
                match node:
                    case Other(word="pair", children=(Text(value=key), Text(value=True))) if key in always():
                        return code.place(path, node)
                    case Assign(target=Other(word="item", children=(*_, Text(value=key))), value=Text(value=True)) if (
                        key in always()
                    ):
                        return code.place(path, node)
    return None


def _stated(node: Node) -> Iterator[str]:
    match node:
        case Text(value=str() as text):
            yield from (text, text.rpartition(".")[2])
        case Name(id=name):
            yield name
        case Call(keywords=keywords):
            yield from (k.name for k in keywords)


_SETTINGS = re.compile(r"settings|config", re.IGNORECASE)
