"""Databases that functions ask, of which a platform runs as many as requests come: each has a pool of its own.

So a pooler has to stand before the server, and migrations have to go past it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from analyzers.deployment.uses import NOT_RUN
from analyzers.deployment.values import Unpooled
from analyzers.facts.outline import Assign, Class, Name, Text, walk
from analyzers.facts.store import FileFacts
from analyzers.model.naming.code import Codebase
from analyzers.source import Place

_PLATFORM = re.compile(r"(?:(?P<folder>.+)/)?(?P<name>vercel\.json|netlify\.toml)")
_RENDERS = re.compile(r"@netlify/plugin-(?:nextjs|nuxt|remix|gatsby)")
_NEEDS = "dependencies.@prisma/client"
_AROUND = re.compile(r"dependencies\.@prisma/(?:adapter-.+|extension-accelerate)")
_MAJOR = re.compile(r"\D*(?P<major>\d+)")
_WITHOUT_CONFIGURATION = 7  # from this version on, addresses stand in a program that is not read


def unpooled(code: Codebase) -> Iterator[Unpooled]:
    """The schemas of Prisma whose one address is that of functions and of migrations."""
    platforms = dict(_platforms(code.files))
    for path, facts in code.files.items():
        if facts.language != "prisma" or NOT_RUN.search(path):
            continue
        folder = max((f for f in platforms if not f or path.startswith(f"{f}/")), key=len, default=None)
        if folder is None or not _is_asked(code.files, folder):
            continue
        for block in facts.outline:
            match block:
                case Class(bases=(Name(id="generator"),)) if any(
                    isinstance(n, Text) and n.value == "driverAdapters" for n in walk(block)
                ):
                    break
                case Class(bases=(Name(id="datasource"),), body=body):
                    told = {n.target.id: n for n in body if isinstance(n, Assign) and isinstance(n.target, Name)}
                    provider = told.get("provider")
                    if provider is None or not isinstance(provider.value, Text) or provider.value.value != "postgresql":
                        continue
                    if "url" in told and "directUrl" not in told:
                        yield Unpooled(code.place(path, told["url"]), platforms[folder])


def _platforms(files: Mapping[str, FileFacts]) -> Iterator[tuple[str, Place]]:
    """The folders that a platform of functions runs, each with where that is stated."""
    for path, facts in files.items():
        found = _PLATFORM.fullmatch(path)
        if found is None or not facts.settings:
            continue
        said = facts.settings[0]
        if found["name"] == "netlify.toml":
            renders = next((s for s in facts.settings if _RENDERS.fullmatch(s.value)), None)
            if renders is None:
                continue
            said = renders
        yield found["folder"] or "", Place(path, facts.span(said.start, said.end))


def _is_asked(files: Mapping[str, FileFacts], folder: str) -> bool:
    """Whether the package that a platform runs asks a database through Prisma, and does so by itself."""
    package = files.get(f"{folder}/package.json" if folder else "package.json")
    keys = {s.key: s.value for s in package.settings} if package is not None else {}
    version = _MAJOR.match(keys.get(_NEEDS, ""))
    return version is not None and int(version["major"]) < _WITHOUT_CONFIGURATION and not any(map(_AROUND.fullmatch, keys))
