"""Who gets in, and how far."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import jwt
import pytest

from bot.local_github import LocalGitHub

from .conftest import Source, Stage, app_jwt, client


def test_an_app_is_known_by_its_key(shared: Stage) -> None:
    assert shared.app.get("/app").json()["slug"] == "cliffguard"
    with client(shared.github, f"Bearer {app_jwt(shared.github, iss=shared.github.app.client_id)}") as by_client_id:
        assert by_client_id.get("/app").json()["id"] == shared.github.app.id


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"iat": int(time.time()) + 600}, "'Issued at'"),
        ({"exp": int(time.time()) - 5}, "'Expiration time'"),
        ({"exp": int(time.time()) + 1200}, "too far in the future"),
        ({"exp": "soon"}, "'Expiration time'"),
    ],
)
def test_times_of_a_jwt_are_held_to_the_rules(shared: Stage, claims: dict[str, object], message: str) -> None:
    with client(shared.github, f"Bearer {app_jwt(shared.github, **claims)}") as app:
        answer = app.get("/app")
    assert answer.status_code == 401
    assert message in answer.json()["message"]


def test_only_the_right_key_and_algorithm_count(shared: Stage) -> None:
    now, secret = int(time.time()), "s" * 32
    forged = jwt.encode({"iat": now, "exp": now + 60, "iss": str(shared.github.app.id)}, secret, algorithm="HS256")
    other = shared.github.add_app("other", "acme")
    crossed = jwt.encode({"iat": now, "exp": now + 60, "iss": str(shared.github.app.id)}, other.private_key, algorithm="RS256")
    for value in (forged, crossed, "nonsense"):
        with client(shared.github, f"Bearer {value}") as app:
            assert app.get("/app").status_code == 401


def test_a_token_is_narrowed_to_repositories_and_permissions(stage: Stage) -> None:
    elsewhere = stage.github.create_repository("acme/other", stage.source.path, branches={"main": "main"})
    installation = stage.app.get(f"{stage.path}/installation").json()["id"]
    body = {"repository_ids": [stage.repository.id], "permissions": {"contents": "read", "pull_requests": "read"}}
    made = stage.app.post(f"/app/installations/{installation}/access_tokens", json=body)
    assert made.status_code == 201
    assert made.json()["permissions"] == {"contents": "read", "pull_requests": "read", "metadata": "read"}
    with client(stage.github, f"token {made.json()['token']}") as narrow:
        assert narrow.get(f"{stage.path}/pulls/1").status_code == 200
        assert narrow.get(f"/repos/{elsewhere.full_name}").status_code == 404
        refused = narrow.post(f"{stage.path}/check-runs", json={"name": "x", "head_sha": stage.pull.head_sha})
        assert (refused.status_code, refused.json()["message"]) == (403, "Resource not accessible by integration")
        assert narrow.delete("/installation/token").status_code == 204
        assert narrow.get(f"{stage.path}/pulls/1").status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {"permissions": {"contents": "write"}},
        {"permissions": {"issues": "write"}},
        {"repository_ids": [1]},
        {"repositories": ["x"]},
    ],
)
def test_a_token_cannot_be_wider_than_its_installation(shared: Stage, body: dict[str, object]) -> None:
    installation = shared.github.installation(shared.repository).id
    assert shared.app.post(f"/app/installations/{installation}/access_tokens", json=body).status_code == 422


def test_a_token_dies_after_an_hour(tmp_path: Path, source: Source) -> None:
    now = datetime.now(UTC)
    with LocalGitHub(tmp_path / "timed", clock=lambda: now) as github:
        repository = github.create_repository("acme/shop", source.path, branches={"main": "main"})
        with client(github, f"token {github.token(repository)}") as bot:
            assert bot.get("/repos/acme/shop").status_code == 200
            now += timedelta(hours=1)
            assert bot.get("/repos/acme/shop").json()["message"] == "Bad credentials"


def test_strangers_are_sent_away(shared: Stage) -> None:
    url = f"{shared.github.api_url}{shared.path}"
    assert httpx.get(url, trust_env=False).json()["message"] == "Requires authentication"
    assert httpx.get(url, headers={"authorization": "token ghs_no"}, trust_env=False).json()["message"] == "Bad credentials"
    assert shared.bot.get("/app").status_code == 401  # a token is no JWT
    assert shared.app.get(shared.path).status_code == 401  # nor the other way round
    assert shared.bot.get(f"{shared.path}/nothing/here").status_code == 404


def test_every_answer_counts_against_the_limit(shared: Stage) -> None:
    first, second = (shared.bot.get(shared.path).headers for _ in range(2))
    assert int(first["x-ratelimit-remaining"]) - int(second["x-ratelimit-remaining"]) == 1
    assert int(second["x-ratelimit-reset"]) > time.time()
    assert second["x-github-request-id"]


def test_an_app_is_made_from_its_manifest_once(shared: Stage) -> None:
    manifest = (
        '{"name": "My Guard", "url": "http://x", "redirect_url": "http://127.0.0.1:1/back", "hook_attributes": {"url": "http://h"},'
        ' "default_events": ["pull_request"], "default_permissions": {"checks": "write"}}'
    )
    form = {"manifest": manifest}
    sent = httpx.post(f"{shared.github.url}/settings/apps/new?state=abc", data=form, trust_env=False)
    assert sent.status_code == 302
    back = httpx.URL(sent.headers["location"])
    assert back.params["state"] == "abc"
    path = f"{shared.github.api_url}/app-manifests/{back.params['code']}/conversions"
    made = httpx.post(path, trust_env=False)
    assert made.status_code == 201
    assert made.json()["slug"] == "my-guard"
    assert made.json()["pem"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert httpx.post(path, trust_env=False).status_code == 404
    assert made.json()["pem"] not in str(shared.github.log)


@pytest.mark.parametrize(
    "manifest", ["[]", "{", '{"url": "x", "redirect_url": "y", "hook_attributes": {"url": "z", "secret": "s"}}']
)
def test_bad_manifests_are_refused(shared: Stage, manifest: str) -> None:
    sent = httpx.post(f"{shared.github.url}/settings/apps/new", data={"manifest": manifest}, trust_env=False)
    assert sent.status_code == 422


def test_no_secret_is_recorded(shared: Stage) -> None:
    installation = shared.github.installation(shared.repository).id
    token = shared.app.post(f"/app/installations/{installation}/access_tokens").json()["token"]
    assert token not in shared.github.record.path.read_text()
    assert shared.github.log[-1]["response"]["token"] == "********"
