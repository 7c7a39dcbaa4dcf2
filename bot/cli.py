"""The command line: `cliffguard review|audit|explain` on this machine, and the service's processes.

Exit status: 0, nothing at or above the threshold; 1, something; 2, it could not run, and one line on stderr says why and
what to do. Heavy modules are imported where they are used: `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bot import operating
from bot.backtest.command import backtest

if TYPE_CHECKING:
    from analyzers import Analysis, FactStore, Problem, Review, Revision, Settings
    from bot.objects import Repository

OK, FOUND, FAILED, INTERRUPTED, UNREAD = 0, 1, 2, 130, 141

app = typer.Typer(
    name="cliffguard",
    help="Finds what breaks at a hundred users: N+1 queries, missing indexes and their kin.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Format(StrEnum):
    """The form of a report."""

    TERMINAL = "terminal"
    SARIF = "sarif"
    JSON = "json"
    MARKDOWN = "markdown"


class Tool(StrEnum):
    """What runs a load test."""

    LOCUST = "locust"
    K6 = "k6"


class Threshold(StrEnum):
    """The lowest severity whose new findings count as a failure."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NEVER = "never"


class UsageError(Exception):
    """It cannot run. The message says why, and what to do."""


Repo = Annotated[Path, typer.Option("--repo", metavar="DIR", help="The repository; bare ones too.", show_default="this one")]
Head = Annotated[
    str | None, typer.Option("--head", metavar="REV", help="What to review.", show_default="the files as they are now")
]
Form = Annotated[Format, typer.Option("--format", help="Form of the report.")]
Output = Annotated[
    Path | None, typer.Option("--output", metavar="FILE", help="Where to write it.", show_default="standard output")
]
FailOn = Annotated[
    Threshold | None,
    typer.Option("--fail-on", help="Severity from which the exit status is 1.", show_default="the repository's, or high"),
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Read every file anew.")]


@app.callback(invoke_without_command=True)
def _top(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False
) -> None:
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"cliffguard {version_of('cliffguard')}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def review(
    repo: Repo = Path(),
    base: Annotated[
        str | None,
        typer.Option(
            metavar="REV",
            help="The tree to compare with, exactly as given.",
            show_default="the merge base with the default branch",
        ),
    ] = None,
    head: Head = None,
    form: Form = Format.TERMINAL,
    output: Output = None,
    fail_on: FailOn = None,
    no_cache: NoCache = False,
) -> None:
    """Review the current branch, uncommitted work included, or two revisions."""
    from analyzers import RULES, compare, settings_of
    from bot.configuration import configuration
    from bot.objects import Repository
    from bot.progress import Watched, progress
    from bot.squawk import Squawk

    _check_writable(output)
    with Repository(repo) as repository:
        _progress("Reading the two trees")
        end = _head(repository, head)
        start = repository.revision(_base(repository, base, head))
        settings, problems = settings_of(configuration(repository, start), configuration(repository, end), known_rules=RULES)
        _progress(f"Analysing {len(end.files):,} files")
        with progress() as shown:
            blobs = Watched(repository, shown)
            analysis = compare(start, end, blobs, store=_store(no_cache), settings=settings, linter=Squawk())
        status = _report(analysis, problems, repository, start, settings, form, output, fail_on)
    raise typer.Exit(status)


@app.command()
def audit(
    repo: Repo = Path(),
    head: Head = None,
    form: Form = Format.TERMINAL,
    output: Output = None,
    fail_on: FailOn = None,
    no_cache: NoCache = False,
) -> None:
    """Review a whole tree, old findings included."""
    from analyzers import RULES, Revision, read_settings
    from analyzers import audit as analyse
    from bot.configuration import configuration
    from bot.objects import Repository
    from bot.progress import Watched, progress

    _check_writable(output)
    with Repository(repo) as repository:
        _progress("Reading the tree")
        end = _head(repository, head)
        settings, problems = read_settings(configuration(repository, end), known_rules=RULES)
        _progress(f"Analysing {len(end.files):,} files")
        with progress() as shown:
            analysis = analyse(end, Watched(repository, shown), store=_store(no_cache), settings=settings)
        status = _report(analysis, problems, repository, Revision("", {}), settings, form, output, fail_on)
    raise typer.Exit(status)


@app.command()
def loadtest(
    repo: Annotated[
        Path, typer.Argument(metavar="DIR", help="The repository; bare ones too.", show_default="this one")
    ] = Path(),
    framework: Annotated[Tool, typer.Option("--framework", help="What runs the test.")] = Tool.LOCUST,
    head: Head = None,
    output: Output = None,
    no_cache: NoCache = False,
) -> None:
    """Write a starter load test from the project's routes, for twice the peak that `.cliffguard.yml` expects."""
    from analyzers import RULES, load_test, read_settings
    from bot.configuration import configuration
    from bot.objects import Repository

    _check_writable(output)
    with Repository(repo) as repository:
        _progress("Reading the tree")
        end = _head(repository, head)
        settings, problems = read_settings(configuration(repository, end), known_rules=RULES)
        name = repo.resolve().name.removesuffix(".git")
        script = load_test(end, repository, framework, name=name, store=_store(no_cache), settings=settings)
    if not script.asked:
        raise UsageError(
            f"No address to ask for was found in {script.routes} routes. Known are those of Django, Django REST framework, "
            "Flask, FastAPI, Symfony and Laravel."
        )
    for problem in problems:
        print(f"cliffguard: {problem.path}:{problem.line}: {problem.text}", file=sys.stderr)
    _write(script.text, output)
    _progress(f"{script.asked} of {script.routes} routes are asked for")


@app.command()
def validate(
    repo: Annotated[
        Path, typer.Argument(metavar="DIR", help="The repository; bare ones too.", show_default="this one")
    ] = Path(),
    head: Head = None,
    schema: Annotated[bool, typer.Option("--schema", help="Write the JSON schema of the file instead, for editors.")] = False,
) -> None:
    """Check the configuration: every file, with the line, key and allowed values of each mistake."""
    from analyzers import RULES, json_schema, read_settings
    from bot.configuration import configuration
    from bot.objects import Repository

    if schema:
        _write(json_schema(RULES).decode(), None)
        return
    with Repository(repo) as repository:
        files = configuration(repository, _head(repository, head))
    _, problems = read_settings(files, known_rules=RULES)
    for problem in problems:
        print(_printable(f"{problem.path}:{problem.line}: {problem.text}"))
    if not files:
        print("There is no .cliffguard.yml: the defaults count.")
    elif not problems:
        print(f"{_printable(', '.join(files))}: no mistakes.")
    raise typer.Exit(FOUND if problems else OK)


@app.command()
def explain(rule: Annotated[str | None, typer.Argument(help="A rule; without it, all are listed.")] = None) -> None:
    """Show what a rule finds, why it matters, and what to do instead."""
    from rich.console import Console
    from rich.markdown import Markdown

    from analyzers import RULES

    console = Console(highlight=False)
    if rule is None:
        width = max(map(len, RULES), default=0)
        for name, known in sorted(RULES.items()):
            console.print(f"{name:{width}}  {known.title}", markup=False)
    elif rule in RULES:
        console.print(Markdown(RULES[rule].page))
    else:
        raise UsageError(f"Unknown rule {rule!r}; the rules are {', '.join(sorted(RULES))}.")


@app.command()
def run(
    repo: Annotated[Path | None, typer.Option(metavar="DIR", help="Your own repository.", show_default="a sample shop")] = None,
    base: Annotated[str | None, typer.Option(metavar="REV", help="Where the pull request starts.")] = None,
    head: Annotated[str | None, typer.Option(metavar="REV", help="The pull request's last commit.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Exit when the review has arrived.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes a free one.")] = 0,
) -> None:
    """Run the whole service on this machine, with a local GitHub, and review a pull request."""
    from bot.run import run as start

    raise typer.Exit(start(repo, base, head, once, port))


@app.command()
def setup(
    webhook: Annotated[str, typer.Argument(metavar="URL", help="Where GitHub reaches `cliffguard serve`: https://HOST.")],
    organization: Annotated[str, typer.Option(metavar="NAME", help="Whose App it is.", show_default="your own")] = "",
    name: Annotated[str, typer.Option(help="The App's name; it must be free on GitHub.")] = "cliffguard",
    file: Annotated[Path, typer.Option(metavar="FILE", help="Where its key and secret are stored.")] = Path(".env"),
    github: Annotated[str, typer.Option(metavar="URL", help="An Enterprise Server.")] = "https://github.com",
    kubernetes: Annotated[bool, typer.Option("--kubernetes", help="Write FILE as Secrets of Kubernetes.")] = False,
    resolving: Annotated[
        bool, typer.Option("--resolve-threads", help="Let it resolve threads, too: GitHub asks for the right to push for that.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page on this machine.")] = 8322,
) -> None:
    """Make the GitHub App: a page on this machine leads through GitHub's, and stores what GitHub hands out."""
    from bot.setup import Setup, api_of, run

    if not webhook.startswith(("https://", "http://")):
        raise UsageError(f"{webhook!r} is no address: it is that of the webhook service, as in https://cliffguard.example.org.")
    wanted = Setup(webhook, file, github.rstrip("/"), api_of(github), organization, name, kubernetes, resolving)
    run(wanted, "127.0.0.1", port)
    then = f"`kubectl apply -f {file}`, and delete it" if kubernetes else "Start `cliffguard serve` and `cliffguard worker`"
    _progress(f"Stored in {file}. {then}")


app.command()(backtest)


@app.command()
def serve() -> None:
    """Receive webhooks (settings: CLIFFGUARD_… in the environment)."""
    from bot.app import serve as start

    start()


@app.command()
def worker() -> None:
    """Do the queued reviews."""
    from bot.worker import main as start

    raise typer.Exit(start())


app.add_typer(operating.app)


# What the two reviews share


def _head(repository: Repository, rev: str | None) -> Revision:
    """The tree to review: as given, else the files as they are now, or the branch of a bare repository."""
    if rev is None:
        return repository.revision(repository.resolve("HEAD") if repository.is_bare else repository.working_tree())
    return repository.revision(repository.resolve(rev))


def _base(repository: Repository, base: str | None, head: str | None) -> str:
    """The tree to compare with: exactly as given, else where the branch left the default branch."""
    if base is not None:
        return repository.resolve(base)
    return repository.merge_base(repository.default_branch(), head or "HEAD")


def _file(repository: Repository, revision: Revision, path: str) -> bytes | None:
    blob = revision.files.get(path)
    return dict(repository.read([blob])).get(blob) if blob else None


def _store(no_cache: bool) -> FactStore:
    """The user's cache of facts; it may be thrown away at any time."""
    from analyzers import NoStore
    from bot.cache import DiskFacts, user_cache

    if no_cache:
        return NoStore()
    cache = user_cache()
    return DiskFacts(cache / "facts.sqlite") if cache else NoStore()


def _report(
    analysis: Analysis,
    problems: Sequence[Problem],
    repository: Repository,
    base: Revision,
    settings: Settings,
    form: Format,
    output: Path | None,
    fail_on: Threshold | None,
) -> int:
    """Writes the report and says how it ends."""
    import msgspec

    from analyzers import Severity, fails

    result = msgspec.structs.replace(analysis.review, problems=(*problems, *analysis.review.problems))
    _write(_render(form, result, analysis, lambda path: _file(repository, base, path), output), output)
    if fail_on is None:
        return FOUND if any(fails(finding, settings, Threshold.HIGH) for finding in result.new) else OK
    worst = [] if fail_on is Threshold.NEVER else [f for f in result.new if f.severity.at_least(Severity(fail_on))]
    return FOUND if worst else OK


def _render(
    form: Format, result: Review, analysis: Analysis, read_base: Callable[[str], bytes | None], output: Path | None
) -> str:
    from analyzers import RULES, to_json, to_markdown, to_sarif, to_terminal

    match form:
        case Format.SARIF:
            return to_sarif(result, RULES, read=analysis.source, read_base=read_base, verify=analysis.removes)
        case Format.JSON:
            return to_json(result)
        case Format.MARKDOWN:
            return to_markdown(result)
        case Format.TERMINAL:
            shown = output is None and sys.stdout.isatty()
            width = min(os.get_terminal_size().columns, 120) if shown else 100
            return to_terminal(result, read=analysis.source, width=width, color=shown and not os.environ.get("NO_COLOR"))


def _check_writable(output: Path | None) -> None:
    """Better now than after the analysis."""
    if output is not None and (output.is_dir() or not output.absolute().parent.is_dir()):
        raise UsageError(f"{output} cannot be written: give --output a file in a folder that exists.")


def _write(text: str, output: Path | None) -> None:
    data = text.encode(errors="replace")
    if output is not None:
        output.write_bytes(data)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _progress(text: str) -> None:
    """For people who wait: only if stderr is a terminal."""
    if sys.stderr.isatty():
        print(f"{text} …", file=sys.stderr)


# The process


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs a command and exits with its status."""
    sys.exit(call(arguments))


def call(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; every failure becomes one line on stderr and status 2."""
    try:
        status = typer.main.get_command(app).main(arguments, prog_name="cliffguard", standalone_mode=False)
        return status if isinstance(status, int) else OK
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:  # the reader has gone; nobody waits for the rest
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - replaces the stream for the interpreter's last flush
        return UNREAD
    except Exception as error:
        if os.environ.get("CLIFFGUARD_DEBUG"):
            raise
        print(f"cliffguard: {_explained(error)}", file=sys.stderr)
        return FAILED


def _explained(error: Exception) -> str:
    """One line: why, and what to do."""
    if isinstance(error, UsageError):
        text = str(error)
    elif callable(usage := getattr(error, "format_message", None)):
        text = f"{usage().replace('Value error, ', '')} See cliffguard --help."
    elif isinstance(error, OSError):
        text = str(error)
    else:
        text = f"Internal error, {type(error).__name__}: {error}. Please report it; CLIFFGUARD_DEBUG=1 shows where."
    return " ".join(_printable(text).split())


def _printable(text: str) -> str:
    """Without what a terminal would obey."""
    return "".join(char if char.isprintable() else " " for char in text)
