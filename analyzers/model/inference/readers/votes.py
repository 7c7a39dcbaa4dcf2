"""Classes that decide what the user may do with an object: asked for each row of a list, they read of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Node
from analyzers.knowledge import Library, libraries, named
from analyzers.knowledge.access import Votes
from analyzers.knowledge.derived import derived
from analyzers.model.inference.readers import support
from analyzers.model.inference.types import Instance, Row, Value

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_words = derived(lambda: tuple(x.votes for x in libraries() if x.votes is not None))


def asked_by_template(inference: Inference, name: str, values: list[Value], node: Node, frame: Frame) -> bool:
    """`is_granted('EDIT', order)`: whether it is such a question. Whoever votes on it is walked with the row."""
    words = next((w for w in _words() if name in w.functions), None)
    if words is None or frame.language != "twig":
        return False
    _ask(inference, words, tuple(values), node, frame)
    return True


def asked(inference: Inference, library: Library, name: str, args: tuple[Value, ...], node: Node, frame: Frame) -> bool:
    """`$this->isGranted('EDIT', $order)`, the same in code."""
    holder, _, method = name.rpartition(".")
    words = library.votes
    if words is None or method not in words.methods or named(library, holder, words.askers) is None:
        return False
    _ask(inference, words, args, node, frame)
    return True


def _ask(inference: Inference, words: Votes, args: tuple[Value, ...], node: Node, frame: Frame) -> None:
    if len(args) < 2 or not isinstance(args[1], Row) or args[1].loop is None:
        return
    for voter in dict.fromkeys(voter for base in words.bases for voter in inference.code.wiring.heirs(base)):
        method = inference.code.method(voter, words.decides)
        known = inference.code.method(voter, words.supports)
        if method is not None and known is not None and support.knows(inference, voter, known, args[:2], frame):
            inference.call(method, Instance(voter), (args[0], args[1], None), {}, frame, node)
