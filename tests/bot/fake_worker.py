"""The real worker command with another review: it does what the pull request's number says, and writes down that it did.

Arguments: the file to write to. Every line of it is "<word> <process id> <number>".
"""

from __future__ import annotations

import os
import sys
import time
import types
from pathlib import Path

from bot import worker
from bot.errors import Broken, Gone, Later
from bot.observe import count_findings, step

OUT = Path(sys.argv[1])


def say(word: str, number: int) -> None:
    with OUT.open("a") as file:
        file.write(f"{word} {os.getpid()} {number}\n")


def runs(number: int) -> int:
    return OUT.read_text().count(f" {number}\n") if OUT.exists() else 0


def run(job, settings, queue):  # type: ignore[no-untyped-def]
    first = runs(job.number) == 0
    say("begin", job.number)
    with queue.lease(job.subject), step("fetch"):
        match job.number:
            case 1:
                count_findings({"n_plus_one": 2})
            case 2 if first:
                time.sleep(60)  # until it is killed
            case 3 if first:
                raise Later("GitHub says so", after=1)
            case 4:
                raise Broken("the repository is too large")
            case 5:
                raise Gone("closed")
            case 6:
                raise ValueError("a bug")
            case 8:
                time.sleep(1.5)
    say("end", job.number)


def give_up(job, reason, settings, queue):  # type: ignore[no-untyped-def]
    say(f"given-up:{reason.replace(' ', '_')}", job.number)


if __name__ == "__main__":
    review = types.ModuleType("bot.review")
    review.run, review.give_up = run, give_up  # type: ignore[attr-defined]
    sys.modules["bot.review"] = review
    import bot

    bot.review = review  # type: ignore[attr-defined]
    worker.preload = lambda: None
    sys.exit(worker.main())
