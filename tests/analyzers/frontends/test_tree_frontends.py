"""What holds for every frontend on tree-sitter: positions, ignores, problems, SQL, bounds."""

import random
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import analyzers.frontends.tree as tree
from analyzers.facts.outline import Call, Member, Name, Node, Other, Text, children, walk
from analyzers.facts.store import FileFacts
from analyzers.frontends.frontend import MAX_DEPTH, MAX_TEXT, Frontend
from analyzers.frontends.php import PhpFrontend
from analyzers.frontends.python import PythonFrontend
from analyzers.frontends.script import JavaScriptFrontend, TsxFrontend, TypeScriptFrontend

PYTHON, PHP = PythonFrontend(), PhpFrontend()
SCRIPT, TYPED, TSX = JavaScriptFrontend(), TypeScriptFrontend(), TsxFrontend()
HERE = Path(__file__).parent
BOTH = pytest.mark.parametrize("frontend", [PYTHON, PHP], ids=["python", "php"])


def nodes(facts: FileFacts) -> list[Node]:
    return [node for top in facts.outline for node in walk(top)]


def depth(facts: FileFacts) -> int:
    """How deep the deepest node stands, without recursion."""
    deepest, level = 0, list(facts.outline)
    while level:
        deepest += 1
        level = [child for node in level for child in children(node)]
    return deepest


def round_trip(facts: FileFacts) -> FileFacts:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(facts), type=FileFacts)


# Positions


def test_spans_are_byte_ranges_of_the_source() -> None:
    source = "é = 1\n(order.customer).name('ü', x[0:2])  # c\n".encode()
    call = nodes(PYTHON.read(source))[3]
    found = {source[node.start : node.end].decode() for node in walk(call)}
    assert found >= {"(order.customer).name('ü', x[0:2])", "order.customer", "order", "'ü'", "x[0:2]", "x", "0:2", "0"}


def test_php_spans() -> None:
    source = "<p>é</p><?php $o->lines()['ü']->name; A::b(c: 1);".encode()
    found = {source[node.start : node.end].decode() for node in nodes(PHP.read(source))}
    assert found >= {"$o", "$o->lines", "$o->lines()", "$o->lines()['ü']", "'ü'", "$o->lines()['ü']->name", "A::b(c: 1)", "1"}


def test_docblocks_and_forward_references_have_their_own_positions() -> None:
    php = '<?php /** é @ORM\\Id(a="b") @ORM\\Col */ class A {}'.encode()
    found = [php[node.start : node.end].decode() for node in nodes(PHP.read(php)) if isinstance(node, Call)]
    assert found == ['@ORM\\Id(a="b")', "@ORM\\Col"]
    python = 'é: "dict[str, shop.Order]"'.encode()
    members = [node for node in nodes(PYTHON.read(python)) if isinstance(node, Member)]
    assert [python[node.start : node.end] for node in members] == [b"shop.Order"]


@BOTH
def test_lines_start_where_lines_start(frontend: Frontend) -> None:
    for source, starts in ((b"", [0]), (b"a", [0]), (b"a\n", [0, 2]), (b"a\nb", [0, 2]), (b"\r\n\n", [0, 2, 3])):
        facts = frontend.read(source)
        assert list(memoryview(facts.lines).cast("I")) == starts
    facts = frontend.read(b"ab\ncd\n")
    span = facts.span(1, 4)
    assert (span.start_line, span.start_column, span.end_line, span.end_column) == (1, 2, 2, 2)


# Texts


def test_long_texts_and_tables_are_cut() -> None:
    facts = PYTHON.read(b"x = '%s'\ny = %s\nz = [%s]" % (b"a" * 999, b"[" + b"1," * 999 + b"]", b"f()," * 999))
    assert max(len(node.value) for node in nodes(facts) if isinstance(node, Text) and isinstance(node.value, str)) == MAX_TEXT
    tables = [len(node.children) for node in nodes(facts) if isinstance(node, Other) and node.word == "list"]
    assert tables == [tree.MAX_ELEMENTS, 999]


@pytest.mark.parametrize(
    "literal", ['"\\ud800"', '"\\U00110000"', '"\\N{NO SUCH}"', "9" * 5000, "1e999", "0b" + "1" * 90, "0777"]
)
def test_literals_that_have_no_plain_value_can_be_stored(literal: str) -> None:
    facts = PYTHON.read(f"x = {literal}\nx = -{literal}".encode())
    assert round_trip(facts) == facts
    assert facts == PYTHON.read(f"x = {literal}\nx = -{literal}".encode())


def test_sql_literals_are_read_whole() -> None:
    statement = "SELECT id FROM orders WHERE state = %s AND " + " AND ".join(f"column_{i} = %s" for i in range(30))
    source = f"cursor.execute('''{statement}''')\nlog('Select a file from the list')".encode()
    source += b"\n'''CREATE TABLE docstring (id int)'''"
    (said,) = [said for said in PYTHON.read(source).sql if said.queries]
    assert source[said.start : said.end].decode() == f"'''{statement}'''"
    assert said.queries[0].tables == ("orders",)
    assert ("orders", "column_29") in said.queries[0].equal
    assert statement in [node.value for node in nodes(PYTHON.read(source)) if isinstance(node, Text)]
    assert not any(said.changes for said in PYTHON.read(source).sql)


def test_sql_in_pieces_is_read_joined_and_with_holes_not_at_all() -> None:
    said = PHP.read(
        b"<?php $this->addSql('CREATE TABLE a (id INT) ' . 'ENGINE = InnoDB'); $sql = 'DELETE FROM a ' . $where;"
    ).sql
    assert [len(text.changes) for text in said] == [1]
    assert not PHP.read(b'<?php q("SELECT a FROM b WHERE c = $d");').sql
    assert not PYTHON.read(b"q(f'SELECT a FROM b WHERE c = {d}')").sql


# Ignores


def test_ignore_comments_speak_of_a_line_of_code() -> None:
    source = b"""x = 1
# cliffguard: ignore[n_plus_one, missing_index] only three rows
# another comment

for a in b:  # cliffguard: ignore
    "# cliffguard: ignore[in_a_string]"
# cliffguard: ignored is another word
"""
    found = [(ignore.line, ignore.rules, ignore.reason) for ignore in PYTHON.read(source).ignores]
    assert found == [(5, ("n_plus_one", "missing_index"), "only three rows"), (5, (), "")]


def test_php_ignore_comments() -> None:
    source = b"""<?php
// cliffguard: ignore[a] one
/* cliffguard: ignore[b]: two */
#[Route('/')]
function f() {} # cliffguard: ignore[c] three ?>
"""
    found = [(ignore.line, ignore.rules, ignore.reason) for ignore in PHP.read(source).ignores]
    assert found == [(4, ("a",), "one"), (4, ("b",), "two"), (5, ("c",), "three")]


# Problems and bounds


NESTING = [
    *(
        (PYTHON, unit)
        for unit in ("(", "[", "f(", "a[", "{", "-", "f(a=", "x if y else ", "lambda: ", "'a'+(", "a.b(", "[a for b in ")
    ),
    *((PHP, unit) for unit in ("(", "[", "f(", "$a[", "-", "f(a: ", "$a ?: ", "fn() => ", "'a'.(", "$a->b(", "new A(")),
    (PHP, "function () { if ($a) { return "),
    *((SCRIPT, unit) for unit in ("(", "[", "f(", "a[", "{a:", "-", "a ? b : ", "() => ", "'a'+(", "a.b(", "new A(", "`${")),
    (SCRIPT, "function () { if (a) { return "),
    *((TYPED, unit) for unit in ("[", "f(", "() => ", "<A>(", "a as A<")),
    (TSX, "<a b={"),
]


@pytest.mark.parametrize(("frontend", "unit"), NESTING)
@pytest.mark.parametrize("closed", [False, True])
def test_deep_nesting_is_a_problem_within_a_second(frontend: Frontend, unit: str, closed: bool) -> None:
    closing = "".join({"(": ")", "[": "]", "{": ";}"}.get(letter, "") for letter in reversed(unit)) if closed else ""
    start = "<?php $x" if frontend is PHP else "x" if frontend is PYTHON else "export let x"
    unit = unit if start != "export let x" else unit + "\n"  # a file of one long line is nobody's
    source = f"{start} = {unit * 10_000}1{closing * 10_000};\n".encode()
    started = time.thread_time()
    facts = frontend.read(source)
    assert time.thread_time() - started < (1 if len(unit.strip()) == 1 else 3)
    assert depth(facts) <= MAX_DEPTH + 2
    assert facts.problems
    assert round_trip(facts) == facts


@pytest.mark.parametrize(
    ("frontend", "source"),
    [
        (PYTHON, b"x = a" + b".b(c)" * 20_000),
        (PYTHON, b"x = a" + b" + b" * 20_000),
        (PYTHON, b"x = a" + b" + b - c" * 20_000),
        (PYTHON, b"x = 'a'" + b" 'b'" * 20_000),
        (PYTHON, b"if a: b()\n" + b"elif c: d()\n" * 10_000),
        (PYTHON, b"[a" + b" for b in c" * 5_000 + b"]"),
        (PYTHON, b"x: a" + b" | b" * 20_000),
        (PYTHON, b"x = a" + b" < b" * 20_000),
        (PHP, b"<?php $x = $a" + b"->b($c)" * 20_000 + b";"),
        (PHP, b"<?php $x = $a" + b" . 'b'" * 20_000 + b";"),
        (PHP, b"<?php if ($a) b();" + b" else if ($c) d();" * 10_000),
        (PHP, b"<?php echo 1" + b", 2" * 20_000 + b";"),
        (SCRIPT, b"export let x = a" + b".b(c)\n" * 20_000),
        (SCRIPT, b"export let x = a" + b"?.[b]\n" * 20_000),
        (SCRIPT, b"export let x = a" + b" + b\n" * 20_000),
        (SCRIPT, b"export let x = 'a'" + b" + 'b'\n" * 20_000),
        (SCRIPT, b"export {}; if (a) b();" + b" else if (c) d();\n" * 10_000),
        (SCRIPT, b"export {}; x = 1" + b", y = 2\n" * 20_000),
        (TYPED, b"export let x: A" + b" | B\n" * 20_000),
    ],
)
def test_long_chains_are_flat_and_complete(frontend: Frontend, source: bytes) -> None:
    facts = frontend.read(source)
    assert depth(facts) <= MAX_DEPTH
    assert not facts.problems
    assert round_trip(facts) == facts


def test_the_end_of_a_long_chain_is_kept() -> None:
    facts = PYTHON.read(b"x = a" + b".b(c)" * 100 + b".last(seen)")
    assert {"c", "last", "seen"} <= {node.id for node in nodes(facts) if isinstance(node, Name)}


@BOTH
def test_large_files_are_refused(frontend: Frontend, monkeypatch: pytest.MonkeyPatch) -> None:
    source = b"<?php " + b"$a = f($b);\n" * 1000
    monkeypatch.setattr(tree, "MAX_BYTES", len(source))
    assert frontend.read(source).outline
    facts = frontend.read(source + b"\n")
    assert [problem.line for problem in facts.problems] == [0]
    assert not facts.outline
    assert facts.span(len(source) - 2, len(source)).start_line == 1000


def test_files_that_parse_slowly_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MAX_SECONDS", 0.05)
    started = time.thread_time()
    facts = PYTHON.read(b"\\\n" * 30_000)
    assert time.thread_time() - started < 1
    assert [(problem.line, "parsed within" in problem.text) for problem in facts.problems] == [(0, True)]


@BOTH
def test_problems_are_few_and_say_where(frontend: Frontend) -> None:
    facts = frontend.read(b"<?php\n" + b"$$ = = ) 3;\nok();\n" * 100)
    assert 0 < len(facts.problems) <= tree.MAX_PROBLEMS
    assert all(problem.line > 0 for problem in facts.problems)


@BOTH
def test_the_same_bytes_mean_the_same_facts_at_any_depth_of_the_stack(frontend: Frontend) -> None:
    source = b"<?php $x = " + b"f(" * 400 + b")" * 400 + b";"

    def read(frames: int) -> FileFacts:
        return frontend.read(source) if frames == 0 else read(frames - 1)

    assert read(0) == read(300)


SOURCES = [HERE / "python.md", HERE / "php.md", Path(tree.__file__)]


@BOTH
@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=400))
def test_arbitrary_bytes_never_raise(frontend: Frontend, data: bytes) -> None:
    for source in (data, b"<?php " + data, b"<?php /** @A(" + data + b"*/ class A {}"):
        facts = frontend.read(source)
        assert round_trip(facts) == facts


@BOTH
@settings(max_examples=60, deadline=None)
@given(
    path=st.sampled_from(SOURCES),
    seed=st.integers(0, 2**32),
    junk=st.text("(){}[]'\"\\\n $@#:;,.=<>?*/|&!`fFrRbB{}é\ud7ff\0 if for def class", max_size=6),
)
def test_mutated_sources_never_raise(frontend: Frontend, path: Path, seed: int, junk: str) -> None:
    chance = random.Random(seed)
    source = bytearray(path.read_bytes().replace(b"```php\n", b"<?php\n").replace(b"```outline\n", b"?>\n"))
    for _ in range(chance.randint(1, 8)):
        at, length = chance.randrange(len(source)), chance.choice((0, 1, 5, 200))
        source[at : at + length] = junk.encode("utf-8", "replace")
    facts = frontend.read(bytes(source))
    assert round_trip(facts) == facts
    assert depth(facts) <= MAX_DEPTH + 2
    for node in nodes(facts):
        assert 0 <= node.start <= node.end <= len(source)
