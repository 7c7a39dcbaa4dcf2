"""Configuration files as flat settings: `services.db.image` = `postgres:16`.

Keys are joined by dots, list items numbered, values the text as written without its quotes. What a format has several times
(`FROM` of a Dockerfile) occurs several times, in order. Nothing is interpolated: `${PORT:-8000}` stays what it is.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any

from analyzers.facts.store import FileFacts, FileProblem, Setting
from analyzers.frontends.config_loads import load_settings
from analyzers.frontends.config_packages import gemfile_settings, requirements_settings
from analyzers.frontends.config_template import definition_settings, is_template, template_settings
from analyzers.frontends.config_xml import xml_settings
from analyzers.frontends.config_yaml import MAX_SETTINGS, UnreadableError, json_settings, yaml_settings
from analyzers.frontends.frontend import Frontend
from analyzers.frontends.lines import decoded, find_ignores, first_problems, line_starts
from analyzers.frontends.literals import unicode_scalars

MAX_BYTES = 256_000
"""Larger configuration files are data, and not read."""

Settings = tuple[list[Setting], UnreadableError | None]

MAX_VALUE = 1_000
"""Characters kept of a value; longer ones are scripts and certificates."""


def _yaml(text: str) -> Settings:
    return template_settings(text, yaml_settings) if is_template(text) else yaml_settings(text)


def _definitions(text: str) -> Settings:
    return definition_settings(text, yaml_settings)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Each line with the offset at which it begins."""
    at = 0
    for line in text.split("\n"):
        yield at, line
        at += len(line) + 1


_ENV = re.compile(r"\s*+(?:export\s++)?([A-Za-z_][\w.-]*+)\s*+=[ \t]*+", re.ASCII)
_DOUBLE = re.compile(r'"((?>(?:[^"\\]|\\.)*))"', re.DOTALL)
_SINGLE = re.compile(r"'([^']*+)'")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def env_settings(text: str) -> Settings:
    """`NAME=value` lines, quotes removed; a double-quoted value may span lines."""
    settings: list[Setting] = []
    trouble: UnreadableError | None = None
    at, line = 0, 1
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        found = _ENV.match(text, at, end)
        if found:
            start = found.end()
            quoted = (_DOUBLE if text.startswith('"', start) else _SINGLE).match(text, start, start + 20_000)
            if quoted:
                raw = quoted[1]
                value = re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), raw) if text[start] == '"' else raw
                settings.append(Setting(found[1], value, start, quoted.end()))
                tail = text.find("\n", quoted.end())
                end = len(text) if tail < 0 else tail
            else:
                value = re.split(r"(?:^|\s)#", text[start:end], maxsplit=1)[0].strip()
                settings.append(Setting(found[1], value, start, start + len(value)))
        elif trouble is None and (rest := text[at:end].strip()) and rest[0] != "#":
            trouble = UnreadableError(line, "Not a line of the form NAME=value.")
        line += text.count("\n", at, end + 1)
        at = end + 1
    return settings, trouble


_SECTION = re.compile(r"\s*+\[([^\]\n]++)\]")
_PAIR = re.compile(r"\s*+([^\s=:;#\[][^=:\n]*?)\s*+=\s*+(.*?)\s*$")
_COLON = re.compile(r"\s*+([A-Za-z_][\w.-]*+)[ \t]*+:[ \t]++(.*?)\s*$", re.ASCII)
_BARE = re.compile(r"\s*+([A-Za-z_][\w.-]*+)[ \t]++(\S.*?)\s*$", re.ASCII)


_ALONE = re.compile(r"\s*+([a-z_]++);\s*+$")
"""A directive of nginx without a value."""


def ini_settings(text: str) -> Settings:
    """Sections and `key = value` (php.ini, php-fpm pools, uwsgi, pgbouncer, supervisor); also `key: value` and `key value`."""
    settings: list[Setting] = []
    section = ""
    for at, line in _continued(text):
        head = line.lstrip()
        if head[:1] not in {"", ";", "#"}:
            found = _SECTION.match(line)
            if found:
                section = found[1].strip() + "."
            elif pair := _PAIR.match(line) or _COLON.match(line) or _BARE.match(line):
                value = re.split(r"\s[;#]", pair[2], maxsplit=1)[0].rstrip()
                end = at + pair.start(2) + len(value)
                settings.append(Setting(section + pair[1].rstrip(), _unquoted(value), at + pair.start(2), end))
            elif alone := _ALONE.match(line):
                settings.append(Setting(section + alone[1], "", at + alone.start(1), at + alone.end(1)))
    return settings, None


def _continued(text: str) -> Iterator[tuple[int, str]]:
    """Each line with the offset at which it begins; what ends in a backslash goes on in the next."""
    begin = 0
    parts: list[str] = []
    for at, line in _lines(text):
        begin = at if not parts else begin
        if line.endswith("\\"):
            parts.append(line[:-1] + " ")
        else:
            yield begin, "\n".join([*parts, line]) if parts else line
            parts = []
    if parts:
        yield begin, "\n".join(parts)


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


_TABLE = re.compile(r"\s*+(\[{1,2})\s*+([^\]\n]++)\]")
_KEY = re.compile(r"\s*+((?:[\w-]++|\"[^\"\n]*+\"|'[^'\n]*+')(?:\s*+\.\s*+(?:[\w-]++|\"[^\"\n]*+\"|'[^'\n]*+'))*+)\s*+=")


def toml_settings(text: str) -> Settings:
    """The settings of a TOML document, placed at the line of their key."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        line = re.search(r"at line (\d+)", str(error))
        return [], UnreadableError(int(line[1]) if line else 0, f"Not TOML: {str(error).partition(' (at')[0]}.")
    places = _toml_places(text)
    settings: list[Setting] = []
    for key, value in _toml_flat(document):
        if len(settings) == MAX_SETTINGS:
            return settings, UnreadableError(0, f"Only the first {MAX_SETTINGS:,} settings were read.")
        start, end = _toml_place(key, places)
        settings.append(Setting(key, value, start, end))
    return settings, None


def _toml_places(text: str) -> dict[str, tuple[int, int]]:
    """The lines at which keys and tables stand."""
    places: dict[str, tuple[int, int]] = {}
    counts: dict[str, int] = {}
    table = ""
    for at, line in _lines(text):
        if found := _TABLE.match(line):
            table = _toml_key(found[2]) + "."
            if found[1] == "[[":
                number = counts[table] = counts.get(table, -1) + 1
                table += f"{number}."
            places.setdefault(table[:-1], (at, at + len(line)))
        elif found := _KEY.match(line):
            places.setdefault(table + _toml_key(found[1]), (at + found.start(1), at + len(line.rstrip())))
    return places


def _toml_key(written: str) -> str:
    return ".".join(_unquoted(part.strip()) for part in re.findall(r"\"[^\"]*\"|'[^']*'|[^.]+", written))


def _toml_place(key: str, places: dict[str, tuple[int, int]]) -> tuple[int, int]:
    """The place of a key, or of the nearest one above it."""
    while key:
        if key in places:
            return places[key]
        key = key.rpartition(".")[0]
    return 0, 0


def _toml_flat(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    stack: list[tuple[str, Any]] = [("", document)]
    while stack:
        path, value = stack.pop()
        match value:
            case dict():
                stack.extend((f"{path}{key}.", child) for key, child in reversed(value.items()))
            case list():
                stack.extend((f"{path}{number}.", child) for number, child in reversed(list(enumerate(value))))
            case bool():
                yield path[:-1], str(value).lower()
            case _:
                yield path[:-1], str(value)


_INSTRUCTION = re.compile(r"\s*+([A-Za-z]++)\s++")
_FEEDS = re.compile(r"\s*+(?:RUN|COPY|ADD)\b", re.I)
_HEREDOC = re.compile(r"<<-?\s*+[\"']?(\w++)[\"']?")


def dockerfile_settings(text: str) -> Settings:
    """The instructions of a Dockerfile: `FROM`, `CMD` (the JSON form as a command line), `ENV.NAME`, `ARG.NAME`, …"""
    settings: list[Setting] = []
    for start, end, instruction in _instructions(text):
        if found := _INSTRUCTION.match(instruction + " "):
            word = found[1].upper()
            value = instruction[found.end() :].strip()
            settings += [Setting(key, told, start, end) for key, told in _instruction(word, value)]
    return settings, None


def _instructions(text: str) -> Iterator[tuple[int, int, str]]:
    """Each instruction, continued lines joined and comments left out, with the characters it covers."""
    parts: list[str] = []
    begin = 0
    documents: list[str] = []
    for at, line in _lines(text):
        if documents:
            if line.strip() == documents[0]:
                documents.pop(0)
            continue
        written = line.rstrip()
        if not written or written.lstrip().startswith("#"):
            continue
        if not parts:
            begin = at + len(line) - len(line.lstrip())
        if written.endswith("\\"):
            parts.append(written[:-1].strip())
            continue
        parts.append(written.strip())
        instruction = " ".join(part for part in parts if part)
        yield begin, at + len(written), instruction
        parts = []
        if _FEEDS.match(instruction):
            documents = _HEREDOC.findall(instruction)
    if parts:
        yield begin, len(text), " ".join(parts)


def _instruction(word: str, value: str) -> Iterator[tuple[str, str]]:
    if word in {"ENV", "ARG", "LABEL"}:
        try:
            words = shlex.split(value)
        except ValueError:
            words = value.split()
        if word == "ENV" and words and "=" not in words[0]:
            words = [f"{words[0]}={value.partition(' ')[2].strip()}"]
        for item in words:
            name, _, told = item.partition("=")
            yield f"{word}.{name}", told
    elif word in {"CMD", "ENTRYPOINT", "RUN", "SHELL"} and value.startswith("["):
        try:
            yield word, shlex.join(map(str, json.loads(value)))
        except (ValueError, TypeError, RecursionError):
            yield word, value
    else:
        yield word, value


_PROCESS = re.compile(r"([A-Za-z0-9_-]++):[ \t]*+(.*?)\s*$", re.ASCII)


def procfile_settings(text: str) -> Settings:
    """`web: gunicorn …`: the command line of each process."""
    settings = []
    for at, line in _lines(text):
        if found := _PROCESS.match(line):
            settings.append(Setting(found[1], found[2], at + found.start(2), at + found.end(2)))
    return settings, None


class ConfigFrontend(Frontend):
    """Reads one format of configuration."""

    def __init__(self, language: str, settings: Callable[[str], Settings], version: str = "3") -> None:
        self.language = language  # type: ignore[misc]
        self.version = version
        self._settings = settings

    def read(self, source: bytes) -> FileFacts:
        starts = line_starts(source)
        if len(source) > MAX_BYTES:
            problem = FileProblem(0, f"The file is larger than {MAX_BYTES:,} bytes and was not read.")
            return FileFacts(self.language, starts.tobytes(), problems=(problem,))
        text, mark = decoded(source)
        settings, trouble = self._settings(text)
        return FileFacts(
            language=self.language,
            lines=starts.tobytes(),
            settings=tuple(_placed(settings, text, source, mark)),
            ignores=find_ignores(source, starts),
            problems=first_problems([FileProblem(trouble.line, trouble.text)] if trouble else []),
        )


def _placed(settings: list[Setting], text: str, source: bytes, mark: int) -> Iterator[Setting]:
    """The settings with byte offsets for offsets of characters, and with values of a bounded length."""
    plain = len(text) + mark == len(source)
    offsets = None if plain else [0, *accumulate(len(character.encode()) for character in text)]
    for key, value, start, end in map(_fields, settings):
        if offsets is not None:
            start, end = offsets[start], offsets[end]
        yield Setting(unicode_scalars(key), unicode_scalars(value[:MAX_VALUE]), start + mark, end + mark)


def _fields(setting: Setting) -> tuple[str, str, int, int]:
    return setting.key, setting.value, setting.start, setting.end


FORMATS = {
    frontend.language: frontend
    for frontend in (
        ConfigFrontend("yaml", _yaml, "4"),
        ConfigFrontend("definitions", _definitions),
        ConfigFrontend("json", json_settings),
        ConfigFrontend("xml", xml_settings),
        ConfigFrontend("toml", toml_settings),
        ConfigFrontend("env", env_settings),
        ConfigFrontend("ini", ini_settings, "4"),
        ConfigFrontend("dockerfile", dockerfile_settings),
        ConfigFrontend("procfile", procfile_settings),
        ConfigFrontend("requirements", requirements_settings),
        ConfigFrontend("gemfile", gemfile_settings),
        ConfigFrontend("load", load_settings),
    )
}
"""The frontend of each format, by its name."""
