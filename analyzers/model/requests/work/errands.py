"""Calls that leave the process or work for long, with the ways on which requests come to them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator

from analyzers.deployment.scalars import Stated
from analyzers.facts.outline import Call, Function, Member, Name, Node, Other, Text, dotted, walk
from analyzers.knowledge.derived import derived
from analyzers.knowledge.work import Work, carried, known, work_of
from analyzers.model.errands import Errand, Reached, Wait
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition
from analyzers.model.naming.roles import is_batch, is_product
from analyzers.model.requests.bodies import around_requests
from analyzers.model.requests.work import carriers, caught, durations, enqueued, sites
from analyzers.model.requests.work.bounds import bound_of
from analyzers.model.requests.work.postponing import mail_is_queued
from analyzers.model.requests.work.sites import Stand
from analyzers.model.ways import CallSite, Reach, Way
from analyzers.model.ways import Function as Reaching
from analyzers.source import Place

_outside = derived(lambda: frozenset(name for one in known() for name in one.passing.outside))
_LONGEST = 8  # calls of a way
_carriers = derived(lambda: {name: work for one in known() for work in one.work for name in work.carries})
_BY_HAND = re.compile(
    r"(^|/)([\w-]*[_-]tests?|tests?[_-][\w-]*|e2e|\.?github|\.circleci|ci|hack|tools?|utils/scripts|devtools|dev|docker|deploy\w*|contrib/dev|notebooks?|setup\.py)(/|$)"
)


class Errands:
    """The errands of one revision."""

    def __init__(self, code: Codebase, reach: Reach, stated: Iterable[Stated]) -> None:
        self._code, self._reach = code, reach
        self._queued = mail_is_queued(stated)
        self._free: dict[tuple[str, ...], bool] = {}
        self._atomic = around_requests(code)
        self._stands: dict[CallSite, Stand | None] = {}

    def found(self) -> Iterator[Errand]:
        """One for each call that is an errand, and stands where the product runs it."""
        seen = frozenset((c.place.path, c.place.span.start_line) for c in self._reach.calls if c.library)
        for call in (*self._reach.calls, *caught.calls(self._code, seen)):
            language = self._code.files[call.place.path].language
            work = work_of(call.library, language) or _carriers().get(call.library) if call.library else None
            if work is None or is_batch(call.place.path):
                continue
            if work.kind == "mail" and not work.endless and language in self._queued:
                continue
            site = self._stand(call)
            if site is None or sites.is_later(site) or (work.addresses and not _is_address(site)):
                continue
            carrier = carriers.carrier_of(self._code, site) if call.library in carried() else None
            if call.library in carried() and (carrier is None or not carriers.is_sent(site)):
                continue
            if work.carries and call.library not in carried() and carriers.sends_one(site):
                continue  # told by what is sent, unless that is queued
            yield self._errand(call, work, site, carrier)

    def _errand(self, call: CallSite, work: Work, site: Stand, carrier: ClassDefinition | None) -> Errand:
        ways = tuple(self._ways(call))
        waits = [way for way in ways if way.entry.kind in ("request", "hook")]
        stops = self._stops(call) if work.blocking else ()
        node = site.node
        bound = bound_of(self._code, site, work, free=self._is_free(work))
        return Errand(
            kind=work.kind,
            does=work.does,
            library=call.library,
            function=call.function.name,
            place=call.place,
            reached=self._reached(ways, site),
            quick=work.quick or (work.kind == "sleep" and sites.is_between_tries(site)),
            endless=bound == "endless",
            default=work.default,
            told=_is_told(site, work),
            timeout=work.timeout[0] if work.timeout else "",
            blocking=work.blocking,
            limit=work.limit,
            awaits=work.awaits,
            instead=work.instead,
            code=work.code.replace("{carrier}", carrier.name if carrier is not None else "…"),
            code_language=work.code_language,
            waits=tuple(self._wait(way) for way in waits),
            stops=stops[0].function.name if stops else "",
            stops_by=tuple(c.place for c in stops),
            carrier=carrier.name if carrier is not None else "",
            carrier_place=self._code.place(carrier.path, carrier.node) if carrier is not None else None,
            seconds=_seconds(node),
            bounded=_bounded(node, work),
        )

    def _is_free(self, work: Work) -> bool:
        """Whether no class of the project gives such clients a limit."""
        if work.limiting not in self._free:
            bases = frozenset(work.limiting)
            named = self._code.classes({base.rpartition(".")[2] for base in bases})
            classes = (c for c in named if is_product(c.path))
            self._free[work.limiting] = bool(bases) and not any(bases & self._code.externals(c) for c in classes)
        return self._free[work.limiting]

    def _stand(self, call: CallSite) -> Stand | None:
        if call not in self._stands:
            self._stands[call] = sites.stand(self._code, call)
        return self._stands[call]

    def _reached(self, ways: tuple[Way, ...], site: Stand) -> Reached:
        kinds = {way.entry.kind for way in ways}
        if not kinds:
            by_hand = _BY_HAND.search(site.path) or _is_script(self._code, site.path) or site.outermost is None
            return "command" if by_hand else "unknown"
        return "request" if kinds & {"request", "hook"} else "task" if "task" in kinds else "command"

    # -- ways ----------------------------------------------------------------------------------------------------------

    def _ways(self, call: CallSite) -> Iterator[Way]:
        """The shortest way from each entry that comes to the call; what is behind an entry is not asked."""
        queue: deque[tuple[CallSite, ...]] = deque([(call,)])
        seen = {call.function}
        while queue:
            calls = queue.popleft()
            first = self._stand(calls[0])
            if first is None or sites.is_later(first) or sites.is_handed_on(first, calls[0]):
                continue
            entry = self._reach.by_function.get(calls[0].function)
            if entry is not None:
                yield Way(entry, calls)
                if entry.kind in ("request", "hook") or entry.queues:
                    continue
            if len(calls) == _LONGEST:
                continue
            for before in self._reach.callers.get(calls[0].function, ()):
                if before.function not in seen:
                    seen.add(before.function)
                    queue.append((before, *calls))

    def _wait(self, way: Way) -> Wait:
        loop: Place | None = None
        transaction: Place | None = None
        for call in reversed(way.calls):
            site = self._stand(call)
            if site is not None:
                around, opened = sites.loop_of(site), sites.transaction_of(site)
                loop = loop or (sites.place(self._code, site, around) if around is not None else None)
                transaction = transaction or (sites.place(self._code, site, opened) if opened is not None else None)
        return Wait(way, loop, transaction or self._around(way))

    def _around(self, way: Way) -> Place | None:
        """The setting that opens a transaction around each request, where rows are written before the call."""
        if self._atomic is None or way.entry.kind != "request":
            return None
        stands = [stand for call in way.calls if (stand := self._stand(call)) is not None]
        decorators = (d for s in stands if s.outermost is not None for d in s.outermost.decorators)
        if any(_last(d.callee if isinstance(d, Call) else d) in _outside() for d in decorators):
            return None
        written = any(s.outermost is not None and enqueued.writes_before(s.outermost, s.node, "python") for s in stands)
        return self._atomic if written else None

    def _stops(self, call: CallSite) -> tuple[CallSite, ...]:
        """The calls from an asynchronous function to this one, by functions that are none, on its own thread."""
        queue: deque[tuple[CallSite, ...]] = deque([(call,)])
        seen: set[Reaching] = {call.function}
        while queue:
            calls = queue.popleft()
            first = self._stand(calls[0])
            if (
                first is None
                or sites.is_aside(first, calls[0])
                or sites.is_handed_on(first, calls[0])
                or any(isinstance(n, Function) and not n.name for n in first.around)
            ):
                continue
            function = first.function
            if function is not None and function.is_async:
                return calls
            if function is not first.outermost or len(calls) == 3:
                continue
            for before in self._reach.callers.get(calls[0].function, ()):
                if before.function not in seen:
                    seen.add(before.function)
                    queue.append((before, *calls))
        return ()


def _is_address(site: Stand) -> bool:
    """Whether the first argument is surely an address of the web."""
    argument = site.node.args[0] if isinstance(site.node, Call) and site.node.args else None
    values = [argument] if argument is not None else []
    if isinstance(argument, Name):
        values = list(sites.values_of(site.outermost.body, argument.id)) if site.outermost is not None else []
    first = [next((n.value for n in walk(v) if isinstance(n, Text)), None) for v in values]
    return bool(first) and all(isinstance(text, str) and text.startswith(("http://", "https://")) for text in first)


def _is_told(site: Stand, work: Work) -> bool:
    """Whether the call tells something to somebody, and nobody reads the answer, or says that there is none."""
    sends = isinstance(site.node, Call) and _last(site.node.callee) in work.sends
    return sends and sites.is_told(site) and not sites.is_raised_on(site)


def _last(node: Node) -> str:
    return dotted(node).rpartition(".")[2] if isinstance(node, Name) else node.name if isinstance(node, Member) else ""


def _seconds(node: Node) -> float | None:
    match node:
        case Call(args=(Text(value=int() | float() as value), *_)):
            return float(value)
    return None


def _bounded(node: Node, work: Work) -> float | None:
    stated = next((k.value for k in node.keywords if k.name in work.timeout), None) if isinstance(node, Call) else None
    return durations.longest(stated) if stated is not None else None


def _is_script(code: Codebase, path: str) -> bool:
    """Whether a file is run by itself: `if __name__ == "__main__":`."""
    facts = code.files[path]
    return any(
        isinstance(n, Name) and n.id == "__name__"
        for top in facts.outline
        if not isinstance(top, Function)
        for n in _tests(top)
    )


def _tests(node: Node) -> Iterator[Node]:
    if isinstance(node, Other) and node.word == "if":
        yield from walk(node.children[0])


def errands(code: Codebase, reach: Reach, stated: Iterable[Stated]) -> tuple[Errand, ...]:
    """What requests and others wait for, in this revision, whose configurations state these scalars."""
    return tuple(Errands(code, reach, stated).found())
