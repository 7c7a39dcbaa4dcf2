"""What a repository says of its own libraries counts in its own reviews, once it is merged, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

import analyzers
from bot import organisation
from bot.cache import DiskFacts
from bot.local_github import PullRequest
from tests.bot.stage import Stage

APP = """
import acme_http
from flask import Flask

app = Flask(__name__)


@app.route("/{name}")
def {name}():
    return acme_http.get("https://rates.example.com/{name}").text
"""
SAID = """
libraries:
  - library: python
    work:
      - {kind: http, does: asks another service, calls: [acme_http.get], timeout: [timeout], endless: true}
"""


@pytest.fixture
def real(stage: Stage) -> Stage:
    """With the real analysis, and a store that all reviews of the process share."""
    facts = DiskFacts(stage.context.settings.data_dir / "facts.sqlite")
    stage.context = replace(stage.context, compare=analyzers.compare, facts=facts)
    return stage


def opened(stage: Stage, name: str, **files: str) -> PullRequest:
    stage.git("checkout", "-q", "main")
    stage.push(name, **{f"{name}__py": APP.replace("{name}", name)}, **files)
    return stage.hub.open_pull(stage.repository, name)


def told(stage: Stage, pull: PullRequest) -> list[str]:
    stage.run(stage.job(pull))
    assert stage.check(pull.head_sha).conclusion is not None
    return [comment.path for comment in pull.review_comments]


def said(stage: Stage, text: str) -> None:
    stage.git("checkout", "-q", "main")
    (stage.work / ".cliffguard.yml").write_text(text)
    stage.push("main")


def test_what_is_merged_is_known_in_this_repository_alone(real: Stage) -> None:
    first = opened(real, "rates")
    assert told(real, first) == []

    asking = opened(real, "prices", __cliffguard__yml=SAID)
    assert told(real, asking) == []
    assert "the change counts once it is merged" in real.check(asking.head_sha).output["text"]

    said(real, SAID)
    assert told(real, opened(real, "quotes")) == ["quotes.py"]

    mine = real.repository
    real.repository = real.hub.create_repository(f"{mine.full_name}-too", real.work, branches={"main": "main"})
    said(real, "")
    other = opened(real, "quotes")
    assert told(real, other) == [], "the same files, and the same process"

    real.repository = mine
    said(real, SAID)
    assert told(real, opened(real, "offers")) == ["offers.py"]


def test_the_organisation_and_the_operator_know_for_all(real: Stage) -> None:
    pull = opened(real, "rates")
    organisation.keep(real.queue.connection, real.job(pull).installation, SAID.encode())
    assert told(real, pull) == ["rates.py"]
    organisation.keep(real.queue.connection, real.job(pull).installation, None)
    assert told(real, opened(real, "prices")) == []

    defaults = real.context.settings.data_dir / "defaults.yml"
    defaults.write_text(SAID)
    real.context = replace(real.context, settings=real.context.settings.model_copy(update={"defaults": defaults}))
    assert told(real, opened(real, "quotes")) == ["quotes.py"]


def test_a_mistake_is_shown_where_it_is_made_and_the_review_goes_on(real: Stage) -> None:
    said(real, SAID + "  - library: jango\n    models: {bases: [acme.Model]}\n")
    pull = opened(real, "rates")
    assert told(real, pull) == ["rates.py"], "what is right in it is known"

    pull = opened(real, "prices", __cliffguard__yml=SAID.replace("kind: http", "kind: htp"))
    assert told(real, pull) == ["prices.py"]
    [wrong] = [
        one for one in real.check(pull.head_sha).annotations if one["path"] == ".cliffguard.yml" and one["start_line"] > 1
    ]
    assert wrong["start_line"] == 5
    assert "`libraries[0].work[0].kind` must be one of archive, document, http" in wrong["message"]
