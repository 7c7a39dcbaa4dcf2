"""Schemas and migrations of Rails: the examples of `rails.md`, and Ruby's outlines in `frontends/ruby.md`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("tree_sitter_ruby")

from analyzers.facts.render import render_all
from analyzers.frontends.ruby import RubyFrontend
from analyzers.model.naming.code import Codebase
from analyzers.model.schema.rails import rails_migrations
from tests.markdown import Case, cases
from tests.test_cases import analysis_of

HERE = Path(__file__).parent
CASES = [pytest.param(case, id=case.heading) for case in cases(HERE / "rails.md")]
SECTION = re.compile(r"^## ([^\n]+)\n```ruby\n(.*?)```\n```outline\n(.*?)\n```", re.MULTILINE | re.DOTALL)
PAGE = (HERE / "frontends" / "ruby.md").read_text("utf-8")


@pytest.mark.parametrize("case", CASES)
def test_case(case: Case) -> None:
    review = analysis_of(case).review
    found = {(f.place.path, f.place.span.start_line, f.rule) for f in review.new}
    assert found == case.expected, "\n".join(f"{f.title} at {f.place.path}:{f.place.span.start_line}" for f in review.new)


def test_every_heading_is_a_section() -> None:
    assert len(SECTION.findall(PAGE)) == PAGE.count("\n## ") > 2


@pytest.mark.parametrize(("source", "outline"), [pytest.param(s, o, id=t) for t, s, o in SECTION.findall(PAGE)])
def test_outline(source: str, outline: str) -> None:
    facts = RubyFrontend().read(source.encode())
    assert facts.problems == ()
    assert render_all(facts.outline) == outline


def test_a_migration_says_whether_a_transaction_is_around_it() -> None:
    source = (
        b"class A < ActiveRecord::Migration[7.1]\n  disable_ddl_transaction!\n  def change\n    drop_table :a\n  end\nend\n"
    )
    facts = {
        "db/migrate/1_a.rb": RubyFrontend().read(source),
        "db/migrate/2_b.rb": RubyFrontend().read(source.replace(b"dis", b"")),
    }
    assert [m.transactional for m in rails_migrations(Codebase(facts))] == [False, True]
