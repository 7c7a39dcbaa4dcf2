"""What a reviewed repository says to us: `.cliffguard.yml`, read tolerantly, every mistake reported with its line.

A mistake never stops a review: the field keeps its default, and a `Problem` names line, key and allowed values.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import inspect

from analyzers.findings import Problem

PATH = ".cliffguard.yml"
_MAX_BYTES = 100_000  # a configuration of a thousand entries is a tenth of this

FailOn = Literal["critical", "high", "medium", "low", "never"]
Database = Literal["postgresql", "mysql", "sqlite"]
Count = Annotated[int, msgspec.Meta(ge=0, le=100)]
Many = Annotated[int, msgspec.Meta(ge=1)]


class Acceptance(msgspec.Struct, frozen=True):
    """Findings that are known and accepted. `path` is a pattern as in `.gitignore`; `rule` may be `*`."""

    rule: str
    path: str
    reason: str


class Tables(msgspec.Struct, frozen=True):
    """What the code cannot say of tables. `small` ones never grow (countries, roles), so reading them all is fine."""

    small: tuple[str, ...] = ()


class Rules(msgspec.Struct, frozen=True):
    """Which rules run: all but the disabled ones."""

    disabled: tuple[str, ...] = ()


class Limits(msgspec.Struct, frozen=True):
    """How many comments there may be: new ones in one push, and all of a pull request, of one rule in it, on one file.

    GitHub answered reviews of 30 and more comments with 502 though it had created them, or with secondary limits.
    """

    push: Count = 25
    pull_request: Count = 60
    rule: Count = 20
    file: Count = 15


class Peak(msgspec.Struct, frozen=True):
    """The most that is expected to happen at once: users who are there together, requests in a second."""

    users: Many | None = None
    requests_per_second: Many | None = None


class Settings(msgspec.Struct, frozen=True):
    """The configuration of one revision. An unset `fail_on` or `database` leaves the choice to the service or the code."""

    fail_on: FailOn | None = None
    database: Database | None = None
    exclude: tuple[str, ...] = ()
    ignore: tuple[Acceptance, ...] = ()
    tables: Tables = Tables()
    rules: Rules = Rules()
    comments: Limits = Limits()
    expected_peak: Peak = Peak()

    @classmethod
    def parse(cls, text: bytes | None, *, known_rules: Collection[str] = ()) -> tuple[Settings, tuple[Problem, ...]]:
        """Read the file's bytes; `None` (there is no file) gives the defaults.

        With `known_rules`, a rule id that is none of them is a problem too.
        """
        reading = _Reading(frozenset(known_rules))
        root = reading.document(text) if text else None
        settings = reading.value(root, inspect.type_info(cls), "") if root is not None else _MISSING
        return (cls() if settings is _MISSING else settings), tuple(reading.problems)


def settings_of(
    base: bytes | None, head: bytes | None, *, known_rules: Collection[str] = ()
) -> tuple[Settings, tuple[Problem, ...]]:
    """The settings that a review of `head` against `base` uses, from both versions of the file.

    The base's count: a change cannot silence its own review. What is wrong in the head's is said where it is introduced,
    and a change that will only count once it is merged is said too.
    """
    settings, problems = Settings.parse(base, known_rules=known_rules)
    if head == base:
        return settings, problems
    changed, problems = Settings.parse(head, known_rules=known_rules)
    if changed != settings:
        note = f"{PATH} is changed here; this review used the version of the base, the change counts once it is merged."
        problems = (*problems, Problem(path=PATH, line=0, text=note))
    return settings, problems


def json_schema() -> bytes:
    """The JSON schema of `.cliffguard.yml`, for editors."""
    schema = msgspec.json.schema(Settings)
    for definition in schema["$defs"].values():
        definition["additionalProperties"] = False
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": PATH, **schema}
    return json.dumps(schema, indent=2).encode() + b"\n"


_MISSING: Any = object()
_RULE_KEYS = frozenset({"ignore[].rule", "rules.disabled[]"})


class _Reading:
    """One pass over the file: YAML nodes in, values of the declared types out, mistakes collected."""

    def __init__(self, known_rules: frozenset[str]) -> None:
        self.known_rules = known_rules
        self.problems: list[Problem] = []

    def document(self, text: bytes) -> yaml.Node | None:
        if len(text) > _MAX_BYTES:
            self.say(0, f"{PATH} is larger than {_MAX_BYTES:,} bytes and was not read.")
            return None
        try:
            return yaml.compose(text.decode("utf-8-sig"), Loader=yaml.SafeLoader)
        except UnicodeDecodeError:
            self.say(0, f"{PATH} is not UTF-8 text and was not read.")
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            self.say(mark.line + 1 if mark else 0, f"{PATH} is not valid YAML ({error.problem}) and was not read.")
        except (yaml.YAMLError, RecursionError, ValueError):
            self.say(0, f"{PATH} is not valid YAML and was not read.")
        return None

    def say(self, line: int, text: str) -> None:
        self.problems.append(Problem(path=PATH, line=line, text=text))

    def value(self, node: yaml.Node, type_: inspect.Type, key: str) -> Any:
        """The value of `node` as `type_`, or `_MISSING` after having said what is wrong."""
        match type_:
            case inspect.Metadata():
                return self.value(node, type_.type, key)
            case inspect.UnionType():
                return self.value(node, next(t for t in type_.types if not isinstance(t, inspect.NoneType)), key)
            case inspect.StructType():
                return self.struct(node, type_, key)
            case inspect.VarTupleType():
                return self.items(node, type_, key)
            case inspect.LiteralType():
                if isinstance(node, yaml.ScalarNode) and node.value in type_.values:
                    return node.value
                self.wrong(node, key, f"one of {', '.join(map(str, type_.values))}")
            case inspect.IntType():
                return self.number(node, type_, key)
            case _:
                if isinstance(node, yaml.ScalarNode) and not _is_null(node) and node.value.strip():
                    return self.text(node, key)
                self.wrong(node, key, "a text")
        return _MISSING

    def text(self, node: yaml.ScalarNode, key: str) -> Any:
        text: str = node.value
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
        values = (self.value(item, type_.item_type, f"{key}[{n}]") for n, item in enumerate(node.value))
        return tuple(value for value in values if value is not _MISSING)

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
        self.say(_line(node), f"`{key or PATH}` must be {expected}, not {found}; it is not used.")


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
