"""The embedded Valkey keeps what it was given, and says why when it cannot start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.embedded import EmbeddedValkey, end_left_behind
from bot.errors import Broken
from bot.valkey import connect


def test_it_keeps_its_data_over_a_restart(tmp_path: Path) -> None:
    for value in (None, b"1", b"2"):
        with EmbeddedValkey(tmp_path) as server, connect(server.url) as client:
            assert client.get("key") == value
            client.incr("key")


def test_it_keeps_its_data_over_a_kill(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as server, connect(server.url) as client:
        client.set("key", "value")
        until_written(tmp_path, b"value")
        os.kill(server.pid, signal.SIGKILL)
    with EmbeddedValkey(tmp_path) as server, connect(server.url) as client:
        assert client.get("key") == b"value"


def until_written(folder: Path, value: bytes) -> None:
    """The append-only file is written before the answer, and synced to the disk every second."""
    deadline = time.monotonic() + 10
    while not any(value in part.read_bytes() for part in folder.rglob("*.aof")):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_it_never_evicts_and_always_appends(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as server, connect(server.url) as client:
        config = client.config_get("*")
        assert config["appendonly"] == "yes"
        assert config["appendfsync"] == "everysec"
        assert config["maxmemory-policy"] == "noeviction"
        assert config["port"] == "0", "nobody else on this machine can connect"
        assert (tmp_path / "valkey.sock").stat().st_mode & 0o077 == 0


@pytest.fixture(params=["short", "long" * 30])
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """One whose socket is in it, and one whose socket is elsewhere: its path is too long."""
    return tmp_path / str(request.param)


def test_two_on_one_folder_are_refused(folder: Path) -> None:
    with EmbeddedValkey(folder) as server, connect(server.url) as client:
        with pytest.raises(Broken, match="already in use"):
            EmbeddedValkey(folder).start()
        assert client.ping()


def test_a_folder_with_a_long_path_is_fine(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    with EmbeddedValkey(folder) as server, connect(server.url) as client:
        assert client.ping()
        assert len(server.url) < 130


def test_a_folder_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Broken, match="file"):
        EmbeddedValkey(tmp_path / "file").start()


def test_damaged_data_is_an_error_that_names_the_folder(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as server, connect(server.url) as client:
        client.set("key", "value" * 1000)
    for part in tmp_path.rglob("*.manifest"):
        part.write_text("this is no manifest\n")
    with pytest.raises(Broken, match="does not start on"):
        EmbeddedValkey(tmp_path).start()


def test_one_left_behind_by_a_killed_process_is_ended_with_its_data_kept(folder: Path) -> None:
    code = (
        "import sys, pathlib; from bot.embedded import EmbeddedValkey\n"
        "server = EmbeddedValkey(pathlib.Path(sys.argv[1])); server.start(); print(server.url, flush=True); sys.stdin.read()"
    )
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdin
    with connect(process.stdout.readline().strip()) as client:
        client.set("key", "value")
        process.kill()
        process.wait(10)
        assert client.ping()
    process.stdout.close()
    process.stdin.close()
    assert end_left_behind(folder)
    assert not end_left_behind(folder)
    with EmbeddedValkey(folder) as server, connect(server.url) as client:
        assert client.get("key") == b"value"


def test_an_interrupt_of_the_terminal_does_not_reach_it(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as server, connect(server.url) as client:
        os.kill(server.pid, signal.SIGINT)
        assert client.ping()
