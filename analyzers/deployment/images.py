"""Images that a repository builds: what they run by themselves, and what they set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

import msgspec

from analyzers.facts.store import FileFacts
from analyzers.model.naming.roles import is_test
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
    if not image.command and not image.entrypoint:
        image = msgspec.structs.replace(image, command=command_of_base(image.base))
    known = {k: v for k, v in arguments.items() if v}
    return msgspec.structs.replace(image, environment={**known, **image.environment})


@cache
def _bases() -> Mapping[str, str]:
    return msgspec.yaml.decode(resources.files(__package__).joinpath("bases.yml").read_bytes(), type=dict[str, str])


def command_of_base(image: str) -> str:
    """What a well-known image runs by itself."""
    return next((command for shape, command in _bases().items() if re.fullmatch(shape, image)), "")


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


def own_dockerfile(files: Mapping[str, FileFacts], image: str, also: str = "") -> str | None:
    """The Dockerfile of the repository that makes an image of this name.

    It is the one in the folder of that name; or the repository's own, if that is the name of its package (or `also`, of its
    chart). Elsewhere an image is another's.
    """
    last = image.rpartition("@")[0] or image
    name = re.sub(r"\{\{.*?\}\}|\$\{?\w+.*", "", last.rpartition("/")[2].partition(":")[0]).strip("-_ ")
    if not name:
        return None
    folders = [p for p, f in files.items() if f.language == "dockerfile" and p.split("/")[-2:-1] == [name] and not is_test(p)]
    plain = [p for p in folders if p.endswith("/Dockerfile")]
    if len(plain) == 1:
        return plain[0]
    root = [p for p in ("Dockerfile", "docker/Dockerfile", "Containerfile") if p in files and files[p].language == "dockerfile"]
    return root[0] if root and name.lower() in {n.lower() for n in (*package_names(files), also) if n} else None


_PACKAGES = (
    ("pyproject.toml", ("project.name", "tool.poetry.name")),
    ("package.json", ("name",)),
    ("composer.json", ("name",)),
)


def package_names(files: Mapping[str, FileFacts]) -> Iterator[str]:
    """What the repository calls itself."""
    for path, keys in _PACKAGES:
        facts = files.get(path)
        for setting in facts.settings if facts is not None else ():
            if setting.key in keys:
                yield setting.value.rpartition("/")[2]
