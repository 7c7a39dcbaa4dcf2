"""How Celery is set up: when a task counts as done, how long it may take, and what is kept of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from analyzers.deployment.configurations import said
from analyzers.deployment.scalars import Stated
from analyzers.facts.outline import Assign, Call, Function, Member, Name, Node, Text, dotted, walk
from analyzers.model.errands import Flaw
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.roles import is_product
from analyzers.source import Place

_PREFIX = re.compile(r"^(?:CELERY_|celery_)?(?:CELERYD_|CELERYBEAT_)?", re.IGNORECASE)
_OLD = {
    "acks_late": "task_acks_late",
    "prefetch_multiplier": "worker_prefetch_multiplier",
    "transport_options": "broker_transport_options",
}
_LIMITS = ("acks_late", "time_limit")
_ENDING = ("result_expires", "task_result_expires", "broker_pool_limit")
_HOUR = 3600
_LONG = 600  # seconds: a job that takes this long is one whose loss somebody notices


def flaws(code: Codebase, stated: Sequence[Stated]) -> Iterator[Flaw]:
    """What its settings, among these scalars, and its tasks are found to lack."""
    if any(_imports(code, path) for path in code.files):
        yield from _settings(code, stated)


def _imports(code: Codebase, path: str) -> bool:
    return is_product(path) and any(i.path.partition(".")[0] == "celery" for i in code.files[path].imports)


class _Conf(msgspec.Struct, frozen=True):
    """A setting of Celery, by its name of today."""

    value: str
    place: Place


def _settings(code: Codebase, stated: Sequence[Stated]) -> Iterator[Flaw]:
    found: dict[str, _Conf] = {}
    for one in stated:
        if one.path.endswith(".py"):
            key = _today(one.key)
            nothing = key in _ENDING and not one.value and one.key in _nothings(code, one.path)
            found.setdefault(key, _Conf("None" if nothing else one.value, one.place))
    limits: list[tuple[int, Place, str]] = []
    own_acks = False
    for path, facts in code.files.items():
        if facts.language != "python" or not is_product(path):
            continue
        if _imports(code, path):
            for name, value, node in _configured(facts.outline):
                found.setdefault(_today(name), _Conf(said(value), code.place(path, node)))
        for function in _functions(facts.outline) if facts.may_say(_LIMITS) else ():
            for decorator in function.decorators:
                for keyword in decorator.keywords if isinstance(decorator, Call) else ():
                    own_acks = own_acks or keyword.name == "acks_late"
                    if keyword.name == "time_limit" and said(keyword.value).isdigit():
                        limits.append((int(said(keyword.value)), code.place(path, decorator), function.name))
    limit = found.get("task_time_limit")
    if limit is not None and limit.value.isdigit():
        limits.append((int(limit.value), limit.place, ""))
    acks = found.get("task_acks_late")
    if acks is not None and acks.value == "True":
        yield from _short_visibility(code, found, acks, limits)
    if acks is None and not own_acks and limits:
        yield from _early(found, max(limits, key=lambda x: x[0]))
    yield from _kept_for_ever(found)
    yield from _unpooled(found)


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
    broker = _redis(code)
    timeout = found.get("broker_transport_options.visibility_timeout")
    if broker is None or not limits or (timeout is not None and not timeout.value.isdigit()):
        return
    if timeout is None and "broker_transport_options" in found:
        return  # made elsewhere
    seconds = int(timeout.value) if timeout is not None else _HOUR
    longest, place, name = max(limits, key=lambda x: x[0])
    if longest <= seconds:
        return
    stated = f"`visibility_timeout` is {_minutes(seconds)}" + ("" if timeout is not None else ", the default")
    yield Flaw(
        subject="celery: visibility_timeout",
        title="Tasks that take long are done twice",
        message=(
            f"Tasks are acknowledged when they are done, and {f'`{name}`' if name else 'one'} may take {_minutes(longest)}; "
            f"{stated}: after that, Redis gives the task to another worker, which begins it again while the first is at it."
        ),
        remedy="Let `visibility_timeout` be longer than the longest task, and the longest countdown.",
        code=f'CELERY_BROKER_TRANSPORT_OPTIONS = {{"visibility_timeout": {-(-longest * 3 // 2 // _HOUR) * _HOUR}}}',
        language="python",
        place=(timeout or acks).place,
        related=((place, f"may take {_minutes(longest)}"), (broker, "the broker is Redis")),
    )


def _redis(code: Codebase) -> Place | None:
    """Where it is said that the broker is Redis."""
    for path, facts in code.files.items():
        if facts.language == "python" and is_product(path):
            for node in (n for top in facts.outline for n in walk(top)):
                match node:
                    case Assign(target=target, value=value) if value is not None and "broker" in dotted(target).lower():
                        if any(isinstance(n, Text) and str(n.value).startswith(("redis://", "rediss://")) for n in walk(value)):
                            return code.place(path, node)
                    case Call(callee=Member(name="from_url"), args=(argument, *_)) if "broker" in dotted(argument).lower():
                        return code.place(path, node)
        for entry in facts.settings:
            if "broker" in entry.key.lower() and entry.value.startswith(("redis://", "rediss://")):
                return Place(path, facts.span(entry.start, entry.end))
    return None


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
