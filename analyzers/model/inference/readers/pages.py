"""Pages of rows that classes declare, and the order they come in: nobody writes these queries, and a library sends them.

A view that says how many rows a page has, an endpoint with a pagination, and an administration's list, which sorts by what it
states and looks for the rows of a period.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Assign, Text, walk
from analyzers.knowledge import Endpoints, Library, Views, named
from analyzers.knowledge.listings import Listing
from analyzers.model.inference import acts
from analyzers.model.inference.frames import Query
from analyzers.model.inference.rows import lookups
from analyzers.model.inference.types import Literal, Rows, Search, Site, Value
from analyzers.model.naming.definitions import ClassDefinition, External

if TYPE_CHECKING:
    from analyzers.model.inference.summaries import Inference


def sorted_by(inference: Inference, definition: ClassDefinition, attribute: str, rows: Rows) -> Rows:
    """The rows in the order that an attribute of the class states, if it does."""
    order, _ = _stated(inference, definition, attribute, rows)
    return _reordered(rows, order) if order else rows


def of_view(inference: Inference, definition: ClassDefinition, view: Views, rows: Rows) -> None:
    """A page of a view, if it says how many rows that has."""
    stated = inference.code.attribute(definition, view.page_attribute) if view.page_attribute else None
    size = inference.constant(stated[0].path, stated[1], stated[0]) if stated is not None else None
    if isinstance(size, Literal) and isinstance(size.value, int):
        _, at = _stated(inference, definition, view.order_attribute, rows)
        _note(inference, rows, at or _root(definition, rows))
    elif view.page_attribute and view.many and not _pages_itself(inference, definition, size, stated):
        acts.listed(inference, definition, rows, view.page_attribute, by_settings=False)


def _pages_itself(inference: Inference, definition: ClassDefinition, size: Value, stated: object) -> bool:
    """Whether a view has pages though no number says how long they are: of a setting, or by a method of the class."""
    if stated is not None and size != Literal(None):
        return True
    methods = (m for base in inference.code.lineage(definition) if isinstance(base, ClassDefinition) for m in base.methods)
    return any("pagina" in name for name in (*methods, *inference.code.externals(definition)))


def of_endpoint(inference: Inference, definition: ClassDefinition, library: Library, words: Endpoints, rows: Rows) -> None:
    """A page of an endpoint, if it names its pagination. A class of the project may filter what comes to it."""
    stated = inference.code.attribute(definition, words.page_attribute) if words.page_attribute else None
    found = inference.code.resolve_node(stated[0].path, stated[1].value) if stated and stated[1].value else None
    if not isinstance(found, ClassDefinition | External):
        if words.page_attribute and words.page_method and inference.code.method(definition, words.page_method) is None:
            left_out = stated is not None and isinstance(stated[1].value, Text) and stated[1].value.value is None
            if stated is None or left_out:
                acts.listed(inference, definition, rows, words.page_attribute, by_settings=not left_out)
        return
    order, at = _stated(inference, definition, words.order_attribute, rows)
    names = inference.code.externals(found) if isinstance(found, ClassDefinition) else (found.name,)
    if not order and any(named(library, name, words.ordering_pages) for name in names):
        order = _by_page(inference, found, words, rows)
    if _filtered(inference, definition, words):
        rows = msgspec.structs.replace(rows, searches=(*rows.searches, Search("other", rows.model, "")))
    _note(inference, _reordered(rows, order) if order else rows, at or _root(definition, rows))


def of_listing(inference: Inference, definition: ClassDefinition, listing: Listing, rows: Rows) -> None:
    """A page of an administration's list, and the rows of the period that is picked there."""
    order, at = _stated(inference, definition, listing.order_attribute, rows)
    if at is not None:
        _note(inference, _reordered(rows, order), at, aside=True)
    period, at = _stated(inference, definition, listing.period_attribute, rows)
    if at is not None and period and period[0].column:
        between = Search("ranged", rows.model, period[0].column)
        _note(inference, msgspec.structs.replace(rows, searches=(*rows.searches, between)), at, aside=True, limited=False)


def _stated(inference: Inference, definition: ClassDefinition, attribute: str, rows: Rows) -> tuple[list[Search], Site | None]:
    """What an attribute of the class orders by, and where it stands."""
    stated = inference.code.attribute(definition, attribute) if attribute else None
    model = inference.model(rows.model)
    if stated is None or model is None:
        return [], None
    owner, node = stated
    value = inference.constant(owner.path, node, owner)
    order = [] if value == Literal(None) else lookups.order(model, value)
    return order, Site(owner.path, node.start, node.end, definition.qualified)


def _by_page(inference: Inference, pages: ClassDefinition | External, words: Endpoints, rows: Rows) -> list[Search]:
    """The order that a pagination brings."""
    if isinstance(pages, ClassDefinition) and inference.code.attribute(pages, words.order_attribute) is not None:
        return _stated(inference, pages, words.order_attribute, rows)[0]
    model = inference.model(rows.model)
    return [lookups.named_order(model, words.order_default)] if model is not None and words.order_default else []


def _filtered(inference: Inference, definition: ClassDefinition, words: Endpoints) -> bool:
    """Whether a class of the project narrows the rows down on their way to the page."""
    stated = inference.code.attribute(definition, words.filters_attribute) if words.filters_attribute else None
    if stated is None or stated[1].value is None:
        return False
    held = (inference.code.resolve_node(stated[0].path, node) for node in walk(stated[1].value) if not isinstance(node, Assign))
    return any(isinstance(found, ClassDefinition) for found in held)


def _root(definition: ClassDefinition, rows: Rows) -> Site | None:
    """Where the rows are asked for, if the class itself does."""
    return rows.root if rows.root is not None and rows.root.path == definition.path else None


def _reordered(rows: Rows, order: Sequence[Search]) -> Rows:
    kept = (s for s in rows.searches if s.how != "ordered")
    return msgspec.structs.replace(rows, searches=(*kept, *order))


def _note(inference: Inference, rows: Rows, at: Site | None, *, aside: bool = False, limited: bool = True) -> None:
    if at is None or not rows.known or rows.owner is not None:
        return
    page = msgspec.structs.replace(rows, root=at, limited=limited, limit=0)
    inference.trace.note((at.path, at.start), Query(page, at, aside))
