"""GitHub's own description of its API, held against every request and answer that the tests recorded."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from graphql import GraphQLEnumType

from bot.local_github import LocalGitHub, sample
from bot.local_github.graphql import schema as answered
from tests.bot.contract import AT_HAND, BESIDE, CHECK, DESCRIPTION, SCHEMA, contract, judged, schema, violations

needs_description = pytest.mark.skipif(
    not AT_HAND, reason=f"the contract check does not stand beside the checkout, at {BESIDE}"
)

Entry = dict[str, Any]


def every_operation(github: LocalGitHub) -> None:
    """One request at least to each operation of the description."""
    pull = sample.publish(github)
    now, app = int(time.time()), github.app
    claims = {"iat": now - 60, "exp": now + 540, "iss": str(app.id)}
    signed = f"Bearer {jwt.encode(claims, app.private_key, algorithm='RS256')}"
    repo, number = "/repos/lantern/shop", pull.number
    with httpx.Client(base_url=github.api_url, trust_env=False, timeout=20) as http:

        def ask(method: str, path: str, json: Any = None, authorization: str = signed) -> Any:
            answer = http.request(method, path, json=json, headers={"authorization": authorization})
            assert answer.status_code < 400, (method, path, answer.text)
            return answer.json() if answer.content else None

        as_app(ask, github, repo)
        installation = github.installation(pull.repository).id
        narrow = {"repository_ids": [pull.repository.id], "permissions": {"contents": "read", "metadata": "read"}}
        ask("POST", f"/app/installations/{installation}/access_tokens", narrow)
        token = f"token {ask('POST', f'/app/installations/{installation}/access_tokens')['token']}"

        def bot(method: str, path: str, json: Any = None) -> Any:
            return ask(method, path, json, token)

        as_reader(bot, repo, number, pull.base_sha, pull.head_sha)
        as_reviewer(bot, repo, number, pull.head_sha)
        bot("DELETE", "/installation/token")


def as_app(ask: Any, github: LocalGitHub, repo: str) -> None:
    installation = ask("GET", f"{repo}/installation")["id"]
    for path in ("/app", "/app/installations", f"/app/installations/{installation}", "/meta"):
        ask("GET", path)
    ask("PATCH", "/app/hook/config", {"url": "http://127.0.0.1:9/nobody", "content_type": "json"})
    github.ping()
    assert github.wait_for_deliveries()
    (delivery,) = ask("GET", "/app/hook/deliveries?per_page=10")
    ask("GET", f"/app/hook/deliveries/{delivery['id']}")
    ask("POST", f"/app/hook/deliveries/{delivery['id']}/attempts")
    manifest = {"url": "http://x", "redirect_url": "http://x/back"}
    sent = httpx.post(f"{github.url}/settings/apps/new", data={"manifest": json.dumps(manifest)}, trust_env=False)
    ask("POST", f"/app-manifests/{httpx.URL(sent.headers['location']).params['code']}/conversions")


def as_reader(bot: Any, repo: str, number: int, base: str, head: str) -> None:
    for path in ("/installation/repositories", "/rate_limit", repo, f"{repo}/pulls?state=all", f"{repo}/pulls/{number}"):
        bot("GET", path)
    for path in (
        f"compare/{base}...{head}",
        f"commits/{head}/pulls",
        "contents/shop/views.py",
        "contents/shop",
        "tarball/main",
    ):
        bot("GET", f"{repo}/{path}")
    for path in ("files?per_page=100", "commits", "reviews", "comments"):
        bot("GET", f"{repo}/pulls/{number}/{path}")
    tree = bot("GET", f"{repo}/git/trees/main?recursive=1")["tree"]
    bot("GET", f"{repo}/git/blobs/{next(e['sha'] for e in tree if e['type'] == 'blob')}")
    bot("GET", f"{repo}/collaborators/mira/permission")


def as_reviewer(bot: Any, repo: str, number: int, head: str) -> None:
    run = bot("POST", f"{repo}/check-runs", {"name": "cliffguard", "head_sha": head, "status": "in_progress"})["id"]
    note = {
        "path": "shop/models.py",
        "start_line": 1,
        "end_line": 2,
        "annotation_level": "warning",
        "message": "m",
        "title": "t",
    }
    output = {"title": "t", "summary": "s", "text": "x", "annotations": [note]}
    button = {"label": "Re-run", "description": "d", "identifier": "i"}
    bot("PATCH", f"{repo}/check-runs/{run}", {"conclusion": "failure", "output": output, "actions": [button]})
    for path in (f"check-runs/{run}", f"check-runs/{run}/annotations", f"commits/{head}/check-suites"):
        bot("GET", f"{repo}/{path}")
    bot("GET", f"{repo}/commits/{head}/check-runs?check_name=cliffguard&filter=latest")
    pull = f"{repo}/pulls/{number}"
    place = {"path": "shop/exports.py", "start_line": 11, "start_side": "RIGHT", "line": 12, "side": "RIGHT", "body": "b"}
    body = {"commit_id": head, "event": "REQUEST_CHANGES", "body": "b", "comments": [place]}
    review = bot("POST", f"{pull}/reviews", body)["id"]
    for path in (f"reviews/{review}", f"reviews/{review}/comments", "reviews", "comments"):
        bot("GET", f"{pull}/{path}")
    bot("PUT", f"{pull}/reviews/{review}", {"body": "c"})
    bot("PUT", f"{pull}/reviews/{review}/dismissals", {"message": "no"})
    single = {"path": "shop/exports.py", "line": 3, "side": "RIGHT", "body": "b", "commit_id": head}
    comment = bot("POST", f"{pull}/comments", single)["id"]
    bot("POST", f"{pull}/comments", {"path": "shop/urls.py", "body": "b", "commit_id": head, "subject_type": "file"})
    bot("POST", f"{pull}/comments/{comment}/replies", {"body": "r"})
    bot("PATCH", f"{repo}/pulls/comments/{comment}", {"body": "c"})
    bot("GET", f"{pull}/comments?per_page=100")
    bot("DELETE", f"{repo}/pulls/comments/{comment}")
    said = bot("POST", f"{repo}/issues/{number}/comments", {"body": "b"})["id"]
    bot("PATCH", f"{repo}/issues/comments/{said}", {"body": "c"})
    for _ in range(2):
        bot("POST", f"{repo}/issues/comments/{said}/reactions", {"content": "+1"})
    bot("GET", f"{repo}/issues/{number}/comments")


@needs_description
def test_every_operation_is_answered_as_described(tmp_path: Path) -> None:
    with LocalGitHub(tmp_path / "github") as github:
        every_operation(github)
        log = github.record.path
    command = [sys.executable, str(CHECK), "--spec", str(DESCRIPTION), str(log)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    checker, asked = contract(), set[tuple[str, str]]()
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        route = next(template for pattern, _, template, item in checker.routes if fits(pattern, item, entry))
        asked.add((entry["method"].lower(), route))
    described = {
        (m, path)
        for path, item in checker.spec["paths"].items()
        for m in item
        if m in ("get", "post", "put", "patch", "delete")
    }
    assert described - asked == set()


def test_a_wrong_request_to_graphql_is_seen() -> None:
    good = "mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: RESOLVED}) { clientMutationId } }"
    for query, variables, wrong in (
        (good, {"id": "PRRC_1"}, 0),
        (good, {}, 1),
        (good.replace("RESOLVED", "DONE"), {"id": "PRRC_1"}, 1),
        (good.replace("subjectId", "id"), {"id": "PRRC_1"}, 2),
        ("query { viewer { shoe } }", {}, 1),
        ("mutation {", {}, 1),
    ):
        entry = {"method": "POST", "path": "/graphql", "json": {"query": query, "variables": variables}, "status": 200}
        assert len(violations([entry])) == wrong, query


@pytest.mark.skipif(not SCHEMA.exists(), reason=f"GitHub's schema is not at {SCHEMA}: CLIFFGUARD_GITHUB_SCHEMA names it")
def test_the_schema_that_is_answered_by_is_a_part_of_githubs() -> None:
    theirs = schema().type_map
    for name, own in answered().type_map.items():
        assert type(own) is type(theirs[name])
        if isinstance(own, GraphQLEnumType):
            assert set(own.values) == set(theirs[name].values), name
        for field, value in getattr(own, "fields", {}).items():
            other = theirs[name].fields[field]
            assert str(value.type) == str(other.type), f"{name}.{field}"
            arguments, others = getattr(value, "args", {}), getattr(other, "args", {})
            assert all(str(argument.type) == str(others[key].type) for key, argument in arguments.items()), f"{name}.{field}"
            assert {key for key, argument in others.items() if str(argument.type).endswith("!")} <= set(arguments)


def fits(pattern: Any, item: Any, entry: Entry) -> bool:
    return bool(pattern.match(entry["path"]) and entry["method"].lower() in item)


@needs_description
def test_a_request_that_breaks_the_contract_is_told_with_its_record(tmp_path: Path) -> None:
    with LocalGitHub(tmp_path / "github") as github:
        every_operation(github)
        record = github.record.path.read_text().splitlines()
    entries = [json.loads(line) for line in record]
    number = next(n for n, entry in enumerate(entries) if entry["method"] == "POST" and entry["path"].endswith("/check-runs"))
    del entries[number]["json"]["head_sha"]
    spoilt = tmp_path / "spoilt"
    spoilt.mkdir()
    (spoilt / "log.jsonl").write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    found = judged(spoilt)
    shutil.rmtree(spoilt)  # not for the look at all records, when the tests have ended
    assert found.checked == len(record)
    (violation,) = found.violations
    assert "head_sha" in violation
