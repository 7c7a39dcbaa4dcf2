"""Configuration files as settings, and what hostile ones must not do."""

from __future__ import annotations

import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.facts.store import FileFacts
from analyzers.frontends.config import FORMATS, MAX_VALUE
from analyzers.frontends.config_yaml import MAX_SETTINGS


def read(language: str, source: str | bytes) -> FileFacts:
    return FORMATS[language].read(source.encode() if isinstance(source, str) else source)


def pairs(facts: FileFacts) -> dict[str, str]:
    return {setting.key: setting.value for setting in facts.settings}


COMPOSE = """\
x-app: &app
  image: "shop:1"  # cliffguard: ignore[connections] the pooler is é elsewhere
  environment: {WORKERS: 4, NAME: größe}
services:
  db:
    image: postgres:16
    command: >
      postgres
      -c max_connections=200
    ports:
      - "5432:5432"
      - published: 1
  web:
    <<: *app
    image: shop:2
    deploy: {replicas: 3}
    tty:
"""


def test_yaml() -> None:
    facts = read("yaml", COMPOSE)
    assert facts.problems == ()
    assert pairs(facts) == {
        "x-app.image": "shop:1",
        "x-app.environment.WORKERS": "4",
        "x-app.environment.NAME": "größe",
        "services.db.image": "postgres:16",
        "services.db.command": "postgres -c max_connections=200\n",
        "services.db.ports.0": "5432:5432",
        "services.db.ports.1.published": "1",
        "services.web.image": "shop:2",
        "services.web.deploy.replicas": "3",
        "services.web.tty": "",
        "services.web.environment.WORKERS": "4",
        "services.web.environment.NAME": "größe",
    }
    (ignore,) = facts.ignores
    assert (ignore.line, ignore.rules, ignore.reason) == (2, ("connections",), "the pooler is é elsewhere")


TEMPLATE = """\
{{- /* a comment */}}
{{- if .Values.web.enabled }}
kind: Deployment
metadata:
  name: {{ include "shop.name" . }}-web
  labels:
    {{- include "shop.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.web.replicas }}
  args: ["-w", {{ .Values.workers | quote }}, "--port={{ .Values.port }}"]
{{- end }}
"""


def test_a_template() -> None:
    facts = read("yaml", TEMPLATE)
    assert facts.problems == ()
    assert [(s.key, s.value) for s in facts.settings] == [
        ("{{", "if .Values.web.enabled"),
        ("kind", "Deployment"),
        ("metadata.name", '{{ include "shop.name" . }}-web'),
        ("metadata.labels", ""),
        ("metadata.labels.{{", 'include "shop.labels" . | nindent 4'),
        ("spec.replicas", "{{ .Values.web.replicas }}"),
        ("spec.args.0", "-w"),
        ("spec.args.1", "{{ .Values.workers | quote }}"),
        ("spec.args.2", "--port={{ .Values.port }}"),
        ("{{", "end"),
    ]
    replicas = next(s for s in facts.settings if s.key == "spec.replicas")
    assert TEMPLATE[replicas.start : replicas.end] == "{{ .Values.web.replicas }}"


DEFINITIONS = """\
{{/* a comment */}}
text that nobody takes
{{- define "shop.name" -}}
{{- if .Values.name }}
{{ .Values.name }}
{{- else }}
{{ .Chart.Name }}
{{- end }}
{{- end }}
{{- define "shop.env" -}}
- name: TZ
  value: {{ .zone }}
{{- end -}}
{{- define "shop.web" -}}{{ .Release.Name }}-web{{- end -}}
{{ define "open" }}
"""


def test_named_templates() -> None:
    facts = read("definitions", DEFINITIONS)
    assert facts.problems == ()
    assert [(s.key, s.value) for s in facts.settings] == [
        ("{{", 'define "shop.name"'),
        ("{{", "if .Values.name"),
        ("{{", ".Values.name"),
        ("{{", "else"),
        ("{{", ".Chart.Name"),
        ("{{", "end"),
        ("{{", "end"),
        ("{{", 'define "shop.env"'),
        ("0.name", "TZ"),
        ("0.value", "{{ .zone }}"),
        ("{{", "end"),
        ("{{", 'define "shop.web"'),
        ("", "{{ .Release.Name }}-web"),
        ("{{", "end"),
    ]
    zone = next(s for s in facts.settings if s.key == "0.value")
    assert DEFINITIONS[zone.start : zone.end] == "{{ .zone }}"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("a:\n  b:\n    {{ x }}\n", "a.b.{{"),
        ("a:\n  b:\n{{ x | indent 4 }}\n", "a.b.{{"),
        ("a:\n  b: 1\n  {{ x }}\n", "a.{{"),
        ("a:\n- b: 1\n  c:\n    {{ x }}\n", "a.0.c.{{"),
        ("a:\n  - b: 1\n  - c: 2\n    {{ x }}\n", "a.1.{{"),
        ("a:\n  - b: 1\n  {{ x }}\n", "a.{{"),
        ("a:\n  {{ x | nindent 2 }}\n  - b: 1\n", "a.{{"),
        ("a:\n{{ x }}\n", "a.{{"),
        ("a: 1\n{{ x }}\n", "{{"),
        ("a: 1\n---\nb:\n  c:\n    {{ x }}\n", "1.b.c.{{"),
        ("---\na: 1\n---\nb:\n  {{ x }}\n", "1.b.{{"),
        ('"a b":\n  {{ x }}\n', "a b.{{"),
        ("a:\n  b:\n    {{- if x }}\n    c: 1\n    {{- end }}\n    {{ x }}\n", "a.b.{{"),
    ],
)
def test_below_which_key_an_action_writes(text: str, key: str) -> None:
    facts = read("yaml", text)
    assert [s.key for s in facts.settings if s.value.startswith("x") and s.key.endswith("{{")] == [key]


@pytest.mark.parametrize(
    ("language", "source", "places"),
    [
        ("yaml", COMPOSE, {"services.db.image": (6, "postgres:16"), "x-app.environment.NAME": (3, "größe")}),
        ("yaml", "# é\na: 'ü'\nb: [1, x]\n", {"a": (2, "'ü'"), "b.1": (3, "x")}),
        ("json", '{\n\t"é": {"b": [1, "ü"]}\n}', {"é.b.0": (2, "1"), "é.b.1": (2, '"ü"')}),
        (
            "xml",
            "<!-- é -->\n<a>\n  <b c='ü>' d=\"1\"/>\n <b>x</b></a>\n",
            {"a.0.b.0.d": (3, "<b c='ü>' d=\"1\"/>"), "a.0.b.1.": (4, "<b>")},
        ),
        ("env", "# é\nA=1\nexport B='ü x' # c\n", {"A": (2, "1"), "B": (3, "'ü x'")}),
        ("ini", "; é\n[www]\npm.max_children = 50 ; c\n", {"www.pm.max_children": (3, "50")}),
        ("toml", "# é\n[a.b]\nc = 'ü'\n[[d]]\ne = 1\n", {"a.b.c": (3, "c = 'ü'"), "d.0.e": (5, "e = 1")}),
        (
            "dockerfile",
            "# é\nFROM x AS ü\nENV A=1 \\\n  B=2\n",
            {"FROM": (2, "FROM x AS ü"), "ENV.B": (3, "ENV A=1 \\\n  B=2")},
        ),
        ("procfile", "# é\nweb: run é\n", {"web": (2, "run é")}),
        ("ini", "[Service]\nExecStart=/bin/gunicorn \\\n  -w 4\nUser=é\n", {"Service.User": (4, "é")}),
        ("yaml", b"\xef\xbb\xbfa: 1\n", {"a": (1, "1")}),
        ("env", b"\xef\xbb\xbfA=1\n", {"A": (1, "1")}),
    ],
)
def test_places(language: str, source: str | bytes, places: dict[str, tuple[int, str]]) -> None:
    blob = source if isinstance(source, bytes) else source.encode()
    facts = read(language, blob)
    found = {setting.key: setting for setting in facts.settings}
    for key, (line, text) in places.items():
        setting = found[key]
        assert blob[setting.start : setting.end].decode() == text
        assert facts.span(setting.start, setting.end).start_line == line


@pytest.mark.parametrize(
    ("language", "source", "expected"),
    [
        ("yaml", "kind: A\n---\nkind: B\n", {"0.kind": "A", "1.kind": "B"}),
        (
            "yaml",
            "when@prod:\n  a: '%env(URL)%'\n  b: !tagged {tag: x}\n  c: !php/const A::B\n",
            {"when@prod.a": "%env(URL)%", "when@prod.b.tag": "x", "when@prod.c": "A::B"},
        ),
        ("yaml", "a: &x {k: 1, l: 2}\nb: {<<: [*x], l: 3}\n", {"a.k": "1", "a.l": "2", "b.l": "3", "b.k": "1"}),
        ("yaml", "? [a, b]\n: 1\nc: 2\n", {"c": "2"}),
        ("yaml", "x: !!python/object/apply:os.system [ls]\n", {"x.0": "ls"}),
        ("yaml", "", {}),
        (
            "env",
            'A=1\n\n# c\nexport B = x y # z\nC="q\\"r\ns"\nD=\'a # b\'\nE=\nF=http://h#f\nG="x\n',
            {"A": "1", "B": "x y", "C": 'q"r\ns', "D": "a # b", "E": "", "F": "http://h#f", "G": '"x'},
        ),
        (
            "ini",
            'a = 1\n[s]\nb="x;y"\n;c=2\n#d=3\nphp_value[x] = 4\n[t]\ne : 5\n',
            {"a": "1", "s.b": "x;y", "s.php_value[x]": "4", "t.e": "5"},
        ),
        ("ini", "maxmemory 100mb\nsave 900 1\n", {"maxmemory": "100mb", "save": "900 1"}),
        (
            "toml",
            "[project]\ndependencies = ['a', 'b']\n[tool.x]\ny.z = true\nd = 2024-01-01\n",
            {"project.dependencies.0": "a", "project.dependencies.1": "b", "tool.x.y.z": "true", "tool.x.d": "2024-01-01"},
        ),
        (
            "xml",
            "<?xml version='1.0' encoding='latin1'?><a k='&lt;'><!-- c --> t <x:b/><x:b><![CDATA[<c>]]></x:b></a>",
            {"a.0": "", "a.0.k": "<", "a.0.": "t", "a.0.x:b.0": "", "a.0.x:b.1": "", "a.0.x:b.1.": "<c>"},
        ),
        ("json", '{"require": {"php": ">=8"}, "n": null, "l": [true]}', {"require.php": ">=8", "n": "null", "l.0": "true"}),
        (
            "procfile",
            "web: gunicorn app --workers 4\nworker: rq worker\n",
            {"web": "gunicorn app --workers 4", "worker": "rq worker"},
        ),
    ],
)
def test_values(language: str, source: str, expected: dict[str, str]) -> None:
    assert pairs(read(language, source)) == expected


def test_dockerfile() -> None:
    source = """\
# syntax=docker/dockerfile:1
from python:3.11 AS base
ENV A=1 B="two words"
ENV OLD style value
RUN <<EOF
CMD not this
EOF
RUN pip install \\
    # why
    gunicorn
FROM base

EXPOSE 8000
ENTRYPOINT ["gunicorn", "-w", "4", "a b"]
CMD run [x]
"""
    assert [(setting.key, setting.value) for setting in read("dockerfile", source).settings] == [
        ("FROM", "python:3.11 AS base"),
        ("ENV.A", "1"),
        ("ENV.B", "two words"),
        ("ENV.OLD", "style value"),
        ("RUN", "<<EOF"),
        ("RUN", "pip install gunicorn"),
        ("FROM", "base"),
        ("EXPOSE", "8000"),
        ("ENTRYPOINT", "gunicorn -w 4 'a b'"),
        ("CMD", "run [x]"),
    ]


@pytest.mark.parametrize(
    ("language", "source", "line", "words"),
    [
        ("yaml", "a: 1\nb: {{- if .Values.x }}\nc: d: e\n", 3, "template"),
        ("yaml", "a: 1\nb: [1\nc: 2\n", 3, "Not YAML"),
        ("yaml", "a: 1\nb: \x00\n", 2, "Not YAML"),
        ("yaml", "a: 1\nb: " + "[" * 100 + "\n", 2, "levels deep"),
        ("json", '{"a": }]', 1, "Not YAML"),
        ("toml", "a = 1\nb = = 2\n", 2, "Not TOML"),
        ("xml", "<a>\n<b></a>", 2, "Not XML"),
        ("xml", '<!DOCTYPE a [\n<!ENTITY b "c">]><a>&b;</a>', 2, "entities"),
        ("xml", '<!DOCTYPE a [\n<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', 2, "entities"),
        ("xml", "<a>\n" * 100, 61, "levels deep"),
        ("env", "A=1\nnot a line\n", 2, "NAME=value"),
    ],
)
def test_problems(language: str, source: str, line: int, words: str) -> None:
    (problem,) = read(language, source).problems
    assert problem.line == line
    assert words in problem.text


def test_what_stands_before_a_mistake_is_kept() -> None:
    assert pairs(read("yaml", "a: 1\n---\nb: [\n")) == {"a": "1"}


def test_an_alias_bomb_is_cut() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for number in range(1, 9):
        bomb += f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]\n"
    start = time.process_time()
    facts = read("yaml", bomb)
    assert len(facts.settings) <= MAX_SETTINGS
    assert "first" in facts.problems[0].text
    assert time.process_time() - start < 5


def test_an_anchor_within_itself_ends() -> None:
    assert pairs(read("yaml", "a: &a\n  b: 1\n  c: *a\n"))["a.b"] == "1"


def test_an_element_with_a_name_beyond_reason_says_nothing() -> None:
    assert read("xml", f"<{'a' * 9_000}><b/></{'a' * 9_000}>").settings == ()


def test_long_values_are_cut() -> None:
    (setting,) = read("env", "A=" + "x" * 10 * MAX_VALUE).settings
    assert len(setting.value) == MAX_VALUE


@pytest.mark.parametrize("language", FORMATS)
@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "{a: ",
        "- ",
        "? ",
        "&a ",
        "*a ",
        "a:\n",
        "'",
        '"',
        "a=",
        'a="',
        "A=\\\n",
        "[[a]]\n",
        "a.",
        "<<EOF\n",
        "RUN <<E\n",
        "\\\n",
        "!x ",
        "<a>",
        "<a/>",
        "<a b='",
        "<!--",
        "<![CDATA[",
        "<!DOCTYPE a [",
        "{",
        "{{ a }",
        "{? {",
        "{% a ",
        "{{}}",
    ],
)
def test_hostile_files_end_soon(language: str, piece: str) -> None:
    start = time.process_time()
    msgspec.msgpack.encode(read(language, piece * (100_000 // len(piece))))
    assert time.process_time() - start < 10


@pytest.mark.parametrize("language", FORMATS)
@settings(max_examples=60, deadline=None)
@given(source=st.one_of(st.binary(), st.text("ab:=-[]{}\"'#&*!<|>%\\ \n\té0.", max_size=80).map(str.encode)))
def test_any_bytes_are_read(language: str, source: bytes) -> None:
    facts = read(language, source)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(facts), type=FileFacts) == facts
    for setting in facts.settings:
        assert 0 <= setting.start <= setting.end <= len(source)
