"""The text around a call: the functions, loops, blocks and other calls in which it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from analyzers.facts.outline import Assign, Call, Function, Loop, Member, Name, Node, Other, Return, Text, children, walk
from analyzers.knowledge.derived import derived
from analyzers.knowledge.work import known
from analyzers.model.naming.code import Codebase
from analyzers.model.requests.texts import nodes_to
from analyzers.model.ways import CallSite
from analyzers.source import Place

_later = derived(lambda: frozenset(name for one in known() for name in one.passing.later))
_aside = derived(lambda: frozenset(name for one in known() for name in one.passing.aside))
_threads = derived(lambda: frozenset(name for one in known() for name in one.passing.aside if name not in one.passing.at_once))
_transactions = derived(lambda: frozenset(name for one in known() for name in one.passing.transactions))
_at_once = derived(
    lambda: frozenset(name for one in known() for name in (*one.passing.at_once, *one.passing.aside, *one.passing.after))
)
_after = derived(lambda: frozenset(name for one in known() for name in one.passing.after))
_CONNECTIONS = ("session", "connection", "conn", "engine", "db", "database", "em", "entitymanager", "manager", "transaction")


class Stand(msgspec.Struct, frozen=True):
    """A call with all that it stands in, outermost first, and the named function that is the innermost of these."""

    path: str
    node: Node
    around: tuple[Node, ...]

    @property
    def function(self) -> Function | None:
        """The innermost function that has a name."""
        return next((n for n in reversed(self.around) if isinstance(n, Function) and n.name), None)

    @property
    def outermost(self) -> Function | None:
        """The function, or method, of which the rest are parts."""
        return next((n for n in self.around if isinstance(n, Function)), None)


def stand(code: Codebase, call: CallSite) -> Stand | None:
    """Where a call stands."""
    nodes = nodes_to(code, call)
    return Stand(call.place.path, nodes[-1], nodes[:-1]) if nodes else None


def is_later(site: Stand) -> bool:
    """Whether the call only hands over what another process, or this one after its answer, is to do."""
    return _is_handed(site, _later())


def is_aside(site: Stand, call: CallSite) -> bool:
    """Whether what is called does not run on the event loop."""
    return _is_handed(site, _aside() | _later()) or (
        isinstance(site.node, Call) and _last(site.node.callee) in _threads() and _is_given(site.node, call)
    )


def is_handed_on(site: Stand, call: CallSite) -> bool:
    """Whether the function that is reached is not called there, but given to something that may call it, nobody knows when."""
    return isinstance(site.node, Call) and _last(site.node.callee) not in _at_once() and _is_given(site.node, call)


def _is_given(node: Call, call: CallSite) -> bool:
    """Whether the function that is reached is an argument, not what is called."""
    if call.target is None:
        return False
    name = re.split(r"::|[.\\]", call.target.name)[-1]
    given = (*node.args, *(k.value for k in node.keywords))
    return _last(node.callee) != name and any(_last(a) == name for a in given if isinstance(a, Name | Member))


def _is_handed(site: Stand, words: frozenset[str]) -> bool:
    """Whether the call is one of these, or stands in something that one of these is given."""
    if isinstance(site.node, Call) and _last(site.node.callee) in words and not isinstance(site.node.callee, Name):
        return True
    inner: Node = site.node
    for outer in reversed(site.around):
        match outer:
            case Call(callee=callee, args=args, keywords=keywords) if _last(callee) in words:
                if any(a is inner for a in (*args, *(k.value for k in keywords))):
                    return True
            case Function(name=name) if name and _is_given_on(site, outer, words):
                return True
        inner = outer
    return False


def _is_given_on(site: Stand, function: Function, words: frozenset[str]) -> bool:
    """Whether a function inside of another is given, by its name, to a call of these words, or has a decorator that is one."""
    at = next((i for i, n in enumerate(site.around) if n is function), 0)
    outer = next((n for n in reversed(site.around[:at]) if isinstance(n, Function)), None)
    if outer is None:
        return False
    if any(_last(d.callee if isinstance(d, Call) else d) in words for d in function.decorators):
        return True
    calls = (n for statement in outer.body for n in walk(statement) if isinstance(n, Call) and _last(n.callee) in words)
    return any(isinstance(a, Name) and a.id == function.name for c in calls for a in (*c.args, *(k.value for k in c.keywords)))


def loop_of(site: Stand) -> Node | None:
    """The loop that does the call once for each of several, how many being known to nobody."""
    inner: Node = site.node
    for outer in reversed(site.around):
        match outer:
            case Function(name=name) if name:
                return None
            case Loop(kind=kind, over=over) if kind != "while" and over is not inner and over is not None:
                if _is_many(over) and not _ends_at_once(outer, inner):
                    return outer
        inner = outer
    return None


def _is_many(over: Node) -> bool:
    match over:
        case Other(word="list" | "tuple" | "set" | "dict") | Text():
            return False
        case Name(id=name):
            return not name.isupper()
        case Member(name=name):
            return not name.isupper()
        case Call(callee=callee, args=args):
            last = _last(callee)
            return last not in ("range", "count", "cycle", "repeat") and not (
                last in ("enumerate", "reversed", "sorted", "list", "items", "values") and args and not _is_many(args[0])
            )
    return True


def _ends_at_once(loop: Loop, inner: Node) -> bool:
    """Whether the loop looks for the first that works: it is left after the call."""
    after = [n for n in loop.body if n.end >= inner.end]
    return any(
        isinstance(n, Return) or (isinstance(n, Other) and n.word == "break") for statement in after for n in _own(statement)
    )


def _own(node: Node) -> Iterator[Node]:
    """What stands in a node, but not in functions and loops inside of it."""
    yield node
    if not isinstance(node, Function | Loop):
        for inner in children(node):
            yield from _own(inner)


def is_told(site: Stand) -> bool:
    """Whether nobody reads what the call gives: it is a statement of its own."""
    inner: Node = site.node
    for outer in reversed(site.around):
        match outer:
            case Other(word="await"):
                inner = outer
            case Function(name="", body=(Return(value=value), *_)) if value is inner:
                return False
            case Function() | Loop():
                return True
            case Other(word="block" | "try" | "except" | "finally"):
                return True
            case Other(word="if" | "with", children=(*before, last)):
                return inner is last or (outer.word == "if" and inner not in before[:1])
            case _:
                return False
    return True


def is_raised_on(site: Stand) -> bool:
    """Whether an error of the call is told on: a `try` around it raises one of its own."""
    inner: Node = site.node
    for outer in reversed(site.around):
        match outer:
            case Other(word="try", children=(block, *others)) if block is inner:
                raised = (n for o in others if isinstance(o, Other) and o.word == "except" for n in walk(o))
                return any(isinstance(n, Return) or (isinstance(n, Other) and n.word == "raise") for n in raised)
            case Function(name=name) if name:
                return False
        inner = outer
    return False


def is_between_tries(site: Stand) -> bool:
    """Whether the call stands in a loop that tries something again, or where something has failed."""
    for outer in reversed(site.around):
        match outer:
            case Other(word="except"):
                return True
            case Loop():
                return any(isinstance(n, Other) and n.word == "try" for n in walk(outer))
            case Function(name=name) if name:
                return False
    return False


def transaction_of(site: Stand) -> Node | None:
    """What opens the transaction that is open while the call is done, in the function that makes it."""
    inner: Node = site.node
    for outer in reversed(site.around):
        match outer:
            case Call(callee=callee, args=args) if any(a is inner for a in args):
                if _last(callee) in _after():
                    return None
                if isinstance(inner, Function) and _last(callee) in _transactions():
                    return outer
            case Other(word="with", children=(*opened, body)) if body is inner or body.start <= inner.start:
                for one in opened:
                    if _opens(one):
                        return one
            case Function(name=name, decorators=decorators) if name:
                return next((d for d in decorators if _opens(d)), None) or _begun(outer, site.node)
        inner = outer
    return None


def _opens(node: Node) -> bool:
    value = node.value if isinstance(node, Assign) and node.value is not None else node
    callee = value.callee if isinstance(value, Call) else value
    if not isinstance(callee, Name | Member):
        return False
    last, of = _last(callee), _last(callee.of).lower() if isinstance(callee, Member) else ""
    if last == "atomic":
        return True
    return last in _transactions() and of.lstrip("_$").endswith(_CONNECTIONS)


def _begun(function: Function, node: Node) -> Node | None:
    """The statement that begins a transaction before the call which another ends after it."""
    calls = [n for statement in function.body for n in walk(statement) if isinstance(n, Call) and isinstance(n.callee, Member)]
    begun = [c for c in calls if _last(c.callee) == "beginTransaction" and c.end <= node.start]
    ended = [c for c in calls if _last(c.callee) == "commit"]
    if not begun or any(begun[-1].end <= c.start and c.end <= node.start for c in ended):
        return None
    return begun[-1] if any(c.start >= node.end for c in ended) else None


def _last(node: Node) -> str:
    match node:
        case Name(id=name) | Member(name=name):
            return name
        case Call(callee=callee):
            return _last(callee)
    return ""


def values_of(statements: Iterable[Node], name: str) -> Iterator[Node]:
    """What a name is given, in these statements; nothing that can be told where it is a parameter."""
    for node in (n for statement in statements for n in walk(statement)):
        match node:
            case Assign(target=Name(id=found), value=value) if found == name and value is not None:
                yield value
            case Function(parameters=parameters) if any(p.name.lstrip("*&.") == name for p in parameters):
                yield Text(0, 0, None)  # somebody gives it


def place(code: Codebase, site: Stand, node: Node) -> Place:
    """Where a node of the same file stands."""
    return Place(
        site.path,
        code.files[site.path].span(node.start, min(node.end, node.start + 1) if isinstance(node, Loop | Other) else node.end),
    )
