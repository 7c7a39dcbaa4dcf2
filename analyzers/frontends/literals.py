"""The values of literals, as the languages share them."""

from __future__ import annotations

from analyzers.frontends.frontend import MAX_TEXT


def unicode_scalars(value: str) -> str:
    """`value` without lone surrogates, which escapes can produce and no encoding can carry."""
    return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def integer(digits: str, base: int) -> int | float | str:
    """The value of an integer literal: a float beyond 64 bits, the digits themselves beyond a float."""
    try:
        value = int(digits.replace("_", ""), base)
        return value if -(2**63) <= value < 2**63 else float(value)
    except (ValueError, OverflowError):
        return digits[:MAX_TEXT]


def real(digits: str) -> float | str:
    """The value of a floating-point literal."""
    try:
        return float(digits.replace("_", ""))
    except ValueError:
        return digits[:MAX_TEXT]
