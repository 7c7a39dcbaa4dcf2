"""Objects by the name a service container knows them under, as far as configuration states their class."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from analyzers.facts.store import FileFacts, Setting
from analyzers.model.naming.roles import is_product

_PARAMETER = re.compile(r"%([\w.]+)%")


def services(files: Mapping[str, FileFacts]) -> dict[str, str]:
    """The class of each service of the project's YAML: `services.<name>.class`, or the name itself where it is a class."""
    stated = {
        key: value for key, value in ((s.key, s.value) for s in settings(files)) if key.startswith(("services.", "parameters."))
    }
    found: dict[str, str] = {}
    for key, value in stated.items():
        name, _, last = key.removeprefix("services.").rpartition(".")
        if key.startswith("services.") and last == "class" and name:
            parameter = _PARAMETER.fullmatch(value)
            found[name] = stated.get(f"parameters.{parameter[1]}", "") if parameter else value
    aliases = {k.removeprefix("services.").removesuffix(".alias"): v for k, v in stated.items() if k.endswith(".alias")}
    aliases |= {k.removeprefix("services."): v[1:] for k, v in stated.items() if v.startswith("@") and k.count(".") == 1}
    for name, other in aliases.items():
        if other in found:
            found.setdefault(name, found[other])
    return found


def settings(files: Mapping[str, FileFacts]) -> Iterator[Setting]:
    """All that the project's YAML states."""
    for path, facts in files.items():
        if facts.language == "yaml" and is_product(path):
            yield from facts.settings
