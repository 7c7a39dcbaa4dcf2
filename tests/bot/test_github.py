"""GitHub's answers and how each is met: retried, brought back later, or believed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.answers import Answer, Rejected, Unknown, Unsure, rate_limit_wait
from bot.errors import Broken, Gone, Later
from bot.github import GitHub
from bot.mirror import clone_url
from bot.tokens import Tokens

HEAD = "a" * 40
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = _KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
).decode()
PULL = {
    "number": 7,
    "state": "open",
    "draft": False,
    "head": {"sha": HEAD, "ref": "x"},
    "base": {"sha": "b" * 40, "ref": "main"},
}

Handler = Callable[[httpx.Request], httpx.Response]


class Server:
    """Answers requests from a list of answers by method and path end; issues tokens by itself."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answers: list[httpx.Response | Exception] = []
        self.tokens = 0
        self.token_answers: list[httpx.Response] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.path.endswith("/access_tokens"):
            if self.token_answers:
                return self.token_answers.pop(0)
            self.tokens += 1
            return httpx.Response(201, json={"token": f"ghs_{self.tokens}", "expires_at": "2099-01-01T00:00:00.123Z"})
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def sent(self) -> list[httpx.Request]:
        return [request for request in self.requests if not request.url.path.endswith("/access_tokens")]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(12, PEM)


@pytest.fixture
def github(server: Server, tokens: Tokens) -> Iterator[GitHub]:
    with connect(server, tokens) as github:
        yield github


def connect(server: Server, tokens: Tokens, **options: Any) -> GitHub:
    return GitHub(
        tokens,
        api_url="https://ghe.example/api/v3",
        installation=34,
        repository_id=56,
        owner="shop",
        repository="web",
        transport=httpx.MockTransport(server),
        **{"patience": (0.0, 0.0), **options},
    )


def refusal(status: int, message: str = "no", **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"message": message}, headers={k.replace("_", "-"): v for k, v in headers.items()})


def test_a_question_carries_a_narrowed_token_and_honours_the_base_url(server: Server, github: GitHub) -> None:
    server.answers = [httpx.Response(200, json=PULL)]
    assert github.pull(7).head.sha == HEAD
    issue, ask = server.requests
    assert str(issue.url) == "https://ghe.example/api/v3/app/installations/34/access_tokens"
    wanted = {"checks": "write", "contents": "read", "pull_requests": "write"}
    assert issue.content == httpx.Request("POST", "https://x", json={"repository_ids": [56], "permissions": wanted}).content
    claims = jwt.decode(issue.headers["authorization"].split()[1], _KEY.public_key(), algorithms=["RS256"])
    assert claims["iss"] == "12"
    assert claims["iat"] <= time.time() - 59
    assert claims["exp"] - claims["iat"] == 600
    assert str(ask.url) == "https://ghe.example/api/v3/repos/shop/web/pulls/7"
    assert ask.headers["authorization"] == "Bearer ghs_1"
    assert ask.headers["x-github-api-version"] == "2022-11-28"
    assert github.calls == 2


def test_git_gets_a_token_that_only_reads(server: Server, github: GitHub) -> None:
    assert github.git_token() == github.git_token() == "ghs_1"
    assert [request.content for request in server.requests] == [b'{"repository_ids":[56],"permissions":{"contents":"read"}}']


def test_tokens_are_kept_until_a_minute_before_they_expire(server: Server, github: GitHub, tokens: Tokens) -> None:
    server.token_answers = [
        httpx.Response(201, json={"token": f"ghs_{name}", "expires_at": "2030-01-01T01:00:00Z"}) for name in ("old", "new")
    ]
    server.answers = [httpx.Response(200, json=PULL)] * 3
    start = 1893456000.0  # 2030-01-01
    for at in (start, start + 3500, start + 3541):
        tokens.now = lambda at=at: at
        github.pull(7)
    assert [request.headers["authorization"] for request in server.sent] == [
        "Bearer ghs_old",
        "Bearer ghs_old",
        "Bearer ghs_new",
    ]


@pytest.mark.parametrize("failure", [refusal(502), refusal(500), httpx.ConnectError("down"), httpx.ReadTimeout("slow")])
def test_a_question_survives_two_outages(server: Server, github: GitHub, failure: httpx.Response | Exception) -> None:
    server.answers = [failure, failure, httpx.Response(200, json=PULL)]
    assert github.pull(7).number == 7


def test_a_question_comes_back_later_after_three(server: Server, github: GitHub) -> None:
    server.answers = [refusal(503)] * 3
    with pytest.raises(Later) as later:
        github.pull(7)
    assert not isinstance(later.value, Unsure)
    assert "503" in later.value.reason


@pytest.mark.parametrize("failure", [refusal(502), httpx.ReadTimeout("slow"), httpx.Response(201, content=b"<html>")])
def test_a_write_is_sent_once_and_its_doubt_is_said(
    server: Server, github: GitHub, failure: httpx.Response | Exception
) -> None:
    server.answers = [failure]
    with pytest.raises(Unsure):
        github.create_review(7, HEAD, "text", [])
    assert len(server.sent) == 1


def test_a_write_that_is_declared_wrong_is_rejected_with_the_reason(server: Server, github: GitHub) -> None:
    body = {
        "message": "Validation Failed",
        "errors": [{"message": "line must be part of the diff"}, "Line could not be resolved"],
    }
    server.answers = [httpx.Response(422, json=body)]
    with pytest.raises(Rejected) as rejected:
        github.create_review(7, HEAD, "text", [])
    assert rejected.value.reason == "Validation Failed: line must be part of the diff: Line could not be resolved"


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (refusal(403, "x", retry_after="17"), 17),
        (refusal(429, "x", retry_after="Wed, 21 Oct 2026 07:28:00 GMT"), 60),
        (refusal(403, "API rate limit exceeded", x_ratelimit_remaining="0", x_ratelimit_reset="1040"), 41),
        (refusal(429, "API rate limit exceeded", x_ratelimit_remaining="0", x_ratelimit_reset="99999999"), 3600),
        (refusal(403, "You have exceeded a secondary rate limit. Please wait."), 60),
        (refusal(429, "slow down"), 60),
        (refusal(403, "Resource not accessible by integration"), None),
        (refusal(404), None),
    ],
)
def test_rate_limits_say_how_long(answer: httpx.Response, seconds: float | None) -> None:
    assert rate_limit_wait(Answer(answer.status_code, answer.headers, answer.content), 1000.0) == seconds


@pytest.mark.parametrize("date", ["17", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_rate_limit_is_not_waited_out_nor_retried(server: Server, github: GitHub, date: str) -> None:
    server.answers = [refusal(403, "secondary rate limit", retry_after=date)]
    with pytest.raises(Later) as later:
        github.pull(7)
    assert later.value.after == (17 if date == "17" else 60)
    assert len(server.sent) == 1


def test_a_token_that_died_is_replaced_once(server: Server, github: GitHub, tokens: Tokens) -> None:
    server.answers = [httpx.Response(200, json=PULL), refusal(401), httpx.Response(200, json=PULL)]
    github.pull(7)
    now = time.time() + 60
    tokens.now = lambda: now
    github.pull(7)
    assert [request.headers["authorization"] for request in server.sent] == ["Bearer ghs_1", "Bearer ghs_1", "Bearer ghs_2"]


def test_a_refused_token_in_the_end_means_later(server: Server, github: GitHub) -> None:
    server.answers = [refusal(401)] * 8
    with pytest.raises(Later):
        github.create_review(7, HEAD, "text", [])
    assert len(server.sent) <= 6


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_fresh_token_is_given_time(server: Server, github: GitHub, status: int) -> None:
    server.answers = [refusal(status), refusal(status), httpx.Response(200, json=PULL)]
    assert github.pull(7).number == 7


def test_what_is_gone_is_gone(server: Server, github: GitHub) -> None:
    server.answers = [refusal(404)] * 3
    with pytest.raises(Unknown):
        github.pull(7)
    server.answers = [refusal(410)]
    with pytest.raises(Gone):
        github.pull(7)
    server.answers = [refusal(403, "This installation has been suspended")] * 3
    with pytest.raises(Gone):
        github.pull(7)


def test_a_missing_permission_is_named(server: Server, github: GitHub) -> None:
    server.answers = [refusal(403, "Resource not accessible by integration")] * 3
    with pytest.raises(Broken, match="Resource not accessible"):
        github.pull(7)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(404, "Not Found"), Gone),
        (refusal(403, "This installation has been suspended"), Gone),
        (refusal(422, "There is at least one repository that does not exist or is not accessible"), Gone),
        (refusal(422, "The permissions requested are not granted to this installation."), Broken),
        (refusal(401, "A JSON web token could not be decoded"), Broken),
    ],
)
def test_no_token_no_review(server: Server, github: GitHub, answer: httpx.Response, error: type[Exception]) -> None:
    server.token_answers = [answer]
    with pytest.raises(error):
        github.pull(7)
    assert not server.sent


def test_a_wrong_clock_is_corrected_by_githubs(server: Server, github: GitHub, tokens: Tokens) -> None:
    behind = time.time() - 7200
    tokens.now = lambda: behind
    server.token_answers = [refusal(401, "'Issued at' claim", date=httpx_date(behind + 7200))]
    server.answers = [httpx.Response(200, json=PULL)]
    github.pull(7)
    claims = jwt.decode(server.requests[1].headers["authorization"].split()[1], options={"verify_signature": False})
    assert abs(claims["iat"] - (behind + 7200 - 60)) < 5


def httpx_date(at: float) -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(at))


def test_a_broken_key_is_our_fault(server: Server) -> None:
    with connect(server, Tokens(12, "no key")) as github, pytest.raises(Broken, match="private key"):
        github.pull(7)


def test_the_key_stays_out_of_representations(tokens: Tokens) -> None:
    assert "PRIVATE" not in repr(tokens)


def test_pages_are_read_to_the_end(server: Server, github: GitHub) -> None:
    def page(first: int, count: int) -> httpx.Response:
        return httpx.Response(200, json=[{"id": first + n, "body": "x"} for n in range(count)])

    server.answers = [page(0, 100), page(100, 100), page(200, 1)]
    assert [comment.id for comment in github.comments(7)] == list(range(201))
    assert [request.url.query for request in server.sent] == [f"per_page=100&page={n}".encode() for n in (1, 2, 3)]


def test_a_forks_pull_request_is_found_by_its_head(server: Server, github: GitHub) -> None:
    other = {**PULL, "number": 8, "head": {"sha": "c" * 40}}
    server.answers = [refusal(422, "No commit found for SHA"), httpx.Response(200, json=[other, PULL])]
    found = github.find_pull(HEAD)
    assert found is not None
    assert found.number == 7
    server.answers = [httpx.Response(200, json=[{**PULL, "state": "closed"}]), httpx.Response(200, json=[])]
    assert github.find_pull(HEAD) is None


def test_the_comparison_leaves_the_patches_out(server: Server, github: GitHub) -> None:
    server.answers = [httpx.Response(200, json={"status": "ahead", "merge_base_commit": {"sha": "d" * 40}})]
    found = github.compare("b" * 40, HEAD)
    assert found.merge_base_commit is not None
    assert server.sent[0].url.query == b"per_page=1&page=2"


def test_commits_that_are_not_there_yet_come_later(server: Server, github: GitHub) -> None:
    server.answers = [refusal(404)] * 3
    with pytest.raises(Later):
        github.compare("b" * 40, HEAD)
    server.answers = [refusal(404, "No common ancestor between b and a.")] * 3
    with pytest.raises(Broken, match="common history"):
        github.compare("b" * 40, HEAD)
    server.answers = [refusal(422, "No commit found for SHA: aaaa")]
    with pytest.raises(Later):
        github.create_check(HEAD, "job", {})


def test_our_check_is_found_by_its_job(server: Server, github: GitHub) -> None:
    runs = [{"id": n, "external_id": name, "status": "completed"} for n, name in ((1, "job"), (3, "job"), (4, "other"))]
    server.answers = [httpx.Response(200, json={"total_count": 3, "check_runs": runs})]
    found = github.find_check(HEAD, "job")
    assert found is not None
    assert found.id == 3
    assert dict(server.sent[0].url.params)["app_id"] == "12"


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://github.com", "https://github.com/a/b.c.git"),
        ("http://127.0.0.1:8080/git/", "http://127.0.0.1:8080/git/a/b.c.git"),
    ],
)
def test_clone_urls_hold_no_credential(base: str, url: str) -> None:
    assert clone_url(base, "a", "b.c") == url
    assert clone_url("https://user:secret@ghe.example", "a", "b") == "https://ghe.example/a/b.git"
