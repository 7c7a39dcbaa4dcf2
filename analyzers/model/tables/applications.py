"""The applications of a project: packages with a label, which names their tables, and which other packages call them by."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.facts.outline import Assign, Name, Other
from analyzers.knowledge import libraries
from analyzers.knowledge.naming import app_label
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, statements
from analyzers.model.naming.literals import text_of

_FILES = ("apps.py", "apps/__init__.py", "__init__.py")


class Applications:
    """Labels by folder. An application that configures none is called as its folder."""

    def __init__(self, code: Codebase) -> None:
        self._labels = dict(_configured(code))
        self._moved = dict(_moved(code))

    def label(self, path: str) -> str:
        """The application that a file belongs to."""
        parts = path.split("/")[:-1]
        near = parts[: parts.index("models")] if "models" in parts else parts
        if (label := self._labels.get("/".join(near))) is not None:
            return label
        if "models" in parts or path.endswith("models.py"):
            return app_label(path)
        above = ("/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1))
        return next((self._labels[folder] for folder in above if folder in self._labels), app_label(path))

    def migrated(self, path: str) -> str:
        """The application that a file of migrations belongs to."""
        parts = path.split("/")[:-1]
        for package, label in self._moved.items():
            if parts[-len(package) :] == list(package):
                return label
        folder = "/".join(parts[:-1])
        return self._labels.get(folder) or (parts[-2] if len(parts) > 1 else "")


def _configured(code: Codebase) -> Iterator[tuple[str, str]]:
    """Folder and label of each configuration that states a label."""
    for library in libraries():
        if not library.application_bases:
            continue
        for path in code.files:
            if not path.endswith(_FILES) or code.files[path].language != library.language:
                continue
            folder = path.removesuffix("/apps/__init__.py").rpartition("/")[0] if path.endswith("apps.py") else path
            folder = folder.removesuffix("/__init__.py").removesuffix("/apps")
            for definition in code.definitions(path).values():
                if isinstance(definition, ClassDefinition) and definition.node.bases:
                    label = definition.attributes.get("label")
                    stated = definition.attributes.get("name")
                    package = text_of(stated.value if stated is not None else None).rpartition(".")[2]
                    # Another package's own base of configurations is not there to be read: its name has to do.
                    bases = {e.rpartition(".")[2] for e in code.externals(definition)}
                    known = any(base.endswith(library.application_bases) for base in bases)
                    if known and label is not None and package in ("", folder.rpartition("/")[2]):
                        yield folder, text_of(label.value)


def _moved(code: Codebase) -> Iterator[tuple[tuple[str, ...], str]]:
    """Packages of migrations that settings name, and whose they are."""
    settings = {x.migrations.modules_setting for x in libraries() if x.migrations is not None} - {""}
    for path, facts in code.files.items():
        if facts.language != "python" or "settings" not in path:
            continue
        for node in statements(facts.outline):
            if not (isinstance(node, Assign) and isinstance(node.target, Name) and node.target.id in settings):
                continue
            for pair in node.value.children if isinstance(node.value, Other) else ():
                if isinstance(pair, Other) and len(pair.children) == 2 and text_of(pair.children[1]):
                    yield tuple(text_of(pair.children[1]).split(".")), text_of(pair.children[0])
