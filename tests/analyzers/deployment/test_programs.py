"""What starts, and how many of it: each program that is known, by its flags, variables, files and defaults."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from analyzers.deployment.commands import programs
from analyzers.deployment.known_programs import Where, known_programs
from analyzers.frontends import read_facts
from analyzers.source import Place, Span

HERE = Place("Procfile", Span(1, 1, 1, 2))


def started(command: str, files: Mapping[str, str], variables: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Each program that a command starts, with its processes and threads: numbers, or what decides them."""
    facts = {path: read_facts(path, text.encode()) for path, text in files.items()}
    found = programs(command, Where(variables, facts, "", HERE))
    return [(p.name, *(str(a.value if a.value is not None else a.symbol) for a in (p.processes, p.threads))) for p in found]


COMMANDS = {
    "gunicorn -w 4 --threads 8 shop.wsgi": ("gunicorn", "4", "8"),
    "gunicorn shop.wsgi": ("gunicorn", "1", "1"),
    "gunicorn -w 3 -k gevent --worker-connections 50 shop.wsgi": ("gunicorn", "3", "50"),
    "gunicorn -w 3 -k uvicorn.workers.UvicornWorker shop.asgi": ("gunicorn", "3", "requests"),
    "uvicorn --workers 4 shop.asgi:app": ("uvicorn", "4", "requests"),
    "fastapi run --workers 4 shop/app.py": ("fastapi", "4", "requests"),
    "hypercorn -w 4 shop.asgi:app": ("hypercorn", "4", "requests"),
    "granian --interface asgi --workers 2 shop:app": ("granian", "2", "requests"),
    "daphne shop.asgi:app": ("daphne", "1", "requests"),
    "waitress-serve --threads 16 shop:app": ("waitress", "1", "16"),
    "uwsgi --http :8000 --processes 4 --threads 2": ("uwsgi", "4", "2"),
    "mod_wsgi-express start-server --processes 3 --threads 10 wsgi.py": ("mod-wsgi", "3", "10"),
    "celery -A shop worker -c 6": ("celery-worker", "6", "1"),
    "celery -A shop worker": ("celery-worker", "processors", "1"),
    "celery -A shop worker -P threads -c 12": ("celery-worker", "1", "12"),
    "celery -A shop beat": ("celery-beat", "1", "1"),
    "rq worker default": ("rq", "1", "1"),
    "rq worker-pool -n 5 default": ("rq-pool", "5", "1"),
    "dramatiq shop.tasks -p 2 -t 4": ("dramatiq", "2", "4"),
    "php-fpm": ("php-fpm", "5", "1"),
    "php artisan octane:start --server=swoole --workers=6": ("octane", "6", "1"),
    "php artisan octane:start --server=frankenphp": ("octane", "processors", "1"),
    "php artisan queue:work": ("laravel-worker", "1", "1"),
    "php bin/console messenger:consume async": ("messenger", "1", "1"),
    "frankenphp run --config /etc/caddy/Caddyfile": ("frankenphp", "1", "processors x 2"),
    "frankenphp php-server": ("frankenphp", "1", "processors x 2"),
    "bundle exec puma -w 2 -t 5:8": ("puma", "2", "8"),
    "bundle exec sidekiq -c 20": ("sidekiq", "1", "20"),
    "bundle exec good_job start --max-threads=8": ("good-job", "1", "8"),
    "bin/jobs start": ("solid-queue", "1", "3"),
    "bundle exec rake jobs:work": ("delayed-job", "1", "1"),
    "pm2-runtime dist/server.js -i 4": ("pm2", "4", "requests"),
    "pm2-runtime dist/server.js -i max": ("pm2", "processors", "requests"),
    "node dist/server.js": ("node", "1", "requests"),
}


@pytest.mark.parametrize(("command", "numbers"), COMMANDS.items(), ids=list(COMMANDS))
def test_a_command(command: str, numbers: tuple[str, str, str]) -> None:
    assert started(command, {}, {}) == [numbers]


FILES = {
    "gunicorn's own file": (
        "gunicorn shop.wsgi",
        {"gunicorn.conf.py": "import multiprocessing\nworkers = multiprocessing.cpu_count() * 2 + 1\nthreads = 4\n"},
        ("gunicorn", "processors", "4"),
    ),
    "a variable of gunicorn's file": (
        "gunicorn -c conf/gunicorn.conf.py shop.wsgi",
        {"conf/gunicorn.conf.py": 'import os\nworkers = int(os.environ.get("WORKERS", "6"))\n'},
        ("gunicorn", "6", "1"),
    ),
    "hypercorn's file": (
        "hypercorn -c hypercorn.toml shop:app",
        {"hypercorn.toml": 'bind = "0.0.0.0:80"\nworkers = 5\n'},
        ("hypercorn", "5", "requests"),
    ),
    "uWSGI's file": (
        "uwsgi --ini uwsgi.ini",
        {"uwsgi.ini": "[uwsgi]\nprocesses = 6\nthreads = 2\n"},
        ("uwsgi", "6", "2"),
    ),
    "mod_wsgi in Apache's file": (
        "apache2ctl -D FOREGROUND",
        {
            "docker/apache/shop.conf": "<VirtualHost *:80>\n"
            "    WSGIDaemonProcess shop processes=3 threads=12 python-home=/venv\n"
            "    WSGIScriptAlias / /app/wsgi.py\n</VirtualHost>\n"
        },
        ("mod-wsgi-daemon", "3", "12"),
    ),
    "a pool of php-fpm": (
        "php-fpm -F",
        {"docker/php-fpm.conf": "[www]\npm = dynamic\npm.max_children = 40\n"},
        ("php-fpm", "40", "1"),
    ),
    "FrankenPHP's threads": (
        "frankenphp run --config /etc/caddy/Caddyfile",
        {"docker/Caddyfile": "{\n\tfrankenphp {\n\t\tnum_threads 24\n\t}\n}\n"},
        ("frankenphp", "1", "24"),
    ),
    "Puma's file": (
        "bundle exec puma -C config/puma.rb",
        {"config/puma.rb": 'workers ENV.fetch("WEB_CONCURRENCY") { 3 }\nthreads 5, 10\n'},
        ("puma", "3", "10"),
    ),
    "Sidekiq's file": (
        "bundle exec sidekiq -C config/sidekiq.yml",
        {"config/sidekiq.yml": ":concurrency: 15\n"},
        ("sidekiq", "1", "15"),
    ),
    "GoodJob's initializer": (
        "bundle exec good_job start",
        {"config/initializers/good_job.rb": "Rails.application.configure do\n  config.good_job.max_threads = 12\nend\n"},
        ("good-job", "1", "12"),
    ),
    "Solid Queue's groups": (
        "bin/jobs",
        {
            "config/queue.yml": "default: &default\n  workers:\n    - {queues: fast, threads: 5, processes: 2}\n"
            "    - {queues: slow, threads: 8}\nproduction:\n  <<: *default\n"
        },
        ("solid-queue", "3", "8"),
    ),
    "Solid Queue's variable": (
        "bin/jobs start",
        {
            "config/queue.yml": "production:\n  workers:\n    - queues: '*'\n      threads: 3\n"
            '      processes: <%= ENV.fetch("JOB_CONCURRENCY", 4) %>\n'
        },
        ("solid-queue", "4", "3"),
    ),
    "PM2's file": (
        "pm2-runtime start ecosystem.config.json",
        {"ecosystem.config.json": '{"apps": [{"name": "web", "script": "dist/server.js", "instances": 4}]}'},
        ("node", "4", "requests"),
    ),
    "PM2's file, as code": (
        "pm2-runtime start ecosystem.config.js --env production",
        {
            "ecosystem.config.js": "module.exports = { apps: [{ name: 'web', script: './dist/server.js',\n"
            "  instances: Number(process.env.WEB_CONCURRENCY) || 4, env_production: { WEB_CONCURRENCY: '6' } }] };\n"
        },
        ("node", "6", "requests"),
    ),
    "PM2's file that says max": (
        "pm2-runtime ecosystem.config.cjs",
        {"ecosystem.config.cjs": "module.exports = { apps: [{ script: 'dist/server.js', instances: 'max' }] };\n"},
        ("node", "processors", "requests"),
    ),
    "a script, and PM2's file of another": (
        "pm2-runtime dist/server.js -i 3",
        {"ecosystem.config.json": '{"apps": [{"name": "web", "script": "dist/other.js", "instances": 9}]}'},
        ("pm2", "3", "requests"),
    ),
    "supervisord": (
        "supervisord -n -c supervisord.conf",
        {"supervisord.conf": "[program:web]\ncommand=gunicorn -w 2 shop.wsgi\nnumprocs=3\n"},
        ("gunicorn", "6", "1"),
    ),
    "Horizon": (
        "php artisan horizon",
        {
            "config/horizon.php": "<?php return ['environments' => ['production' => "
            "['supervisor-1' => ['maxProcesses' => 10]]]];"
        },
        ("laravel-worker", "10", "1"),
    ),
}


@pytest.mark.parametrize(("command", "files", "numbers"), FILES.values(), ids=list(FILES))
def test_a_file(command: str, files: Mapping[str, str], numbers: tuple[str, str, str]) -> None:
    assert started(command, files, {}) == [numbers]


def test_variables_stand_behind_flags() -> None:
    variables = {"WEB_CONCURRENCY": "7", "GUNICORN_CMD_ARGS": "--threads 3"}
    assert started("gunicorn shop.wsgi", {}, variables) == [("gunicorn", "7", "3")]
    assert started("gunicorn -w 2 shop.wsgi", {}, variables) == [("gunicorn", "2", "3")]


def test_programs_of_the_table_are_known() -> None:
    told = {numbers[0] for numbers in (*COMMANDS.values(), *(numbers for _, _, numbers in FILES.values()))}
    assert told <= set(known_programs())
