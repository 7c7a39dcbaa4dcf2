"""Whether a repository runs more than one process, or keeps more than one disk: what makes local state a defect."""

from __future__ import annotations

from typing import Literal

import msgspec

from analyzers.deployment.values import Deployment, Program, Service
from analyzers.source import Place


class Copies(msgspec.Struct, frozen=True):
    """`several`, `one` or `unknown`; `because` and `place` say where that is stated."""

    number: Literal["several", "one", "unknown"]
    because: str = ""
    place: Place | None = None


_LANGUAGES = {"py": "python", "php": "php", "rb": "ruby"} | dict.fromkeys(
    ("js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts"), "javascript"
)


def processes(deployment: Deployment, *, workers: bool, path: str = "", of: str = "") -> Copies:
    """Whether requests are answered by several processes; with `workers`, whether any other process of the code runs too; with
    `path`, of the code in that file, where services are built of folders of their own. `of` is the file that keeps something:
    its language tells whether functions of a platform are made of it."""
    running = [tuple(s for s in stack.services if _holds(s, path)) for stack in deployment.stacks]
    seen = [(s, p) for services in running for s in services for p in _lasting(s, workers=workers)]
    for service, program in seen:
        for amount, what in ((service.replicas, "copies"), (program.processes, "processes")):
            if amount.value is not None and amount.value > 1:
                return Copies("several", f"`{service.name}` runs {amount.value} {what}", amount.place)
    if (found := _in_turns(deployment, {service.name for service, p in seen if p.does == "web"})) is not None:
        return found
    language = _LANGUAGES.get(of.rpartition(".")[2])
    for service, program in seen:
        if program.instances and program.language == language and _holds(service, of) and service.replicas.value != 1:
            return Copies("several", f"each instance of `{service.name}` has memory of its own", service.place)
    if not any(program.does == "web" for _, program in seen):
        return Copies("unknown")
    for services in running:
        kinds = {program.does: service for service in services for program in _lasting(service, workers=workers)}
        if workers and "web" in kinds and "worker" in kinds:
            return Copies("several", f"`{kinds['worker'].name}` runs beside `{kinds['web'].name}`", kinds["worker"].place)
    known = all(a.value == 1 for service, program in seen for a in (service.replicas, program.processes))
    return Copies("one" if known else "unknown")


def queue_workers(deployment: Deployment) -> Copies:
    """Whether a process is there whose work it is to do queued jobs."""
    for service in (s for stack in deployment.stacks for s in stack.services):
        for program in service.programs:
            if program.does == "worker" and not program.development:
                return Copies("several", f"`{service.name}` runs a worker for queued jobs", program.place or service.place)
    return Copies("unknown")


def disks(deployment: Deployment, path: str = "") -> Copies:
    """Whether requests are answered on several disks, or on one that is gone with its container; with `path`, by the code of
    the folder in which that file is."""
    services = [
        s
        for stack in deployment.stacks
        for s in stack.services
        if _holds(s, path) and any(p.does == "web" for p in _lasting(s, workers=False))
    ]
    for service in services:
        if service.replicas.value is not None and service.replicas.value > 1 and not service.volumes:
            return Copies("several", f"`{service.name}` runs {service.replicas.value} copies", service.replicas.place)
        if service.ephemeral:
            return Copies("several", f"the disk of `{service.name}` is gone with each restart", service.place)
    if (found := _in_turns(deployment, {s.name for s in services if not s.volumes})) is not None:
        return found
    known = bool(services) and all(s.replicas.value == 1 and not s.installed for s in services)
    return Copies("one" if known else "unknown")


def _in_turns(deployment: Deployment, names: set[str]) -> Copies | None:
    """Services of these names among which a proxy takes turns."""
    for turns in deployment.turns:
        several = [name for name in turns.services if name in names]
        if len(several) > 1:
            return Copies("several", f"requests go in turns to `{several[0]}` and `{several[1]}`", turns.place)
    return None


def _holds(service: Service, path: str) -> bool:
    """Whether a service runs the code of a file, as far as the folder says that it is built of."""
    return not path or not service.build or service.build == "." or path.startswith(f"{service.build}/")


def _lasting(service: Service, *, workers: bool) -> list[Program]:
    does = ("web", "worker") if workers else ("web",)
    return [p for p in service.programs if p.does in does and not p.development]
