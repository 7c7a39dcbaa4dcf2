"""A burst: more deliveries at once than the receiver has connections to Valkey. GitHub does not send a refused one again."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Callable

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from bot.app import create_app
from bot.queue import Queue
from bot.settings import Settings
from bot.valkey import CONNECTIONS

DELIVERIES = 300


def delivery(number: int) -> tuple[bytes, dict[str, str]]:
    head = {"sha": "a" * 40}
    payload = {"action": "opened", "installation": {"id": 5}, "pull_request": {"number": number, "head": head}}
    body = json.dumps({**payload, "repository": {"id": 1, "name": "shop", "owner": {"login": "octo"}}}).encode()
    signature = hmac.new(b"burst", body, hashlib.sha256).hexdigest()
    headers = {"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": f"d-{number}", "Content-Type": "application/json"}
    return body, {**headers, "X-Hub-Signature-256": f"sha256={signature}"}


async def send(url: str) -> Counter[int]:
    limits = httpx.Limits(max_connections=DELIVERIES)
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60, limits=limits) as client:

        async def one(number: int) -> int:
            body, headers = delivery(number)
            return (await client.post("/webhook", content=body, headers=headers)).status_code

        return Counter(await asyncio.gather(*(one(number) for number in range(1, DELIVERIES + 1))))


def test_every_delivery_of_a_burst_is_taken(
    valkey_url: str, queue: Queue, serving: Callable[[FastAPI], contextlib.AbstractContextManager[httpx.Client]]
) -> None:
    settings = Settings(valkey_url=valkey_url, webhook_secrets=(SecretStr("burst"),), _env_file=None)  # type: ignore[call-arg]
    with serving(create_app(settings)) as client:
        assert asyncio.run(send(str(client.base_url))) == {202: DELIVERIES}
    assert queue.depth().queued == DELIVERIES
    assert CONNECTIONS < 100 < DELIVERIES
