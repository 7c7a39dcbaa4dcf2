"""What must hold when a storm is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from bot.local_github import PullRequest
from tests.chaos.blows import BLOWS
from tests.chaos.storm import Storm
from tests.chaos.world import Head


def violations(storm: Storm) -> list[str]:
    """Every sentence of the promise that does not hold. Empty is what is wanted."""
    last = {id(head.pull): head for head in storm.world.heads}
    found = [] if storm.ended else ["there was still something to do when the time was over"]
    for head in storm.world.heads:
        found += [f"{_name(head)}: {text}" for text in _of_head(storm, head, is_last=last[id(head.pull)] is head)]
    for head in last.values():
        found += [f"{_name(head)}: {text}" for text in _of_pull(head)]
    found += [f"dead letter {letter.id}: {letter.reason}" for letter in storm.letters]
    return found


def _of_head(storm: Storm, head: Head, *, is_last: bool) -> Iterator[str]:
    every = storm.world.github.check_runs(head.pull.repository, head.sha)
    if left := [run.id for run in every if run.status != "completed"]:
        yield f"check runs {left} are left open"
    runs = [run for run in every if run.name == "cliffguard"]
    reviews = [review for review in head.pull.reviews if review.commit == head.sha]
    if len(reviews) > 1:
        yield f"{len(reviews)} reviews"
    if not is_last or head.pull.state == "closed":
        return
    conclusions = [run.conclusion for run in runs]
    wanted = "failure" if head.bad else "success"
    if conclusions != [wanted]:
        yield f"check runs ended as {conclusions}, not once as {wanted}"
    told_before = {comment.path for comment in head.pull.review_comments if comment.original_commit != head.sha}
    if len(reviews) != (1 if head.bad - told_before else 0):
        yield f"{len(reviews)} reviews, with {len(head.bad - told_before)} findings that were not told before"


def _of_pull(head: Head) -> Iterator[str]:
    told = Counter(comment.path for comment in head.pull.review_comments)
    if repeated := [path for path, count in told.items() if count > 1]:
        yield f"told more than once: {', '.join(repeated)}"
    if invented := set(told) - head.bad:
        yield f"told without cause: {', '.join(sorted(invented))}"
    if head.pull.state == "open" and (missing := head.bad - set(told)):
        yield f"never told: {', '.join(sorted(missing))}"


def _name(head: Head) -> str:
    pull: PullRequest = head.pull
    return f"{pull.repository.full_name}#{pull.number} at {head.sha[:8]}"


def table(storm: Storm, broken: Sequence[str], requests: int, wrong: Sequence[str]) -> str:
    """The results, as Markdown."""
    heads = storm.world.heads
    pulls = {id(head.pull): head.pull for head in heads}
    comments = sum(len(pull.review_comments) for pull in pulls.values())
    runs = [run for head in heads for run in storm.world.github.check_runs(head.pull.repository, head.sha, "cliffguard")]
    lines = ["| What went wrong | Times | Heads under way | What comes of it |", "| --- | ---: | ---: | --- |"]
    then = {blow.name: blow.then for blow in BLOWS}
    lines += [f"| {name} | {one.times} | {len(one.heads)} | {then.get(name, '')} |" for name, one in storm.struck.items()]
    waits = sorted(head.closed - head.pushed for head in heads if head.closed is not None)
    kept = "yes" if not broken else f"**no: {len(broken)}**"
    lines += ["", "| Afterwards | |", "| --- | ---: |"]
    lines += [
        f"| heads pushed, on pull requests | {len(heads)}, {len(pulls)} |",
        f"| reviews with comments, comments | {sum(len(pull.reviews) for pull in pulls.values())}, {comments} |",
        f"| check runs, of them left open | {len(runs)}, {sum(run.status != 'completed' for run in runs)} |",
        f"| one review for each head that needed one, no comment twice, one completed check run | {kept} |",
        f"| from a push to its end: median, 95 of 100, slowest | {_seconds(waits)} |",
        f"| dead letters | {len(storm.letters)} |",
        f"| requests to GitHub, of them against its description | {requests:,}, {len(wrong)} |",
        f"| time | {storm.seconds / 60:.1f} min |",
    ]
    return "\n".join(lines)


def _seconds(waits: Sequence[float]) -> str:
    return (
        ", ".join(f"{waits[min(len(waits) - 1, int(share * len(waits)))]:.0f} s" for share in (0.5, 0.95, 1.0))
        if waits
        else "-"
    )
