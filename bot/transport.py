"""Single requests to GitHub, sent and counted. The only module that imports githubkit.

Its raw `request`, one connection for a whole job, with its own retries and caches switched off, because they repeat every
method after any 5xx (a review posted four times) and sleep until a rate limit resets.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import githubkit
import httpx
from githubkit.exception import RequestError, RequestFailed

from bot import tracing
from bot.answers import SECONDARY_WAIT, Answer, Budget, Outage, RateLimited
from bot.observe import count_call

API_VERSION = "2022-11-28"

# Reading the certificates takes 30 ms or more: once, before workers fork, instead of in every job.
TLS = httpx.create_ssl_context()


class Transport:
    """Sends single requests over one kept-open connection and counts them. A context manager."""

    def __init__(self, api_url: str, *, version: str = "", transport: httpx.BaseTransport | None = None) -> None:
        self.calls = 0
        self.budget: Budget | None = None
        self._client = githubkit.GitHub(
            base_url=api_url,
            user_agent=f"cliffguard/{version}" if version else "cliffguard",
            timeout=httpx.Timeout(20.0, connect=5.0),
            auto_retry=False,
            http_cache=False,
            ssl_verify=TLS,
            transport=transport,
        )

    def __enter__(self) -> Self:
        self._client.__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._client.__exit__(kind, error, trace)

    def send(
        self, method: str, path: str, token: str, params: Mapping[str, str | int] | None = None, json: Any = None
    ) -> Answer:
        """One request, one answer, whatever its status. Raises `Outage` where there was none."""
        self.calls += 1
        with tracing.span("github", "CLIENT", **{"http.request.method": method, "url.path": path}) as span:
            answer = self._sent(method, path, token, params, json)
            if span is not None:
                span.set_attribute("http.response.status_code", answer.status)
            return answer

    def _sent(self, method: str, path: str, token: str, params: Mapping[str, str | int] | None, json: Any) -> Answer:
        headers = {"Authorization": f"Bearer {token}", "X-GitHub-Api-Version": API_VERSION}
        try:
            raw = self._client.request(method, path, params=dict(params or {}) or None, json=json, headers=headers).raw_response
        except RequestFailed as failed:
            raw = failed.response.raw_response
        except RequestError as error:
            count_call(method, 0)
            raise Outage(f"{type(error.exc).__name__}: {error.exc}") from error
        except ValueError as error:  # githubkit reads `retry-after` as an integer, which RFC 9110 does not promise
            count_call(method, 429)
            raise RateLimited("GitHub asked to slow down", SECONDARY_WAIT, told=False) from error
        count_call(method, raw.status_code)
        answer = Answer(raw.status_code, raw.headers, raw.content)
        self.budget = answer.budget or self.budget
        return answer
