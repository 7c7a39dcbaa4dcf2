"""Which frameworks' applications a repository holds: no library, no example, nothing that only tests run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from analyzers.deployment.uses import NOT_RUN
from analyzers.facts.outline import Assign, Call, Class, Name, dotted, walk
from analyzers.facts.store import FileFacts
from analyzers.model.naming.definitions import statements
from analyzers.model.naming.roles import is_product
from analyzers.readiness.packages import Packages, called
from analyzers.readiness.signals import Ecosystem, Framework, signals


def applications(files: Mapping[str, FileFacts], packages: Mapping[Ecosystem, Packages]) -> tuple[Framework, ...]:
    """The frameworks, those first whose code is read: a server of pages beside one of them is its frontend."""
    found = [f for f in signals().frameworks if _is_there(f, files, packages[f.ecosystem])]
    return tuple(f for f in found if f.read) or tuple(found)


def _is_there(framework: Framework, files: Mapping[str, FileFacts], listed: Packages) -> bool:
    if framework.ecosystem == "python":
        paths = [p for p, f in files.items() if f.language == "python" and is_product(p) and not NOT_RUN.search(p)]
        if framework.setting:
            return any(framework.setting in _assigned(files[path]) for path in paths)
        return any(_makes(files[path], framework) for path in paths)
    if not any(called(listed, package) for package in framework.packages):
        return False
    stands = any(re.fullmatch(pattern, path) for pattern in framework.files for path in files)
    return stands or (framework.project and listed.project)


def _assigned(facts: FileFacts) -> Iterator[str]:
    """The names that a module, or a class at its top, assigns."""
    for node in statements(facts.outline):
        match node:
            case Assign(target=Name(id=name)):
                yield name
            case Class(body=body):
                yield from (n.target.id for n in statements(body) if isinstance(n, Assign) and isinstance(n.target, Name))


def _makes(facts: FileFacts, framework: Framework) -> bool:
    """Whether a file makes an application, or states a class of them."""
    spaces = {maker.partition(".")[0] for maker in framework.makers}
    names = {one.name: one.path for one in facts.imports if one.path.partition(".")[0] in spaces}
    if not names:
        return False
    for node in (n for top in facts.outline for n in walk(top)):
        made = (node.callee,) if isinstance(node, Call) else node.bases if isinstance(node, Class) else ()
        for one in made:
            first, dot, rest = dotted(one).partition(".")
            if first in names and f"{names[first]}{dot}{rest}" in framework.makers:
                return True
    return False
