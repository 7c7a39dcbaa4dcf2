"""Data that a request brings: `request.data["ids"]`, `form.cleaned_data["names"]`, `json.loads(request.body)`.

How many items it has is up to whoever sends the request, so a query for each of them is one for each of many.
"""

from __future__ import annotations

from analyzers.knowledge import libraries
from analyzers.knowledge.derived import derived
from analyzers.model.inference.types import Given

names = derived(lambda: frozenset(path.rpartition(".")[2] for library in libraries() for path in library.sent))
_paths = derived(
    lambda: {
        language: tuple(f".{path}" for library in libraries() if library.language == language for path in library.sent)
        for language in ("python", "php")
    }
)
_methods = derived(lambda: frozenset(name for library in libraries() for name in library.sent_methods))


def brought(name: str, language: str) -> Given | None:
    """The data that an attribute of this dotted name holds, or that a method of this name gives."""
    return Given("request item") if f".{name}".endswith(_paths().get(language, ())) else None


def part(data: Given, name: str) -> Given | None:
    """What a member of such data gives: a part of it, as far as that may have several items."""
    return data if name in _methods() else None
