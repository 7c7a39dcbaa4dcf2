"""The command line as a user meets it: what it prints where, and how it exits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jsonschema
import pytest

import analyzers
from bot import cli

ENV = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "t"), ("EMAIL", "t@example.org"))
    },
}
SCHEMA = json.loads((Path(__file__).parents[1] / "data" / "sarif-schema-2.1.0.json").read_text())

MODELS = """\
from django.db import models


class Customer(models.Model):
    name = models.CharField(max_length=80)


class Order(models.Model):
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE)
    paid = models.BooleanField(default=False)
"""
GOOD = """\
from shop.models import Order


def names(request):
    orders = Order.objects.select_related("customer")
    return [order.customer.name for order in orders]
"""
BAD = GOOD.replace('select_related("customer")', "all()")


class Shop:
    """A small Django project in a repository."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.git("init", "-q", "-b", "main", str(path))
        self.base = self.commit(models=MODELS, views=GOOD)

    def git(self, *arguments: str) -> str:
        command = ["git", *(() if arguments[0] == "init" else ("-C", str(self.path))), *arguments]
        return subprocess.run(command, env=ENV, check=True, capture_output=True, text=True).stdout.strip()

    def write(self, **files: str) -> None:
        (self.path / "shop").mkdir(exist_ok=True)
        for name, text in files.items():
            (self.path / "shop" / f"{name}.py").write_text(text)

    def configure(self, text: str) -> None:
        (self.path / ".cliffguard.yml").write_text(text)

    def commit(self, **files: str) -> str:
        self.write(**files)
        self.git("add", "-A")
        self.git("commit", "-qm", "change", "--allow-empty")
        return self.git("rev-parse", "HEAD")


class Ended(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "shop")


@pytest.fixture
def run(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command inside the shop."""
    monkeypatch.chdir(shop.path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CLIFFGUARD_DEBUG", raising=False)

    def call(*arguments: str) -> Ended:
        code = cli.call(arguments)
        return Ended(code, *capfd.readouterr())

    return call


def results(ended: Ended) -> list[tuple[str, str, str]]:
    log = json.loads(ended.out)
    jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(log)
    return [
        (result["ruleId"], result["baselineState"], result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
        for result in log["runs"][0]["results"]
        if result["ruleId"] == "n_plus_one"
    ]


# what is compared


def test_uncommitted_work_on_the_default_branch(shop: Shop, run: Run) -> None:
    assert run("review") == (0, "No new findings\n", "")
    shop.write(views=BAD)
    ended = run("review")
    assert ended.code == 1
    assert "shop/views.py:5  n_plus_one" in ended.out
    assert "1 new finding" in ended.out
    assert ended.err == ""
    assert shop.git("status", "--porcelain") == "M shop/views.py"


def test_an_untracked_file_counts_and_an_ignored_one_does_not(shop: Shop, run: Run) -> None:
    (shop.path / ".gitignore").write_text("scratch.py\n")
    shop.write(scratch=BAD)
    assert run("review").code == 0
    shop.write(fresh=BAD)
    assert results(run("review", "--format", "sarif")) == [("n_plus_one", "new", "shop/fresh.py")]


def test_a_branch_is_compared_with_where_it_left_the_default_branch(shop: Shop, run: Run) -> None:
    shop.git("checkout", "-qb", "topic")
    shop.commit(more=BAD)
    shop.git("checkout", "-q", "main")
    shop.commit(other=BAD.replace("names", "others"))
    shop.git("checkout", "-q", "topic")
    assert results(run("review", "--format", "sarif")) == [("n_plus_one", "new", "shop/more.py")]
    assert results(run("review", "--head", "topic", "--format", "sarif")) == [("n_plus_one", "new", "shop/more.py")]


def test_base_is_taken_exactly_as_given_even_after_the_head(shop: Shop, run: Run) -> None:
    before = shop.commit(views=BAD)
    fix = shop.commit(views=GOOD)
    assert results(run("review", "--base", fix, "--head", before, "--format", "sarif")) == [
        ("n_plus_one", "new", "shop/views.py")
    ]
    assert results(run("review", "--base", before, "--head", fix, "--format", "sarif")) == [
        ("n_plus_one", "absent", "shop/views.py")
    ]
    tree = shop.git("rev-parse", f"{fix}^{{tree}}")
    assert run("review", "--base", tree, "--head", before).code == 1


def test_old_findings_are_kept_and_do_not_fail(shop: Shop, run: Run) -> None:
    shop.commit(views=BAD)
    shop.write(views="\n\n# moved down\n" + BAD, other="x = 1\n")
    ended = run("review", "--format", "sarif")
    assert (ended.code, results(ended)) == (0, [("n_plus_one", "unchanged", "shop/views.py")])


def test_another_folder_and_a_bare_repository(shop: Shop, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = shop.commit(views=BAD)
    shop.git("clone", "-q", "--bare", str(shop.path), str(tmp_path / "bare.git"))
    monkeypatch.chdir(tmp_path)
    assert run("review", "--repo", "shop/shop", "--base", shop.base).code == 1
    assert run("review", "--repo", "bare.git", "--base", shop.base, "--head", before).code == 1
    assert run("review", "--repo", "bare.git").code == 0
    assert run("audit", "--repo", "bare.git").code == 1


def test_audit_counts_everything_as_new(shop: Shop, run: Run) -> None:
    before = shop.commit(views=BAD)
    shop.commit(views=GOOD)
    assert run("audit").code == 0
    ended = run("audit", "--head", before, "--format", "sarif")
    assert (ended.code, results(ended)) == (1, [("n_plus_one", "new", "shop/views.py")])


# thresholds, settings


def test_the_threshold_decides(shop: Shop, run: Run) -> None:
    shop.write(views=BAD)
    severity = next(
        f["severity"] for f in json.loads(run("review", "--format", "json").out)["new"] if f["rule"] == "n_plus_one"
    )
    order = ["critical", "high", "medium", "low"]
    for threshold in order:
        expected = 1 if order.index(severity) <= order.index(threshold) else 0
        assert run("review", "--fail-on", threshold).code == expected
    assert run("review", "--fail-on", "never").code == 0


def test_the_repository_s_threshold_holds_unless_another_is_given(shop: Shop, run: Run) -> None:
    shop.configure("fail_on: never\n")
    shop.commit()
    shop.write(views=BAD)
    assert run("review").code == 0
    assert run("review", "--fail-on", "low").code == 1


def test_a_change_cannot_silence_its_own_review(shop: Shop, run: Run) -> None:
    shop.write(views=BAD)
    shop.configure("rules: {disabled: [n_plus_one]}\nfial_on: never\n")
    ended = run("review")
    assert ended.code == 1
    assert "counts once it is merged" in " ".join(ended.out.split())
    assert ".cliffguard.yml:2 Unknown key fial_on" in ended.out
    assert run("audit").code == 0


def test_an_ignore_comment_is_shown_with_its_reason(shop: Shop, run: Run) -> None:
    shop.write(views=BAD.replace("all()", "all()  # cliffguard: ignore[n_plus_one] six orders"))
    ended = run("review")
    assert ended.code == 0
    assert "six orders" in ended.out


# forms


def test_sarif_carries_text_positions_and_rules(shop: Shop, run: Run) -> None:
    shop.write(views=BAD)
    log = json.loads(run("review", "--format", "sarif").out)
    (sarif,) = log["runs"]
    categories = {rule["id"]: rule["properties"]["category"] for rule in sarif["tool"]["driver"]["rules"]}
    assert categories["n_plus_one"] == "n_plus_one"
    result = next(result for result in sarif["results"] if result["ruleId"] == "n_plus_one")
    region = result["locations"][0]["physicalLocation"]["region"]
    line = BAD.split("\n")[region["startLine"] - 1]
    assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == "Order.objects.all()"
    assert result["partialFingerprints"]
    assert result["relatedLocations"]


def test_markdown_and_a_file(shop: Shop, run: Run, tmp_path: Path) -> None:
    shop.write(views=BAD)
    assert run("review", "--format", "markdown").out.startswith("# 1 new finding")
    for form in ("terminal", "json", "sarif", "markdown"):
        ended = run("review", "--format", form, "--output", str(tmp_path / "report"))
        assert ended == (1, "", "")
        assert "\x1b" not in (tmp_path / "report").read_text()


def test_the_cache_is_the_user_s_and_can_be_left_out(shop: Shop, run: Run, tmp_path: Path) -> None:
    assert run("review", "--no-cache").code == 0
    assert not (tmp_path / "cache").exists()
    first = run("audit")
    assert (tmp_path / "cache" / "cliffguard" / "facts.sqlite").is_file()
    assert run("audit") == first
    (tmp_path / "cache" / "cliffguard" / "facts.sqlite").write_bytes(b"damaged" * 1000)
    assert run("audit").code == first.code


def test_the_configuration_is_validated(shop: Shop, run: Run) -> None:
    assert "the defaults count" in run("validate").out
    shop.configure("fail_on: low\n")
    assert run("validate") == (0, ".cliffguard.yml: no mistakes.\n", "")
    (shop.path / "shop" / ".cliffguard.yml").write_text("\nfail_on: severe\n")
    ended = run("validate")
    assert ended.code == 1
    assert ended.out.startswith("shop/.cliffguard.yml:2: `fail_on` must be one of critical, high, medium, low, never")
    assert "fail_on" in json.loads(run("validate", "--schema").out)["$defs"]["Configuration"]["properties"]


def test_explain(run: Run) -> None:
    ended = run("explain", "n_plus_one")
    assert ended.code == 0
    assert "N+1" in ended.out
    assert [line.split()[0] for line in run("explain").out.splitlines()] == sorted(
        line.split()[0] for line in run("explain").out.splitlines()
    )
    known = ", ".join(analyzers.RULES)
    assert run("explain", "nope") == (2, "", f"cliffguard: Unknown rule 'nope'; the rules are {known}.\n")


# failures


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("review", "--base", "nope"), ["Unknown revision 'nope'", "fetch"]),
        (("review", "--head", "nope"), ["Unknown revision 'nope'", "fetch"]),
        (("audit", "--head", "--", "-x"), ["See cliffguard --help"]),
        (("review", "--repo", "/nowhere/at/all"), ["not a folder", "--repo DIR"]),
        (("review", "--repo", "/"), ["not a git repository", "--repo DIR"]),
        (("review", "--format", "xml"), ["'xml'", "sarif", "--help"]),
        (("review", "--fail-on", "always"), ["'always'", "critical"]),
        (("review", "--output", "/nowhere/at/all/report"), ["cannot be written", "--output"]),
        (("review", "--output", "."), ["cannot be written", "--output"]),
        (("review", "--what"), ["--what", "--help"]),
        (("revue",), ["revue", "--help"]),
    ],
)
def test_what_cannot_run_says_in_one_line_why_and_what_to_do(run: Run, arguments: tuple[str, ...], words: list[str]) -> None:
    ended = run(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("cliffguard: ")
    assert ended.err.count("\n") == 1
    assert [word for word in words if word not in ended.err] == []


def test_no_default_branch_and_no_commit(shop: Shop, run: Run, tmp_path: Path) -> None:
    shop.git("branch", "-qm", "main", "trunk")
    assert "--base REV" in run("review").err
    shop.git("init", "-q", str(tmp_path / "empty"))
    ended = run("audit", "--repo", str(tmp_path / "empty"))
    assert ended == (0, "No new findings\n", "")
    assert run("review", "--repo", str(tmp_path / "empty")).code == 2


def test_an_error_of_ours_is_one_line_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken\npart")

    monkeypatch.setattr(cli, "_head", fail)
    ended = run("review")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "Internal error, RuntimeError: broken part" in ended.err


def test_an_interrupt_is_neither_a_pass_nor_a_finding(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_head", interrupt)
    assert run("review").code == 130


def test_help_imports_nothing_heavy() -> None:
    heavy = "{'analyzers', 'libcst', 'githubkit', 'rq'}"
    code = f"import sys; from bot.cli import call; call(['--help']); print(sorted({heavy} & set(sys.modules)))"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
    for command in ("review", "audit", "explain", "run", "serve", "worker"):
        assert command in done.stdout


# A load test


def test_a_load_test_is_written_for_the_routes_of_the_project(run: Run, shop: Shop, tmp_path: Path) -> None:
    urls = 'from django.urls import path\nfrom shop.views import names\n\nurlpatterns = [path("orders/<int:pk>/", names)]\n'
    shop.configure("expected_peak:\n  users: 300\n")
    shop.commit(urls=urls, settings='ROOT_URLCONF = "shop.urls"\n')
    done = run("loadtest", str(shop.path), "--framework", "k6")
    assert done.code == 0, done.err
    assert "600 users, 2 x the expected peak of 300" in done.out
    assert '"/orders/{pk}"' in done.out
    assert run("loadtest", str(shop.path), "--output", str(tmp_path / "locustfile.py")).code == 0
    assert "USERS = 600" in (tmp_path / "locustfile.py").read_text()


def test_without_routes_there_is_nothing_to_load(run: Run, shop: Shop) -> None:
    done = run("loadtest", str(shop.path))
    assert done.code == 2
    assert "No address to ask for" in done.err
