"""How jobs are put into a queue, and what becomes of one that fails."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from analyzers.facts.outline import Call, Function, Member, Node, Other, walk
from analyzers.knowledge.derived import derived
from analyzers.knowledge.work import Put, known
from analyzers.model.errands import Errand, Flaw
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import External, FunctionDefinition
from analyzers.model.naming.roles import is_batch, is_product
from analyzers.model.requests.texts import functions
from analyzers.model.requests.work import enqueued
from analyzers.model.ways import Function as Reached
from analyzers.model.ways import Reach
from analyzers.source import Place

_once = derived(lambda: frozenset(name for one in known() for name in one.once))
_puts = derived(lambda: tuple(put for one in known() for put in one.puts))
_queues = derived(lambda: frozenset().union(*(put.methods for put in _puts())))
_DEEP = 4  # calls from a job to what it does
_LOST = {"mail": "a mail", "message": "a message", "http": "a request to another service"}


def flaws(code: Codebase, reach: Reach, errands: Iterable[Errand]) -> Iterator[Flaw]:
    """What is lost of jobs that fail once, and what is put into a queue too early."""
    outside = {(e.place.path, e.function): e for e in errands if e.kind in _LOST}
    for path, facts in code.files.items():
        if facts.language != "python" or not is_product(path) or is_batch(path):
            continue
        tops = {i.path.partition(".")[0] for i in facts.imports}
        puts = [put for put in _puts() if tops & set(put.packages)]
        if puts and facts.may_say(_queues()):
            for definition in functions(code, path):
                yield from _put(code, reach, definition, puts, outside)
    yield from _tried_once(code, reach, outside)
    yield from enqueued.too_early(code, "python")
    yield from enqueued.uncommitted(code)


# -- jobs that nobody tries again --------------------------------------------------------------------------------------


def _put(
    code: Codebase, reach: Reach, definition: FunctionDefinition, puts: list[Put], outside: dict[tuple[str, str], Errand]
) -> Iterator[Flaw]:
    """Jobs that are put into a queue without another try, though what they do fails once in a while."""
    for put in puts:
        for call, job in enqueued.put_by(code, definition, put.packages, put.methods):
            if any(k.name in (*put.again, "**") for k in call.keywords):
                continue
            errand = _comes_to(reach, job, outside) if job is not None else None
            if job is None or errand is None:
                continue
            yield Flaw(
                subject=f"{definition.qualified}: {job.qualified} without another try",
                title=f"A job that fails once is lost: `{job.node.name}`",
                message=(
                    f"`{job.node.name}` {errand.does}, which fails whenever the other side is away for a moment; it is put "
                    f"into the queue without `{put.again[0]}`, so it is not tried again."
                ),
                remedy="Have it tried again, each time later than before.",
                code=put.code,
                language="python",
                place=code.place(definition.path, call),
                related=((errand.place, f"`{errand.library}`"),),
                weight="low",
            )


def _comes_to(reach: Reach, job: FunctionDefinition, outside: dict[tuple[str, str], Errand]) -> Errand | None:
    """What a job does outside of the process, by functions that it calls."""
    first = Reached(job.path, job.qualified)
    queue, seen = deque([(first, 0)]), {first}
    while queue:
        function, depth = queue.popleft()
        if (errand := outside.get((function.path, function.name))) is not None:
            return errand
        for target in reach.calls_of.get(function, ()) if depth < _DEEP else ():
            if target not in seen:
                seen.add(target)
                queue.append((target, depth + 1))
    return None


def _tried_once(code: Codebase, reach: Reach, outside: dict[tuple[str, str], Errand]) -> Iterator[Flaw]:
    """Tasks that do nothing but tell somebody something, and of which nothing says how often that is tried."""
    for entry in reach.entries:
        errand = outside.get((entry.function.path, entry.function.name))
        if entry.kind != "task" or errand is None or errand.kind == "http" or errand.place.path != entry.place.path:
            continue
        definition = next((f for f in functions(code, entry.function.path) if f.qualified == entry.function.name), None)
        if definition is None or len(definition.node.decorators) != 1 or definition.owner is not None:
            continue
        decorator = definition.node.decorators[0]
        bare = not isinstance(decorator, Call) or not (decorator.args or decorator.keywords)
        found = code.resolve_node(definition.path, decorator.callee if isinstance(decorator, Call) else decorator)
        if not bare or not isinstance(found, External) or found.name not in _once() or _tries(definition.node):
            continue
        yield Flaw(
            subject=f"{definition.qualified}: not tried again",
            title=f"{_LOST[errand.kind].capitalize()} that cannot be sent at once is lost: `{definition.node.name}`",
            message=(
                f"`{definition.node.name}` {errand.does}, and nothing says what becomes of it when the other side is away for "
                "a moment: the task fails, and nobody tries it again."
            ),
            remedy="Have it tried again, each time later than before.",
            code="@shared_task(autoretry_for=(OSError, smtplib.SMTPException), retry_backoff=True, max_retries=5)",
            language="python",
            place=_place(code, definition, decorator),
            related=((errand.place, f"`{errand.library}`"),),
            weight="low",
        )


def _place(code: Codebase, definition: FunctionDefinition, decorator: Node) -> Place:
    return code.place(definition.path, decorator)


def _tries(function: Function) -> bool:
    """Whether the function itself looks at what fails, or has itself called again."""
    nodes = (n for statement in function.body for n in walk(statement))
    return any((isinstance(n, Other) and n.word == "try") or (isinstance(n, Member) and n.name == "retry") for n in nodes)
