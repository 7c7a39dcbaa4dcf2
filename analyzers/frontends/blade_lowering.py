"""The pieces of a Blade template lowered to an outline: one method a directive, and the stack of blocks that are open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from analyzers.facts.outline import Assign, Call, Keyword, Loop, Name, Node, Other, Text
from analyzers.facts.store import Import
from analyzers.frontends.blade_tokens import Attribute, Piece, Span
from analyzers.frontends.frontend import MAX_CHAIN, MAX_DEPTH, MAX_TEXT
from analyzers.frontends.template_blocks import Block, close_if, closes_as, flattened
from analyzers.frontends.template_tokens import utf8

MAX_EXPRESSION = 60
"""How deep the outline of one expression may be."""

MAX_LEVEL = MAX_DEPTH - MAX_EXPRESSION - MAX_CHAIN // 2 - 5
"""Levels of an outline that blocks may take; what is nested deeper belongs to the block around it."""


class BladeLowering:
    """Lowers the pieces of one template; `code` are the statements that its PHP was lowered to, in source order."""

    def __init__(self, text: str, code: tuple[Node, ...], ended: frozenset[str]) -> None:
        """`ended` are the directives that have an end in this template: those of the project's own are conditions."""
        self.text, self.ended = text, ended
        self.conditions = CONDITIONS | (ended - KNOWN)
        self.outline: list[Node] = []
        self.blocks: list[Block] = []
        self.levels = [0]
        self.open: Counter[str] = Counter()
        self.imports: list[Import] = []
        self.problems: list[tuple[int, str]] = []
        self._code = list(code)
        self._taken = 0

    def run(self, pieces: Iterable[Piece]) -> tuple[Node, ...]:
        for piece in pieces:
            match piece.kind:
                case "directive":
                    self._directive(piece)
                case "component":
                    self._component(piece)
                case _:
                    self.body.extend(n for n in self.taken(piece.code) if not isinstance(n, Text))
        while self.blocks:
            block = self.blocks[-1]
            self.problems.append((block.start, f"The directive `@{block.word}` is never ended."))
            self._end(len(self.text))
        return tuple(self.outline)

    # -- code

    def taken(self, span: Span | None) -> list[Node]:
        """The statements of a stretch of code."""
        if span is None:
            return []
        first = self._taken
        while self._taken < len(self._code) and self._code[self._taken].start < span.end:
            self._taken += 1
        return self._code[first : self._taken]

    def arguments(self, piece: Piece) -> tuple[Node, ...]:
        """What stands in the parentheses of a directive."""
        return tuple(part for node in self.taken(piece.code) for part in _arguments(node))

    # -- building

    @property
    def body(self) -> list[Node]:
        return self.blocks[-1].body if self.blocks else self.outline

    def begin(self, word: str, start: int, close: Callable[[Block, int], list[Node]]) -> Block:
        """Opens a block; one that is nested too deeply shares the body of the block around it."""
        level = self.levels[-1] + 3
        deep = level > MAX_LEVEL
        if deep and self.levels[-1] <= MAX_LEVEL:
            self.problems.append((start, "Blocks nested too deeply lose their nesting."))
        block = Block(word, start, flattened if deep else close, self.body if deep else [])
        self.blocks.append(block)
        self.levels.append(level)
        self.open[word] += 1
        return block

    def _end(self, end: int) -> None:
        block = self.blocks.pop()
        self.levels.pop()
        self.open[block.word] -= 1
        self.body.extend(block.close(block, end))

    def _close(self, words: tuple[str, ...], piece: Piece) -> Block | None:
        """The innermost open block of these words; blocks left open inside of it are ended."""
        if not any(self.open[word] for word in words):
            self.problems.append((piece.start, f"The directive `@{piece.word}` has no beginning."))
            return None
        while (block := self.blocks[-1]).word not in words:
            self.problems.append((block.start, f"The directive `@{block.word}` is never ended."))
            self._end(piece.start)
        return block

    def name(self, piece: Piece, word: str = "") -> Name:
        """The directive's word as a name."""
        return Name(piece.start + 1, piece.start + 1 + len(piece.word), word or piece.word)

    # -- directives

    def _directive(self, piece: Piece) -> None:
        word = piece.word
        handler = _DIRECTIVES.get(word)
        if handler is not None:
            handler(self, piece)
        elif word in ENDS:
            if self._close(ENDS[word], piece):
                self._end(piece.end)
        elif word.startswith("end") and self.open[word[3:]]:
            self._close((word[3:],), piece)
            self._end(piece.end)
        elif word.startswith("else"):
            self.otherwise(piece)
        elif word in self.conditions:
            self.condition(piece)
        else:
            self.other(piece)

    def other(self, piece: Piece) -> None:
        """A directive that prints what it is given, or what nobody here knows of."""
        args = self.arguments(piece)
        if args:
            self.body.append(Other(piece.start, piece.end, f"@{piece.word}", args))

    def condition(self, piece: Piece) -> None:
        """`@if`, `@auth` and whatever else prints its block or does not."""
        if piece.code is None and piece.word in _NEED_ARGUMENTS:
            return
        if piece.word not in _ENDED_BY_IF | self.ended:  # a project may have a directive of this name that has no block
            self.other(piece)
            return
        block = self.begin(piece.word, piece.start, close_if)
        block.branches[0] = (piece.start, self.test(piece), block.body)

    def test(self, piece: Piece) -> Node:
        args = self.arguments(piece)
        match piece.word.removeprefix("else"):
            case "if" if args:
                return args[0]
            case "unless" if args:
                return Other(piece.start, piece.end, "not", args[:1])
            case "isset" | "empty" if args:
                return Call(piece.start + 1, piece.end, self.name(piece), args)
        return Other(piece.start, piece.end, f"@{piece.word}", args)

    def otherwise(self, piece: Piece) -> None:
        if not any(self.open[word] for word in self.conditions):
            return
        test = None if piece.word == "else" else self.test(piece)
        block = self._close(tuple(self.conditions), piece)
        if block is not None:
            block.branch(piece.start, test)
            self.levels[-1] += 1

    def empty(self, piece: Piece) -> None:
        """`@empty` of a `@forelse`, or `@empty($rows)`."""
        if piece.code is not None:
            self.condition(piece)
        elif self.open["forelse"]:
            block = self._close(("forelse",), piece)
            if block is not None:
                block.branch(piece.start, None)

    def loop(self, piece: Piece) -> None:
        if piece.code is None:
            return
        before: list[Node] = []
        head = Loop(piece.start, piece.end, None, None, ())
        for node in self.taken(piece.code):
            match node:
                case Loop():
                    head = node
                case Other(word="block", children=(*first, Loop() as rest)):
                    before, head = list(first), rest
                case Call(args=(test, *_)) if piece.word == "while":
                    head = msgspec.structs.replace(head, over=test, kind="while")
                case Call(callee=Name(id="_"), args=(over, *names)) if names:
                    head = Loop(piece.start, piece.end, names[-1], over, (), key=names[0] if names[1:] else None)
                case _:
                    before.append(node)

        def close(block: Block, end: int) -> list[Node]:
            stop = block.branches[1][0] if block.branches[1:] else end
            body = (*block.branches[0][2], *head.body)
            made: list[Node] = [*before, msgspec.structs.replace(head, start=block.start, end=stop, body=body)]
            made += [node for _, _, rest in block.branches[1:] for node in rest]
            return [Other(block.start, end, "block", tuple(made))] if len(made) > 1 else made

        self.begin(piece.word, piece.start, close)

    def jump(self, piece: Piece) -> None:
        """`@break`, `@continue($unless)`."""
        args = self.arguments(piece)
        jump = Other(piece.start, piece.end, piece.word)
        if args:
            block = Other(piece.start, piece.end, "block", (jump,))
            self.body.append(Other(piece.start, piece.end, "if", (args[0], block)))
        else:
            self.body.append(jump)

    def switch(self, piece: Piece) -> None:
        if piece.code is None:
            return
        args = self.arguments(piece)
        subject = args[0] if args else Text(piece.start, piece.end, None)

        def close(block: Block, end: int) -> list[Node]:
            branches = block.branches
            ends = [start for start, _, _ in branches[1:]] + [end]
            cases = [
                Other(start, stop, "case", (test or Name(start, stop, "default"), Other(start, stop, "block", tuple(body))))
                for (start, test, body), stop in zip(branches[1:], ends[1:], strict=True)
            ]
            return [Other(block.start, end, "match", (subject, *branches[0][2], *cases))]

        self.begin("switch", piece.start, close)

    def case(self, piece: Piece) -> None:
        args = self.arguments(piece)
        if self.open["switch"] and (args or piece.word == "default"):
            block = self._close(("switch",), piece)
            if block is not None:
                block.branch(piece.start, args[0] if args else None)

    def section(self, piece: Piece) -> None:
        """`@section('name') … @endsection`; `@section('name', value)` has no end."""
        args = self.arguments(piece)
        if len(args) == 1:
            self.begin("section", piece.start, closes_as(_text(args[0]), (), "block"))
        elif args:
            self.body.append(Other(piece.start, piece.end, "@section", args[1:]))

    def plain(self, piece: Piece) -> None:
        """A block that is printed, here or elsewhere, and says nothing about when."""
        args = self.arguments(piece)
        if piece.word in _NEED_ARGUMENTS and not args:
            return
        if piece.word in _INLINE_WITH and len(args) >= _INLINE_WITH[piece.word]:
            self.body.append(Other(piece.start, piece.end, f"@{piece.word}", args[1:]))
            return

        def close(block: Block, end: int) -> list[Node]:
            return [Other(block.start, end, "block", tuple(block.body))]

        self.begin(piece.word, piece.start, close)

    # -- templates in templates

    def _called(self, piece: Piece, args: tuple[Node, ...], word: str = "include", *more: Keyword) -> Call:
        """`@include('a.b', ['x' => $y])`: what an array names are keywords, another value is spread."""
        keywords = list(more)
        for given in args[1:2]:
            keywords += _keywords(given)
        return Call(piece.start, piece.end, self.name(piece, word), args[:1], tuple(keywords))

    def include(self, piece: Piece) -> None:
        args = self.arguments(piece)
        if args:
            word = "extends" if piece.word.startswith("extends") else "include"
            self.body.append(self._called(piece, args, word))

    def include_when(self, piece: Piece) -> None:
        args = self.arguments(piece)
        if len(args) > 1:
            test = args[0] if piece.word == "includewhen" else Other(args[0].start, args[0].end, "not", args[:1])
            block = Other(piece.start, piece.end, "block", (self._called(piece, args[1:]),))
            self.body.append(Other(piece.start, piece.end, "if", (test, block)))

    def each(self, piece: Piece) -> None:
        """`@each('row', $rows, 'name', 'none')`: an include for each row, which knows no other name."""
        args = self.arguments(piece)
        if len(args) < 3:
            return
        view, over, name, *rest = args
        target = Name(name.start, name.end, f"${_text(name)}")
        alone = Keyword("only", Text(piece.start, piece.end, True))
        call = self._called(piece, (view,), "include", Keyword(_text(name), target), alone)
        loop: Node = Loop(piece.start, piece.end, target, over, (call,))
        if rest and not _text(rest[0]).startswith("raw|"):
            loop = Other(piece.start, piece.end, "block", (loop, self._called(piece, (rest[0],))))
        self.body.append(loop)

    def component(self, piece: Piece) -> None:
        """`@component('a.b', […]) … @endcomponent`: its body is printed here, and it knows no name but those it is given."""
        args = self.arguments(piece)
        if not args:
            return
        alone = Keyword("only", Text(piece.start, piece.end, True))
        call = self._called(piece, args, "include", alone)

        def close(block: Block, end: int) -> list[Node]:
            return [Other(block.start, end, "block", (*block.body, call))]

        self.begin("component", piece.start, close)

    def livewire(self, piece: Piece) -> None:
        """`@livewire('name', […])` is the tag `<livewire:name …>`."""
        args = self.arguments(piece)
        if args:
            call = self._called(piece, args, f"livewire:{_text(args[0])}" if _text(args[0]) else "@livewire")
            self.body.append(msgspec.structs.replace(call, args=() if _text(args[0]) else call.args))

    def _component(self, piece: Piece) -> None:
        """`<x-name :rows="$rows" title="…">`: a call of the component by its tag; what stands in it is printed here."""
        keywords: list[Keyword] = []
        for attribute in piece.attributes:
            nodes = [node for span in attribute.code for node in self.taken(span)]
            if not attribute.name:
                found = (part for node in nodes for part in _arguments(node))
                self.body.extend(node for node in found if not isinstance(node, Text))
                continue
            keywords.append(Keyword(_camel(attribute.name), self._value(attribute, nodes)))
        name = piece.word.replace("x:", "x-", 1) if piece.word.startswith("x:") else piece.word
        if name.partition(":")[0] == "x-slot":
            self.body.extend(keyword.value for keyword in keywords if not isinstance(keyword.value, Text))
            return
        callee = Name(piece.start + 1, piece.start + 1 + len(piece.word), name)
        self.body.append(Call(piece.start, piece.end, callee, (), tuple(keywords)))

    def _value(self, attribute: Attribute, nodes: list[Node]) -> Node:
        start, end = attribute.value or attribute.place
        if attribute.bound:
            return nodes[-1] if nodes else Text(start, end, None)
        if nodes:
            return Other(start, end, "format", tuple(nodes))
        return Text(start, end, utf8(self.text[start:end])[:MAX_TEXT] if attribute.value is not None else True)

    # -- names

    def props(self, piece: Piece) -> None:
        """`@props(['rows' => [], 'title'])`: names that have these values where the template is given none."""
        declared: list[Node] = []
        for argument in self.arguments(piece):
            for item in argument.children if isinstance(argument, Other) else ():
                match item:
                    case Other(word="pair", children=(Text(value=str() as name) as key, value)):
                        declared.append(Assign(item.start, item.end, Name(key.start, key.end, f"${name}"), value))
                    case Text(value=str() as name):
                        nothing = Text(item.start, item.end, None)
                        declared.append(Assign(item.start, item.end, Name(item.start, item.end, f"${name}"), nothing))
        self.body.append(Other(piece.start, piece.end, "props", tuple(declared)))

    def use(self, piece: Piece) -> None:
        """`@use('App\\Models\\Order', 'Row')` is PHP's `use`."""
        args = self.arguments(piece)
        path = _text(args[0]).lstrip("\\") if args else ""
        if path:
            alias = _text(args[1]) if len(args) > 1 else path.rpartition("\\")[2]
            self.imports.append(Import(alias, path, piece.start))

    def inject(self, piece: Piece) -> None:
        """`@inject('name', 'App\\Services\\Name')`: an object of the class under that name."""
        args = self.arguments(piece)
        if len(args) > 1 and _text(args[0]) and _text(args[1]):
            made = Call(args[1].start, args[1].end, Name(args[1].start, args[1].end, "\\" + _text(args[1]).lstrip("\\")))
            target = Name(args[0].start, args[0].end, f"${_text(args[0])}")
            self.body.append(Assign(piece.start, piece.end, target, made))

    def code(self, piece: Piece) -> None:
        """`@php($x = 1)`."""
        self.body.extend(self.arguments(piece))


def _arguments(node: Node) -> tuple[Node, ...]:
    """The arguments of a directive, which PHP read as those of `_`."""
    return node.args if isinstance(node, Call) and isinstance(node.callee, Name) and node.callee.id == "_" else (node,)


def _text(node: Node) -> str:
    return node.value if isinstance(node, Text) and isinstance(node.value, str) else ""


def _keywords(given: Node) -> list[Keyword]:
    """The names that an array gives values to; anything else is spread."""
    if not (isinstance(given, Other) and given.word in ("dict", "list")):
        return [Keyword("**", given)]
    found: list[Keyword] = []
    for pair in given.children:
        match pair:
            case Other(word="pair", children=(Text(value=str() as name), value)):
                found.append(Keyword(name, value))
            case Other(word="spread", children=(value,)):
                found.append(Keyword("**", value))
    return found


def _camel(name: str) -> str:
    """`order-lines` as the component calls it: `orderLines`."""
    first, *rest = name.split("-")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


CONDITIONS = frozenset(
    {"if", "unless", "isset", "empty", "auth", "guest", "can", "cannot", "canany", "hassection", "sectionmissing", "env"}
    | {"production", "error", "session", "context", "role", "hasrole", "hasanyrole", "hasallroles", "feature", "pushif"}
)
_NEED_ARGUMENTS = frozenset(
    {"if", "unless", "isset", "can", "cannot", "canany", "hassection", "sectionmissing", "env", "error", "session", "context"}
    | {"role", "hasrole", "hasanyrole", "hasallroles", "feature", "pushif", "push", "pushonce", "prepend", "prependonce"}
    | {"slot", "fragment"}
)
_ENDED_BY_IF = frozenset({"if", "unless", "isset", "empty", "hassection", "sectionmissing"})
_PLAIN = frozenset({"push", "pushonce", "prepend", "prependonce", "slot", "fragment", "once"})
_INLINE_WITH = {"push": 2, "prepend": 2, "slot": 2}  # arguments with which the directive has no block
_VALUES = frozenset(
    {"json", "js", "class", "style", "checked", "selected", "disabled", "readonly", "required", "lang", "choice", "yield"}
    | {"stack", "dump", "dd", "method", "csrf", "vite", "route", "stop", "show", "append", "overwrite", "entangle", "this"}
)
_Directive = Callable[[BladeLowering, Piece], None]
_DIRECTIVES: dict[str, _Directive] = {
    **dict.fromkeys(CONDITIONS, BladeLowering.condition),
    **dict.fromkeys(("else", "elseif"), BladeLowering.otherwise),
    "empty": BladeLowering.empty,
    **dict.fromkeys(("foreach", "forelse", "for", "while"), BladeLowering.loop),
    **dict.fromkeys(("break", "continue"), BladeLowering.jump),
    "switch": BladeLowering.switch,
    **dict.fromkeys(("case", "default"), BladeLowering.case),
    "section": BladeLowering.section,
    **dict.fromkeys(_PLAIN, BladeLowering.plain),
    **dict.fromkeys(
        ("include", "includeif", "includefirst", "extends", "extendsfirst", "includeisolated"), BladeLowering.include
    ),
    **dict.fromkeys(("includewhen", "includeunless"), BladeLowering.include_when),
    "each": BladeLowering.each,
    **dict.fromkeys(("component", "componentfirst"), BladeLowering.component),
    "livewire": BladeLowering.livewire,
    **dict.fromkeys(("props", "aware"), BladeLowering.props),
    "use": BladeLowering.use,
    "inject": BladeLowering.inject,
    "php": BladeLowering.code,
}
ENDS: dict[str, tuple[str, ...]] = {
    **{f"end{word}": (word,) for word in (*CONDITIONS, "foreach", "forelse", "for", "while", "switch", *_PLAIN)},
    "endif": tuple(_ENDED_BY_IF),
    **dict.fromkeys(("endsection", "stop", "show", "append", "overwrite"), ("section",)),
    **dict.fromkeys(("endcomponent", "endcomponentfirst", "endcomponentclass"), ("component",)),
}
KNOWN = frozenset({*_DIRECTIVES, *ENDS, *_VALUES, *(f"else{word}" for word in CONDITIONS)})
"""The directives that are read whatever their arguments."""
