"""What a command line starts, and how many of it: `gunicorn -w 4 --threads 8 shop.wsgi` is four processes of eight threads."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from analyzers.deployment.configurations import configured, daemons, directive, settings_called
from analyzers.deployment.known_programs import Count, Kind, Known, Where, known_programs
from analyzers.deployment.supervisors import Started, package_script, started
from analyzers.deployment.values import Amount, Program
from analyzers.deployment.variables import amount, resolved
from analyzers.facts.store import FileFacts
from analyzers.source import Place

_ENDS = frozenset({"&&", "||", ";", "|", "&", "(", ")"})
_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh"})
# fmt: off
_WRAPPERS = frozenset({
    "exec", "env", "nice", "time", "sudo", "nohup", "command", "then", "do", "else", "if", "!", "start-stop-daemon",
    "busybox", "with-contenv", "tini", "dumb-init", "catatonit", "poetry", "uv", "pipenv", "pdm", "hatch", "rye", "run",
    "bundle", "npx", "yarn", "pnpm", "python", "python3", "python2", "php", "ruby", "coverage", "newrelic-admin",
    "run-program", "ddtrace-run", "opentelemetry-instrument", "sentry", "chamber", "doppler", "infisical",
})
# fmt: on
_TAKE_ONE = frozenset({"gosu", "su-exec", "setpriv", "timeout"})  # and then the command
_ASSIGNED = re.compile(r"[A-Za-z_]\w*=")
_MAX_NESTING = 4


def programs(command: str, where: Where, depth: int = 0) -> Iterator[Program]:
    """The programs that a command line starts, in order."""
    for words in _simple_commands(command):
        if words and depth < _MAX_NESTING and (script := package_script(words, where.files, where.folder)):
            yield from programs(script, where, depth + 1)
            continue
        words = _stripped(words)
        if not words:
            continue
        name = words[0].rpartition("/")[2]
        if depth < _MAX_NESTING and (several := started(words, where.files, where.folder, where.place)):
            for one in several:
                there = msgspec.structs.replace(where, place=one.place, variables={**where.variables, **one.variables})
                yield from (_multiplied(p, one, there) for p in programs(one.command, there, depth + 1))
        elif name in _SHELLS and depth < _MAX_NESTING:
            given = next((words[i + 1] for i, w in enumerate(words[:-1]) if re.fullmatch(r"-\w*c", w)), None)
            yield from programs(given, where, depth + 1) if given else _scripted(words[1:], where, depth)
        elif (found := _known(words, where)) is not None:
            yield from _with_daemons(*found, words, where, depth)
        elif "--" in words[1:] and depth < _MAX_NESTING:
            yield from programs(shlex.join(words[words.index("--", 1) + 1 :]), where, depth + 1)
        else:
            yield from _scripted(words, where, depth)


def _with_daemons(title: str, known: Known, words: Sequence[str], where: Where, depth: int) -> Iterator[Program]:
    """A program, and what its own file says that it starts beside itself."""
    program = _program(title, known, words, where)
    config = known.config
    found = [
        (one, p)
        for one, place in (daemons(config, words[1:], where) if config is not None and config.daemons else ())
        if depth < _MAX_NESTING
        for p in programs(one, msgspec.structs.replace(where, place=place), depth + 1)
    ]
    yield msgspec.structs.replace(program, beside=program.beside or bool(found))
    yield from (msgspec.structs.replace(p, beside=True, does="worker" if p.does == "job" else p.does) for _, p in found)


def _multiplied(program: Program, one: Started, where: Where) -> Program:
    """A program that a supervisor starts so many times, beside the others."""
    copies = amount(one.copies, where.variables, one.place, f"copies of `{one.name}`")
    processes = program.processes
    if copies.value is None or processes.value == 1:
        processes = copies if copies.value != 1 else processes
    elif processes.value is not None:
        processes = msgspec.structs.replace(processes, value=processes.value * copies.value)
    return msgspec.structs.replace(program, processes=processes, beside=True)


def _scripted(words: Sequence[str], where: Where, depth: int) -> Iterator[Program]:
    """What a script of the repository starts, and what it is given to start."""
    if not words or depth >= _MAX_NESTING:
        return
    facts, path = _script(words[0], where)
    if facts is None:
        if len(words) > 1:
            yield from programs(shlex.join(words[1:]), where, depth + 1)
        return
    variables = dict(where.variables)
    for name, text, place in _lines(facts, path, words[1:]):
        if name:
            if "$(" not in text and "`" not in text:
                variables[name] = resolved(text.strip("\"'"), variables)
        elif _HANDED_ON.search(text):
            yield from programs(shlex.join(words[1:]), where, depth + 1)
        else:
            there = msgspec.structs.replace(where, place=place, variables=variables)
            yield from programs(resolved(text, variables), there, depth + 1)


_HANDED_ON = re.compile(r"\"?\$[@*]\"?")


def _lines(facts: FileFacts, path: str, given: Sequence[str]) -> Iterator[tuple[str, str, Place]]:
    """The commands that a script runs with these arguments, with what it sets: the body of a function where it is called, the
    branch of a `case` that fits."""
    first = given[0] if given else ""
    taken: dict[str, str] = {}
    ways = [s.key.split("\t") for s in facts.settings]
    for way in ways:
        for step in way:
            asked, found, patterns = step.partition("=")
            if found and asked in ("$1", "${1}", "1") and first in patterns.split("|"):
                taken[asked] = step
    functions = {way[0] for way in ways if way[0].endswith("()")}

    def walk(called: str, depth: int) -> Iterator[tuple[str, str, Place]]:
        for way, line in zip(ways, facts.settings, strict=True):
            inside = way[0] if way[0].endswith("()") else ""
            steps = [s for s in way[:-1] if not s.endswith("()")]
            if inside != called or any(not _fits(s, taken) for s in steps):
                continue
            word = line.value.split()[0] if line.value.split() else ""
            if way[-1] == "command" and f"{word}()" in functions and depth < _MAX_NESTING:
                yield from walk(f"{word}()", depth + 1)
                continue
            name = way[-1].removeprefix("set.") if way[-1].startswith("set.") else ""
            yield name, line.value, Place(path, facts.span(line.start, line.end))

    yield from walk("", 0)


def _fits(step: str, taken: Mapping[str, str]) -> bool:
    asked, _, patterns = step.partition("=")
    if asked not in ("$1", "${1}", "1"):
        return True
    return taken[asked] == step if asked in taken else patterns == "*"


def _script(word: str, where: Where) -> tuple[FileFacts | None, str]:
    """The one script of the repository that a word can mean."""
    name = word.rpartition("/")[2]
    fitting = [p for p, f in where.files.items() if f.language == "shell" and p.rpartition("/")[2] == name]
    near = [p for p in fitting if p.startswith(where.folder)] or fitting
    return (where.files[near[0]], near[0]) if len(near) == 1 else (None, "")


def _simple_commands(command: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(command, posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    try:
        for token in lexer:
            if token in _ENDS or set(token) <= set("();|&"):
                yield words
                words = []
            else:
                words.append(token)
    except ValueError:
        pass  # a quote that nothing closes: what came before counts
    yield words


def _stripped(words: list[str]) -> list[str]:
    """Without what only starts another command: `exec`, `poetry run`, assignments."""
    at = 0
    while at < len(words):
        word = words[at].rpartition("/")[2]
        if word in _TAKE_ONE:
            at += 2
        elif word in _WRAPPERS or _ASSIGNED.match(words[at]):
            at += 1
            while at < len(words) and words[at].startswith("-") and words[at] != "--":
                at += 1
            at += at < len(words) and words[at] == "--"
        else:
            break
    return words[at:]


def _known(words: Sequence[str], where: Where) -> tuple[str, Known] | None:
    name = words[0].rpartition("/")[2].removeprefix("./")
    for title, program in known_programs().items():
        if name not in program.names and words[0] not in program.names:
            continue
        if program.directive and directive(where.files, program.directive) is None:
            continue
        rest = words[1:]
        if all(w in rest for w in program.when) and (
            not program.when_any or any(w in rest or w == name for w in program.when_any)
        ):
            return title, program
    return None


def _program(title: str, known: Known, words: Sequence[str], where: Where) -> Program:
    more = where.variables.get(known.options_in, "") if known.options_in else ""
    options = [*words[1:], *(_split(more) if more else ())]
    if known.directive and (said := directive(where.files, known.directive)) is not None:
        options, where = _split(said[0]), msgspec.structs.replace(where, place=said[1])
    stated = configured(known.config, options, where) if known.config is not None else {}
    kind = _kind(known, options, stated)
    processes = _count(known.processes, options, where, title, stated.get("processes"))
    threads = _count(known.threads, options, where, title, stated.get("threads"))
    if kind is not None:
        if kind.swapped:
            processes, threads = Amount(1, f"one process with the pool of {title}", where.place), processes
        if kind.processes is not None:
            processes = _count(kind.processes, options, where, title, None)
        if kind.threads is not None:
            threads = _count(kind.threads, options, where, title, None)
    if processes.value == 0:
        processes = Amount(1, f"one process without workers of {title}", processes.place)
    development = known.development or any(flag in options for flag in known.development_flags)
    return Program(title, known.does, processes, threads, known.language, where.place, development)


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _kind(known: Known, options: Sequence[str], stated: Mapping[str, Amount | str]) -> Kind | None:
    told = _flag(known.kind_flags, options) or str(stated.get("kind", ""))
    return next((kind for name, kind in known.kinds.items() if name in told.lower()), None) if told else None


def _count(count: Count, options: Sequence[str], where: Where, title: str, stated: Amount | str | None) -> Amount:
    text = _flag(count.flags, options)
    if text in count.all:
        return Amount(None, f"`{count.flags[-1]}` of {title}", where.place, "processors")
    if text:
        text = text.rpartition(":")[2] if count.upper and "{" not in text else text
        return amount(text, where.variables, where.place, f"`{count.flags[-1]}` of {title}")
    for variable in count.variables:
        if variable in where.variables:
            return amount(where.variables[variable], where.variables, where.place, f"`{variable}`")
    if isinstance(stated, Amount):
        return stated
    if count.settings:
        for path, value, place in settings_called(where.files, count.settings):
            return amount(value, where.variables, place, f"`{count.settings}` in `{path}`")
    if isinstance(count.default, int):
        return Amount(count.default, f"the default of {title}", where.place)
    return Amount(None, f"the default of {title}", where.place, count.default)


def _flag(flags: Sequence[str], options: Sequence[str]) -> str:
    """What follows one of the flags: `-w 4`, `-w4`, `--workers=4`."""
    found = ""
    for at, option in enumerate(options):
        for flag in flags:
            if option == flag and at + 1 < len(options):
                found = options[at + 1]
            elif flag.startswith("--") and option.startswith(f"{flag}="):
                found = option[len(flag) + 1 :]
            elif not flag.startswith("--") and re.fullmatch(rf"{re.escape(flag)}=?(\d+|\$\{{?\w.*)", option):
                found = option[len(flag) :].lstrip("=")
    return found
