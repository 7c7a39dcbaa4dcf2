"""Lists of packages that are neither TOML nor JSON: `requirements.txt`, a `Gemfile`."""

from __future__ import annotations

import re

from analyzers.facts.store import Setting
from analyzers.frontends.config_yaml import MAX_SETTINGS, UnreadableError

_REQUIREMENT = re.compile(r"[ \t]*+([A-Za-z0-9][\w.-]*+)[ \t]*+(\[[^\]\n]*+\])?([^\n#]*+)")
_EGG = re.compile(r"[^\n#]*#egg=([A-Za-z0-9][\w.-]*)")
_GEM = re.compile(r"[ \t]*+gem[ \t(]++[\"']([\w.-]++)[\"']([^\n]*+)")
_GROUP = re.compile(r"[ \t]*+group[ \t(]++([^\n]{0,300}?)[ \t)]++do\b")
_INLINE_GROUP = re.compile(r"\bgroups?:[ \t]*(\[[^\]\n]{0,300}\]|:\w+)")
_OPENS = re.compile(r"[ \t]*+(?:if|unless|case|platforms?|source|path|git|install_if)\b[^\n]*+")
_END = re.compile(r"[ \t]*+end\b")

Settings = tuple[list[Setting], UnreadableError | None]


def requirements_settings(text: str) -> Settings:
    """Each requirement by its name, with what is said of its version. Options and other files are left out."""
    settings: list[Setting] = []
    at = 0
    for line in text.split("\n"):
        begins = line.lstrip()
        found = _EGG.match(line) if begins.startswith(("-e", "git+", "http")) else None
        if found is None and begins[:1] not in ("-", "#", "", ".", "/") and "://" not in begins.split("#")[0].split("@")[0]:
            found = _REQUIREMENT.match(line)
        if found:
            said = found[3].strip() if found.re is _REQUIREMENT else ""
            settings.append(Setting(found[1], said, at + found.start(1), at + found.end(1)))
        at += len(line) + 1
        if len(settings) == MAX_SETTINGS:
            break
    return settings, None


def gemfile_settings(text: str) -> Settings:
    """Each gem as `gem.rails`, or under the groups that it is in: `development.test.debug`."""
    settings: list[Setting] = []
    groups: list[str] = []
    at = 0
    for line in text.split("\n"):
        if found := _GEM.match(line):
            inline = _INLINE_GROUP.search(found[2])
            inside = [g for g in groups if g] + ([inline[1]] if inline else [])
            names = re.findall(r"\w+", " ".join(inside))
            settings.append(Setting(".".join([*(names or ["gem"]), found[1]]), "", at + found.start(1), at + found.end(1)))
        elif group := _GROUP.match(line):
            groups.append(group[1])
        elif _END.match(line) and groups:
            groups.pop()
        elif _OPENS.fullmatch(line) and (line.rstrip().endswith("do") or line.lstrip().startswith(("if ", "unless ", "case "))):
            groups.append("")
        at += len(line) + 1
        if len(settings) == MAX_SETTINGS:
            break
    return settings, None
