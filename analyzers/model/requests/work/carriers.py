"""What is sent, where its class says whether a queue sends it: mailables, notifications."""

from __future__ import annotations

from analyzers.facts.outline import Assign, Call, Function, Member, Name, Node, Text, walk
from analyzers.knowledge.derived import derived
from analyzers.knowledge.work import known
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition
from analyzers.model.requests.work.sites import Stand

_queued = derived(lambda: frozenset(name for one in known() for name in one.passing.queued))
_sending = derived(lambda: frozenset(m for one in known() for work in one.work if work.carries for m in work.methods))
_OUTSIDE = frozenset({"mail", "slack", "nexmo", "vonage", "twilio"})


def carrier_of(code: Codebase, site: Stand) -> ClassDefinition | None:
    """The class of what a call makes to be sent, unless it says that a queue does it, or that it stays inside."""
    node = site.node
    definition = code.resolve_node(site.path, node.callee) if isinstance(node, Call) else None
    if not isinstance(definition, ClassDefinition) or _queued() & code.externals(definition):
        return None
    via = code.method(definition, "via")
    return definition if via is None or _names_outside(via.node) else None


def is_sent(site: Stand) -> bool:
    """Whether what the call makes is given to something that sends it now, there or by a name that it gets."""
    inner: Node = site.node
    for outer in reversed(site.around):
        match outer:
            case Call(callee=Member(name=name), args=args) if any(a is inner for a in args):
                return name in _sending()
            case Assign(target=Name(id=held), value=value) if value is inner:
                return _is_sent_by_name(site, held)
            case Call() | Member():
                inner = outer
                continue
        break
    return False


def _is_sent_by_name(site: Stand, held: str) -> bool:
    function = site.outermost
    for node in (n for statement in (function.body if function is not None else ()) for n in walk(statement)):
        match node:
            case Call(callee=Member(name=name), args=args) if name in _sending():
                if any(isinstance(a, Name) and a.id == held for a in args):
                    return True
    return False


def sends_one(site: Stand) -> bool:
    """Whether a call is given an object to send, not a text or a template: then that is what says whether it is queued."""
    args = site.node.args if isinstance(site.node, Call) else ()
    return not any(isinstance(a, Text) or (isinstance(a, Function) and not a.name) for a in args)


def _names_outside(via: Function) -> bool:
    """Whether a notification names a channel that leaves the process."""
    texts = {n.value for statement in via.body for n in walk(statement) if isinstance(n, Text)}
    return not _OUTSIDE.isdisjoint(texts)
