"""Marks in a cache, and files and folders, that are looked for and then made: another may have made them in between."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.facts.outline import Call, Member, Name, Node, Other, Text, dotted
from analyzers.model.requests.bodies import Body, is_cache
from analyzers.model.requests.races.checks import leaves
from analyzers.model.requests.races.sequences import same
from analyzers.model.ways import Race

_LOOKS = frozenset({"get", "has", "exists", "has_key"})
_PUTS = frozenset({"set", "put", "forever", "setex"})
_ATOMIC = frozenset({"add", "nx", "setnx", "lock"})
_FOLDERS = frozenset({"os.makedirs", "os.mkdir", "mkdir"})
_THERE = frozenset({"os.path.exists", "os.path.isdir", "os.path.isfile", "is_dir", "file_exists"})


def read(body: Body) -> Iterator[Race]:
    """The marks and folders of a function."""
    for test in body.nodes:
        if not isinstance(test, Other) or test.word != "if" or len(test.children) < 2:
            continue
        asked, block = test.children[0], test.children[1]
        yield from _marked(body, test, asked, block)
        yield from _folder(body, asked, block)


def _marked(body: Body, test: Other, asked: Node, block: Node) -> Iterator[Race]:
    """`if cache.get(key): return`, and later `cache.set(key, True)`."""
    look = asked.children[0] if isinstance(asked, Other) and asked.word == "not" and asked.children else asked
    match look:
        case Call(callee=Member(of=of, name=name), args=(key, *_)) if name in _LOOKS and _is_cache(of):
            pass
        case _:
            return
    inside = look is not asked
    if not inside and not leaves(block):
        return
    start, end = (block.start, block.end) if inside else (test.end, body.function.end)
    for node in body.nodes:
        match node:
            case Call(callee=Member(of=other, name=put), args=(at, value, *_)) if (
                put in _PUTS
                and start <= node.start
                and node.end <= end
                and same(other, of)
                and same(at, key)
                and _is_mark(value)
            ):
                if not any(k.name in _ATOMIC for k in node.keywords):
                    yield _race(body, node, of, "flagged", "looks for the mark", look)
                return


def _is_mark(value: Node) -> bool:
    """Whether a value only says that something is so."""
    return isinstance(value, Text) and value.value is not None


def _is_cache(of: Node) -> bool:
    last = dotted(of.callee if isinstance(of, Call) else of).rpartition(".")[2].lstrip("$_")
    return is_cache(last)


def _folder(body: Body, asked: Node, block: Node) -> Iterator[Race]:
    """`if not os.path.exists(folder): os.makedirs(folder)`."""
    match asked:
        case Other(word="not", children=(Call(callee=callee, args=(path,)) as look,)) if dotted(callee).lstrip("\\") in _THERE:
            pass
        case _:
            return
    for node in block.children if isinstance(block, Other) and block.word == "block" else (block,):
        match node:
            case Call(callee=callee, args=(made, *_)) if dotted(callee).lstrip("\\") in _FOLDERS and same(made, path):
                if not any(k.name == "exist_ok" for k in node.keywords) and body.language == "python":
                    yield _race(body, node, Name(made.start, made.end, body.said(made)), "founded", "looks for it", look)
                return


def _race(body: Body, node: Call, of: Node, kind: str, note: str, look: Node) -> Race:
    said = body.said(of) or dotted(of)
    flagged = kind == "flagged"
    mark = "nx=True" if "redis" in said.lower() else ""
    joint = "." if body.language == "python" else "->" if said.startswith("$") else "::"
    code = f"{said}{joint}set(…, {mark})" if mark and body.language == "python" else f"if (! {said}{joint}add(…)) …"
    if body.language == "python" and not mark:
        code = f"if not {said}.add(…):\n    return"
    return Race(
        kind="flagged" if flagged else "founded",
        function=body.called,
        place=body.place(node),
        model="",
        table="",
        row=said,
        call=node.callee.name if isinstance(node.callee, Member) else dotted(node.callee),
        also=((body.place(look), note),),
        sentence="Put the mark only where there is none, in one command, and go by its answer." if flagged else _EXISTS,
        code=code if flagged else f"os.makedirs({said}, exist_ok=True)",
        language=body.language,
    )


_EXISTS = "Make it whether or not it is there: `exist_ok=True`."
