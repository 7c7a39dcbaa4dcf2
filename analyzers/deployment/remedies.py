"""What to write instead of local state, in each framework's own settings."""

from __future__ import annotations

from analyzers.deployment.values import State

_REMEDIES = {
    "values-of-scripts": (
        "Keep it where all processes look: in the database, or in Redis.",
        'await redis.hset("jobs", id, JSON.stringify(job));\nconst job = JSON.parse((await redis.hget("jobs", id)) ?? "null");',
        "ts",
    ),
    "own-limit-of-scripts": (
        "Count in Redis, where the count ends by itself.",
        "const hits = await redis.incr(key);\nif (hits === 1) await redis.expire(key, 60);",
        "ts",
    ),
    "express-session": (
        "Keep sessions in Redis, or in the database.",
        'import { RedisStore } from "connect-redis";\n\nsession({ store: new RedisStore({ client: redis }), … })',
        "ts",
    ),
    "express-rate-limit": (
        "Count in Redis.",
        'import { RedisStore } from "rate-limit-redis";\n\n'
        "rateLimit({ store: new RedisStore({ sendCommand: (...args) => redis.sendCommand(args) }), … })",
        "ts",
    ),
    "fastify-rate-limit": ("Count in Redis.", "await fastify.register(rateLimit, { redis, … });", "ts"),
    "rate-limiter-flexible": (
        "Count in Redis; what is in memory may stand in for it while it is away.",
        "new RateLimiterRedis({ storeClient: redis, points: …, duration: …, insuranceLimiter: new RateLimiterMemory({ … }) })",
        "ts",
    ),
    "nest-throttler": (
        "Count in Redis.",
        "ThrottlerModule.forRoot({ throttlers: […], storage: new ThrottlerStorageRedisService(redis) })",
        "ts",
    ),
    "socket.io": (
        "Let the processes tell each other through Redis.",
        'import { createAdapter } from "@socket.io/redis-adapter";\n\nio.adapter(createAdapter(redis, redis.duplicate()));',
        "ts",
    ),
    "ws": (
        "Let the processes tell each other through Redis: publish what is to be sent, and send what is published.",
        'subscriber.subscribe("messages");\nsubscriber.on("message", (_, text) => wss.clients.forEach((c) => c.send(text)));',
        "ts",
    ),
    "multer": (
        "Keep uploads in an object store, or on a volume that all copies share.",
        'import multerS3 from "multer-s3";\n\nmulter({ storage: multerS3({ s3, bucket: process.env.BUCKET }) })',
        "ts",
    ),
    "tus": ("Lock by Redis.", "new Server({ locker: new RedisLocker({ redisClient: redis }), … })", "ts"),
    "nest-cache": (
        "Keep the cache in Redis, which all processes share.",
        "CacheModule.register({ stores: [new KeyvRedis(process.env.REDIS_URL)] })",
        "ts",
    ),
    "values": (
        "Keep it where all processes look: in the database, or in Redis.",
        'redis.hset("jobs", job_id, json.dumps(job))\njob = json.loads(redis.hget("jobs", job_id))',
        "python",
    ),
    "limiter": ("Count in Redis.", 'limiter = Limiter(key_func=…, storage_uri=os.environ["REDIS_URL"])', "python"),
    "own-limit": (
        "Count in Redis, where the count ends by itself.",
        "hits = redis.incr(key)\nif hits == 1:\n    redis.expire(key, 60)",
        "python",
    ),
    "process-lock": (
        "Lock the rows in the database (`with_for_update()`, `select_for_update()`), or lock by Redis.",
        'with redis.lock("stock", timeout=10):\n    …',
        "python",
    ),
    "quart-limiter": ("Count in Redis.", 'RateLimiter(app, store=RedisStore(os.environ["REDIS_URL"]))', "python"),
    "limits": ("Count in Redis.", 'storage = limits.storage.RedisStorage(os.environ["REDIS_URL"])', "python"),
    "cachelib": ("Keep the cache in Redis, which all processes share.", "cache = cachelib.RedisCache(host=…)", "python"),
    "flask-socketio": (
        "Let the processes tell each other through Redis.",
        'socketio = SocketIO(app, message_queue=os.environ["REDIS_URL"])',
        "python",
    ),
    "socketio": (
        "Let the processes tell each other through Redis.",
        'server = socketio.Server(client_manager=socketio.RedisManager(os.environ["REDIS_URL"]))',
        "python",
    ),
    "socketio-async": (
        "Let the processes tell each other through Redis.",
        'server = socketio.AsyncServer(client_manager=socketio.AsyncRedisManager(os.environ["REDIS_URL"]))',
        "python",
    ),
    "channels": (
        "Let the processes tell each other through Redis.",
        'CHANNEL_LAYERS = {\n    "default": {\n        "BACKEND": "channels_redis.core.RedisChannelLayer",\n'
        '        "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},\n    }\n}',
        "python",
    ),
    "scheduler": ("Run the scheduler in a process of its own, of which there is one.", "", ""),
    "memo": ("Keep what is expensive to fetch in Redis, which all processes share.", "", ""),
    "django-upload": (
        "Keep uploads in an object store, or on a volume that all copies share.",
        'STORAGES = {\n    "default": {"BACKEND": "storages.backends.s3.S3Storage"},\n'
        '    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},\n}',
        "python",
    ),
    "laravel-upload": ("Keep uploads in an object store, or on a volume that all copies share.", "FILESYSTEM_DISK=s3", "ini"),
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
    "symfony-lock": ("Lock by Redis or by the database.", "LOCK_DSN=redis://redis:6379", "ini"),
    "php-session": ("Keep sessions in Redis.", "session.save_handler = redis\nsession.save_path = tcp://redis:6379", "ini"),
    "laravel-queue": ("Queue them for the worker.", "QUEUE_CONNECTION=redis", "ini"),
    "messenger-queue": ("Queue them for the worker.", "MESSENGER_TRANSPORT_DSN=doctrine://default", "ini"),
    "rails-queue": ("Queue them for the worker.", "config.active_job.queue_adapter = :sidekiq", "ruby"),
    "rails-cache": (
        "Keep the cache in Redis, which all processes share.",
        'config.cache_store = :redis_cache_store, { url: ENV["REDIS_URL"] }',
        "ruby",
    ),
    "rails-upload": (
        "Keep uploads in an object store, or on a volume that all copies share.",
        "config.active_storage.service = :amazon",
        "ruby",
    ),
    "rails-cable": (
        "Let the processes tell each other through Redis.",
        'production:\n  adapter: redis\n  url: <%= ENV["REDIS_URL"] %>',
        "yaml",
    ),
    "fastapi-cache": (
        "Keep the cache in Redis, which all processes share.",
        'FastAPICache.init(RedisBackend(redis.asyncio.from_url(os.environ["REDIS_URL"])))',
        "python",
    ),
    "remembered": ("Keep it in a cache that all processes share, where one can delete it for all.", "", ""),
    "jobs": ("Queue them where they last, and let a worker do them: Celery, RQ, or a table of the database.", "", ""),
    "laravel-session": ("Keep sessions in Redis, or in the database.", "SESSION_DRIVER=redis", "ini"),
    "laravel-cache": ("Keep the cache in Redis, or in the database.", "CACHE_STORE=redis", "ini"),
}


def remedy_of(state: State) -> tuple[str, str, str]:
    """A sentence, code to paste, and its language."""
    return _REMEDIES[state.remedy]
