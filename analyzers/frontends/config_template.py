"""YAML that a template engine makes (Helm, Jinja): read with its actions covered, which stay in the values as written.

A covered action is as long as it was, so that places stay. Actions that stand alone on their lines become settings of their
own, with the key `{{` (`if .Values.web.enabled`, `else`, `range .Values.workers`, `end`): who knows the values can follow them
in the order of places. What writes something there says below which key, by the columns: `spec.template.spec.{{`. Comments of
the template are left out. Named templates (`define`) in files of their own are each read by itself.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import islice

import msgspec

from analyzers.facts.store import Setting
from analyzers.frontends.config_columns import keys_above
from analyzers.frontends.config_yaml import UnreadableError

Read = Callable[[str], tuple[list[Setting], UnreadableError | None]]

ACTION = "{{"
"""The key of what a template does, as opposed to what it says."""

_OPENING = re.compile(r"\{[{%#]")
_CLOSINGS = {"{{": "}}", "{%": "%}", "{#": "#}"}
_NUMBER = re.compile(r"\d+\.")
_COMMENT = re.compile(r"/\*.*\*/\s*$", re.DOTALL)
_MAX_ACTIONS = 5_000
_CONTROL = re.compile(r"(?:if|else|end|with|range|define|block|break|continue)\b|\$\w*\s*(?:,\s*\$\w+\s*)?:?=")
_INDENTED = re.compile(r"\bn?indent\s+(\d+)")
_DEFINES = re.compile(r"define\s")
_OPENS = re.compile(r"(?:if|with|range|define|block)\b")


class _Action(msgspec.Struct, frozen=True):
    """What a template engine does at `start`..`end`; a comment says nothing."""

    start: int
    end: int
    said: str = ""


def is_template(text: str) -> bool:
    """Whether a template engine must have a part in it."""
    return "{{" in text or "{%" in text


def template_settings(text: str, read: Read) -> tuple[list[Setting], UnreadableError | None]:
    """The settings of a template, values with the actions that make them, and the actions that stand alone."""
    found = list(islice(_actions(text), _MAX_ACTIONS))
    alone = _alone(text, found)
    covered = _covered(text, found, alone)
    settings, trouble = read(covered)
    several = bool(settings) and all(_NUMBER.match(setting.key) for setting in settings)
    starts = [action.start for action in found]
    settings = [_uncovered(setting, text, starts) for setting in settings]
    lone = [a for a, stands_alone in zip(found, alone, strict=True) if stands_alone and a.said and not _COMMENT.match(a.said)]
    writes = [a for a in lone if not _CONTROL.match(a.said)]
    above = keys_above(covered, [(a.start, _column(text, a)) for a in writes], several=several)
    keys = {a.start: f"{path}.{ACTION}" for a, path in zip(writes, above, strict=True) if path}
    settings += [Setting(keys.get(a.start, ACTION), a.said, a.start, a.end) for a in lone]
    if trouble is not None:
        text = trouble.text.replace("Not YAML:", "Not YAML before its template is rendered:")
        trouble = UnreadableError(trouble.line, text)
    return sorted(settings, key=lambda setting: (setting.start, setting.end)), trouble


def definition_settings(text: str, read: Read) -> tuple[list[Setting], UnreadableError | None]:
    """The named templates of a file that only has such, each between its `define` and `end`."""
    settings: list[Setting] = []
    depth, opened = 0, None
    for action in islice(_actions(text), _MAX_ACTIONS):
        if _OPENS.match(action.said):
            if depth == 0 and _DEFINES.match(action.said):
                opened = action
            depth += 1
        elif action.said == "end" and depth:
            depth -= 1
            if depth == 0 and opened is not None:
                body, _ = template_settings(text[opened.end : action.start], read)
                settings.append(Setting(ACTION, opened.said, opened.start, opened.end))
                settings += [Setting(s.key, s.value, s.start + opened.end, s.end + opened.end) for s in body]
                settings.append(Setting(ACTION, "end", action.start, action.end))
                opened = None
    return settings, None


def _column(text: str, action: _Action) -> int:
    """The column at which what an action writes begins."""
    told = _INDENTED.search(action.said)
    return int(told[1]) if told else action.start - text.rfind("\n", 0, action.start) - 1


def _actions(text: str) -> Iterator[_Action]:
    """The actions, in linear time: what no later text closes is looked for once."""
    at, endless = 0, set[str]()
    while opening := _OPENING.search(text, at):
        at, kind = opening.end(), opening[0]
        end = -1 if kind in endless else text.find(_CLOSINGS[kind], at)
        if end < 0:
            endless.add(kind)
            at = opening.start() + 1
            continue
        trims = "-" if kind == "{{" else "-+"
        inner = text[at:end]
        inner = (inner[1:] if inner[:1] and inner[0] in trims else inner).lstrip()
        inner = (inner[:-1] if inner and inner[-1] in trims else inner).rstrip()
        at = end + 2
        yield _Action(opening.start(), at, "" if kind == "{#" else inner)


def _alone(text: str, found: list[_Action]) -> list[bool]:
    """Whether nothing but actions stands on the lines of each."""
    covered = list(text)
    for action in found:
        covered[action.start : action.end] = " " * (action.end - action.start)
    blank = "".join(covered)
    answer = []
    for action in found:
        begin = text.rfind("\n", 0, action.start) + 1
        end = text.find("\n", action.end)
        answer.append(not blank[begin : end if end >= 0 else len(text)].strip())
    return answer


def _covered(text: str, found: list[_Action], alone: list[bool]) -> str:
    parts, at = [], 0
    for action, stands_alone in zip(found, alone, strict=True):
        parts.append(text[at : action.start])
        written = text[action.start : action.end]
        parts.append(re.sub(r"[^\n]", " ", written) if stands_alone else "x" * len(written))
        at = action.end
    return "".join([*parts, text[at:]])


def _uncovered(setting: Setting, text: str, starts: list[int]) -> Setting:
    at = bisect_left(starts, setting.start)
    if at == len(starts) or starts[at] >= setting.end or setting.start >= setting.end:
        return setting
    written = text[setting.start : setting.end].strip()
    if len(written) > 1 and written[0] == written[-1] and written[0] in "\"'":
        written = written[1:-1]
    return Setting(setting.key, written, setting.start, setting.end)
