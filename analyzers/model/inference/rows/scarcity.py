"""Rows of which there are few, though no query bounds them: what the code says of where they come from."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analyzers.facts.outline import Member, Name, Node
from analyzers.model.inference.frames import Frame
from analyzers.model.inference.types import Row, Rows, Search, Site
from analyzers.model.project import Relation
from analyzers.model.tables.models import Model
from analyzers.words import noun, plural

ON_THE_WAY_UP = "on the way up"  # a tree
LOCKED = "locked"  # each by itself, as it is about to be changed
PICKED = "picked"  # by somebody who looks after the site, in a list
PART = "part"  # of what belongs to one row, on a page of those who look after the site
_ONE, _OWN = "one", "own"  # the collection of one row; that of `self`
_SELVES = frozenset({"self", "$this"})
_IDENTIFYING = re.compile(
    r"(?:^|_)(?:tokens?|email|phone|uuid|guid|slug|sha\d*|hash|serial|username|login|identifier|number)(?:$|_)"
)
_DEEP = 2  # collections of collections are many, whatever they belong to
_FOR_THEMSELVES = 2  # columns that a row which links two others may have besides


def of_one(row: Row, node: Node, frame: Frame) -> str:
    """What is known of how many rows a collection has that is read of a row."""
    if row.rows is not None:
        return ""
    own = isinstance(node, Member) and isinstance(node.of, Name) and node.of.id in _SELVES and frame.owner is not None
    return _OWN if own and row.model == _class_of(frame) else _ONE


def is_of_one(rows: Rows) -> bool:
    """Whether the rows are the collection of one row."""
    return rows.few in (_ONE, _OWN)


def _class_of(frame: Frame) -> str:
    return frame.owner.qualified if frame.owner is not None else ""


def why_few(rows: Rows, model: Model | None, hops: Sequence[Relation], walked: Site | None) -> str:
    """Why there are few, as a sentence; `walked` by a loop of the code, and read along `hops`."""
    if rows.few == PICKED:
        return "They are rows that somebody who looks after the site picked in a list."
    if rows.few == PART:
        return "They are rows that belong to one row, on a page of those who look after the site."
    if rows.few == ON_THE_WAY_UP:
        return "They are what lies above one row of a tree, mostly few."
    if model is None:
        return ""
    things, deeper = plural(noun(model.name)), any(hop.many for hop in hops[:-1])
    one = rows.few in (_ONE, _OWN) or (walked is not None and _is_of_one(rows, model))
    if not deeper and one and _links(model):
        return f"The {things} of one row link it to others, mostly few."
    if walked is None:
        return ""
    if not rows.few and any(_is_key(s, model) for s in rows.searches):
        return f"They are {things} that are asked for by their keys, mostly a selection."
    if deeper:
        return ""
    if rows.few == _OWN and walked.path == rows.site.path:
        return f"A row walks the {things} of its own, mostly few."
    if any(_identifies(s, model) for s in rows.searches):
        return f"They are found by what identifies few {things}."
    return ""


def is_pinned(rows: Rows, model: Model | None, hops: Sequence[Relation], walked: Site | None) -> bool:
    """Whether the rows are those of one other row, walked by a loop of the code, with at most one collection of theirs."""
    one = rows.few in (_ONE, _OWN) or (model is not None and _is_of_one(rows, model))
    return walked is not None and one and sum(hop.many for hop in hops[:-1]) < _DEEP


def is_one(rows: Rows, model: Model | None) -> bool:
    """Whether the query asks for what no two rows have: it gives one row at most."""
    alone = {index.columns for index in model.indexes if index.unique and not index.where} if model is not None else set()
    return any(s.how == "equal" and s.model == rows.model and (s.column,) in alone for s in rows.searches)


def _is_key(search: Search, model: Model) -> bool:
    """Whether a condition names rows by their own keys: `id__in=ids`."""
    own = search.model == model.qualified
    return own and (search.how == "key" or (search.how == "member" and search.column in model.keys))


def _identifies(search: Search, model: Model) -> bool:
    own = search.how == "equal" and not search.value and search.model == model.qualified
    return own and _IDENTIFYING.search(search.column) is not None


def _is_of_one(rows: Rows, model: Model) -> bool:
    """Whether the query asks for the rows that refer to one other row."""
    references = {r.column for r in model.relations.values() if r.column}
    return any(s.how == "equal" and s.model == model.qualified and s.column in references for s in rows.searches)


def _links(model: Model) -> bool:
    """Whether a row of the model says little more than which rows it refers to."""
    references = [r for r in model.relations.values() if r.column and not r.many]
    held = {r.column for r in references}
    own = [
        c
        for name, c in model.columns.items()
        if c.name not in held and name not in model.keys and c.role not in ("timestamp", "type", "key") and not c.foreign
    ]
    named = any(i.unique and i.columns == (c.name,) for i in model.indexes for c in own)  # a thing that people call by a name
    return len(references) > 1 and len(own) <= _FOR_THEMSELVES and not named
