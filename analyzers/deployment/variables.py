"""What a value holds that names environment variables: `${WEB_CONCURRENCY:-4}`, `$PORT`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from analyzers.deployment.values import Amount
from analyzers.source import Place

_VARIABLE = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)(?:(?P<how>:?[-=?+])(?P<other>[^{}]*))?\}|(?P<plain>[A-Za-z_]\w*))")
_NUMBER = re.compile(r"\d{1,7}")
_MAX_HOPS = 5


def resolved(text: str, variables: Mapping[str, str]) -> str:
    """The text with the variables that are known put in, and the defaults of those that are not; `$$` is a dollar sign."""
    for _ in range(_MAX_HOPS):
        put = _VARIABLE.sub(lambda found: _put(found, variables), text.replace("$$", "\0"))
        put = put.replace("\0", "$$")
        if put == text:
            break
        text = put
    return text.replace("$$", "$")


def _put(found: re.Match[str], variables: Mapping[str, str]) -> str:
    name, how, other = found["braced"] or found["plain"], found["how"] or "", found["other"] or ""
    known = variables.get(name)
    if "+" in how:
        return other if known else ""
    if known is not None and (known or ":" not in how):
        return known
    return other if "-" in how or "=" in how else found[0]


def amount(text: str, variables: Mapping[str, str], place: Place | None, because: str) -> Amount:
    """The number that a text stands for; where it is a variable that nothing sets, the number is unknown by its name."""
    told = resolved(text, variables).strip().strip("\"'")
    if _NUMBER.fullmatch(told):
        stated = f" ({text.strip()})" if told != text.strip().strip("\"'") else ""
        return Amount(int(told), because + stated, place)
    found = _VARIABLE.search(told)
    symbol = (
        (found["braced"] or found["plain"]) if found else "processors" if "nproc" in told or "cpu" in told.lower() else told
    )
    return Amount(None, because, place, symbol[:60])
