"""What names mean by a project's wiring: interfaces, services of a container, short names of entities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from analyzers.facts.outline import Call, Node, Text
from analyzers.knowledge import libraries
from analyzers.model.naming.callables import Callable, callables
from analyzers.model.naming.definitions import PHP_SEPARATOR, ClassDefinition, External
from analyzers.model.naming.implementations import implementations
from analyzers.model.naming.roles import is_product
from analyzers.model.naming.services import services, settings

if TYPE_CHECKING:
    from analyzers.model.naming.code import Codebase


class Wiring:
    """Classes that are not named where they are used. Answers are noted in `Codebase.touched` like all others."""

    def __init__(self, code: Codebase) -> None:
        self._code = code
        self._implementations: dict[str, ClassDefinition] | None = None
        self._components: dict[str, tuple[ClassDefinition, str]] | None = None
        self._callables: dict[str, Callable] | None = None
        self._settings: dict[str, str] | None = None
        self._heirs: dict[str, list[ClassDefinition]] | None = None
        self._services: dict[str, str] | None = None
        self._short_names: frozenset[str] | None = None

    def implementation(self, interface: ClassDefinition) -> ClassDefinition | None:
        """The class that stands behind an interface, where the project leaves no choice."""
        code = self._code
        code.touched.add(f"behind:{interface.qualified}")
        if self._implementations is None:
            outer, code.touched = code.touched, set()
            try:
                self._implementations = implementations(code)
            finally:
                code.touched = outer
        return self._implementations.get(interface.qualified)

    def service(self, name: str) -> ClassDefinition | None:
        """The class of the object that the configuration calls by that name."""
        self._code.touched.add(f"service:{name}")
        if self._services is None:
            self._services = services(self._code.files)
        full = self._services.get(name, "")
        return self._code.php_class(full) if full else None

    def setting(self, key: str) -> str:
        """What the project's YAML says under a key, whatever stands around it."""
        self._code.touched.add(f"setting:{key}")
        if self._settings is None:
            self._settings = {s.key: s.value for s in settings(self._code.files)}
        return next((v for k, v in self._settings.items() if f".{k}".endswith(f".{key}")), "")

    def aliased(self, text: str) -> ClassDefinition | None:
        """The class that `ShopBundle:Order` names: the one `Order` somewhere in the bundle."""
        bundle, found, name = text.partition(":")
        if not found:
            return None
        self._code.touched.add(f"called:{name.lower()}")
        fitting = [d for d in self._called(name) if d.qualified.replace(PHP_SEPARATOR, "").lower().startswith(bundle.lower())]
        return fitting[0] if len(fitting) == 1 else None

    def component(self, name: str) -> tuple[ClassDefinition, str] | None:
        """The class of a template's component, and the template that it states."""
        code = self._code
        code.touched.add(f"component:{name}")
        if self._components is None:
            outer, code.touched = code.touched, set()
            try:
                self._components = dict(self._marked())
            finally:
                code.touched = outer
        return self._components.get(name)

    def callable(self, name: str) -> Callable | None:
        """What templates call by that name."""
        code = self._code
        code.touched.add(f"callable:{name}")
        if self._callables is None:
            outer, code.touched = code.touched, set()
            try:
                self._callables = callables(code)
            finally:
                code.touched = outer
        return self._callables.get(name)

    def heirs(self, base: str) -> list[ClassDefinition]:
        """The project's classes that inherit from a library's, and can be made."""
        code = self._code
        code.touched.add(f"heirs:{base}")
        if self._heirs is None:
            outer, code.touched = code.touched, set()
            self._heirs = defaultdict(list)
            try:
                for definition in code.php_classes():
                    if not definition.is_abstract and not definition.is_interface and is_product(definition.path):
                        for name in code.externals(definition):
                            self._heirs[name].append(definition)
            finally:
                code.touched = outer
        return self._heirs.get(base, [])

    def _marked(self) -> Iterator[tuple[str, tuple[ClassDefinition, str]]]:
        marks = {mark for x in libraries() if x.components is not None for mark in x.components.marks}
        for definition in self._code.php_classes():
            for decorator in definition.node.decorators:
                callee = decorator.callee if isinstance(decorator, Call) else decorator
                found = self._code.resolve_node(definition.path, callee)
                if isinstance(found, External) and found.name in marks:
                    name = _text(decorator, 0, "name") or definition.name
                    yield name, (definition, _text(decorator, 1, "template"))

    def is_called(self, name: str) -> bool:
        """Whether a class of the project has that short name."""
        self._code.touched.add(f"called:{name.lower()}")
        if self._short_names is None:
            self._short_names = frozenset(d.name.lower() for d in self._code.php_classes())
        return name.lower() in self._short_names

    def _called(self, name: str) -> list[ClassDefinition]:
        return [d for d in self._code.php_classes() if d.name.lower() == name.lower()]

    def state(self, kind: str, name: str) -> tuple[str, ...]:
        """What a key of `touched` stands for in this revision."""
        match kind:
            case "called":
                return tuple(d.qualified for d in self._called(name))
            case "setting":
                return (self.setting(name),)
            case "callable":
                meant = self.callable(name)
                return (meant.label,) if meant is not None else ()
            case "heirs":
                return tuple(sorted(d.qualified for d in self.heirs(name)))
            case "component":
                shown = self.component(name)
                return (shown[0].qualified, shown[1]) if shown is not None else ()
            case "service":
                found = self.service(name)
            case _:
                interface = self._code.php_class(name)
                found = self.implementation(interface) if interface is not None else None
        return (found.qualified,) if found is not None else ()


def _text(decorator: Node, position: int, keyword: str) -> str:
    """A literal argument of a decorator, by name or position."""
    if not isinstance(decorator, Call):
        return ""
    named = [k.value for k in decorator.keywords if k.name == keyword]
    node = next(iter([*named, *decorator.args[position : position + 1]]), None)
    return node.value if isinstance(node, Text) and isinstance(node.value, str) else ""
