"""Branches, which are walked apart and joined. What a block does right before it leaves the loop happens at most once there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Node, Other
from analyzers.model.inference import flow
from analyzers.model.inference.branching import conditions, kinds
from analyzers.model.inference.types import joined

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


def block(inference: Inference, nodes: tuple[Node, ...], frame: Frame) -> None:
    """A block of a branch. What leaves the loop at its end happens at most once in that loop."""
    leaving = conditions.leaves(nodes)
    if leaving and inference.loops:
        left = list(inference.loops) if leaving == "function" else inference.loops[-1:]
        inference.once.extend(left)
        flow.run(inference, nodes, frame)
        del inference.once[len(inference.once) - len(left) :]
    else:
        flow.run(inference, nodes, frame)


def branch(inference: Inference, node: Other, frame: Frame) -> None:
    """What an `if` does: each of its ways by itself, and what names hold after whichever was taken."""
    parts = node.children
    if not parts:
        return
    flow.evaluate(inference, parts[0], frame)
    before = frame.env
    ways = []
    test = conditions.test_of(inference, parts[0])
    known = test.asks_what_is_known
    picked = conditions.picked_by(inference, test, frame)
    dead, left = conditions.dead_part(inference, parts[0], frame), False
    picked += conditions.unsettled(test, frame) if dead is None else []
    picked += conditions.unsaved(inference, test, frame)
    cached = conditions.asks_cache(test, frame) or conditions.answers_from_store(parts)
    inference.cached += cached
    for position, part in enumerate(parts[1:]):
        frame.env = dict(before)
        if position == dead:
            continue
        inference.guarded += known
        inference.once.extend(picked if position == 0 else ())
        if position == 0:
            kinds.narrow(inference, parts[0], frame)
        block(inference, part.children if isinstance(part, Other) and part.word in ("block", "else") else (part,), frame)
        inference.guarded -= known
        del inference.once[len(inference.once) - len(picked if position == 0 else ()) :]
        leaving = conditions.leaves(part.children if isinstance(part, Other) else ())
        left, frame.left = frame.left or leaving == "function", False
        if not leaving:
            ways.append(frame.env)
    frame.left = left and dead is not None
    if not cached or len(ways) == len(parts) - 1:
        inference.cached -= cached  # else what follows, to the end of the function, is done where the cache had no answer
    if (len(parts) < 3 and dead != 1) or not ways:
        ways.append(before)
    frame.env = joined(ways)
