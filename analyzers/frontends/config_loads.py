"""Load tests in languages that nothing else here reads, as flat settings: how much they drive, where they say it in literals.

`tool` names what runs the script. Of k6, `options.…` is its object of options and `const.NAME` what a constant is; of Gatling,
each injection is one of `inject.…`. What is no literal is kept as its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzers.facts.store import Setting
from analyzers.frontends.config_yaml import MAX_NESTING, MAX_SETTINGS, UnreadableError

Settings = tuple[list[Setting], UnreadableError | None]

_K6 = re.compile(r"(?:\bfrom|\brequire[ \t]*\(|^[ \t]*import)[ \t]*[\"']k6(?:/[\w/]+)?[\"']", re.MULTILINE)
_OPTIONS = re.compile(r"\boptions[ \t]*(?::[ \t]*[\w.]+[ \t]*)?=[ \t\n]*(?=\{)")
_CONSTANT = re.compile(r"^[ \t]*(?:export[ \t]+)?(?:const|let|var)[ \t]+(\w+)[ \t]*=[ \t]*([^;\n{\[]+)", re.MULTILINE)
_GATLING = re.compile(r"\b(?:extends|:)[ \t]+Simulation\b")
_INJECTION = re.compile(
    r"\b(atOnceUsers|rampUsers|constantConcurrentUsers|rampConcurrentUsers|constantUsersPerSec|rampUsersPerSec|stressPeakUsers)"
    r"[ \t]*\(([^()\n]*)\)(?:[ \t\n]*\.?to[ \t]*\(([^()\n]*)\))?"
)
_WRK = re.compile(r"\bwrk\.\w+|^[ \t]*request[ \t]*=[ \t]*function", re.MULTILINE)
_TOKEN = re.compile(
    r"(?P<space>\s+|//[^\n]*|/\*(?s:.*?)\*/)|(?P<text>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)"
    r"|(?P<open>[{\[(])|(?P<close>[}\])])|(?P<comma>,)|(?P<colon>:)|(?P<spread>\.\.\.)|(?P<word>[\w$.]+)|(?P<other>.)"
)


def load_settings(text: str) -> Settings:
    """What a script says of the load it drives; nothing of a file that is no load test."""
    if found := _K6.search(text):
        return [Setting("tool", "k6", found.start(), found.end()), *_k6(text)], None
    if found := _GATLING.search(text):
        return [Setting("tool", "gatling", found.start(), found.end()), *_gatling(text)], None
    if found := _WRK.search(text):
        return [Setting("tool", "wrk", found.start(), found.end())], None
    return [], None


def _gatling(text: str) -> Iterator[Setting]:
    for number, found in enumerate(_INJECTION.finditer(text)):
        yield Setting(f"inject.{number}.{found[1]}", (found[3] or found[2]).strip(), found.start(), found.end())


def _k6(text: str) -> Iterator[Setting]:
    for found in _CONSTANT.finditer(text):
        yield Setting(f"const.{found[1]}", found[2].strip(), found.start(1), found.end(2))
    if options := _OPTIONS.search(text):
        tokens = [t for t in _TOKEN.finditer(text, options.end()) if t.lastgroup != "space"]
        yield from _Object(tokens).settings("options")


class _Object:
    """An object literal, read from its tokens; what is no literal in it is passed over as text."""

    def __init__(self, tokens: list[re.Match[str]]) -> None:
        self.tokens = tokens
        self.at = 0
        self.found: list[Setting] = []

    def settings(self, key: str) -> list[Setting]:
        self.value(key, 0)
        return self.found

    def peek(self) -> str:
        return self.tokens[self.at].group() if self.at < len(self.tokens) else ""

    def value(self, key: str, depth: int) -> None:
        if self.peek() == "{" and depth < MAX_NESTING:
            self.at += 1
            self.members(key, depth)
        elif self.peek() == "[" and depth < MAX_NESTING:
            self.at += 1
            number = 0
            while self.at < len(self.tokens) and self.peek() != "]":
                self.value(f"{key}.{number}", depth + 1)
                number += 1
                self.at += self.peek() == ","
            self.at += 1
        else:
            self.expression(key)

    def members(self, key: str, depth: int) -> None:
        while self.at < len(self.tokens) and self.peek() != "}":
            token = self.tokens[self.at]
            follows = self.tokens[self.at + 1].group() if self.at + 1 < len(self.tokens) else ""
            if token.lastgroup in ("word", "text") and follows == ":":
                self.at += 2
                self.value(f"{key}.{token.group().strip(chr(34) + chr(39))}", depth + 1)
            else:
                self.expression(f"{key}....")  # a spread, a method, a name alone
            self.at += self.peek() == ","
        self.at += 1

    def expression(self, key: str) -> None:
        """Everything up to the next comma or the end of what is around."""
        first, open_ = self.at, 0
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if not open_ and (token.lastgroup == "close" or token.group() == ","):
                break
            open_ += (token.lastgroup == "open") - (token.lastgroup == "close")
            self.at += 1
        if self.at == first:  # an end that nothing begins
            self.at += 1
            return
        start, end = self.tokens[first].start(), self.tokens[self.at - 1].end()
        if len(self.found) < MAX_SETTINGS and not key.endswith("...."):
            text = self.tokens[first].string[start:end]
            self.found.append(Setting(key, text.strip("\"'") if self.at == first + 1 else text, start, end))
