"""Load tests of a project, and how much their own options drive."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from analyzers.facts.outline import Other, Text, walk
from analyzers.facts.store import FileFacts, Setting
from analyzers.model.naming.literals import items_of
from analyzers.model.naming.roles import is_load_test
from analyzers.source import Place


class Driven(msgspec.Struct, frozen=True):
    """A load test, and the users or the requests (or new users) of a second that it drives at most, where it says so."""

    tool: str
    place: Place
    users: int | None = None
    rate: int | None = None
    at: Place | None = None  # where it says so


_FALLBACK = re.compile(r"(?:\|\||\?\?)[ \t]*[\"']?(\d{1,7})[\"']?[ \t)]*$")
_JMETER_DEFAULT = re.compile(r"\$\{__P\([\w.]+,[ \t]*(\d{1,7})\)\}")
_COMMAND = re.compile(r"\blocust\b.*?(?:\s-u|\s--users)[= ]\s*(\d{1,7})")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def load_tests(files: Mapping[str, FileFacts], commands: Mapping[str, Place]) -> Iterator[Driven]:
    """The load tests of a repository. `commands` are the command lines of its deployment, which may start one."""
    for path, facts in files.items():
        if not is_load_test(path) and facts.language != "python":
            continue
        match facts.language:
            case "python" if any(i.path.partition(".")[0] == "locust" for i in facts.imports):
                yield _locust(path, files, commands)
            case "load" if facts.settings:
                yield _scripted(path, facts)
            case "xml" if path.endswith(".jmx"):
                yield _jmeter(path, facts)
            case "yaml" if any(s.key.startswith("config.phases") for s in facts.settings):
                yield _artillery(path, facts)


def _place(path: str, facts: FileFacts, setting: Setting) -> Place:
    return Place(path, facts.span(setting.start, setting.end))


_Said = list[tuple[int, Setting]]


def _most(path: str, facts: FileFacts, tool: str, place: Place, users: _Said, rates: _Said) -> Driven:
    """The most of both, and where that is said."""
    best = max(rates or users, key=lambda pair: pair[0], default=None)
    return Driven(
        tool,
        place,
        max((n for n, _ in users), default=None),
        max((n for n, _ in rates), default=None),
        _place(path, facts, best[1]) if best is not None else None,
    )


# -- k6, Gatling, wrk --------------------------------------------------------------------------------------------------


def _scripted(path: str, facts: FileFacts) -> Driven:
    tool = facts.settings[0]
    place = _place(path, facts, tool)
    match tool.value:
        case "gatling":
            return _most(path, facts, "Gatling", place, *_injected(facts))
        case "k6":
            return _most(path, facts, "k6", place, *_scheduled(facts))
    return Driven(tool.value, place)


def _injected(facts: FileFacts) -> tuple[_Said, _Said]:
    """Users, and users of a second, that a simulation of Gatling injects."""
    users: _Said = []
    rates: _Said = []
    for setting in facts.settings[1:]:
        if number := re.match(r"\d{1,7}", setting.value):
            (rates if "PerSec" in setting.key else users).append((int(number[0]), setting))
    return users, rates


def _scheduled(facts: FileFacts) -> tuple[_Said, _Said]:
    """Users, and iterations of a second, of the scenarios of k6."""
    constants = {s.key.removeprefix("const."): s.value for s in facts.settings if s.key.startswith("const.")}
    users: _Said = []
    rates: _Said = []
    for told in _scenarios(facts).values():
        arriving = any("arrival-rate" in s.value for s in told if s.key.endswith(".executor"))
        per = next((_seconds(s.value) for s in told if s.key.endswith(".timeUnit")), 1.0)
        for setting in told:
            last = setting.key.rpartition(".")[2]
            number = _number(setting.value, constants)
            if number is not None and (last in ("rate", "startRate") or (last == "target" and arriving)):
                rates.append((round(number / per), setting))
            elif number is not None and last in ("vus", "startVUs", "target"):
                users.append((number, setting))
    return users, rates


def _scenarios(facts: FileFacts) -> dict[str, list[Setting]]:
    """The options of each scenario, or those of the script itself."""
    found: dict[str, list[Setting]] = {}
    for setting in facts.settings:
        match setting.key.split("."):
            case ["options", "scenarios", name, *_]:
                found.setdefault(name, []).append(setting)
            case ["options", "vus" | "stages", *_]:
                found.setdefault("", []).append(setting)
    return found


def _number(text: str, constants: Mapping[str, str], hops: int = 3) -> int | None:
    """A literal, the literal that a constant is, or what stands where a variable is not set."""
    if text.isdecimal() and len(text) < 8:
        return int(text)
    if text in constants and hops:
        return _number(constants[text], constants, hops - 1)
    found = _FALLBACK.search(text)
    return int(found[1]) if found else None


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+)(ms|s|m|h)", text.strip("\"'"))
    return int(found[1]) * _SECONDS[found[2]] if found and int(found[1]) else 1.0


# -- Locust, JMeter, Artillery -----------------------------------------------------------------------------------------


def _locust(path: str, files: Mapping[str, FileFacts], commands: Mapping[str, Place]) -> Driven:
    """Users by its own file of options, a command line, or the stages of a shape."""
    facts = files[path]
    first = next(i for i in facts.imports if i.path.partition(".")[0] == "locust")
    place = Place(path, facts.span(first.start, first.start + 1))
    for other, options in files.items():
        if other.rpartition("/")[2] == "locust.conf":
            for setting in options.settings:
                if setting.key.rpartition(".")[2] == "users" and setting.value.isdecimal():
                    return Driven("Locust", place, int(setting.value), at=_place(other, options, setting))
    for command, at in commands.items():
        if found := _COMMAND.search(command):
            return Driven("Locust", place, int(found[1]), at=at)
    shapes = [
        (value.value, pair)
        for top in facts.outline
        for pair in walk(top)
        if isinstance(pair, Other) and pair.word == "dict"
        for name, value in items_of(pair)
        if name == "users" and isinstance(value, Text) and isinstance(value.value, int)
    ]
    if shapes:
        users, node = max(shapes, key=lambda shape: shape[0])
        return Driven("Locust", place, users, at=Place(path, facts.span(node.start, node.end)))
    return Driven("Locust", place)


def _jmeter(path: str, facts: FileFacts) -> Driven:
    """The threads of all groups together."""
    place = Place(path, facts.span(0, 1))
    threads: list[int] = []
    at: Place | None = None
    for name, text in zip(facts.settings, facts.settings[1:], strict=False):
        if name.value == "ThreadGroup.num_threads" and text.key == name.key.removesuffix("name"):
            number = _JMETER_DEFAULT.sub(lambda found: found[1], text.value)
            if not number.isdecimal():
                return Driven("JMeter", place)
            threads.append(int(number))
            at = at or _place(path, facts, text)
    return Driven("JMeter", place, sum(threads) if threads else None, at=at)


def _artillery(path: str, facts: FileFacts) -> Driven:
    phases = [s for s in facts.settings if s.key.startswith("config.phases")]
    rates = [(int(s.value), s) for s in phases if s.key.endswith((".arrivalRate", ".rampTo")) and s.value.isdecimal()]
    return _most(path, facts, "Artillery", _place(path, facts, phases[0]), [], rates)
