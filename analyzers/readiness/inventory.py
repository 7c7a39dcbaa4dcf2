"""What a repository says outside of functions: imports, settings, variables, command lines, containers and their probes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache

import msgspec

from analyzers.deployment.configurations import said
from analyzers.deployment.uses import OTHER_USE
from analyzers.deployment.values import Deployment
from analyzers.facts.outline import Assign, Call, Member, Name, Node, Other, Text, dotted, walk
from analyzers.facts.store import FileFacts, Setting
from analyzers.model.naming.literals import items_of, last_name
from analyzers.model.naming.roles import is_product
from analyzers.readiness.packages import Packages, packages
from analyzers.readiness.signals import Ecosystem, signals
from analyzers.source import Place

_CONFIGURES = re.compile(
    r"(?:^|[/_])(?:settings|config|configuration|conf|default|logging|celery|gunicorn)(?:[/_.]|$)", re.IGNORECASE
)
_PHP_CONFIG = re.compile(r"(?:.*/)?(?:config/[\w/]+\.php|bootstrap/(?:app|providers)\.php|app/AppKernel\.php)")
_FORMATS = frozenset({"yaml", "env", "ini"})
_PROBE = re.compile(
    r"(?:.*\.)?(?:livenessProbe|readinessProbe|startupProbe)\.httpGet\.path|(?:.*\.)?healthCheckPath|.*checks\.(?:\d+\.)?path"
)
_COMPOSE_PROBE = re.compile(r"services\.(?P<service>[^.]+)\.healthcheck\.test(?:\.\d+)?")
_ASKS = re.compile(r"https?://|\bcurl\b|\bwget\b")


class Stated(msgspec.Struct, frozen=True):
    """One text with its place."""

    text: str
    place: Place


class Inventory(msgspec.Struct, frozen=True):
    """Everything, by kind. `imports` are those of product code by their first part; `settings` are `key=value`."""

    packages: Mapping[Ecosystem, Packages]
    imports: Mapping[str, tuple[Stated, ...]]
    texts: tuple[Stated, ...]
    settings: tuple[Stated, ...]
    variables: tuple[Stated, ...]
    commands: tuple[Stated, ...]
    images: tuple[Stated, ...]
    probes: tuple[Stated, ...]
    values: frozenset[str]  # variables whose values the deployment states in full


def inventory(files: Mapping[str, FileFacts], deployment: Deployment) -> Inventory:
    """What the product's files say; settings for development and tests say nothing of it."""
    imports = _imports(files)
    texts: list[Stated] = []
    settings: list[Stated] = []
    for path, facts in files.items():
        if not is_product(path) or OTHER_USE.search(path):
            continue
        if _configures(path, facts):
            for kind, one in _written(path, facts):
                (texts if kind == "text" else settings).append(one)
        elif facts.language in _FORMATS:
            settings += (Stated(f"{s.key}={s.value}", Place(path, facts.span(s.start, s.end))) for s in facts.settings)
    services = [service for stack in deployment.stacks for service in stack.services]
    return Inventory(
        {kind: packages(files, kind) for kind in ("python", "php", "javascript", "ruby")},
        imports,
        tuple(texts),
        tuple(settings),
        (
            *(Stated(name, service.place) for service in services for name in service.environment),
            *(Stated(s.text.partition("=")[0].rpartition(".")[2], s.place) for s in settings),
            *(s for s in texts if s.text.isupper()),
        ),
        (*(Stated(s.command, s.place) for s in services if s.command), *_commands(files)),
        tuple(Stated(service.image, service.place) for service in services if service.image),
        tuple(_probes(files, {s.name for s in services if any(p.does == "web" for p in s.programs)})),
        frozenset(name for service in services for name, value in service.environment.items() if value and "$" not in value),
    )


def _imports(files: Mapping[str, FileFacts]) -> Mapping[str, tuple[Stated, ...]]:
    """Each import of product code once, by its first part: where the application is set up, if it stands there too."""
    found: defaultdict[str, dict[str, Stated]] = defaultdict(dict)
    for path, facts in sorted(files.items(), key=lambda item: _CONFIGURES.search(item[0]) is None):
        if facts.language in ("python", "php") and is_product(path) and not OTHER_USE.search(path):
            for one in facts.imports:
                if not one.path.startswith(".") and one.path not in found[first_part(one.path)]:
                    found[first_part(one.path)][one.path] = Stated(one.path, Place(path, facts.span(one.start, one.start + 1)))
    return {first: tuple(several.values()) for first, several in found.items()}


@lru_cache(maxsize=10_000)
def first_part(path: str) -> str:
    """`opentelemetry` of `opentelemetry.instrumentation.django`."""
    return re.split(r"[.\\]", path.lstrip("\\"), maxsplit=1)[0]


_STARTED = frozenset(first_part(path) for topic in signals().topics for signal in topic.signals for path in signal.imports)


def _configures(path: str, facts: FileFacts) -> bool:
    """Whether a source file says how the application is set up: by its name, or because it starts what others report to."""
    match facts.language:
        case "python":
            return _CONFIGURES.search(path) is not None or any(first_part(i.path) in _STARTED for i in facts.imports)
        case "php":
            return _PHP_CONFIG.fullmatch(path) is not None
    return False


def _written(path: str, facts: FileFacts) -> Iterator[tuple[str, Stated]]:
    """The texts of a source file, its assignments and what its calls are given by name."""
    for node in (n for top in facts.outline for n in walk(top)):
        place = None
        for kind, text in _said(node):
            place = place or Place(path, facts.span(node.start, node.end))
            yield kind, Stated(text, place)


def _said(node: Node) -> Iterator[tuple[str, str]]:
    match node:
        case Text(value=str() as text) if text:
            yield "text", text
        case Member(of=Name(id=name), name="class"):
            yield "text", name.lstrip("\\")
        case Assign(target=target, value=value) if value is not None and dotted(target):
            yield "setting", f"{dotted(target)}={said(value) or '?'}"
        case Other(word="pair", children=(Text(value=str() as key), value)):
            yield "setting", f"{key}={said(value) or '?'}"
            yield from (("setting", f"{key}.{name}={said(inner) or '?'}") for name, inner in items_of(value))
        case Call(callee=callee, keywords=keywords):
            for keyword in keywords:
                yield "setting", f"{last_name(callee)}.{keyword.name}={said(keyword.value) or '?'}"


def _commands(files: Mapping[str, FileFacts]) -> Iterator[Stated]:
    """Command lines that no service of a stack was found to run: of images, processes and scripts."""
    for path, facts in files.items():
        if not is_product(path) or OTHER_USE.search(path):
            continue
        if facts.language in ("dockerfile", "procfile"):
            for setting in facts.settings:
                if facts.language == "procfile" or setting.key in ("CMD", "ENTRYPOINT", "RUN"):
                    yield Stated(setting.value, Place(path, facts.span(setting.start, setting.end)))
        elif facts.language == "shell":
            for node in (n for top in facts.outline for n in walk(top)):
                if isinstance(node, Call):
                    words = [str(n.value) for n in walk(node) if isinstance(n, Text) and n.value is not None]
                    yield Stated(" ".join([dotted(node.callee), *words]), Place(path, facts.span(node.start, node.end)))


def _probes(files: Mapping[str, FileFacts], web: set[str]) -> Iterator[Stated]:
    """What an orchestrator asks the project's own containers."""
    for path, facts in files.items():
        if not is_product(path) or OTHER_USE.search(path):
            continue
        for setting in facts.settings:
            if _is_probe(facts, setting, web):
                yield Stated(setting.value, Place(path, facts.span(setting.start, setting.end)))


def _is_probe(facts: FileFacts, setting: Setting, web: set[str]) -> bool:
    """Whether a setting says what is asked; of a service that somebody else made it does not count."""
    if facts.language == "dockerfile":
        return setting.key == "HEALTHCHECK" and setting.value.strip().upper() != "NONE"
    if facts.language not in ("yaml", "toml"):
        return False
    if _PROBE.fullmatch(setting.key):
        return setting.value.startswith("/")
    found = _COMPOSE_PROBE.fullmatch(setting.key)
    if found is None or not _ASKS.search(setting.value):
        return False
    builds = any(s.key.startswith(f"services.{found['service']}.build") for s in facts.settings)
    return builds or found["service"] in web
