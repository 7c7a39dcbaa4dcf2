"""Marks in a cache that are looked for and then put, and counts that are read from one and put back larger.

A value that is computed where none was found is only remembered: two that compute it put the same, and nobody is harmed. A mark
says that something is under way or done, and a count is lost.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from analyzers.facts.outline import Assign, Call, Function, Member, Name, Node, Other, Return, Text, dotted, walk
from analyzers.model.requests.bodies import Body, is_cache, parts_of
from analyzers.model.requests.races.checks import leaves
from analyzers.model.requests.texts import same
from analyzers.model.ways import Race

_LOOKS = frozenset({"get", "has", "exists", "has_key"})
_TAKES = ("get", "many")
_PUTS = frozenset({"set", "put", "forever", "setex", "aset"})
_ATOMIC = frozenset({"add", "nx", "setnx", "lock"})
_NOW = frozenset({"now", "time", "utcnow", "uuid4", "getpid", "microtime", "timestamp", "isoformat"})
_EQUAL, _UNEQUAL = ("==", "===", "is"), ("!=", "!==", "is not")


def read(body: Body) -> Iterator[Race]:
    """The marks and counts of a function."""
    if not takes_lock(body):
        for test in body.nodes:
            if isinstance(test, Other) and test.word == "if" and len(test.children) > 1:
                yield from _marked(body, test)
    yield from _counted(body)
    yield from _items(body)


def takes_lock(body: Body) -> bool:
    """Whether the function calls something that locks."""
    names = (n.callee.name if isinstance(n.callee, Member) else dotted(n.callee) for n in body.nodes if isinstance(n, Call))
    return any({"lock", "flock", "acquire", "lockf"} & set(parts_of(name)) for name in names)


# -- marks -------------------------------------------------------------------------------------------------------------


def asked_of(body: Body, asked: Node) -> tuple[Node, bool]:
    """What a test is about, also by a local name, and whether the test holds where that is there."""
    match asked:
        case Other(word="not", children=(inner,)):
            found, there = asked_of(body, inner)
            return found, not there
        case Other(word=word, children=(inner, Text(value=None | False))) if word in (*_EQUAL, *_UNEQUAL):
            found, there = asked_of(body, inner)
            return found, there == (word in _UNEQUAL)
        case Name(id=name):
            given = [a for a in body.assigned.get(name, ()) if a.end <= asked.start]
            if given and isinstance(given[-1].value, Call):
                return given[-1].value, True
    return asked, True


def done_where_absent(body: Body, test: Other, *, there: bool) -> tuple[int, int] | None:
    """Where what a test does stands that finds nothing there."""
    block = test.children[1]
    if not there:
        return block.start, block.end
    if leaves(block):
        return test.end, body.function.end
    return (test.children[2].start, test.children[2].end) if len(test.children) > 2 else None


def _marked(body: Body, test: Other) -> Iterator[Race]:
    """`if cache.get(key): return`, and later `cache.set(key, True)`."""
    look, there = asked_of(body, test.children[0])
    span = done_where_absent(body, test, there=there)
    match look:
        case Call(callee=Member(of=of, name=name), args=(key, *_)) if name in _LOOKS and _is_cache(of) and span is not None:
            pass
        case _:
            return
    if _is_answer(body, test.children[0]) or _is_remembered(body, of, key):
        return
    for node in body.nodes:
        match node:
            case Call(callee=Member(of=other, name=put), args=(at, value, *_)) if (
                put in _PUTS
                and span[0] <= node.start
                and node.end <= span[1]
                and same(other, of)
                and same(at, key)
                and is_mark(value)
            ):
                if not any(k.name in _ATOMIC for k in node.keywords):
                    yield _flagged(body, node, body.said(of) or dotted(of), look)
                return


def _is_answer(body: Body, asked: Node) -> bool:
    """Whether what was found is given to whoever asked: a value that is remembered."""
    names = {n.id for n in walk(asked) if isinstance(n, Name)} & body.assigned.keys()
    returned = (n.value for n in body.nodes if isinstance(n, Return) and n.value is not None)
    return any(isinstance(n, Name) and n.id in names for value in returned for n in walk(value))


def _is_remembered(body: Body, of: Node, key: Node) -> bool:
    """Whether several values are put for one key: an answer, either way."""
    put: set[object] = set()
    for node in body.nodes:
        match node:
            case Call(callee=Member(of=other, name=name), args=(at, Text(value=value), *_)) if (
                name in _PUTS and same(other, of) and same(at, key)
            ):
                put.add(value)
    return len(put) > 1


def is_mark(value: Node) -> bool:
    """Whether a value only says that something is so, or since when."""
    match value:
        case Text(value=said):
            return said is not None
        case Call(callee=callee):
            return dotted(callee).rpartition(".")[2] in _NOW
    return False


def _is_cache(of: Node) -> bool:
    last = dotted(of.callee if isinstance(of, Call) else of).rpartition(".")[2].lstrip("$_")
    return is_cache(last)


_NX = "set(…, 1, 'EX', 60, 'NX')"


def _flagged(body: Body, node: Call, said: str, look: Node) -> Race:
    redis = "redis" in said.lower()
    joint = "." if body.language == "python" else "->" if said.startswith("$") else "::"
    code = f"if (! {said}{joint}{_NX if redis else 'add(…)'}) {{\n    return;\n}}"
    if body.language == "python":
        code = f"if not {said}.{'set(…, 1, nx=True, ex=60)' if redis else 'add(…)'}:\n    return"
    return Race(
        kind="flagged",
        function=body.called,
        place=body.place(node),
        model="",
        table="",
        row=said,
        call=node.callee.name if isinstance(node.callee, Member) else dotted(node.callee),
        also=((body.place(look), "looks for the mark"),),
        sentence="Put the mark only where there is none, in one command, and go by its answer.",
        code=code,
        language=body.language,
    )


# -- counts ------------------------------------------------------------------------------------------------------------


def _counted(body: Body) -> Iterator[Race]:
    """`cache.set(key, cache.get(key) + 1)`."""
    for node in body.nodes:
        match node:
            case Call(callee=Member(of=of, name=name), args=(key, value, *_)) if name in _PUTS and _is_cache(of):
                taken = _taken(body, value, of, key)
                if taken is not None:
                    yield _count(body, node, body.said(of) or dotted(of), taken, key)


def _count(body: Body, node: Call, holder: str, taken: Node, key: Node) -> Race:
    scripts = "->" if holder.startswith("$") else "::"
    joint = scripts if body.language == "php" else "."
    redis = "redis" in holder.lower()
    adds = "increment" if body.language == "php" and not redis else "incr"
    return Race(
        kind="counted",
        function=body.called,
        place=body.place(node),
        model="",
        table="",
        row=holder,
        call=node.callee.name if isinstance(node.callee, Member) else "",
        also=((body.place(taken), "reads the count"),) if taken.start < node.start else (),
        sentence="Let the cache add: one command, whatever others do meanwhile.",
        code=f"{holder}{joint}{adds}({_key(body, key)})",
        language=body.language,
    )


def _key(body: Body, key: Node) -> str:
    if isinstance(key, Text) and isinstance(key.value, str):
        return f'"{key.value}"' if body.language == "python" else f"'{key.value}'"
    return body.said(key) or "…"


def _taken(body: Body, value: Node, of: Node, key: Node) -> Call | None:
    """The call that read what is put back with something added."""
    for node in walk(_unfolded(body, value)):
        if not (isinstance(node, Other) and node.word in ("+", "-") and any(isinstance(c, Text) for c in node.children)):
            continue
        for part in walk(node):
            if isinstance(part, Call) and _takes(part, of, key):
                return part
            for call in given(body, part) if isinstance(part, Name) else ():
                if _takes(call, of, key):
                    return call
    return None


def _unfolded(body: Body, value: Node) -> Node:
    """What a local name was given last, in the place of the name."""
    if isinstance(value, Name):
        before = [a for a in body.assigned.get(value.id, ()) if a.end <= value.start and a.value is not None]
        return before[-1].value or value if before and not before[-1].operator else before[-1] if before else value
    return value


def given(body: Body, name: Name) -> Iterator[Call]:
    """The calls whose answer a local name holds where it stands, or held before it was changed."""
    before = [a for a in body.assigned.get(name.id, ()) if a.end <= name.start and a.value is not None]
    for one in before[-2:]:
        yield from (n for n in walk(one.value or one) if isinstance(n, Call))


def _takes(call: Call, of: Node, key: Node) -> bool:
    match call:
        case Call(callee=Member(of=other, name=name), args=(asked, *_)) if name in _TAKES:
            return same(other, of) and same(asked, key)
    return False


# -- items of a pool ---------------------------------------------------------------------------------------------------

_POOL = (
    "A pool of items has no command that does both: take a lock around both (`LockFactory::createLock()->acquire()`), or have "
    "the server of the cache do it (`INCR`, `SET NX`)."
)


def _items(body: Body) -> Iterator[Race]:
    """`$item = $cache->getItem(…)`, what is set of it by what it held, and `$cache->save($item)`."""
    for node in body.nodes:
        match node:
            case Assign(target=Name(id=item), value=Call(callee=Member(of=pool, name="getItem"), args=(key, *_)) as taken):
                saved = next((n for n in body.nodes if _saves(n, pool, item) and n.start > node.end), None)
                if isinstance(saved, Call):
                    yield from _of_item(body, item, taken, key, saved)


def _saves(node: Node, pool: Node, item: str) -> bool:
    match node:
        case Call(callee=Member(of=of, name="save" | "saveDeferred"), args=(Name(id=name),)):
            return name == item and same(of, pool)
    return False


def _of_item(body: Body, item: str, taken: Call, key: Node, saved: Call) -> Iterator[Race]:
    holder = body.said(taken.callee.of) if isinstance(taken.callee, Member) else ""
    puts = [n.args[0] for n in body.nodes if isinstance(n, Call) and dotted(n.callee) == f"{item}.set" and len(n.args) == 1]
    if any(_adds_to(value, f"{item}.get()") for value in puts):
        yield msgspec.structs.replace(_count(body, saved, holder, taken, key), code="", sentence=_POOL)
    hit = next((n for n in body.nodes if isinstance(n, Call) and dotted(n) == f"{item}.isHit()"), None)
    plain = hit is not None and not any(isinstance(o, Function) for o in body.around(hit))
    if hit is not None and plain and any(is_mark(value) for value in puts) and not takes_lock(body):
        yield msgspec.structs.replace(_flagged(body, saved, holder, hit), code="", sentence=_POOL)


def _adds_to(value: Node, said: str) -> bool:
    return any(
        isinstance(n, Other) and n.word in ("+", "-") and any(dotted(part) == said for c in n.children for part in walk(c))
        for n in walk(value)
    )
