"""The base of the frontends that read through tree-sitter: bytes in, `FileFacts` out.

A language is a `TreeFrontend` (grammar, revision) with a `Lowering` (one method a kind of syntax node). Here is what all of
them share: the bounds that make hostile files harmless, the line table, problems, ignore comments, and the walk itself.

The walk is written for speed, because a cold review lowers thousands of files: handlers are found by the grammar's
numeric kinds in a prebuilt table, only named nodes are touched, identifiers are slices of one decoded text. That text is
decoded as Latin-1, one character a byte, so that byte offsets index it; `Lowering.slice` gives what the bytes mean in UTF-8.
"""

from __future__ import annotations

import gc
import re
import threading
import time
from abc import ABC, abstractmethod
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from tree_sitter import Language, Parser, Point, Tree
from tree_sitter import Node as Syntax

from analyzers.facts.outline import Node, Other, Text
from analyzers.facts.parts import parts_of
from analyzers.facts.sql import SqlText
from analyzers.facts.store import FileFacts, FileProblem, Ignore, Import
from analyzers.frontends.frontend import (
    MAX_BYTES,
    MAX_CHAIN,
    MAX_DEPTH,
    MAX_ELEMENTS,
    MAX_PROBLEMS,
    MAX_SECONDS,
    MAX_TEXT,
    SMALL,
    Frontend,
)
from analyzers.frontends.lines import line_starts, words_of
from analyzers.frontends.sql_texts import read_text

_MAX_SURPRISES = 50
_ERROR = 0xFFFF
_IGNORE = re.compile(rb"cliffguard:[ \t]*ignore\b(?:[ \t]*\[([^\]\n]*)\])?[ \t:]*([^\r\n]*)")
_COMMENT_END = re.compile(r"\s*(?:\*/|#\}|-->|\?>).*$")
_SQL_START = frozenset("SIUDCAWsiudcaw \t\r\n")
_SQL = re.compile(
    r"""\s*(?: SELECT\s+[\w"`\[(*:@'].*?\bFROM\b
             | WITH\s+(?:RECURSIVE\s+)?["`\w]+.*?\(\s*(?:SELECT|INSERT|UPDATE|DELETE)\b
             | INSERT\s+(?:\w+\s+)?INTO\s+["`\[\w]
             | UPDATE\s+(?:ONLY\s+)?["`\[\w][^\s=]*\s.*?\bSET\b
             | DELETE\s+FROM\s+["`\[\w]
             | (?:CREATE|ALTER|DROP)\s+[A-Z]+\s+["`\[\w]
             )""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)


class TooSlowError(Exception):
    """Parsing took longer than `MAX_SECONDS`."""


class Lowering(ABC):
    """Lowers one syntax tree to an outline, collecting imports and SQL on the way.

    A subclass has a method `lower_<kind>` for each kind of syntax node that needs one; the others become `Other`s. A
    method answers with a node, or with `None` for what an outline leaves out. `depth` is how deep in the outline we are.
    """

    grammar: ClassVar[Language]
    table: ClassVar[dict[int, Callable[[Any, Syntax], Node | None]]]
    kind_words: ClassVar[dict[int, str]]
    noise: ClassVar[frozenset[int]]
    words: ClassVar[Mapping[str, str]] = {}
    strings: ClassVar[frozenset[int]] = frozenset()
    joins: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        grammar = cls.grammar
        cls.table = {_ERROR: cls.lower_error}
        cls.kind_words = {}
        for kind in range(grammar.node_kind_count):
            name = grammar.node_kind_for_id(kind) or ""
            cls.table[kind] = getattr(cls, f"lower_{name}", cls.other)
            cls.kind_words[kind] = cls.words.get(name, name)
        cls.noise = kinds(grammar, "comment", "line_continuation") | {_ERROR}

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.text = source.decode("latin-1")
        self.ascii = source.isascii()
        self.depth = 0
        self.cut = False
        self.surprises = 0
        self.namespace = ""
        self.imports: list[Import] = []
        self.sql: list[SqlText] = []
        self.problems: list[tuple[int, str]] = []

    def module(self, root: Syntax) -> tuple[Node, ...]:
        """The outline of the whole file."""
        return self.all(root.named_children)

    def slice(self, start: int, end: int) -> str:
        """The source from `start` to `end`."""
        text = self.text[start:end]
        return text if self.ascii or text.isascii() else text.encode("latin-1").decode("utf-8", "replace")

    def of(self, node: Syntax) -> str:
        """The source of a node."""
        start, end = node.byte_range
        return self.text[start:end] if self.ascii else self.slice(start, end)

    def lower(self, node: Syntax) -> Node:
        """One syntax node, one level deeper."""
        depth = self.depth
        if depth >= MAX_DEPTH:
            return self.too_deep(node)
        self.depth = depth + 1
        result = self.table[node.kind_id](self, node)
        self.depth = depth
        return Other(node.start_byte, node.end_byte, node.type) if result is None else result

    def all(self, nodes: Iterable[Syntax]) -> tuple[Node, ...]:
        """Several syntax nodes, one level deeper, without those an outline leaves out."""
        depth = self.depth
        if depth >= MAX_DEPTH:
            return tuple([self.too_deep(node) for node in nodes][:1])
        self.depth = depth + 1
        table = self.table
        result = []
        for node in nodes:
            try:
                lowered = table[node.kind_id](self, node)
            except (IndexError, ValueError):
                self.depth = depth + 1
                lowered = self.surprise(node)
            if lowered is not None:
                result.append(lowered)
        self.depth = depth
        return tuple(result)

    def below(self, node: Syntax) -> Node:
        """One syntax node, two levels deeper: under a node that stands for no syntax of its own."""
        self.depth += 1
        result = self.lower(node)
        self.depth -= 1
        return result

    def all_below(self, nodes: Iterable[Syntax]) -> tuple[Node, ...]:
        """Several syntax nodes, two levels deeper."""
        self.depth += 1
        result = self.all(nodes)
        self.depth -= 1
        return result

    def too_deep(self, node: Syntax) -> Node:
        if not self.cut:
            self.cut = True
            self.problems.append((node.start_byte, f"Code nested more than {MAX_DEPTH} levels deep was left out."))
        return Other(node.start_byte, node.end_byte, "deep")

    def surprise(self, node: Syntax) -> Node:
        """What a handler could not take apart, as parsers recovering from errors leave it behind."""
        self.surprises += 1
        if not node.has_error:
            self.problems.append((node.start_byte, "This part could not be understood."))
        # Bounded, because each one is walked twice, and they nest.
        children = self.all(node.named_children) if self.surprises <= _MAX_SURPRISES else ()
        return Other(node.start_byte, node.end_byte, "error", children)

    def parts(self, node: Syntax) -> list[Syntax]:
        """The named children without comments and what could not be parsed."""
        noise = self.noise
        return [child for child in node.named_children if child.kind_id not in noise]

    def pair(self, node: Syntax) -> list[Syntax]:
        """The two parts of a node that has two."""
        children = node.named_children
        if len(children) != 2:
            children = self.parts(node)
            if len(children) != 2:
                raise ValueError(node.type)
        return children

    def sole(self, node: Syntax) -> Node:
        """What a wrapper wraps."""
        (part,) = self.parts(node)
        return self.lower(part)

    def nothing(self, _: Syntax) -> None:
        return None

    lower_comment = lower_line_continuation = nothing

    def other(self, node: Syntax) -> Node | None:
        """What has no kind of its own, under a word for it."""
        start, end = node.byte_range
        return Other(start, end, self.kind_words[node.kind_id], self.all(node.named_children))

    def lower_error(self, node: Syntax) -> Node | None:
        return Other(node.start_byte, node.end_byte, "error", self.all(node.named_children))

    def operation(self, node: Syntax, operators: frozenset[str]) -> Node:
        """Binary operators of one kind of node, leaning left: `a + b + c`. Literals that are joined become one."""
        kind, start = node.kind_id, node.start_byte
        steps = []
        while node.kind_id == kind:
            left, right = self.pair(node)
            word = self.text[left.end_byte : right.start_byte].strip()
            if word not in operators:
                word = next((child.type for child in node.children[1:] if not child.is_named), word)
            steps.append((self.operator_word(word), right, node.end_byte))
            node = left
        first = self.join(node, steps) if steps[-1][0] in self.joins and node.kind_id in self.strings else None
        if not steps and first is not None:
            return first
        if len(steps) > MAX_CHAIN:
            operands = (first or self.lower(node), *(self.lower(right) for _, right, _ in reversed(steps)))
            return Other(start, steps[0][2], steps[0][0], operands)
        self.depth += len(steps)
        result = first or self.lower(node)
        for word, right, end in reversed(steps):
            self.depth -= 1
            result = Other(start, end, word, (result, self.lower(right)))
        return result

    def operator_word(self, word: str) -> str:
        """An operator as outlines write it."""
        return word

    def join(self, first: Syntax, steps: list[tuple[str, Syntax, int]]) -> Text | None:
        """The literal that a chain starts with, in one or more pieces; takes the steps it is made of.

        Where more follows, it is the start of a text, and not read as SQL.
        """
        value = self.string_value(first)
        if value is None:
            return None
        pieces, end = [value], first.end_byte
        while steps and steps[-1][0] in self.joins and steps[-1][1].kind_id in self.strings:
            value = self.string_value(steps[-1][1])
            if value is None:
                break
            pieces.append(value)
            end = steps.pop()[2]
        value = "".join(pieces)
        start = first.start_byte
        return Text(start, end, value[:MAX_TEXT]) if steps else self.literal(start, end, value)

    @abstractmethod
    def string_value(self, node: Syntax) -> str | None:
        """The value of a string literal without interpolation."""

    def literal(self, start: int, end: int, value: str) -> Text:
        """A string literal: cut when long, unless it is SQL, which is read."""
        if len(value) > 10 and value[0] in _SQL_START and _SQL.match(value):
            said = read_text(value, start, end)
            if said is not None:
                self.sql.append(said)
                return Text(start, end, value)
        return Text(start, end, value if len(value) <= MAX_TEXT else value[:MAX_TEXT])

    def collection(self, node: Syntax, word: str) -> Node:
        """A list, tuple, set or dict; a long table of nothing but literals is cut."""
        children = self.all(node.named_children)
        if len(children) > MAX_ELEMENTS and all(map(is_constant, children)):
            children = children[:MAX_ELEMENTS]
        start, end = node.byte_range
        return Other(start, end, word, children)


class TreeFrontend(Frontend):
    """A frontend on a tree-sitter grammar. `revision` counts changes of its lowering."""

    revision: ClassVar[int]
    lowering: ClassVar[type[Lowering]]
    supplied: ClassVar[frozenset[str]] = frozenset()  # tokens that the grammar puts where none is missing

    def __init__(self) -> None:
        self.version = ".".join(map(str, (self.revision, *(self.lowering.grammar.semantic_version or ()))))

    def read(self, source: bytes) -> FileFacts:
        lines = line_starts(source)
        # The collector would look at every syntax node again and again; none of them is ever part of a cycle.
        collecting = gc.isenabled()
        gc.disable()
        try:
            return self._read(source, lines)
        except TooSlowError:
            problem = FileProblem(0, f"The file could not be parsed within {MAX_SECONDS:g} s of processor time.")
            return FileFacts(self.language, lines.tobytes(), problems=(problem,))
        finally:
            if collecting:
                gc.enable()

    def _read(self, source: bytes, lines: array[int]) -> FileFacts:
        if len(source) > MAX_BYTES:
            problem = FileProblem(0, f"The file is larger than {MAX_BYTES:,} bytes and was not read.")
            return FileFacts(self.language, lines.tobytes(), problems=(problem,))
        root = parse(self.lowering.grammar, source).root_node
        lowering = self.lowering(source)
        outline = lowering.module(root)
        problems = [*(syntax_problems(root, self.supplied) if root.has_error else ()), *lowering.problems]
        return FileFacts(
            language=self.language,
            lines=lines.tobytes(),
            outline=outline,
            imports=tuple(lowering.imports),
            namespace=lowering.namespace,
            sql=tuple(lowering.sql),
            ignores=ignores(source, root, lines) if b"cliffguard:" in source else (),
            problems=tuple(FileProblem(bisect_right(lines, offset), text) for offset, text in problems),
            parts=tuple(parts_of(source, outline, lines)),
            words=words_of(source),
        )


class _Parsers(threading.local):
    """A parser for each grammar and thread; making one costs as much as parsing a small file."""

    def __init__(self) -> None:
        self.made: dict[Language, Parser] = {}

    def of(self, grammar: Language) -> Parser:
        parser = self.made.get(grammar)
        if parser is None:
            parser = self.made[grammar] = Parser(grammar)
        return parser


_parsers = _Parsers()


def parse(grammar: Language, source: bytes) -> Tree:
    """The syntax tree of `source`; raises `TooSlowError`."""
    if len(source) <= SMALL:
        return _parsers.of(grammar).parse(source)
    rest = memoryview(source)
    late, deadline = time.monotonic() + MAX_SECONDS, time.thread_time() + MAX_SECONDS

    def read(offset: int, _: Point) -> memoryview:
        return rest[offset:]

    def stop(_: int, __: bool) -> bool:
        # The wall clock is twenty times cheaper to read, and a busy machine is not the file's fault.
        return time.monotonic() > late and time.thread_time() > deadline

    try:
        return Parser(grammar).parse(read, encoding="utf8", progress_callback=stop)
    except ValueError as failure:
        raise TooSlowError from failure


def kinds(grammar: Language, *names: str) -> frozenset[int]:
    """The numeric kinds of named nodes; a grammar may have several for one name."""
    found = range(grammar.node_kind_count)
    return frozenset(i for i in found if grammar.node_kind_is_named(i) and grammar.node_kind_for_id(i) in names)


def is_constant(node: Node) -> bool:
    """Whether a node is a literal, or a collection of literals."""
    match node:
        case Text():
            return True
        case Other(word="list" | "tuple" | "set" | "dict" | "pair"):
            return all(map(is_constant, node.children))
    return False


def syntax_problems(root: Syntax, supplied: frozenset[str] = frozenset()) -> list[tuple[int, str]]:
    """Where the parser had to guess, in source order; not where it supplied what no correct source needs."""
    found: list[tuple[int, str]] = []
    stack = [root]
    while stack and len(found) < MAX_PROBLEMS:
        node = stack.pop()
        if node.is_missing:
            if node.type in supplied:
                continue
            found.append((node.start_byte, f"Syntax error: {node.type} is missing here."))
        elif node.is_error:
            found.append((node.start_byte, "Syntax error: this part could not be understood."))
        elif node.has_error:
            stack.extend(child for child in reversed(node.children) if child.has_error)
    return found


def ignores(source: bytes, root: Syntax, lines: Sequence[int]) -> tuple[Ignore, ...]:
    """The ignore comments, each with the line of code that it speaks of."""
    found = []
    for match in _IGNORE.finditer(source):
        comment = root.descendant_for_byte_range(match.start(), match.start())
        if comment is None or comment.type != "comment":
            continue
        names, reason = ((part or b"").decode("utf-8", "replace") for part in match.groups())
        rules = tuple(name.strip() for name in names.split(",") if name.strip())
        line = _subject(source, root, lines, bisect_right(lines, comment.start_byte))
        found.append(Ignore(line, rules, _COMMENT_END.sub("", reason).strip()))
    return tuple(found)


def _subject(source: bytes, root: Syntax, lines: Sequence[int], line: int) -> int:
    """The first line from `line` on that starts with code; `line` itself if none does."""
    for number in range(line, len(lines) + 1):
        start = lines[number - 1]
        end = lines[number] if number < len(lines) else len(source)
        text = source[start:end]
        if not text.strip():
            continue
        first = start + len(text) - len(text.lstrip())
        node = root.descendant_for_byte_range(first, first)
        if node is None or node.type != "comment":
            return number
    return line
