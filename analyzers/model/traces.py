"""What walking a file said, kept with everything it depended on, so that it need not be walked again.

A `FileTrace` is valid in any revision in which each of its dependencies has the same digest: the same blobs under the paths it
looked at, the same candidates for the imports and templates it looked up, the same models. So a review walks the files that a
change can reach, and no others, and what it says of the rest is what it said before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources

import msgspec

from analyzers.facts.store import FactStore, FileFacts
from analyzers.model.code import Codebase
from analyzers.model.definitions import Definition
from analyzers.model.evidence import Evidence, Mentions, mentions
from analyzers.model.models import ModelIndex
from analyzers.model.project import QuerySite, RelationRead, RowQuery
from analyzers.model.repositories import Repositories

_ALTERNATIVES = 3  # revisions of its surroundings a file is remembered in: base, head, and the head before


class FileTrace(msgspec.Struct, frozen=True, array_like=True):
    """What one file, walked as a root, said. `depends` maps what it looked at to the digest it had."""

    depends: dict[str, str]
    reads: tuple[RelationRead, ...]
    queries: tuple[QuerySite, ...]
    lookups: tuple[RowQuery, ...] = ()
    problem: str = ""


_ENCODE = msgspec.msgpack.Encoder()
_DECODE_MENTIONS = msgspec.msgpack.Decoder(Mentions)
_DECODE = msgspec.msgpack.Decoder(tuple[FileTrace, ...])


@cache
def engine() -> str:
    """A digest of the code and knowledge that decide what a walk says: a new version forgets all traces."""
    out = hashlib.sha256()
    for package in ("analyzers.model", "analyzers.knowledge"):
        for file in sorted(resources.files(package).iterdir(), key=lambda f: f.name):
            if file.name.endswith((".py", ".yml")):
                out.update(file.read_bytes())
    return out.hexdigest()[:12]


class Traces:
    """The traces of one analysis, in memory and in a store; and the definitions of each content, which revisions share."""

    def __init__(self, store: FactStore) -> None:
        self._store = store
        self._held: dict[str, tuple[FileTrace, ...]] = {}
        self._asked: set[str] = set()
        self._fresh: set[str] = set()
        self._mentions: dict[str, Mentions] = {}
        self._fresh_mentions: set[str] = set()
        self.definitions: dict[tuple[str, str], dict[str, Definition]] = {}

    def load(self, files: Iterable[tuple[str, str]]) -> None:
        """Fetches what is known of these (path, blob id) in one call."""
        files = list(files)
        mentioned = {f"{blob}-eager-{engine()}": blob for _, blob in files if blob}
        wanted = ({self._key(path, blob) for path, blob in files} | mentioned.keys()) - self._asked
        self._asked |= wanted
        for key, encoded in self._store.get_many(wanted).items():
            try:
                if key in mentioned:
                    self._mentions[mentioned[key]] = _DECODE_MENTIONS.decode(encoded)
                else:
                    self._held[key] = _DECODE.decode(encoded)
            except msgspec.MsgspecError:
                continue  # damaged: walk the file again

    def mentions(self, blob: str, facts: FileFacts) -> Mentions:
        """What a file says of eager loading, remembered by its content."""
        if not blob:
            return mentions(facts)
        known = self._mentions.get(blob)
        if known is None:
            known = self._mentions[blob] = mentions(facts)
            self._fresh_mentions.add(blob)
        return known

    def find(self, path: str, blob: str, world: World) -> FileTrace | None:
        """A trace of the file that holds in this revision."""
        return next((t for t in self._held.get(self._key(path, blob), ()) if world.holds(t.depends)), None)

    def keep(self, path: str, blob: str, trace: FileTrace) -> None:
        """Remembers a trace, newest first."""
        key = self._key(path, blob)
        self._held[key] = (trace, *self._held.get(key, ()))[:_ALTERNATIVES]
        self._fresh.add(key)

    def save(self) -> None:
        """Writes what is new to the store, in one call."""
        fresh = {key: _ENCODE.encode(self._held[key]) for key in self._fresh}
        fresh.update((f"{blob}-eager-{engine()}", _ENCODE.encode(self._mentions[blob])) for blob in self._fresh_mentions)
        if fresh:
            self._store.put_many(fresh)
            self._fresh.clear()
            self._fresh_mentions.clear()

    @staticmethod
    def _key(path: str, blob: str) -> str:
        return f"{blob}-{hashlib.sha256(path.encode()).hexdigest()[:16]}-walk-{engine()}"


class World:
    """One revision as what traces depend on: keys to digests."""

    def __init__(
        self,
        code: Codebase,
        models: ModelIndex,
        repositories: Repositories,
        ids: Mapping[str, str],
        evidence: Evidence,
    ) -> None:
        self._evidence = evidence
        self._code, self._models, self._repositories, self._ids = code, models, repositories, ids
        self._digests: dict[str, str] = {}

    def holds(self, depends: Mapping[str, str]) -> bool:
        return all(self.digest(key) == digest for key, digest in depends.items())

    def digest(self, key: str) -> str:
        """Equal exactly where the answer to the key is equal."""
        known = self._digests.get(key)
        if known is None:
            known = self._digests[key] = self._digest(key)
        return known

    def _digest(self, key: str) -> str:
        kind, found, name = key.partition(":")
        if not found:
            return self._ids.get(key, "")
        match kind:
            case "model":
                return self._model(name)
            case "repository":
                return self._repositories.models.get(name, "")
            case "user":
                return self._models.user
            case "named":
                return ",".join(sorted(m.qualified for m in self._models.by_name.values() if m.name == name))
            case "label":
                return self._models.labels.get(name, "")
            case "users":
                return ",".join(self._models.users)
            case "eager":
                return "may" if self._evidence.may_load(name) else "never"
            case "serves":
                served = self._repositories.classes.get(name)
                return served.qualified if served is not None else ""
            case "class":
                return "".join(f"{p}={self._ids.get(p, '')}" for p in self._code.state(key))
        return _short("\n".join(self._code.state(key)).encode())

    def _model(self, name: str) -> str:
        model = self._models.by_name.get(name)
        if model is None:
            return ""
        stated = (model.table, model.columns, model.relations, sorted(model.keys), model.ordering, model.abstract)
        return _short(_ENCODE.encode(stated))


def _short(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=9).hexdigest() if data else ""
