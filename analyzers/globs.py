"""Path patterns as in `.gitignore`, matched in time proportional to pattern times path, whatever a hostile author writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase


def matches(pattern: str, path: str) -> bool:
    """Does `pattern` name the file `path`, or a directory above it?

    `*` and `?` stay within one directory, `**` crosses them; a pattern without a slash is looked for at every depth;
    a leading slash anchors it to the root, a trailing one is allowed and says "a directory".
    """
    names = path.split("/")
    parts = [part for part in pattern.split("/") if part]
    if not parts:
        return False
    if "/" not in pattern.rstrip("/"):
        parts = ["**", *parts]
    ends = range(1, len(names)) if pattern.endswith("/") else range(1, len(names) + 1)
    return any(_match(parts, names[:end]) for end in ends)


def any_matches(patterns: Iterable[str]) -> Callable[[str], bool]:
    """The predicate "one of `patterns` matches this path"."""
    kept = tuple(patterns)
    return lambda path: any(matches(pattern, path) for pattern in kept)


def _match(parts: Sequence[str], names: Sequence[str]) -> bool:
    """Greedy matching of whole names: only the last `**` is ever taken back, so there is nothing to explode."""
    part, name, star, resume = 0, 0, -1, 0
    while name < len(names):
        if part < len(parts) and parts[part] == "**":
            star, resume = part, name
            part += 1
        elif part < len(parts) and fnmatchcase(names[name], parts[part]):
            part, name = part + 1, name + 1
        elif star >= 0:
            resume += 1
            part, name = star + 1, resume
        else:
            return False
    # What is left may only be `**`, and `dir/**` means what is below, not `dir` itself.
    return part == len(parts)
