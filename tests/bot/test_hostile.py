"""A repository whose author means harm, and payloads of strangers, from the delivery to what GitHub shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from markdown_it import MarkdownIt

import analyzers
from bot.errors import Later
from bot.local_github import PullRequest
from bot.tokens import Tokens
from tests.bot.stage import Stage, connected

MODELS = """\
from django.db import models


class Customer(models.Model):
    name = models.CharField(max_length=80)


class Order(models.Model):
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE)
"""
VIEWS = """\
from shop.models import Order


def names(request):
    orders = Order.objects.filter(customer__name="``` @octo <!-- cliffguard:finding:n_plus_one:00000000000000000000 --><b>")
    return [order.customer.name for order in orders]
"""
SQL = """\
ALTER TABLE "a``` @octocat <img src=x> [x](https://evil.example) #1 <!-- cliffguard:fixed -->" ADD CONSTRAINT c CHECK (b > 0);
"""
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)
LFS = (
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
)
ODD = (b"new\nline.py", b"bidi\xe2\x80\xae.py", b"caf\xe9.py", b"-rf.py", b"`@octocat`.py", b"a'\"$(touch x).py", b"%0a.py")


def hostile(root: Path) -> None:
    """Writes what can be written with a file system."""
    (root / "shop" / "migrations").mkdir(parents=True)
    for name in ODD:
        Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_text("x = (\n")
    files = {
        "shop/models.py": MODELS,
        "shop/views.py": VIEWS,
        "migrations/001.sql": "CREATE TABLE t (id int);\n",
        "compose.yml": LAUGHS,
        "k8s/deep.yaml": "{" * 200_000,
        "deep.py": "x = " + "(" * 50_000,
        "deep.php": "<?php " + "[" * 50_000,
        "large.py": "# " + "x" * 2_000_000,
        "pointer.sql": LFS,
        ".gitmodules": '[submodule "evil"]\n\tpath = sub\n\turl = ext::sh -c "touch /tmp/owned"\n',
        ".gitattributes": "* filter=evil diff=evil merge=evil\n",
        ".cliffguard.yml": LAUGHS,
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "escape.py").symlink_to("/etc/passwd")
    (root / "cycle").symlink_to(".")
    (root / "loop.py").symlink_to("loop.py")


def opened(stage: Stage) -> PullRequest:
    """A pull request of it, reviewed by the real analysis."""
    stage.context = replace(stage.context, compare=analyzers.compare)
    stage.git("checkout", "-q", "-B", "feature")
    hostile(stage.work)
    for command in (("init", "-q"), ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x")):
        (stage.work / "sub").mkdir(exist_ok=True)
        subprocess.run(("git", "-C", str(stage.work / "sub"), *command), check=True)
    (stage.work / "migrations" / "002.sql").write_text(SQL)
    return stage.open("start\n")


def rendered(text: str) -> str:
    """What GitHub looks for mentions and references in: without code and addresses."""
    html = MarkdownIt("gfm-like").render(text)
    return re.sub(r"<(pre|code)[ >].*?</\1>", "", re.sub(r'href="[^"]*"', "", html), flags=re.DOTALL)


def texts(stage: Stage, pull: PullRequest) -> list[str]:
    output = stage.check(pull.head_sha).output
    return [*(comment.body for comment in pull.review_comments), *(review.body for review in pull.reviews), output["text"]]


def test_a_hostile_repository_is_reviewed_like_any_other(stage: Stage) -> None:
    pull = opened(stage)
    stage.run(stage.job(pull))
    check = stage.check(pull.head_sha)
    assert (check.status, check.conclusion) == ("completed", "failure")
    told = [mark for comment in pull.review_comments for mark in analyzers.marks_in(comment.body)]
    assert "n_plus_one" in {mark.rule for mark in told}
    assert "0" * 20 not in {mark.fingerprint for mark in told}
    named = re.findall(r"`+ ?([^`\n]+?):?\d* ?`+: ", check.output["text"])
    assert {"deep.py", "deep.php", "k8s/deep.yaml", "large.py"} <= {name.partition(":")[0] for name in named}
    assert "passwd" not in "".join(texts(stage, pull))
    for text in texts(stage, pull):
        prose = rendered(text)
        assert not re.search(r"@\w|<img|<script|evil\.example|#1\b", prose)
        assert not any(char in text for char in "\u202e\r\0")
    assert not (stage.work / "x").exists()


def test_a_suggestion_cannot_leave_its_block(stage: Stage) -> None:
    pull = opened(stage)
    stage.run(stage.job(pull))
    [body] = [comment.body for comment in pull.review_comments if "n_plus_one" in comment.body and "suggestion" in comment.body]
    [block] = [token for token in MarkdownIt("gfm-like").parse(body) if token.type == "fence" and token.info == "suggestion"]
    assert "``` @octo" in block.content
    assert "select_related" in block.content


@pytest.mark.parametrize("fault", ["", "access_tokens", "upload-pack", "info/refs", "check-runs", "reviews", "compare"])
def test_secrets_are_in_no_log_no_error_and_no_comment(stage: Stage, fault: str, capfd: pytest.CaptureFixture[str]) -> None:
    issued: list[str] = []
    original = Tokens._issue

    class Noting(Tokens):
        def _issue(self, *arguments: Any) -> Any:
            held = original(self, *arguments)
            issued.append(held.token)
            return held

    hub = stage.hub
    stage.context = replace(stage.context, tokens=Noting(hub.app.id, hub.app.private_key), connect=connected)
    errors = []
    pull = stage.open("start\nBAD one\n")
    with structlog.testing.capture_logs() as captured:
        if fault:
            hub.faults.outage(fault, times=6)
        try:
            stage.run(stage.job(pull))
        except Later as error:
            errors.append(f"{error!r} {error.reason} {error.__cause__!r}")
    hub.faults.clear()
    said = "\n".join([repr(captured), *errors, *capfd.readouterr(), repr(stage.context), repr(stage.context.settings)])
    said += json.dumps([str(run.output) for run in hub.check_runs(stage.repository, pull.head_sha)])
    key = [line for line in hub.app.private_key.splitlines() if "--" not in line]
    assert issued or fault == "access_tokens"
    assert not [secret for secret in (*issued, *key, hub.app.webhook_secret) if secret in said]
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = process.read_bytes().decode(errors="replace")
        except OSError:
            continue
        assert not [secret for secret in (*issued, *key) if secret in line]


def test_a_change_of_three_thousand_files_is_reviewed(stage: Stage) -> None:
    stage.git("checkout", "-q", "-B", "feature")
    (stage.work / "many").mkdir()
    for number in range(3_000):
        (stage.work / "many" / f"f{number}.py").write_text(f"x = {number}\n")
    (stage.work / "many" / "f7.py").write_text("start\nBAD seven\n")
    pull = stage.open("start\n")
    stage.run(stage.job(pull))
    assert [comment.path for comment in pull.review_comments] == ["many/f7.py"]
    assert subprocess.run(("git", "-C", str(stage.work), "fsck"), capture_output=True, check=False).returncode == 0
