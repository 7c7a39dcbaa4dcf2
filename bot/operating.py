"""The commands of those who run the service: what the queue holds, dead letters, the operator's page."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import click
import typer

if TYPE_CHECKING:
    from redis import Redis

    from bot.queue import DeadLetter

app = typer.Typer()


@app.command()
def operator() -> None:
    """Show queues, workers and jobs on a page with a password."""
    from bot.console import serve

    serve()


@app.command()
def queue() -> None:
    """Tell jobs by state, the workers that live, and how long the oldest job has been waiting."""
    from bot.vitals import vitals

    with _valkey() as connection:
        found = vitals(connection)
    for state, count in found.states.items():
        print(f"{state:10}{count:>6}")
    print(f"{'workers':10}{found.workers:>6}")
    if found.queued:
        print(f"The oldest has been waiting for {found.age:.0f} seconds.")


@app.command()
def dead_letters(
    requeue: Annotated[
        list[str] | None,
        typer.Option("--requeue", metavar="ID", help="Give this job its tries again; all: each of them.", show_default=False),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="With the whole tracebacks.")] = False,
) -> None:
    """List the jobs that failed for good, the latest first, or have them tried again."""
    from bot.queue import Queue

    with _valkey() as connection:
        jobs = Queue(connection)
        letters = jobs.dead_letters()
        wanted = [letter.id for letter in letters] if requeue == ["all"] else requeue or []
        unknown = [id for id in wanted if not jobs.requeue(id)]
    if unknown:
        raise click.ClickException(f"There is no dead letter {', '.join(unknown)}.")
    if requeue:
        print(f"{len(wanted)} queued again.")
        return
    for letter in letters:
        print(_line(letter))
        if full:
            print(letter.traceback.encode("unicode_escape", "replace").decode().replace("\\n", "\n"))
    print(f"{len(letters)} dead letters.", file=sys.stderr)


def _line(letter: DeadLetter) -> str:
    job = letter.job
    about = f"{job.owner}/{job.repository}#{job.number}" if job else "no review"
    words = (letter.id, f"{letter.failed:%Y-%m-%dT%H:%MZ}" if letter.failed else "", about, letter.reason)
    return "".join(char if char.isprintable() else " " for char in "  ".join(words))


@contextmanager
def _valkey() -> Iterator[Redis]:
    """The queue's, for the time of the block."""
    from redis.exceptions import RedisError

    from bot.settings import Settings
    from bot.valkey import connect

    connection = connect(Settings().valkey_url)  # type: ignore[call-arg]
    try:
        yield connection
    except RedisError as error:
        raise click.ClickException(f"Valkey does not answer at CLIFFGUARD_VALKEY_URL: {error}.") from error
    finally:
        connection.close()
