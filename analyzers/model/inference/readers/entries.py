"""Methods that a library calls with rows it has just fetched by what a request names."""

from __future__ import annotations

from analyzers.facts.outline import Call, Function, Member, Name, walk
from analyzers.knowledge import libraries
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition


def is_entry(code: Codebase, owner: ClassDefinition | None, function: Function) -> bool:
    """Whether the library calls the method: it stands in a class of such a namespace, and no other method of it does."""
    if owner is None or owner.methods.get(function.name) is None or owner.methods[function.name].node is not function:
        return False
    language, space = code.files[owner.path].language, owner.qualified.rpartition("\\")[0]
    parts = f"\\{space}\\"
    if not any(f"\\{space}\\" in parts for x in libraries() if x.language == language for space in x.bound_in):
        return False
    return not any(
        isinstance(n, Call) and isinstance(n.callee, Member) and n.callee.name == function.name and _is_self(n.callee)
        for n in walk(owner.node)
    )


def _is_self(member: Member) -> bool:
    return isinstance(member.of, Name) and member.of.id in ("$this", "self", "static")
