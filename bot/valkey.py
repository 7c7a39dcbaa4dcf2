"""Valkey by its address: a client that fails within seconds when it is away, and reconnects once by itself.

    redis://HOST:6379/0, rediss://… (TLS), unix://PATH?db=0
    redis+sentinel://[USER:PASSWORD@]HOST:26379,HOST:26379/SERVICE[/DB][?sentinel_password=…]

By the last (`rediss+sentinel://` with TLS), Sentinels are asked which server is the primary, at each new connection: after a
failover the next one goes to the new primary.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, unquote

import redis
import redis.asyncio
from redis.asyncio.connection import BlockingConnectionPool
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from bot.errors import Broken

_ADDRESS = re.compile(
    r"(?P<scheme>rediss?)\+sentinel://(?:(?P<user>[^:@/]*):(?P<password>[^@/]*)@)?"
    r"(?P<hosts>[^/@?]+)/(?P<service>[^/?]+)(?:/(?P<db>\d+))?(?:\?(?P<query>.*))?"
)
CONNECTIONS = 16  # of a receiver to Valkey
TURN = 8.0  # seconds a delivery waits for one of them; GitHub waits for ten
_TIMEOUTS = {"socket_timeout": 2.0, "socket_connect_timeout": 1.0, "health_check_interval": 30}


@dataclass(frozen=True)
class Sentinels:
    """What an address by Sentinels says."""

    hosts: tuple[tuple[str, int], ...]
    service: str
    db: int = 0
    tls: bool = False
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    own: Mapping[str, str] = field(default_factory=dict, repr=False)  # the password of the Sentinels themselves

    def url_of(self, host: str, port: int) -> str:
        """The address of a server they named."""
        user, password = (quote(self.credentials.get(name, ""), safe="") for name in ("username", "password"))
        return f"redis{'s' if self.tls else ''}://{f'{user}:{password}@' if password else ''}{host}:{port}/{self.db}"


def sentinels(url: str) -> Sentinels | None:
    """None for an address of a server. Raises `Broken` for one that cannot be understood."""
    if "+sentinel://" not in url:
        return None
    found = _ADDRESS.fullmatch(url)
    if found is None:
        raise Broken(
            "An address by Sentinels is redis+sentinel://HOST:26379,HOST:26379/SERVICE/DB, with USER:PASSWORD@ before HOST."
        )
    hosts = tuple(_host(host) for host in found["hosts"].split(","))
    said = {"username": unquote(found["user"] or ""), "password": unquote(found["password"] or "")}
    own = parse_qs(found["query"] or "").get("sentinel_password", [])
    return Sentinels(
        hosts,
        unquote(found["service"]),
        int(found["db"] or 0),
        found["scheme"] == "rediss",
        {name: value for name, value in said.items() if value},
        {"password": own[0]} if own else {},
    )


def _host(text: str) -> tuple[str, int]:
    host, _, port = text.strip().partition(":")
    if not port.isdigit() and port:
        raise Broken(f"{port!r} is no port of a Sentinel.")
    return host, int(port or 26379)


def connect(url: str) -> redis.Redis:
    """A client of the server at this address. Every use is safe to repeat."""
    options: dict[str, Any] = {**_TIMEOUTS, "retry": Retry(NoBackoff(), 1)}
    if (named := sentinels(url)) is None:
        return redis.Redis.from_url(url, **options)
    client: redis.Redis = _asked(named, Sentinel, **options).master_for(named.service)
    return client


class _PrimaryPool(SentinelConnectionPool, BlockingConnectionPool):
    """A few connections to the primary; who finds none free waits for one."""


def connect_async(url: str) -> redis.asyncio.Redis:
    """The same for the receiver's event loop. In a burst, requests wait for one of a few connections, instead of failing."""
    options: dict[str, Any] = {**_TIMEOUTS, "retry": AsyncRetry(NoBackoff(), 1)}
    few = {"max_connections": CONNECTIONS, "timeout": TURN}
    if (named := sentinels(url)) is None:
        return redis.asyncio.Redis.from_pool(BlockingConnectionPool.from_url(url, **few, **options))
    client: redis.asyncio.Redis = _asked(named, AsyncSentinel, **options).master_for(
        named.service, connection_pool_class=_PrimaryPool, **few
    )
    return client


def server_url(url: str) -> str:
    """The address of the server itself: of the present primary, where Sentinels name it."""
    if (named := sentinels(url)) is None:
        return url
    asked = _asked(named, Sentinel)
    try:
        return named.url_of(*asked.discover_master(named.service))
    finally:
        for one in asked.sentinels:
            one.close()


def _asked(named: Sentinels, kind: Any, **options: Any) -> Any:
    own = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0, "ssl": named.tls, **named.own}
    return kind(named.hosts, sentinel_kwargs=own, db=named.db, ssl=named.tls, **named.credentials, **options)
