"""The same engine without a server: the GitHub Action and the pre-commit hook."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
import yaml

from bot.cli import app
from tests.bot.test_cli import BAD, GOOD, SCHEMA, Shop
from tests.reference import ROOT

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
STEPS = {step.get("name", step.get("uses")): step for step in ACTION["runs"]["steps"]}


def installed(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine on which `cliffguard` is installed, and nothing else of ours is set."""
    (tmp_path / "bin").mkdir(exist_ok=True)
    command = tmp_path / "bin" / "cliffguard"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c "from bot.cli import main; main()" "$@"\n')
    command.chmod(0o755)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    return {"PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}


def step(shop: Shop, tmp_path: Path, base: str, fail_on: str = "") -> tuple[int, dict[str, str]]:
    """Runs the script of the step that reviews, as a runner would; its status, and its outputs."""
    outputs = tmp_path / "outputs"
    outputs.write_text("")
    environment = {
        **installed(tmp_path),
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_OUTPUT": str(outputs),
        "BASE": base,
        "FAIL_ON": fail_on,
    }
    done = subprocess.run(("bash", "-c", STEPS["Review"]["run"]), cwd=shop.path, env=environment, check=False)
    return done.returncode, dict(line.split("=", 1) for line in outputs.read_text().splitlines())


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "shop")


def test_the_action_reviews_what_the_pull_request_brings(shop: Shop, tmp_path: Path) -> None:
    shop.git("checkout", "-q", "-b", "feature")
    shop.commit(views=BAD)
    shop.git("checkout", "-q", "main")
    moved = shop.commit(other="x = 1\n")  # the base went on
    shop.git("checkout", "-q", "feature")
    status, outputs = step(shop, tmp_path, moved)
    uploaded = json.loads(Path(outputs["sarif"]).read_text())
    jsonschema.validate(uploaded, SCHEMA)
    results: list[Any] = uploaded["runs"][0]["results"]
    assert (status, outputs["status"]) == (0, "1")  # it concludes after the upload
    new = [one["ruleId"] for one in results if one["baselineState"] == "new"]
    assert new.count("n_plus_one") == 1
    assert step(shop, tmp_path, moved, "never")[1]["status"] == "0"
    shop.commit(views=GOOD)
    assert step(shop, tmp_path, moved)[1]["status"] == "0"


def test_what_cannot_be_reviewed_fails_the_step_and_uploads_nothing(shop: Shop, tmp_path: Path) -> None:
    status, outputs = step(shop, tmp_path, "$(touch owned) --upload-pack=x")
    assert status != 0
    assert outputs == {}
    assert not list(tmp_path.rglob("owned"))


def test_no_input_is_part_of_a_script() -> None:
    scripts = [one["run"] for one in ACTION["runs"]["steps"] if "run" in one]
    assert not [script for script in scripts if "${{" in script]
    assert all(one["shell"] == "bash" for one in ACTION["runs"]["steps"] if "run" in one)
    used = {name for one in ACTION["runs"]["steps"] for name in re.findall(r"inputs\.([\w-]+)", json.dumps(one))}
    assert used == set(ACTION["inputs"])


def test_the_hook_runs_a_command_that_exists() -> None:
    [hook] = HOOKS
    program, command, *options = shlex.split(hook["entry"])
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert (program, options) == ("cliffguard", [])
    assert command in known
    assert hook["pass_filenames"] is False


def test_the_hook_stops_what_brings_a_defect_and_lets_the_rest_pass(shop: Shop, tmp_path: Path) -> None:
    [hook] = HOOKS

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            shlex.split(hook["entry"]), cwd=shop.path, env=installed(tmp_path), capture_output=True, text=True, check=False
        )

    shop.git("checkout", "-q", "-b", "feature")
    assert run().returncode == 0
    shop.commit(views=BAD)
    stopped = run()
    assert stopped.returncode == 1
    assert "shop/views.py:5" in stopped.stdout
    shop.write(views=GOOD)  # not committed yet
    assert run().returncode == 0


def test_the_action_is_what_github_takes_for_one() -> None:
    """The metadata of a composite action, as GitHub documents it."""
    assert ACTION.keys() <= {"name", "author", "description", "inputs", "outputs", "runs", "branding"}
    assert ACTION.keys() >= {"name", "description", "runs"}
    assert all(one.keys() <= {"description", "required", "default", "deprecationMessage"} for one in ACTION["inputs"].values())
    assert ACTION["runs"].keys() == {"using", "steps"}
    assert ACTION["runs"]["using"] == "composite"
    steps = ACTION["runs"]["steps"]
    for one in steps:
        assert one.keys() <= {
            "name",
            "id",
            "if",
            "env",
            "working-directory",
            "continue-on-error",
            "uses",
            "with",
            "run",
            "shell",
        }
        assert ("run" in one) != ("uses" in one)
        assert ("run" in one) == ("shell" in one)
        assert "uses" not in one or re.fullmatch(r"[\w-]+/[\w/-]+@v?[\w.]+", one["uses"])
    ids = {one["id"] for one in steps if "id" in one}
    assert set(re.findall(r"steps\.([\w-]+)\.", json.dumps(ACTION))) <= ids
    written = set(re.findall(r'echo "(\w+)=', STEPS["Review"]["run"]))
    assert set(re.findall(r"steps\.review\.outputs\.([\w-]+)", json.dumps(ACTION))) <= written


@pytest.mark.parametrize("name", [name for name, one in STEPS.items() if "run" in one])
def test_each_script_is_one_that_a_shell_can_read(name: str) -> None:
    done = subprocess.run(("bash", "-n", "-c", STEPS[name]["run"]), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_the_action_installs_is_locked() -> None:
    """Without isolation a build needs its tools where it runs: they are in the lock, with their hashes."""
    lock = (ROOT / "requirements.lock").read_text()
    assert "--require-hashes -r" in STEPS["Install"]["run"]
    assert re.search(r"^setuptools==\S+ \\\n\s+--hash=sha256:", lock, re.M)
