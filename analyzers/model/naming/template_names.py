"""Names of templates that begin with a space: `@Shop/order/list.html.twig`, `ShopBundle:order:list.html.twig`."""

from __future__ import annotations

from collections.abc import Iterable

_FOLDERS = ("templates", "views")


def split(name: str) -> tuple[str, str]:
    """The space that a name begins with, without what only marks it as one, and the rest as a path."""
    if name.startswith("@"):
        space, _, rest = name[1:].partition("/")
        return space.lstrip("!"), rest
    if name.count(":") == 2:
        space, folder, last = name.split(":")
        return space.removesuffix("Bundle"), f"{folder}/{last}" if folder else last
    return "", name


def inside(space: str, rest: str, paths: Iterable[str]) -> list[str]:
    """The templates called `rest` of the bundle that `space` is short for; where none is, the only one called so."""
    called = [p for p in paths if any(f"/{p}".endswith(f"/{folder}/{rest}") for folder in (*_FOLDERS, space))]
    fitting = [p for p in called if (owner := _owner(p, rest)) and space.lower().endswith(owner)]
    return fitting or (called if len(called) == 1 else [])


def _owner(path: str, rest: str) -> str:
    """`admin` for `src/Bundle/AdminBundle/Resources/views/…`."""
    above = path.removesuffix(rest).rstrip("/").split("/")[:-1]
    if above[-1:] == ["Resources"]:
        above.pop()
    return above[-1].removesuffix("Bundle").lower() if above else ""
