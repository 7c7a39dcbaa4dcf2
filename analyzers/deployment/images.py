"""Images that a repository builds: what they run by themselves, and what they set."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from analyzers.facts.store import FileFacts
from analyzers.source import Place


class Image(msgspec.Struct, frozen=True):
    """What a Dockerfile makes. `command` is its entry point and what that is given."""

    path: str
    base: str
    command: str = ""
    place: Place | None = None
    environment: Mapping[str, str] = {}
    entrypoint: str = ""


def image_at(files: Mapping[str, FileFacts], path: str, target: str = "") -> Image | None:
    """The image that a Dockerfile makes, up to a stage."""
    facts = files.get(path)
    if facts is None or facts.language != "dockerfile":
        return None
    stages: dict[str, Image] = {}
    name, image = "", Image(path, "")
    arguments: dict[str, str] = {}
    for setting in facts.settings:
        place = Place(path, facts.span(setting.start, setting.end))
        match setting.key.partition("."):
            case ("FROM", _, _):
                if name and name == target.lower():
                    break
                words = [w for w in setting.value.split() if not w.startswith("--")]
                source = words[0] if words else ""
                name = words[2].lower() if len(words) > 2 and words[1].lower() == "as" else str(len(stages))
                inherited = stages.get(source.lower())
                image = inherited or Image(path, source)
            case ("ARG", _, variable):
                arguments[variable] = setting.value
            case ("ENV", _, variable):
                image = msgspec.structs.replace(image, environment={**image.environment, variable: setting.value})
            case ("ENTRYPOINT", _, _):
                image = msgspec.structs.replace(image, entrypoint=setting.value, command="", place=place)
            case ("CMD", _, _):
                image = msgspec.structs.replace(image, command=setting.value, place=place)
        stages[name] = image
    known = {k: v for k, v in arguments.items() if v}
    return msgspec.structs.replace(image, environment={**known, **image.environment})


def dockerfile_of(files: Mapping[str, FileFacts], folder: str, name: str = "") -> str | None:
    """The path of the Dockerfile that building a folder uses."""
    wanted = name or "Dockerfile"
    for path in (joined(folder, wanted), wanted.removeprefix("./")):
        if path in files and files[path].language == "dockerfile":
            return path
    return None


def joined(folder: str, name: str) -> str:
    """The path that a name means in a folder."""
    parts: list[str] = []
    for part in f"{folder}/{name}".split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part and part != ".":
            parts.append(part)
    return "/".join(parts)
