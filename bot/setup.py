"""Makes the GitHub App: `cliffguard setup` on this machine, or the page `/setup` of a service that has none yet.

    page      a form with the manifest (`app.yml`); the browser carries it to GitHub, whose page asks the owner
    return    GitHub sends the browser back with a code, good once and for an hour
    exchange  the code becomes the App's id, key and webhook secret; they are stored, in an environment file or as Secrets of
              Kubernetes, and the browser goes on to installing it

The page is for who knows its token: whoever finishes it owns the App that this service will be.
"""

from __future__ import annotations

import hmac
import html
import json
import os
import re
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import msgspec
import uvicorn
import yaml
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from bot.errors import Broken

APP = resources.files("bot").joinpath("app.yml")
RESOLVING = "resolve the threads of comments that are fixed; GitHub asks for this right, and nothing else uses it"
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Cliffguard: make the App</title>
<style>body{{font:16px/1.5 system-ui;max-width:40em;margin:3em auto;padding:0 1em}}button{{font:inherit}}</style>
<h1>Make the GitHub App</h1>
<p>It is yours alone, named <b>{name}</b> until you change that on GitHub's page, and may do this:</p><ul>{permissions}</ul>
<p>It will belong to {owner}.</p>
<p>Events go to <code>{webhook}</code>. The key and the secret that GitHub hands out are stored in <code>{file}</code>.</p>
<form action="{action}" method="post"><input type="hidden" name="manifest" value="{manifest}">
<button>Continue on {host}</button></form></html>
"""


class Credentials(msgspec.Struct, frozen=True):
    """What GitHub hands out once."""

    id: int
    slug: str
    pem: str = msgspec.field(default="")
    webhook_secret: str | None = None
    html_url: str = ""


@dataclass(frozen=True)
class Setup:
    """One App to be made. `webhook`: where GitHub reaches `serve`, the address of the page itself if it is empty;
    `organization`: whose it will be, else the user's; `kubernetes`: `file` gets Secrets, not variables; `resolving`: the App
    may resolve threads too."""

    webhook: str
    file: Path
    github_url: str = "https://github.com"
    api_url: str = "https://api.github.com"
    organization: str = ""
    name: str = "cliffguard"
    kubernetes: bool = False
    resolving: bool = False
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    state: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    def manifest(self, here: str) -> dict[str, Any]:
        """GitHub's manifest, with this App's addresses; `here` is where the browser comes back to."""
        known: dict[str, Any] = yaml.safe_load(APP.read_text("utf-8"))
        hook = {"url": f"{(self.webhook or here).rstrip('/')}/webhook", "active": True}
        if self.resolving:
            known["default_permissions"]["contents"] = "write"
        return {**known, "name": self.name, "hook_attributes": hook, "redirect_url": f"{here}/setup/done"}

    @property
    def action(self) -> str:
        """Where GitHub takes manifests."""
        root = self.github_url.rstrip("/")
        owner = f"/organizations/{quote(self.organization, safe='')}" if self.organization else ""
        return f"{root}{owner}/settings/apps/new?{urlencode({'state': self.state})}"

    def installation(self, slug: str) -> str:
        """The page that installs the App."""
        apps = "apps" if urlsplit(self.github_url).hostname == "github.com" else "github-apps"
        return f"{self.github_url.rstrip('/')}/{apps}/{quote(slug, safe='')}/installations/new"

    def exchange(self, code: str) -> Credentials:
        """The credentials of the App that GitHub made. Raises `Broken` with GitHub's words."""
        address = f"{self.api_url.rstrip('/')}/app-manifests/{quote(code, safe='')}/conversions"
        headers = {"Accept": "application/vnd.github+json", "User-Agent": "cliffguard"}
        try:
            answer = httpx.post(address, headers=headers, timeout=20)
        except httpx.HTTPError as error:
            raise Broken(f"GitHub does not answer at {self.api_url}: {error}") from error
        if answer.status_code != 201:
            raise Broken(
                f"GitHub did not accept the code ({answer.status_code}): begin again; a code is good once, for an hour."
            )
        return msgspec.json.decode(answer.content, type=Credentials)

    def store(self, made: Credentials) -> None:
        """Writes the credentials where they are to be, readable by the file's owner alone."""
        secret = made.webhook_secret
        if not secret:
            raise Broken("GitHub gave the App no webhook secret: set one on the App's page, and in CLIFFGUARD_WEBHOOK_SECRETS.")
        values = {
            "CLIFFGUARD_APP_ID": str(made.id),
            "CLIFFGUARD_PRIVATE_KEY": made.pem.strip(),
            "CLIFFGUARD_WEBHOOK_SECRETS": secret,
        }
        if urlsplit(self.github_url).hostname != "github.com":
            values |= {"CLIFFGUARD_GITHUB_URL": self.github_url, "CLIFFGUARD_API_URL": self.api_url}
        if self.resolving:
            values["CLIFFGUARD_RESOLVE_THREADS"] = "true"
        if self.kubernetes:
            write(self.file, kubernetes_secrets(values))
        else:
            write_environment(self.file, {name: value.replace("\n", "\\n") for name, value in values.items()})


def reasons() -> dict[str, str]:
    """Why the App has each permission, as `app.yml` says beside it."""
    return dict(re.findall(r"^  (\w+): (?:read|write) # (.+)$", APP.read_text("utf-8"), re.M))


def api_of(github_url: str) -> str:
    """The REST API of a GitHub."""
    root = github_url.rstrip("/")
    return "https://api.github.com" if urlsplit(root).hostname == "github.com" else f"{root}/api/v3"


def write_environment(file: Path, values: Mapping[str, str]) -> None:
    """Sets variables in an environment file; what else stands there stays."""
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    kept = [line for line in lines if line.partition("=")[0].strip() not in values]
    write(file, "\n".join([*kept, *(f'{name}="{value}"' for name, value in values.items())]) + "\n")


def kubernetes_secrets(values: Mapping[str, str]) -> str:
    """A Secret for each process of `deploy/kubernetes`, with what it needs and no more: the receiver has no private key."""
    without = {"web": ("CLIFFGUARD_PRIVATE_KEY", "CLIFFGUARD_RESOLVE_THREADS"), "worker": ("CLIFFGUARD_WEBHOOK_SECRETS",)}
    secrets = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"cliffguard-{process}"},
            "stringData": {name: value for name, value in values.items() if name not in left},
        }
        for process, left in without.items()
    ]
    return yaml.safe_dump_all(secrets, sort_keys=False)


def write(file: Path, text: str) -> None:
    """Writes a file that its owner alone may read, in one step: nobody ever reads half of it."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "w", encoding="utf-8") as writing:
        writing.write(text)
    draft.replace(file)


def shown(setup: Setup, manifest: Mapping[str, Any]) -> str:
    """The page with the form that carries the manifest to GitHub."""
    why = reasons()
    if setup.resolving:
        why["contents"] += f"; and to {RESOLVING}"
    permissions = "".join(
        f"<li><b>{html.escape(name.replace('_', ' '))}: {html.escape(level)}</b>, {html.escape(why.get(name, ''))}</li>"
        for name, level in manifest["default_permissions"].items()
    )
    own = "your own account; for an organisation, add <code>&amp;organization=NAME</code> to the address"
    return PAGE.format(
        name=html.escape(setup.name),
        permissions=permissions,
        owner=f"the organisation <b>{html.escape(setup.organization)}</b>" if setup.organization else own,
        webhook=html.escape(manifest["hook_attributes"]["url"]),
        file=html.escape(str(setup.file)),
        action=html.escape(setup.action),
        manifest=html.escape(json.dumps(manifest)),
        host=html.escape(urlsplit(setup.github_url).netloc),
    )


def create_app(setup: Setup, done: Callable[[], None] = lambda: None) -> FastAPI:
    """The pages of the setup. `done` is called once the credentials are stored."""
    app = FastAPI(title="Cliffguard setup", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/setup")
    def page(request: Request, token: str = "", organization: str = "") -> Response:
        if not hmac.compare_digest(token.encode(), setup.token.encode()):
            return Response("The address of this page was printed when it was started; this is another.\n", 403)
        asked = replace(setup, organization=organization) if organization else setup
        text = shown(asked, asked.manifest(str(request.base_url).rstrip("/")))
        return HTMLResponse(text, headers={"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"})

    @app.get("/setup/done")
    def back(code: str = "", state: str = "") -> Response:
        if not hmac.compare_digest(state.encode(), setup.state.encode()):
            return Response("This is not the answer to what was asked here. Begin again.\n", 403)
        try:
            made = setup.exchange(code)
            setup.store(made)
        except Broken as broken:
            return Response(f"{broken.reason}\n", 502)
        done()
        return RedirectResponse(setup.installation(made.slug), 302)

    return app


def run(setup: Setup, host: str, port: int) -> None:
    """Serves the pages until the App is made. Raises `Broken` if it is stopped before."""
    made = threading.Event()

    def done() -> None:
        made.set()
        server.should_exit = True

    server = uvicorn.Server(uvicorn.Config(create_app(setup, done), host=host, port=port, log_level="warning"))
    with socket.create_server((host, port)) as listening:
        address = f"http://{host}:{listening.getsockname()[1]}/setup?{urlencode({'token': setup.token})}"
        print(f"Open {address}", file=sys.stderr, flush=True)
        server.run([listening])
    if not made.is_set():
        raise Broken("The App was not made.")
