"""Which file has which frontend, and that reading never raises."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import analyzers.frontends as frontends
from analyzers.facts.store import FileFacts
from analyzers.frontends import MAX_BYTES, frontend_for, read_facts

PATHS = {
    "python": ["shop/views.py", "shop/vendor/models.py", "a.PY"],
    "php": ["src/Entity/Order.php", "public/index.php"],
    "django": [
        "a/templates/x.html",
        "x.jinja2",
        "x.html.j2",
        "shop/templates/mail/order.txt",
        "templates/feed.xml",
        "deploy/a.yaml.j2",
    ],
    "twig": ["templates/order/index.html.twig", "mail.txt.twig"],
    "blade": ["resources/views/orders/index.blade.php", "a.blade.php"],
    "sql": ["migrations/001_init.up.sql", "db/V1__init.sql", "schema.sql"],
    "prisma": ["prisma/schema.prisma", "prisma/schema/user.prisma"],
    "yaml": [
        "compose.yaml",
        "docker-compose.yml",
        "docker-compose.override.yml",
        "infra/compose.prod.yaml",
        "config/packages/doctrine.yaml",
        "config/packages/prod/doctrine.yaml",
        "config/services.yaml",
        "k8s/web.yaml",
        "deploy/values.yaml",
        "charts/shop/values-prod.yaml",
        "helm/shop/templates/web.yaml",
        "src/Entity/Order.orm.yml",
    ],
    "definitions": ["charts/shop/templates/_helpers.tpl", "chart/templates/web/_env.yaml"],
    "xml": ["config/doctrine/Order.orm.xml", "src/Resources/config/doctrine/App.Entity.Order.dcm.xml"],
    "env": [".env", ".env.prod", "shop/.env.local", "prod.env"],
    "toml": ["pyproject.toml", "fly.toml", "fly.staging.toml"],
    "json": ["composer.json", "package.json"],
    "ini": ["docker/php.ini", "php-fpm.d/www.conf", "pgbouncer.ini", "supervisord.conf", "redis.conf"],
    "dockerfile": ["Dockerfile", "docker/php/Dockerfile.prod", "web.Dockerfile"],
    "javascript": ["src/app.js", "server.mjs", "src/page.jsx", "ecosystem.config.cjs"],
    "typescript": ["src/app.ts", "server.mts"],
    "tsx": ["app/page.tsx"],
    "load": ["k6/load.js", "load-tests/orders.ts"],
    "procfile": ["Procfile", "Procfile.dev"],
    "": [
        "README.md",
        "robots.txt",
        "vendor/a/b.php",
        "x/vendor/a.php",
        "node_modules/a/index.html",
        ".venv/a.py",
        "lib/site-packages/a.py",
        "dist/index.html",
        "src/types.d.ts",
        "static/app.min.js",
        "public/app.bundle.js",
        ".next/server/a.js",
        "node_modules/express/index.js",
        "vendor/jquery/jquery.js",
        "src/Button.stories.tsx",
        "static/a.min.html",
        "package-lock.json",
        "composer.lock",
        "poetry.lock",
        "migrations/001_init.down.sql",
        "db/U1__init.sql",
        "diesel/down.sql",
        "mkdocs.yml",
        ".github/workflows/ci.yml",
        "translations/messages.de.yaml",
        "other.toml",
        "a_pb2.py",
        "app/x.component.html",
        "data.json",
        "",
        "/",
        ".",
        "a.",
    ],
}


@pytest.mark.parametrize(("language", "path"), [(language, path) for language, paths in PATHS.items() for path in paths])
def test_frontend_for(language: str, path: str) -> None:
    found = frontend_for(path)
    assert (found.language if found else "") == language


@pytest.mark.parametrize("path", [paths[0] for language, paths in PATHS.items() if language])
def test_an_empty_file_says_nothing(path: str) -> None:
    facts = read_facts(path, b"")
    frontend = frontend_for(path)
    assert frontend is not None
    assert facts.language == frontend.language
    assert (facts.outline, facts.sql, facts.settings, facts.problems) == ((), (), (), ())
    assert frontend.version


def test_reading_never_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(source: bytes) -> FileFacts:
        raise RecursionError

    monkeypatch.setattr(frontends, "frontend_for", lambda path: SimpleNamespace(language="x", version="1", read=read))
    facts = read_facts("a.x", b"one\ntwo")
    assert [problem.text for problem in facts.problems] == ["The file could not be read (RecursionError)."]
    assert facts.span(4, 7).start_line == 2


def test_a_huge_file_is_not_read() -> None:
    (problem,) = read_facts("a.sql", b" " * (MAX_BYTES + 1)).problems
    assert "larger" in problem.text


def test_a_file_of_no_language_is_a_problem() -> None:
    assert len(read_facts("a.unknown", b"x").problems) == 1


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_path_is_answered(path: str) -> None:
    frontend_for(path)
    frontend_for(path + "/vendor/compose.yaml")
