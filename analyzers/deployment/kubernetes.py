"""Workloads of Kubernetes as services: replicas or the maximum of their autoscaler, rolling updates, containers, variables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from analyzers.deployment.chart_templates import INCLUDED
from analyzers.deployment.commands import programs
from analyzers.deployment.helm import RELEASE, Chart, charts
from analyzers.deployment.images import Image, command_of_base, image_at, own_dockerfile
from analyzers.deployment.known_programs import Where
from analyzers.deployment.kustomize import Stated, built
from analyzers.deployment.manifests import Entry, Manifest, is_kubernetes, plain
from analyzers.deployment.uses import NOT_RUN
from analyzers.deployment.values import Amount, Service, Stack, Surge
from analyzers.deployment.variables import amount
from analyzers.facts.store import FileFacts

_POD = {
    **dict.fromkeys(
        ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "DeploymentConfig", "Rollout"), "spec.template.spec"
    ),
    "CronJob": "spec.jobTemplate.spec.template.spec",
    "Pod": "spec",
}
"""Where each kind of workload states its containers."""

_SCALERS = {
    "HorizontalPodAutoscaler": ("spec.maxReplicas", None),
    "ScaledObject": ("spec.maxReplicaCount", 100),
}
"""What sets the number of replicas: the key of their maximum, and its default. https://keda.sh/docs/latest/reference/scaledobject-spec/"""

_ONCE = ("Job", "CronJob", "Pod")
_ROLLING_SHARE = 25
"""Percent of the replicas by which a Deployment grows while it is rolled out, where it does not say."""

_ROOT = re.compile(r"(?P<root>(?:[^/]+/)*?(?:[^/]*(?:k8s|kubernetes|kube|manifests?|kustomize)[^/]*))/", re.IGNORECASE)
_FOLLOWED = re.compile(r"\$\((\w+)\)")


def stacks(files: Mapping[str, FileFacts]) -> Iterator[Stack]:
    """The workloads of each chart, each overlay, and each folder of plain manifests."""
    for chart in charts(files):
        if not NOT_RUN.search(chart.path):
            yield from _stack(chart.path, [*_services(files, chart.manifests, chart.name), *_depended(chart)])
    chart_folders = tuple(path.removesuffix("Chart.yaml") for path in files if path.endswith("Chart.yaml"))
    of_files = {
        path: list(plain(path, facts))
        for path, facts in files.items()
        if is_kubernetes(facts) and not path.startswith(chart_folders)
    }
    stated = Stated(files, of_files)
    for path, manifests in built(stated):
        if not NOT_RUN.search(path):
            yield from _stack(path, _services(files, manifests))
    folders: dict[str, list[Manifest]] = {}
    for path, manifests in of_files.items():
        if path not in stated.used and not NOT_RUN.search(path.rpartition("/")[0]):
            found = _ROOT.match(path)
            folders.setdefault(found["root"] if found else path.rpartition("/")[0], []).extend(manifests)
    for folder, manifests in folders.items():
        yield from _stack(folder or ".", _services(files, manifests))


def _stack(path: str, services: Sequence[Service]) -> Iterator[Stack]:
    if services:
        yield Stack(path, tuple(services))


def _depended(chart: Chart) -> Iterator[Service]:
    """Databases that a chart installs by charts of others, with the limit that the values tell them."""
    for dependency in chart.dependencies:
        limit = next((found for key, entry in dependency.settings.items() if (found := _limit(key, entry))), None)
        place, command = (limit[1].place, f"-c max_connections={limit[0]}") if limit is not None else (dependency.place, "")
        yield Service(
            dependency.alias,
            place,
            Amount(1, f"the chart `{dependency.name}` on which this one depends", dependency.place),
            image=f"bitnami/{dependency.name}",
            command=command,
            hosts=tuple(f"{RELEASE}-{dependency.alias}{end}" for end in _ENDS_OF_HOSTS),
        )


_ENDS_OF_HOSTS = ("", "-primary", "-rw", "-pooler", "-headless")
"""What charts of databases put after the names of the hosts that answer."""

_CONNECTIONS = re.compile(r"max_connections\s*=\s*'?(\d+)")


def _limit(key: str, entry: Entry) -> tuple[str, Entry] | None:
    if key.rpartition(".")[2].lower() in ("max_connections", "maxconnections", "postgresqlmaxconnections") and entry.value:
        return entry.value, entry
    found = _CONNECTIONS.search(entry.value)
    return (found[1], entry) if found else None


def _services(files: Mapping[str, FileFacts], manifests: Sequence[Manifest], chart: str = "") -> list[Service]:
    return [service for m in manifests if m.kind in _POD for service in _workload(files, m, manifests, chart)]


def _workload(
    files: Mapping[str, FileFacts], workload: Manifest, manifests: Sequence[Manifest], chart: str
) -> Iterator[Service]:
    pod = _POD[workload.kind]
    containers = workload.items(f"{pod}.containers")
    replicas, surge = _replicas(workload, manifests), _surge(workload)
    hosts = (workload.name, *_hosts(workload, manifests))
    called = _plain(workload.name, chart) or chart
    lasting = _lasting_volumes(workload, pod)
    for container in containers:
        name = workload.told(f"{container}.name")
        image = _image(files, workload.told(f"{container}.image"), chart)
        environment = {**(image.environment if image else {}), **_environment(workload, container, manifests)}
        command = _command(workload, container, image)
        place = next((e.place for _, e in workload.below(f"{container}.command")), None) or workload.place
        folder = image.path.rpartition("/")[0] if image is not None else None
        mounted = [(k, e) for k, e in workload.below(f"{container}.volumeMounts")]
        volumes = tuple(
            e.value
            for k, e in mounted
            if k.endswith(".mountPath") and workload.told(f"{container}.volumeMounts.{k.partition('.')[0]}.name") in lasting
        )
        runs = tuple(programs(command, Where(environment, files, folder or "", place))) if command else ()
        if workload.kind in _ONCE:
            runs = tuple(msgspec.structs.replace(p, does="job") for p in runs)
        yield Service(
            f"{called}/{_plain(name)}" if len(containers) > 1 else called or _plain(name) or workload.kind,
            workload.place,
            replicas,
            runs,
            workload.told(f"{container}.image"),
            folder,
            command,
            environment,
            volumes,
            surge,
            ephemeral=not volumes,
            hosts=hosts,
            once=workload.kind in _ONCE,
            unseen=any(workload.told(f"{container}.{key}.{INCLUDED}") for key in ("env", "envFrom")),
        )


def _plain(name: str, chart: str = "") -> str:
    """A name without what a template puts before it: the release, and the chart."""
    known = re.sub(r"\{\{.*?\}\}", "", name).strip("-")
    return known if RELEASE not in known else known.removeprefix(RELEASE).strip("-").removeprefix(f"{chart}-")


def _image(files: Mapping[str, FileFacts], name: str, chart: str) -> Image | None:
    path = own_dockerfile(files, name, chart)
    return image_at(files, path) if path is not None else None


def _command(workload: Manifest, container: str, image: Image | None) -> str:
    """The command line of a container, where its own image is known with what that runs."""

    def words(key: str) -> str:
        told = workload.told(f"{container}.{key}")
        items = [_FOLLOWED.sub(r"${\1}", entry.value) for rest, entry in workload.below(f"{container}.{key}")]
        return shlex.join(items) if items else told

    entry, arguments = words("command"), words("args")
    if image is not None and not entry:
        entry, arguments = image.entrypoint, arguments or image.command
    if image is None and not entry and not arguments:
        entry = command_of_base(workload.told(f"{container}.image"))
    return f"{entry} {arguments}".strip()


def _environment(workload: Manifest, container: str, manifests: Sequence[Manifest]) -> dict[str, str]:
    kept = {(m.kind, m.name): m for m in manifests if m.kind in ("ConfigMap", "Secret")}
    found: dict[str, str] = {}
    for item in workload.items(f"{container}.envFrom"):
        for kind, key in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            source = kept.get((kind, workload.told(f"{item}.{key}.name")))
            if source is not None and workload.told(f"{item}.{key}.name"):
                for below in ("data",) if kind == "ConfigMap" else ("stringData",):
                    found.update({name: entry.value for name, entry in source.below(below) if entry.sure})
    for item in workload.items(f"{container}.env"):
        name, value = workload.told(f"{item}.name"), workload.entries.get(f"{item}.value")
        source = kept.get(("ConfigMap", workload.told(f"{item}.valueFrom.configMapKeyRef.name")))
        if source is not None:
            value = source.entries.get(f"data.{workload.told(f'{item}.valueFrom.configMapKeyRef.key')}")
        if name:
            known = value is not None and value.sure
            found[name] = _FOLLOWED.sub(r"${\1}", value.value) if known and value is not None else f"${{{name}}}"
    return found


def _replicas(workload: Manifest, manifests: Sequence[Manifest]) -> Amount:
    if workload.kind == "DaemonSet":
        return Amount(None, f"`{workload.name}` runs on each node", workload.place, "nodes")
    for scaler in manifests:
        key, default = _SCALERS.get(scaler.kind, ("", None))
        if key and scaler.told("spec.scaleTargetRef.name") == workload.name:
            entry = scaler.entries.get(key)
            if entry is not None or default is not None:
                told = entry or Entry(str(default), scaler.place)
                return _number(told, f"`{key.rpartition('.')[2]}` of the {scaler.kind} `{scaler.name}`", workload)
    entry = workload.entries.get("spec.replicas")
    if entry is None or not entry.value:
        return Amount(1, "one, as no `replicas` are stated", workload.place)
    return _number(entry, f"`replicas` of `{_plain(workload.name) or workload.kind}`", workload)


def _number(entry: Entry, because: str, workload: Manifest) -> Amount:
    if not entry.sure:
        return Amount(None, because, entry.place, f"replicas of {_plain(workload.name)}")
    return amount(entry.value, {}, entry.place, because)


def _surge(workload: Manifest) -> Surge:
    if workload.kind not in ("Deployment", "DeploymentConfig", "Rollout"):
        return Surge(f"a {workload.kind} replaces its pods one by one")
    if workload.told("spec.strategy.type") in ("Recreate", "recreate"):
        return Surge("`Recreate` stops the old pods first")
    entry = workload.entries.get("spec.strategy.rollingUpdate.maxSurge")
    told = entry.value if entry is not None and entry.sure else ""
    place = entry.place if entry is not None else None
    if told.endswith("%") and told[:-1].isdigit():
        return Surge(f"`maxSurge` of `{workload.name}`", percent=int(told[:-1]), place=place)
    if told.isdigit():
        return Surge(f"`maxSurge` of `{workload.name}`", count=int(told), place=place)
    return Surge("the default `maxSurge` of a Deployment, 25%", percent=_ROLLING_SHARE)


def _hosts(workload: Manifest, manifests: Sequence[Manifest]) -> Iterator[str]:
    """The names of the Services that reach a workload's pods."""
    labels = {key: entry.value for key, entry in workload.below("spec.template.metadata.labels")}
    for service in manifests:
        chosen = {key: entry.value for key, entry in service.below("spec.selector")} if service.kind == "Service" else {}
        if chosen and all(labels.get(key) == value for key, value in chosen.items()):
            yield service.name


def _lasting_volumes(workload: Manifest, pod: str) -> set[str]:
    """The volumes that outlive a pod."""
    kinds = ("persistentVolumeClaim", "nfs", "hostPath", "csi", "awsElasticBlockStore", "gcePersistentDisk")
    found = {
        workload.told(f"{volume}.name")
        for volume in workload.items(f"{pod}.volumes")
        if any(rest.startswith(kinds) for rest, _ in workload.below(volume))
    }
    claims = workload.items("spec.volumeClaimTemplates")
    return found | {workload.told(f"{claim}.metadata.name") for claim in claims}
