"""What proofs of running projects share: a folder with the files of one, programs that run there, and a Valkey."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.embedded import EmbeddedValkey


@contextmanager
def valkey() -> Iterator[str]:
    """A Valkey of its own, by the socket file that it listens on."""
    with tempfile.TemporaryDirectory(prefix="valkey-") as folder, EmbeddedValkey(Path(folder)) as server:
        yield server.url


@contextmanager
def project(files: dict[str, bytes]) -> Iterator[Path]:
    """A folder with these files."""
    with tempfile.TemporaryDirectory(prefix="shop-") as name:
        for path, content in files.items():
            target = Path(name) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        (Path(name) / "shop" / "__init__.py").touch()
        yield Path(name)


def printed(folder: Path, code: str, *arguments: str) -> str:
    """What a program prints that runs in a process of its own, in the folder of a project."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
