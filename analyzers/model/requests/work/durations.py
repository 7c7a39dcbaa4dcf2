"""How long something takes or waits, in seconds, where code says so: `300`, `60 * 60`, `timedelta(hours=2)`."""

from __future__ import annotations

from math import prod

from analyzers.facts.outline import Call, Member, Name, Node, Other, Text

_UNITS = {"weeks": 604_800.0, "days": 86_400.0, "hours": 3_600.0, "minutes": 60.0, "seconds": 1.0}


def seconds(node: Node) -> float | None:
    """The seconds that an expression states, if it is known what it is."""
    match node:
        case Text(value=bool()):
            return None
        case Text(value=int() | float() as value):
            return float(value)
        case Other(word="*", children=parts):
            found = [seconds(p) for p in parts]
            return prod(x for x in found if x is not None) if None not in found else None
        case Call(callee=Member(of=inner, name="total_seconds")):
            return seconds(inner)
        case Call(callee=Name(id="int" | "float"), args=(inner,)):
            return seconds(inner)
        case Call(callee=Name(id="timedelta") | Member(name="timedelta"), args=(), keywords=keywords):
            stated = [(_UNITS.get(k.name), seconds(k.value)) for k in keywords]
            return sum(u * x for u, x in stated if u and x) if all(u and x is not None for u, x in stated) else None
    return None


def longest(node: Node) -> float | None:
    """The seconds of a limit that may have several parts: `(3, 300)`."""
    if isinstance(node, Other) and node.word == "tuple":
        found = [x for part in node.children if (x := seconds(part)) is not None]
        return max(found) if len(found) == len(node.children) else None
    return seconds(node)


def later(node: Node) -> float | None:
    """In how many seconds a moment is: `now() + timedelta(days=1)`."""
    match node:
        case Other(word="+", children=(_, Call() as added)):
            return seconds(added)
    return None


def told(value: float) -> str:
    """Seconds as one says them."""
    whole = int(value)
    for unit, name in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if whole >= unit and whole % unit == 0:
            many = whole // unit
            return "1 day" if name == "days" and many == 1 else f"{many} {name}"
    return f"{whole} s"
