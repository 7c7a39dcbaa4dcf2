"""The App is made as people make it: by a browser that carries a manifest to GitHub and a code back."""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi import FastAPI

from bot.errors import Broken
from bot.local_github import LocalGitHub
from bot.settings import Settings
from bot.setup import Credentials, Setup, api_of, create_app, reasons, write_environment
from tests.reference import ROOT

Serving = Callable[[FastAPI], AbstractContextManager[httpx.Client]]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalGitHub]:
    with LocalGitHub(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


def made_for(hub: LocalGitHub, file: Path, **fields: Any) -> Setup:
    return Setup("https://guard.example.org/", file, hub.url, hub.api_url, **fields)


def form_of(page: str) -> tuple[str, dict[str, Any]]:
    action = re.search(r'action="([^"]*)"', page)
    manifest = re.search(r'name="manifest" value="([^"]*)"', page)
    assert action
    assert manifest
    return html.unescape(action[1]), json.loads(html.unescape(manifest[1]))


def follow(browser: httpx.Client, setup: Setup) -> httpx.Response:
    """What a browser does: the page, the form, the way back."""
    action, manifest = form_of(browser.get("/setup", params={"token": setup.token}).text)
    sent = httpx.post(action, data={"manifest": json.dumps(manifest)}, trust_env=False)
    assert sent.status_code == 302, sent.text
    return browser.get(sent.headers["location"])


@pytest.mark.parametrize("organization", ["", "acme-team"])
def test_the_app_is_made_and_its_credentials_are_stored(
    hub: LocalGitHub, tmp_path: Path, serving: Serving, organization: str
) -> None:
    file = tmp_path / ".env"
    file.write_text("CLIFFGUARD_WORKERS=2\nCLIFFGUARD_APP_ID=1\n")
    setup, calls = made_for(hub, file, organization=organization, name=f"guard {organization}"), []
    with serving(create_app(setup, lambda: calls.append("done"))) as browser:
        answer = follow(browser, setup)
        assert answer.status_code == 302
        assert re.fullmatch(rf"{hub.url}/github-apps/guard[a-z-]*/installations/new", answer.headers["location"])
    assert calls == ["done"]
    app = max(hub.world.apps.values(), key=lambda app: app.id)
    settings = Settings(_env_file=file)  # type: ignore[call-arg]
    assert (settings.app_id, settings.workers) == (app.id, 2)
    assert settings.private_key is not None
    assert settings.private_key.get_secret_value().strip() == app.private_key.strip()
    assert [secret.get_secret_value() for secret in settings.webhook_secrets] == [app.webhook_secret]
    assert (settings.github_url, settings.api_url) == (hub.url, hub.api_url)
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    wanted = yaml.safe_load((ROOT / "app.yml").read_text())
    assert app.webhook_url == "https://guard.example.org/webhook"
    assert app.permissions == wanted["default_permissions"]
    assert sorted(app.events) == sorted(wanted["default_events"])


def test_a_stranger_sees_no_page_and_ends_nothing(hub: LocalGitHub, tmp_path: Path, serving: Serving) -> None:
    setup = made_for(hub, tmp_path / ".env")
    with serving(create_app(setup)) as browser:
        assert browser.get("/setup").status_code == 403
        assert browser.get("/setup", params={"token": "guessed"}).status_code == 403
        assert browser.get("/setup/done", params={"code": "x", "state": "guessed"}).status_code == 403
        used = browser.get("/setup/done", params={"code": "used", "state": setup.state})
        assert (used.status_code, "begin again" in used.text) == (502, True)
    assert not (tmp_path / ".env").exists()


def test_a_hostile_name_is_text(hub: LocalGitHub, tmp_path: Path, serving: Serving) -> None:
    setup = made_for(hub, tmp_path / ".env", name='"><script>alert(1)</script>')
    with serving(create_app(setup)) as browser:
        page = browser.get("/setup", params={"token": setup.token}).text
    assert "<script" not in page
    assert form_of(page)[1]["name"] == setup.name


def test_an_app_without_a_secret_is_not_stored(tmp_path: Path) -> None:
    with pytest.raises(Broken, match="CLIFFGUARD_WEBHOOK_SECRETS"):
        Setup("https://x", tmp_path / ".env").store(Credentials(1, "x", "key"))


def test_a_github_that_does_not_answer_is_said(tmp_path: Path) -> None:
    with pytest.raises(Broken, match="does not answer"):
        Setup("https://x", tmp_path / ".env", api_url="http://127.0.0.1:9").exchange("code")


def test_github_com_and_enterprise_servers_have_their_own_addresses(tmp_path: Path) -> None:
    assert api_of("https://github.com/") == "https://api.github.com"
    assert api_of("https://git.example.org/") == "https://git.example.org/api/v3"
    here = Setup("https://x", tmp_path / ".env", organization="a b")
    assert here.action.startswith("https://github.com/organizations/a%20b/settings/apps/new?state=")
    assert here.installation("guard") == "https://github.com/apps/guard/installations/new"


def test_variables_replace_their_like_and_keep_the_rest(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    write_environment(file, {"A": "1"})
    file.write_text(file.read_text() + "# mine\nB=2\n")
    write_environment(file, {"A": "3"})
    assert file.read_text() == '# mine\nB=2\nA="3"\n'
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


def test_each_permission_has_its_reason(hub: LocalGitHub, tmp_path: Path, serving: Serving) -> None:
    wanted = yaml.safe_load((ROOT / "app.yml").read_text())["default_permissions"]
    assert reasons().keys() == wanted.keys()
    setup = made_for(hub, tmp_path / ".env")
    with serving(create_app(setup)) as browser:
        page = html.unescape(browser.get("/setup", params={"token": setup.token}).text)
    assert all(reason in page for reason in reasons().values())


@pytest.mark.parametrize("resolving", [True, False])
def test_the_right_to_resolve_threads_is_asked_for_on_request_alone(
    hub: LocalGitHub, tmp_path: Path, serving: Serving, resolving: bool
) -> None:
    setup = made_for(hub, tmp_path / ".env", resolving=resolving, name=f"resolving {resolving}")
    with serving(create_app(setup)) as browser:
        assert follow(browser, setup).status_code == 302
    app = max(hub.world.apps.values(), key=lambda app: app.id)
    assert app.permissions["contents"] == ("write" if resolving else "read")
    assert Settings(_env_file=setup.file).resolve_threads is resolving  # type: ignore[call-arg]


def test_secrets_of_kubernetes_hold_what_each_process_needs(hub: LocalGitHub, tmp_path: Path, serving: Serving) -> None:
    setup = made_for(hub, tmp_path / "secrets.yml", kubernetes=True, name="in a cluster")
    with serving(create_app(setup)) as browser:
        assert follow(browser, setup).status_code == 302
    app = max(hub.world.apps.values(), key=lambda app: app.id)
    assert stat.S_IMODE(os.stat(setup.file).st_mode) == 0o600
    held = {one["metadata"]["name"]: one for one in yaml.safe_load_all(setup.file.read_text())}
    assert {one["kind"] for one in held.values()} == {"Secret"}
    web, worker = held["cliffguard-web"]["stringData"], held["cliffguard-worker"]["stringData"]
    assert worker["CLIFFGUARD_PRIVATE_KEY"] == app.private_key.strip()
    assert web["CLIFFGUARD_WEBHOOK_SECRETS"] == app.webhook_secret
    assert "CLIFFGUARD_PRIVATE_KEY" not in web
    assert "CLIFFGUARD_WEBHOOK_SECRETS" not in worker
    assert {web["CLIFFGUARD_APP_ID"], worker["CLIFFGUARD_APP_ID"]} == {str(app.id)}


def test_an_organisation_may_be_named_on_the_page(hub: LocalGitHub, tmp_path: Path, serving: Serving) -> None:
    setup = made_for(hub, tmp_path / ".env")
    with serving(create_app(setup)) as browser:
        page = browser.get("/setup", params={"token": setup.token, "organization": 'a"><b>'}).text
        assert "<b>a" not in page.replace("organisation <b>a", "")
        action, _ = form_of(page)
    assert action.startswith(f"{hub.url}/organizations/a%22%3E%3Cb%3E/settings/apps/new?state=")


def test_a_service_without_an_app_makes_one_and_goes_on_with_it(hub: LocalGitHub, tmp_path: Path, valkey_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    own = {name: value for name, value in os.environ.items() if not name.startswith("CLIFFGUARD_")}
    environment = {
        **own,
        "PYTHONPATH": str(ROOT),
        "CLIFFGUARD_PORT": str(port),
        "CLIFFGUARD_GITHUB_URL": hub.url,
        "CLIFFGUARD_API_URL": hub.api_url,
        "CLIFFGUARD_VALKEY_URL": valkey_url,
        "CLIFFGUARD_PUBLIC_URL": "https://guard.example.org",
        "CLIFFGUARD_LOG_FORMAT": "console",
    }
    command = [sys.executable, "-c", "from bot.cli import main; main()", "serve"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        line = next(line for line in running.stderr if line.startswith("Open "))
        page = httpx.URL(line.split()[1])
        with httpx.Client(base_url=page.copy_with(raw_path=b"/"), trust_env=False, timeout=20) as browser:
            assert browser.post("/webhook").status_code == 404  # nothing is received by a service of nobody
            text = browser.get(page).text
            action, manifest = form_of(text)
            assert manifest["hook_attributes"]["url"] == "https://guard.example.org/webhook"
            sent = httpx.post(action, data={"manifest": json.dumps(manifest)}, trust_env=False)
            assert browser.get(sent.headers["location"]).status_code == 302
        address, deadline, status = f"http://127.0.0.1:{port}/readyz", time.monotonic() + 60, 0
        while status != 200 and time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                status = httpx.get(address, trust_env=False).status_code
            time.sleep(0.1)
        running.terminate()
        running.wait(20)
    assert status == 200
    assert Settings(_env_file=tmp_path / ".env").app_id is not None  # type: ignore[call-arg]


def test_the_command_leads_through_it_and_ends(hub: LocalGitHub, tmp_path: Path) -> None:
    started = "import sys; from bot.cli import main; main(sys.argv[1:])"
    options = ["--github", hub.url, "--port", "0", "--name", "c d"]
    command = [sys.executable, "-c", started, "setup", "https://guard.example.org", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        line = running.stderr.readline()
        assert line.startswith("Open http://127.0.0.1:"), line
        page = httpx.URL(line.split()[1])
        with httpx.Client(base_url=page.copy_with(raw_path=b"/"), trust_env=False, timeout=20) as browser:
            setup = made_for(hub, tmp_path / ".env", token=page.params["token"])
            assert follow(browser, setup).status_code == 302
        assert running.wait(20) == 0
    assert Settings(_env_file=tmp_path / ".env").app_id is not None  # type: ignore[call-arg]
