"""`switch` and `match`: the cases that may be taken, walked apart and joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Name, Node, Other, Text
from analyzers.model.inference import flow
from analyzers.model.inference.branching import branches, conditions
from analyzers.model.inference.types import Value, join, joined

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_OTHERWISE = frozenset({"default", "_"})


def matched(inference: Inference, node: Other, frame: Frame) -> Value:
    """What a `match` gives, once one of its cases was taken; a `break` at the end of a case leaves no loop."""
    subject, *stated = node.children
    flow.evaluate(inference, subject, frame)
    before, ways, falls = frame.env, [], False
    values: list[Value] = []
    inside = frame.language == "php" and bool(inference.loops)
    if inside:
        inference.loops.append(frame.site(node))
    for case in _possible(inference, subject, stated, frame):
        frame.env = joined((before, frame.env)) if falls else dict(before)
        flow.evaluate(inference, case.children[0], frame)
        body = case.children[1]
        block = body.children if isinstance(body, Other) and body.word == "block" else None
        if block is None:
            values.append(flow.evaluate(inference, body, frame))
        else:
            branches.block(inference, block, frame)
        frame.left = False
        falls = block is not None and frame.language == "php" and not conditions.leaves(block)
        if conditions.leaves(block or ()) != "function":
            ways.append(frame.env)
    if inside:
        inference.loops.pop()
    if not ways or not any(_is_default(case) for case in stated):
        ways.append(before)
    frame.env = joined(ways)
    result = values[0] if values else None
    for value in values[1:]:
        result = join(result, value)
    return result


def _possible(inference: Inference, subject: Node, stated: list[Node], frame: Frame) -> list[Other]:
    """The cases that may be taken, as far as what is asked for, and what each case is for, can be told."""
    cases = [case for case in stated if isinstance(case, Other) and len(case.children) == 2]
    held = [_holds(inference, subject, case.children[0], frame) for case in cases]
    found: list[Other] = []
    taken = falls = False
    for case, holds in zip(cases, held, strict=True):
        if _is_default(case):
            possible = True not in held
        else:
            possible = holds is not False and not taken
            taken = taken or holds is True
        if possible or falls:
            found.append(case)
            body = case.children[1]
            block = body.children if isinstance(body, Other) and body.word == "block" else None
            falls = block is not None and frame.language == "php" and not conditions.leaves(block)
    return found


def _is_default(case: Node) -> bool:
    return isinstance(case, Other) and isinstance(case.children[0], Name) and case.children[0].id in _OTHERWISE


def _holds(inference: Inference, subject: Node, pattern: Node, frame: Frame) -> bool | None:
    """Whether the case with this pattern is the one; None where that cannot be told."""
    several = pattern.children if isinstance(pattern, Other) and pattern.word == "tuple" else (pattern,)
    said = [_is_this(inference, subject, one, frame) for one in several]
    return True if True in said else None if None in said else False


def _is_this(inference: Inference, subject: Node, pattern: Node, frame: Frame) -> bool | None:
    if isinstance(subject, Text) and subject.value is True:
        return conditions.holds(inference, pattern, frame)
    return conditions.holds(inference, Other(pattern.start, pattern.end, "==", (subject, pattern)), frame)
