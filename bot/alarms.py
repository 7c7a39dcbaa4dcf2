"""Errors of ours, told to a Sentry. On where `SENTRY_DSN` is set, which needs the extra `sentry`.

What is told is the kind of the error, where it was raised, the version, and the delivery, by whose id the log tells the rest.
No code and no name of a repository leaves by this way: neither messages of exceptions, which may quote what could not be
read, nor variables, bodies, or log lines.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Any

from bot.errors import Broken

VARIABLE = "SENTRY_DSN"
FLUSH = 3.0  # seconds a job may wait for its error to be taken
KEPT = {"event_id", "level", "timestamp", "platform", "release", "environment", "tags", "exception", "sdk", "server_name"}
FRAME = {"filename", "function", "module", "lineno", "in_app"}

_on = False


def preload() -> None:
    """Imports what it needs, before any fork, if it is on. Raises `Broken` where that is not installed."""
    if os.environ.get(VARIABLE):
        try:
            import sentry_sdk  # noqa: F401
        except ImportError as error:
            raise Broken(f"{VARIABLE} is set and Sentry's SDK is not installed: pip install 'cliffguard[sentry]'.") from error


def configure(service: str) -> None:
    """Tells the errors of this process, which are those of `service`, if it is on."""
    global _on  # noqa: PLW0603 - one a process, as Sentry's own client is
    if _on or not os.environ.get(VARIABLE):
        return
    preload()
    import sentry_sdk

    sentry_sdk.init(
        dsn=os.environ[VARIABLE],
        release=f"cliffguard@{version('cliffguard')}",
        server_name=service,
        default_integrations=False,  # they add requests, log lines, arguments and modules
        include_local_variables=False,
        include_source_context=False,
        send_default_pii=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        before_send=scrubbed,
    )
    _on = True


def tell(error: BaseException, **tags: str) -> None:
    """Tells an error, with tags that hold no names."""
    if not _on:
        return
    import sentry_sdk

    with sentry_sdk.new_scope() as scope:
        for name, value in tags.items():
            scope.set_tag(name, value)
        sentry_sdk.capture_exception(error)


def flush() -> None:
    """Sends what was told: a job's process ends without looking back."""
    if _on:
        import sentry_sdk

        sentry_sdk.flush(FLUSH)


def scrubbed(event: Any, hint: Any = None) -> Any:
    """The event with nothing but what is known to be ours."""
    del hint
    event = {name: value for name, value in event.items() if name in KEPT}
    for raised in event.get("exception", {}).get("values", ()):
        raised["value"] = ""
        frames = raised.get("stacktrace", {}).get("frames", ())
        raised["stacktrace"] = {"frames": [{name: frame[name] for name in FRAME if name in frame} for frame in frames]}
    return event
