"""Pools that files state without code, Active Record's in `database.yml`; and the packages of Node.js that pool."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

import msgspec

from analyzers.deployment.manifests import document
from analyzers.deployment.values import Amount, Pool
from analyzers.deployment.variables import amount, from_ruby
from analyzers.facts.store import FileFacts
from analyzers.source import Place

_RECORDS = re.compile(r"(?:.*/)?config/database\.ya?ml")
_POOL = re.compile(r"production\.(?:(?P<name>\w+)\.)?(?:pool|max_connections)")
_RECORDS_DEFAULT = 5


class Driver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A package that pools, as `drivers.yml` states it: `makes` are its calls that make a pool, `size` the options that say how
    many connections that has, and `default` how many where none does."""

    symbol: str
    parameter: str = ""
    makes: tuple[str, ...] = ()
    size: tuple[str, ...] = ()
    default: int = 0


@cache
def drivers() -> Mapping[str, Driver]:
    """The packages that are known, those above others first."""
    return msgspec.yaml.decode(resources.files(__package__).joinpath("drivers.yml").read_bytes(), type=dict[str, Driver])


def pools_of_files(files: Mapping[str, FileFacts]) -> Iterator[Pool]:
    """The pools of each application that such a file belongs to."""
    for path, facts in files.items():
        if _RECORDS.fullmatch(path) and facts.language == "yaml":
            yield from _active_record(path, facts)


def _active_record(path: str, facts: FileFacts) -> Iterator[Pool]:
    told = document(path, facts)
    production = {key: entry for key, entry in told.entries.items() if key.startswith("production.")}
    if not production:
        return
    stated = {found["name"] or "": e for key, e in production.items() if (found := _POOL.fullmatch(key))}
    entry = stated.get("") or stated.get("primary")
    if len(stated) > 1 and "" not in stated:
        place = next(iter(stated.values())).place
        size = Amount(None, f"`{path}` states {len(stated)} databases, each with its pool", place, "pools of database.yml")
    elif entry is not None:
        text = from_ruby(entry.value)
        size = msgspec.structs.replace(amount(text, {}, entry.place, f"`pool` in `{path}`"), text=text)
    else:
        place = next(iter(production.values())).place
        size = Amount(_RECORDS_DEFAULT, "the default `pool` of Active Record", place)
    yield Pool("database.yml", size.place or Place(path, facts.span(0, 1)), size=size, language="ruby")
