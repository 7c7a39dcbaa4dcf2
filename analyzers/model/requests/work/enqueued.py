"""What is put into a queue: too early, as its transaction is open still, or more than a key, as a row goes along."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from analyzers.facts.outline import Call, Function, Member, Name, Node, Other, Text, dotted, walk
from analyzers.knowledge import libraries
from analyzers.knowledge.derived import derived
from analyzers.knowledge.work import known
from analyzers.model.errands import Flaw
from analyzers.model.inference.acts import arguments_of
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, External, FunctionDefinition
from analyzers.model.naming.roles import is_batch, is_product
from analyzers.model.requests.bodies import Body, parts_of
from analyzers.model.requests.texts import calls_in, functions
from analyzers.model.requests.work import sites
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.model.ways import CallSite
from analyzers.model.ways import Function as Reached
from analyzers.words import short

_opened = derived(lambda: frozenset(name for one in known() for name in one.passing.opened_by))
_puts: Callable[[], dict[str, frozenset[str]]] = derived(lambda: {one.language: frozenset(one.passing.puts) for one in known()})
_after = derived(lambda: frozenset(name for one in known() for name in one.passing.after))
_queued = derived(lambda: frozenset(name for one in known() for name in one.passing.queued))
_committed = derived(lambda: frozenset(name for one in known() for name in one.passing.committed))
_by_call = derived(lambda: tuple(put for one in known() for put in one.puts))
_SESSIONS = ("session", "db")
_GONE = frozenset({"delete", "deleted", "deleting", "remove", "removed", "destroy", "purge", "cleanup"})
_writes = derived(
    lambda: {
        language: frozenset(
            name
            for x in libraries()
            if x.language == language
            for name in (*x.row_writers, *(m for m, method in (x.rows.methods if x.rows else {}).items() if method.effect))
        )
        for language in ("python", "php")
    }
)


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
    opens = facts.language == "php" or any(i.path in _opened() for i in facts.imports)
    return opens and facts.may_say(_puts()[facts.language])


def _delayed(code: Codebase, definition: FunctionDefinition) -> Iterator[Flaw]:
    for call, task in _put(code, definition):
        name = task.node.name
        put = call.callee.name if isinstance(call.callee, Member) else "delay"
        queued = f"{name}.{put}(…)" if task_of(code, definition.path, call) is not None else f"{dotted(call.callee)}({name}, …)"
        after = f"transaction.on_commit(lambda: {queued})"
        yield from _early(code, definition, call, task.qualified, name, after)


def _put(code: Codebase, definition: FunctionDefinition) -> Iterator[tuple[Call, FunctionDefinition]]:
    """The calls that put a function of the project into a queue: `ship.delay(key)`, `queue.enqueue(ship, key)`."""
    for call in calls_in(definition.node):
        task = task_of(code, definition.path, call)
        if task is not None:
            yield call, task
    for put in _by_call():
        if any(i.path.partition(".")[0] in put.packages for i in code.files[definition.path].imports):
            for call, job in put_by(code, definition, put.packages, put.methods):
                if job is not None:
                    yield call, job


def uncommitted(code: Codebase) -> Iterator[Flaw]:
    """Jobs about a row that a session is given before, and commits after: a worker is often quicker."""
    for path, facts in code.files.items():
        if facts.language != "python" or not is_product(path) or is_batch(path):
            continue
        if facts.may_say({"commit"}) and facts.may_say({"add"}) and facts.may_say(_puts()["python"]):
            for definition in functions(code, path):
                yield from _before_commit(code, definition)


def _before_commit(code: Codebase, definition: FunctionDefinition) -> Iterator[Flaw]:
    calls = [c for c in calls_in(definition.node) if isinstance(c.callee, Member)]
    added = [(dotted(c.callee.of), c.args[0].id, c) for c in calls if _is_added(c)]  # type: ignore[union-attr]
    commits = [(dotted(c.callee.of), c) for c in calls if isinstance(c.callee, Member) and c.callee.name == "commit"]
    for call, task in _put(code, definition) if added and commits else ():
        about = {n.id for a in arguments_of(call) for n in walk(a) if isinstance(n, Name)}
        for session, row, add in added:
            own = [c for of, c in commits if of == session]
            early = add.end <= call.start and not any(add.end <= c.start < call.start for c in own)
            if not early or row not in about or not any(c.start > call.end for c in own):
                continue
            after = next(c for c in own if c.start > call.end)
            yield Flaw(
                subject=f"{definition.qualified}: {task.qualified} before the commit",
                title=f"`{task.node.name}` may begin before what it is about is there",
                message=(
                    f"`{short(definition.qualified)}` queues `{task.node.name}` about `{row}` before `{session}.commit()`: a "
                    "worker that is free begins at once, and finds no such row. If the commit fails, the job is done all the "
                    "same."
                ),
                remedy="Commit first, then queue it.",
                code=f"{session}.commit()\n{dotted(call.callee)}({row}.id)",
                language="python",
                place=code.place(definition.path, call),
                related=(
                    (code.place(definition.path, add), f"`{row}` is to be written"),
                    (code.place(definition.path, after), "and is, here"),
                ),
            )
            break


def _is_added(call: Call) -> bool:
    match call:
        case Call(callee=Member(of=of, name="add"), args=(Name(), *_)):
            return dotted(of).rpartition(".")[2].lower().endswith(_SESSIONS)
    return False


def task_of(code: Codebase, path: str, call: Call) -> FunctionDefinition | None:
    """The function that a call puts into a queue: `ship.delay(key)`."""
    match call.callee:
        case Member(of=Name() | Member() as of, name=name) if name in _puts()["python"]:
            found = code.resolve_node(path, of)
            return found if isinstance(found, FunctionDefinition) else None
    return None


def put_by(
    code: Codebase, definition: FunctionDefinition, packages: Collection[str], methods: Collection[str]
) -> Iterator[tuple[Call, FunctionDefinition | None]]:
    """The calls of a function that put a job into a queue of such a package, with the job where it is one of the project's."""
    for call in calls_in(definition.node):
        match call:
            case Call(callee=Member(of=of, name=name), args=(job, *_)) if name in methods and _is_of(
                code, definition, of, packages
            ):
                yield call, _job(code, definition.path, job)


def _is_of(code: Codebase, definition: FunctionDefinition, of: Node, packages: Collection[str]) -> bool:
    """Whether an object is the queue's: a call of its package makes it, there or where the function gets the name."""
    made: list[Node] = [of]
    if isinstance(of, Name):
        made = list(sites.values_of(definition.node.body, of.id))
        made = made or list(sites.values_of(code.files[definition.path].outline, of.id)) or [of]
    for node in made:
        found = code.resolve_node(definition.path, node.callee if isinstance(node, Call) else node)
        if isinstance(found, External) and found.name.partition(".")[0] in packages:
            return True
    return False


def _job(code: Codebase, path: str, node: Node) -> FunctionDefinition | None:
    """The function that is put into a queue, or the one of that name."""
    match node:
        case Name() | Member():
            found = code.resolve_node(path, node)
            return found if isinstance(found, FunctionDefinition) else None
        case Text(value=str() as name):
            found = code.named(name, path)
            return found if isinstance(found, FunctionDefinition) else None
    return None


def _dispatched(code: Codebase, definition: FunctionDefinition) -> Iterator[Flaw]:
    for call in calls_in(definition.node):
        job = _job_of(code, definition.path, call)
        if job is None or not _queued() & code.externals(job) or _committed() & code.externals(job):
            continue
        said = job.attributes.get("afterCommit")
        if said is None or not (isinstance(said.value, Text) and said.value.value is True):
            yield from _early(code, definition, call, job.qualified, job.name, f"{job.name}::dispatch(…)->afterCommit();")


def _job_of(code: Codebase, path: str, call: Call) -> ClassDefinition | None:
    """The class of a job that a call queues: `Ship::dispatch($key)`, `dispatch(new Ship($key))`."""
    made: Node | None = None
    match call:
        case Call(callee=Member(of=Name() as of, name=name)) if name in _puts()["php"] and not of.id.startswith("$"):
            made = of
        case Call(callee=Name(id=name) | Member(name=name), args=(Call(callee=Name() as of), *_)) if name in _puts()["php"]:
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
                if outer.name in _after():
                    return True
            case Call(callee=callee) if callee is inner or (isinstance(callee, Member) and callee.of is inner):
                if isinstance(callee, Member) and callee.name in _after():
                    return True
            case _:
                return False
        inner = outer
    return False


def writes_before(function: Function, node: Node, language: str, opened: Node | None = None) -> bool:
    """Whether a function writes rows before a node, since `opened` if that is given."""
    start = opened.start if opened is not None else function.start
    return any(
        isinstance(c.callee, Member) and c.callee.name in _writes()[language] and start <= c.start and c.end <= node.start
        for c in calls_in(function)
    )


# -- more than a key ---------------------------------------------------------------------------------------------------


def rows(body: Body, models: ModelIndex) -> Iterator[Flaw]:
    """Rows that are put into a queue as they are, and the contents of files."""
    if body.language != "python" or _GONE.intersection(parts_of(body.function.name)):
        return  # by its key nobody would find it any more
    for call, task in _put(body.code, body.definition):
        yield from _contents(body, call, task)
        for node in arguments_of(call):
            act = body.act(node, "queued")
            model = models.by_name.get(act.model) if act is not None else None
            if isinstance(node, Name) and model is not None and act is not None:
                yield _given_rows(body, call, task, node, model, many=act.gives == "rows")
                break


def _given_rows(body: Body, call: Call, task: FunctionDefinition, node: Name, model: Model, *, many: bool) -> Flaw:
    what = f"rows of `{model.name}`, not their keys" if many else f"a whole `{model.name}`, not its key"
    these = f"the rows of `{node.id}`" if many else f"the row `{node.id}` itself"
    key = min(model.keys, default="pk")
    keys = f"[row.{key} for row in {node.id}]" if many else f"{node.id}.{key}"
    by_itself = task_of(body.code, body.path, call) is not None
    return Flaw(
        subject=f"{body.definition.qualified}: {task.qualified} is given {node.id}",
        title=f"`{task.node.name}` is given {what}",
        message=(
            f"`{short(body.definition.qualified)}` puts {these} into the queue. A queue that carries JSON refuses that; one "
            "that carries objects has the worker work with what there was when it was queued, and write old values back when "
            "it saves it."
        ),
        remedy=f"Hand over {'their keys, and load them' if many else 'its key, and load the row'} where the job begins.",
        code=f"{dotted(call.callee)}({keys})" if by_itself else f"{dotted(call.callee)}({task.node.name}, {keys})",
        language="python",
        place=body.place(node),
    )


_ENCODES = frozenset({"b64encode", "standard_b64encode", "urlsafe_b64encode"})


def _contents(body: Body, call: Call, task: FunctionDefinition) -> Iterator[Flaw]:
    """The content of a file that goes through the queue."""
    for node in arguments_of(call):
        values = [a.value for a in body.assigned.get(node.id, ())] if isinstance(node, Name) else [node]
        if not values or not all(v is not None and _is_content(v) for v in values):
            continue
        yield Flaw(
            subject=f"{body.definition.qualified}: {task.qualified} is given a content",
            title=f"`{task.node.name}` is given the content of a file",
            message=(
                f"`{short(body.definition.qualified)}` reads a file and puts all of it into the queue: the broker, which is "
                "made for small messages, holds each until a worker has done it, and may refuse a large one."
            ),
            remedy="Put the file where both can read it, and hand over its name.",
            language="python",
            place=body.place(node),
            weight="low",
            listed="How much that is, the file decides.",
        )
        return


def _is_content(value: Node) -> bool:
    match value:
        case Call(callee=Member(of=Call() as inner, name="decode")):
            return _is_content(inner)
        case Call(callee=Name(id=name) | Member(name=name)) if name in _ENCODES:
            return True
        case Call(callee=Member(name="read"), args=()):
            return True
        case Other(word="await", children=(inner,)):
            return _is_content(inner)
    return False
