"""What the declaration of a job says of it: for how long it is tried again, how long it may take, and what is kept of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil, inf

import msgspec

from analyzers.facts.outline import Call, Keyword, Name, Node, Other, Text, walk
from analyzers.knowledge.derived import derived
from analyzers.knowledge.work import Declared, known
from analyzers.model.errands import Errand, Flaw
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import External, FunctionDefinition
from analyzers.model.naming.roles import is_batch, is_product
from analyzers.model.requests.texts import functions
from analyzers.model.requests.work import durations
from analyzers.model.requests.work.enqueued import put_by
from analyzers.words import indefinite

_declared = derived(lambda: tuple((one.language, words) for one in known() for words in one.declared))
_ALL = frozenset({"Exception", "BaseException"})
_OUTSIDE = frozenset({"http", "mail", "message", "payment", "model", "storage"})


class _Job(msgspec.Struct, frozen=True):
    """A job, with where and how it is declared: by a mark of its own, or by the call that puts it into a queue."""

    path: str
    definition: FunctionDefinition
    words: Declared
    node: Node
    given: Mapping[str, Node]
    is_mark: bool

    @property
    def name(self) -> str:
        return self.definition.node.name


def flaws(code: Codebase, errands: Iterable[Errand]) -> Iterator[Flaw]:
    """What the declarations of jobs are found to say that loses or keeps more than anybody wants."""
    done: dict[tuple[str, str], list[Errand]] = defaultdict(list)
    for errand in errands:
        done[errand.place.path, errand.function].append(errand)
    for job in _jobs(code):
        does = done.get((job.definition.path, job.definition.qualified), [])
        if job.is_mark:
            yield from _for_ever(code, job)
            yield from _unpaced(code, job, does)
        yield from _ended(code, job, does)
        yield from _results(code, job)


def _jobs(code: Codebase) -> Iterator[_Job]:
    for path, facts in code.files.items():
        if not is_product(path) or is_batch(path):
            continue
        tops = {i.path.partition(".")[0] for i in facts.imports}
        wanted = [w for language, w in _declared() if language == facts.language and not tops.isdisjoint(w.packages)]
        for definition in functions(code, path) if wanted else ():
            yield from _marked(code, definition, wanted)
            for words in (w for w in wanted if w.put):
                for call, job in put_by(code, definition, words.packages, words.put):
                    if job is not None:
                        yield _Job(path, job, words, call, _given(call.keywords), is_mark=False)


def _marked(code: Codebase, definition: FunctionDefinition, wanted: Sequence[Declared]) -> Iterator[_Job]:
    for mark in definition.node.decorators:
        found = code.resolve_node(definition.path, mark.callee if isinstance(mark, Call) else mark)
        words = next((w for w in wanted if isinstance(found, External) and found.name in w.marks), None)
        if words is not None:
            yield _Job(
                definition.path, definition, words, mark, _given(mark.keywords if isinstance(mark, Call) else ()), is_mark=True
            )


def _given(keywords: Iterable[Keyword]) -> dict[str, Node]:
    return {k.name: k.value for k in keywords}


# -- how often ---------------------------------------------------------------------------------------------------------


def _for_ever(code: Codebase, job: _Job) -> Iterator[Flaw]:
    """A job that is tried again until it works, though some never do."""
    words, given = job.words, job.given
    endless = next((n for n in words.endless if _is_nothing(given.get(n))), None)
    if endless is None or given.keys() & {*words.ends, "**"} or (words.tried and given.keys().isdisjoint(words.tried)):
        return
    whatever = not words.tried or any(
        isinstance(n, Name) and n.id in _ALL for t in words.tried if t in given for n in walk(given[t])
    )
    yield Flaw(
        subject=f"{job.definition.qualified}: tried for ever",
        title=f"`{job.name}` is tried again for ever",
        message=(
            f"`{endless}` is `None`, so `{job.name}` is tried again until it works{' whatever fails' if whatever else ''}. One "
            "that cannot work (its row is gone, its data is wrong) stays in the queue for good, and each of them takes a "
            "worker again and again."
        ),
        remedy="Let it end, so that somebody sees what failed.",
        code=f"{endless}=10",
        language="python",
        place=code.place(job.path, job.node),
        listed="" if whatever else "Only what some errors end is tried again.",
    )


def _is_nothing(node: Node | None) -> bool:
    return isinstance(node, Text) and node.value is None


def _unpaced(code: Codebase, job: _Job, does: Sequence[Errand]) -> Iterator[Flaw]:
    """A job that is tried again after the same pause each time, and soon given up."""
    words, given = job.words, job.given
    outside = next((e for e in does if e.kind in _OUTSIDE), None)
    if not words.pause or outside is None or given.keys() & {*words.paced, *words.endless, "**"}:
        return
    if given.keys().isdisjoint(words.tried):
        return
    total = durations.told(words.pause * words.times)
    yield Flaw(
        subject=f"{job.definition.qualified}: tried again without backoff",
        title=f"`{job.name}` gives up after {total}, and all of its kind try again at the same moments",
        message=(
            f"`{job.name}` {outside.does}, and is tried again {words.times} times, each {durations.told(words.pause)} after "
            f"the last: what failed together comes again together, and if the other side is away for more than {total}, all of "
            "it is lost."
        ),
        remedy="Wait longer each time.",
        code=words.paces,
        language="python",
        place=code.place(job.path, job.node),
        related=((outside.place, f"`{outside.library}`"),),
        weight="low",
        listed="It is tried again; a longer pause keeps more.",
    )


# -- how long ----------------------------------------------------------------------------------------------------------


def _ended(code: Codebase, job: _Job, does: Sequence[Errand]) -> Iterator[Flaw]:
    """A job that waits for longer than its queue lets it."""
    words, stated = job.words, [job.given[n] for n in job.words.limit if n in job.given]
    allowed = durations.seconds(stated[0]) if stated else None
    limit = allowed / words.unit if allowed is not None else words.usual if not stated and _is_usual(code, job) else 0
    waits = [(x, e) for e in does if (x := max(e.bounded or 0, e.seconds or 0)) > limit]
    if limit <= 0 or limit == inf or not waits or "**" in job.given:
        return
    longest, errand = max(waits, key=lambda one: one[0])
    said = durations.told(limit)
    by = f"is allowed {said}" if stated else f"is allowed {said}, as nothing says more"
    yield Flaw(
        subject=f"{job.definition.qualified}: ended after {said}",
        title=f"`{job.name}` is ended by {words.title} before what it waits for may be there",
        message=(
            f"`{job.name}` waits for up to {durations.told(longest)} where it {errand.does}, and {by}: {words.title} ends it "
            "meanwhile, half done."
        ),
        remedy="Allow it more than the longest that it may wait, or have it wait for less.",
        code=words.limits.replace("{}", str(ceil(longest * words.unit * 1.5))),
        language="python",
        place=code.place(job.path, job.node),
        related=((errand.place, f"waits for up to {durations.told(longest)}"),),
    )


def _is_usual(code: Codebase, job: _Job) -> bool:
    """Whether nothing in the project says how long jobs may take that say nothing of it themselves."""
    if not job.words.usual:
        return False
    if not job.is_mark and any(True for _ in _marked(code, job.definition, (job.words,))):
        return False  # its own mark says so
    general = frozenset(job.words.general)
    return not any(is_product(path) and facts.may_say(general) for path, facts in code.files.items())


# -- what is kept ------------------------------------------------------------------------------------------------------


def _results(code: Codebase, job: _Job) -> Iterator[Flaw]:
    """Results that no store ever forgets, and failures that none ever keeps."""
    for option, value in job.words.kept.items():
        if durations.seconds(job.given.get(option, _NONE)) == value:
            yield Flaw(
                subject=f"{job.definition.qualified}: {option}",
                title=f"Each `{job.name}` stays in Redis for ever",
                message=(
                    f"`{option}` is {value}: its result is never forgotten, so Redis holds one job more for each "
                    f"`{job.name}`, until its memory is full."
                ),
                remedy="Say how long somebody may ask for it.",
                code=f"{option}={24 * 60 * 60}",
                language="python",
                place=code.place(job.path, job.node),
            )
    for option, value in job.words.thrown.items():
        if durations.seconds(job.given.get(option, _NONE)) == value:
            yield Flaw(
                subject=f"{job.definition.qualified}: {option}",
                title=f"`{job.name}` that fails is thrown away",
                message=f"`{option}` is {value}: {indefinite(job.name)} that fails is gone, and nobody sees it or tries again.",
                remedy="Keep what failed for as long as somebody may look at it.",
                code=f"{option}={7 * 24 * 60 * 60}",
                language="python",
                place=code.place(job.path, job.node),
                weight="low",
                listed="Somebody has said so.",
            )


_NONE = Other(0, 0, "nothing", ())
