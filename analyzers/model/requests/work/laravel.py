"""How Laravel's queue is set up: which jobs wait for their request, are begun twice, or fail without a trace."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from analyzers.deployment.configurations import said
from analyzers.deployment.scalars import Stated
from analyzers.facts.outline import Text
from analyzers.model.errands import Flaw
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition
from analyzers.model.naming.roles import is_product
from analyzers.model.requests.work import enqueued, payloads
from analyzers.model.schema.schema import Schema

_QUEUES = "Illuminate\\Contracts\\Queue\\ShouldQueue"


def flaws(code: Codebase, schema: Schema, stated: Sequence[Stated]) -> Iterator[Flaw]:
    """What its configuration, among these scalars, and its jobs are found to lack."""
    jobs = [c for c in code.php_classes() if is_product(c.path) and _QUEUES in code.externals(c)]
    if not jobs and not any(s.key.startswith("queue.connections.") for s in stated):
        return
    yield from _at_once(code, stated, jobs)
    yield from _nowhere(code, schema, stated)
    yield from _again(code, stated, jobs)
    yield from _thrown_away(stated)
    yield from _for_ever(code, jobs)
    yield from _whole(code, jobs)
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


def _thrown_away(stated: Sequence[Stated]) -> Iterator[Flaw]:
    """Failed jobs that nothing keeps."""
    production = {s.path for s in stated if s.key == "APP_ENV" and s.value.strip("\"'") in ("production", "prod")}
    for one in stated:
        stored = one.key == "queue.failed.driver" and one.value in ("null", "${QUEUE_FAILED_DRIVER:-null}")
        told = one.key == "QUEUE_FAILED_DRIVER" and one.value.strip("\"'") == "null" and one.path in production
        if stored or told:
            yield Flaw(
                subject=f"{one.path}: {one.key}: null",
                title="Failed jobs are thrown away",
                message=(
                    f"`{one.key}` is `null`: when a job fails for the last time, nothing keeps it, so nobody can look at it or "
                    "try it again."
                ),
                remedy="Keep them in a table, and look at it with `queue:failed`.",
                code="'driver' => env('QUEUE_FAILED_DRIVER', 'database-uuids'),",
                language="php",
                place=one.place,
            )


def _for_ever(code: Codebase, jobs: list[ClassDefinition]) -> Iterator[Flaw]:
    """Jobs that are tried again until they work, though some never do."""
    for job in jobs:
        tries = job.attributes.get("tries")
        if tries is None or not isinstance(tries.value, Text) or tries.value.value != 0 or _has(code, job, _ENDS):
            continue
        yield Flaw(
            subject=f"{job.qualified}: tried for ever",
            title=f"`{job.name}` is tried again for ever",
            message=(
                f"`$tries` of `{job.name}` is 0, which is no limit, and no `retryUntil` ends it: one that cannot work (its row "
                "is gone, its data is wrong) comes back at once, for ever, and never shows among the failed jobs."
            ),
            remedy="Let it end, so that somebody sees what failed.",
            code="public int $tries = 5;\npublic array $backoff = [10, 60, 300];",
            language="php",
            place=code.place(job.path, tries),
        )


_ENDS = ("retryUntil", "maxExceptions")


def _has(code: Codebase, job: ClassDefinition, names: Sequence[str]) -> bool:
    return any(code.attribute(job, n) is not None or code.method(job, n) is not None for n in names)


def _whole(code: Codebase, jobs: list[ClassDefinition]) -> Iterator[Flaw]:
    """Jobs that carry a model as it is, as they lack the trait that carries its key."""
    for job in jobs:
        own = (d.qualified for d in code.lineage(job) if isinstance(d, ClassDefinition))
        if not code.externals(job) <= _QUEUED or any(name.startswith("Illuminate\\") for name in own):
            continue  # what else is above it may bring the trait
        for carried in payloads.carried(code, job):
            if _MODEL not in code.externals(carried.holds):
                continue
            model = carried.holds.name
            yield Flaw(
                subject=f"{job.qualified}: carries {carried.name}",
                title=f"`{job.name}` carries a whole `{model}`, not its key",
                message=(
                    f"`{job.name}` does not use `SerializesModels`, so the `{model}` in `{carried.name}` goes through the "
                    "queue with all its columns and loaded relations: the job works with the row as it was when it was queued, "
                    "and writes old values back when it saves it."
                ),
                remedy="Use the trait, which carries the key and loads the row when the job begins.",
                code="use Dispatchable, InteractsWithQueue, Queueable, SerializesModels;",
                language="php",
                place=code.place(job.path, carried.node),
                cause=f"{job.qualified}: carries rows",
            )


_MODEL = "Illuminate\\Database\\Eloquent\\Model"
_QUEUED = frozenset(
    f"Illuminate\\{name}"
    for name in (
        "Contracts\\Queue\\ShouldQueue",
        "Contracts\\Queue\\ShouldBeUnique",
        "Contracts\\Queue\\ShouldBeEncrypted",
        "Contracts\\Queue\\ShouldQueueAfterCommit",
        "Bus\\Queueable",
        "Bus\\Batchable",
        "Foundation\\Bus\\Dispatchable",
        "Queue\\InteractsWithQueue",
    )
)
"""Where what is above a job is known to bring no `SerializesModels`."""


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
