"""Files, sockets and sessions that are opened and not closed."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.facts.outline import Assign, Call, Member, Name, Other, Return, dotted
from analyzers.knowledge.derived import derived
from analyzers.model.requests.bodies import Body
from analyzers.model.requests.results import answers
from analyzers.model.ways import Heap

_handles = derived(lambda: answers.words("handles"))
_readers = derived(lambda: answers.words("parsers"))
_loaders = derived(lambda: answers.words("loaders"))
words = derived(lambda: {of: frozenset(name.rpartition(".")[2] for name in names) for of, names in _handles().items()})
"""What a function speaks of that opens something."""
_WITH = "with {}(…) as {}:\n    …"


def read(body: Body) -> Iterator[Heap]:
    """`file = open(path)`, and no `close()` on any way."""
    for node in body.nodes:
        match node:
            case Assign(target=Name(id=name), value=Call(callee=callee)) if dotted(callee) in _handles()[body.language]:
                managed = any(isinstance(n, Other) and n.word == "with" for n in body.around(node))
                if not managed and not any(_gives_away(body, use) for use in body.uses(name, node.end)):
                    yield Heap(
                        kind="opened",
                        function=body.called,
                        place=body.place(node),
                        said=name,
                        code=_WITH.format(dotted(callee), name),
                        language=body.language,
                    )


def _gives_away(body: Body, use: Name) -> bool:
    """Whether a handle is closed, or handed to whoever may close it."""
    for outer in body.around(use):
        match outer:
            case Return() | Other(word="yield" | "with" | "tuple" | "list" | "dict"):
                return True
            case Call(callee=Member(of=of, name=name)) if of is use:
                return name in ("close", "detach", "shutdown", "__exit__", "quit")
            case Call(callee=callee) if callee is not use and not (isinstance(callee, Member) and callee.of is use):
                return dotted(callee) not in _readers()[body.language] | _loaders()[body.language]
            case Assign(target=target) if not isinstance(target, Name) or isinstance(outer.value, Name):
                return True
    return False
