"""Expressions of Go templates, and limits of managed databases."""

from __future__ import annotations

import pytest

from analyzers.deployment.go_templates import UNKNOWN, Scope, evaluate
from analyzers.deployment.plans import limit_of, providers
from analyzers.deployment.variables import from_ruby

ROOT: dict[str, object] = {
    "Values": {"web": {"replicas": "3", "name": None}, "workers": [{"name": "mail"}], "off": "false"},
    "Release": UNKNOWN,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (".Values.web.replicas", "3"),
        (".Values.web.replicas | int | add 2", "5"),
        ("default 2 .Values.web.other", "2"),
        (".Values.web.other | default 2 | quote", "2"),
        ("coalesce .Values.web.name .Values.web.replicas", "3"),
        ("and .Values.off .Release.Name", "false"),
        ("or .Release.Name .Values.web.replicas", UNKNOWN),
        ('ternary "1" "2" (eq .Values.web.replicas "3")', "1"),
        ('include "shop.replicas" .', UNKNOWN),
        ("(mul .Values.web.replicas 2)", "6"),
        ('required "how many?" .Values.web.other', UNKNOWN),
        ("$.Values.web.replicas", "3"),
        ("$item.name", "mail"),
        ("div 1 0", UNKNOWN),
        (".Release.Name", UNKNOWN),
        ("((((", UNKNOWN),
        ('(dict "a" .Release.Name "b" 1).b', "1"),
        ("index (list 1 2) 1", "2"),
        ('index .Values "web" "replicas"', "3"),
        ('contains "a" .Release.Name', UNKNOWN),
        ('printf "%s-%s" "a" "b" | trunc 2 | trimSuffix "-"', "a"),
        ('kindIs "map" .Values.web', "true"),
        ('kindIs "string" .Values.web.replicas', UNKNOWN),
        ('merge (dict "a" 1) (dict "a" 2 "b" 3)', {"a": "1", "b": "3"}),
        ('mergeOverwrite (dict "a" 1) (dict "a" 2)', {"a": "2"}),
        ("tpl .Values.web.replicas .", "3"),
        ('tpl "{{ .Release.Name }}" .', UNKNOWN),
        ("until 3 | len", "3"),
        ("", UNKNOWN),
    ],
)
def test_expressions(text: str, expected: object) -> None:
    assert evaluate(text, Scope(ROOT, ROOT, {"$item": {"name": "mail"}})) == expected


@pytest.mark.parametrize(
    ("provider", "plan", "database", "limit"),
    [
        ("heroku", "standard-0", "", 120),
        ("heroku", "", "", None),
        ("render", "", "", 100),
        ("digitalocean", "db-s-2vcpu-4gb", "", 100),
        ("rds", "db.t4g.medium", "", 450),
        ("rds", "db.r6g.large", "postgresql", 1802),
        ("rds", "db.r6g.16xlarge", "postgresql", 5000),
        ("rds", "db.t3.small", "mysql", 170),
        ("rds", "db.unheard", "", None),
    ],
)
def test_plans(provider: str, plan: str, database: str, limit: int | None) -> None:
    assert limit_of(provider, plan, database) == limit


def test_every_provider_says_something_of_limits() -> None:
    assert all(known.plans or known.classes for known in providers().values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<%= ENV.fetch("RAILS_MAX_THREADS") { 5 } %>', "${RAILS_MAX_THREADS:-5}"),
        ("<%= ENV['DB_POOL'] || ENV['MAX_THREADS'] || 5 %>", "${DB_POOL:-${MAX_THREADS:-5}}"),
        ('<%= ENV["A"].presence || "20" %>', "${A:-20}"),
        ('<%= ENV["A"] %>', "${A}"),
        ('<%= ENV.fetch("A", 5).to_i + 3 %>', ""),
        ("7", "7"),
    ],
)
def test_expressions_of_ruby(text: str, expected: str) -> None:
    assert from_ruby(text) == expected
