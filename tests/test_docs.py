"""What the documentation, the manifest and the deployment say is so."""

from __future__ import annotations

import json
import lzma
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import typer
import yaml
from markdown_it import MarkdownIt

import analyzers
from analyzers.settings import Configuration, json_schema
from bot import github, webhook
from bot.cli import app as cli
from bot.jobs import Job
from bot.local_github import state
from tests.reference import README, ROOT, SCHEMA, fresh

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS = typer.main.get_command(cli).commands  # type: ignore[attr-defined]
SHA = "a" * 40
ELSEWHERE = ("libraries", "database_server")
"""What is long enough for a page of its own, `docs/configuration.md`."""


# The README's generated and checked blocks


def block(name: str) -> str:
    """The README's text below the comment `checked: name`, up to the end of its block or section."""
    text = README.read_text(encoding="utf-8").partition(f"<!-- checked: {name} -->\n")[2]
    assert text, f"the README has no block {name}"
    return re.split(r"<!-- end -->|\n#", text, maxsplit=1)[0]


def test_the_generated_tables_are_fresh() -> None:
    text = README.read_text(encoding="utf-8")
    assert text == fresh(text), "write them anew: .venv/bin/python -m tests.reference"


def test_the_published_schema_of_the_configuration_is_fresh() -> None:
    assert SCHEMA.read_bytes() == json_schema(analyzers.RULES), "write it anew: .venv/bin/python -m tests.reference"
    jsonschema.Draft202012Validator.check_schema(msgspec.json.decode(json_schema(analyzers.RULES)))


def keys(schema: dict[str, Any], part: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Every key a JSON schema allows, as a path."""
    if "$ref" in part:
        part = schema["$defs"][part["$ref"].rpartition("/")[2]]
    for name, value in part.get("properties", {}).items():
        yield prefix + name
        yield from keys(schema, value, f"{prefix}{name}.")
    yield from keys(schema, part["items"], prefix) if isinstance(part.get("items"), dict) else ()


def given(value: Any, prefix: str = "") -> Iterator[str]:
    """Every key of a document, as a path."""
    for child in value if isinstance(value, list) else []:
        yield from given(child, prefix)
    for name, child in value.items() if isinstance(value, dict) else []:
        yield prefix + name
        yield from given(child, f"{prefix}{name}.")


def test_the_reference_of_the_configuration_is_complete_and_valid() -> None:
    text = block(".cliffguard.yml").split("```yaml\n")[1].split("```")[0]
    settings, problems = analyzers.read_settings({".cliffguard.yml": text.encode()}, known_rules=analyzers.RULES)
    assert not problems
    schema = msgspec.json.decode(json_schema())
    expected = {key for key in keys(schema, schema) if key.partition(".")[0] not in ELSEWHERE}
    assert {key for key in given(yaml.load(text, yaml.BaseLoader)) if key.partition(".")[0] not in ELSEWHERE} == expected
    defaults = analyzers.Settings()
    names = (name for name in Configuration.__struct_fields__ if name not in ELSEWHERE)
    same = [name for name in names if getattr(settings, name) == getattr(defaults, name)]
    assert not same, f"the example shows nothing of {same}"


def test_the_page_on_configuration_shows_all_that_can_be_said_of_libraries() -> None:
    shown = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8").split("```yaml\nlibraries:")
    text = "".join("libraries:" + part.split("```")[0] for part in shown[1:2])
    settings, problems = analyzers.read_settings({".cliffguard.yml": text.encode()}, known_rules=analyzers.RULES)
    assert settings.libraries
    assert not problems
    schema = msgspec.json.decode(json_schema())
    said = set(given(yaml.load(text, yaml.BaseLoader)))
    names = {key for key in keys(schema, schema) if key.startswith("libraries.")}
    assert names <= said, f"nothing is said of {sorted(names - said)}"


def test_the_contracts_are_all_named() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    assert re.findall(r"^- \*\*(.+?)\.\*\*", block("contracts"), re.MULTILINE) == [contract["name"] for contract in contracts]


def test_the_picture_is_a_small_png() -> None:
    picture = (ROOT / "docs" / "review.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n")
    assert len(picture) < 300_000


# Links and commands


def links(page: Path) -> Iterator[str]:
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        for child in token.children or ():
            target = child.attrs.get("href") or child.attrs.get("src")
            if target:
                yield str(target)


def anchors(page: Path) -> set[str]:
    """The anchors GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def commands(page: Path) -> Iterator[list[str]]:
    """The commands of the page's shell blocks, as words."""
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "fence" and token.info == "sh":
            for line in re.sub(r"<<'END'.*?^END$", "", token.content, flags=re.DOTALL | re.MULTILINE).splitlines():
                yield shlex.split(line, comments=True)


def test_the_commands_shown_exist() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    shown = [words for page in PAGES for words in commands(page) if words]
    assert len(shown) > 15
    for words in shown:
        program, arguments = words[0].removeprefix(".venv/bin/"), words[1:]
        if program == "make":
            assert arguments[0] in targets, words
        elif program == "cliffguard":
            known = {option for parameter in COMMANDS[arguments[0]].params for option in parameter.opts}
            assert {word for word in arguments if word.startswith("--")} <= known, words
        else:
            assert program in {"python", "pre-commit", "docker", "cp"}, words


def test_what_is_said_to_run_as_a_module_does() -> None:
    modules = {words[2] for page in PAGES for words in commands(page) if words[1:2] == ["-m"]}
    assert modules == {"analyzers", "tests.proofs", "tests.reference"}
    for module in modules:
        path = ROOT.joinpath(*module.split("."))
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists()


# The App's manifest


def manifest() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "app.yml").read_text(encoding="utf-8"))


def answered() -> set[str]:
    """The events that ask for something, with any action of any payload known."""
    side = {"sha": SHA}
    parts = {
        "installation": {"id": 5},
        "repository": {"id": 123, "name": "shop", "owner": {"login": "octo"}},
        "pull_request": {"number": 7, "head": side, "base": side},
        "check_run": {"head_sha": SHA},
        "check_suite": {"head_sha": SHA},
        "merge_group": {"head_sha": SHA, "base_sha": SHA},
        "changes": {"base": {"ref": {"from": "main"}}},
        "issue": {"number": 7, "pull_request": {}},
        "comment": {"id": 1, "body": "/cliffguard help", "user": {"login": "ann", "type": "User"}},
    }
    data = lzma.decompress((ROOT / "tests" / "data" / "octokit_webhook_examples.json.xz").read_bytes())
    examples: dict[str, list[dict[str, Any]]] = json.loads(data)["events"]
    actions = {str(example.get("action")) for list_ in examples.values() for example in list_} | {"checks_requested"}
    return {
        event
        for event in {*examples, *manifest()["default_events"]}
        for action in actions
        if isinstance(webhook.job_for(event, json.dumps({**parts, "action": action}).encode()), Job)
    }


def test_every_event_that_is_answered_is_subscribed_and_no_other() -> None:
    assert set(manifest()["default_events"]) == answered()


def test_the_permissions_are_those_that_are_used() -> None:
    permissions = manifest()["default_permissions"]
    tokens = github.API_PERMISSIONS | github.GIT_PERMISSIONS
    hearing = {
        "pull_request": "pull_requests",
        "pull_request_review_comment": "pull_requests",
        "issue_comment": "issues",  # GitHub's form refuses the event without it, also where the comments are of pull requests
        "check_run": "checks",
        "check_suite": "checks",
        "merge_group": "merge_queues",
    }
    heard = {hearing[event]: "read" for event in manifest()["default_events"]}
    assert permissions == {"metadata": "read"} | heard | tokens


def test_the_local_github_grants_what_the_manifest_asks_for() -> None:
    assert manifest()["default_permissions"] == state.PERMISSIONS
    assert set(manifest()["default_events"]) == set(state.EVENTS)


def test_the_manifest_has_the_keys_github_knows() -> None:
    known = {"name", "description", "url", "public", "hook_attributes", "default_permissions", "default_events"}
    assert set(manifest()) == known
    assert set(manifest()["hook_attributes"]) == {"url", "active"}
    assert manifest()["hook_attributes"]["url"].endswith("/webhook")


# The tools


def test_commits_are_checked_with_what_is_installed() -> None:
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert {repository["repo"] for repository in repositories} == {"local"}
    hooks = [hook for repository in repositories for hook in repository["hooks"]]
    assert {hook["language"] for hook in hooks} == {"system"}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    tools = {hook["entry"].split()[0].removeprefix(".venv/bin/") for hook in hooks}
    assert tools == set(re.findall(r"\$\(BIN\)/(\S+)", makefile.split("\ncheck:")[1].split("\n\n")[0]))


# The answers to users


ASKS = ROOT / "docs" / "user_asks.md"


def answers() -> list[list[str]]:
    """Number, thread, answer and test of each row."""
    rows = re.findall(r"^\| (\d+ \|.*) \|$", ASKS.read_text(encoding="utf-8"), re.MULTILINE)
    return [[cell.strip() for cell in row.split(" | ")] for row in rows]


def test_every_ask_has_an_answer_and_a_test_that_exists() -> None:
    found = answers()
    assert [int(row[0]) for row in found] == list(range(1, 57))
    tests = {
        name for file in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"^def (test_\w+)", file.read_text(), re.M)
    }
    missing = []
    for number, _, answer, proof in found:
        page, _, heading = proof.partition("`: ")
        known = f"\n## {heading}\n" in (ROOT / page.strip("`")).read_text() if heading else proof.strip("`") in tests
        if not known or not answer.endswith("."):
            missing.append((number, proof))
    assert not missing
