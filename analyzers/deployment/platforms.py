"""Files of platforms: `fly.toml`, `render.yaml`, `app.json` with a Procfile, `railway.json`, serverless functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain

from analyzers.deployment.commands import programs
from analyzers.deployment.images import Image, dockerfile_of, image_at, joined
from analyzers.deployment.known_programs import Where
from analyzers.deployment.manifests import Manifest, document
from analyzers.deployment.plans import managed
from analyzers.deployment.uses import NOT_RUN
from analyzers.deployment.values import Amount, Pooler, Program, Server, Service, Stack, Surge
from analyzers.deployment.variables import amount
from analyzers.facts.store import FileFacts
from analyzers.source import Place

Files = Mapping[str, FileFacts]

_NO_SURGE = Surge("no rolling update is stated")


def stacks(files: Files) -> Iterator[Stack]:
    """What each platform's file states."""
    for path, facts in files.items():
        name, folder = path.rpartition("/")[2], path.rpartition("/")[0]
        if not facts.settings or NOT_RUN.search(path):
            continue
        if name.startswith("fly.") and facts.language == "toml":
            yield from _found(path, _fly(files, document(path, facts), folder))
        elif re.fullmatch(r"render\.ya?ml", name):
            told = document(path, facts)
            yield from _found(path, _render(files, told, folder), tuple(_render_servers(told)))
        elif re.fullmatch(r"railway\.(?:json|toml)", name):
            yield from _found(path, _railway(files, document(path, facts), folder))
        elif re.fullmatch(r"serverless\.ya?ml", name):
            told = document(path, facts)
            proxies = tuple(_proxies(told))
            own = (Service(p.service, p.place, Amount(1, "one proxy", p.place)) for p in proxies)
            yield from _found(path, chain(_serverless(told, folder), own), tuple(_rds(told)), proxies)
        elif re.fullmatch(r"(?:.*/)?\.do/(?:app|deploy\.template)\.ya?ml", path):
            told = document(path, facts)
            yield from _found(path, _digitalocean(files, told, folder), tuple(_digitalocean_servers(told)))
        elif name == "vercel.json":
            yield from _found(path, _vercel(document(path, facts), folder))


def _found(
    path: str, services: Iterator[Service], servers: tuple[Server, ...] = (), poolers: tuple[Pooler, ...] = ()
) -> Iterator[Stack]:
    several = tuple(services)
    if several:
        yield Stack(path, several, servers, poolers)


def _built(files: Files, folder: str, dockerfile: str = "") -> Image | None:
    path = dockerfile_of(files, folder, dockerfile)
    return image_at(files, path) if path is not None else None


def _service(
    files: Files,
    name: str,
    command: str,
    folder: str,
    place: Place,
    replicas: Amount,
    environment: Mapping[str, str],
    image: Image | None = None,
    surge: Surge = _NO_SURGE,
) -> Service:
    """A service that runs code of the repository, without a disk of its own."""
    known = {**(image.environment if image is not None else {}), **environment}
    text = command or (f"{image.entrypoint} {image.command}".strip() if image is not None else "")
    if command and image is not None and image.entrypoint:
        text = f"{image.entrypoint} {command}"
    runs = tuple(programs(text, Where(known, files, folder, place))) if text else ()
    return Service(name, place, replicas, runs, build=folder, command=text, environment=known, surge=surge, ephemeral=True)


# Fly


def _fly(files: Files, told: Manifest, folder: str) -> Iterator[Service]:
    environment = {name: entry.value for name, entry in told.below("env")}
    image = _built(files, folder, told.told("build.dockerfile"))
    processes = {name: (entry.value, entry.place) for name, entry in told.below("processes")} or {"app": ("", told.place)}
    for name, (command, place) in processes.items():
        machines = Amount(None, f"`fly.toml` does not say how many machines run `{name}`", place, f"machines of {name}")
        surge = Surge("machines are replaced one by one")
        if told.told("deploy.strategy") == "bluegreen":
            surge = Surge("`bluegreen` runs both versions", percent=100, place=told.entries["deploy.strategy"].place)
        yield _service(files, name, command, folder, place, machines, environment, image, surge)


# Render


_RENDERED = Surge("Render starts the new version before it stops the old one", percent=100)


def _render(files: Files, told: Manifest, root: str) -> Iterator[Service]:
    groups = {told.told(f"{g}.name"): _variables(told, g) for g in told.items("envVarGroups")}
    for item in told.items("services"):
        kind = told.told(f"{item}.type")
        if kind not in ("web", "worker", "pserv") or told.told(f"{item}.runtime") == "static":
            continue
        name, place = told.told(f"{item}.name") or kind, told.entries[f"{item}.type"].place
        folder = joined(root, told.told(f"{item}.rootDir") or ".")
        environment = _variables(told, item)
        for variable in told.items(f"{item}.envVars"):
            environment |= groups.get(told.told(f"{variable}.fromGroup"), {})
        is_docker = "docker" in (told.told(f"{item}.env"), told.told(f"{item}.runtime"))
        image = _built(files, folder, told.told(f"{item}.dockerfilePath")) if is_docker else None
        if not is_docker:
            environment.setdefault("WEB_CONCURRENCY", "${WEB_CONCURRENCY}")  # which Render sets by the instance's size
        command = told.told(f"{item}.startCommand") or told.told(f"{item}.dockerCommand")
        disk = any(told.below(f"{item}.disk"))
        surge = Surge("a service with a disk is stopped first") if disk else _RENDERED
        yield _service(files, name, command, folder, place, _instances(told, item, place), environment, image, surge)


def _instances(told: Manifest, item: str, place: Place) -> Amount:
    for key in ("scaling.maxInstances", "numInstances"):
        entry = told.entries.get(f"{item}.{key}")
        if entry is not None:
            return amount(entry.value, {}, entry.place, f"`{key}`")
    return Amount(1, "one instance, as no `numInstances` are stated", place)


def _variables(told: Manifest, item: str) -> dict[str, str]:
    found = {told.told(f"{v}.key"): told.told(f"{v}.value") for v in told.items(f"{item}.envVars")}
    return {name: value for name, value in found.items() if name and value}


def _render_servers(told: Manifest) -> Iterator[Server]:
    for item in told.items("databases"):
        entry = told.entries.get(f"{item}.plan") or told.entries.get(f"{item}.name")
        if entry is not None:
            yield managed(told.told(f"{item}.name") or "database", "render", told.told(f"{item}.plan"), entry.place)


# Railway


def _railway(files: Files, told: Manifest, folder: str) -> Iterator[Service]:
    entry = told.entries.get("deploy.numReplicas")
    place = next(iter(told.entries.values())).place
    replicas = (
        amount(entry.value, {}, entry.place, "`numReplicas`")
        if entry
        else Amount(1, "one, as no `numReplicas` are stated", place)
    )
    image = _built(files, folder, told.told("build.dockerfilePath"))
    surge = Surge("Railway starts the new version before it stops the old one", percent=100)
    yield _service(files, "app", told.told("deploy.startCommand"), folder, place, replicas, {}, image, surge)


# DigitalOcean


def _digitalocean(files: Files, told: Manifest, folder: str) -> Iterator[Service]:
    spec = "spec." if any(told.below("spec.services")) else ""
    root = joined(folder, "..")
    for item in (*told.items(f"{spec}services"), *told.items(f"{spec}workers")):
        entry = told.entries.get(f"{item}.name")
        if entry is None:
            continue
        code = joined(root, told.told(f"{item}.source_dir") or ".")
        place, environment = entry.place, _variables(told, item)
        replicas = Amount(1, "one instance, as no `instance_count` is stated", place)
        for key in ("autoscaling.max_instance_count", "instance_count"):
            if (count := told.entries.get(f"{item}.{key}")) is not None:
                replicas = amount(count.value, {}, count.place, f"`{key}` of `{entry.value}`")
                break
        dockerfile = told.told(f"{item}.dockerfile_path")
        image = _built(files, root, dockerfile) if dockerfile else None
        surge = Surge("DigitalOcean starts the new version before it stops the old one", percent=100)
        yield _service(files, entry.value, told.told(f"{item}.run_command"), code, place, replicas, environment, image, surge)


_ENGINES = {"PG": "postgresql", "MYSQL": "mysql"}


def _digitalocean_servers(told: Manifest) -> Iterator[Server]:
    spec = "spec." if any(told.below("spec.databases")) else ""
    for item in told.items(f"{spec}databases"):
        entry, engine = told.entries.get(f"{item}.name"), _ENGINES.get(told.told(f"{item}.engine") or "PG")
        if entry is not None and engine == "postgresql":
            yield managed(entry.value, "digitalocean", told.told(f"{item}.size"), entry.place)


# Functions


def _rds(told: Manifest) -> Iterator[Server]:
    """The databases among a template's resources."""
    for key, entry in told.entries.items():
        if entry.value == "AWS::RDS::DBInstance" and key.endswith(".Type"):
            inside = f"{key.removesuffix('.Type')}.Properties"
            name = key.removesuffix(".Type").rpartition(".")[2]
            engine = told.told(f"{inside}.Engine")
            database = "postgresql" if engine.startswith("postgres") else "mysql" if engine in ("mysql", "mariadb") else ""
            if database:
                yield managed(name, "rds", told.told(f"{inside}.DBInstanceClass"), entry.place, database)


def _proxies(told: Manifest) -> Iterator[Pooler]:
    """The RDS proxies among a template's resources. They share connections between transactions; what keeps something in its
    session keeps its connection too."""
    for key, entry in told.entries.items():
        if entry.value == "AWS::RDS::DBProxy" and key.endswith(".Type"):
            name = key.removesuffix(".Type").rpartition(".")[2]
            opens = Amount(None, "a share of what the instance accepts", entry.place, "MaxConnectionsPercent")
            accepts = Amount(None, "RDS Proxy states no limit of clients", entry.place, "clients")
            yield Pooler(name, "RDS Proxy", "pinning", opens, accepts, entry.place)


_RUNTIMES = {"python": "python", "node": "javascript", "ruby": "ruby", "provided": "php", "php": "php"}


def _serverless(told: Manifest, folder: str) -> Iterator[Service]:
    environment = {name: entry.value for name, entry in told.below("provider.environment")}
    for item in dict.fromkeys(key.partition(".")[0] for key, _ in told.below("functions")):
        key = f"functions.{item}"
        runtime = told.told(f"{key}.runtime") or told.told("provider.runtime")
        language = next((of for word, of in _RUNTIMES.items() if runtime.startswith(word)), "")
        place = next(e.place for _, e in told.below(key))
        entry = told.entries.get(f"{key}.reservedConcurrency")
        instances = Amount(None, "each instance of a function has its own connections", place, f"instances of {item}")
        if entry is not None:
            instances = amount(entry.value, {}, entry.place, f"`reservedConcurrency` of `{item}`")
        yield _function(item, language, instances, folder, place, environment)


def _vercel(told: Manifest, folder: str) -> Iterator[Service]:
    """Functions, where the file configures some; a site without them has no connections."""
    keys = [key for key in told.entries if key.startswith(("functions.", "crons.", "builds."))]
    if not keys:
        return
    place = told.entries[keys[0]].place
    language = "python" if any(re.match(r"functions\..*\.py\b", key) for key in keys) else "javascript"
    instances = Amount(None, "each instance of a function has its own connections", place, "instances")
    yield _function("functions", language, instances, folder, place, {})


def _function(
    name: str, language: str, instances: Amount, folder: str, place: Place, environment: Mapping[str, str]
) -> Service:
    one = Amount(1, "an instance works on one request at a time", place)
    program = Program("function", "web", one, one, language, place, instances=True)
    ephemeral = language != "javascript"  # a site's functions say nothing of the disk of what else there is
    return Service(name, place, instances, (program,), build=folder, environment=environment, ephemeral=ephemeral)
