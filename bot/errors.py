"""How a failure is answered. Every exception that leaves a step of a review is one of these three, or a bug."""

from __future__ import annotations


class Later(Exception):
    """Try the whole job again, not before `after` seconds have passed (rate limit, outage, a lease held by another run)."""

    def __init__(self, reason: str, after: float = 5.0) -> None:
        super().__init__(reason)
        self.reason, self.after = reason, after


class Gone(Exception):
    """Nothing is left to do: superseded, closed, uninstalled. Stop quietly, leaving what is published."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Broken(Exception):
    """The review cannot be done, and another try would not help. The check run says so, with `reason`, in one sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
