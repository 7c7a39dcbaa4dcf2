"""What a project decides for all its rows: whether a relation may be read late, and whether one read late is loaded for all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from analyzers.facts.outline import Call, Member, walk
from analyzers.knowledge import Library, libraries, named
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import External
from analyzers.model.project import RelationRead
from analyzers.model.tables.models import ModelIndex


def decided(code: Codebase, models: ModelIndex, reads: Iterable[RelationRead]) -> Iterator[RelationRead]:
    """The reads that the project's own decisions leave, with what else they say of them."""
    used = {m.library.library for m in models.by_name.values()}
    calls = {x.library: _calls(code, x) for x in libraries() if x.library in used and x.policy_bases}
    for read in reads:
        model = models.by_name.get(read.relation.model)
        words = model.library.rows if model is not None else None
        made = calls.get(model.library.library, frozenset()) if model is not None else frozenset()
        if words is None or read.bypasses or not made:
            yield read
        elif not made & set(words.rescues):
            yield msgspec.structs.replace(read, guard=next(iter(sorted(made & set(words.guards))), ""))


def _calls(code: Codebase, library: Library) -> frozenset[str]:
    """The calls on the library's base class of models that the project makes where it starts."""
    if library.models is None:
        return frozenset()
    found = set()
    for definition in code.classes():
        if not definition.node.bases or code.files[definition.path].language != library.language:
            continue
        if not any(named(library, e, library.policy_bases) for e in code.externals(definition)):
            continue
        for node in walk(definition.node):
            if isinstance(node, Call) and isinstance(node.callee, Member):
                base = code.resolve_node(definition.path, node.callee.of)
                if isinstance(base, External) and named(library, base.name, library.models.bases):
                    found.add(node.callee.name)
    return frozenset(found)
