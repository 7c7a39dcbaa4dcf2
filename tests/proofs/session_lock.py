"""The proof of PHP's lock of session files: the requests of one visitor, who asks for several things at once.

Each request is a process of PHP, as php-fpm would have one for each.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TOGETHER = 4
TAKES = 1.0
"""Seconds of work in each request."""

_PAGE = """<?php
session_save_path($argv[1]);
session_id($argv[2]);
session_start();
$_SESSION['seen'] = ($_SESSION['seen'] ?? 0) + 1;
{before}
usleep({micros});
"""
CASES = {
    "one visitor, sessions in files": ("", True),
    "the same, `session_write_close()` before the work": ("session_write_close();", True),
    "four visitors": ("", False),
}


@dataclass(frozen=True)
class Measured:
    """How many requests' time so many took that came at once: one where they ran together, all where each waited."""

    title: str
    turns: int


def measured() -> Iterator[Measured]:
    """Every case, run. Needs PHP."""
    for title, (before, one_visitor) in CASES.items():
        with tempfile.TemporaryDirectory(prefix="php-") as folder:
            page = Path(folder) / "index.php"
            page.write_text(_PAGE.format(before=before, micros=int(TAKES * 1e6)), encoding="utf-8")
            started = time.monotonic()
            requests = [
                subprocess.Popen(
                    ["php", "-d", "session.use_cookies=0", str(page), folder, "ada" if one_visitor else f"visitor{i}"]
                )
                for i in range(TOGETHER)
            ]
            assert [request.wait(60) for request in requests] == [0] * TOGETHER
            yield Measured(title, int((time.monotonic() - started) / TAKES))


def judge(found: list[Measured]) -> None:
    """One visitor's requests wait for each other, until the session is closed before the work."""
    assert [one.turns for one in found] == [TOGETHER, 1, 1]


def table(found: Iterator[Measured]) -> str:
    lines = [f"| {TOGETHER} requests at once, {TAKES:.0f} s of work each | answered after the time of |\n|---|---:|\n"]
    lines += [f"| {one.title} | {one.turns} |\n" for one in found]
    return "".join(lines)
