"""Supervisors: units of systemd, programs of supervisord, apps of PM2, and Procfiles that a process manager starts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from analyzers.deployment.configurations import said as said_in_php
from analyzers.deployment.manifests import document
from analyzers.deployment.script_values import LANGUAGES, exported, said, value_at
from analyzers.facts.outline import Node, Other, Return, Text
from analyzers.facts.store import FileFacts
from analyzers.source import Place


class Started(msgspec.Struct, frozen=True):
    """A command line that a supervisor starts, and how many times."""

    name: str
    command: str
    copies: str
    place: Place
    variables: Mapping[str, str] = {}


_PROCFILE = re.compile(r"(?:^|/)Procfile(?:\.\w+)?$")


def started(words: Sequence[str], files: Mapping[str, FileFacts], folder: str, place: Place) -> tuple[Started, ...]:
    """What a command line of a supervisor starts, by the file that it is given or that lies where it looks."""
    name = words[0].rpartition("/")[2]
    if name in ("supervisord", "supervisorctl"):
        return tuple(_supervisord(files, words[1:], folder))
    if (name in ("honcho", "foreman", "overmind", "hivemind") and "start" in words) or name == "hivemind":
        return tuple(_procfile(files, words[1:], folder))
    if name in ("pm2", "pm2-runtime"):
        return tuple(_pm2(files, words[1:], folder))
    if name == "concurrently":
        return tuple(Started(word, word, "1", place) for word in words[1:] if " " in word)
    if name == "artisan" and "horizon" in words:
        return tuple(_horizon(files))
    return ()


_RUNNERS = frozenset({"npm", "yarn", "pnpm", "bun"})


def package_script(words: Sequence[str], files: Mapping[str, FileFacts], folder: str) -> str:
    """The command line that a script of a `package.json` stands for: `pnpm start`, `npm run start`."""
    if words[0] not in _RUNNERS:
        return ""
    name = next((w for w in words[1:] if not w.startswith("-") and w != "run"), "")
    for where in (folder, ""):
        facts = files.get(f"{where}/package.json" if where else "package.json")
        for setting in facts.settings if facts is not None and name else ():
            if setting.key == f"scripts.{name}":
                return setting.value
    return ""


def _given(files: Mapping[str, FileFacts], names: Sequence[str], folder: str, shape: str) -> list[str]:
    """The files of the repository that the words of a command mean, or those that look like one."""
    named = [n.rpartition("/")[2] for n in names if re.search(shape, n)]
    fitting = [p for p in files if (p.rpartition("/")[2] in named if named else re.search(shape, p))]
    near = [p for p in fitting if folder and p.startswith(f"{folder}/")] or fitting
    return near if (named and len(near) == 1) or (not named and len(near) == 1) else []


def _supervisord(files: Mapping[str, FileFacts], options: Sequence[str], folder: str) -> Iterator[Started]:
    for path in _given(files, options, folder, r"supervisor[\w.-]*\.(?:conf|ini)$"):
        told = document(path, files[path])
        sections = dict.fromkeys(key.rpartition(".")[0] for key in told.entries if key.startswith("program:"))
        for section in sections:
            entry = told.entries.get(f"{section}.command")
            if entry is None or told.told(f"{section}.autostart").lower() == "false":
                continue
            command = re.sub(r"%\((?:ENV_)(\w+)\)s", r"${\1}", entry.value)
            copies = re.sub(r"%\((?:ENV_)(\w+)\)s", r"${\1}", told.told(f"{section}.numprocs")) or "1"
            place = (told.entries.get(f"{section}.numprocs") or entry).place
            yield Started(section.removeprefix("program:"), command, copies, place)


def _procfile(files: Mapping[str, FileFacts], options: Sequence[str], folder: str) -> Iterator[Started]:
    for path in _given(files, options, folder, _PROCFILE.pattern):
        for key, entry in document(path, files[path]).entries.items():
            if key != "release":
                yield Started(key, entry.value, "1", entry.place)


_APPS = r"(?:ecosystem|process|pm2)[\w.-]*\.(?:json|ya?ml|[cm]?[jt]s)$"
_SCRIPT = re.compile(r"\.[cm]?[jt]sx?$")


def _pm2(files: Mapping[str, FileFacts], options: Sequence[str], folder: str) -> Iterator[Started]:
    """The apps of an ecosystem file; none where the command names a script itself."""
    if any(_SCRIPT.search(o) and not re.search(_APPS, o) for o in options):
        return
    for path in _given(files, options, folder, _APPS):
        facts = files[path]
        if facts.language in LANGUAGES:
            yield from _pm2_script(path, facts)
            continue
        told = document(path, facts)
        for app in told.items("apps"):
            script = told.told(f"{app}.script")
            copies = told.told(f"{app}.instances") or "1"
            place = (told.entries.get(f"{app}.instances") or told.entries[f"{app}.script"]).place if script else None
            if place is not None:
                command = _run(told.told(f"{app}.interpreter"), script, told.told(f"{app}.args"))
                yield Started(told.told(f"{app}.name"), command, _instances(copies), place)


def _pm2_script(path: str, facts: FileFacts) -> Iterator[Started]:
    """The apps of an ecosystem file that is code: `module.exports = { apps: […] }`."""
    for whole in exported(facts):
        apps = value_at(whole, "apps")
        for app in apps.children if isinstance(apps, Other) else ():
            told = {key: value for key in _KEYS if (value := value_at(app, key)) is not None}
            words = {key: said(facts, value) for key, value in told.items()}
            if not words.get("script"):
                continue
            stated = told.get("instances") or told["script"]
            copies = _instances(words.get("instances") or ("instances" if "instances" in told else "1"))
            command = _run(words.get("interpreter", ""), words["script"], words.get("args", ""))
            variables = {n: v for key in ("env", "env_production") for n, v in _variables(facts, app, key)}
            yield Started(words.get("name", ""), command, copies, Place(path, facts.span(stated.start, stated.end)), variables)


_KEYS = ("name", "script", "instances", "args", "interpreter")


def _variables(facts: FileFacts, app: Node, key: str) -> Iterator[tuple[str, str]]:
    stated = value_at(app, key)
    for pair in stated.children if isinstance(stated, Other) else ():
        match pair:
            case Other(word="pair", children=(Text(value=str() as name), value)):
                yield name, said(facts, value)


def _run(interpreter: str, script: str, args: str) -> str:
    """The command line that an app stands for."""
    plain = interpreter in ("", "none")
    runs = "node" if interpreter == "" and _SCRIPT.search(script) else "" if plain else interpreter
    return f"{runs} {script} {args}".strip()


def _instances(copies: str) -> str:
    return "processors" if copies in ("max", "0", "-1") else copies


def _horizon(files: Mapping[str, FileFacts]) -> Iterator[Started]:
    """The queue workers that Horizon runs in production, at most: `maxProcesses`, or `processes`, of each supervisor."""
    for path, facts in files.items():
        if facts.language != "php" or not path.endswith("config/horizon.php"):
            continue
        told = {
            key: (text, at)
            for node in facts.outline
            if isinstance(node, Return) and node.value
            for key, text, at in _flat(node.value)
        }
        names = dict.fromkeys(
            key.split(".")[2] for key in told if key.startswith("environments.production.") and key.count(".") > 2
        )
        for name in names:
            for key in (f"{where}.{name}.{word}" for where in ("environments.production", "defaults") for word in _MOST):
                if key in told:
                    text, (start, end) = told[key]
                    yield Started(name, "php artisan queue:work", text, Place(path, facts.span(start, end)))
                    break


_MOST = ("maxProcesses", "processes")


def _flat(value: Node, key: str = "") -> Iterator[tuple[str, str, tuple[int, int]]]:
    match value:
        case Other(word="dict" | "list", children=pairs):
            for pair in pairs:
                match pair:
                    case Other(word="pair", children=(Text(value=str() as name), inner)):
                        yield from _flat(inner, f"{key}.{name}" if key else name)
        case _:
            yield key, said_in_php(value), (value.start, value.end)
