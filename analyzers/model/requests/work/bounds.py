"""How long a call waits at most, as far as its arguments, and those of what it is called on, say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from analyzers.facts.outline import Assign, Call, Function, Member, Name, Node, Other, Text, walk
from analyzers.knowledge.work import Work
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, External
from analyzers.model.requests.work.sites import Stand, values_of

Bound = Literal["stated", "endless", "unknown", "default"]
_CONSTRUCTORS = ("__init__", "__construct", "__enter__", "__aenter__")
_MOUNTS = frozenset({"mount", "request"})


def bound_of(code: Codebase, site: Stand, work: Work, *, free: bool = False) -> Bound:
    """Whether the call says how long it waits, where the library does not: `endless` if it surely does not. `free`: nothing of
    the project gives such objects a limit where they are made."""
    node = site.node
    if isinstance(node, Call) and work.kind == "process" and _goes_on_alone(node):
        return "default"
    if not isinstance(node, Call) or not work.timeout:
        return "endless" if work.endless and isinstance(node, Call) else "default"
    said = _said(node, work)
    if said != "default":
        return said
    of = _receiver(node.callee)
    if of is not None and not _is_module(code, site.path, of):
        made = _made(code, site, of)
        if made is None:
            return "endless" if free and work.endless else "unknown"
        if work.made_with and (said := _said(made, work)) != "default":
            return said
        if not _is_librarys_own(code, site.path, made) or _is_changed(site, of):
            return "unknown"
    if work.made_with and of is None:
        return _said_around(site, work)
    return "endless" if work.endless else "default"


def _goes_on_alone(node: Call) -> bool:
    """Whether a command is one that a shell starts and leaves: `sh run.sh > /dev/null &`."""
    texts = [str(n.value) for argument in node.args for n in walk(argument) if isinstance(n, Text)]
    return any(text.rstrip().endswith("&") or "nohup " in text for text in texts)


def _said(node: Call, work: Work) -> Bound:
    """What the arguments of one call say."""
    for keyword in node.keywords:
        if keyword.name in work.timeout:
            nothing = isinstance(keyword.value, Text) and keyword.value.value is None
            return "endless" if nothing and work.endless else "stated"
        if keyword.name == "**":
            return "unknown"
    if 0 <= work.at < len(node.args):
        return "stated"
    for argument in node.args:
        match argument:
            case Other(word="spread"):
                return "unknown"
            case Other(word="dict", children=pairs):
                if any(_names_timeout(p, work) for p in pairs):
                    return "stated"
                if any(isinstance(p, Other) and p.word == "spread" for p in pairs):
                    return "unknown"
            case Name(id=name) if name.startswith("$") and work.made_with and "option" in name.lower():
                return "unknown"
            case Call(callee=Name(id="array_merge" | "array_replace")) | Other(word="+"):
                return "unknown"
    return "default"


def _names_timeout(pair: Node, work: Work) -> bool:
    match pair:
        case Other(word="pair", children=(Text(value=str() as key), _)):
            return key in work.timeout
        case Other(word="pair", children=(Member(name=key), _)):
            return key in work.timeout
    return False


def _receiver(callee: Node) -> Node | None:
    return callee.of if isinstance(callee, Member) else None


def _is_module(code: Codebase, path: str, node: Node) -> bool:
    """Whether a name is a module's or a class's, not an object's."""
    return isinstance(node, Name | Member) and isinstance(code.resolve_node(path, node), External)


def _made(code: Codebase, site: Stand, of: Node) -> Call | None:
    """The call that makes what a method is called on: there, or where the name or the attribute gets it."""
    match of:
        case Call():
            return of
        case Name(id=name):
            function = site.outermost
            found = list(values_of(function.body, name)) if function is not None else []
            if not found:
                found = list(values_of(code.files[site.path].outline, name))
        case Member(of=Name() as root, name=name):
            function = site.outermost
            if function is None or root.id not in (function.receiver, "self", "cls"):
                return None
            found = list(_of_object(code, site.path, function, name))
        case _:
            return None
    calls = [v for v in found if isinstance(v, Call)]
    return calls[0] if len(calls) == len(found) == 1 else None


def _of_object(code: Codebase, path: str, function: Function, name: str) -> Iterator[Node]:
    for definition in code.definitions(path).values():
        if isinstance(definition, ClassDefinition) and any(m.node is function for m in definition.methods.values()):
            for method in definition.methods.values():
                for node in (n for statement in method.node.body for n in walk(statement)):
                    match node:
                        case Assign(target=Member(of=Name(id=root), name=found), value=value) if (
                            root == method.node.receiver and found == name and value is not None
                        ):
                            yield value
            if name in definition.attributes and (value := definition.attributes[name].value) is not None:
                yield value


def _is_librarys_own(code: Codebase, path: str, made: Call) -> bool:
    return isinstance(code.resolve_node(path, made.callee), External)


def _is_changed(site: Stand, of: Node) -> bool:
    """Whether something may give the object a limit of its own: `session.mount("https://", TimeoutAdapter())`."""
    function = site.outermost
    for node in (n for statement in (function.body if function is not None else ()) for n in walk(statement)):
        match node:
            case Call(callee=Member(name="mount")):
                return True
            case Assign(target=Member(of=inner, name=name)) if type(inner) is type(of) and name in (
                "request",
                "timeout",
                "send",
            ):
                return True
    return False


def _said_around(site: Stand, work: Work) -> Bound:
    """What the function says that makes the handle which the call is given: `curl_setopt($handle, CURLOPT_TIMEOUT, 5)`."""
    function, node = site.outermost, site.node
    if function is None or not isinstance(node, Call) or not node.args or not isinstance(node.args[0], Name):
        return "unknown"
    if not any(isinstance(v, Call) for v in values_of((function,), node.args[0].id)):
        return "unknown"
    nodes = [n for statement in function.body for n in walk(statement)]
    if any(isinstance(n, Name) and n.id in work.timeout for n in nodes):
        return "stated"
    handed = (n for n in nodes if isinstance(n, Call) and n is not node and any(_is_of(a, node.args[0].id) for a in n.args))
    if any(isinstance(last, Name) and last.id.startswith("$") and len(n.args) > 1 for n in handed for last in n.args[1:2]):
        return "unknown"  # options that are stated elsewhere
    return "endless" if work.endless else "default"


def _is_of(node: Node, name: str) -> bool:
    return isinstance(node, Name) and node.id == name
