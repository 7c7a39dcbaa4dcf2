"""Files and folders that are looked for and then made, and counts that a file keeps: another may be at it in between."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzers.facts.outline import Assign, Call, Member, Name, Node, Other, Text, dotted, walk
from analyzers.model.requests.bodies import Body, parts_of
from analyzers.model.requests.races.flags import asked_of, done_where_absent, given, takes_lock
from analyzers.model.requests.texts import same, within
from analyzers.model.ways import Race

_FOLDERS = frozenset({"os.makedirs", "os.mkdir", "mkdir"})
_THERE = frozenset({"os.path.exists", "os.path.isdir", "os.path.isfile", "is_dir", "file_exists", "is_file"})
_THERE_OF = frozenset({"exists", "is_file", "is_dir"})  # of a path
_OPENS = frozenset({"open", "fopen", "io.open"})
_WRITES = frozenset({"file_put_contents", "touch"})
_WRITES_OF = frozenset({"touch", "write_text", "write_bytes"})
_READS = frozenset({"file_get_contents"})
_READS_OF = frozenset({"read_text", "read", "readline"})
_LOCKS = frozenset({"lock", "locked", "lck", "pid", "mutex", "running", "semaphore"})
_WORDS = re.compile(r"[a-zA-Z]+")


def read(body: Body) -> Iterator[Race]:
    """The files and folders of a function."""
    for test in body.nodes:
        if isinstance(test, Other) and test.word == "if" and len(test.children) > 1:
            yield from _folder(body, test.children[0], test.children[1])
            if not takes_lock(body):
                yield from _locked(body, test)
    if not takes_lock(body):
        yield from _counted(body)


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
                    said = body.said(made)
                    yield _race(body, node, look, said, "founded", _EXISTS, f"os.makedirs({said}, exist_ok=True)")
                return


_EXISTS = "Make it whether or not it is there: `exist_ok=True`."


# -- files that stand for a lock ---------------------------------------------------------------------------------------


def _locked(body: Body, test: Other) -> Iterator[Race]:
    """`if os.path.exists(lock): return`, and later `open(lock, "w")`."""
    look, there = asked_of(body, test.children[0])
    path, span = _path_there(look), done_where_absent(body, test, there=there)
    if path is None or span is None or not _is_lock(path):
        return
    for node in body.nodes:
        made = _path_written(node) if isinstance(node, Call) and span[0] <= node.start and node.end <= span[1] else None
        if made is not None and same(made, path):
            yield _race(body, node, look, body.said(path) or _text(path), "locked by file", _LOCK, _LOCK_CODE[body.language])
            return


_LOCK = "Let the system make the file only where there is none, and go by its answer; or lock it (`flock`)."
_LOCK_CODE = {
    "python": 'try:\n    open(…, "x")\nexcept FileExistsError:\n    return',
    "php": "$lock = @fopen(…, 'x');\nif ($lock === false) {\n    return;\n}",
}


def _path_there(look: Node) -> Node | None:
    match look:
        case Call(callee=callee, args=(path,)) if dotted(callee).lstrip("\\") in _THERE:
            return path
        case Call(callee=Member(of=path, name=name), args=()) if name in _THERE_OF:
            return path
    return None


def _path_written(node: Call) -> Node | None:
    match node:
        case Call(callee=callee, args=(path, Text(value=str() as mode), *_)) if dotted(callee).lstrip("\\") in _OPENS:
            return path if mode.startswith("w") else None
        case Call(callee=Name(id=name), args=(path, *_)) if name.lstrip("\\") in _WRITES:
            return path
        case Call(callee=Member(of=path, name=name)) if name in _WRITES_OF:
            return path
    return None


def _is_lock(path: Node) -> bool:
    """Whether what a path is called says that somebody is at work."""
    for node in walk(path):
        match node:
            case Name(id=name) | Member(name=name):
                words = set(parts_of(name))
            case Text(value=str() as text):
                words = {w.lower() for w in _WORDS.findall(text)}
            case _:
                continue
        if words & _LOCKS:
            return True
    return False


def _text(path: Node) -> str:
    return path.value if isinstance(path, Text) and isinstance(path.value, str) else "the file"


# -- counts in a file --------------------------------------------------------------------------------------------------


def _counted(body: Body) -> Iterator[Race]:
    """A number that is read from a file, raised, and written into it again."""
    for node in body.nodes:
        written = _written(body, node) if isinstance(node, Call) else None
        if written is None:
            continue
        path, value = written
        for part in walk(value):
            taken = _taken(body, part, path) if isinstance(part, Other) and part.word in ("+", "-") else None
            if taken is not None:
                yield _race(body, node, taken, body.said(path) or _text(path), "counted in file", _COUNT, "")
                return


_COUNT = "Keep the count where one command adds to it: in the database, or in Redis; or lock the file around both."


def _written(body: Body, node: Call) -> tuple[Node, Node] | None:
    """The file that a call writes into, and what."""
    match node:
        case Call(callee=Name(id="file_put_contents"), args=(path, value, *_)):
            return path, value
        case Call(callee=Member(of=path, name="write_text"), args=(value, *_)):
            return path, value
        case Call(callee=Member(of=Name(id=name), name="write"), args=(value,)):
            opened = _opened(body, name, node, "w")
            return (opened, value) if opened is not None else None
    return None


def _taken(body: Body, added: Other, path: Node) -> Node | None:
    """The call that read the file, where one is added to what it gave."""
    if not any(isinstance(c, Text) and isinstance(c.value, int) for c in added.children):
        return None
    for part in walk(added):
        for call in (part,) if isinstance(part, Call) else given(body, part) if isinstance(part, Name) else ():
            if (read_ := _read(body, call)) is not None and same(read_, path):
                return call
    return None


def _read(body: Body, call: Call) -> Node | None:
    match call:
        case Call(callee=Name(id=name), args=(path, *_)) if name.lstrip("\\") in _READS:
            return path
        case Call(callee=Member(of=Call(callee=Name(id="open"), args=(path, *_)), name=name)) if name in _READS_OF:
            return path
        case Call(callee=Member(of=Name(id=file), name=name)) if name in _READS_OF:
            return _opened(body, file, call, "r") if name != "read_text" else call.callee.of  # type: ignore[union-attr]
    return None


def _opened(body: Body, name: str, node: Node, mode: str) -> Node | None:
    """The path of the file that a name stands for: `with open(path) as file`."""
    for outer in body.around(node):
        for one in outer.children if isinstance(outer, Other) and outer.word == "with" else ():
            match one:
                case Assign(target=Name(id=file), value=Call(callee=Name(id="open"), args=(path, *rest))) if file == name:
                    said = rest[0].value if rest and isinstance(rest[0], Text) else "r"
                    return path if isinstance(said, str) and said.startswith(mode) and not within(node, one) else None
    return None


def _race(body: Body, node: Node, look: Node, said: str, kind: str, sentence: str, code: str) -> Race:
    return Race(
        kind="founded" if kind == "founded" else "counted" if kind == "counted in file" else "flagged",
        function=body.called,
        place=body.place(node),
        model="",
        table="",
        row=said,
        role="" if kind == "founded" else "file",
        also=((body.place(look), "looks for it" if kind != "counted in file" else "reads the count"),),
        sentence=sentence,
        code=code,
        language=body.language,
    )
