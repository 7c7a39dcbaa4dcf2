"""How a project has work done after the answer: its own queue, or the one that is usual for its framework; and whether mail is
handed to a queue by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from analyzers.deployment.scalars import Stated
from analyzers.knowledge.derived import derived
from analyzers.knowledge.work import known
from analyzers.model.errands import Later
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.roles import is_product

_LANGUAGES = {"python": ".py", "php": ".php"}
_backends = derived(lambda: tuple(word for one in known() for word in one.passing.backends))
_ROUTED = re.compile(r"(?:when@\w+\.)?framework\.messenger\.routing\..*SendEmailMessage(?:\.senders)?(?:\.\d+)?$")


def later(code: Codebase) -> Iterator[Later]:
    """For each language of the project, how work is queued there."""
    for one in known():
        files = [f for path, f in code.files.items() if f.language == one.language and is_product(path)]
        imported = {i.path for facts in files for i in facts.imports}
        tops = {part for path in imported for part in _tops(path)}
        for queue in one.queues if imported else ():
            if tops.issuperset(queue.imports):
                yield Later(queue.title, queue.remedy, queue.code.strip(), one.language, queue.own)
                break


def _tops(path: str) -> Iterator[str]:
    """`celery` of `celery.schedules.crontab`; the beginnings of a PHP name."""
    if "\\" not in path:
        yield path.partition(".")[0]
    parts = path.lstrip("\\").split("\\")
    yield from ("\\".join(parts[: i + 1]) for i in range(min(3, len(parts))))


def mail_is_queued(stated: Iterable[Stated]) -> frozenset[str]:
    """The languages in which what sends mail only hands it to a queue, by the scalars of the project's configurations."""
    found = set()
    for one in stated:
        if one.key == "EMAIL_BACKEND" and any(word in one.value.lower() for word in _backends()):
            found.add("python")
        if _ROUTED.fullmatch(one.key) and one.value != "sync":
            found.add("php")
    return frozenset(found)
