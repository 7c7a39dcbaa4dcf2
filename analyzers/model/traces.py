"""What walking each definition of a file said, kept with everything it depended on, so that it need not be walked again.

A `RootTrace` is valid in any revision in which each of its dependencies has the same digest: the same parts of the files it
looked at, the same meaning of the names and candidates for the imports and templates it looked up, the same models. So a review
walks the definitions that a change can reach, and no others, and what it says of the rest is what it said before, at the places
where that is now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property

import msgspec

from analyzers.engine import linking
from analyzers.facts.store import FactStore, FileFacts
from analyzers.model.errands import Flaw
from analyzers.model.foundations import Foundation
from analyzers.model.inference.branching.evidence import Evidence, Mentions, mentions
from analyzers.model.inference.readers.resolvers import imports_of
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import Definition
from analyzers.model.naming.parts import Move, Start
from analyzers.model.project import QuerySite, RelationRead, RowQuery
from analyzers.model.tables.repositories import Repositories
from analyzers.model.ways import CallSite, Entry, Guarded, Heap, Race

_ALTERNATIVES = 3  # revisions of its surroundings a file is remembered in: base, head, and the head before


class RootTrace(msgspec.Struct, frozen=True, array_like=True):
    """What one definition of a file, walked as a root, said. `depends` are positions in the file's list of dependencies."""

    name: str
    depends: tuple[int, ...] = ()
    reads: tuple[RelationRead, ...] = ()
    queries: tuple[QuerySite, ...] = ()
    lookups: tuple[RowQuery, ...] = ()
    entries: tuple[Entry, ...] = ()
    calls: tuple[CallSite, ...] = ()
    guarded: tuple[Guarded, ...] = ()
    races: tuple[Race, ...] = ()
    heaps: tuple[Heap, ...] = ()
    flaws: tuple[Flaw, ...] = ()
    problem: str = ""


class FileTrace(msgspec.Struct, frozen=True, array_like=True):
    """What the definitions of one file said. `depends` maps what they looked at to the digest it had; `starts` says where the
    parts stood in which the places lie that they said."""

    depends: dict[str, str]
    starts: dict[str, Start]
    roots: tuple[RootTrace, ...]


class ModelsSeen(msgspec.Struct, frozen=True, array_like=True):
    """What keys may ask of the models of a revision."""

    digests: dict[str, str]
    user: str
    labels: dict[str, str]
    users: tuple[str, ...]


class Seen(msgspec.Struct, frozen=True, array_like=True, eq=False):
    """What traces' keys stood for in a revision: digests, with the revision's files and models, which decide most of them."""

    files: dict[str, str]
    models: ModelsSeen
    digests: dict[str, str]

    def lasting(self, files: Mapping[str, str], models: ModelsSeen) -> dict[str, str]:
        """The digests that are surely the same in another revision."""
        changed = {path for path in self.files.keys() | files.keys() if self.files.get(path) != files.get(path)}
        same = {kind for kind in _OF_MODELS if models == self.models}
        same |= {kind for kind in _OF_PATHS if self.files.keys() == files.keys()}
        return {key: digest for key, digest in self.digests.items() if _lasts(key, changed, same)}


_OF_MODELS = ("model", "named", "label", "user", "users")
_OF_PATHS = ("module", "template", "script")


def _lasts(key: str, changed: Collection[str], same: Collection[str]) -> bool:
    kind, found, rest = key.partition(":")
    if kind in ("part", "name"):
        return rest.partition("\t")[0] not in changed
    return kind in same if found else kind not in changed


_ENCODE = msgspec.msgpack.Encoder()
_DECODE_SEEN = msgspec.msgpack.Decoder(Seen)
_DECODE_MENTIONS = msgspec.msgpack.Decoder(Mentions)
_DECODE = msgspec.msgpack.Decoder(tuple[FileTrace, ...])


class Traces:
    """The traces of one analysis, in memory and in a store; and the definitions of each content, which revisions share."""

    def __init__(self, store: FactStore) -> None:
        self._store = store
        self._held: dict[str, tuple[FileTrace, ...]] = {}
        self._asked: set[str] = set()
        self._latest: dict[str, tuple[FileTrace, ...]] = {}  # by path, whatever the content
        self._fresh: set[str] = set()
        self._mentions: dict[str, Mentions] = {}
        self._fresh_mentions: set[str] = set()
        self.seen: Seen | None = None  # of the revision that was linked last, or recalled
        self._stored: set[str] = set()
        self.definitions: dict[tuple[str, str], dict[str, Definition]] = {}

    def load(self, files: Iterable[tuple[str, str]]) -> None:
        """Fetches what is known of these (path, blob id) in one call."""
        keys = {self._key(path, blob): (path, blob) for path, blob in files if blob}
        mentioned = {f"{blob}-eager-{linking()}": blob for _, blob in keys.values()}
        wanted = (keys.keys() | mentioned.keys()) - self._asked
        self._asked |= wanted
        for key, encoded in self._store.get_many(wanted).items():
            try:
                if key in mentioned:
                    self._mentions[mentioned[key]] = _DECODE_MENTIONS.decode(encoded)
                else:
                    self._held[key] = _DECODE.decode(encoded)
                    path = keys[key][0]
                    self._latest[path] = (*self._held[key], *self._latest.get(path, ()))[:_ALTERNATIVES]
            except msgspec.MsgspecError:
                continue  # damaged: walk the file again

    def recall(self, revision: str) -> None:
        """Fetches what keys stood for in a revision."""
        key = f"{revision}-seen-{linking()}"
        if (encoded := self._store.get_many([key]).get(key)) is not None:
            with suppress(msgspec.MsgspecError):  # damaged: they are looked up again
                self.seen = _DECODE_SEEN.decode(encoded)
                self._stored.add(revision)

    def mentions(self, blob: str, facts: FileFacts) -> Mentions:
        """What a file says of eager loading, remembered by its content."""
        if not blob:
            return mentions(facts)
        known = self._mentions.get(blob)
        if known is None:
            known = self._mentions[blob] = mentions(facts)
            self._fresh_mentions.add(blob)
        return known

    def find(self, path: str, blob: str, world: World) -> dict[str, tuple[RootTrace, Sequence[str]]]:
        """Of the roots of a file, what is known that holds in this revision, by their names, each with the keys that it counts;
        also from other contents of the file."""
        held = (*self._held.get(self._key(path, blob), ()), *self._latest.get(path, ()))
        found: dict[str, tuple[RootTrace, Sequence[str]]] = {}
        for trace in held:
            keys = tuple(trace.depends)
            found = {root.name: (root, keys) for root in world.valid(trace)} | found
            if all(root.name in found for root in trace.roots):
                break
        return found

    def keep(self, path: str, blob: str, said: Iterable[tuple[RootTrace, Sequence[str]]], world: World) -> None:
        """Remembers what the roots of a file said, each with the keys that it counts, newest first."""
        positions: dict[str, int] = {}
        roots = tuple(
            msgspec.structs.replace(root, depends=tuple(positions.setdefault(keys[i], len(positions)) for i in root.depends))
            for root, keys in said
        )
        starts = world.starts((r.reads, r.queries, r.lookups, r.entries, r.calls, r.races, r.heaps, r.flaws) for r in roots)
        trace = FileTrace({key: world.digest(key) for key in positions}, starts, roots)
        key = self._key(path, blob)
        self._held[key] = (trace, *self._held.get(key, ()))[:_ALTERNATIVES]
        self._latest[path] = (trace, *self._latest.get(path, ()))[:_ALTERNATIVES]
        self._fresh.add(key)

    def save(self, revision: str, files: Mapping[str, str]) -> None:
        """Writes what is new to the store, in one call; also what keys stood for in a revision, if that was linked last."""
        fresh = {key: _ENCODE.encode(self._held[key]) for key in self._fresh}
        fresh.update((f"{blob}-eager-{linking()}", _ENCODE.encode(self._mentions[blob])) for blob in self._fresh_mentions)
        if self.seen is not None and revision not in self._stored and self.seen.files == files:
            fresh[f"{revision}-seen-{linking()}"] = _ENCODE.encode(self.seen)
        if fresh:
            self._store.put_many(fresh)
            self._fresh.clear()
            self._fresh_mentions.clear()

    @staticmethod
    def _key(path: str, blob: str) -> str:
        return f"{blob}-{hashlib.sha256(path.encode()).hexdigest()[:16]}-walk-{linking()}"


class World:
    """One revision as what traces depend on: keys to digests."""

    def __init__(
        self,
        code: Codebase,
        foundation: Foundation,
        repositories: Repositories,
        ids: Mapping[str, str],
        evidence: Evidence,
        earlier: Seen | None = None,
    ) -> None:
        self._evidence = evidence
        self._code, self._models, self._repositories, self._ids = code, foundation.models, repositories, ids
        self._stated = ModelsSeen(dict(foundation.digests), self._models.user, dict(self._models.labels), self._models.users)
        self._digests = earlier.lasting(ids, self._stated) if earlier is not None else {}
        for key in earlier.digests.keys() - self._digests.keys() if earlier is not None else ():
            self.digest(key)

    def seen(self) -> Seen:
        """What the keys stood for that were asked for."""
        return Seen(dict(self._ids), self._stated, self._digests)

    @cached_property
    def _imports(self) -> frozenset[str]:
        return imports_of(self._code)

    def valid(self, trace: FileTrace) -> Sequence[RootTrace]:
        """What of a trace holds in this revision, with its places where they are now."""
        roots = trace.roots
        if not trace.depends.items() <= self._digests.items():
            holding = [self.digest(key) == digest for key, digest in trace.depends.items()]
            roots = roots if all(holding) else tuple(r for r in roots if all(holding[i] for i in r.depends))
        starts = {key: self._code.parts.start(key) for key in trace.starts}
        if starts == trace.starts:
            return roots
        here = {key: start for key, start in starts.items() if start is not None}
        return Move({key: trace.starts[key] for key in here}, here).of(roots)

    def starts(self, said: Iterable[object]) -> dict[str, Start]:
        """Where the parts start in which the places lie that are said."""
        return self._code.parts.starts(tuple(said))

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
                return self._stated.digests.get(name, "")
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
                model, _, relation = name.rpartition(".")
                return "may" if self._evidence.may_load(model, relation) else "never"
            case "form":
                return "shown" if self._evidence.shows(name) else ""
            case "told":
                return "yes" if self._evidence.tells(name) else ""
            case "imports":
                return "yes" if name in self._imports else "no"
            case "serves":
                served = self._repositories.classes.get(name)
                return served.qualified if served is not None else ""
            case "part":
                path, _, part = name.partition("\t")
                return self._code.parts.digest(path, part)
        return _short("\n".join(self._code.state(key)).encode())


def _short(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=9).hexdigest() if data else ""
