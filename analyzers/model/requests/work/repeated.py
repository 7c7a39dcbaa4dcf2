"""What a job does a second time when it is tried again from its beginning: money is moved, a number is counted up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from analyzers.facts.outline import Assign, Call, Member, Name, Node, Other, Return, Text, walk
from analyzers.knowledge.work import work_of
from analyzers.model.errands import Errand, Flaw
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import FunctionDefinition
from analyzers.model.requests.texts import functions
from analyzers.model.requests.work import sites
from analyzers.model.requests.work.retries import is_retried
from analyzers.model.ways import CallSite
from analyzers.model.ways import Function as Reached

_OUTSIDE = frozenset({"http", "mail", "message", "payment", "model", "storage"})


def flaws(code: Codebase, errands: Iterable[Errand]) -> Iterator[Flaw]:
    """What the jobs of these errands do again."""
    told: set[str] = set()
    for errand in errands:
        if errand.kind not in _OUTSIDE or not errand.place.path.endswith(".py") or errand.function in told:
            continue
        path = errand.place.path
        definition = next((f for f in functions(code, path) if f.qualified == errand.function), None)
        mark = next((d for d in definition.node.decorators if is_retried(code, path, d)), None) if definition else None
        site = sites.stand(code, CallSite(Reached(path, errand.function), errand.place)) if mark is not None else None
        if definition is None or mark is None or site is None:
            continue
        for flaw in (*_moved(code, errand, definition, site, mark), *_counted(code, errand, definition, site, mark)):
            told.add(errand.function)
            yield flaw
            break


def _moved(code: Codebase, errand: Errand, definition: FunctionDefinition, site: sites.Stand, mark: Node) -> Iterator[Flaw]:
    """Money that is moved without a key by which the other side knows the second try."""
    work, node = work_of(errand.library, "python"), site.node
    if work is None or not work.moves or not isinstance(node, Call) or not errand.library.endswith(".create"):
        return
    parts = errand.library.split(".")
    given = {k.name: k.value for k in node.keywords}
    moves = next((m for m in work.moves if m.partition(" ")[0] in parts), None)
    if moves is None or "**" in given or _says(node, work.keyed):
        return
    wanted = moves.partition(" ")[2]
    if wanted and not _is_true(given.get(wanted)):
        return
    name = definition.node.name
    yield Flaw(
        subject=f"{errand.function}: {errand.library} again",
        title=f"`{name}` moves the money again when it is tried again",
        message=(
            f"`{name}` {errand.does} without `{work.keyed}`, and is tried again from its beginning: where the answer comes too "
            "late, or what follows fails, the money has been moved already, and is moved again with each try."
        ),
        remedy="Give it a key that is the same for each try; the other side then does it once.",
        code=f'{work.keyed}=f"{name}-{{key}}"',
        language="python",
        place=errand.place,
        related=((code.place(definition.path, mark), "is tried again"),),
        weight="high",
    )


def _says(node: Call, word: str) -> bool:
    given = (n for inner in (*node.args, *(k.value for k in node.keywords)) for n in walk(inner))
    return any(k.name == word for k in node.keywords) or any(isinstance(n, Text) and n.value == word for n in given)


def _is_true(node: Node | None) -> bool:
    return isinstance(node, Text) and node.value is True


def _counted(code: Codebase, errand: Errand, definition: FunctionDefinition, site: sites.Stand, mark: Node) -> Iterator[Flaw]:
    """A number that is written counted up before what may fail."""
    body, node = definition.node.body, site.node
    at = next((i for i, s in enumerate(body) if s.start <= node.start and node.end <= s.end), len(body))
    before = body[:at]
    guarded = any(isinstance(n, Return) for s in before for n in walk(s))
    tried = any(isinstance(n, Other) and n.word == "try" for n in site.around)
    if at == len(body) or guarded or tried or sites.transaction_of(site) is not None:
        return
    counted = next(iter(_written(before)), None)
    if counted is None:
        return
    name = definition.node.name
    yield Flaw(
        subject=f"{errand.function}: counted again",
        title=f"`{name}` counts again when it is tried again",
        message=(
            f"`{name}` writes a number that it counts up, then {errand.does}, and is tried again from its beginning where that "
            "fails: the number is counted up once more with each try."
        ),
        remedy="Do what may fail first; or open a transaction around both, so that a failure takes the number back.",
        code="with transaction.atomic():\n    …",
        language="python",
        place=code.place(definition.path, counted),
        related=((errand.place, f"`{errand.library}` may fail"), (code.place(definition.path, mark), "is tried again")),
    )


_COUNTS = re.compile(r"[+-]")


def _written(before: Iterable[Node]) -> Iterator[Node]:
    """Statements that write a number counted up: `row.tries += 1`, then `row.save()`; `rows.update(tries=F("tries") + 1)`."""
    counted: dict[str, Node] = {}
    for statement in before:
        match statement:
            case Assign(target=Member(of=Name(id=row)), operator=operator, value=Text()) if _COUNTS.fullmatch(operator):
                counted[row] = statement
            case Call(callee=Member(of=Name(id=row), name="save")) if row in counted:
                yield counted[row]
            case Call(callee=Member(name="update"), keywords=keywords) if any(_is_counted(k.name, k.value) for k in keywords):
                yield statement


def _is_counted(name: str, value: Node) -> bool:
    match value:
        case Other(word="+" | "-", children=(Call(callee=Name(id="F") | Member(name="F"), args=(Text(value=column),)), _)):
            return column == name
    return False
