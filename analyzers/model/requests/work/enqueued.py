"""What is put into a queue: too early, as its transaction is open still, or more than a key, as a row goes along."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.facts.outline import Call, Function, Member, Name, Node, Text
from analyzers.knowledge import libraries
from analyzers.knowledge.work import known
from analyzers.model.errands import Flaw
from analyzers.model.inference.acts import arguments_of
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, FunctionDefinition
from analyzers.model.naming.roles import is_batch, is_product
from analyzers.model.requests.bodies import Body, parts_of
from analyzers.model.requests.texts import calls_in, functions
from analyzers.model.requests.work import sites
from analyzers.model.tables.models import ModelIndex
from analyzers.model.ways import CallSite
from analyzers.model.ways import Function as Reached
from analyzers.words import short

_OPENED = frozenset(name for one in known() for name in one.passing.opened_by)
_PUTS: dict[str, frozenset[str]] = {one.language: frozenset(one.passing.puts) for one in known()}
_AFTER = frozenset(name for one in known() for name in one.passing.after)
_QUEUED = frozenset(name for one in known() for name in one.passing.queued)
_COMMITTED = frozenset(name for one in known() for name in one.passing.committed)
_GONE = frozenset({"delete", "deleted", "deleting", "remove", "removed", "destroy", "purge", "cleanup"})
_WRITES = {
    language: frozenset(
        name
        for x in libraries()
        if x.language == language
        for name in (*x.row_writers, *(m for m, method in (x.rows.methods if x.rows else {}).items() if method.effect))
    )
    for language in ("python", "php")
}


# -- too early ---------------------------------------------------------------------------------------------------------


def too_early(code: Codebase, language: str) -> Iterator[Flaw]:
    """Jobs that are put into a queue inside a transaction: a worker is often quicker than its end."""
    told = _delayed if language == "python" else _dispatched
    for path, facts in code.files.items():
        if facts.language == language and is_product(path) and not is_batch(path) and _may_open(code, path):
            for definition in functions(code, path):
                yield from told(code, definition)


def _may_open(code: Codebase, path: str) -> bool:
    facts = code.files[path]
    opens = facts.language == "php" or any(i.path in _OPENED for i in facts.imports)
    return opens and facts.may_say(_PUTS[facts.language])


def _delayed(code: Codebase, definition: FunctionDefinition) -> Iterator[Flaw]:
    for call in calls_in(definition.node):
        task = task_of(code, definition.path, call)
        if task is not None:
            name = task.node.name
            put = call.callee.name if isinstance(call.callee, Member) else "delay"
            after = f"transaction.on_commit(lambda: {name}.{put}(…))"
            yield from _early(code, definition, call, task.qualified, name, after)


def task_of(code: Codebase, path: str, call: Call) -> FunctionDefinition | None:
    """The function that a call puts into a queue: `ship.delay(key)`."""
    match call.callee:
        case Member(of=Name() | Member() as of, name=name) if name in _PUTS["python"]:
            found = code.resolve_node(path, of)
            return found if isinstance(found, FunctionDefinition) else None
    return None


def _dispatched(code: Codebase, definition: FunctionDefinition) -> Iterator[Flaw]:
    for call in calls_in(definition.node):
        job = _job_of(code, definition.path, call)
        if job is None or not _QUEUED & code.externals(job) or _COMMITTED & code.externals(job):
            continue
        said = job.attributes.get("afterCommit")
        if said is None or not (isinstance(said.value, Text) and said.value.value is True):
            yield from _early(code, definition, call, job.qualified, job.name, f"{job.name}::dispatch(…)->afterCommit();")


def _job_of(code: Codebase, path: str, call: Call) -> ClassDefinition | None:
    """The class of a job that a call queues: `Ship::dispatch($key)`, `dispatch(new Ship($key))`."""
    made: Node | None = None
    match call:
        case Call(callee=Member(of=Name() as of, name=name)) if name in _PUTS["php"] and not of.id.startswith("$"):
            made = of
        case Call(callee=Name(id=name) | Member(name=name), args=(Call(callee=Name() as of), *_)) if name in _PUTS["php"]:
            made = of
    found = code.resolve_node(path, made) if made is not None else None
    return found if isinstance(found, ClassDefinition) else None


def _early(code: Codebase, definition: FunctionDefinition, call: Call, job: str, name: str, after: str) -> Iterator[Flaw]:
    place = code.place(definition.path, call)
    site = sites.stand(code, CallSite(Reached(definition.path, definition.qualified), place))
    opened = sites.transaction_of(site) if site is not None else None
    language = code.files[definition.path].language
    if site is None or opened is None or _waits(site) or not writes_before(definition.node, call, language, opened):
        return
    yield Flaw(
        subject=f"{definition.qualified}: {job} before the commit",
        title=f"`{name}` may begin before what it is about is there",
        message=(
            f"`{short(definition.qualified)}` queues `{name}` inside a transaction: a worker that is free begins at once, "
            "and does not see what is not committed yet. If the transaction is taken back, the job is done all the same."
        ),
        remedy="Queue it when the transaction is committed.",
        code=after,
        language=language,
        place=place,
        related=((sites.place(code, site, opened), "the transaction begins here"),),
    )


def _waits(site: sites.Stand) -> bool:
    """Whether what is called of it says that it waits for the commit: `Ship::dispatch($key)->afterCommit()`."""
    inner = site.node
    for outer in reversed(site.around):
        match outer:
            case Member(of=of) if of is inner:
                if outer.name in _AFTER:
                    return True
            case Call(callee=callee) if callee is inner or (isinstance(callee, Member) and callee.of is inner):
                if isinstance(callee, Member) and callee.name in _AFTER:
                    return True
            case _:
                return False
        inner = outer
    return False


def writes_before(function: Function, node: Node, language: str, opened: Node | None = None) -> bool:
    """Whether a function writes rows before a node, since `opened` if that is given."""
    start = opened.start if opened is not None else function.start
    return any(
        isinstance(c.callee, Member) and c.callee.name in _WRITES[language] and start <= c.start and c.end <= node.start
        for c in calls_in(function)
    )


# -- more than a key ---------------------------------------------------------------------------------------------------


def rows(body: Body, models: ModelIndex) -> Iterator[Flaw]:
    """Rows that are put into a queue as they are."""
    if _GONE.intersection(parts_of(body.function.name)):
        return  # by its key nobody would find it any more
    for call in body.nodes if body.language == "python" else ():
        task = task_of(body.code, body.path, call) if isinstance(call, Call) else None
        if not isinstance(call, Call) or task is None:
            continue
        for node in arguments_of(call):
            act = body.act(node, "queued")
            model = models.by_name.get(act.model) if act is not None else None
            if not isinstance(node, Name) or model is None:
                continue
            put = call.callee.name if isinstance(call.callee, Member) else ""
            yield Flaw(
                subject=f"{body.definition.qualified}: {task.qualified} is given {node.id}",
                title=f"`{task.node.name}` is given a whole `{model.name}`, not its key",
                message=(
                    f"`{short(body.definition.qualified)}` puts the row `{node.id}` itself into the queue. A queue that "
                    "carries JSON refuses it; one that carries objects has the worker work with the row as it was when it was "
                    "queued, and write old values back when it saves it."
                ),
                remedy="Hand over its key, and load the row where the job begins.",
                code=f"{task.node.name}.{put}({node.id}.pk)",
                language="python",
                place=body.place(node),
            )
            break
