"""Statements that drivers prepare by themselves, where a pooler by transaction does not keep them for the next transaction."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources

import msgspec

from analyzers.deployment.demand import names_of
from analyzers.deployment.manifests import document
from analyzers.deployment.script_pools import is_seen, meaning, names_in, objects_of
from analyzers.deployment.script_values import LANGUAGES, value_at
from analyzers.deployment.uses import OTHER_USE
from analyzers.deployment.values import Conflict, Pooler, Stack
from analyzers.facts.outline import Call, Member, Name, Other, Text, walk
from analyzers.facts.store import FileFacts
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import External
from analyzers.model.naming.looked import Importing
from analyzers.model.naming.roles import is_product
from analyzers.source import Place

_WHAT = "prepared statements"
_HARM = (
    "the driver prepares a statement on one connection and then asks for it by its name on another, which does not know it, or "
    "knows another by that name"
)


class Preparing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call of a driver, as `prepares.yml` states it."""

    stops: tuple[str, ...]
    code: str
    scheme: str = ""


@cache
def _known() -> Mapping[str, Preparing]:
    return msgspec.yaml.decode(resources.files(__package__).joinpath("prepares.yml").read_bytes(), type=dict[str, Preparing])


def conflicts(code: Codebase, stacks: Sequence[Stack]) -> Iterator[Conflict]:
    """What prepares statements, where a stack states a pooler that does not keep them."""
    forgetting = [(s, p) for s in stacks for p in s.poolers if p.mode == "transaction" and p.prepares is False]
    if not forgetting:
        return
    _, pooler = forgetting[0]
    yield from _of_python(code, pooler, [stack for stack, _ in forgetting])
    yield from _of_scripts(code, pooler)
    yield from _of_pdo(code, pooler)
    yield from _of_records(code.files, pooler)
    for stack, pooler in forgetting:
        yield from _of_prisma(code.files, stack, pooler)


# -- Python ------------------------------------------------------------------------------------------------------------


def _of_python(code: Codebase, pooler: Pooler, stacks: Sequence[Stack]) -> Iterator[Conflict]:
    packages = Importing.of({name.partition(".")[0] for name in _known()})
    found: dict[str, tuple[Preparing, list[Place]]] = {}
    addresses = _addresses(code, stacks)
    for path, facts in code.files.items():
        if facts.language != "python" or not is_product(path) or OTHER_USE.search(path):
            continue
        if not code.imports(path, packages, inside=True):
            continue
        code.look_over(path)
        for node in (n for top in facts.outline for n in walk(top)):
            called = code.resolve_node(path, node.callee) if isinstance(node, Call) else None
            known = _known().get(called.name) if isinstance(called, External) else None
            if known is None or not isinstance(node, Call) or _is_off(node, known):
                continue
            if not known.scheme or any(re.match(known.scheme, address) for address in addresses):
                found.setdefault(known.code, (known, []))[1].append(code.place(path, node))
    for known, (first, *more) in found.values():
        remedy = "Let the driver prepare nothing."
        yield Conflict(_WHAT, _HARM, remedy, known.code, first, tuple(more[:4]), pooler)


def _is_off(node: Call, known: Preparing) -> bool:
    """Whether an argument says so, or cannot be seen."""
    for keyword in node.keywords:
        if keyword.name in (*known.stops, "**"):
            return True
        for inner in walk(keyword.value):
            if isinstance(inner, Text) and inner.value in known.stops:
                return True
            if keyword.name in ("connect_args", "kwargs") and isinstance(inner, Name):
                return True
    return any(isinstance(a, Text) and any(word in str(a.value) for word in known.stops) for a in node.args)


def _addresses(code: Codebase, stacks: Sequence[Stack]) -> frozenset[str]:
    """The beginnings of addresses that deployments and the product's settings state."""
    found = {value for stack in stacks for service in stack.services for value in service.environment.values()}
    for path, facts in code.files.items():
        if not is_product(path) or OTHER_USE.search(path):
            continue
        if facts.language == "env":
            found |= {s.value for s in facts.settings}
        if facts.language == "python" and re.search(r"settings|config|database|(?:^|/)db|session|engine", path):
            code.look_over(path)
            found |= {n.value for top in facts.outline for n in walk(top) if isinstance(n, Text) and isinstance(n.value, str)}
    return frozenset(value.lower() for value in found if value.lower().startswith("postgres"))


# -- JavaScript and TypeScript -----------------------------------------------------------------------------------------

_NODE_POSTGRES = "pg#"
_BY_NAME = "A query with a `name` is prepared under it: leave the name out."


def _of_scripts(code: Codebase, pooler: Pooler) -> Iterator[Conflict]:
    """Clients that prepare by themselves, and queries of node-postgres that have a name."""
    modules = {name.partition("#")[0] for name in _known() if "#" in name}
    question = Importing.of((), (_NODE_POSTGRES, *sorted(f"{module}#" for module in modules)))
    named: list[Place] = []
    for path, facts in code.files.items():
        if facts.language not in LANGUAGES or not is_product(path) or OTHER_USE.search(path):
            continue
        if not code.imports(path, question, inside=True):
            continue
        code.look_over(path)
        names = names_in(facts)
        of_pg = any(meant.startswith(_NODE_POSTGRES) for meant in names.values())
        for node in (n for top in facts.outline for n in walk(top) if isinstance(n, Call)):
            options = [o for o in objects_of(facts, node) if o is not None]
            known = _known().get(meaning(names, node.callee))
            if known is not None and is_seen(facts, node) and not _stops(options, known):
                yield Conflict(_WHAT, _HARM, "Let the client prepare nothing.", known.code, code.place(path, node), (), pooler)
            asks = of_pg and isinstance(node.callee, Member) and node.callee.name == "query"
            if asks and any(value_at(o, "name") is not None and value_at(o, "text") is not None for o in options[:1]):
                named.append(code.place(path, node))
    if named:
        yield Conflict(_WHAT, _HARM, _BY_NAME, "", named[0], tuple(named[1:5]), pooler)


def _stops(options: Sequence[Other], known: Preparing) -> bool:
    """Whether options say that nothing is prepared, or cannot be seen."""
    return any(
        value_at(o, stop) is not None or any(isinstance(c, Other) and c.word == "spread" for c in o.children)
        for o in options
        for stop in known.stops
    )


# -- PHP, Rails, Prisma ------------------------------------------------------------------------------------------------

_EMULATED = "ATTR_EMULATE_PREPARES"
_CONNECTIONS = re.compile(r"(?:.*/)?config/database\.php")


def _of_pdo(code: Codebase, pooler: Pooler) -> Iterator[Conflict]:
    """Laravel's connection to PostgreSQL, which prepares by the server unless its options say that PDO itself is to do it."""
    for path, facts in code.files.items():
        if facts.language != "php" or not _CONNECTIONS.fullmatch(path) or not is_product(path):
            continue
        for node in (n for top in facts.outline for n in walk(top)):
            match node:
                case Other(word="pair", children=(Text(value="pgsql"), Other(word="dict") as stated)):
                    if not any(isinstance(n, Member) and n.name == _EMULATED for n in walk(stated)):
                        yield Conflict(
                            _WHAT,
                            _HARM,
                            "Let PDO put the values into the statements itself.",
                            "'options' => [PDO::ATTR_EMULATE_PREPARES => true],",
                            code.place(path, node),
                            (),
                            pooler,
                        )


_RECORDS = re.compile(r"(?:.*/)?config/database\.ya?ml")


def _of_records(files: Mapping[str, FileFacts], pooler: Pooler) -> Iterator[Conflict]:
    """Active Record, which prepares statements unless `database.yml` says that it must not."""
    for path, facts in files.items():
        if facts.language != "yaml" or not _RECORDS.fullmatch(path):
            continue
        told = {k: e for k, e in document(path, facts).entries.items() if k.startswith("production.")}
        adapter = next((e for k, e in told.items() if k.endswith(".adapter")), None)
        if adapter is None or adapter.value not in ("postgresql", "postgis"):
            continue
        if not any(k.endswith(".prepared_statements") for k in told):
            remedy = "Let Active Record prepare nothing, and take no lock of a session for migrations."
            settings = "prepared_statements: false\nadvisory_locks: false"
            yield Conflict(_WHAT, _HARM, remedy, settings, adapter.place, (), pooler)


def _of_prisma(files: Mapping[str, FileFacts], stack: Stack, pooler: Pooler) -> Iterator[Conflict]:
    """Prisma, which prepares statements unless its address says that a pooler is there."""
    if not any(facts.language == "prisma" for facts in files.values()):
        return
    hosts = "|".join(map(re.escape, names_of(stack, pooler.service)))
    for service in stack.services:
        for name, value in service.environment.items():
            asks = re.match(rf"postgres(?:ql)?://(?:[^@/]*@)?(?:{hosts})(?:[:/]|$)", value)
            if asks and name.endswith("URL") and "DIRECT" not in name and "pgbouncer=true" not in value:
                remedy = "Say in the address that a pooler is there."
                yield Conflict(_WHAT, _HARM, remedy, f"{name}=…?pgbouncer=true", service.place, (), pooler)
