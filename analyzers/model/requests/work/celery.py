"""How Celery is set up: when a task counts as done, how long it may take, and what is kept of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from analyzers.deployment.configurations import said
from analyzers.deployment.scalars import Stated
from analyzers.facts.outline import Assign, Call, Function, Member, Name, Node, Text, dotted, walk
from analyzers.model.errands import Errand, Flaw
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.roles import is_product
from analyzers.model.requests.texts import functions
from analyzers.model.requests.work import durations
from analyzers.source import Place
from analyzers.words import short

_PREFIX = re.compile(r"^(?:CELERY_|celery_)?(?:CELERYD_|CELERYBEAT_)?", re.IGNORECASE)
_OLD = {
    "acks_late": "task_acks_late",
    "prefetch_multiplier": "worker_prefetch_multiplier",
    "transport_options": "broker_transport_options",
}
_LIMITS = ("acks_late", "time_limit", "soft_time_limit")
_DELAYS = ("countdown", "eta")
_ENDING = ("result_expires", "task_result_expires", "broker_pool_limit")
_QUEUES = ("apply_async", "apply_async_on_commit", "send_task", "retry", "set")
_ADDRESS = re.compile(r"(rediss?|amqps?|pyamqp|sqs|kafka|confluentkafka|gcpubsub|sentinel|redis\+\w+)://")
_NOTHING = Text(0, 0, None)
_WORKER_LOST = "celery: task_reject_on_worker_lost"
_HOUR = 3600
_LONG = 600  # seconds: a job that takes this long is one whose loss somebody notices


def flaws(code: Codebase, stated: Sequence[Stated], errands: Sequence[Errand]) -> Iterator[Flaw]:
    """What its settings, among these scalars, and its tasks, with what they wait for, are found to lack."""
    if any(_imports(code, path) for path in code.files):
        yield from _settings(code, stated, errands)


def _imports(code: Codebase, path: str) -> bool:
    return is_product(path) and any(i.path.partition(".")[0] == "celery" for i in code.files[path].imports)


class _Conf(msgspec.Struct, frozen=True):
    """A setting of Celery, by its name of today."""

    value: str
    place: Place


class _Marks(msgspec.Struct):
    """What the decorators of tasks say for these alone."""

    limits: list[tuple[int, Place, str]] = msgspec.field(default_factory=list)
    late: list[tuple[str, Place]] = msgspec.field(default_factory=list)  # those that can be lost all the same
    acks: bool = False
    limited: bool = False


def _settings(code: Codebase, stated: Sequence[Stated], errands: Sequence[Errand]) -> Iterator[Flaw]:
    found, marks = _found(code, stated), _marks(code)
    limit = found.get("task_time_limit")
    if limit is not None and limit.value.isdigit():
        marks.limits.append((int(limit.value), limit.place, ""))
    acks = found.get("task_acks_late")
    if acks is not None and acks.value == "True":
        yield from _short_visibility(code, found, acks, marks.limits)
    if acks is None and not marks.acks and marks.limits:
        yield from _early(found, max(marks.limits, key=lambda x: x[0]))
    yield from _lost_with_process(found, acks, marks)
    yield from _postponed(code, found)
    yield from _unlimited(code, found, marks, errands)
    yield from _kept_for_ever(found)
    yield from _unpooled(found)


def _found(code: Codebase, stated: Sequence[Stated]) -> dict[str, _Conf]:
    found: dict[str, _Conf] = {}
    for one in stated:
        if one.path.endswith(".py"):
            key = _today(one.key)
            nothing = key in _ENDING and not one.value and one.key in _nothings(code, one.path)
            found.setdefault(key, _Conf("None" if nothing else one.value, one.place))
    for path in code.files:
        if _imports(code, path):
            for name, value, node in _configured(code.files[path].outline):
                found.setdefault(_today(name), _Conf(said(value), code.place(path, node)))
    return found


def _marks(code: Codebase) -> _Marks:
    marks = _Marks()
    for path, facts in code.files.items():
        if facts.language != "python" or not is_product(path) or not facts.may_say(_LIMITS):
            continue
        for function in _functions(facts.outline):
            for decorator in (d for d in function.decorators if isinstance(d, Call)):
                given = {k.name: k.value for k in decorator.keywords}
                place = code.place(path, decorator)
                marks.acks = marks.acks or "acks_late" in given
                marks.limited = marks.limited or not given.keys().isdisjoint(("time_limit", "soft_time_limit"))
                if said(given.get("acks_late", _NOTHING)) == "True" and "reject_on_worker_lost" not in given:
                    marks.late.append((function.name, place))
                if said(given.get("time_limit", _NOTHING)).isdigit():
                    marks.limits.append((int(said(given["time_limit"])), place, function.name))
    return marks


def _nothings(code: Codebase, path: str) -> frozenset[str]:
    """The names to which a file gives `None`."""
    outline = code.files[path].outline
    return frozenset(
        n.target.id
        for top in outline
        for n in walk(top)
        if isinstance(n, Assign) and isinstance(n.target, Name) and isinstance(n.value, Text) and n.value.value is None
    )


def _early(found: Mapping[str, _Conf], longest: tuple[int, Place, str]) -> Iterator[Flaw]:
    prefetch, (seconds, place, _) = found.get("worker_prefetch_multiplier"), longest
    if prefetch is None or prefetch.value != "1" or seconds < _LONG:
        return
    yield Flaw(
        subject="celery: task_acks_late",
        title="A worker that dies loses its task",
        message=(
            f"Tasks may take {_minutes(seconds)}, and count as done when a worker takes them, as `task_acks_late` is not set: "
            "one that is killed meanwhile (a new version, no memory left) is not done again by anybody."
        ),
        remedy=(
            "Acknowledge tasks that may be done twice when they are done, and hand back those whose process was killed; set "
            "`acks_late=False` for those that may not."
        ),
        code="CELERY_TASK_ACKS_LATE = True\nCELERY_TASK_REJECT_ON_WORKER_LOST = True",
        language="python",
        place=prefetch.place,
        related=((place, f"a task may take {_minutes(seconds)}"),),
        weight="low",
        parts=(_WORKER_LOST,),
    )


def _lost_with_process(found: Mapping[str, _Conf], acks: _Conf | None, marks: _Marks) -> Iterator[Flaw]:
    """Tasks that are acknowledged when they are done, and all the same where their process is killed."""
    late = [("", acks.place)] if acks is not None and acks.value == "True" else marks.late
    pool = found.get("worker_pool")
    if not late or "task_reject_on_worker_lost" in found or (pool is not None and pool.value != "prefork"):
        return
    name, place = late[0]
    yield Flaw(
        subject=_WORKER_LOST,
        title="A task whose process is killed is lost, though it is acknowledged late",
        message=(
            f"{f'`{name}`' if name else 'A task'} is acknowledged when it is done, so it comes back when the whole worker dies."
            " Where only its process is killed (no memory left), the worker lives on and acknowledges it, done or not: "
            "`task_reject_on_worker_lost` is not set."
        ),
        remedy="Hand back those that may be done twice; one that is killed each time comes back each time.",
        code="CELERY_TASK_REJECT_ON_WORKER_LOST = True",
        language="python",
        place=place,
        related=tuple((p, f"`{n}` too") for n, p in late[1:4]),
        weight="low",
        listed="A task that kills its process would come back for ever, so it is for the project to say.",
    )


def _postponed(code: Codebase, found: Mapping[str, _Conf]) -> Iterator[Flaw]:
    """Tasks that are due later than Redis waits for them: each worker that holds one loses it to another."""
    visible = _visible(found)
    seconds, stated = visible or (0, "")
    far = [(path, call, delay) for path, call, delay in _delays(code) if delay > seconds] if visible is not None else []
    broker = _redis(code) if far else None
    for path, call, delay in far if broker is not None else ():
        yield Flaw(
            subject=f"celery: visibility_timeout: {path}: {dotted(call.callee)}",
            title=f"A task that is due in {durations.told(delay)} is done several times",
            message=(
                f"A worker holds a task until it is due, and acknowledges it no sooner; {stated}: after that, Redis gives it "
                "to another worker, and so on, and when it is due each of them does it."
            ),
            remedy="Let `visibility_timeout` be longer than the longest countdown; or have a schedule look for what is due.",
            code=f'CELERY_BROKER_TRANSPORT_OPTIONS = {{"visibility_timeout": {_whole_hours(delay)}}}',
            language="python",
            place=code.place(path, call),
            related=((broker, "the broker is Redis"),) if broker is not None else (),
            cause="celery: visibility_timeout",
        )


def _delays(code: Codebase) -> Iterator[tuple[str, Call, float]]:
    """The calls that queue tasks for later, and in how many seconds these are due."""
    for path, facts in code.files.items():
        if facts.language == "python" and is_product(path) and facts.may_say(_DELAYS):
            for call in (n for top in facts.outline for n in walk(top) if isinstance(n, Call)):
                delay = _delay(call)
                if delay is not None:
                    yield path, call, delay


def _delay(call: Call) -> float | None:
    """In how many seconds a call has a task done, where it surely queues one."""
    if not isinstance(call.callee, Member) or call.callee.name not in _QUEUES:
        return None
    for keyword in call.keywords:
        if keyword.name == "countdown":
            return durations.seconds(keyword.value)
        if keyword.name == "eta":
            return durations.later(keyword.value)
    return None


def _unlimited(code: Codebase, found: Mapping[str, _Conf], marks: _Marks, errands: Sequence[Errand]) -> Iterator[Flaw]:
    """Tasks that wait for others for as long as those like, where nothing ends a task."""
    if marks.limited or not found.keys().isdisjoint(("task_time_limit", "task_soft_time_limit")):
        return
    waiting = [e for e in errands if e.endless and e.reached == "task"]
    if waiting:
        path = waiting[0].place.path
        node = next((f.node for f in functions(code, path) if f.qualified == waiting[0].function), None)
        yield Flaw(
            subject="celery: task_time_limit",
            title="Nothing ends a task that hangs",
            message=(
                f"`{short(waiting[0].function)}` {waiting[0].does} without a limit, and neither the settings nor the tasks "
                "have a `time_limit`: each that hangs takes one of the worker's processes for good."
            ),
            remedy="Give tasks a limit, with a soft one before it.",
            code="CELERY_TASK_SOFT_TIME_LIMIT = 270\nCELERY_TASK_TIME_LIMIT = 300",
            language="python",
            place=code.place(path, node.decorators[0]) if node is not None and node.decorators else waiting[0].place,
            related=tuple((e.place, f"`{e.library}` in `{short(e.function)}`") for e in waiting[:3]),
            weight="low",
            listed="A limit on the call itself is told where it is missing; the worker's command may have one, too.",
        )


def _kept_for_ever(found: Mapping[str, _Conf]) -> Iterator[Flaw]:
    """Results that no backend ever forgets."""
    expires = found.get("result_expires") or found.get("task_result_expires")
    if expires is None or expires.value not in ("None", "0"):
        return
    yield Flaw(
        subject="celery: result_expires",
        title="Results of tasks are kept for ever",
        message=(
            f"`result_expires` is {expires.value}: the result of each task stays in the backend, which grows by one for each "
            "task until its memory or its disk is full."
        ),
        remedy="Say how long a result is asked for, and have tasks whose result nobody reads keep none (`ignore_result`).",
        code="CELERY_RESULT_EXPIRES = 60 * 60  # seconds",
        language="python",
        place=expires.place,
    )


def _unpooled(found: Mapping[str, _Conf]) -> Iterator[Flaw]:
    """A connection to the broker for each task that is queued."""
    limit = found.get("broker_pool_limit")
    if limit is None or limit.value not in ("None", "0"):
        return
    yield Flaw(
        subject="celery: broker_pool_limit",
        title="Each task that is queued opens a connection to the broker",
        message=(
            f"`broker_pool_limit` is {limit.value}, so no connection is kept: each request that queues a task opens one to the "
            "broker and closes it again, which takes longer than what it is for."
        ),
        remedy="Keep as many as threads queue tasks at once; where a broker allows few, one.",
        code="CELERY_BROKER_POOL_LIMIT = 10",
        language="python",
        place=limit.place,
        weight="low",
    )


def _short_visibility(
    code: Codebase, found: Mapping[str, _Conf], acks: _Conf, limits: list[tuple[int, Place, str]]
) -> Iterator[Flaw]:
    """Redis hands a task to a second worker that was not acknowledged for so long, while the first is still at it."""
    broker, visible = _redis(code), _visible(found)
    if broker is None or not limits or visible is None:
        return
    timeout = found.get("broker_transport_options.visibility_timeout")
    seconds, stated = visible
    longest, place, name = max(limits, key=lambda x: x[0])
    if longest <= seconds:
        return
    yield Flaw(
        subject="celery: visibility_timeout",
        title="Tasks that take long are done twice",
        message=(
            f"Tasks are acknowledged when they are done, and {f'`{name}`' if name else 'one'} may take {_minutes(longest)}; "
            f"{stated}: after that, Redis gives the task to another worker, which begins it again while the first is at it."
        ),
        remedy="Let `visibility_timeout` be longer than the longest task, and the longest countdown.",
        code=f'CELERY_BROKER_TRANSPORT_OPTIONS = {{"visibility_timeout": {_whole_hours(longest)}}}',
        language="python",
        place=(timeout or acks).place,
        related=((place, f"may take {_minutes(longest)}"), (broker, "the broker is Redis")),
    )


def _visible(found: Mapping[str, _Conf]) -> tuple[int, str] | None:
    """For how many seconds Redis waits for a task, and that in words; unknown where it is made elsewhere."""
    timeout = found.get("broker_transport_options.visibility_timeout")
    if timeout is None:
        return (
            None if "broker_transport_options" in found else (_HOUR, f"`visibility_timeout` is {_minutes(_HOUR)}, the default")
        )
    if not timeout.value.isdigit():
        return None
    return int(timeout.value), f"`visibility_timeout` is {_minutes(int(timeout.value))}"


def _whole_hours(seconds: float) -> int:
    """Half as long again, in whole hours."""
    return -(-int(seconds) * 3 // 2 // _HOUR) * _HOUR


def _redis(code: Codebase) -> Place | None:
    """Where it is said that the broker is Redis, if no other is spoken of."""
    found = list(_brokers(code))
    return found[0][1] if found and all(address.startswith(("redis:", "rediss:")) for address, _ in found) else None


def _brokers(code: Codebase) -> Iterator[tuple[str, Place]]:
    """The addresses of brokers, and where they stand."""
    for path, facts in code.files.items():
        if facts.language == "python" and is_product(path):
            for node in (n for top in facts.outline for n in walk(top)):
                match node:
                    case Assign(target=target, value=value) if value is not None and "broker" in dotted(target).lower():
                        texts = (n.value for n in walk(value) if isinstance(n, Text) and isinstance(n.value, str))
                        yield from ((text, code.place(path, node)) for text in texts if _ADDRESS.match(text))
                    case Call(callee=Member(name="from_url"), args=(argument, *_)) if "broker" in dotted(argument).lower():
                        yield "redis:", code.place(path, node)
        for entry in facts.settings:
            if "broker" in entry.key.lower() and _ADDRESS.match(entry.value) and is_product(path):
                yield entry.value, Place(path, facts.span(entry.start, entry.end))


def _today(key: str) -> str:
    """The name that a setting has today: `CELERYD_TASK_TIME_LIMIT` is `task_time_limit`."""
    first, dot, rest = key.partition(".")
    plain = _PREFIX.sub("", first).lower()
    return f"{_OLD.get(plain, plain)}{dot}{rest}"


def _configured(outline: tuple[Node, ...]) -> Iterator[tuple[str, Node, Node]]:
    """What code says of an application: `app.conf.update(task_acks_late=True)`, `app.conf.task_acks_late = True`."""
    for node in (n for top in outline for n in walk(top)):
        match node:
            case Call(callee=callee, keywords=keywords) if dotted(callee).endswith(("conf.update", "config.update", "Celery")):
                yield from ((k.name, k.value, node) for k in keywords)
            case Assign(target=Member(of=of, name=name), value=value) if value is not None and dotted(of).endswith("conf"):
                yield name, value, node


def _functions(outline: tuple[Node, ...]) -> Iterator[Function]:
    return (n for top in outline for n in walk(top) if isinstance(n, Function) and n.decorators)


def _minutes(seconds: int) -> str:
    if seconds % _HOUR == 0:
        return f"{seconds // _HOUR} h"
    return f"{seconds // 60} min" if seconds >= 60 else f"{seconds} s"
