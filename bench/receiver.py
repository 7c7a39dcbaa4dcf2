"""The receiver against a bare endpoint that only verifies the signature and enqueues, under the same load.

    python -m bench.receiver [--seconds 1] [--rounds 9]

Both are served by uvicorn (uvloop, httptools) in a process of their own and queue on one embedded Valkey (append-only file,
Unix socket). "bare" is a FastAPI endpoint: HMAC-SHA256, then the same script with the same fields, which it does not read from
the payload. "rq" is the same with RQ's own `enqueue`, in a thread. The payload is the `pull_request.synchronize` example
GitHub's community keeps (23,741 bytes), each delivery with its own id and its own pull request. Rounds alternate; figures are
medians of rounds, the ratio is the median of the ratios within a round. "cpu us" is processor time of the service a delivery:
on a machine that does other things besides, it says more than the rate.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import lzma
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from bench.figures import Figure, table

SECRET = "bench"  # noqa: S105 - of the bench alone
EXAMPLES = Path(__file__).parents[1] / "tests" / "data" / "octokit_webhook_examples.json.xz"
NAMES = ("bare", "cliffguard", "rq")


# -- what is measured


def serve(name: str, port: int) -> None:
    """Serves one of `NAMES` on `port`."""
    import uvicorn

    from bot.app import create_app
    from bot.observe import configure
    from bot.settings import Settings

    configure("json")
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    app = create_app(settings) if name == "cliffguard" else bare(settings.valkey_url, with_rq=name == "rq")
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", access_log=False, log_config=None, server_header=False)


def bare(url: str, *, with_rq: bool):  # type: ignore[no-untyped-def]
    from fastapi import FastAPI, Request, Response
    from fastapi.concurrency import run_in_threadpool
    from redis import Redis
    from rq import Queue as RQQueue

    from bot.jobs import Job, Work
    from bot.queue import Receiver
    from bot.valkey import connect_async

    receiver = Receiver(connect_async(url))
    plain = RQQueue("bench", connection=Redis.from_url(url), serializer="json")
    numbers = count(1_000_000)
    secret, app = SECRET.encode(), FastAPI(openapi_url=None)

    @app.post("/webhook")
    async def receive(request: Request) -> Response:
        body = await request.body()
        signature = "sha256=" + hmac.digest(secret, body, "sha256").hex()
        if not hmac.compare_digest(signature, request.headers["x-hub-signature-256"]):
            return Response(status_code=401)
        number = next(numbers)
        job = Job(Work.REVIEW, 1, 2, "octo", "shop", number, "a" * 40, delivery=request.headers["x-github-delivery"])
        if with_rq:
            await run_in_threadpool(plain.enqueue, "bot.worker.perform", number, job_id=job.id)
        else:
            await receiver.submit(job)
        return Response(b'{"status":"queued"}', 202, media_type="application/json")

    return app


# -- the load


class Client(asyncio.Protocol):
    """One connection that always has one request under way."""

    def __init__(self, requests: Iterator[bytes], until: float, seconds: list[float], failures: list[bytes]) -> None:
        self._requests, self._until, self._seconds, self._failures = requests, until, seconds, failures
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def _next(self) -> None:
        self._answer = b""
        self._start = time.perf_counter()
        self._transport.write(next(self._requests))  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, separator, body = self._answer.partition(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
        if not separator or len(body) < length:
            return
        now = time.perf_counter()
        self._seconds.append(now - self._start)
        if not head.startswith(b"HTTP/1.1 202"):
            self._failures.append(self._answer)
        if now < self._until:
            self._next()
        else:
            self._transport.close()
            self.done.set_result(None)


def requests(prepared: list[bytes]) -> Iterator[bytes]:
    """Signed deliveries, made before the measurement."""
    yield from prepared


def prepare(number: int, start: int) -> list[bytes]:
    examples = json.loads(lzma.decompress(EXAMPLES.read_bytes()))["events"]["pull_request"]
    payload = next(one for one in examples if one["action"] == "synchronize")
    made = []
    for at in range(start, start + number):
        payload["pull_request"]["number"] = at + 1
        body = json.dumps(payload, separators=(",", ":")).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        head = (
            "POST /webhook HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nUser-Agent: GitHub-Hookshot/bench\r\n"
            f"Content-Type: application/json\r\nX-GitHub-Event: pull_request\r\nX-GitHub-Delivery: bench-{os.getpid()}-{at}\r\n"
            f"X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


def cpu_seconds(process: int) -> float:
    """Processor time that a process has used, on Linux; 0 elsewhere."""
    try:
        user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    except OSError:
        return 0.0
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


async def load(port: int, connections: int, seconds: float, prepared: list[bytes]) -> tuple[float, list[float]]:
    """Requests a second, and how long each took."""
    loop, taken, failures = asyncio.get_running_loop(), [], []  # type: ignore[var-annotated]
    source = requests(prepared)
    start = time.perf_counter()
    clients = []
    for _ in range(connections):
        _, client = await loop.create_connection(lambda: Client(source, start + seconds, taken, failures), "127.0.0.1", port)
        clients.append(client)
    await asyncio.gather(*(client.done for client in clients))
    if failures:
        raise SystemExit(f"{len(failures)} of {len(taken)} deliveries were not accepted, for example {failures[0][:300]!r}")
    return len(taken) / (time.perf_counter() - start), taken


@contextmanager
def server(name: str, url: str) -> Iterator[tuple[int, int]]:
    """The port and the process of one of `NAMES`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "CLIFFGUARD_VALKEY_URL": url, "CLIFFGUARD_WEBHOOK_SECRETS": SECRET}
    command = [sys.executable, "-m", "bench.receiver", "--serve", name, "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"the {name} service does not start") from None
                time.sleep(0.05)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(10)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure(seconds: float = 1.0, rounds: int = 9) -> list[Figure]:
    import uvloop

    from bot.embedded import EmbeddedValkey
    from bot.valkey import connect

    figures = []
    with ExitStack() as stack:
        valkey = stack.enter_context(EmbeddedValkey(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        connection = connect(valkey.url)
        servers = {name: stack.enter_context(server(name, valkey.url)) for name in NAMES}
        enough = prepare(int(seconds * 3500) + 100, 0)
        size = len(enough[0].partition(b"\r\n\r\n")[2])
        print(f"payload {size:,} bytes; {rounds} rounds of {seconds:g} s; times in ms")
        print("connections service     requests/s    p50    p99  to bare  cpu us  to bare")
        for connections in (1, 16):
            rates: dict[str, list[float]] = {name: [] for name in NAMES}
            costs: dict[str, list[float]] = {name: [] for name in NAMES}
            taken: dict[str, list[float]] = {name: [] for name in NAMES}
            for at in range(rounds + 1):
                for name in NAMES[at % 3 :] + NAMES[: at % 3]:
                    connection.flushall()
                    port, process = servers[name]
                    before = cpu_seconds(process)
                    rate, times = uvloop.run(load(port, connections, seconds, enough))
                    if at:  # the first round warms up
                        rates[name].append(rate)
                        costs[name].append((cpu_seconds(process) - before) / len(times))
                        taken[name] += times
            for name in NAMES:
                ratio, dearer = (ratio_to(values[name], values["bare"]) for values in (rates, costs))
                p50, p99 = (1000 * percentile(taken[name], share) for share in (0.5, 0.99))
                rate, cost = statistics.median(rates[name]), 1e6 * statistics.median(costs[name])
                times = f"{p50:>6.2f} {p99:>6.2f}"
                print(
                    f"{connections:>11} {name:<11} {rate:>10,.0f} {times} {ratio:>8.2f} {cost:>7,.0f} {dearer:>8.2f}",
                    flush=True,
                )
                if name == "cliffguard":
                    at = f"{connections} connection{'s' if connections > 1 else ''}"
                    note = f"{rate:,.0f} requests/s, median of {rounds} rounds; cpu {dearer:.2f} x"
                    figures.append(Figure(f"receiver to bare, {at}", ratio, "x", least=0.9, note=note))
                    most = 25 if connections == 1 else None
                    figures.append(Figure(f"receiver p99, {at}", p99, "ms", most=most, note=f"p50 {p50:.2f} ms"))
    return figures


def ratio_to(values: list[float], base: list[float]) -> float:
    """The median of the ratios within the rounds."""
    return statistics.median(one / other for one, other in zip(values, base, strict=True) if other) if any(base) else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--serve", choices=NAMES, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.port)
    else:
        print(table(measure(arguments.seconds, arguments.rounds)))


if __name__ == "__main__":
    main()
