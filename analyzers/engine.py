"""Digests of our own code and knowledge: what is remembered is forgotten once what made it is another."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from pathlib import Path

from analyzers.knowledge.derived import digest


@cache
def engine(*packages: str) -> str:
    """A digest of the modules and the knowledge in these packages, and in those below them."""
    out = hashlib.sha256()
    for package in packages:
        folder = Path(str(resources.files(package)))
        for file in sorted(folder.rglob("*")):
            if file.suffix in {".py", ".yml"}:
                out.update(file.read_bytes())
    return out.hexdigest()[:12]


def linking() -> str:
    """Of what makes a project of facts, and all of its parts, with what is known of the repository's own libraries."""
    return engine("analyzers.model", "analyzers.knowledge", "analyzers.deployment", "analyzers.routing") + digest()


def judging() -> str:
    """Of what makes findings of facts, with the same."""
    return engine("analyzers") + digest()
