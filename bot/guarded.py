"""Files read in a process of their own, with bounds of time and memory for each: for a review whose own process died before.

Frontends bound what they do, but they rest on parsers written in C, and on memory that others use too. Where a review was
killed, its next try reads what it has not read yet by a child: a file that hangs or ends it is a file that was not analysed,
and the others are reviewed. The child has none of our secrets in its environment.
"""

from __future__ import annotations

import os
import resource
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import IO, Self

import structlog

import analyzers

SECONDS = 20.0  # for one file; a large one takes a second
START_SECONDS = 60.0  # until the child has loaded what it needs
MEMORY = 2 * 2**30  # bytes of address space
MOST_KILLED = 5  # children; then what is left is not read

log = structlog.get_logger()


class GuardedReader:
    """Reads a file as `analyzers.read_encoded` does. A context manager; the child starts with the first file."""

    def __init__(self, seconds: float = SECONDS, command: Sequence[str] = (sys.executable, "-m", "bot.guarded")) -> None:
        self._seconds, self._command = seconds, tuple(command)
        self._child: subprocess.Popen[bytes] | None = None
        self._killed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def __call__(self, path: str, source: bytes) -> bytes:
        """The encoded facts. Raises `UnreadableError` with the reason where the file ends the child, or takes too long."""
        if self._killed >= MOST_KILLED:
            raise analyzers.UnreadableError("The file was not read: too many others could not be read within their bounds.")
        child = self._child or self._start()
        try:
            _write(child, path.encode(errors="surrogateescape"), source)
            return _read(child, time.monotonic() + self._seconds)
        except (OSError, EOFError) as error:
            self._end()
            self._killed += 1
            late = isinstance(error, TimeoutError)
            log.warning("a file ended its reader", path=path, late=late)
            bound = f"takes more than {self._seconds:.0f} seconds" if late else "needs too much memory, or ends the parser"
            raise analyzers.UnreadableError(f"The file was not read: reading it {bound}.") from error

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        child = subprocess.Popen(
            self._command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._child = child
        try:
            _read(child, time.monotonic() + START_SECONDS)  # it says when it is ready
        except (OSError, EOFError) as error:
            self._end()
            raise RuntimeError("the process that reads files does not start") from error
        return child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


def _write(child: subprocess.Popen[bytes], *texts: bytes) -> None:
    assert child.stdin is not None
    for text in texts:
        child.stdin.write(len(text).to_bytes(8, "big"))
        child.stdin.write(text)
    child.stdin.flush()


def _read(child: subprocess.Popen[bytes], deadline: float) -> bytes:
    """One answer. Raises `TimeoutError` or `EOFError`."""
    assert child.stdout is not None
    found, wanted = bytearray(), 8
    while True:
        if not select.select([child.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TimeoutError
        if not (chunk := os.read(child.stdout.fileno(), wanted - len(found))):
            raise EOFError
        found += chunk
        if len(found) == 8 == wanted:
            wanted += int.from_bytes(found, "big")
        if len(found) == wanted:
            return bytes(found[8:])


def serve(read: Callable[[str, bytes], bytes], memory: int = MEMORY) -> None:
    """The child's life: it reads files until its parent closes the pipe."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    given, answers = sys.stdin.buffer, sys.stdout.buffer
    _answer(answers, b"")
    while path := _taken(given):
        source = _taken(given)
        _answer(answers, read(path.decode(errors="surrogateescape"), source))


def _taken(stream: IO[bytes]) -> bytes:
    return stream.read(int.from_bytes(stream.read(8), "big"))


def _answer(stream: IO[bytes], text: bytes) -> None:
    stream.write(len(text).to_bytes(8, "big") + text)
    stream.flush()


if __name__ == "__main__":
    analyzers.preload()
    serve(analyzers.read_encoded)
