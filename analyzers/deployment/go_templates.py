"""What expressions of Go templates are, as far as given values decide it: `.Values.web.replicas | default 2`.

A value is a text, a list, a mapping, or `None` where nothing is set. What only the cluster or the release knows, and what a
function makes that is not one of those here, is `UNKNOWN`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()

Value = object
"""`str | list | dict | None | UNKNOWN`."""

_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"(?:[^\"\\]|\\.)*\"|`[^`]*`)|(?P<number>-?\d+(?:\.\d+)?)(?![\w.])"
    r"|(?P<path>\$?\w*(?:\.\w+)+|\$\w*|\.)|(?P<name>[A-Za-z_]\w*)|(?P<mark>[|()])|(?P<other>\S))"
)
_MAX_TOKENS = 200


class Scope:
    """What names mean at one point of a template: `.`, `$` and the variables."""

    def __init__(
        self,
        root: Value,
        dot: Value,
        variables: dict[str, Value] | None = None,
        named: Callable[[str, Value], Value] | None = None,
    ) -> None:
        self.root, self.dot = root, dot
        self.variables = variables if variables is not None else {}
        self.named = named

    def at(self, dot: Value) -> Scope:
        """The same with another `.`."""
        return Scope(self.root, dot, self.variables, self.named)

    def look_up(self, path: str) -> Value:
        """What a path means: `.Values.web`, `$.Values.web`, `$item.name`, `.`."""
        head, *steps = path.split(".")
        found: Value = self.dot if not head else self.root if head == "$" else self.variables.get(head, UNKNOWN)
        for step in steps:
            if not step or found is UNKNOWN:
                continue
            found = found.get(step) if isinstance(found, dict) else UNKNOWN if found is not None else None
        return found


def truth(value: Value) -> bool | None:
    """Whether a condition holds; `None` where that is not known."""
    if value is UNKNOWN:
        return None
    return bool(value) and value not in ("false", "0", "<nil>")


def evaluate(text: str, scope: Scope) -> Value:
    """What an expression is."""
    tokens = [match for match, _ in zip(_TOKEN.finditer(text), range(_MAX_TOKENS), strict=False)]
    value, rest = _pipeline(tokens, scope, 0)
    return value if rest == len(tokens) else UNKNOWN


def _pipeline(tokens: Sequence[re.Match[str]], scope: Scope, at: int, depth: int = 0) -> tuple[Value, int]:
    value: Value = UNKNOWN
    first = True
    while at < len(tokens):
        name, arguments, at = _command(tokens, scope, at, depth)
        if not first:
            arguments = [*arguments, value]
        value = _call(name, arguments, scope) if name else arguments[0] if len(arguments) == 1 and first else UNKNOWN
        first = False
        if at < len(tokens) and tokens[at]["mark"] == "|":
            at += 1
            continue
        break
    return value, at


def _command(tokens: Sequence[re.Match[str]], scope: Scope, at: int, depth: int) -> tuple[str, list[Value], int]:
    name, arguments = "", []
    while at < len(tokens):
        token = tokens[at]
        kind = token.lastgroup
        if kind == "mark" and token["mark"] in "|)":
            break
        at += 1
        if kind == "mark":
            inner, at = _pipeline(tokens, scope, at, depth + 1) if depth < 20 else (UNKNOWN, len(tokens))
            at += at < len(tokens) and tokens[at]["mark"] == ")"
            if at < len(tokens) and tokens[at][0].startswith("."):  # `(…).name`
                inner = scope.at(inner).look_up(tokens[at]["path"] or ".")
                at += 1
            arguments.append(inner)
        elif kind == "text":
            arguments.append(token["text"][1:-1])
        elif kind == "number":
            arguments.append(token["number"])
        elif kind == "path":
            arguments.append(scope.look_up(token["path"]))
        elif kind == "name" and token["name"] in ("true", "false", "nil"):
            arguments.append(None if token["name"] == "nil" else token["name"])
        elif kind == "name" and not name and not arguments:
            name = token["name"]
        else:
            arguments.append(UNKNOWN)
    return name, arguments, at


def _call(name: str, arguments: list[Value], scope: Scope) -> Value:
    if name in ("include", "template") and scope.named is not None and arguments and isinstance(arguments[0], str):
        return scope.named(arguments[0], arguments[1] if len(arguments) > 1 else None)
    lazy = _LAZY.get(name)
    if lazy is not None:
        return lazy(arguments)
    function = _FUNCTIONS.get(name)
    if function is None or any(a is UNKNOWN for a in arguments):
        return UNKNOWN
    try:
        return function(*arguments)
    except (TypeError, ValueError, ArithmeticError, IndexError):
        return UNKNOWN


def _said(condition: bool) -> str:
    return "true" if condition else "false"


def _default(arguments: list[Value]) -> Value:
    other, value = (arguments[0], arguments[-1]) if len(arguments) == 2 else (UNKNOWN, UNKNOWN)
    set_ = truth(value)
    return UNKNOWN if set_ is None else value if set_ else other


def _first(arguments: list[Value]) -> Value:
    """The first that is set, as `or` and `coalesce` say."""
    for value in arguments:
        if truth(value) is not False:
            return value
    return arguments[-1] if arguments else None


def _all(arguments: list[Value]) -> Value:
    if any(truth(value) is False for value in arguments):
        return "false"
    return UNKNOWN if any(value is UNKNOWN for value in arguments) else arguments[-1] if arguments else "false"


def _ternary(arguments: list[Value]) -> Value:
    if len(arguments) != 3 or truth(arguments[2]) is None:
        return UNKNOWN
    return arguments[0] if truth(arguments[2]) else arguments[1]


def _number(value: Value) -> float:
    return float(str(value if value is not None else 0))


def _whole(value: float) -> str:
    return str(int(value))


def _dig(*arguments: Value) -> Value:
    *steps, other, found = arguments
    for step in steps:
        if not isinstance(found, dict) or step not in found:
            return other
        found = found[str(step)]
    return found


def _mapping(arguments: list[Value]) -> Value:
    pairs = zip(arguments[::2], arguments[1::2], strict=False)
    return {str(key): value for key, value in pairs}


def _merged(*mappings: Value) -> Value:
    """The first says it, as with `merge`; what it does not say the others do."""
    found: dict[str, Value] = {}
    for mapping in mappings:
        for key, value in (mapping if isinstance(mapping, dict) else {}).items():
            mine = found.get(key)
            found[key] = _merged(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else found.get(key, value)
    return found


def _index(found: Value, *steps: Value) -> Value:
    for step in steps:
        if isinstance(found, list):
            found = found[int(str(step))]
        else:
            found = found.get(str(step)) if isinstance(found, dict) else UNKNOWN if found is not None else None
    return found


def _is_kind(kind: Value, value: Value) -> Value:
    """A scalar's kind is not kept, but that it is one."""
    made = {"map": dict, "slice": list}.get(str(kind))
    if made is not None:
        return _said(isinstance(value, made))
    return "false" if isinstance(value, dict | list) else UNKNOWN


def _joined(between: Value, several: Value) -> Value:
    return str(between).join(map(str, several)) if isinstance(several, list) else several


def _without_end(end: Value, value: Value) -> str:
    return str(value).removesuffix(str(end))


def _plain(value: Value) -> Value:
    """A text in which nothing is left to do, or values of such."""
    if isinstance(value, dict):
        inner = {key: _plain(v) for key, v in value.items()}
        return UNKNOWN if any(v is UNKNOWN for v in inner.values()) else inner
    if isinstance(value, list):
        several = [_plain(v) for v in value]
        return UNKNOWN if any(v is UNKNOWN for v in several) else several
    return UNKNOWN if "{{" in str(value) else value


def _printed(shape: Value, *values: Value) -> str:
    return re.sub(r"%[dsvq]", "%s", str(shape)) % tuple(map(str, values))


_LAZY: dict[str, Callable[[list[Value]], Value]] = {
    "default": _default,
    "or": _first,
    "coalesce": _first,
    "and": _all,
    "ternary": _ternary,
    "dict": _mapping,
    "list": list,
}
_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "not": lambda value: _said(not truth(value)),
    "empty": lambda value: _said(not truth(value)),
    "eq": lambda one, *others: _said(str(one) in map(str, others)),
    "ne": lambda one, other: _said(str(one) != str(other)),
    "gt": lambda one, other: _said(_number(one) > _number(other)),
    "ge": lambda one, other: _said(_number(one) >= _number(other)),
    "lt": lambda one, other: _said(_number(one) < _number(other)),
    "le": lambda one, other: _said(_number(one) <= _number(other)),
    "has": lambda item, several: _said(item in (several or [])),
    "hasKey": lambda mapping, key: _said(key in (mapping or {})),
    "dig": _dig,
    "get": lambda mapping, key: (mapping or {}).get(key),
    "index": _index,
    "merge": _merged,
    "mergeOverwrite": lambda *mappings: _merged(*reversed(mappings)),
    "concat": lambda *several: [item for one in several for item in one or []],
    "until": lambda number: list(map(str, range(min(int(number), 50)))),
    "keys": lambda mapping: list(mapping or {}),
    "first": lambda several: several[0] if several else None,
    "last": lambda several: several[-1] if several else None,
    "kindIs": _is_kind,
    "join": _joined,
    "contains": lambda part, value: _said(str(part) in str(value)),
    "hasPrefix": lambda start, value: _said(str(value).startswith(str(start))),
    "hasSuffix": lambda end, value: _said(str(value).endswith(str(end))),
    "trimSuffix": _without_end,
    "trimPrefix": lambda start, value: str(value).removeprefix(str(start)),
    "trunc": lambda most, value: str(value)[: int(most)] if int(most) >= 0 else str(value)[int(most) :],
    "replace": lambda old, new, value: str(value).replace(str(old), str(new)),
    "toYaml": lambda value: value,
    "indent": lambda _, value: value,
    "nindent": lambda _, value: value,
    "quote": lambda value: value,
    "squote": lambda value: value,
    "toString": lambda value: "<nil>" if value is None else value,
    "trim": lambda value: str(value).strip(),
    "lower": lambda value: str(value).lower(),
    "upper": lambda value: str(value).upper(),
    "int": lambda value: _whole(_number(value)),
    "int64": lambda value: _whole(_number(value)),
    "float64": lambda value: value,
    "add": lambda *values: _whole(sum(map(_number, values))),
    "add1": lambda value: _whole(_number(value) + 1),
    "sub": lambda one, other: _whole(_number(one) - _number(other)),
    "mul": lambda one, other: _whole(_number(one) * _number(other)),
    "div": lambda one, other: _whole(_number(one) // _number(other)),
    "max": lambda *values: _whole(max(map(_number, values))),
    "min": lambda *values: _whole(min(map(_number, values))),
    "len": lambda value: str(len(value or "")),
    "required": lambda _, value: UNKNOWN if value is None else value,
    "print": lambda *values: "".join(map(str, values)),
    "printf": _printed,
    "tpl": lambda value, _: _plain(value),
}
