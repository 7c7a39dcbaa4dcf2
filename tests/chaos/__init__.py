"""Faults by the dozen, and afterwards a count: every pull request has its review, once.

    world     repositories, pull requests and pushes, and what is to be told of each
    blows     what is done to the service and to GitHub's answers while it reviews
    storm     pushes and blows in one order, drawn from a seed, at moments nobody chooses
    verdict   what must hold when it is over

The service is the real one, as processes: `bot.app`, `bot.worker`, Valkey with its append-only file. GitHub is the local one.

    python -m tests.chaos [--reviews 200] [--seed 1] [--minutes 10]

writes the table of `docs/chaos.md`. `test_chaos.py` is a small storm for the suite.
"""
