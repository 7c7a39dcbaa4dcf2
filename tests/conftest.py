"""Settings of all tests, and what is looked at when all of them have ended."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests.bot import contract

# The same examples every time, and no verdict on the speed of a busy machine.
settings.register_profile("cliffguard", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cliffguard")

JUDGED = pytest.StashKey[contract.Judged]()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Holds every request that the tests recorded against GitHub's description; one that breaks it fails the run.

    The tests may have run in several processes: it is the one that started them which looks.
    """
    if hasattr(session.config, "workerinput"):
        return
    judged = contract.judged(session.config._tmp_path_factory.getbasetemp())  # type: ignore[attr-defined]
    session.config.stash[JUDGED] = judged
    if judged.violations and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    judged = config.stash.get(JUDGED, contract.Judged())
    if judged.checked:
        terminalreporter.section("requests to GitHub")
        terminalreporter.line(f"{judged.checked} were recorded, {len(judged.violations)} break GitHub's description.")
        for violation in judged.violations[:20]:
            terminalreporter.line(violation, red=True)
