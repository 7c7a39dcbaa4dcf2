"""Tokens of installations: signed for by the App, narrowed to what a job needs, and kept until they expire."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import jwt

from bot.answers import Answer, InstallationToken, decoded, judged, patiently
from bot.errors import Broken, Gone
from bot.transport import Transport


@dataclass
class Held:
    """A token, when it was issued, and when it ends."""

    token: str
    issued: float
    expires: float


@dataclass
class Tokens:
    """Installation tokens of one App on one host, kept in memory until a minute before they expire."""

    app_id: int
    private_key: str = field(repr=False)
    now: Callable[[], float] = time.time
    _signed: tuple[float, float, str] = field(default=(0.0, 0.0, ""), repr=False)
    _held: dict[tuple[Any, ...], Held] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def app_jwt(self, skew: float = 0.0) -> str:
        """Signs as the App itself. Dated a minute back, for clocks that differ; `skew` is how far GitHub's is ahead.

        Kept for a minute: reading and checking a private key takes 50 ms and more.
        """
        at = self.now() + skew
        issued, ahead, signed = self._signed
        if ahead == skew and 0 <= at - issued < 60:
            return signed
        claims = {"iat": int(at) - 60, "exp": int(at) + 9 * 60, "iss": str(self.app_id)}
        try:
            signed = jwt.encode(claims, self.private_key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            raise Broken("The App's private key cannot be read: it must be the PEM file GitHub gave out.") from error
        self._signed = (at, skew, signed)
        return signed

    def token(self, transport: Transport, installation: int, repository: int, permissions: Mapping[str, str]) -> Held:
        """A token of `installation` that can do `permissions` in `repository` (0: all of them), and nothing else."""
        key = (installation, repository, *sorted(permissions.items()))
        with self._lock:
            held = self._held.get(key)
            if held is None or held.expires - 60 <= self.now():
                held = self._held[key] = self._issue(transport, installation, repository, permissions)
            return held

    def forget(self, held: Held) -> None:
        """GitHub no longer accepts this token."""
        with self._lock:
            self._held = {key: other for key, other in self._held.items() if other.token != held.token}

    def _issue(self, transport: Transport, installation: int, repository: int, permissions: Mapping[str, str]) -> Held:
        path = f"/app/installations/{installation}/access_tokens"
        body = {**({"repository_ids": [repository]} if repository else {}), "permissions": dict(permissions)}
        # Repeating is safe: an unused token does nothing, and it expires.
        answer = patiently(lambda: transport.send("POST", path, self.app_jwt(), json=body))
        if answer.status == 401 and (skew := self._skew(answer)):
            answer = patiently(lambda: transport.send("POST", path, self.app_jwt(skew), json=body))
        if answer.status == 422 and "repositor" in answer.message.lower():
            raise Gone(f"The App can no longer see the repository: {answer.message}")
        if answer.status == 401:
            raise Broken(f"GitHub refuses the App's signature: {answer.message}. Check its id, its private key and the clock.")
        issued = decoded(judged(answer, "an installation token", self.now()), InstallationToken)
        try:
            expires = datetime.fromisoformat(issued.expires_at).timestamp()
        except ValueError:
            expires = self.now() + 600
        return Held(issued.token, self.now(), expires)

    def _skew(self, answer: Answer) -> float:
        """How many seconds GitHub's clock is ahead of ours, where that is enough to spoil a signature; else 0."""
        try:
            skew = parsedate_to_datetime(answer.headers["date"]).timestamp() - self.now()
        except (KeyError, ValueError):
            return 0.0
        return skew if abs(skew) > 30 else 0.0
