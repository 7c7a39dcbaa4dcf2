"""How Messenger is set up: which transports are queues, and where a message goes that fails."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from analyzers.deployment.scalars import Stated
from analyzers.model.errands import Flaw

_TRANSPORT = re.compile(r"(?P<prefix>(?:when@prod\.)?framework\.messenger)\.transports\.(?P<name>[^.]+)(?:\.(?P<option>dsn))?")


def flaws(stated: Sequence[Stated]) -> Iterator[Flaw]:
    """What its configuration, among these scalars, is found to lack."""
    yield from _dropped(stated)
    yield from _in_place(stated)


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
