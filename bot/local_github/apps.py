"""The App's own routes: who it is, where it is installed, its tokens, its webhook's deliveries, and how it is made."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bot.local_github import auth, views
from bot.local_github.api import Answer, Body, Call, Operation
from bot.local_github.refusal import NOT_FOUND, Refusal
from bot.local_github.state import App, Delivery, Installation, timestamp

_NAMES = """
    actions administration checks contents deployments environments issues members merge_queues metadata packages pages
    pull_requests repository_hooks repository_projects secrets security_events statuses workflows
"""
KNOWN_PERMISSIONS = frozenset(_NAMES.split())
MAX_REPOSITORIES = 500


class TokenRequest(Body):
    """What a token is narrowed to."""

    repositories: Annotated[list[str], Field(max_length=MAX_REPOSITORIES)] | None = None
    repository_ids: Annotated[list[int], Field(max_length=MAX_REPOSITORIES)] | None = None
    permissions: dict[str, str] | None = None


class HookConfig(Body):
    """Where and how webhooks go."""

    url: str | None = None
    content_type: str | None = None
    secret: str | None = None
    insecure_ssl: str | float | None = None


def _app(call: Call) -> App:
    assert call.app is not None
    return call.app


def show_app(call: Call) -> Answer:
    return Answer(json=views.app(call.world, _app(call)))


def list_installations(call: Call) -> Answer:
    mine = [i for i in call.world.installations.values() if i.app is _app(call)]
    items, links = call.page(mine)
    return Answer(json=[views.installation(call.world, i) for i in items], headers=links)


def _installation(call: Call) -> Installation:
    found = call.world.installations.get(call.number("installation_id"))
    if found is None or found.app is not _app(call):
        raise NOT_FOUND
    return found


def show_installation(call: Call) -> Answer:
    return Answer(json=views.installation(call.world, _installation(call)))


def installation_of_repository(call: Call) -> Answer:
    found = call.world.installation_of(call.repository, _app(call))
    if found is None:
        raise NOT_FOUND
    return Answer(json=views.installation(call.world, found))


def create_token(call: Call) -> Answer:
    """A token may only be narrower than its installation."""
    installation, body = _installation(call), call.body(TokenRequest)
    if installation.suspended:
        raise Refusal(403, "This installation has been suspended")
    permissions = _narrowed(installation, body.permissions)
    chosen = _chosen(call, installation, body)
    token = call.world.issue_token(installation, permissions, chosen)
    answer: views.Json = {
        "token": token.value,
        "expires_at": timestamp(token.expires_at),
        "permissions": permissions,
        "repository_selection": "selected" if chosen is not None or installation.repositories is not None else "all",
    }
    if chosen is not None:
        answer["repositories"] = [views.repository(call.world, call.world.repositories[i]) for i in sorted(chosen)]
    return Answer(201, answer)


def _narrowed(installation: Installation, wanted: dict[str, str] | None) -> dict[str, str]:
    if wanted is None:
        return dict(installation.permissions)
    for name, level in wanted.items():
        if name not in KNOWN_PERMISSIONS or level not in auth.LEVELS:
            raise Refusal(422, f'Invalid request.\n\n"{name}" is not a permitted key.')
        granted = installation.permissions.get(name, "read" if name == "metadata" else "")
        if auth.LEVELS[level] > auth.LEVELS.get(granted, 0):
            raise Refusal(422, "The permissions requested are not granted to this installation.")
    return {**wanted, "metadata": "read"}


def _chosen(call: Call, installation: Installation, body: TokenRequest) -> frozenset[int] | None:
    if body.repositories is None and body.repository_ids is None:
        return None
    covered = {r.id: r for r in call.world.repositories.values() if call.world.covers(installation, r)}
    names = {r.name.lower(): r.id for r in covered.values()}
    ids = [names.get(name.lower(), 0) for name in body.repositories or ()] + list(body.repository_ids or ())
    if any(i not in covered for i in ids):
        message = "There is at least one repository that does not exist or is not accessible to the parent installation."
        raise Refusal(422, message)
    return frozenset(ids)


def list_repositories(call: Call) -> Answer:
    token = call.token
    seen = [r for r in call.world.repositories.values() if token and auth.sees(token, r)]
    items, links = call.page(seen)
    shown = [views.repository(call.world, r) for r in items]
    selection = "selected" if token and token.repositories is not None else "all"
    return Answer(json={"total_count": len(seen), "repository_selection": selection, "repositories": shown}, headers=links)


def revoke_token(call: Call) -> Answer:
    assert call.token is not None
    del call.world.tokens[call.token.value]
    return Answer(204)


def list_deliveries(call: Call) -> Answer:
    """Newest first. `cursor` is the id to start below."""
    cursor = call.query.get("cursor", "")
    if cursor and not cursor.isdigit():
        raise Refusal(400, "Invalid cursor")
    mine = [d for d in reversed(call.world.deliveries) if d.app is _app(call)]
    found = [d for d in mine if not cursor or d.id < int(cursor)]
    size = min(max(call.count("per_page", 30), 1), 100)
    links = {}
    if len(found) > size:
        links["link"] = f'<{call.url}?per_page={size}&cursor={found[size - 1].id}>; rel="next"'
    return Answer(json=[views.delivery(d) for d in found[:size]], headers=links)


def _delivery(call: Call) -> Delivery:
    wanted = call.number("delivery_id")
    found = next((d for d in call.world.deliveries if d.id == wanted and d.app is _app(call)), None)
    if found is None:
        raise NOT_FOUND
    return found


def show_delivery(call: Call) -> Answer:
    return Answer(json=views.delivery(_delivery(call), full=True))


def redeliver(call: Call) -> Answer:
    call.world.redeliver(_delivery(call))
    return Answer(202, {})


def update_hook(call: Call) -> Answer:
    app, body = _app(call), call.body(HookConfig)
    app.webhook_url = body.url or app.webhook_url
    app.webhook_secret = body.secret or app.webhook_secret
    shown = {"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": app.webhook_url or ""}
    return Answer(json=shown)


def convert_manifest(call: Call) -> Answer:
    """The App that a manifest asked for, with its secrets, once."""
    app = call.world.manifests.pop(call.path["code"], None)
    if app is None:
        raise NOT_FOUND
    secrets = {"client_secret": app.client_secret, "webhook_secret": app.webhook_secret, "pem": app.private_key}
    return Answer(201, {**views.app(call.world, app), **secrets})


def rate_limit(call: Call) -> Answer:
    now = int(call.world.now().timestamp())
    limit = {"limit": 5000, "remaining": 5000, "reset": now - now % 3600 + 3600, "used": 0}
    resources = dict.fromkeys(("core", "graphql", "search"), limit)
    return Answer(json={"resources": resources, "rate": limit})


def meta(_: Call) -> Answer:
    return Answer(json={"verifiable_password_authentication": False})


OPERATIONS = [
    Operation("GET", "/app", show_app, way="app"),
    Operation("GET", "/app/installations", list_installations, way="app"),
    Operation("GET", "/app/installations/{installation_id}", show_installation, way="app"),
    Operation("POST", "/app/installations/{installation_id}/access_tokens", create_token, way="app"),
    Operation("GET", "/app/hook/deliveries", list_deliveries, way="app"),
    Operation("GET", "/app/hook/deliveries/{delivery_id}", show_delivery, way="app"),
    Operation("POST", "/app/hook/deliveries/{delivery_id}/attempts", redeliver, way="app"),
    Operation("PATCH", "/app/hook/config", update_hook, way="app"),
    Operation("POST", "/app-manifests/{code}/conversions", convert_manifest, way="open"),
    Operation("GET", "/installation/repositories", list_repositories),
    Operation("DELETE", "/installation/token", revoke_token),
    Operation("GET", "/rate_limit", rate_limit),
    Operation("GET", "/meta", meta, way="open"),
    Operation("GET", "/repos/{owner}/{repo}/installation", installation_of_repository, way="app"),
]
