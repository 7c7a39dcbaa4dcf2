"""The tags of a template lowered to an outline: one method a tag, and the stack of blocks that are open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from analyzers.facts.outline import Assign, Call, Function, Keyword, Loop, Member, Name, Node, Other, Parameter, Text
from analyzers.frontends.template_blocks import (
    Block,
    LoopHead,
    assigned,
    cached,
    close_if,
    closes_as,
    flattened,
    if_node,
    is_deeper,
    loop_head,
    opens_values,
    parameter_list,
    path_node,
)
from analyzers.frontends.template_cursor import MalformedError
from analyzers.frontends.template_expressions import Parser, keywords_of
from analyzers.frontends.template_tokens import Dialect, Tag, tags, utf8

MAX_BLOCKS = 40
"""Blocks within each other that keep their nesting; what is deeper belongs to the block at this depth."""

MAX_EXPRESSION = 60
"""How deep the outline of one tag may be."""

_Head = TypeVar("_Head")
_IF = ("if", "ifchanged", "ifequal", "ifnotequal")
_PLAIN_WORDS = frozenset(
    {"for", "by", "with", "from", "to", "of", "on", "using", "only", "as", "in", "into", "ignore", "missing"}
)


class TemplateLowering:
    """Lowers the tags of one template."""

    def __init__(self, text: str, dialect: Dialect) -> None:
        self.text = text
        self.dialect: Dialect = dialect
        self.outline: list[Node] = []
        self.blocks: list[Block] = []
        self.problems: list[tuple[int, str]] = []
        self.has_tags = False
        self.open: Counter[str] = Counter()

    def run(self) -> tuple[Node, ...]:
        """The outline of the template."""
        for tag in tags(self.text):
            if tag.kind == "path":
                self.body.append(path_node(self.text, tag))
                continue
            parser = Parser(tag.tokens, self.dialect, tag.end)
            if tag.kind == "{{":
                self._print(tag, parser)
                continue
            self.has_tags = True
            if not tag.closed:
                self.problems.append((tag.start, "A tag is not closed."))
            try:
                self._statement(tag, parser)
            except MalformedError as error:
                self._malformed(tag, error)
        while self.blocks:
            block = self.blocks[-1]
            self.problems.append((block.start, f"The tag `{block.word}` is never ended."))
            self._end(len(self.text))
        return tuple(self.outline)

    # -- building

    @property
    def body(self) -> list[Node]:
        return self.blocks[-1].body if self.blocks else self.outline

    def add(self, node: Node, tokens: int = 0) -> None:
        """Appends a statement made of so many tokens; one that is too deep for its readers is left out."""
        if tokens > MAX_EXPRESSION and is_deeper(node, MAX_EXPRESSION):
            self.problems.append((node.start, "An expression nested too deeply was left out."))
            node = Other(node.start, node.end, "deep")
        self.body.append(node)

    def begin(self, word: str, tag: Tag, close: Callable[[Block, int], list[Node]]) -> Block:
        """Opens a block; one that is nested too deeply shares the body of the block around it."""
        deep = len(self.blocks) >= MAX_BLOCKS
        if len(self.blocks) == MAX_BLOCKS:
            self.problems.append((tag.start, f"Blocks nested more than {MAX_BLOCKS} levels deep lose their nesting."))
        block = Block(word, tag.start, flattened if deep else close, self.body if deep else [])
        self.blocks.append(block)
        self.open[word] += 1
        return block

    def _end(self, end: int) -> None:
        block = self.blocks.pop()
        self.open[block.word] -= 1
        self.body.extend(block.close(block, end))

    def _close(self, words: tuple[str, ...], tag: Tag) -> Block | None:
        """The innermost open block of these words; blocks left open inside of it are ended."""
        if not any(self.open[word] for word in words):
            self.problems.append((tag.start, f"The tag `{tag.tokens[0].text}` has no beginning."))
            return None
        while (block := self.blocks[-1]).word not in words:
            self.problems.append((block.start, f"The tag `{block.word}` is never ended."))
            self._end(tag.start)
        return block

    def _malformed(self, tag: Tag, error: MalformedError) -> None:
        what = tag.tokens[0].text if tag.kind == "{%" and tag.tokens else "{{ … }}"
        self.problems.append((error.offset if error.offset < len(self.text) else tag.start, f"In `{what}`: {error.text}."))

    def head(self, tag: Tag, read: Callable[[], _Head], otherwise: _Head) -> _Head:
        """What the head of a block says; the block stays a block where that cannot be read."""
        try:
            return read()
        except MalformedError as error:
            self._malformed(tag, error)
            return otherwise

    # -- tags

    def _print(self, tag: Tag, parser: Parser) -> None:
        if not tag.tokens:
            return
        try:
            node = parser.expression()
        except MalformedError as error:
            self._malformed(tag, error)
            return
        self.add(node, len(tag.tokens))
        if not parser.done():
            self._malformed(tag, parser.trouble(f"`{tag.tokens[parser.at].text}` is not expected here"))
        elif not tag.closed:
            self._malformed(tag, MalformedError(tag.start, "`}}` is missing"))

    def _statement(self, tag: Tag, parser: Parser) -> None:
        first = parser.peek()
        if first is None or first.kind != "name":
            raise parser.trouble("the name of the tag is missing")
        parser.at = 1
        word = first.text
        if word.startswith("end"):
            if word[3:] in _BLOCKS and self._close((word[3:],), tag):
                self._end(tag.end)
            return
        handler = _STATEMENTS.get(word)
        if handler is None:
            self.unknown(tag, parser)
        else:
            handler(self, tag, parser)

    def callee(self, tag: Tag) -> Name:
        """The tag's word as a name."""
        return Name(tag.tokens[0].start, tag.tokens[0].end, tag.tokens[0].text)

    def unknown(self, tag: Tag, parser: Parser) -> None:
        """`{% word a b=c … as x %}`: a call, whatever syntax the tag has of its own."""
        args: list[Node] = []
        keywords: list[Keyword] = []
        target: Name | None = None
        while token := parser.peek():
            if parser.next_is("as") and (name := parser.peek(1)) and name.kind == "name" and parser.peek(2) is None:
                parser.at += 1
                target = parser.name()
                continue
            try:
                if token.kind == "name" and parser.next_is("=", 1):
                    keywords.append(parser.keyword())
                elif token.kind == "name" and token.text in _PLAIN_WORDS and not parser.next_is(".", 1):
                    parser.at += 1
                    args.append(Text(token.start, token.end, token.text))
                else:
                    args.append(parser.expression())
            except MalformedError:
                parser.at += 1
        call = Call(tag.start, tag.end, self.callee(tag), tuple(args), tuple(keywords))
        self.add(Assign(tag.start, tag.end, target, call) if target else call, len(tag.tokens))

    def load(self, tag: Tag, _: Parser) -> None:
        """`{% load static i18n %}`: names of libraries, not of variables."""
        words = tuple(Text(token.start, token.end, token.text) for token in tag.tokens[1:] if token.kind == "name")
        self.add(Call(tag.start, tag.end, self.callee(tag), words))

    def loop(self, tag: Tag, parser: Parser) -> None:
        unknown: LoopHead = (None, None, None, None)
        target, key, over, only_if = self.head(tag, lambda: loop_head(parser, self.dialect), unknown)

        def close(block: Block, end: int) -> list[Node]:
            body: tuple[Node, ...] = tuple(block.branches[0][2])
            if only_if is not None:
                body = (if_node(only_if.start, end, only_if, body, ()),)
            stop = block.branches[1][0] if block.branches[1:] else end
            loop = Loop(block.start, stop, target, over, body, key=key)
            otherwise = [node for _, _, rest in block.branches[1:] for node in rest]
            return [Other(block.start, end, "block", (loop, *otherwise))] if block.branches[1:] else [loop]

        self.begin("for", tag, close)

    def condition(self, tag: Tag, parser: Parser) -> None:
        test = self.test(tag, parser)
        block = self.begin(tag.tokens[0].text, tag, close_if)
        block.branches[0] = (tag.start, test, block.body)

    def test(self, tag: Tag, parser: Parser) -> Node:
        """The condition of an `if`, or the values an `ifchanged` or `ifequal` compares."""

        def read() -> Node:
            if tag.tokens[0].text not in {"if", "elif", "elseif"}:
                values = []
                while not parser.done():
                    values.append(parser.expression())
                return Other(tag.start, tag.end, tag.tokens[0].text, tuple(values))
            node = parser.expression()
            if not parser.done():
                self._malformed(tag, parser.trouble("an operator is missing"))
            return node

        unknown: Node = Other(tag.start, tag.end, "error")
        node = self.head(tag, read, unknown)
        if len(tag.tokens) > MAX_EXPRESSION and is_deeper(node, MAX_EXPRESSION):
            node = Other(node.start, node.end, "deep")
        return node

    def elif_(self, tag: Tag, parser: Parser) -> None:
        if block := self._close(_IF, tag):
            block.branch(tag.start, self.test(tag, parser))

    def else_(self, tag: Tag, parser: Parser) -> None:
        if self.dialect == "django" and parser.take("if"):
            self.elif_(tag, parser)
        elif block := self._close((*_IF, "for"), tag):
            block.branch(tag.start, None)

    def empty(self, tag: Tag, _: Parser) -> None:
        if block := self._close(("for",), tag):
            block.branch(tag.start, None)

    def block(self, tag: Tag, parser: Parser) -> None:
        name = self.head(tag, self._block_name(parser), "")
        while parser.take("scoped") or parser.take("required"):
            pass
        close = closes_as(name, (), "block")
        if parser.done():
            self.begin("block", tag, close)
            return
        value = parser.expression()
        short = Block("block", tag.start, close, [value])
        self.body.extend(close(short, tag.end))

    def _block_name(self, parser: Parser) -> Callable[[], str]:
        """Reads a block's name, which in Django may hold hyphens."""

        def read() -> str:
            start = parser.position()
            end = parser.name().end
            while self.dialect == "django" and (token := parser.peek()) and token.start == end:
                parser.at, end = parser.at + 1, token.end
            return utf8(self.text[start:end])

        return read

    def macro(self, tag: Tag, parser: Parser) -> None:
        def read() -> tuple[str, tuple[Parameter, ...]]:
            return parser.name().id, parameter_list(parser)

        unknown: tuple[str, tuple[Parameter, ...]] = ("", ())
        name, parameters = self.head(tag, read, unknown)
        self.begin("macro", tag, closes_as(name, parameters, "macro"))

    def call(self, tag: Tag, parser: Parser) -> None:
        """`{% call(user) list_users() %}…{% endcall %}`: a call with its body as an unnamed function."""
        none: tuple[Parameter, ...] = ()
        unknown: Node = Other(tag.start, tag.end, "error")
        parameters = self.head(tag, lambda: parameter_list(parser) if parser.next_is("(") else none, none)
        called = self.head(tag, parser.expression, unknown)

        def close(block: Block, end: int) -> list[Node]:
            caller = Function(block.start, end, "", parameters, tuple(block.body))
            return [Other(block.start, end, "call", (called, caller))]

        self.begin("call", tag, close)

    def set_(self, tag: Tag, parser: Parser) -> None:
        def targets() -> Node:
            first = parser.target()
            rest = []
            while parser.take(","):
                rest.append(parser.target())
            return Other(first.start, parser.last_end(), "tuple", (first, *rest)) if rest else first

        target = targets()
        if not parser.take("="):

            def close(block: Block, end: int) -> list[Node]:
                return [Assign(block.start, end, target, Other(block.start, end, "block", tuple(block.body)))]

            self.begin("set", tag, close)
            return
        value = parser.expression()
        values = [value]
        while parser.take(","):
            values.append(parser.expression())
        if len(values) > 1:
            value = Other(value.start, parser.last_end(), "tuple", tuple(values))
        self.add(Assign(tag.start, tag.end, target, value), len(tag.tokens))
        if not parser.done():
            raise parser.trouble("an operator is missing")

    def with_(self, tag: Tag, parser: Parser) -> None:
        """`{% with a=b %}`, `{% with a as b %}`, `{% with {a: b} only %}`, `{% blocktrans with a=b count c=d %}`."""
        heads: list[Node] = []

        def read() -> None:
            while not parser.done():
                if tag.tokens[0].text != "with" and opens_values(parser):
                    continue
                if self.dialect == "twig" and heads and parser.take("only"):
                    continue
                token = parser.peek()
                if token and token.kind == "name" and parser.next_is("=", 1):
                    keyword = parser.keyword()
                    name = Name(token.start, token.end, keyword.name)
                    heads.append(Assign(token.start, parser.last_end(), name, keyword.value))
                    continue
                value = parser.expression()
                if parser.take("as"):
                    name = parser.name()
                    heads.append(Assign(value.start, name.end, name, value))
                elif isinstance(value, Other) and value.word == "dict":
                    heads.extend(assigned(value))
                elif not isinstance(value, Name) or self.dialect == "twig":
                    heads.append(value)

        self.head(tag, read, None)

        def close(block: Block, end: int) -> list[Node]:
            return [Other(block.start, end, "with", (*heads, Other(block.start, end, "block", tuple(block.body))))]

        self.begin(tag.tokens[0].text, tag, close)

    def cache(self, tag: Tag, parser: Parser) -> None:
        self.unknown(tag, parser)
        self.begin("cache", tag, cached)

    def include(self, tag: Tag, parser: Parser) -> None:
        call = self._including(tag, parser)
        self.add(call, len(tag.tokens))
        if not parser.done():
            raise parser.trouble(f"`{tag.tokens[parser.at].text}` is not expected here")

    def embed(self, tag: Tag, parser: Parser) -> None:
        """`{% embed "x" %}…{% endembed %}`: an include, then the blocks it replaces."""
        call = self.head(tag, lambda: self._including(tag, parser), Call(tag.start, tag.end, self.callee(tag)))

        def close(block: Block, end: int) -> list[Node]:
            return [call, Other(block.start, end, "block", tuple(block.body))]

        self.begin("embed", tag, close)

    def _including(self, tag: Tag, parser: Parser) -> Call:
        template = parser.expression()
        keywords: list[Keyword] = []
        while token := parser.peek():
            if parser.take("ignore", "missing") or parser.take("with", "context") or parser.take(","):
                continue
            if parser.take("only") or parser.take("without", "context"):
                keywords.append(Keyword("only", Text(token.start, parser.last_end(), True)))
            elif parser.take("with") and self.dialect == "twig":
                keywords += keywords_of(parser.expression())
            elif (name := parser.peek()) and name.kind == "name" and parser.next_is("=", 1):
                keywords.append(parser.keyword())
            elif parser.at < len(parser.tokens) and tag.tokens[parser.at - 1].text == "with":
                value = parser.expression()
                parser.expect("as")
                keywords.append(Keyword(parser.name().id, value))
            else:
                break
        return Call(tag.start, tag.end, self.callee(tag), (template,), tuple(keywords))

    def import_(self, tag: Tag, parser: Parser) -> None:
        """`{% import "x" as y %}`."""
        call = Call(tag.start, tag.end, self.callee(tag), (parser.expression(),))
        parser.expect("as")
        self.add(Assign(tag.start, tag.end, parser.name(), call), len(tag.tokens))

    def from_(self, tag: Tag, parser: Parser) -> None:
        """`{% from "x" import a as b, c %}`: each name a member of what is imported."""
        template = parser.expression()
        parser.expect("import")
        call = Call(tag.start, tag.end, Name(tag.tokens[0].start, tag.tokens[0].end, "import"), (template,))
        while not parser.done():
            name = parser.name()
            local = parser.name() if parser.take("as") else name
            self.add(Assign(name.start, local.end, local, Member(name.start, name.end, call, name.id)))
            if not parser.take(","):
                break

    def regroup(self, tag: Tag, parser: Parser) -> None:
        """`{% regroup rows by path as groups %}`; the path is a text, since it belongs to a row."""
        rows = parser.expression()
        parser.expect("by")
        start = parser.position()
        while not parser.done() and not parser.next_is("as"):
            parser.at += 1
        path = Text(start, parser.last_end(), utf8(self.text[start : parser.last_end()]))
        parser.expect("as")
        call = Call(tag.start, tag.end, self.callee(tag), (rows,), (Keyword("by", path),))
        self.add(Assign(tag.start, tag.end, parser.name(), call))

    def do(self, tag: Tag, parser: Parser) -> None:
        """`{% do e %}`: an expression for its effect."""
        target = parser.expression()
        value = parser.expression() if parser.take("=") else None
        self.add(Assign(tag.start, tag.end, target, value) if value else target, len(tag.tokens))

    def jump(self, tag: Tag, _: Parser) -> None:
        self.add(Other(tag.start, tag.end, tag.tokens[0].text))


_Statement = Callable[[TemplateLowering, Tag, Parser], None]
_BLOCKS = frozenset({*_IF, "for", "block", "macro", "call", "set", "with", "embed", "blocktrans", "blocktranslate", "cache"})
_STATEMENTS: dict[str, _Statement] = {
    "for": TemplateLowering.loop,
    **dict.fromkeys(_IF, TemplateLowering.condition),
    **dict.fromkeys(("elif", "elseif"), TemplateLowering.elif_),
    "else": TemplateLowering.else_,
    "empty": TemplateLowering.empty,
    "block": TemplateLowering.block,
    "macro": TemplateLowering.macro,
    "call": TemplateLowering.call,
    "set": TemplateLowering.set_,
    **dict.fromkeys(("with", "blocktrans", "blocktranslate"), TemplateLowering.with_),
    **dict.fromkeys(("include", "extends"), TemplateLowering.include),
    "embed": TemplateLowering.embed,
    "cache": TemplateLowering.cache,
    "import": TemplateLowering.import_,
    "from": TemplateLowering.from_,
    "regroup": TemplateLowering.regroup,
    "load": TemplateLowering.load,
    "do": TemplateLowering.do,
    **dict.fromkeys(("break", "continue"), TemplateLowering.jump),
}
