"""A plan as a locustfile. What comes from the reviewed repository stands in literals and in comments of one line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzers.loadtest.plan import MAX_ERRORS, P95_MILLISECONDS, Plan, Request, Slot
from analyzers.loadtest.words import left, load, said, text
from analyzers.report.text import visible
from analyzers.routing.values import Route


def script(plan: Plan, name: str) -> str:
    """The text of a `locustfile.py` that runs as it stands."""
    return "\n".join(_lines(plan, visible(name).replace('"""', "'''").replace("\\", "/"))) + "\n"


def _lines(plan: Plan, name: str) -> Iterator[str]:
    yield f'"""Load test of {name}: {load(plan)}.'
    yield ""
    yield "    locust -f locustfile.py --headless --host https://staging.example.com"
    yield ""
    yield "Fill in SAMPLES with keys that exist: an address that is not found counts as an error. The weights are a start;"
    yield 'take the shares of your access log. `MINUTES=1` makes the test shorter."""'
    yield ""
    yield "from __future__ import annotations"
    yield ""
    yield "import os"
    yield "import random"
    yield ""
    yield f"from locust import HttpUser, LoadTestShape, {_waits(plan)}, events, task"
    yield ""
    yield f"USERS = {plan.rate}  # each asks once a second" if plan.rate is not None else f"USERS = {plan.users}"
    yield 'MINUTES = float(os.environ.get("MINUTES", "5"))'
    yield f"P95_MILLISECONDS = {P95_MILLISECONDS}"
    yield f"MAX_ERRORS = {MAX_ERRORS}"
    if not plan.complete:
        yield 'PREFIX = ""  # what stands before the addresses below is not stated in the code: a path, or nothing'
    yield 'USER, PASSWORD = os.environ.get("LOADTEST_USER", ""), os.environ.get("LOADTEST_PASSWORD", "")'
    yield ""
    yield "SAMPLES = {"
    yield from (f"    {text(slot.key)}: [{text(slot.sample)}]," for slot in plan.slots)
    yield "}"
    yield ""
    yield ""
    yield "def sample(key: str) -> str:"
    yield "    return str(random.choice(SAMPLES[key]))"
    yield ""
    yield ""
    yield "class Visitor(HttpUser):"
    yield f"    wait_time = {_waits(plan)}({'1' if plan.rate is not None else '1, 3'})"
    yield ""
    yield from _login(plan.login)
    taken: set[str] = set()
    for request in plan.requests:
        yield from _task(request, taken)
    yield from _RULES.split("\n")
    yield from left(plan, "#")


def _waits(plan: Plan) -> str:
    return "constant_throughput" if plan.rate is not None else "between"


def _login(route: Route | None) -> Iterator[str]:
    yield "    def on_start(self) -> None:"
    if route is None:
        yield '        """Log in here, if pages need it: no address for that was found."""'
        yield ""
        return
    yield f"        # {said(route)}"
    yield "        if not USER:"
    yield "            return"
    address = _address(_request_of(route))
    if route.framework in ("fastapi", "flask"):
        yield f'        self.client.post({address}, json={{"username": USER, "password": PASSWORD}})'
    else:
        yield f"        self.client.get({address})  # sets the cookie against forged requests"
        yield '        token = self.client.cookies.get("csrftoken") or self.client.cookies.get("XSRF-TOKEN") or ""'
        yield '        form = {"username": USER, "email": USER, "password": PASSWORD, "csrfmiddlewaretoken": token}'
        yield '        headers = {"Referer": self.host or "", "X-XSRF-TOKEN": token.replace("%3D", "=")}'
        yield f"        self.client.post({address}, form, headers=headers)"
    yield ""


def _request_of(route: Route) -> Request:
    return Request(route, 1, (route.path,), ())


def _task(request: Request, taken: set[str]) -> Iterator[str]:
    yield f"    @task({request.weight})"
    yield f"    def {_name(request, taken)}(self) -> None:"
    yield f"        # {said(request.route)}"
    name = f", name={text(request.route.path)}" if request.slots else ""
    yield f"        self.client.get({_address(request)}{name})"
    yield ""


def _address(request: Request) -> str:
    """The address as an expression: its literals, with samples between them."""
    parts: list[str] = [] if request.route.complete else ["PREFIX"]
    slots: list[Slot | None] = [*request.slots, None]
    for piece, slot in zip(request.pieces, slots, strict=True):
        parts += [text(piece)] if piece else []
        parts += [f"sample({text(slot.key)})"] if slot is not None else []
    return " + ".join(parts) or '"/"'


def _name(request: Request, taken: set[str]) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", request.route.path.lower()).strip("_")[:60].strip("_")
    base = f"get_{words or 'start'}"
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    taken.add(name)
    return name


_RULES = '''
class Shape(LoadTestShape):
    """A fifth of the time to get to the full number of users, and a tenth to get down."""

    def tick(self) -> tuple[int, float] | None:
        done = self.get_run_time() / (MINUTES * 60)
        if done >= 1:
            return None
        share = min(1.0, done / 0.2, (1 - done) / 0.1)
        return max(1, round(USERS * share)), max(1.0, USERS / (MINUTES * 12))


@events.quitting.add_listener
def judge(environment, **_: object) -> None:
    """Fails the run where pages are slow or broken."""
    total = environment.stats.total
    slow = (total.get_response_time_percentile(0.95) or 0) > P95_MILLISECONDS
    if total.num_requests == 0 or slow or total.fail_ratio > MAX_ERRORS:
        environment.process_exit_code = 1'''
