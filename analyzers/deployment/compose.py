"""Compose files: services with their copies, commands and variables; overrides, `extends`, `env_file`, profiles."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping

from analyzers.deployment.commands import programs
from analyzers.deployment.images import command_of_base, dockerfile_of, image_at, joined, own_dockerfile
from analyzers.deployment.known_programs import Where
from analyzers.deployment.uses import NOT_RUN
from analyzers.deployment.values import Amount, Service, Stack
from analyzers.deployment.variables import amount, resolved
from analyzers.facts.store import FileFacts, Setting
from analyzers.model.naming.roles import is_test
from analyzers.source import Place

_COMPOSE = re.compile(r"(?:.*/)?(?:docker-)?compose(?P<variant>[\w.-]*)\.ya?ml")
_PRODUCTION = re.compile(r"prod|live|deploy|release|swarm", re.IGNORECASE)
_STEP = re.compile(r"services\.(?P<name>[^.]+)\.(?P<rest>.+)")

_Entries = dict[str, tuple[str, Setting]]
"""The settings of one service by what stands after its name, each with the file that states it."""

_Stated = dict[str, _Entries]


def stacks(files: Mapping[str, FileFacts]) -> Iterator[Stack]:
    """The services of each set of compose files that belongs to production, by the path of the file that leads it."""
    folders: dict[str, dict[str, str]] = {}
    for path, facts in files.items():
        found = _COMPOSE.fullmatch(path)
        if (
            found
            and facts.language == "yaml"
            and facts.settings
            and not is_test(path)
            and not NOT_RUN.search(path.rpartition("/")[0])
        ):
            folders.setdefault(path.rpartition("/")[0], {})[found["variant"].strip(".-_")] = path
    for named in folders.values():
        for chosen in _sets(files, named):
            services = tuple(_services(files, chosen))
            if len(chosen) > 1 and chosen[-1] == named.get("override") and _only_develops(services):
                chosen = chosen[:1]
                services = tuple(_services(files, chosen))
            if services:
                yield Stack(chosen[-1], services)


def _sets(files: Mapping[str, FileFacts], named: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """Which files are used together: the plain one with its override, or with what is for production."""
    production = [path for variant, path in sorted(named.items()) if _PRODUCTION.search(variant)]
    plain = named.get("")
    if production:
        yield from ((plain, path) if plain and not _stands_alone(files, path) else (path,) for path in production)
    elif plain is not None:
        override = named.get("override")
        yield (plain, override) if override else (plain,)
    else:
        yield from ((path,) for variant, path in sorted(named.items()) if not NOT_RUN.search(variant))


_SOURCES = ("image", "build", "extends")


def _stands_alone(files: Mapping[str, FileFacts], path: str) -> bool:
    """Whether a file says of each service what it runs, and has a database or more: nothing is left for another to say."""
    stated = _stated(files, path)
    return len(stated) > 1 and all(any(key.partition(".")[0] in _SOURCES for key in entries) for entries in stated.values())


def _only_develops(services: tuple[Service, ...]) -> bool:
    """Whether no service runs anything that users meet, though some are run to develop."""
    runs = [program for service in services for program in service.programs if program.does == "web"]
    return bool(runs) and all(program.development for program in runs)


def _services(files: Mapping[str, FileFacts], chosen: tuple[str, ...]) -> Iterator[Service]:
    stated: _Stated = {}
    for path in [part for leading in chosen for part in (*_included(files, leading), leading)]:
        for name, entries in _stated(files, path).items():
            stated[name] = _merged(stated.get(name, {}), entries)
    folder = chosen[0].rpartition("/")[0]
    variables = _dotenv(files, folder)
    over = {name for entries in stated.values() for name in _awaited(entries)}
    for name, entries in stated.items():
        if name in over:
            continue  # the others start once it has ended
        entries = _extended(files, stated, entries, folder)
        if any(_PROFILE.search(s.value) for key, (_, s) in entries.items() if key.startswith("profiles.")):
            continue
        yield _service(files, name, entries, folder, variables)


def _included(files: Mapping[str, FileFacts], path: str) -> Iterator[str]:
    """The files that one includes."""
    for setting in files[path].settings:
        if re.fullmatch(r"include\.\d+(?:\.path(?:\.\d+)?)?", setting.key):
            other = joined(path.rpartition("/")[0], setting.value)
            if other in files and other != path:
                yield other


def _awaited(entries: _Entries) -> Iterator[str]:
    """The services whose end one waits for."""
    for key, (_, setting) in entries.items():
        if key.startswith("depends_on.") and setting.value == "service_completed_successfully":
            yield key.split(".")[1]


_PROFILE = re.compile(r"dev|test|debug|tools?\b|local", re.IGNORECASE)


def _stated(files: Mapping[str, FileFacts], path: str) -> _Stated:
    stated: _Stated = {}
    settings = files[path].settings
    first = ("version", "services.", "x-", "name", "volumes", "networks", "include", "configs", "secrets")
    old = not any(s.key.startswith("services.") for s in settings) and not any(s.key.startswith(first) for s in settings)
    for setting in settings:
        found = _STEP.fullmatch(f"services.{setting.key}" if old else setting.key)
        if found:
            stated.setdefault(found["name"], {})[found["rest"]] = (path, setting)
    return stated


def _merged(under: _Entries, over: _Entries) -> _Entries:
    """What two files say of a service: a command or an image replaces the other, variables add up."""
    replaced = {key.partition(".")[0] for key in over} & {"command", "entrypoint", "image", "build"}
    kept = {key: value for key, value in under.items() if key.partition(".")[0] not in replaced}
    return {**kept, **{f"{key}+" if key in kept and _is_item(key) else key: value for key, value in over.items()}}


def _is_item(key: str) -> bool:
    """Whether a key is a position in a list that adds up."""
    return key.partition(".")[0] in ("environment", "volumes", "env_file") and key[-1:].isdigit()


def _extended(files: Mapping[str, FileFacts], stated: _Stated, entries: _Entries, folder: str) -> _Entries:
    base = entries.get("extends.service") or entries.get("extends")
    if base is None:
        return entries
    other = entries.get("extends.file")
    if other is None:
        return _merged(stated.get(base[1].value, {}), entries)
    path = joined(folder, other[1].value)
    return _merged(_stated(files, path).get(base[1].value, {}) if path in files else {}, entries)


def _dotenv(files: Mapping[str, FileFacts], folder: str) -> dict[str, str]:
    """What a committed `.env` sets for the compose file beside it."""
    facts = files.get(joined(folder, ".env"))
    return {s.key: s.value for s in facts.settings} if facts is not None else {}


def _service(files: Mapping[str, FileFacts], name: str, entries: _Entries, folder: str, dotenv: Mapping[str, str]) -> Service:
    def told(key: str) -> str:
        return resolved(entries[key][1].value, dotenv) if key in entries else ""

    build = told("build") or told("build.context") or ("." if any(k.startswith("build.") for k in entries) else "")
    built_in = joined(folder, build) if build else None
    if built_in is not None:
        dockerfile = dockerfile_of(files, built_in, told("build.dockerfile"))
    else:
        dockerfile = own_dockerfile(files, told("image"))
        built_in = dockerfile.rpartition("/")[0] if dockerfile is not None else None
    image = image_at(files, dockerfile, told("build.target")) if dockerfile else None
    environment = {**(image.environment if image is not None else {}), **_environment(files, entries, folder, dotenv)}
    path, first = next(iter(entries.values()))
    place = Place(path, files[path].span(first.start, first.end))
    command, at = _command(files, entries, dotenv)
    if image is None and not command:
        command = command_of_base(told("image"))
    if image is not None and not any(k.partition(".")[0] == "entrypoint" for k in entries):
        command, at = f"{image.entrypoint} {command or image.command}".strip(), at if command else image.place
    where = Where({**dotenv, **environment}, files, built_in if built_in is not None else folder, at or place)
    replicas = next((k for k in ("deploy.replicas", "scale") if k in entries), "")
    copies = Amount(1, "one container, as no `replicas` are stated", place)
    if replicas:
        of, entry = entries[replicas]
        copies = amount(entry.value, dotenv, Place(of, files[of].span(entry.start, entry.end)), f"`{replicas}` of `{name}`")
    return Service(
        name,
        place,
        copies,
        tuple(programs(command, where)) if command else (),
        told("image"),
        built_in,
        command,
        environment,
        tuple(v[1].value for k, v in entries.items() if k.startswith("volumes")),
        needs=tuple(_needs(entries)),
    )


def _needs(entries: _Entries) -> Iterator[str]:
    """The services that one waits for."""
    for key, (_, setting) in entries.items():
        first, _, rest = key.partition(".")
        if first in ("depends_on", "links"):
            yield setting.value.partition(":")[0] if rest.rstrip("+").isdigit() else rest.partition(".")[0]


def _command(files: Mapping[str, FileFacts], entries: _Entries, dotenv: Mapping[str, str]) -> tuple[str, Place | None]:
    """The command line of a service as one text, and where it is stated."""
    parts: list[str] = []
    place: Place | None = None
    for word in ("entrypoint", "command"):
        keys = [k for k in entries if k == word or k.startswith(f"{word}.")]
        for key in keys:
            path, setting = entries[key]
            text = resolved(setting.value, dotenv)
            parts.append(text if key == word else shlex.quote(text))
            place = Place(path, files[path].span(setting.start, setting.end)) if place is None or word == "command" else place
    return " ".join(parts), place


def _environment(files: Mapping[str, FileFacts], entries: _Entries, folder: str, dotenv: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, (path, setting) in entries.items():
        if key.startswith("env_file"):
            facts = files.get(joined(path.rpartition("/")[0], setting.value)) or files.get(joined(folder, setting.value))
            found.update({s.key: s.value for s in facts.settings} if facts is not None else {})
    for key, (_, setting) in entries.items():
        first, _, rest = key.partition(".")
        if first != "environment":
            continue
        if rest.rstrip("+").isdigit():
            variable, stated, value = setting.value.partition("=")
            if stated:
                found[variable] = resolved(value, dotenv)
        elif rest:
            found[rest] = resolved(setting.value, dotenv)
    return found
