"""Shell scripts: the commands, and what they stand in."""

from __future__ import annotations

import pytest

from analyzers.frontends import frontend_for, read_facts

SCRIPT = b"""#!/bin/bash
set -e
WORKERS=${WORKERS:-4}
server() {
  exec gunicorn \\
    -w "$WORKERS" shop:app && echo done
}
case "$1" in
  web|server) server ;;
  *) exec "$@" ;;
esac
"""


def test_commands_stand_under_the_way_to_them() -> None:
    assert [(s.key, s.value) for s in read_facts("bin/entrypoint.sh", SCRIPT).settings] == [
        ("command", "set -e"),
        ("set.WORKERS", "${WORKERS:-4}"),
        ("server()\tcommand", 'exec gunicorn -w "$WORKERS" shop:app'),
        ("server()\tcommand", "echo done"),
        ("$1=web|server\tcommand", "server"),
        ("$1=*\tcommand", 'exec "$@"'),
    ]


@pytest.mark.parametrize("path", ["bin/docker-entrypoint", "docker/entrypoint.sh", "scripts/start-web.sh", "run.sh"])
def test_scripts_that_start_something_are_read(path: str) -> None:
    frontend = frontend_for(path)
    assert frontend is not None
    assert frontend.language == "shell"


def test_a_broken_script_is_said_to_be_broken() -> None:
    facts = read_facts("run.sh", b"gunicorn a\nif [ ; then (\n")
    assert facts.problems
    assert facts.settings[0].value == "gunicorn a"


def test_a_deep_script_ends() -> None:
    assert read_facts("run.sh", b"( " * 5_000).language == "shell"


def test_a_script_that_is_parsed_in_pieces_keeps_its_texts() -> None:
    comment = b"# " + b"x" * 1_000 + b"\n"
    facts = read_facts("entrypoint.sh", comment * 40 + b"serve() {\n  exec gunicorn -w 4 shop:app\n}\n")
    assert [(s.key, s.value) for s in facts.settings] == [("serve()\tcommand", "exec gunicorn -w 4 shop:app")]
