"""`cliffguard backtest`, from its options to its report."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer


def backtest(
    repo: Annotated[
        str,
        typer.Option(
            "--repo", metavar="DIR|OWNER/NAME|URL", help="A clone, or a repository on GitHub.", show_default="this one"
        ),
    ] = ".",
    last: Annotated[int, typer.Option("--last", min=1, max=1000, help="How many merged pull requests.")] = 50,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the report as a page, too.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    later: Annotated[
        bool, typer.Option("--later/--no-later", help="Find out what became of the findings, and by which commit.")
    ] = True,
    jobs: Annotated[int | None, typer.Option("--jobs", min=1, max=64, help="Processes.", show_default="one a core")] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Read every file anew.")] = False,
) -> None:
    """Review the last merged pull requests: what would have been said, and what was fixed later?

    Of a clone, the history names the pull requests: merge commits, and squashed ones by `(#123)`. A repository on GitHub is
    cloned into the cache; with GITHUB_TOKEN set, its API names them.
    """
    from rich.console import Console

    from bot.backtest.pages import to_html, to_json, to_terminal
    from bot.backtest.running import run
    from bot.objects import GitError

    if html is not None and (html.is_dir() or not html.absolute().parent.is_dir()):
        raise GitError(f"{html} cannot be written: give --html a file in a folder that exists.")
    found = run(repo, last, jobs or os.cpu_count() or 1, later=later, cached=not no_cache)
    if html is not None:
        html.write_text(to_html(found), "utf-8", "replace")
    if as_json:
        sys.stdout.write(to_json(found))
    else:
        to_terminal(found, Console(highlight=False, width=None if sys.stdout.isatty() else 120))
        if html is not None:
            print(f"The page is {html}.", file=sys.stderr)
