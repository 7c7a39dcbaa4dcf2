"""Objects that an action returns, of which a library then makes the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.knowledge import libraries, named
from analyzers.model.inference.readers import entries
from analyzers.model.inference.types import Instance, Value
from analyzers.model.naming.definitions import FunctionDefinition

if TYPE_CHECKING:
    from analyzers.model.inference.summaries import Inference


def answer(inference: Inference, called: FunctionDefinition, value: Value) -> None:
    """A method that the library calls for a request returns such an object: the library asks that for the answer."""
    if not isinstance(value, Instance) or not entries.is_entry(inference.code, called.owner, called.node):
        return
    externals = inference.code.externals(value.definition)
    for library in libraries():
        for base in externals:
            asked = library.responses.get(named(library, base, library.responses) or "")
            method = inference.code.method(value.definition, asked) if asked else None
            if method is not None:
                frame = inference.frame(called.path, None)
                frame.owner, frame.function = called.owner, called.qualified
                inference.call(method, value, (), {}, frame, called.node)
                return
