"""How queues are set up: when a job counts as done, how long it may take, and where it goes when it fails."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from analyzers.deployment.configurations import said
from analyzers.deployment.scalars import Stated
from analyzers.facts.outline import Assign, Call, Function, Member, Name, Node, Text, dotted, walk
from analyzers.model.errands import Flaw
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition
from analyzers.model.naming.roles import is_product
from analyzers.model.requests.work import enqueued
from analyzers.model.schema.schema import Schema
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


def flaws(code: Codebase, schema: Schema, stated: Sequence[Stated]) -> Iterator[Flaw]:
    """What the configurations of a revision's queues, with these scalars, are found to lack."""
    if any(_imports(code, path, "celery") for path in code.files):
        yield from _of_celery(code, stated)
    yield from _of_messenger(stated)
    yield from _in_place(stated)
    yield from _of_laravel(code, schema, stated)


def _imports(code: Codebase, path: str, package: str) -> bool:
    return is_product(path) and any(i.path.partition(".")[0] == package for i in code.files[path].imports)


# -- Celery ------------------------------------------------------------------------------------------------------------


class _Conf(msgspec.Struct, frozen=True):
    """A setting of Celery, by its name of today."""

    value: str
    place: Place


def _of_celery(code: Codebase, stated: Sequence[Stated]) -> Iterator[Flaw]:
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
        if _imports(code, path, "celery"):
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


# -- Messenger ---------------------------------------------------------------------------------------------------------

_TRANSPORT = re.compile(r"(?P<prefix>(?:when@prod\.)?framework\.messenger)\.transports\.(?P<name>[^.]+)(?:\.(?P<option>dsn))?")


def _of_messenger(stated: Sequence[Stated]) -> Iterator[Flaw]:
    """Transports whose messages are dropped after the last try, and such as do the work at once."""
    own = [s for s in stated if ".messenger." in f".{s.key}" and s.path.endswith((".yaml", ".yml"))]
    kept = any("failure_transport" in s.key for s in own)
    found = [
        (s, m)
        for s in own
        if (m := _TRANSPORT.fullmatch(s.key)) is not None and not s.value.startswith(("sync:", "in-memory:"))
    ]
    routed = {s.value for s in own if ".messenger.routing." in f".{s.key}"}
    waiting = [(s, m) for s, m in found if m["name"] in routed or not routed]
    if waiting and routed and not kept:
        first = waiting[0][0]
        yield Flaw(
            subject=f"{first.path}: failure_transport",
            title="Messages that fail are dropped",
            message=(
                f"No `failure_transport` is set: after the last try (three, unless stated), a message of "
                f"`{waiting[0][1]['name']}` is gone, and only the log knows that it was."
            ),
            remedy="Name a transport that keeps what failed, and look at it with `messenger:failed:show`.",
            code=(
                "framework:\n    messenger:\n        failure_transport: failed\n        transports:\n"
                "            failed: 'doctrine://default?queue_name=failed'"
            ),
            language="yaml",
            place=first.place,
            weight="medium",
        )


_ASYNC = re.compile(r"async|queue|background|worker", re.IGNORECASE)


def _in_place(stated: Sequence[Stated]) -> Iterator[Flaw]:
    """Transports of production, or such as say that they are a queue, that do the work at once."""
    production = {s.path for s in stated if s.key == "APP_ENV" and s.value.strip("\"'") in ("production", "prod")}
    for one in stated:
        transport = _TRANSPORT.fullmatch(one.key) if one.path.endswith((".yaml", ".yml")) else None
        prod = "/prod/" in one.path or (transport is not None and transport["prefix"].startswith("when@prod"))
        named = transport is not None and (prod or _ASYNC.search(transport["name"]) is not None)
        by_environment = one.key.startswith("MESSENGER_") and one.key.endswith("_DSN") and one.path in production
        if not one.value.strip("\"'").startswith("sync:") or not (named or by_environment):
            continue
        name = transport["name"] if transport is not None else one.key
        yield Flaw(
            subject=f"{one.path}: {name}: sync",
            title=f"Messages of `{name}` are handled by the request that sends them",
            message=(
                f"`{name}` is `sync://`: no queue takes its messages, so their handlers run while the visitor waits, without "
                "another try if one fails."
            ),
            remedy="Give it a transport that a worker reads.",
            code="'doctrine://default'\n\n# beside the web server\nphp bin/console messenger:consume async --time-limit=3600",
            language="sh",
            place=one.place,
        )


# -- Laravel -----------------------------------------------------------------------------------------------------------

_QUEUES = "Illuminate\\Contracts\\Queue\\ShouldQueue"


def _of_laravel(code: Codebase, schema: Schema, stated: Sequence[Stated]) -> Iterator[Flaw]:
    jobs = [c for c in code.php_classes() if is_product(c.path) and _QUEUES in code.externals(c)]
    if not jobs and not any(s.key.startswith("queue.connections.") for s in stated):
        return
    yield from _at_once(code, stated, jobs)
    yield from _nowhere(code, schema, stated)
    yield from _again(code, stated, jobs)
    if not any(s.key.endswith(".after_commit") and s.value.lower() == "true" for s in stated):
        yield from enqueued.too_early(code, "php")


def _at_once(code: Codebase, stated: Sequence[Stated], jobs: list[ClassDefinition]) -> Iterator[Flaw]:
    """An environment for production in which jobs are done by the request that makes them."""
    production = {s.path for s in stated if s.key == "APP_ENV" and s.value.strip("\"'") in ("production", "prod")}
    for one in stated:
        if (
            one.key in ("QUEUE_CONNECTION", "QUEUE_DRIVER")
            and one.value.strip("\"'") == "sync"
            and one.path in production
            and jobs
        ):
            many = f"`{jobs[0].name}`" + (f" and {len(jobs) - 1} more" if len(jobs) > 1 else "")
            yield Flaw(
                subject=f"{one.path}: {one.key}=sync",
                title="Jobs are done by the request that queues them",
                message=(
                    f"`{one.path}` is an environment for production, and with `{one.key}=sync` no queue takes a job: {many} "
                    "run while the visitor waits, without another try if one fails."
                ),
                remedy="Queue jobs in Redis or the database, and run a worker.",
                code=f"{one.key}=redis\n\n# beside the web server\nphp artisan queue:work --tries=3 --backoff=10",
                language="sh",
                place=one.place,
                related=((code.place(jobs[0].path, jobs[0].node), f"`{jobs[0].name}` is to be queued"),),
            )


def _nowhere(code: Codebase, schema: Schema, stated: Sequence[Stated]) -> Iterator[Flaw]:
    """A table for jobs that failed, which no migration makes."""
    table = next((s for s in stated if s.key == "queue.failed.table"), None)
    driver = next((s.value for s in stated if s.key == "queue.failed.driver"), "database")
    if table is None or not re.fullmatch(r"\w+", table.value) or driver in ("null", "dynamodb", "file", ""):
        return
    made = any(p.startswith("database/migrations/") for p in code.files)
    if not made or table.value in schema.tables or any(table.value in p for p in code.files if "/migrations/" in f"/{p}"):
        return
    yield Flaw(
        subject=f"queue.failed.table: {table.value}",
        title=f"Failed jobs have nowhere to go: no migration makes `{table.value}`",
        message=(
            f"`config/queue.php` keeps failed jobs in `{table.value}`, and no migration makes that table: when a job fails for "
            "the last time, writing it down fails too, and it is lost."
        ),
        remedy="Make the table.",
        code="php artisan queue:failed-table\nphp artisan migrate",
        language="sh",
        place=table.place,
    )


def _again(code: Codebase, stated: Sequence[Stated], jobs: list[ClassDefinition]) -> Iterator[Flaw]:
    """Jobs that may take longer than the queue waits before it gives them to another worker."""
    chosen = next((s.value for s in stated if s.key == "queue.default"), "")
    name = chosen.rpartition(":-")[2].rstrip("}") if ":-" in chosen else chosen
    retry = [s for s in stated if re.fullmatch(r"queue\.connections\.\w+\.retry_after", s.key)]
    known = {s.key.split(".")[2]: s for s in retry}
    used = known.get(name) or known.get("redis")
    if used is None:
        return
    value = used.value.rpartition(":-")[2].rstrip("}")
    yield from _of_horizon(stated, used, value)
    for job in jobs:
        stated_timeout = job.attributes.get("timeout")
        seconds = said(stated_timeout.value) if stated_timeout is not None and stated_timeout.value is not None else ""
        if "connection" in job.attributes or not (seconds.isdigit() and value.isdigit()) or int(seconds) < int(value):
            continue
        yield Flaw(
            subject=f"{job.qualified}: timeout",
            title=f"`{job.name}` may be done twice at a time",
            message=(
                f"`{job.name}` may take {seconds} s, and the queue gives a job to another worker after {value} s "
                "(`retry_after`): one that takes longer is begun again while the first worker is still at it."
            ),
            remedy="Let `retry_after` be longer than the longest `timeout`.",
            code=f"'retry_after' => {int(seconds) + 30},",
            language="php",
            place=code.place(job.path, stated_timeout) if stated_timeout is not None else code.place(job.path, job.node),
            related=((used.place, f"`retry_after` is {value}"),),
            cause=f"{used.path}: {used.key}",
        )


_HORIZON = re.compile(r"horizon\.(?:defaults|environments\.production)\.(?P<name>[^.]+)\.timeout")


def _of_horizon(stated: Sequence[Stated], used: Stated, value: str) -> Iterator[Flaw]:
    """Supervisors of Horizon that give a job more time than the queue waits before it gives it to another worker."""
    for one in stated:
        found = _HORIZON.fullmatch(one.key)
        seconds = one.value.rpartition(":-")[2].rstrip("}")
        if found is None or not (seconds.isdigit() and value.isdigit()) or int(seconds) < int(value):
            continue
        yield Flaw(
            subject=f"{one.key}: timeout",
            title=f"Jobs of Horizon's `{found['name']}` may be done twice at a time",
            message=(
                f"`{found['name']}` lets a job take {seconds} s, and the queue gives it to another worker after {value} s "
                "(`retry_after`): one that takes longer is begun again while the first worker is still at it."
            ),
            remedy="Let `retry_after` be longer than the longest `timeout`.",
            code=f"'retry_after' => {int(seconds) + 30},",
            language="php",
            place=one.place,
            related=((used.place, f"`retry_after` is {value}"),),
            cause=f"{used.path}: {used.key}",
        )
