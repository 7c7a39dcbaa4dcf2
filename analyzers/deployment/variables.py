"""What a value holds that names environment variables: `${WEB_CONCURRENCY:-4}`, `$PORT`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from analyzers.deployment.values import Amount
from analyzers.source import Place

_VARIABLE = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)(?:(?P<how>:?[-=?+])(?P<other>[^{}]*))?\}|(?P<plain>[A-Za-z_]\w*))")
_EXPRESSION = re.compile(r"\{\{-?\s*\.?(.*?)\s*-?\}\}")
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
    if found := _EXPRESSION.fullmatch(told):
        return Amount(None, because, place, found[1][:60])  # what a template would put in
    found = _VARIABLE.search(told)
    symbol = (
        (found["braced"] or found["plain"]) if found else "processors" if "nproc" in told or "cpu" in told.lower() else told
    )
    return Amount(None, because, place, symbol[:60])


def bound(factor: Amount, variables: Mapping[str, str]) -> Amount:
    """A factor with the variables of the service that it belongs to."""
    if "$" not in factor.text or not any(found["braced"] or found["plain"] for found in _VARIABLE.finditer(factor.text)):
        return factor
    names = {found["braced"] or found["plain"] for found in _VARIABLE.finditer(factor.text)}
    if not names & variables.keys():
        return factor
    told = amount(factor.text, variables, factor.place, factor.because.partition(" (")[0])
    return Amount(told.value, told.because, factor.place, told.symbol, factor.text)


_ERB = re.compile(r"<%=\s*(.*?)\s*%>", re.DOTALL)
_ASKED = re.compile(r"ENV(?:\.fetch\(\s*|\[)['\"](\w+)['\"]")
_LITERAL = re.compile(r"['\"]?(\d+)['\"]?[\s)}]*(?:\.to_i)?[\s)]*$")


def from_ruby(text: str) -> str:
    """An expression of a Ruby template as a command line would say it: `<%= ENV["A"] || 5 %>` is `${A:-5}`."""
    found = _ERB.fullmatch(text.strip())
    if found is None:
        return text
    inside = found[1]
    if re.search(r"[-+*/?]|\b(?:if|unless)\b", inside):
        return ""
    literal = _LITERAL.search(inside)
    made = literal[1] if literal else ""
    for name in reversed(_ASKED.findall(inside)):
        made = f"${{{name}:-{made}}}" if made else f"${{{name}}}"
    return made
