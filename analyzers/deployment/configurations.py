"""Configuration files of programs, as far as they say how many run: `gunicorn.conf.py`, `uwsgi.ini`, a pool of php-fpm."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import prod

import msgspec

from analyzers.deployment.known_programs import Config, Where
from analyzers.deployment.uses import NOT_RUN
from analyzers.deployment.values import Amount
from analyzers.deployment.variables import amount, from_ruby
from analyzers.facts.outline import Assign, Call, Function, Keyword, Member, Name, Node, Other, Text, dotted, walk
from analyzers.facts.store import FileFacts
from analyzers.source import Place


def configured(config: Config, options: Sequence[str], where: Where) -> dict[str, Amount | str]:
    """What a program's own file says of its processes, its threads, and the way it works."""
    path = _stated(config, options, where)
    if path is None:
        return {}
    return dict(_of_groups(path, config, where) if config.several else _said(path, config, where))


def _of_groups(path: str, config: Config, where: Where) -> Iterator[tuple[str, Amount]]:
    """The processes of all groups together, and the threads of the one that has most."""
    found: dict[str, dict[str, Amount]] = {}
    for entry in where.files[path].settings:
        inside = re.fullmatch(rf"{config.several}\.(\w+)\.(\w+)", entry.key)
        if inside is not None:
            place = Place(path, where.files[path].span(entry.start, entry.end))
            said = amount(from_ruby(entry.value), where.variables, place, f"`{inside[2]}` in `{path}`")
            found.setdefault(inside[1], {})[inside[2]] = said
    if not found:
        return
    one = Amount(1, f"one process for each group in `{path}`", where.place)
    processes = [group.get(config.processes, one) for group in found.values()]
    yield "processes", _together(processes, sum(a.value or 0 for a in processes))
    if threads := [group[config.threads] for group in found.values() if config.threads in group]:
        yield "threads", _together(threads, max(a.value or 0 for a in threads))


def _together(several: list[Amount], value: int) -> Amount:
    """One amount for several, unknown where one of them is."""
    unknown = next((a for a in several if a.value is None), None)
    return unknown or msgspec.structs.replace(several[0], value=value)


def daemons(config: Config, options: Sequence[str], where: Where) -> Iterator[tuple[str, Place]]:
    """The commands that a program's own file has it start beside itself."""
    path = _stated(config, options, where)
    if path is None:
        return
    skipping = False
    for entry in where.files[path].settings:
        match entry.key.rpartition(".")[2]:
            case "if-env" | "if-not-env" as word:
                skipping = (entry.value in where.variables) is (word == "if-not-env")
            case "endif":
                skipping = False
            case key if key == config.daemons and not skipping:
                yield entry.value, Place(path, where.files[path].span(entry.start, entry.end))


def _stated(config: Config, options: Sequence[str], where: Where) -> str | None:
    """The file of its own that a program is given, or that lies where it looks."""
    named = [options[i + 1] for i, option in enumerate(options[:-1]) if option in config.flags]
    named += [o.partition("=")[2] for o in options for flag in config.flags if o.startswith(f"{flag}=")]
    named += [o for o in options if o.endswith((".ini", ".yaml", ".xml"))]
    for name in (*named, *config.files):
        path = _file(name.removeprefix("python:").removeprefix("file:"), where)
        if path is not None:
            return path
    return None


def _file(name: str, where: Where) -> str | None:
    """The one file of the repository that a path inside an image can mean."""
    last = name.rpartition("/")[2]
    fitting = [p for p in where.files if p.rpartition("/")[2] == last]
    near = [p for p in fitting if p.startswith(where.folder)] or fitting
    return near[0] if len(near) == 1 else None


def _said(path: str, config: Config, where: Where) -> Iterator[tuple[str, Amount | str]]:
    facts = where.files[path]
    wanted = {config.processes: "processes", config.processes_also: "processes", config.threads: "threads", config.kind: "kind"}
    if facts.language == "python":
        for node in facts.outline:
            match node:
                case Assign(target=Name(id=name), value=value) if name in wanted and value is not None:
                    place = Place(path, facts.span(node.start, node.end))
                    text = said(value)
                    is_kind = wanted[name] == "kind"
                    yield wanted[name], text if is_kind else amount(text, where.variables, place, f"`{name}` in `{path}`")
    if facts.language == "ruby":
        yield from ((wanted[key], a) for key, a in directives(path, facts, where.variables) if key in wanted)
        for node in (n for top in facts.outline for n in walk(top)):
            match node:
                case Assign(target=Member(name=name) | Call(callee=Member(name=name)), value=value) if name in wanted and value:
                    place = Place(path, facts.span(node.start, node.end))
                    yield wanted[name], amount(said(value), where.variables, place, f"`{name}` in `{path}`")
    for entry in facts.settings:
        key = entry.key.rpartition(".")[2].lstrip(":")
        if key in wanted and key:
            place = Place(path, facts.span(entry.start, entry.end))
            yield wanted[key], amount(from_ruby(entry.value), where.variables, place, f"`{key}` in `{path}`")


_NUMBERED = re.compile(r"(?:^|_)(?:int|number|num|integer)(?:_|$)")
"""Functions of a project's own that make a number of a text: `int_or_none`."""


def directives(path: str, facts: FileFacts, variables: Mapping[str, str]) -> Iterator[tuple[str, Amount]]:
    """The directives of a configuration that is Ruby, the last argument of each: `threads 5, 10` is ten."""
    named = {
        n.target.id: n.value for top in facts.outline for n in walk(top) if isinstance(n, Assign) and isinstance(n.target, Name)
    }
    for node in (n for top in facts.outline for n in walk(top)):
        match node:
            case Call(callee=Name(id=name), args=(*_, last)):
                value = named.get(last.id) if isinstance(last, Name) else last
                text = said(value) if value is not None else ""
                yield name, amount(text, variables, Place(path, facts.span(node.start, node.end)), f"`{name}` in `{path}`")


def said(node: Node) -> str:
    """What an expression of a configuration says, as a command line would: `int(os.environ.get("N", 4))` is `${N:-4}`."""
    match node:
        case Text(value=value):
            return "" if value is None else str(value)
        case Other(word="*", children=parts) if all(said(p).isdecimal() for p in parts):
            return str(prod(int(said(p)) for p in parts))
        case Call(callee=Name(id="int" | "str" | "float" | "bool" | "Integer" | "Float" | "String"), args=(inner, *_)):
            return said(inner)
        case (
            Call(callee=Member(of=inner, name="to_i" | "to_sym" | "presence"), args=())
            | Member(of=inner, name="to_i" | "presence")
        ):
            return said(inner)
        case Call(callee=Member(of=Name(id="ENV"), name="fetch"), args=(Text(value=str() as variable), *others)):
            default = said(_result(others[0])) if others else ""
            return f"${{{variable}:-{default}}}" if default else f"${{{variable}}}"
        case Other(word="item", children=(Name(id="ENV"), Text(value=str() as variable))):
            return f"${{{variable}}}"
        case Other(word="binary", children=(first, other)) if said(first).startswith("${") and ":-" not in said(first):
            return f"{said(first)[:-1]}:-{said(other)}}}"
        case Call(callee=Name(id=name), args=(inner,), keywords=()) if _NUMBERED.search(name) and said(inner).startswith("${"):
            return said(inner)
        case Call(callee=callee, args=args, keywords=keywords) if asked := _asked(dotted(callee), args, keywords):
            return asked
        case Other(word="item", children=(of, Text(value=str() as variable))) if dotted(of).endswith("environ"):
            return f"${{{variable}}}"
        case Other(word="or", children=(first, Text(value=value))):
            found = said(first)
            return f"{found[:-1]}:-{value}}}" if found.startswith("${") and ":-" not in found else found
    if any(isinstance(n, Member | Name) and "cpu" in dotted(n) for n in walk(node)):
        return "processors"
    return ""


def _result(node: Node) -> Node:
    """What a block gives: its last expression."""
    return node.body[-1] if isinstance(node, Function) and node.body else node


def _asked(name: str, args: Sequence[Node], keywords: Sequence[Keyword]) -> str:
    last = name.rpartition(".")[2]
    if last in ("cpu_count", "process_cpu_count"):
        return "processors"
    if last in ("getenv", "get", "int", "str", "env", "config", "bool") and args and isinstance(args[0], Text):
        if last in ("get", "int", "str", "bool") and "env" not in name.lower():
            return ""
        other = args[1] if len(args) > 1 else next((k.value for k in keywords if k.name == "default"), None)
        default = said(other) if other is not None else ""
        return f"${{{args[0].value}:-{default}}}" if default else f"${{{args[0].value}}}"
    return ""


def settings_called(files: Mapping[str, FileFacts], key: str) -> Iterator[tuple[str, str, Place]]:
    """Each setting of that name in a configuration of the repository: path, value, place."""
    for path, facts in files.items():
        if facts.language != "ini":
            continue
        for entry in facts.settings:
            if entry.key == key or entry.key.endswith(f".{key}"):
                yield path, entry.value, Place(path, facts.span(entry.start, entry.end))


def directive(files: Mapping[str, FileFacts], name: str) -> tuple[str, Place] | None:
    """The words of the first directive of that name in a configuration of a server: `WSGIDaemonProcess shop processes=3`."""
    for path, facts in files.items():
        if facts.language == "ini" and not NOT_RUN.search(path):
            for entry in facts.settings:
                if entry.key.partition(" ")[0].rpartition(".")[2] == name:
                    _, _, begun = entry.key.partition(" ")
                    return f"{begun}={entry.value}", Place(path, facts.span(entry.start, entry.end))
    return None
