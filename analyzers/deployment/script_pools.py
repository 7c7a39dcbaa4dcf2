"""Pools that programs of Node.js make: how many connections one process may open, as the code says, by `drivers.yml`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from analyzers.deployment.drivers import Driver, drivers
from analyzers.deployment.script_values import LANGUAGES, object_of, said, value_at
from analyzers.deployment.uses import OTHER_USE
from analyzers.deployment.values import Amount, Pool
from analyzers.deployment.variables import amount
from analyzers.facts.outline import Assign, Call, Function, Member, Name, Node, Other, Text, dotted, walk
from analyzers.facts.store import FileFacts
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.looked import Importing
from analyzers.model.naming.roles import is_product
from analyzers.source import Place

_ASIDE = re.compile(
    r"(?:^|/)(?:migrations?|seeds?|seeders|scripts?|tools?|bin|docs?|examples?|bench\w*|e2e|fixtures)/|(?:^|[/.])seed"
)
_WHOLE = ("default", "=", "*")
"""How a module is imported as a whole."""


def pools(code: Codebase, package: str, driver: Driver, folder: str, others: frozenset[str]) -> Iterator[Pool]:
    """The pools of a package that the code of a folder makes, but for that of folders within with packages of their own."""
    modules = {name.partition("#")[0] for name in driver.makes}
    question = Importing.of((), tuple(sorted(f"{module}#" for module in modules)))
    for path, facts in code.files.items():
        if facts.language not in LANGUAGES or not _is_in(path, folder, others):
            continue
        if not is_product(path) or OTHER_USE.search(path) or _ASIDE.search(path):
            continue
        if code.imports(path, question, inside=True):
            code.look_over(path)
            names = names_in(facts)
            for node in (n for top in facts.outline for n in walk(top)):
                if isinstance(node, Call) and meaning(names, node.callee) in driver.makes:
                    yield Pool(package, code.place(path, node), size=_size(code, path, node, driver), language="javascript")


def _is_in(path: str, folder: str, others: frozenset[str]) -> bool:
    """Whether a file belongs to the package of a folder."""
    if folder and not path.startswith(f"{folder}/"):
        return False
    inner = (other for other in others if len(other) > len(folder))
    return not any(path.startswith(f"{other}/") for other in inner)


def names_in(facts: FileFacts) -> Mapping[str, str]:
    """What the names of a file mean that come from modules: `pg#Pool`."""
    found = {i.name: i.path for i in facts.imports}
    for node in facts.outline:
        match node:  # `const { Pool } = pg`
            case Assign(target=Other(word="tuple", children=parts), value=Name(id=of)) if of in found:
                module, _, whole = found[of].partition("#")
                for part in parts if whole in _WHOLE else ():
                    match part:
                        case Other(word="pair", children=(Text(value=str() as name), Name(id=local))):
                            found[local] = f"{module}#{name}"
    return found


def meaning(names: Mapping[str, str], callee: Node) -> str:
    """The full name of what is called, as far as it comes from a module."""
    match callee:
        case Name(id=name):
            module, mark, what = names.get(name, "").partition("#")
            return f"{module}#{'default' if what in _WHOLE else what}" if mark else ""
        case Member(of=Name(id=of), name=name):
            module, mark, what = names.get(of, "").partition("#")
            return f"{module}#{name}" if what in _WHOLE else f"{module}#{what}.{name}" if mark else ""
    return ""


def _size(code: Codebase, path: str, node: Call, driver: Driver) -> Amount:
    facts, place = code.files[path], code.place(path, node)
    name = dotted(node.callee)
    unknown = Amount(None, f"the options of `{name}` are made elsewhere", place, driver.symbol)
    objects = [found for found in objects_of(facts, node) if found is not None]
    for options in objects:
        for key in driver.size:
            value = value_at(options, key)
            if value is not None:
                return _stated(facts, code, path, value, f"`{key}` of `{name}`", driver)
    if any(isinstance(c, Other) and c.word == "spread" for options in objects for c in options.children):
        return unknown
    if not is_seen(facts, node):
        return unknown
    return Amount(driver.default, f"the default of `{name}`", place, default=True)


def objects_of(facts: FileFacts, node: Call) -> Iterator[Other | None]:
    """The objects that a call is given, and those of functions that it is given: `forRootAsync({useFactory: () => ({…})})`."""
    for argument in node.args:
        yield object_of(facts, argument)
    for inner in (n for a in node.args for n in walk(a) if isinstance(n, Function)):
        yield from (n for statement in inner.body for n in walk(statement) if isinstance(n, Other) and n.word == "dict")


def is_seen(facts: FileFacts, node: Call) -> bool:
    """Whether all options that a call is given stand in the same file."""
    several = [a for a in node.args if _may_be_options(facts, a)]
    return len([o for o in objects_of(facts, node) if o is not None]) >= len(several)


def _may_be_options(facts: FileFacts, argument: Node) -> bool:
    """Whether an argument is no address, which is a text or a variable of the process."""
    return (
        not isinstance(argument, Text)
        and not (isinstance(argument, Other) and argument.word == "format")
        and not said(facts, argument).startswith("${")
    )


def _stated(facts: FileFacts, code: Codebase, path: str, value: Node, because: str, driver: Driver) -> Amount:
    text, place = said(facts, value), code.place(path, value)
    if not text:
        return Amount(None, because, place, dotted(value) or driver.symbol)
    return msgspec.structs.replace(amount(text, {}, place, because), text=text)


def pools_of_package(code: Codebase, path: str, required: Mapping[str, Place], others: frozenset[str]) -> Iterator[Pool]:
    """The pools of the first known package that a `package.json` requires: those that its code makes, or one that is unseen."""
    for package, driver in drivers().items():
        if package not in required:
            continue
        made = list(pools(code, package, driver, path.rpartition("/")[0], others)) if driver.makes else []
        because = f"what `{package}` opens is set where it is not seen, or by its default"
        unseen = Pool(
            package,
            required[package],
            size=Amount(None, because, required[package], driver.symbol),
            language="javascript",
            parameter=driver.parameter,
        )
        yield from made or [unseen]
        return
