"""Two thousand deliveries at once: every one is answered in time, and every one is in the queue afterwards.

The service, its Valkey and the payload are those of `bench.receiver`; 200 connections send as fast as they are answered. GitHub
gives up after ten seconds.
"""

import asyncio
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import uvloop

from bench.figures import Figure
from bench.receiver import Client, percentile, prepare, server
from bot.embedded import EmbeddedValkey
from bot.queue import Queue
from bot.valkey import connect

DELIVERIES, CONNECTIONS = 2000, 200


class Sender(Client):
    """One connection that sends while there is something to send."""

    def _next(self) -> None:
        try:
            super()._next()
        except StopIteration:
            self._transport.close()
            self.done.set_result(None)


async def send(port: int, prepared: list[bytes]) -> tuple[float, list[float], list[bytes]]:
    """Seconds for all, seconds for each, and the answers that were not 202."""
    loop, source = asyncio.get_running_loop(), iter(prepared)
    taken: list[float] = []
    failures: list[bytes] = []
    start = time.perf_counter()
    made = [
        loop.create_connection(lambda: Sender(source, float("inf"), taken, failures), "127.0.0.1", port)
        for _ in range(CONNECTIONS)
    ]
    senders = [sender for _, sender in await asyncio.gather(*made)]
    await asyncio.gather(*(sender.done for sender in senders))
    return time.perf_counter() - start, taken, failures


def measure() -> list[Figure]:
    with ExitStack() as stack:
        valkey = stack.enter_context(EmbeddedValkey(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        connection = stack.enter_context(connect(valkey.url))
        port, _ = stack.enter_context(server("cliffguard", valkey.url))
        uvloop.run(send(port, prepare(200, DELIVERIES)))  # warms up
        connection.flushall()
        seconds, taken, failures = uvloop.run(send(port, prepare(DELIVERIES, 0)))
        queued = Queue(connection).depth().queued
    p50, p99 = (1000 * percentile(taken, share) for share in (0.5, 0.99))
    each = f"p50 {p50:,.0f} ms, the slowest {1000 * max(taken):,.0f} ms; {CONNECTIONS} connections"
    return [
        Figure(f"{DELIVERIES:,} deliveries at once, lost", DELIVERIES - queued, "", most=0, note=f"refused {len(failures)}"),
        Figure("  until all were accepted", seconds, "s", note=f"{DELIVERIES / seconds:,.0f} a second"),
        Figure("  p99", p99, "ms", most=10_000, note=each),
    ]
