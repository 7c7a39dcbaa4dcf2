"""The proofs of what the rules say of MariaDB: on its server, from Debian's package, in a temporary folder.

A statement runs in one session. Once the server says that it works on the table, a second one tries to read and to write that,
giving up rather than waiting. What a query reads is counted by the storage engine.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.proofs.migration_safety import Effect

PACKAGE = "mariadb-server"
ROWS = 200_000
_STARTED, _RUN = 60.0, 120.0  # seconds; the first takes about two
TABLES = f"""
CREATE TABLE customers (id bigint PRIMARY KEY) ENGINE=InnoDB;
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL, status varchar(40) NOT NULL, total int, note text)
  ENGINE=InnoDB;
INSERT INTO customers SELECT seq FROM seq_1_to_100;
INSERT INTO orders SELECT seq, 1 + seq % 100, CONCAT('s', LPAD(seq, 8, '0')), seq, REPEAT('n', 200) FROM seq_1_to_{ROWS};
"""
CHANGES: dict[str, tuple[bool, bool]] = {
    "CREATE INDEX orders_total ON orders (total)": (True, True),
    "CREATE UNIQUE INDEX one_status ON orders (status)": (True, True),
    "ALTER TABLE orders MODIFY total bigint": (True, False),
    "ALTER TABLE orders MODIFY status text NOT NULL": (True, False),
    "CREATE FULLTEXT INDEX orders_note ON orders (note)": (True, False),
}
"""Statements, and whether others read and write the table meanwhile."""
SEARCHES: dict[str, bool] = {
    "status = 's00000042'": True,
    "status LIKE 's0000004%'": True,
    "status LIKE '%0042'": False,
    "lower(status) = 's00000042'": False,
    "customer_id = 42": True,
}
"""Conditions, and whether an index on the column narrows the rows that are read. `customer_id` has that of its constraint."""


class Server:
    """A running server, reached by its socket file."""

    def __init__(self, socket: Path) -> None:
        self._command = [
            _program("mariadb"),
            "--no-defaults",
            f"--socket={socket}",
            "--user=root",
            "--batch",
            "--skip-column-names",
        ]

    def run(self, statements: str, database: str = "proof") -> str:
        """What the client prints. Raises `CalledProcessError`."""
        command = [*self._command, database]
        return subprocess.run(command, input=statements, text=True, capture_output=True, check=True, timeout=_RUN).stdout

    def start(self, statement: str) -> subprocess.Popen[str]:
        return subprocess.Popen([*self._command, "proof", "--execute", statement], stderr=subprocess.PIPE, text=True)

    def goes(self, statement: str) -> bool:
        """Whether a session that waits for nobody is let through; what it wrote is taken back."""
        return self.takes(f"SET lock_wait_timeout = 0; SET innodb_lock_wait_timeout = 0; BEGIN; {statement}; ROLLBACK;", "1205")

    def takes(self, statements: str, error: str) -> bool:
        """Whether it does as it is told, and does not answer with that error. Any other is raised."""
        try:
            self.run(statements)
        except subprocess.CalledProcessError as refused:
            if error not in refused.stderr:
                raise RuntimeError(refused.stderr) from refused
            return False
        return True


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise SystemExit(f"This needs MariaDB's server ({name}), which is no Python package: apt-get install {PACKAGE}")
    return found


@contextlib.contextmanager
def mariadb() -> Iterator[Server]:
    """A running server with an empty database `proof`."""
    daemon, install = _program("mariadbd"), _program("mariadb-install-db")
    with tempfile.TemporaryDirectory(prefix="maria-") as name:
        folder = Path(name)
        user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        data = ["--no-defaults", f"--datadir={folder / 'data'}", f"--user={user}"]
        made = [install, *data, "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(made, check=True, capture_output=True, timeout=_STARTED)
        options = [f"--socket={folder / 's'}", f"--pid-file={folder / 'pid'}", "--skip-networking"]
        options += ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=256M"]
        with (folder / "log").open("wb") as log, subprocess.Popen([daemon, *data, *options], stdout=log, stderr=log) as process:
            try:
                server = Server(folder / "s")
                _wait(server, process, folder / "log")
                server.run("CREATE DATABASE proof", "mysql")
                yield server
            finally:
                process.terminate()


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _STARTED
    while True:
        try:
            server.run("SELECT 1", "mysql")
        except subprocess.CalledProcessError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"MariaDB does not start:\n{log.read_text(errors='replace')}") from error
            time.sleep(0.05)
        else:
            return


@contextlib.contextmanager
def _filled(server: Server) -> Iterator[None]:
    server.run(TABLES)
    try:
        yield
    finally:
        server.run("DROP TABLE orders, customers")


def effects(server: Server) -> dict[str, Effect]:
    """What others can do while each change runs, and by which algorithm it says it does."""
    found = {}
    for statement in CHANGES:
        with _filled(server):
            found[statement] = _effect(server, statement)
    return found


def _effect(server: Server, statement: str) -> Effect:
    free = _accepted(server, statement)
    with server.start(statement) as running:
        working = f"SELECT state FROM information_schema.processlist WHERE info = '{statement.replace(chr(39), chr(39) * 2)}'"
        while (state := server.run(working).strip()) not in _WORKING:
            assert running.poll() is None, f"{statement} was too fast to be watched: {state}"
        reads = server.goes("SELECT count(*) FROM (SELECT id FROM orders LIMIT 1) found")
        writes = server.goes("INSERT INTO orders (id, customer_id, status) VALUES (0, 1, 'x')")
        assert running.poll() is None, f"{statement} ended before it was tried to write"
        _, error = running.communicate(timeout=_RUN)
        assert running.returncode == 0, error
    return Effect("LOCK=NONE" if free else "", reads, writes)


_WORKING = ("copy to tmp table", "altering table", "Creating index")


def _accepted(server: Server, statement: str) -> bool:
    """Whether the server takes the same statement when it must let writes go on, on a table of the same shape."""
    server.run("CREATE TABLE shape LIKE orders")
    asked = statement.replace(" orders ", " shape ") + (" " if statement.startswith("CREATE") else ", ") + "LOCK=NONE"
    try:
        return server.takes(asked, "LOCK=NONE is not supported")
    finally:
        server.run("DROP TABLE shape")


def made_by_itself(server: Server) -> str:
    """The index that a constraint brought with it."""
    with _filled(server):
        server.run("ALTER TABLE orders ADD CONSTRAINT of_customer FOREIGN KEY (customer_id) REFERENCES customers (id)")
        return server.run("SELECT index_name FROM information_schema.statistics WHERE column_name = 'customer_id'").strip()


def searched(server: Server) -> dict[str, int]:
    """The entries of table and indexes that the engine reads for each condition."""
    with _filled(server):
        server.run("CREATE INDEX orders_status ON orders (status)")
        server.run("ALTER TABLE orders ADD CONSTRAINT of_customer FOREIGN KEY (customer_id) REFERENCES customers (id)")
        server.run("ANALYZE TABLE orders")
        return {condition: _read(server, condition) for condition in SEARCHES}


def _read(server: Server, condition: str) -> int:
    counters = "SHOW STATUS WHERE Variable_name LIKE 'Handler_read%'"
    query = f"SELECT id, total FROM orders WHERE {condition}"
    said = server.run(f"{query}; FLUSH STATUS; {query}; SELECT '--'; {counters};")  # the first reads what is known of the table
    return sum(int(line.split("\t")[1]) for line in said.rpartition("--\n")[2].splitlines())


def version(server: Server) -> str:
    return server.run("SELECT version()").partition("-")[0].strip()


def changes_table(found: dict[str, Effect]) -> str:
    lines = ["| statement | `LOCK=NONE` | others read | others write |", "|---|---|---|---|"]
    for statement, effect in found.items():
        said = ["yes" if goes else "wait" for goes in (effect.reads, effect.writes)]
        lines.append(f"| `{statement}` | {'accepted' if effect.lock else 'refused'} | {said[0]} | {said[1]} |")
    return "\n".join(lines) + "\n"


def searches_table(found: dict[str, int]) -> str:
    lines = [f"| searched by, of {ROWS:,} rows | entries read |", "|---|---:|"]
    lines += [f"| `{condition}` | {rows:,} |" for condition, rows in found.items()]
    return "\n".join(lines) + "\n"
