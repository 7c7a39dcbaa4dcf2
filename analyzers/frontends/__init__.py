"""The registry of frontends: which language a path holds, and what its bytes say.

A language is one line here and one module beside it. Files that nobody wrote by hand, or that another project wrote
(dependencies, bundles, minified and locked files), have no frontend.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache

from analyzers.facts.store import FileFacts, FileProblem
from analyzers.frontends.frontend import Frontend
from analyzers.frontends.lines import line_starts

MAX_BYTES = 4_000_000
"""No frontend is given more than this; most stop earlier. SQL dumps of large schemas reach it."""

_LONGEST_PATH = 1_000
"""A path of more characters is nobody's, and names no language: what asks for names of folders would take long over it."""


def _python() -> Frontend:
    from analyzers.frontends.python import PythonFrontend

    return PythonFrontend()


def _php() -> Frontend:
    from analyzers.frontends.php import PhpFrontend

    return PhpFrontend()


def _django() -> Frontend:
    from analyzers.frontends.templates import DjangoFrontend

    return DjangoFrontend()


def _twig() -> Frontend:
    from analyzers.frontends.templates import TwigFrontend

    return TwigFrontend()


def _blade() -> Frontend:
    from analyzers.frontends.blade import BladeFrontend

    return BladeFrontend()


def _sql() -> Frontend:
    from analyzers.frontends.sql import SqlFrontend

    return SqlFrontend()


def _prisma() -> Frontend:
    from analyzers.frontends.prisma import PrismaFrontend

    return PrismaFrontend()


def _shell() -> Frontend:
    from analyzers.frontends.shell import ShellFrontend

    return ShellFrontend()


def _ruby() -> Frontend:
    from analyzers.frontends.ruby import RubyFrontend

    return RubyFrontend()


def _javascript() -> Frontend:
    from analyzers.frontends.script import JavaScriptFrontend

    return JavaScriptFrontend()


def _typescript() -> Frontend:
    from analyzers.frontends.script import TypeScriptFrontend

    return TypeScriptFrontend()


def _tsx() -> Frontend:
    from analyzers.frontends.script import TsxFrontend

    return TsxFrontend()


def _config(language: str) -> Callable[[], Frontend]:
    def load() -> Frontend:
        from analyzers.frontends import config

        return config.FORMATS[language]

    return load


# Loaded where first used: a review of a PHP project needs no grammar of Python.
_LOADERS: dict[str, Callable[[], Frontend]] = {
    "python": _python,
    "php": _php,
    "django": _django,
    "twig": _twig,
    "blade": _blade,
    "sql": _sql,
    "prisma": _prisma,
    "shell": _shell,
    "ruby": _ruby,
    "javascript": _javascript,
    "typescript": _typescript,
    "tsx": _tsx,
    **{
        language: _config(language)
        for language in (
            "yaml",
            "definitions",
            "json",
            "xml",
            "toml",
            "env",
            "ini",
            "dockerfile",
            "procfile",
            "requirements",
            "gemfile",
            "load",
        )
    },
}

_BY_EXTENSION = {
    "py": "python",
    "php": "php",
    "html": "django",
    "htm": "django",
    "djhtml": "django",
    "jinja": "django",
    "jinja2": "django",
    "j2": "django",
    "twig": "twig",
    "sql": "sql",
    "prisma": "prisma",
}
_SCRIPTS = {
    **dict.fromkeys(("js", "jsx", "mjs", "cjs"), "javascript"),
    **dict.fromkeys(("ts", "mts", "cts"), "typescript"),
    "tsx": "tsx",
}
"""Languages of paths that nothing else claims: a load test is one of these too."""

# Patterns match the whole path (`^(.*/)?` before them); the first that fits decides.
_BY_NAME: tuple[tuple[str, str], ...] = (
    ("dockerfile", r"(?:Dockerfile|Containerfile)(?:[.-][\w.-]+)?|[\w.-]+\.[Dd]ockerfile"),
    ("procfile", r"Procfile(?:\.(?!sh$)\w+)?"),
    ("requirements", r"requirements[\w.-]*\.(?:txt|in|pip)|requirements/[\w./-]+\.(?:txt|in|pip)"),
    ("gemfile", r"Gemfile"),
    ("xml", r"[\w.-]+\.jmx"),
    (
        "load",
        r"(?:load[-_]?test(?:s|ing)?|k6|gatling|stress(?:[-_]?tests?)?|perf(?:ormance)?(?:[-_]?tests?)?)/(?:.*/)?[\w.-]+"
        r"\.(?:js|mjs|ts|scala|java|kt|lua)|[\w.-]*(?:load[-_]?test|(?<![a-z0-9])k6(?![a-z0-9]))[\w.-]*\.(?:js|mjs|ts|lua)"
        r"|\w*Simulation\.(?:scala|java|kt)",
    ),
    ("definitions", r"templates/(?:.*/)?_[\w.-]*\.(?:tpl|ya?ml)"),
    ("yaml", r"(?:artillery|load[-_]?test(?:s|ing)?)/(?:.*/)?[\w.-]+\.ya?ml|[\w.-]*(?:artillery|load[-_]?test)[\w.-]*\.ya?ml"),
    ("ini", r"locust\.conf"),
    ("env", r"\.env(?:\.[\w.-]+)?|[\w-]+\.env|\.flaskenv"),
    ("toml", r"(?:pyproject|netlify)\.toml|(?:fly|railway|pgcat|hypercorn)(?:[.-][\w-]+)?\.toml|Pipfile|migration_lock\.toml"),
    ("json", r"composer\.json|package\.json|app\.json|vercel\.json|railway\.json|ecosystem\.config\.json|config/config\.json"),
    ("json", r"[\w.-]*(?:task-?def(?:inition)?|ecs-?(?:task|service)|desired-?count)[\w.-]*\.json"),
    ("yaml", r"(?:docker-)?compose[\w.-]*\.ya?ml"),
    ("yaml", r"config/(?:packages/(?:.*/)?|[\w-]*routes/(?:.*/)?)?[\w.-]+\.ya?ml|app/config/[\w.-]+\.ya?ml"),
    (
        "yaml",
        r"(?:[\w.-]*(?:k8s|kubernetes|kube|deploy|helm|chart|manifest|kustomize|overlay)[\w.-]*)/(?:.*/)?[\w.-]+\.ya?ml",
    ),
    ("yaml", r"(?:doctrine|render|app|serverless|values|fly|sqlc|kustomization|Chart|template)(?:[.-][\w.-]+)?\.ya?ml"),
    ("yaml", r"[\w.-]*(?:deployment|statefulset|daemonset|configmap|cronjob|hpa)[\w.-]*\.ya?ml|[\w.-]+\.(?:orm|dcm)\.ya?ml"),
    ("yaml", r"messenger(?:[.-][\w.-]+)?\.ya?ml"),
    ("yaml", r"(?:services|compose|compose\.d)/[\w.-]+\.ya?ml"),
    ("yaml", r"templates/(?:.*/)?[\w.-]+\.ya?ml"),
    ("xml", r"[\w.-]+\.(?:orm|dcm)\.xml"),
    ("ini", r"(?:php|uwsgi|pgbouncer|supervisord?|php-fpm|www|my|postgresql|redis|valkey)(?:[.-][\w.-]+)?\.(?:ini|conf|cnf)"),
    ("ini", r"(?:php-fpm\.d|pool\.d|fpm|conf\.d|supervisord?(?:\.d)?)/[\w.-]+\.(?:conf|ini)"),
    ("ini", r"[\w@.-]+\.service|debian/service|(?:nginx|proxysql|supervisor)[\w.-]*\.(?:conf|cnf)"),
    ("ini", r"(?:apache2?|httpd|sites-(?:available|enabled)|vhosts?)/(?:.*/)?[\w.-]+\.conf|[\w.-]*Caddyfile"),
    ("ini", r"[\w.-]*(?:apache|httpd|vhost|wsgi)[\w.-]*\.conf"),
    (
        "shell",
        r"[\w.-]*(?:entry-?point|entry|start|run|serve|web|worker|init|boot|command|cmd|gunicorn|celery|Procfile)[\w.-]*\.(?:sh|bash)",
    ),
    ("shell", r"(?:bin/|docker/|compose/.*/)?(?:docker-)?(?:entrypoint|start|run|serve|web|worker)"),
    # Of Ruby what states the schema, and what server processes run; reading the rest would serve nothing yet.
    ("ruby", r"db/(?:(?:\w+_)?schema|\w*migrate/(?:.*/)?\d+_\w+)\.rb|config/(?:puma|unicorn)\.rb"),
    (
        "ruby",
        r"config/(?:application|environments/production|initializers/(?:session_store|cache_store|storage|good_job))\.rb",
    ),
    ("django", r"(?:[\w-]*templates?|jinja2|views)/(?:.*/)?[\w.-]+\.(?:txt|xml)"),
)
_NAMES = re.compile("|".join(f"(?P<p{number}>(?:.*/)?(?:{pattern}))" for number, (_, pattern) in enumerate(_BY_NAME)))
_NAMED_EXTENSIONS = re.compile(
    r"(?:\.(?:ya?ml|tpl|toml|json|ini|conf|cnf|env|txt|in|pip|xml|jmx|sh|bash|rb|service|js|mjs|ts|scala|java|kt|lua|[Dd]ockerfile)"
    r"|(?:^|/)(?:\.env|\.flask|Docker|Container|Proc|Pip|Gem)[^/]*|Caddyfile"
    r"|(?:^|/)(?:docker-)?(?:entrypoint|start|run|serve|web|worker)|(?:^|/)debian/service)$"
)

_NOT_OURS = re.compile(
    r"(?:^|/)(?:node_modules|bower_components|\.venv|venv|site-packages|dist-packages|_vendor|dist|__pycache__|\.git|\.tox|\.nox"
    r"|\.eggs|htmlcov|var/cache)/"
    r"|^vendor/"
    r"|(?:^|/)vendor/(?!.*\.py$)"
    r"|\.min\.[\w.]+$"
    r"|(?:^|/)(?:package-lock\.json|composer\.lock|pnpm-lock\.ya?ml|yarn\.lock|symfony\.lock|[\w.-]+\.lock)$"
    r"|_pb2(?:_grpc)?\.py$|\.component\.html$"
    r"|\.d\.[mc]?ts$|[.-](?:bundle|chunk|packed)\.[mc]?js$|(?:^|/)(?:\.next|\.nuxt|\.output|\.yarn|\.svelte-kit|storybook-static)/"
    r"|\.(?:stories|story)\.[mc]?[jt]sx?$|(?:^|/)\.storybook/"
    r"|(?:^|[/._-])(?:down|undo|rollback|revert)\.sql$|(?:^|/)U\d[\w.]*__[^/]*\.sql$|(?:^|/)(?:down|undo|rollbacks?)/[^/]*\.sql$"
)


@cache
def _load(language: str) -> Frontend:
    return _LOADERS[language]()


def _language(path: str) -> str:
    """The language a path holds; empty where nothing reads it."""
    if len(path) > _LONGEST_PATH:
        return ""
    extension = path.rpartition(".")[2].lower()
    language = _BY_EXTENSION.get(extension, "")
    if language == "php" and path.lower().endswith(".blade.php"):
        language = "blade"
    if not language and _NAMED_EXTENSIONS.search(path) and (named := _NAMES.fullmatch(path)):
        language = _BY_NAME[int((named.lastgroup or "p0")[1:])][0]
    language = language or _SCRIPTS.get(extension, "")
    return "" if language and _NOT_OURS.search(path) else language


@lru_cache(maxsize=100_000)
def frontend_for(path: str) -> Frontend | None:
    """The frontend that reads the file at `path`, or `None` where nothing does."""
    language = _language(path)
    return _load(language) if language else None


def read_facts(path: str, source: bytes) -> FileFacts:
    """What the file at `path` says. Never raises: a frontend that fails leaves a problem of the whole file."""
    frontend = frontend_for(path)
    if frontend is None:
        return FileFacts("", _lines(source), problems=(FileProblem(0, "Nothing here reads files of this kind."),))
    if len(source) > MAX_BYTES:
        problem = FileProblem(0, f"The file is larger than {MAX_BYTES:,} bytes and was not read.")
        return FileFacts(frontend.language, _lines(source), problems=(problem,))
    try:
        return frontend.read(source)
    except Exception as error:
        problem = FileProblem(0, f"The file could not be read ({type(error).__name__}).")
        return FileFacts(frontend.language, _lines(source), problems=(problem,))


def executed_sql(source: bytes) -> bytes:
    """A file of SQL with what is not executed blanked out: the way back of a migration. Offsets stay."""
    from analyzers.frontends.sql_statements import only_up

    return only_up(source.decode("latin-1")).encode("latin-1")


def _lines(source: bytes) -> bytes:
    return line_starts(source).tobytes()
