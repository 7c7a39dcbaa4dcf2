"""Loops that do a piece of work for each row, where writing at once what they write themselves saves no growth.

A statement per row is worth a word where one statement for all rows can take its place. It cannot where the row's own class
does more than write when it is saved, nor where the loop also calls what writes by itself: it sends statements for each row
either way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.model.inference.frames import Lookup, Read, Trace
from analyzers.model.tables.models import Model

if TYPE_CHECKING:
    from analyzers.model.naming.code import Codebase


def writes_more(code: Codebase, model: Model | None) -> bool:
    """Whether classes of other libraries, whose `save()` may do anything, take part in writing a row of the model."""
    words = model.library.rows if model is not None else None
    if model is None or words is None or not words.plain_bases:
        return False
    return not all(name.startswith(words.plain_bases) for name in code.externals(model.definition))


def batched(trace: Trace, lookup: Lookup) -> bool:
    """Whether a statement for all rows may take the place of this one. Queries can always be made before the loop."""
    return not lookup.effect or not {(lookup.row.loop, "alone"), (lookup.row.loop, "beyond")} & trace.written


def eased(trace: Trace, read: Read) -> bool:
    """Whether loading the relation eagerly takes more than a small part from what the loop sends."""
    return (read.loop, "beyond") not in trace.written or not {(read.loop, "here"), (read.loop, "alone")} & trace.written
