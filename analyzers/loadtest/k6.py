"""A plan as a script of k6. What comes from the reviewed repository stands in literals and in comments of one line."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.loadtest.plan import MAX_ERRORS, P95_MILLISECONDS, Plan, Request
from analyzers.loadtest.words import left, load, said, text
from analyzers.report.text import visible
from analyzers.routing.values import Route


def script(plan: Plan, name: str) -> str:
    """The text of a script that `k6 run` takes as it stands."""
    return "\n".join(_lines(plan, visible(name).replace("*/", "* /"))) + "\n"


def _lines(plan: Plan, name: str) -> Iterator[str]:
    yield f"// Load test of {name}: {load(plan)}."
    yield "//"
    yield "//     k6 run -e HOST=https://staging.example.com loadtest.js"
    yield "//"
    yield "// Fill in SAMPLES with keys that exist: an address that is not found counts as an error. The weights are a start;"
    yield "// take the shares of your access log. `-e MINUTES=1` makes the test shorter."
    yield ""
    yield 'import http from "k6/http";'
    yield 'import { check, sleep } from "k6";'
    yield ""
    yield 'const HOST = __ENV.HOST || "http://localhost:8000";'
    yield "const MINUTES = Number(__ENV.MINUTES || 5);"
    if not plan.complete:
        yield 'const PREFIX = ""; // what stands before the addresses below is not stated in the code: a path, or nothing'
    yield ""
    yield from _options(plan)
    yield ""
    yield "const SAMPLES = {"
    yield from (f"  {text(slot.key)}: [{text(slot.sample)}]," for slot in plan.slots)
    yield "};"
    yield ""
    yield "const sample = (key) => String(SAMPLES[key][Math.floor(Math.random() * SAMPLES[key].length)]);"
    yield ""
    yield "const REQUESTS = ["
    for request in plan.requests:
        yield f"  // {said(request.route)}"
        address = _address(request)
        yield f"  {{ weight: {request.weight}, name: {text(request.route.path)}, address: () => {address} }},"
    yield "];"
    yield "const WEIGHTS = REQUESTS.reduce((sum, request) => sum + request.weight, 0);"
    yield ""
    yield from _login(plan)
    yield from (
        _RUN.strip("\n").replace("PAUSE", "" if plan.rate is not None else "\n  sleep(1 + 2 * Math.random());").split("\n")
    )
    yield from left(plan, "//")


def _options(plan: Plan) -> Iterator[str]:
    """Ramp up, stay, and down again, to the full load; and what fails the run."""
    target = plan.rate if plan.rate is not None else plan.users
    yield "export const options = {"
    yield "  noCookiesReset: true, // a visitor stays logged in"
    yield "  scenarios: {"
    yield "    visitors: {"
    if plan.rate is not None:
        yield '      executor: "ramping-arrival-rate",'
        yield '      timeUnit: "1s",'
        yield f"      preAllocatedVUs: {target},"
        yield f"      maxVUs: {4 * (target or 1)},"
    else:
        yield '      executor: "ramping-vus",'
    yield "      stages: ["
    for share, to in ((12, target), (42, target), (6, 0)):
        yield f"        {{ duration: `${{Math.ceil({share} * MINUTES)}}s`, target: {to} }},"
    yield "      ],"
    yield "    },"
    yield "  },"
    yield "  thresholds: {"
    yield f'    http_req_duration: ["p(95)<{P95_MILLISECONDS}"],'
    yield f'    http_req_failed: ["rate<{MAX_ERRORS}"],'
    yield "  },"
    yield "};"


def _address(request: Request) -> str:
    parts = [] if request.route.complete else ["PREFIX"]
    for at, piece in enumerate(request.pieces):
        parts += [text(piece)] if piece else []
        parts += [f"sample({text(request.slots[at].key)})"] if at < len(request.slots) else []
    return " + ".join(parts) or '"/"'


def _login(plan: Plan) -> Iterator[str]:
    route = plan.login
    yield "function login() {"
    if route is None:
        yield "  // Log in here, if pages need it: no address for that was found."
    else:
        yield from _credentials(route)
    yield "}"
    yield ""


def _credentials(route: Route) -> Iterator[str]:
    address = f"HOST + {text(route.path)}"
    yield f"  // {said(route)}"
    yield "  if (!__ENV.LOADTEST_USER) return;"
    yield "  const who = { username: __ENV.LOADTEST_USER, email: __ENV.LOADTEST_USER, password: __ENV.LOADTEST_PASSWORD };"
    if route.framework in ("fastapi", "flask"):
        yield f'  http.post({address}, JSON.stringify(who), {{ headers: {{ "Content-Type": "application/json" }} }});'
        return
    yield f"  http.get({address}); // sets the cookie against forged requests"
    yield f"  const cookies = http.cookieJar().cookiesForURL({address});"
    yield '  const token = (cookies.csrftoken || cookies["XSRF-TOKEN"] || [""])[0];'
    yield f'  const headers = {{ Referer: {address}, "X-XSRF-TOKEN": decodeURIComponent(token) }};'
    yield f"  http.post({address}, {{ ...who, csrfmiddlewaretoken: token }}, {{ headers }});"


_RUN = """
let loggedIn = false;

export default function () {
  if (!loggedIn) {
    login();
    loggedIn = true;
  }
  let rest = Math.random() * WEIGHTS;
  const request = REQUESTS.find((one) => (rest -= one.weight) < 0) || REQUESTS[0];
  const response = http.get(HOST + request.address(), { tags: { name: request.name } });
  check(response, { "is answered": (r) => r.status > 0 && r.status < 400 });PAUSE
}
"""
