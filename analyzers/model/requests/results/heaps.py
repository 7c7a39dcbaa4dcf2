"""What a root holds all at once though it grows with the data: put together from what other modules read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from analyzers.model.inference.frames import Trace
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, FunctionDefinition
from analyzers.model.requests.bodies import Body
from analyzers.model.requests.results import amounts, answers, loops, owned, sizes
from analyzers.model.tables.models import ModelIndex
from analyzers.model.ways import Heap


def read(
    code: Codebase,
    read_: Iterable[Body],
    models: ModelIndex,
    trace: Trace,
    definition: ClassDefinition | FunctionDefinition | None,
) -> Iterator[Heap]:
    """The heaps of a root, as far as its own text tells."""
    yield from answers.declared(code, models, trace, definition)
    if trace.acts:
        for body in read_:
            found = [*amounts.read(body, models), *loops.read(body, models)]
            told = {heap.place for heap in found if heap.said != "list"}  # which may be what is put out
            found += [h for h in (*answers.read(body, models), *owned.read(body, models)) if h.place not in told]
            yield from found
            yield from amounts.loaded(body, models, {place for heap in found for place in (heap.place, *dict(heap.also))})
    yield from sizes.read(code, models, trace, definition)
