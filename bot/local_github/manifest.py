"""How a GitHub App comes to be: from its manifest, in a browser's three steps, or at once."""

from __future__ import annotations

import json
import secrets
from functools import cache
from urllib.parse import parse_qs, urlencode

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from bot.local_github.state import EVENTS, PERMISSIONS, Account, App, World


def new_app(
    world: World,
    slug: str,
    name: str,
    owner: Account,
    *,
    webhook_url: str | None = None,
    permissions: dict[str, str] | None = None,
    events: tuple[str, ...] = EVENTS,
) -> App:
    """An App with a key of its own, known to the world."""
    private, public = _keys(slug)
    app = App(
        id=world.next_id(),
        slug=slug,
        name=name,
        owner=owner,
        bot=Account(world.next_id(), slug, "Bot"),
        client_id=f"Iv23li{secrets.token_hex(7)}",
        client_secret=secrets.token_hex(20),
        private_key=private,
        public_key=public,
        webhook_secret=secrets.token_hex(20),
        webhook_url=webhook_url,
        permissions={**(PERMISSIONS if permissions is None else permissions), "metadata": "read"},
        events=events,
        created_at=world.now(),
    )
    world.apps[app.id] = app
    world.accounts[f"{slug}[bot]"] = app.bot
    return app


@cache
def _keys(slug: str) -> tuple[str, str]:  # noqa: ARG001 - the key of the cache
    """A private and a public key, PEM; one pair for each name in a process, as making one takes a while."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    plain, pem = serialization.NoEncryption(), serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


class Manifests:
    """Step one of the manifest flow: a form posts the manifest, the browser is sent back with a code."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def create(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        try:
            manifest = json.loads(form.get("manifest", [""])[0])
            self._check(manifest)
        except ValueError as error:
            return PlainTextResponse(f"Error: {error}\n", 422)
        owner = self._world.account(request.path_params.get("owner", "shop-team"), "Organization")
        hook = manifest.get("hook_attributes", {})
        name = manifest.get("name", "Cliffguard")
        slug = "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())
        with self._world.lock:
            events, asked = tuple(manifest.get("default_events", ())), manifest.get("default_permissions", {})
            app = new_app(self._world, slug, name, owner, webhook_url=hook.get("url"), permissions=asked, events=events)
            code = secrets.token_hex(20)
            self._world.manifests[code] = app
        query = {"code": code, **({"state": state} if (state := request.query_params.get("state")) else {})}
        return RedirectResponse(f"{manifest['redirect_url']}?{urlencode(query)}", 302)

    @staticmethod
    def _check(manifest: object) -> None:
        if not isinstance(manifest, dict):
            raise ValueError("the manifest is not an object")
        for key in ("url", "redirect_url"):
            if not isinstance(manifest.get(key), str):
                raise ValueError(f'"{key}" wasn\'t supplied')
        hook = manifest.get("hook_attributes", {})
        if not isinstance(hook, dict) or (hook and "url" not in hook):
            raise ValueError('"url" wasn\'t supplied in hook_attributes')
        if unknown := set(hook) - {"url", "active"}:
            raise ValueError(f'"{sorted(unknown)[0]}" is not a permitted key of hook_attributes')
