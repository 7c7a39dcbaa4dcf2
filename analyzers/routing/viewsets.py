"""Routers that make routes of a class's actions: `router.register("books", BookViewSet)`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from analyzers.facts.outline import Call, Member, Name, Node, walk
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, External, FunctionDefinition, ValueDefinition
from analyzers.model.naming.literals import arguments, is_false, is_true, text_of, texts_of
from analyzers.model.naming.looked import Importing
from analyzers.model.naming.roles import is_product
from analyzers.routing.frameworks import Framework, Viewsets
from analyzers.routing.handlers import methods_of
from analyzers.routing.paths import Address, regular
from analyzers.routing.values import Parameter, Route

_MAX_NESTED = 5


class Routers:
    """The routers of a project, by the assignment that makes each, with what is registered there."""

    def __init__(self, code: Codebase, framework: Framework) -> None:
        self.code, self.framework = code, framework
        self._registered: dict[int, list[tuple[str, Call]]] | None = None

    def routes(self, path: str, node: Node, prefix: Address, complete: bool) -> Iterator[Route]:
        """What `router.urls` gives."""
        words, router = self.framework.viewsets, self.code.resolve_node(path, node)
        if words is None or not isinstance(router, ValueDefinition):
            return
        base = self._base(router, words, _MAX_NESTED)
        if base is None:
            return
        for at, call in self._calls(words).get(id(router.node), ()):
            yield from self._of(at, call, prefix / base, complete, words, slash=self._slash(router))
        for other in self._extensions(router):
            yield from self.routes(other[0], other[1], prefix, complete)

    def _calls(self, words: Viewsets) -> dict[int, list[tuple[str, Call]]]:
        """All registrations of the product, by the router that they are made at."""
        if self._registered is None:
            self._registered = defaultdict(list)
            routers = Importing.of((name.partition(".")[0] for name in words.routers), words=("router",))
            for path, facts in self.code.files.items():
                if facts.language != "python" or not is_product(path):
                    continue
                if not self.code.imports(path, routers, inside=True):
                    continue
                self.code.look_over(path)
                for call in (n for top in facts.outline for n in walk(top) if isinstance(n, Call)):
                    if isinstance(call.callee, Member) and call.callee.name in ("register", "extend"):
                        of = call.callee.of
                        if call.callee.name == "extend" and isinstance(of, Member) and of.name == "registry":
                            of = of.of
                        router = self.code.resolve_node(path, of)
                        if isinstance(router, ValueDefinition):
                            self._registered[id(router.node)].append((path, call))
        return self._registered

    def _extensions(self, router: ValueDefinition) -> Iterator[tuple[str, Node]]:
        """Routers whose registrations this one takes over."""
        for path, call in (self._registered or {}).get(id(router.node), ()):
            match call:
                case Call(callee=Member(name="extend"), args=(Member(of=other, name="registry"),)):
                    yield path, other
                case Call(callee=Member(name="extend"), args=(Name() as other,)):
                    yield path, other

    def _base(self, router: ValueDefinition, words: Viewsets, hops: int) -> Address | None:
        """What stands before a router's own prefixes; nothing where it is no router."""
        made = router.node.value
        if not isinstance(made, Call) or not hops:
            return None
        names = self._names(router.path, made.callee)
        if names & set(words.nested):
            return self._nested(router.path, made, words, hops)
        return Address("") if names & set(words.routers) else None

    def _nested(self, path: str, made: Call, words: Viewsets, hops: int) -> Address | None:
        """`NestedSimpleRouter(router, "books", lookup="book")` is below `books/{book_pk}/`."""
        given = arguments(made)
        parent = self.code.resolve_node(path, given.get("0", given.get("parent_router", made)))
        segment, lookup = text_of(given.get("1", given.get("parent_prefix"))), text_of(given.get("lookup"))
        if not isinstance(parent, ValueDefinition) or not segment:
            return None
        above, own = self._base(parent, words, hops - 1), regular(segment)
        name = f"{lookup or 'nested_1'}_pk"
        return None if above is None or own is None else above / own / Address(f"/{{{name}}}/", (Parameter(name),))

    def _names(self, path: str, callee: Node) -> set[str]:
        """The library classes that a call makes an object of."""
        match self.code.resolve_node(path, callee):
            case External(name=name):
                return {name}
            case ClassDefinition() as definition:
                return set(self.code.externals(definition))
        return set()

    def _slash(self, router: ValueDefinition) -> str:
        made = router.node.value
        given = arguments(made) if isinstance(made, Call) else {}
        return "" if is_false(given.get("trailing_slash")) else "/"

    def _of(self, path: str, call: Call, prefix: Address, complete: bool, words: Viewsets, *, slash: str) -> Iterator[Route]:
        given = arguments(call)
        segment = regular(text_of(given.get("0", given.get("prefix"))))
        node = given.get("1", given.get("viewset"))
        viewset = self.code.resolve_node(path, node) if isinstance(node, Name | Member) else None
        if segment is None or not isinstance(viewset, ClassDefinition):
            return
        whole, place = prefix / segment, self.code.place(path, call)
        key = self._text(viewset, "lookup_url_kwarg") or self._text(viewset, "lookup_field") or "pk"
        item = whole / Address(f"/{{{key}}}", (Parameter(key, "integer" if key in ("pk", "id") else "text"),))
        for action, methods, behind, single in self._actions(viewset, words):
            address = (item if single else whole) / behind
            allowed = self._allowed(viewset)
            kept = tuple(m for m in methods if allowed is None or m.lower() in allowed)
            if kept:
                yield Route(
                    (address / Address(slash)).rooted,
                    kept,
                    place,
                    viewset.qualified,
                    action,
                    address.parameters,
                    complete,
                    self.framework.framework,
                )

    def _actions(self, viewset: ClassDefinition, words: Viewsets) -> Iterator[tuple[str, tuple[str, ...], Address, bool]]:
        """`(method, methods of requests, what follows the address, whether it is of one row)` of each action."""
        brought = {action for name in self.code.externals(viewset) for action in words.bases.get(name, ())}
        for name, action in words.actions.items():
            if name in brought or self.code.method(viewset, name) is not None:
                yield name, action.methods, Address(""), action.item
        seen: set[str] = set()
        for base in self.code.lineage(viewset):
            for method in base.methods.values() if isinstance(base, ClassDefinition) else ():
                found = self._marked(method, words) if method.node.name not in seen else None
                seen.add(method.node.name)
                if found is not None:
                    yield method.node.name, *found

    def _marked(self, method: FunctionDefinition, words: Viewsets) -> tuple[tuple[str, ...], Address, bool] | None:
        """What a decorator says of a further action."""
        for decorator in method.node.decorators:
            if not isinstance(decorator, Call):
                continue
            found = self.code.resolve_node(method.path, decorator.callee)
            if isinstance(found, External) and found.name in words.marks:
                given = arguments(decorator)
                behind = regular(text_of(given.get("url_path")) or method.node.name)
                single = is_true(given.get("detail")) or found.name.endswith("detail_route")
                methods = methods_of(given.get("methods", given.get("0"))) or ("GET",)
                return None if behind is None else (methods, Address("/") / behind, single)
        return None

    def _allowed(self, viewset: ClassDefinition) -> tuple[str, ...] | None:
        stated = self.code.attribute(viewset, "http_method_names")
        return texts_of(stated[1].value) if stated is not None else None

    def _text(self, viewset: ClassDefinition, name: str) -> str:
        stated = self.code.attribute(viewset, name)
        return text_of(stated[1].value) if stated is not None else ""
