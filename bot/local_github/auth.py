"""Who is calling: an App by its signed JWT, or an installation by its token, and what each may do."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC

import jwt

from bot.local_github.refusal import Refusal
from bot.local_github.state import App, Repository, Token, World

SKEW = 60  # seconds a clock may run ahead
LIFETIME = 600  # seconds between now and a JWT's expiry
LEVELS = {"read": 1, "write": 2, "admin": 3}


def app_of(world: World, authorization: str) -> App:
    """The App a JWT speaks for. RS256 only; `iss` is the app id or client id; alive for ten minutes at most."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Refusal(401, "A JSON web token could not be decoded")
    try:
        claimed = jwt.decode(value, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise Refusal(401, "A JSON web token could not be decoded") from None
    issuer = str(claimed.get("iss", ""))
    app = next((a for a in world.apps.values() if issuer in (str(a.id), a.client_id)), None)
    if app is None:
        raise Refusal(404, "Integration not found")
    try:
        jwt.decode(value, app.public_key, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False})
    except jwt.PyJWTError:
        raise Refusal(401, "A JSON web token could not be decoded") from None
    _check_times(claimed, world.now().timestamp())
    return app


def _check_times(claims: dict[str, object], now: float) -> None:
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or issued > now + SKEW:
        message = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
        raise Refusal(401, message)
    if not isinstance(expires, int) or expires <= now:
        what = "a numeric value representing the future time at which the assertion expires"
        raise Refusal(401, f"'Expiration time' claim ('exp') must be {what}")
    if expires > now + LIFETIME:
        raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")


def token_of(world: World, authorization: str) -> Token:
    """The living installation token in an `Authorization` header, as `token`, `Bearer` or git's `Basic`."""
    scheme, _, value = authorization.partition(" ")
    if not value:
        raise Refusal(401, "Requires authentication")
    if scheme.lower() == "basic":
        value = _password(value)
    elif scheme.lower() not in ("bearer", "token"):
        raise Refusal(401, "Bad credentials")
    token = world.tokens.get(value.strip())
    if token is None or token.expires_at <= world.now().astimezone(UTC) or token.installation.id not in world.installations:
        raise Refusal(401, "Bad credentials")
    if token.installation.suspended:
        raise Refusal(403, "This installation has been suspended")
    return token


def _password(encoded: str) -> str:
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Refusal(401, "Bad credentials") from None
    if user != "x-access-token":
        raise Refusal(401, "Bad credentials")
    return password


def sees(token: Token, repository: Repository) -> bool:
    """Whether the repository exists as far as this token is concerned."""
    return World.covers(token.installation, repository) and (token.repositories is None or repository.id in token.repositories)


def may(token: Token, permission: str, level: str) -> bool:
    """Whether the token has that permission at that level; metadata may always be read."""
    if (permission, level) == ("metadata", "read"):
        return True
    return LEVELS.get(token.permissions.get(permission, ""), 0) >= LEVELS[level]
