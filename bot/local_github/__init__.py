"""A GitHub on this machine: for `cliffguard run` without an App, and for tests."""

from bot.local_github.faults import Fault, Faults, Moment
from bot.local_github.server import LocalGitHub
from bot.local_github.state import CheckRun, PullRequest, Repository, Review, ReviewComment

__all__ = ["CheckRun", "Fault", "Faults", "LocalGitHub", "Moment", "PullRequest", "Repository", "Review", "ReviewComment"]
