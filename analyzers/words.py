"""Small words for messages: nouns from class names, counts."""

from __future__ import annotations

import re


def listed(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


def noun(name: str) -> str:
    """`OrderLine` is `order line`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").lower()


def short(name: str) -> str:
    """The last two parts of a qualified name where the first is a class, else the last: `Orders.get`, `get_redis`; of a
    file's own statements, its path; of a closure that a call is handed, what that says: `GET /orders`."""
    called, space, handed = name.partition(" ")
    if space:
        return f"{called.rpartition('.')[2]} {handed}"
    if "/" in name:
        return name
    parts = re.split(r"::|[.\\]", name)
    return ".".join(parts[-2:]) if len(parts) > 1 and parts[-2][:1].isupper() else parts[-1]


def singular(word: str) -> str:
    """`categories` is `category`; `orders` is `order`; what is no plural stays."""
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if re.search(r"(ss|x|z|ch|sh)es$", word):
        return word[:-2]
    return word[:-1] if re.search(r"[^su]s$", word) else word


def plural(word: str) -> str:
    """`category` is `categories`; `address` is `addresses`; what is plural already stays."""
    if re.search(r"[^aiosu]s$", word) and not word.endswith("lens"):
        return word
    if re.search(r"[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    if re.search(r"(s|x|z|ch|sh)$", word):
        return f"{word}es"
    return f"{word}s"


def indefinite(name: str) -> str:
    """A name of code as one of its kind: "a `User`", "an `Order`"."""
    return f"{'an' if name.startswith(tuple('AEIOaeio')) else 'a'} `{name}`"
