"""The rules: one problem, one module, one page of the same name. The folder is the registry.

A rule module has a docstring, `TITLE`, `CATEGORY`, and `check(project, settings)`, which yields findings. It may have
`measures(project)`, which yields quantities that a comparison tells as differences. Its page is the help text a user reads, and
its examples are executable cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import import_module, resources
from pkgutil import iter_modules
from types import MappingProxyType
from typing import cast

import msgspec

from analyzers.findings import Finding, Measure
from analyzers.model.project import Project
from analyzers.settings import Settings

Check = Callable[[Project, Settings], Iterable[Finding]]
Measures = Callable[[Project], Iterable[Measure]]


class Rule(msgspec.Struct, frozen=True):
    """A rule as others see it. `page` is Markdown."""

    id: str
    title: str
    category: str
    page: str
    check: Check
    measures: Measures


def _nothing(_: Project) -> Iterable[Measure]:
    return ()


@cache
def rules() -> Mapping[str, Rule]:
    """All rules, by id."""
    found = {}
    for module in sorted(m.name for m in iter_modules(__path__)):
        loaded = import_module(f"{__name__}.{module}")
        page = resources.files(__name__).joinpath(f"{module}.md").read_text(encoding="utf-8")
        measures = cast("Measures", getattr(loaded, "measures", _nothing))
        found[module] = Rule(module, loaded.TITLE, loaded.CATEGORY, page, cast("Check", loaded.check), measures)
    return MappingProxyType(found)
