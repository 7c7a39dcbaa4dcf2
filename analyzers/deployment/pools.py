"""Pools of database connections that the code makes: how many one process may open at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

import msgspec

from analyzers.deployment.configurations import said
from analyzers.deployment.drivers import pools_of_files
from analyzers.deployment.script_pools import pools_of_package
from analyzers.deployment.uses import NOT_RUN, OTHER_USE
from analyzers.deployment.values import Amount, Pool
from analyzers.deployment.variables import amount
from analyzers.facts.outline import Assign, Call, Member, Name, Node, Other, Text, children, dotted, walk
from analyzers.facts.store import FileFacts
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, External, FunctionDefinition, ValueDefinition, statements
from analyzers.model.naming.looked import Importing
from analyzers.model.naming.roles import is_product
from analyzers.source import Place


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An argument that says a number."""

    keyword: str
    default: int
    position: int = -1
    otherwise: str = ""  # another keyword that stands for it where it is not given
    settings: tuple[str, ...] = ()  # names in the project's settings that say it too
    within: tuple[str, ...] = ()  # names of mappings that may have the keyword


class Unpooled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An argument whose values mean that nothing is kept."""

    keyword: str
    values: tuple[str, ...]


class Maker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call that makes a pool."""

    size: Told
    overflow: Told | None = None
    none: Unpooled | None = None


@cache
def makers() -> Mapping[str, Maker]:
    """Calls that make pools, by their full names."""
    return msgspec.yaml.decode(resources.files(__package__).joinpath("pools.yml").read_bytes(), type=dict[str, Maker])


_ASIDE = re.compile(
    r"(?:^|/)(?:alembic|migrations?|scripts?|tools?|bin|docs?|examples?|benchmarks?|ping|wait\w*|health\w*)(?:/|\.py$)|(?:^|/)env\.py$|conftest"
)


_SETTINGS = re.compile(r"settings|config|(?:^|/)(?:app|extensions|database|db)\.py$|__init__\.py$")


def pools(code: Codebase) -> Iterator[Pool]:
    """The pools of the product's code, each with what it is called with; and Django's connection for each thread."""
    yield from pools_of_files(code.files)
    yield from _of_packages(code)
    code.look_for(r"settings|config\.py$")
    packages = Importing.of(name.partition(".")[0] for name in makers())
    for path, facts in code.files.items():
        if facts.language != "python" or not is_product(path) or _ASIDE.search(path):
            continue
        if ("settings" in path or path.endswith("config.py")) and not OTHER_USE.search(path):
            yield from _of_threads(code, path)
        if code.imports(path, packages, inside=True):
            code.look_over(path)
            for node in (n for top in facts.outline for n in walk(top)):
                if isinstance(node, Call) and dotted(node.callee):
                    maker = _maker(code, path, node)
                    if maker is not None:
                        yield _made(code, path, node, maker, dotted(node.callee))


def _of_packages(code: Codebase) -> Iterator[Pool]:
    """The pools of each package of Node.js."""
    named = [p for p in code.files if p.rpartition("/")[2] == "package.json" and not NOT_RUN.search(p)]
    folders = frozenset(p.rpartition("/")[0] for p in named)
    for path in named:
        facts = code.files[path]
        listed = {s.key.removeprefix(_LISTED): s for s in facts.settings if s.key.startswith(_LISTED)}
        required = {name: Place(path, facts.span(s.start, s.end)) for name, s in listed.items()}
        yield from pools_of_package(code, path, required, folders)


_LISTED = "dependencies."


def _maker(code: Codebase, path: str, node: Call) -> Maker | None:
    """What a call makes a pool with: a function of a library, or a class of the project above which one of a library is."""
    found = code.resolve_node(path, node.callee)
    if isinstance(found, ClassDefinition):
        bases = (code.resolve_node(found.path, base) for base in found.node.bases)
        found = next((b for b in bases if isinstance(b, External) and b.name in makers()), found)
    return makers().get(found.name) if isinstance(found, External) else None


def _made(code: Codebase, path: str, node: Call, maker: Maker, name: str) -> Pool:
    place = code.place(path, node)
    given = {k.name: k.value for k in node.keywords}
    if maker.none is not None and maker.none.keyword in given:
        if dotted(given[maker.none.keyword]).rpartition(".")[2] in maker.none.values:
            return Pool(name, place, per="thread")
        if not dotted(given[maker.none.keyword]).endswith("QueuePool"):
            return Pool(name, place, size=Amount(None, f"the pool class of `{name}`", place, maker.none.keyword))
    if any(k in ("**", "*") for k in given):
        return Pool(name, place, size=Amount(None, f"the options of `{name}`", place, "options"))
    size = _told(code, path, node, given, maker.size, name)
    overflow = _told(code, path, node, given, maker.overflow, name) if maker.overflow is not None else None
    return Pool(name, place, size=size, overflow=overflow)


def _told(code: Codebase, path: str, node: Call, given: Mapping[str, Node], told: Told, name: str) -> Amount:
    value = given.get(told.keyword) or given.get(told.otherwise)
    if value is None and 0 <= told.position < len(node.args):
        value = node.args[told.position]
    if value is None and (stated := _in_settings(code, told)) is not None:
        path, value = stated
    if value is None:
        return Amount(told.default, f"the default `{told.keyword}` of `{name}`", code.place(path, node), default=True)
    text, place = _stated(code, path, value)
    found = amount(text or dotted(value) or told.keyword, {}, place, f"`{told.keyword}` of `{name}`")
    return msgspec.structs.replace(found, text=text)


def _in_settings(code: Codebase, told: Told) -> tuple[str, Node] | None:
    """Where the settings of the project say a number by its own name, or within a mapping."""
    if not told.settings and not told.within:
        return None
    code.look_for(_SETTINGS.pattern)
    for path, facts in code.files.items():
        if facts.language != "python" or not is_product(path) or not _SETTINGS.search(path) or OTHER_USE.search(path):
            continue
        for node in (n for top in facts.outline for n in walk(top)):
            match node:
                case Assign(target=Name(id=name) | Member(name=name), value=value) if value is not None:
                    if name in told.settings:
                        return path, value
                    inner = (n for n in walk(value) if name in told.within and _is_pair(n, told.keyword))
                    if (pair := next(inner, None)) is not None and isinstance(pair, Other):
                        return path, pair.children[1]
    return None


def _stated(code: Codebase, path: str, value: Node) -> tuple[str, Place]:
    """What an argument says: itself, or what the name of the project that it is stands for."""
    text = said(value)
    if not text and isinstance(value, Name | Member):
        found = code.resolve_node(path, value)
        if isinstance(found, ValueDefinition) and found.node.value is not None:
            return said(found.node.value), code.place(found.path, found.node)
    return text, code.place(path, value)


def _of_threads(code: Codebase, path: str) -> Iterator[Pool]:
    """Django keeps a connection for each thread, unless `OPTIONS` state a pool."""
    facts = code.files[path]
    ages = _says_age(facts)
    for node in statements(facts.outline):
        match node:
            case Assign(target=Name(id="DATABASES") | Other(word="item", children=(Name(id="DATABASES"), _)), value=value) if (
                value is not None
            ):
                stated = next((p for n in walk(value) if (p := _pool_option(n)) is not None), None)
                place = code.place(path, node)
                if stated is None:
                    local = not children(value) or (_is_a_file(facts, value) and not _is_told(code, facts, value))
                    known = not (ages or local or _is_built(code, path, value) or _restated(code, path))
                    yield Pool("DATABASES", place, per="thread", fresh=known)
                else:
                    pairs = (p for p in walk(stated) if isinstance(p, Other) and _is_pair(p, "max_size"))
                    size = next((said(p.children[1]) for p in pairs), "4")
                    yield Pool("DATABASES", place, size=amount(size, {}, place, "`max_size` of the pool in `DATABASES`"))


def _is_built(code: Codebase, path: str, value: Node) -> bool:
    """Whether a function of the project's own says what the databases are."""
    made = [value, *(p.children[1] for p in children(value) if isinstance(p, Other) and p.word == "pair")]
    callees = (n.callee for n in made if isinstance(n, Call) and isinstance(n.callee, Name | Member))
    return any(isinstance(code.resolve_node(path, callee), FunctionDefinition) for callee in callees)


def _is_a_file(facts: FileFacts, value: Node) -> bool:
    """Whether a database is a file of SQLite, by what is stated itself or in what it names above: nobody connects to one."""
    above = {n.target.id: n.value for n in statements(facts.outline) if isinstance(n, Assign) and isinstance(n.target, Name)}
    named = [above[n.id] for n in walk(value) if isinstance(n, Name) and n.id in above]
    parts = (n for part in (value, *named) if part is not None for n in walk(part))
    return any(isinstance(n, Text) and "sqlite" in str(n.value) for n in parts)


def _is_told(code: Codebase, facts: FileFacts, value: Node) -> bool:
    """Whether a variable says where the database is, the file is for where it does not, and a driver of a server is there."""
    defaults = [d for n in walk(value) if isinstance(n, Call) for d in _default(n)]
    named = {n.id for d in defaults for n in walk(d) if isinstance(n, Name)}
    above = {n.target.id: n for n in statements(facts.outline) if isinstance(n, Assign) and isinstance(n.target, Name)}
    within = {id(n) for d in defaults for n in walk(d)}
    others = [n for n in walk(value) if id(n) not in within]
    if not defaults or any(isinstance(n, Text) and "sqlite" in str(n.value) for n in others):
        return False
    if any(isinstance(n, Name) and n.id in above and n.id not in named and _is_a_file(facts, n) for n in others):
        return False
    settings = (s for f in code.files.values() if f.language in ("requirements", "toml") for s in f.settings)
    return any(_DRIVER.match(said) for setting in settings for said in (setting.key.rpartition(".")[2], setting.value))


_DRIVER = re.compile(r"(?:psycopg(?:2|2-binary|\b)|mysqlclient|pymysql|mysql-connector)", re.IGNORECASE)
_TELLING = frozenset({"config", "parse", "db", "db_url", "dj_db_url", "getenv", "get", "str", "env"})


def _default(node: Call) -> Iterator[Node]:
    """What a call gives where the variable that it asks for is not set."""
    if dotted(node.callee).rpartition(".")[2] in _TELLING:
        yield from (k.value for k in node.keywords if k.name == "default")
        yield from node.args[1:2]


def _says_age(facts: FileFacts) -> bool:
    """Whether settings say how long a connection is kept."""
    for node in (n for top in facts.outline for n in walk(top)):
        match node:
            case Text(value="CONN_MAX_AGE"):
                return True
            case Name(id=name) if "CONN_MAX_AGE" in name:
                return True
            case Call(keywords=keywords) if any(k.name in ("conn_max_age", "**") for k in keywords):
                return True
    return False


def _restated(code: Codebase, path: str) -> bool:
    """Whether other settings of the product take all of these and say of databases what they want."""
    for other, facts in code.files.items():
        if facts.language != "python" or other == path or "settings" not in other or not is_product(other):
            continue
        starred = [i.path for i in facts.imports if i.name == "*"]
        if any(code.imported(other, star) == path for star in starred) and any(
            isinstance(n, Name) and n.id == "DATABASES" for top in facts.outline for n in walk(top)
        ):
            return True
    return False


def _pool_option(node: Node) -> Node | None:
    if _is_pair(node, "pool") and isinstance(node, Other):
        value = node.children[1]
        return None if isinstance(value, Text) and not value.value else value
    return None


def _is_pair(node: Node, key: str) -> bool:
    match node:
        case Other(word="pair", children=(Text(value=str() as name), _)):
            return name == key
    return False
