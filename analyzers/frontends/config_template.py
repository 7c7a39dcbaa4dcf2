"""YAML that a template engine makes (Helm, Jinja): read with its actions covered, which stay in the values as written.

A covered action is as long as it was, so that places stay. Actions that stand alone on their lines become settings of their
own, with the key `{{` (`if .Values.web.enabled`, `else`, `range .Values.workers`, `end`): who knows the values can follow them
in the order of places. Comments of the template are left out.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable

from analyzers.facts.store import Setting
from analyzers.frontends.config_yaml import UnreadableError

Read = Callable[[str], tuple[list[Setting], UnreadableError | None]]

ACTION = "{{"
"""The key of what a template does, as opposed to what it says."""

_ACTION = re.compile(
    r"\{\{-?\s*+(?P<go>(?:[^}]|\}(?!\}))*?)\s*-?\}\}|\{%[-+]?\s*+(?P<jinja>(?:[^%]|%(?!\}))*?)\s*[-+]?%\}|\{#(?:[^#]|#(?!\}))*#\}"
)
_COMMENT = re.compile(r"/\*.*\*/\s*$", re.DOTALL)
_MAX_ACTIONS = 5_000


def is_template(text: str) -> bool:
    """Whether a template engine must have a part in it."""
    return "{{" in text or "{%" in text


def template_settings(text: str, read: Read) -> tuple[list[Setting], UnreadableError | None]:
    """The settings of a template, values with the actions that make them, and the actions that stand alone."""
    found = [match for match, _ in zip(_ACTION.finditer(text), range(_MAX_ACTIONS), strict=False)]
    alone = _alone(text, found)
    settings, trouble = read(_covered(text, found, alone))
    starts = [match.start() for match in found]
    settings = [_uncovered(setting, text, starts) for setting in settings]
    for match, stands_alone in zip(found, alone, strict=True):
        said = match["go"] if match["go"] is not None else match["jinja"]
        if stands_alone and said and not _COMMENT.match(said):
            settings.append(Setting(ACTION, said, match.start(), match.end()))
    if trouble is not None:
        text = trouble.text.replace("Not YAML:", "Not YAML before its template is rendered:")
        trouble = UnreadableError(trouble.line, text)
    return sorted(settings, key=lambda setting: (setting.start, setting.end)), trouble


def _alone(text: str, found: list[re.Match[str]]) -> list[bool]:
    """Whether nothing but actions stands on the lines of each."""
    covered = list(text)
    for match in found:
        covered[match.start() : match.end()] = " " * (match.end() - match.start())
    blank = "".join(covered)
    answer = []
    for match in found:
        begin = text.rfind("\n", 0, match.start()) + 1
        end = text.find("\n", match.end())
        answer.append(not blank[begin : end if end >= 0 else len(text)].strip())
    return answer


def _covered(text: str, found: list[re.Match[str]], alone: list[bool]) -> str:
    parts, at = [], 0
    for match, stands_alone in zip(found, alone, strict=True):
        parts.append(text[at : match.start()])
        parts.append(re.sub(r"[^\n]", " ", match[0]) if stands_alone else "x" * len(match[0]))
        at = match.end()
    return "".join([*parts, text[at:]])


def _uncovered(setting: Setting, text: str, starts: list[int]) -> Setting:
    at = bisect_left(starts, setting.start)
    if at == len(starts) or starts[at] >= setting.end or setting.start >= setting.end:
        return setting
    written = text[setting.start : setting.end].strip()
    if len(written) > 1 and written[0] == written[-1] and written[0] in "\"'":
        written = written[1:-1]
    return Setting(setting.key, written, setting.start, setting.end)
