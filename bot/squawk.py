"""squawk, the linter of PostgreSQL's SQL, as a program that is asked about one text at a time.

The text is a stranger's. It is passed on standard input; the program gets no environment, no configuration of the repository
and a few seconds. Whatever goes wrong is a sentence for the review, and never ends it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from itertools import accumulate
from pathlib import Path

import msgspec

from analyzers import LinterError, Remark

TIMEOUT = 5.0  # seconds for one file; the largest migrations of real projects take a hundredth
LARGEST = 1_000_000  # bytes of one file


class _Said(msgspec.Struct):
    rule_name: str
    line: int
    column: int
    line_end: int
    column_end: int


_DECODE = msgspec.json.Decoder(list[_Said])


class Squawk:
    """The program that the wheel `squawk-cli` installs: a `Linter`."""

    def __init__(self, program: Path | None = None, timeout: float = TIMEOUT) -> None:
        self._program, self._timeout = program, timeout

    @property
    def version(self) -> str:
        return _version()

    def remarks(self, sql: bytes) -> Sequence[Remark]:
        program = self._program or installed_program()
        if program is None:
            raise LinterError("the program is not installed.")
        if len(sql) > LARGEST:
            raise LinterError(f"it is larger than {LARGEST:,} bytes.")
        command = [str(program), "--reporter", "json"]
        try:
            done = subprocess.run(
                command, input=sql, capture_output=True, timeout=self._timeout, check=False, cwd=os.path.sep, env={}
            )
        except subprocess.TimeoutExpired as error:
            raise LinterError(f"it took more than {self._timeout:g} seconds.") from error
        except OSError as error:
            raise LinterError(f"the program cannot be run ({type(error).__name__}).") from error
        try:
            said = _DECODE.decode(done.stdout)
        except msgspec.MsgspecError as error:
            raise LinterError(f"the program ended with status {done.returncode} and said nothing of use.") from error
        starts = [0, *accumulate(len(line) + 1 for line in sql.split(b"\n"))]

        def offset(line: int, column: int) -> int:
            return min(starts[line] + column if 0 <= line < len(starts) else len(sql), len(sql))

        return [Remark(s.rule_name, offset(s.line, s.column), offset(s.line_end, s.column_end)) for s in said]


@cache
def installed_program() -> Path | None:
    """The program beside this Python, or on the path."""
    beside = Path(sysconfig.get_path("scripts")) / "squawk"
    found = str(beside) if beside.is_file() else shutil.which("squawk")
    return Path(found) if found else None


@cache
def _version() -> str:
    try:
        return f"squawk {metadata.version('squawk-cli')}"
    except metadata.PackageNotFoundError:
        return "squawk"
