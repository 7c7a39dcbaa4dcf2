"""Loops that do a piece of work for each row, where writing at once what they write themselves saves no growth.

A statement per row is worth a word where one statement for all rows can take its place. It cannot where the row's own class
does more than write when it is saved, nor where the loop also calls what writes by itself, or hands its row to a function that
may need it written: it does a piece of work for each row either way. What is asked for on the way to such a write belongs to
the work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Call, Member, Name, Node, walk
from analyzers.knowledge.methods import Hooks
from analyzers.model.inference.frames import Frame, Lookup, Read, Trace
from analyzers.model.inference.types import Row
from analyzers.model.naming.definitions import ClassDefinition
from analyzers.model.naming.roles import is_batch
from analyzers.model.tables.models import Model

if TYPE_CHECKING:
    from analyzers.model.inference.summaries import Inference
    from analyzers.model.naming.code import Codebase


def writes_more(inference: Inference, model: Model | None) -> bool:
    """Whether more happens when a row of the model is written: its class says so, or a function that is told of it, or classes
    of other libraries, whose `save()` may do anything, take part in it."""
    words = model.library.rows if model is not None else None
    if model is None or words is None:
        return False
    code = inference.code
    if _is_told(inference, model) or _tells_others(code, model, words.hooks):
        return True
    return bool(words.plain_bases) and not all(n.startswith(words.plain_bases) for n in code.externals(model.definition))


def _is_told(inference: Inference, model: Model) -> bool:
    """Whether some function is told when rows of the class are written."""
    inference.trace.touched.add(f"told:{model.name}")
    return inference.evidence.tells(model.name)


def _tells_others(code: Codebase, model: Model, hooks: Hooks) -> bool:
    """Whether the class says that something else happens when one of its rows is written."""
    if any(code.attribute(model.definition, name) is not None for name in hooks.attributes):
        return True
    if not code.externals(model.definition).isdisjoint(hooks.mixins):
        return True
    if hooks.observer and code.wiring.is_called(hooks.observer.format(name=model.name)):
        return True
    for base in code.lineage(model.definition) if hooks.setups else ():
        if not isinstance(base, ClassDefinition):
            continue
        marks = (d.callee if isinstance(d, Call) else d for d in base.node.decorators)
        if any(isinstance(m, Name) and m.id.rpartition("\\")[2] in hooks.marks for m in marks):
            return True
        for name, method in base.methods.items():
            if name.startswith(hooks.setups) and any(_is_event(node, hooks) for node in walk(method.node)):
                return True
    return False


def _is_event(node: Node, hooks: Hooks) -> bool:
    return isinstance(node, Call) and isinstance(node.callee, Member) and node.callee.name in hooks.events


def kept_apart(trace: Trace, frame: Frame) -> None:
    """Something leaves the program for a row, a mail or a request: what is written beside it says how far the loop came."""
    trace.written |= {(v.loop, "alone") for v in frame.env.values() if isinstance(v, Row) and v.loop is not None}


def batched(trace: Trace, lookup: Lookup) -> bool:
    """Whether a statement for all rows may take the place of this one. What the loop itself asks for can be asked before it."""
    if not lookup.effect:
        return not lookup.through or (lookup.row.loop, "beyond") not in trace.written
    return not {(lookup.row.loop, "alone"), (lookup.row.loop, "beyond")} & trace.written


def eased(trace: Trace, read: Read) -> bool:
    """Whether loading the relation eagerly takes more than a small part from what the loop sends."""
    if is_batch(read.at.path) and any(loop == read.loop and how != "alone" for loop, how in trace.written):
        return False
    if (read.loop, "beyond") not in trace.written:
        return True
    anew = read.bypass and bool(read.through)
    return not anew and not {(read.loop, "here"), (read.loop, "alone")} & trace.written
