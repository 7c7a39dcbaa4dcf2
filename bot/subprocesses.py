"""A child process that is bounded: in time, in what it writes, and by a watch of the caller; ended with all its children."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

OUTPUT_BYTES = 64 * 2**20
ERROR_BYTES = 64 * 2**10
CHUNK = 2**16


class Overdue(TimeoutError):
    """The process was killed: its time was up."""


class Exceeded(OSError):
    """The process was killed: it exceeded a bound."""


@dataclass(frozen=True)
class Finished:
    code: int
    stdout: str
    stderr: str


def run_group(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    input: bytes = b"",
    timeout: float,
    exceeded: Callable[[], bool] | None = None,
    every: float = 0.2,
) -> Finished:
    """Runs `command` in a process group of its own and kills the group after `timeout` seconds, when `exceeded()` says so
    (asked about every `every` seconds), when it writes more than 64 MB, and when the caller itself is interrupted."""
    process = subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        written, complained = _communicate(process, input, time.monotonic() + timeout, exceeded, every)
        try:
            code = process.wait(timeout=10)
        except subprocess.TimeoutExpired as expired:
            raise Overdue from expired
        return Finished(code, written.decode(errors="replace"), complained.decode(errors="replace"))
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


def _communicate(
    process: subprocess.Popen[bytes], input: bytes, deadline: float, exceeded: Callable[[], bool] | None, every: float
) -> tuple[bytes, bytes]:
    """Feeds and reads the process until it has closed its ends."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    read: dict[IO[bytes], bytearray] = {process.stdout: bytearray(), process.stderr: bytearray()}
    rest, watch_at = memoryview(input), time.monotonic() + every
    with selectors.DefaultSelector() as selector:
        for stream in read:
            os.set_blocking(stream.fileno(), False)
            selector.register(stream, selectors.EVENT_READ)
        os.set_blocking(process.stdin.fileno(), False)
        selector.register(process.stdin, selectors.EVENT_WRITE)
        while selector.get_map():
            for key, _ in selector.select(max(0.0, min(every, deadline - time.monotonic()))):
                if key.fileobj is process.stdin:
                    rest = _feed(process.stdin, rest)
                    if not rest:
                        selector.unregister(process.stdin)
                        with suppress(OSError):
                            process.stdin.close()
                elif chunk := os.read(key.fd, CHUNK):
                    stream = process.stdout if key.fileobj is process.stdout else process.stderr
                    read[stream] += chunk
                else:
                    selector.unregister(key.fileobj)
            now = time.monotonic()
            if now >= deadline:
                raise Overdue
            del read[process.stderr][:-ERROR_BYTES]
            if len(read[process.stdout]) > OUTPUT_BYTES:
                raise Exceeded
            if exceeded is not None and now >= watch_at:
                watch_at = now + every
                if exceeded():
                    raise Exceeded
    return bytes(read[process.stdout]), bytes(read[process.stderr])


def _feed(stream: IO[bytes], rest: memoryview) -> memoryview:
    """Writes what fits; what is left is empty at the end, and when the process no longer listens."""
    try:
        return rest[os.write(stream.fileno(), rest[:CHUNK]) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:
        return rest[:0]
