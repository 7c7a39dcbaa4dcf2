"""What is deployed: the image, compose, Kubernetes' manifests, what watches them, and our own medicine."""

from __future__ import annotations

import json
import re
import subprocess
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

import analyzers
from analyzers import NoStore, Revision
from bot import observe
from bot.cli import app as cli
from bot.objects import Repository
from bot.settings import Settings
from bot.vitals import Vitals
from tests.reference import ROOT

DEPLOY = ROOT / "deploy"
OPERATIONS = ROOT / "docs" / "operations.md"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS = typer.main.get_command(cli).commands  # type: ignore[attr-defined]
MANIFESTS = sorted((DEPLOY / "kubernetes").rglob("*.yaml"))
WRITTEN = {"/tmp", "/var/lib/cliffguard", "/data"}


def tool(name: str) -> str:
    """A program that a wheel brings."""
    path = Path(sysconfig.get_path("scripts")) / name
    assert path.exists(), f"{name} is not installed: make test installs it"
    return str(path)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# The image


def dockerfile() -> list[tuple[str, str]]:
    """`(instruction, arguments)` of each instruction of the Dockerfile."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in joined.splitlines()]


def test_hadolint_has_nothing_to_say() -> None:
    assert run(tool("hadolint"), "--no-color", str(DEPLOY / "Dockerfile")) == ""


def test_the_image_installs_by_hashes_and_runs_as_nobody_special() -> None:
    instructions = dockerfile()
    runs = [arguments for name, arguments in instructions if name == "RUN"]
    assert [run for run in runs if "--require-hashes -r requirements-image.lock" in run]
    assert [run for run in runs if "apt-get install" in run and " git" in run]
    assert instructions.index(("USER", "10001:10001")) < instructions.index(("CMD", '["cliffguard", "serve"]'))
    assert any(name == "HEALTHCHECK" and ":8321/healthz" in arguments for name, arguments in instructions)
    for name, arguments in instructions:
        if name == "COPY" and not arguments.startswith("--from"):
            assert all((ROOT / source).exists() for source in arguments.split()[:-1]), arguments


def test_the_final_stage_has_no_compiler_and_no_installer() -> None:
    instructions = dockerfile()
    last = max(index for index, (name, _) in enumerate(instructions) if name == "FROM")
    assert instructions[last][1] == "python:3.11-slim"
    installed = [arguments for name, arguments in instructions[last:] if name == "RUN"]
    packages = re.findall(r"--no-install-recommends ([\w\- ]+?) +&&", " ".join(installed))
    assert packages == ["ca-certificates git"]
    assert not [words for words in installed if "pip" in words]
    assert any("pip uninstall --yes setuptools pip" in arguments for name, arguments in instructions[:last] if name == "RUN")


def test_the_image_has_a_python_that_is_supported() -> None:
    bases = {arguments.split()[0] for name, arguments in dockerfile() if name == "FROM"}
    assert len(bases) == 1
    lowest = project()["requires-python"]
    found, least = re.search(r"python:3\.(\d+)-slim", bases.pop()), re.search(r"3\.(\d+)", lowest)
    assert found
    assert least
    assert int(found[1]) >= int(least[1])


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]  # type: ignore[no-any-return]


def pinned(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w\-.]+)==(\S+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))


def test_the_image_has_what_the_service_needs_and_every_extra() -> None:
    service, image, development = map(pinned, ("requirements.lock", "requirements-image.lock", "requirements-dev.lock"))
    extras = {re.split(r"[\[><=]", one)[0] for extra in project()["optional-dependencies"].values() for one in extra}
    assert extras == {"opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http", "rq-dashboard-fast", "sentry-sdk"}
    assert extras <= set(image) - set(service)
    assert service.items() <= image.items()
    assert {name: development.get(name) for name in image} == image


def test_what_is_pinned_is_audited_each_week() -> None:
    workflow = yaml.load((ROOT / ".github" / "workflows" / "dependencies.yml").read_text(encoding="utf-8"), yaml.BaseLoader)
    assert set(workflow["on"]) == {"schedule", "push", "pull_request"}
    assert workflow["permissions"] == {"contents": "read"}
    (command,) = (step["run"] for step in workflow["jobs"]["audit"]["steps"] if "run" in step)
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").split(f"\n{command.removeprefix('make ')}: ")[1].split("\n\n")[0]
    audited = set(re.findall(r"--requirement (\S+)", recipe))
    assert {name for lock in audited for name in pinned(lock)} == {
        name for lock in ROOT.glob("requirements*.lock") for name in pinned(lock.name)
    }


# Compose


def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yml").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def checked(tmp_path: Path, text: str) -> dict[str, Any]:
    """A compose file as docker compose itself understands it, with the example's environment."""
    file, environment = tmp_path / "compose.yml", tmp_path / "env"
    file.write_text(text)
    example = (DEPLOY / "env.example").read_text(encoding="utf-8")
    environment.write_text(re.sub(r"^(CLIFFGUARD_\w+)=$", r"\1=1", example, flags=re.MULTILINE))
    words = ("-f", str(file), "--env-file", str(environment), "--profile", "operator", "config", "--format", "json")
    return json.loads(run(tool("docker-compose"), *words))  # type: ignore[no-any-return]


def test_compose_understands_its_file(tmp_path: Path) -> None:
    text = (DEPLOY / "compose.yml").read_text(encoding="utf-8")
    assert set(checked(tmp_path, text)["services"]) == {"web", "worker", "operator", "valkey"}
    with pytest.raises(AssertionError, match=r"services\.\w+\.readonly"):
        checked(tmp_path, text.replace("read_only:", "readonly:"))


def test_every_container_is_read_only_and_can_do_nothing_special(tmp_path: Path) -> None:
    services = checked(tmp_path, (DEPLOY / "compose.yml").read_text(encoding="utf-8"))["services"]
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "healthcheck" in service or name == "web", name  # the image has one of its own
        assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", ())), name
        places = {volume["target"] for volume in service.get("volumes", ())} | set(service.get("tmpfs", ()))
        assert places <= WRITTEN, name
    assert services["worker"]["tmpfs"] == services["web"]["tmpfs"] == ["/tmp"]


def test_the_containers_run_commands_that_exist() -> None:
    words = [service["command"] for service in compose()["services"].values() if service["command"][0] == "cliffguard"]
    words += [json.loads(arguments) for name, arguments in dockerfile() if name == "CMD"]
    words += [container["args"] for _, _, container in containers() if container["image"] == "cliffguard"]
    assert {word[1] for word in words} == {"serve", "worker", "operator"}
    assert {word[1] for word in words} <= set(COMMANDS)


def test_the_deployment_sets_settings_that_exist() -> None:
    known = {f"CLIFFGUARD_{name.upper()}" for name in Settings.model_fields}
    files = [*(file for file in DEPLOY.rglob("*") if file.is_file()), *PAGES]
    used = {name for file in files for name in re.findall(r"CLIFFGUARD_[A-Z_]+[A-Z]", file.read_text(encoding="utf-8"))}
    assert used <= known


def test_the_example_environment_has_what_compose_needs() -> None:
    wanted = set(re.findall(r"\$\{(CLIFFGUARD_\w+):\?\}", (DEPLOY / "compose.yml").read_text(encoding="utf-8")))
    example = (DEPLOY / "env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^(CLIFFGUARD_\w+)=$", example, re.MULTILINE)) == wanted


def test_the_queue_is_kept_and_never_evicted() -> None:
    (stateful,) = (container for kind, _, container in containers() if kind == "StatefulSet")
    for command in (compose()["services"]["valkey"]["command"], stateful["args"]):
        options = dict(zip(command[1::2], command[2::2], strict=True))
        assert options["--appendonly"] == "yes"
        assert options["--maxmemory-policy"] == "noeviction"
        assert options["--dir"] == "/data"


def test_a_worker_may_finish_its_review_and_only_workers_have_the_key() -> None:
    services = compose()["services"]
    grace = int(services["worker"]["stop_grace_period"].removesuffix("s"))
    assert grace > Settings.model_fields["stop_grace"].default + 8
    assert "CLIFFGUARD_PRIVATE_KEY" not in services["web"]["environment"]
    assert "CLIFFGUARD_WEBHOOK_SECRETS" not in services["worker"]["environment"]
    (worker,) = (pod for kind, name, pod in pods() if name == "worker")
    set_to = {one["name"]: one["value"] for one in worker["containers"][0]["env"]}
    assert worker["terminationGracePeriodSeconds"] > int(set_to["CLIFFGUARD_STOP_GRACE"]) + 8
    example = yaml.safe_load((DEPLOY / "kubernetes" / "example" / "kustomization.yaml").read_text())
    keys = {secret["name"]: str(secret.get("files", "")) for secret in example["secretGenerator"]}
    assert [name for name, files in keys.items() if "CLIFFGUARD_PRIVATE_KEY" in files] == ["cliffguard-worker"]


# Kubernetes


def resources() -> Iterator[dict[str, Any]]:
    for path in MANIFESTS:
        if path.name != "kustomization.yaml":
            yield from (one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one)


def pods() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Kind and name of each workload, and what its pods are."""
    for one in resources():
        if "template" in one.get("spec", {}):
            yield one["kind"], one["metadata"]["name"], one["spec"]["template"]["spec"]


def containers() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for kind, name, pod in pods():
        yield from ((kind, name, container) for container in pod["containers"])


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_kubernetes_accepts_every_manifest(version: str) -> None:
    import kubernetes_validate

    found = list(resources())
    assert len(found) > 12
    for one in found:
        kubernetes_validate.validate(one, version, strict=True)
    pod = next(one for one in found if one["kind"] == "Deployment")
    pod["spec"]["template"]["spec"]["containers"][0]["readinessProb"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readinessProb"):
        kubernetes_validate.validate(pod, version, strict=True)


def test_every_manifest_is_part_of_something_that_can_be_applied() -> None:
    reached: set[Path] = set()
    waiting = [DEPLOY / "kubernetes" / "example"]
    while waiting:
        file = waiting.pop()
        file = file / "kustomization.yaml" if file.is_dir() else file
        assert file.exists(), file
        reached.add(file.resolve())
        if file.name == "kustomization.yaml":
            said = yaml.safe_load(file.read_text(encoding="utf-8"))
            waiting += [file.parent / name for key in ("resources", "components") for name in said.get(key, ())]
    assert reached == {path.resolve() for path in MANIFESTS}


def test_every_container_of_a_pod_is_confined() -> None:
    for _, name, pod in pods():
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] > 0, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        volumes = {volume["name"] for volume in pod.get("volumes", ())} | {"data"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert {"requests", "limits"} <= set(container["resources"]), name
            assert "livenessProbe" in container, name
            assert {mount["mountPath"] for mount in container["volumeMounts"]} <= WRITTEN, name
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes, name


def test_selectors_select_what_is_there() -> None:
    labels = [one["spec"]["template"]["metadata"]["labels"].items() for one in resources() if "template" in one.get("spec", {})]
    for one in resources():
        spec = one.get("spec", {})
        selector = spec.get("podSelector", spec.get("selector", {}))
        wanted = selector.get("matchLabels", selector if one["kind"] == "Service" else {})
        assert any(wanted.items() <= have for have in labels), (one["kind"], one["metadata"]["name"])


def test_nothing_is_open_that_is_not_meant_to_be() -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in resources() if one["kind"] == "NetworkPolicy"}
    assert policies.pop("nothing-else") == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert {name for _, name, _ in pods()} == set(policies)

    def ports(name: str, way: str) -> set[int]:
        return {port["port"] for rule in policies[name].get(way, ()) for port in rule["ports"]}

    assert (ports("web", "ingress"), ports("web", "egress")) == ({8321}, {6379, 53})
    assert (ports("worker", "ingress"), ports("worker", "egress")) == (set(), {443, 6379, 53})
    assert (ports("operator", "ingress"), ports("operator", "egress")) == (set(), {6379, 53})
    assert (ports("valkey", "ingress"), ports("valkey", "egress")) == ({6379}, set())


def test_workers_grow_with_the_queue_and_webhooks_are_never_all_away() -> None:
    (scaler,) = (one["spec"] for one in resources() if one["kind"] == "HorizontalPodAutoscaler")
    assert scaler["scaleTargetRef"]["name"] == "worker"
    (metric,) = scaler["metrics"]
    rule = (DEPLOY / "kubernetes" / "autoscaling" / "worker.yaml").read_text(encoding="utf-8")
    assert f"as: {metric['external']['metric']['name']}" in rule
    assert set(re.findall(r"cliffguard_queue\w+(?=\{)", rule)) <= set(exported())
    (web,) = (one["spec"] for one in resources() if one["kind"] == "Deployment" and one["metadata"]["name"] == "web")
    assert web["replicas"] >= 2
    assert web["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert {one["metadata"]["name"] for one in resources() if one["kind"] == "PodDisruptionBudget"} == {"web", "worker"}


# What watches it


def exported() -> dict[str, set[str]]:
    """Every metric of ours by the names Prometheus stores, with its labels, as `/metrics` tells it."""
    stored = {"jobs|done|": 1, "findings|n_plus_one|": 1, "fates|n_plus_one|fixed": 1, "calls|read|2xx": 1, "lookups|hit|": 1}
    stored |= {"step|fetch|0.1": 1, "step|fetch|sum": 0.1}

    class Valkey:
        def hgetall(self, key: str) -> dict[bytes, bytes]:
            said = {"5|core": "300|5000|99999999999"} if key == observe.BUDGETS else stored
            return {name.encode(): str(value).encode() for name, value in said.items()}

    registry = CollectorRegistry()
    registry.register(observe.SharedCollector(Valkey(), Vitals))  # type: ignore[arg-type]
    observe.count_delivery("ping", "ignored")
    text = generate_latest(registry) + generate_latest(observe.REGISTRY)
    samples = [sample for family in text_string_to_metric_families(text.decode()) for sample in family.samples]
    return {one.name: set(one.labels) for one in samples if one.name.startswith("cliffguard") and "_created" not in one.name}


def queries() -> Iterator[tuple[str, str]]:
    """Each expression of the alerts and of the dashboard, with what it belongs to."""
    alerts = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
    for group in alerts["groups"]:
        yield from ((rule["alert"], rule["expr"]) for rule in group["rules"])
    for panel in json.loads((DEPLOY / "grafana" / "cliffguard.json").read_text(encoding="utf-8"))["panels"]:
        yield from ((panel["title"], target["expr"].replace("$__rate_interval", "5m")) for target in panel["targets"])


def test_alerts_and_dashboard_ask_for_metrics_and_labels_that_exist() -> None:
    import promql_parser

    known = exported()
    asked: set[str] = set()
    for title, text in queries():
        selectors: list[Any] = []

        def visit(expression: Any, selectors: list[Any] = selectors) -> None:
            if isinstance(expression, promql_parser.VectorSelector):
                selectors.append(expression)

        promql_parser.walk(promql_parser.parse(text), visit)
        assert selectors, title
        for selector in selectors:
            assert selector.name in known, title
            assert {matcher.name for matcher in selector.matchers.matchers} <= known[selector.name], title
            asked.add(selector.name)
        grouped = {label.strip() for labels in re.findall(r"by \(([^)]*)\)", text) for label in labels.split(",")}
        assert grouped <= set().union(*(known[selector.name] for selector in selectors)), title
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in known}
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked} == families, "nobody looks at the others"


def test_alerts_can_be_loaded_and_say_what_happens() -> None:
    alerts = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"].endswith(".")
        assert re.fullmatch(r"\d+m", rule.get("for", "1m"))


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    panels = json.loads((DEPLOY / "grafana" / "cliffguard.json").read_text(encoding="utf-8"))["panels"]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_every_metric_is_described_with_its_labels() -> None:
    rows = re.findall(r"^\| `(cliffguard_\w+)(?:\{([\w,]+)\})?` \|", OPERATIONS.read_text(encoding="utf-8"), re.MULTILINE)
    described = {name: {label for label in labels.split(",") if label} for name, labels in rows}
    families = {re.sub(r"_(bucket|sum|count)$", "", name): labels - {"le"} for name, labels in exported().items()}
    assert described == families


# Our own medicine


def audited(*more: tuple[str, bytes]) -> analyzers.Review:
    """Every finding of every rule in the service and its deployment; `more` are files beside them."""
    with Repository(ROOT) as repository:
        tree = repository.revision(repository.working_tree())
        ours = {path: blob for path, blob in tree.files.items() if path.startswith(("bot/", "deploy/")) or "/" not in path}
        texts = {f"{index:040x}": text for index, (_, text) in enumerate(more)}

        class Blobs:
            def read(self, blobs: Any) -> Iterator[tuple[str, bytes]]:
                wanted = list(blobs)
                yield from ((blob, texts[blob]) for blob in wanted if blob in texts)
                yield from repository.read([blob for blob in wanted if blob not in texts])

        files = {**ours, **{path: f"{index:040x}" for index, (path, _) in enumerate(more)}}
        settings, problems = analyzers.read_settings({}, known_rules=analyzers.RULES)
        assert not problems
        return analyzers.audit(Revision("", files), Blobs(), store=NoStore(), settings=settings).review


BLOCKING = b"""
import time

from fastapi import FastAPI

app = FastAPI()


@app.get("/slow")
async def slow() -> str:
    time.sleep(5)
    return "done"
"""


def test_the_service_passes_its_own_audit() -> None:
    review = audited()
    assert [(finding.rule, finding.place.path, finding.title) for finding in review.new] == []
    assert review.accepted == ()
    assert [finding.rule for finding in audited(("bot/slow.py", BLOCKING)).new] == ["sync_work"]
