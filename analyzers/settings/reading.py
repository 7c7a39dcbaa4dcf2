"""One file of the configuration, read tolerantly: every mistake is reported with its line.

A mistake never stops a review: the field keeps its default, and a `Problem` names line, key and allowed values.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any, get_args

import msgspec
import yaml
from msgspec import inspect

from analyzers.deployment.plans import is_known_plan, known_providers
from analyzers.findings import Problem
from analyzers.knowledge import libraries
from analyzers.knowledge.own import OwnLibrary, unheard
from analyzers.settings.values import PATH, Configuration, Database, FailOn, Level

_MAX_BYTES = 100_000  # a configuration of a thousand entries is a tenth of this
_MAX_VALUES = 20_000  # more only where aliases repeat what is there
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def read_file(text: bytes, path: str = PATH, *, known_rules: Collection[str] = ()) -> tuple[Configuration, tuple[Problem, ...]]:
    """What a file says, and what is wrong with it.

    With `known_rules`, a rule id that is none of them is a problem too.
    """
    reading = _Reading(frozenset(known_rules), path)
    root = reading.document(text) if text else None
    said = reading.value(root, inspect.type_info(Configuration), "") if root is not None else _MISSING
    configuration = Configuration() if said is _MISSING else said
    levels = Counter(rule for level in Level for rule in set(getattr(configuration.rules, level)))
    for rule in sorted(rule for rule, count in levels.items() if count > 1):
        reading.say(0, f"`{_short(rule)}` is named by several keys of `rules`; `{configuration.rules.level(rule)}` counts.")
    return configuration, tuple(reading.problems)


def json_schema(known_rules: Collection[str] = ()) -> bytes:
    """The JSON schema of a file, for editors."""
    schema = msgspec.json.schema(Configuration)
    for definition in schema["$defs"].values():
        definition["additionalProperties"] = False
    if known_rules:
        rule = {"enum": sorted(known_rules)}
        for level in schema["$defs"]["Rules"]["properties"].values():
            level["items"] = rule
        schema["$defs"]["Acceptance"]["properties"]["rule"] = {"enum": ["*", *sorted(known_rules)]}
    schema["$defs"]["OwnLibrary"]["properties"]["library"] = {"enum": list(_known_libraries())}
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": PATH, **schema}
    return json.dumps(schema, indent=2).encode() + b"\n"


_MISSING: Any = object()
_CHOICES = (*get_args(FailOn), *get_args(Database))  # in the order they are declared in, which inspection loses
_RULE_KEYS = frozenset({"ignore[].rule", *(f"rules.{level}[]" for level in Level)})


class _Reading:
    """One pass over the file: YAML nodes in, values of the declared types out, mistakes collected."""

    def __init__(self, known_rules: frozenset[str], path: str) -> None:
        self.known_rules, self.path = known_rules, path
        self.problems: list[Problem] = []
        self.left = _MAX_VALUES

    def document(self, text: bytes) -> yaml.Node | None:
        if len(text) > _MAX_BYTES:
            self.say(0, f"{self.path} is larger than {_MAX_BYTES:,} bytes and was not read.")
            return None
        try:
            return yaml.compose(text.decode("utf-8-sig"), Loader=yaml.SafeLoader)
        except UnicodeDecodeError:
            self.say(0, f"{self.path} is not UTF-8 text and was not read.")
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            self.say(mark.line + 1 if mark else 0, f"{self.path} is not valid YAML ({error.problem}) and was not read.")
        except (yaml.YAMLError, RecursionError, ValueError):
            self.say(0, f"{self.path} is not valid YAML and was not read.")
        return None

    def say(self, line: int, text: str) -> None:
        self.problems.append(Problem(path=self.path, line=line, text=text))

    def value(self, node: yaml.Node, type_: inspect.Type, key: str) -> Any:
        """The value of `node` as `type_`, or `_MISSING` after having said what is wrong."""
        self.left -= 1
        if self.left <= 0:
            if self.left == 0:
                self.say(_line(node), f"{self.path} says too much; what follows is not used.")
            return _MISSING
        match type_:
            case inspect.Metadata():
                return self.value(node, type_.type, key)
            case inspect.UnionType():
                return self.value(node, next(t for t in type_.types if not isinstance(t, inspect.NoneType)), key)
            case inspect.StructType():
                return self.struct(node, type_, key)
            case inspect.VarTupleType():
                return self.items(node, type_, key)
            case inspect.DictType():
                return self.table(node, type_, key)
            case inspect.LiteralType():
                if isinstance(node, yaml.ScalarNode) and node.value in type_.values:
                    return node.value
                self.wrong(node, key, f"one of {', '.join(_choices(type_))}")
            case inspect.BoolType():
                if isinstance(node, yaml.ScalarNode) and node.value.lower() in _BOOLEANS:
                    return _BOOLEANS[node.value.lower()]
                self.wrong(node, key, "true or false")
            case inspect.IntType():
                return self.number(node, type_, key)
            case _:
                if isinstance(node, yaml.ScalarNode) and not _is_null(node) and node.value.strip():
                    return self.text(node, type_, key)
                self.wrong(node, key, "a text")
        return _MISSING

    def text(self, node: yaml.ScalarNode, type_: inspect.Type, key: str) -> Any:
        text: str = node.value
        if isinstance(type_, inspect.StrType) and not _fits(text, type_):
            self.wrong(node, key, f"at most {type_.max_length} characters that match {type_.pattern}")
            return _MISSING
        if _shape(key) == "libraries[].library" and text not in _known_libraries():
            self.wrong(node, key, f"one of {', '.join(_known_libraries())}")
            return _MISSING
        if key == "database_server.plan" and not is_known_plan(text):
            self.wrong(node, key, f"PROVIDER/PLAN with one of {', '.join(known_providers())}, and a plan that it has")
            return _MISSING
        if _shape(key) in _RULE_KEYS and self.known_rules and text not in self.known_rules | {"*"}:
            self.wrong(node, key, f"one of {', '.join(sorted(self.known_rules))}")
            return _MISSING
        return text

    def number(self, node: yaml.Node, type_: inspect.IntType, key: str) -> Any:
        least, most = type_.ge or 0, type_.le
        text = node.value if isinstance(node, yaml.ScalarNode) else ""
        if text.isdecimal() and len(text) < 10 and int(text) >= least and (most is None or int(text) <= most):
            return int(text)
        self.wrong(node, key, f"a number from {least} to {most}" if most is not None else f"a number, at least {least}")
        return _MISSING

    def items(self, node: yaml.Node, type_: inspect.VarTupleType, key: str) -> Any:
        if not isinstance(node, yaml.SequenceNode):
            self.wrong(node, key, "a list")
            return _MISSING
        values = [(item, self.value(item, type_.item_type, f"{key}[{n}]")) for n, item in enumerate(node.value)]
        for n, (item, value) in enumerate(values):
            if isinstance(value, OwnLibrary):
                for word in unheard(value):
                    self.say(_line(item), f"`{key}[{n}].{word}` adds nothing: there is none of it for `{value.library}`.")
        return tuple(value for _, value in values if value is not _MISSING)

    def table(self, node: yaml.Node, type_: inspect.DictType, key: str) -> Any:
        if not isinstance(node, yaml.MappingNode):
            self.wrong(node, key, "a mapping")
            return _MISSING
        values: dict[Any, Any] = {}
        for name_node, child in node.value:
            name = self.value(name_node, type_.key_type, f"{key}, its key")
            value = self.value(child, type_.value_type, _join(key, _short(name))) if name is not _MISSING else _MISSING
            if value is not _MISSING:
                values.setdefault(name, value)
        return values

    def struct(self, node: yaml.Node, type_: inspect.StructType, key: str) -> Any:
        if not isinstance(node, yaml.MappingNode):
            if not (key == "" and _is_null(node)):
                self.wrong(node, key, "a mapping")
            return _MISSING
        fields = {field.encode_name: field for field in type_.fields}
        values: dict[str, Any] = {}
        complete = True
        for name, child in self.pairs(node, key, list(fields)):
            field = fields[name]
            if not field.required and _is_null(child):
                continue
            value = self.value(child, field.type, _join(key, name))
            if value is not _MISSING:
                values[name] = value
            complete = complete and not (field.required and value is _MISSING)
        absent = [name for name, field in fields.items() if field.required and name not in values]
        if absent and complete:
            self.say(_line(node), f"`{key}` needs {' and '.join(f'`{name}`' for name in absent)}; the entry is not used.")
        return _MISSING if absent else type_.cls(**values)

    def pairs(self, node: yaml.MappingNode, key: str, allowed: list[str]) -> Iterator[tuple[str, yaml.Node]]:
        """The known keys of a mapping, each once."""
        seen: set[str] = set()
        for name_node, child in node.value:
            name = name_node.value if isinstance(name_node, yaml.ScalarNode) else ""
            if name not in allowed:
                where = f"in `{key}`" if key else "at the top level"
                self.say(_line(name_node), f"Unknown key `{_short(name)}` {where}; allowed are {', '.join(allowed)}.")
            elif name in seen:
                self.say(_line(name_node), f"`{_join(key, name)}` is given twice; the first one counts.")
            else:
                seen.add(name)
                yield name, child

    def wrong(self, node: yaml.Node, key: str, expected: str) -> None:
        match node:
            case yaml.ScalarNode():
                found = f"`{_short(node.value)}`"
            case yaml.SequenceNode():
                found = "a list"
            case _:
                found = "a mapping"
        self.say(_line(node), f"`{key or self.path}` must be {expected}, not {found}; it is not used.")


def _known_libraries() -> tuple[str, ...]:
    return tuple(library.library for library in libraries())


def _fits(text: str, type_: inspect.StrType) -> bool:
    return len(text) <= (type_.max_length or len(text)) and (
        type_.pattern is None or re.fullmatch(type_.pattern, text) is not None
    )


def _choices(type_: inspect.LiteralType) -> list[str]:
    """What may be said, the worst first where there is such an order."""
    return [value for value in _CHOICES if value in type_.values] or sorted(str(value) for value in type_.values if value)


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and bool(node.tag == "tag:yaml.org,2002:null")


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def _shape(key: str) -> str:
    """`ignore[3].rule` is an `ignore[].rule`."""
    return "".join(char for char in key if not char.isdigit())
