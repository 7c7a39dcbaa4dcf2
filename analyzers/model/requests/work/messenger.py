"""How Messenger is set up: which transports are queues, and where a message goes that fails."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from analyzers.deployment.scalars import Stated
from analyzers.facts.outline import Call, Member, Name, Node, Text, walk
from analyzers.model.errands import Flaw
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, External, FunctionDefinition
from analyzers.model.naming.roles import is_batch, is_product
from analyzers.model.requests.texts import calls_in, functions
from analyzers.model.requests.work import payloads
from analyzers.model.tables.models import ModelIndex
from analyzers.words import short

_TRANSPORT = re.compile(r"(?P<prefix>(?:when@prod\.)?framework\.messenger)\.transports\.(?P<name>[^.]+)(?:\.(?P<option>dsn))?")


def flaws(code: Codebase, models: ModelIndex, stated: Sequence[Stated]) -> Iterator[Flaw]:
    """What its configuration, among these scalars, and its messages are found to lack."""
    yield from _dropped(stated)
    yield from _in_place(stated)
    yield from _at_once(stated)
    queued = tuple(_queued(code, stated))
    yield from _whole(code, models, queued)
    yield from _early(code, frozenset(d.qualified for d in queued))


def _dropped(stated: Sequence[Stated]) -> Iterator[Flaw]:
    """Transports whose messages are dropped after the last try."""
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


_STRATEGY = re.compile(r"(?:when@prod\.)?framework\.messenger\.transports\.(?P<name>[^.]+)\.retry_strategy\.delay")


def _at_once(stated: Sequence[Stated]) -> Iterator[Flaw]:
    """Transports that have a message handled again at once."""
    once = {
        s.key.removesuffix("max_retries") for s in stated if s.key.endswith("retry_strategy.max_retries") and s.value == "0"
    }
    for one in stated:
        found = _STRATEGY.fullmatch(one.key)
        if found is not None and one.value == "0" and one.key.removesuffix("delay") not in once:
            yield Flaw(
                subject=f"{one.path}: {found['name']}: retry_strategy.delay",
                title=f"Messages of `{found['name']}` are handled again at once",
                message=(
                    "`delay` is 0, and whatever it is multiplied by, too: a message that fails is handled again at once, so "
                    "all its tries are used up before the other side is back."
                ),
                remedy="Wait before each try, longer each time.",
                code="retry_strategy:\n    max_retries: 5\n    delay: 2000\n    multiplier: 4",
                language="yaml",
                place=one.place,
                weight="low",
            )


# -- messages ----------------------------------------------------------------------------------------------------------

_ROUTED = re.compile(r"(?:when@prod\.)?framework\.messenger\.routing\.(?P<name>[^.]+)(?:\.senders)?(?:\.\d+)?")
_MARK = "Symfony\\Component\\Messenger\\Attribute\\AsMessage"
_STAMP = "DispatchAfterCurrentBusStamp"
_GETS = re.compile(r"get(?:Id|Uuid|Ulid|Key)|id|uuid", re.IGNORECASE)


def _queued(code: Codebase, stated: Sequence[Stated]) -> Iterator[ClassDefinition]:
    """The classes of messages that a transport takes which is a queue."""
    own = [s for s in stated if s.path.endswith((".yaml", ".yml"))]
    found = [(m["name"], s.value) for s in own if (m := _TRANSPORT.fullmatch(s.key)) is not None]
    at_once = {name for name, dsn in found if dsn.startswith(("sync:", "in-memory:"))}
    waiting = {name for name, _ in found} - at_once
    routed = {m["name"] for s in own if (m := _ROUTED.fullmatch(s.key)) is not None and s.value in waiting}
    for definition in code.php_classes() if waiting else ():
        if not is_product(definition.path):
            continue
        if definition.qualified in routed or any(_is_queued(code, definition, m, waiting) for m in definition.node.decorators):
            yield definition


def _is_queued(code: Codebase, definition: ClassDefinition, mark: Node, waiting: set[str]) -> bool:
    if not isinstance(mark, Call):
        return False
    found = code.resolve_node(definition.path, mark.callee)
    texts = {n.value for n in (*mark.args, *(k.value for k in mark.keywords)) if isinstance(n, Text)}
    return isinstance(found, External) and found.name == _MARK and not texts.isdisjoint(waiting)


def _whole(code: Codebase, models: ModelIndex, queued: Sequence[ClassDefinition]) -> Iterator[Flaw]:
    """Messages that carry an entity, not its key."""
    for definition in queued:
        for carried in payloads.carried(code, definition):
            if carried.holds.qualified not in models.by_name:
                continue
            entity = carried.holds.name
            yield Flaw(
                subject=f"{definition.qualified}: carries {carried.name}",
                title=f"`{definition.name}` carries a whole `{entity}`, not its key",
                message=(
                    f"`{definition.name}` goes through a queue, and the entity in `{carried.name}` is serialised with it: the "
                    f"handler gets a copy of the `{entity}` as it was, of which the entity manager knows nothing. What it "
                    "changes is not saved, and `persist` makes a second row of it."
                ),
                remedy="Carry its key, and have the handler load it.",
                code=f"public function __construct(public int ${carried.name}Id) {{}}",
                language="php",
                place=code.place(definition.path, carried.node),
                cause=f"{definition.qualified}: carries rows",
            )


def _early(code: Codebase, queued: frozenset[str]) -> Iterator[Flaw]:
    """Messages that are sent between `persist` and `flush`: their row is not there yet, and often its key is not either."""
    for path, facts in code.files.items():
        if facts.language != "php" or not queued or not is_product(path) or is_batch(path) or not facts.may_say({"persist"}):
            continue
        for definition in functions(code, path):
            yield from _before_flush(code, definition, queued)


def _before_flush(code: Codebase, definition: FunctionDefinition, queued: frozenset[str]) -> Iterator[Flaw]:
    calls = [c for c in calls_in(definition.node) if isinstance(c.callee, Member)]
    flushed = [c.start for c in calls if _is_named(c, "flush")]
    for call in (c for c in calls if _is_named(c, "dispatch") and c.args):
        made = call.args[0]
        found = code.resolve_node(definition.path, made.callee) if isinstance(made, Call) else None
        if not isinstance(found, ClassDefinition) or found.qualified not in queued or _says(call, _STAMP):
            continue
        for kept in (c for c in calls if _is_named(c, "persist") and c.end <= call.start):
            row = kept.args[0] if kept.args else None
            between = any(kept.end <= at < call.start for at in flushed)
            if not isinstance(row, Name) or between or not any(at > call.end for at in flushed) or not _is_about(made, row.id):
                continue
            yield Flaw(
                subject=f"{definition.qualified}: {found.qualified} before the flush",
                title=f"`{found.name}` is sent before its row is there",
                message=(
                    f"`{short(definition.qualified)}` sends `{found.name}` about `{row.id}` to a queue before `flush`: a "
                    "worker that is free begins at once, and finds no such row; a key that the database gives is not even "
                    "known yet."
                ),
                remedy="Flush first, then send.",
                code=f"$entityManager->flush();\n$bus->dispatch(new {found.name}({row.id}->getId()));",
                language="php",
                place=code.place(definition.path, call),
                related=((code.place(definition.path, kept), f"`{row.id}` is to be written"),),
            )
            break


def _is_named(call: Call, name: str) -> bool:
    return isinstance(call.callee, Member) and call.callee.name == name


def _says(node: Node, name: str) -> bool:
    return any(isinstance(n, Name) and n.id == name for n in walk(node))


def _is_about(made: Node, row: str) -> bool:
    """Whether what is sent names the key of a row: `new Ship($order->getId())`."""
    return any(
        isinstance(n, Member) and isinstance(n.of, Name) and n.of.id == row and _GETS.fullmatch(n.name) for n in walk(made)
    )
