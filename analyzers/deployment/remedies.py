"""What to write instead of local state, in each framework's own settings."""

from __future__ import annotations

from analyzers.deployment.values import State

_REMEDIES = {
    "django-cache": (
        "Keep the cache in Redis, which all processes share.",
        'CACHES = {\n    "default": {\n        "BACKEND": "django.core.cache.backends.redis.RedisCache",\n'
        '        "LOCATION": os.environ["REDIS_URL"],\n    }\n}',
        "python",
    ),
    "django-session": (
        "Keep sessions in the database, with the cache in front.",
        'SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"',
        "python",
    ),
    "flask-cache": (
        "Keep the cache in Redis, which all processes share.",
        'CACHE_TYPE = "RedisCache"\nCACHE_REDIS_URL = os.environ["REDIS_URL"]',
        "python",
    ),
    "flask-session": (
        "Keep sessions in Redis.",
        'SESSION_TYPE = "redis"\nSESSION_REDIS = redis.from_url(os.environ["REDIS_URL"])',
        "python",
    ),
    "flask-limiter": ("Count in Redis.", 'RATELIMIT_STORAGE_URI = os.environ["REDIS_URL"]', "python"),
    "symfony-session": (
        "Keep sessions in Redis (or in the database, by `PdoSessionHandler`).",
        "framework:\n    session:\n        handler_id: '%env(REDIS_URL)%'",
        "yaml",
    ),
    "symfony-cache": (
        "Keep the cache in Redis.",
        "framework:\n    cache:\n        app: cache.adapter.redis\n        default_redis_provider: '%env(REDIS_URL)%'",
        "yaml",
    ),
    "laravel-session": ("Keep sessions in Redis, or in the database.", "SESSION_DRIVER=redis", "ini"),
    "laravel-cache": ("Keep the cache in Redis, or in the database.", "CACHE_STORE=redis", "ini"),
}


def remedy_of(state: State) -> tuple[str, str, str]:
    """A sentence, code to paste, and its language."""
    return _REMEDIES[state.remedy]
