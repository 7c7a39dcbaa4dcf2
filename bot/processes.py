"""Ends of processes: a child that must not outlive the process that started it, and a group that is stopped as one."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
PARENT = "CLIFFGUARD_PARENT"  # environment: the process whose end is ours


def end_with_parent(parent: int, with_signal: signal.Signals = signal.SIGKILL) -> None:
    """Has the kernel send this process `with_signal` when `parent` (a process id) dies. On Linux; elsewhere nothing happens."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, with_signal, 0, 0, 0)
    if os.getppid() != parent:  # it died in between
        os.kill(os.getpid(), with_signal)


def end_with_caller() -> None:
    """As `end_with_parent`, in the main thread of a command, if the one who started it asked for it."""
    if parent := os.environ.get(PARENT, ""):
        end_with_parent(int(parent), signal.SIGTERM)
