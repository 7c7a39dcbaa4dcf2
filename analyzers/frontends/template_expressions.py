"""Expressions of Django, Jinja and Twig templates, by precedence climbing.

One grammar reads all three: they share names, members, calls, filters and most operators, and where they differ they seldom
contradict each other. `Parser.dialect` decides where they do.
"""

from __future__ import annotations

from analyzers.facts.outline import Call, Function, Keyword, Member, Name, Node, Other, Parameter, Return, Text
from analyzers.frontends.frontend import MAX_CHAIN, MAX_TEXT
from analyzers.frontends.template_cursor import Cursor
from analyzers.frontends.template_tokens import Token, number_text, string_value, tokens_of, utf8

MAX_NESTING = 30
"""Brackets, operators and arguments within each other in one expression."""


CONSTANTS: dict[str, bool | None] = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    "none": None,
    "None": None,
    "null": None,
    "NULL": None,
}
_BINARY = {
    "or": 10, "xor": 12, "and": 15, "b-or": 16, "b-xor": 17, "b-and": 18,
    "==": 20, "!=": 20, "===": 20, "!==": 20, "<=>": 20, "<": 20, ">": 20, "<=": 20, ">=": 20,
    "in": 20, "not in": 20, "matches": 20, "starts with": 20, "ends with": 20, "has some": 20, "has every": 20,
    "is": 22, "..": 25, "~": 27, "+": 30, "-": 30, "*": 60, "/": 60, "//": 60, "%": 60, "**": 200, "??": 300,
}  # fmt: skip
_NOT = 18
_SIGN = 70
_WORDS = {"starts": "with", "ends": "with", "has": "", "not": "in"}
_PREFIXES = frozenset({"not", "-", "+", "..."})
_NO_OPERAND = frozenset({"and", "or", "in", "is", "if", "else", "not", "as", "with", "only", "ignore"})


class Parser(Cursor):
    """Reads the expressions of one tag."""

    def keyword(self) -> Keyword:
        """`name=value`."""
        name = self.name()
        self.expect("=")
        return Keyword(name.id, self.expression())

    def expression(self, least: int = 0) -> Node:
        """An expression whose operators bind at least as tightly as `least`. Raises `MalformedError`."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise self.trouble("the expression is nested too deeply")
        node = self._unary()
        chain = 0
        while (found := self._operator()) is not None:
            word, width = found
            binding = _BINARY[word]
            if binding < least:
                break
            self.at += width
            chain += 1
            node = self._binary(node, word, binding, chain)
        if least == 0:
            node = self.conditional(node)
        self.depth -= 1
        return node

    def _operator(self) -> tuple[str, int] | None:
        """The binary operator that comes next, and how many tokens it takes."""
        if self.at >= self.count:
            return None
        token = self.tokens[self.at]
        if token.kind == "string":
            return None
        text = token.text
        if text in _WORDS:
            second = self.peek(1)
            if second is None or second.kind != "name":
                return None
            pair = f"{text} {second.text}"
            return (pair, 2) if pair in _BINARY else None
        if text == "b" and self.next_is("-", 1):
            third = self.peek(2)
            word = f"b-{third.text}" if third else ""
            return (word, 3) if word in _BINARY else None
        return (text, 1) if text in _BINARY else None

    def _binary(self, left: Node, word: str, binding: int, chain: int) -> Node:
        if word == "is":
            return self._test(left)
        right = self.expression(binding if word in {"**", "??"} else binding + 1)
        if word == "not in":
            return Other(left.start, right.end, "not", (Other(left.start, right.end, "in", (left, right)),))
        if isinstance(left, Other) and left.word == word and (word == "~" or chain > MAX_CHAIN):
            return Other(left.start, right.end, word, (*left.children, right))
        if chain > MAX_CHAIN:
            return Other(left.start, right.end, "chain", (*(left.children if isinstance(left, Other) else (left,)), right))
        return Other(left.start, right.end, word, (left, right))

    def _test(self, left: Node) -> Node:
        """`x is [not] test(args)`: a call of the test's name; identity with a constant stays `is`."""
        negated = self.take("not")
        token = self.peek()
        if token is None:
            raise self.trouble("a test is missing")
        if token.kind != "name" or token.text in CONSTANTS or self.next_is(".", 1):
            right = self.expression(_BINARY["is"] + 1)
            node: Node = Other(left.start, right.end, "is", (left, right))
        else:
            name = self.name()
            if (name.id, True) in {("same", self.next_is("as")), ("divisible", self.next_is("by"))}:
                second = self.name()
                name = Name(name.start, second.end, f"{name.id} {second.id}")
            args: tuple[Node, ...] = ()
            keywords: tuple[Keyword, ...] = ()
            if self.next_is("("):
                args, keywords = self.arguments()
            elif (token := self.peek()) and (self.dialect == "django" or " " in name.id) and self._starts_operand(token):
                args = (self._postfix(),)
            node = Call(left.start, self.last_end(), name, (left, *args), keywords)
        return Other(left.start, node.end, "not", (node,)) if negated else node

    def _starts_operand(self, token: Token) -> bool:
        return token.kind in {"number", "string"} or (token.kind == "name" and token.text not in _NO_OPERAND)

    def conditional(self, node: Node) -> Node:
        """`a ? b : c`, `a ? b`, `a ?: b` and Jinja's `b if a else c`."""
        if self.at >= self.count:
            return node
        if self.take("?:"):
            right = self.expression()
            return Other(node.start, right.end, "or", (node, right))
        if self.take("?"):
            yes = self.expression()
            no = self.expression() if self.take(":") else Text(yes.end, yes.end, None)
            return Other(node.start, no.end, "?:", (node, yes, no))
        if self.dialect == "django" and self.take("if"):
            test = self.expression(1)
            no = self.expression() if self.take("else") else Text(test.end, test.end, None)
            return Other(node.start, no.end, "?:", (test, node, no))
        return node

    def _unary(self) -> Node:
        if self.at >= self.count or self.tokens[self.at].text not in _PREFIXES:
            return self._postfix()
        start = self.position()
        if self.take("not"):
            inner = self.expression(_NOT)
            return Other(start, inner.end, "not", (inner,))
        for sign in ("-", "+", "..."):
            if self.take(sign):
                inner = self.expression(_SIGN)
                if sign == "-":
                    return self._negative(start, inner)
                return Other(start, inner.end, "spread" if sign == "..." else sign, (inner,))
        return self._postfix()

    def _negative(self, start: int, inner: Node) -> Node:
        """`-x`; of a number, the number."""
        match inner:
            case Text(value=int() | float() as value) if not isinstance(value, bool):
                return Text(start, inner.end, -value)
        return Other(start, inner.end, "-", (inner,))

    def _postfix(self) -> Node:
        """A primary with its members, items, calls and filters; those beyond a bound are read but not kept."""
        node = self._primary()
        length = 0
        while self.at < self.count:
            token = self.tokens[self.at]
            if token.kind != "op":
                break
            match token.text:
                case "." | "?.":
                    self.at += 1
                    grown = self._member(node)
                case "[":
                    self.at += 1
                    grown = self._item(node)
                case "(" if token.start == node.end or not isinstance(node, Text):
                    args, keywords = self.arguments()
                    grown = Call(node.start, self.last_end(), node, args, keywords)
                    if self.dialect == "twig" and isinstance(node, Name) and node.id == "include":
                        grown = include_function(grown)
                case "|":
                    self.at += 1
                    grown = self._filter(node)
                case _:
                    break
            length += 1
            node = grown if length <= MAX_CHAIN else node
        return node

    def _member(self, of: Node) -> Node:
        token = self.peek()
        if token is not None and token.kind == "number":
            self.at += 1
            node = of
            for index in token.text.split("."):
                node = Other(of.start, token.end, "item", (node, Text(token.start, token.end, int(index[:18]))))
            return node
        if self.take("("):
            inner = self.expression()
            self.expect(")")
            return Other(of.start, self.last_end(), "item", (of, inner))
        name = self.name()
        return Member(of.start, name.end, of, name.id)

    def _item(self, of: Node) -> Node:
        """`a[i]` and `a[x:y]`."""
        parts: list[Node] = []
        colons = 0
        while not self.take("]"):
            if self.take(":"):
                colons += 1
                if len(parts) < colons:
                    parts.append(Text(self.last_end(), self.last_end(), None))
            elif self.done() or len(parts) > 3:
                raise self.trouble("`]` is missing")
            else:
                parts.append(self.expression())
                self.take(",")
        end = self.last_end()
        if colons:
            while len(parts) < 3:
                parts.append(Text(end, end, None))
            return Other(of.start, end, "item", (of, Other(parts[0].start, end, "slice", tuple(parts[:3]))))
        return Other(of.start, end, "item", (of, *parts))

    def _filter(self, of: Node) -> Node:
        """`x|name`, `x|name(args)` and Django's `x|name:arg`: a call with `x` first."""
        name = self.name()
        while self.next_is(".") and self.dialect == "django":
            self.at += 1
            part = self.name()
            name = Name(name.start, part.end, f"{name.id}.{part.id}")
        if self.next_is("("):
            args, keywords = self.arguments()
            return Call(of.start, self.last_end(), name, (of, *args), keywords)
        colon = self.peek()
        if self.dialect == "django" and colon is not None and colon.text == ":" and colon.start == name.end:
            self.at += 1
            argument = self._filter_argument()
            return Call(of.start, argument.end, name, (of, argument))
        return Call(of.start, name.end, name, (of,))

    def _filter_argument(self) -> Node:
        start = self.position()
        if self.take("-"):
            return self._negative(start, self._primary())
        node = self._primary()
        for _ in range(MAX_CHAIN):
            if self.next_is("("):
                args, keywords = self.arguments()
                node = Call(node.start, self.last_end(), node, args, keywords)
            elif self.take("."):
                node = self._member(node)
            else:
                break
        return node

    def arguments(self) -> tuple[tuple[Node, ...], tuple[Keyword, ...]]:
        """`(a, name=b, name: c, ...d)`."""
        self.expect("(")
        args: list[Node] = []
        keywords: list[Keyword] = []
        while not self.take(")"):
            if self.take("*", "*") or self.take("**"):
                keywords.append(Keyword("**", self.expression()))
            elif self.take("*"):
                inner = self.expression()
                args.append(Other(inner.start, inner.end, "spread", (inner,)))
            elif (token := self.peek()) and token.kind == "name" and self._names_argument():
                self.at += 2
                keywords.append(Keyword(utf8(token.text), self.expression()))
            else:
                args.append(self.expression())
            if not self.take(",") and not self.next_is(")"):
                raise self.trouble("`)` is missing")
        return tuple(args), tuple(keywords)

    def _names_argument(self) -> bool:
        return self.next_is("=", 1) or (self.dialect == "twig" and self.next_is(":", 1))

    def _primary(self) -> Node:
        token = self.peek()
        if token is None:
            raise self.trouble("an expression is missing")
        match token.kind:
            case "name":
                self.at += 1
                if token.text in CONSTANTS:
                    return Text(token.start, token.end, CONSTANTS[token.text])
                if self.next_is("=>"):
                    return self._arrow(token.start, [token])
                return Name(token.start, token.end, utf8(token.text))
            case "number":
                self.at += 1
                return number_text(token)
            case "string":
                self.at += 1
                return self._string(token)
        match token.text:
            case "(":
                return self._bracketed()
            case "[":
                return self._list()
            case "{":
                return self._dict()
        raise self.trouble(f"`{token.text}` is not expected here")

    def _string(self, token: Token) -> Node:
        """A literal; Twig's double quotes hold `#{expressions}`."""
        if self.dialect == "twig" and token.text[0] == '"' and "#{" in token.text:
            return self._interpolated(token)
        return Text(token.start, token.end, string_value(token))

    def _interpolated(self, token: Token) -> Node:
        parts: list[Node] = []
        at, text = 1, token.text[:-1]
        while (hole := text.find("#{", at)) >= 0:
            close = text.find("}", hole)
            if close < 0:
                break
            if hole > at:
                parts.append(_piece(token, at, hole))
            inner = tokens_of(text, token.start, hole + 2, close)
            parser = Parser(inner, self.dialect, token.start + close)
            parser.depth = self.depth
            parts.append(parser.expression())
            at = close + 1
        if at < len(text):
            parts.append(_piece(token, at, len(text)))
        return Other(token.start, token.end, "format", tuple(parts))

    def _arrow(self, start: int, names: list[Token]) -> Node:
        """`x => e`, `(x, y) => e`: an unnamed function."""
        self.expect("=>")
        value = self.expression()
        parameters = tuple(Parameter(utf8(name.text)) for name in names)
        return Function(start, value.end, "", parameters, (Return(value.start, value.end, value),))

    def _bracketed(self) -> Node:
        """`(e)`, a tuple, or the parameters of an arrow function."""
        start = self.position()
        names = self._arrow_names()
        if names is not None:
            return self._arrow(start, names)
        self.at += 1
        items: list[Node] = []
        commas = 0
        while not self.take(")"):
            items.append(self.expression())
            if self.take(","):
                commas += 1
            elif not self.next_is(")"):
                raise self.trouble("`)` is missing")
        if commas or not items:
            return Other(start, self.last_end(), "tuple", tuple(items))
        return items[0]

    def _arrow_names(self) -> list[Token] | None:
        """The names in `(a, b) =>`, stepped over; nothing where no arrow function begins here."""
        names: list[Token] = []
        ahead = 1
        while (token := self.peek(ahead)) is not None and token.kind == "name" and len(names) < 20:
            names.append(token)
            ahead += 2 if self.next_is(",", ahead + 1) else 1
        if self.next_is(")", ahead) and self.next_is("=>", ahead + 1):
            self.at += ahead + 1
            return names
        return None

    def _list(self) -> Node:
        start = self.position()
        self.at += 1
        items: list[Node] = []
        while not self.take("]"):
            items.append(self.expression())
            if not self.take(",") and not self.next_is("]"):
                raise self.trouble("`]` is missing")
        return Other(start, self.last_end(), "list", tuple(items))

    def _dict(self) -> Node:
        """`{a: 1, 'b': 2, (c): 3, d}`; in Twig a bare key is its own text, in Jinja a name."""
        start = self.position()
        self.at += 1
        pairs: list[Node] = []
        while not self.take("}"):
            token = self.peek()
            if token is not None and token.kind == "name" and (self.next_is(":", 1) or self._ends_pair(1)):
                self.at += 1
                name = Name(token.start, token.end, utf8(token.text))
                key: Node = Text(token.start, token.end, name.id) if self.dialect == "twig" else name
                value: Node = self.expression() if self.take(":") else name
            else:
                key = self.expression()
                value = self.expression() if self.take(":") else Text(key.end, key.end, None)
            pairs.append(Other(key.start, max(key.end, value.end), "pair", (key, value)))
            if not self.take(",") and not self.next_is("}"):
                raise self.trouble("`}` is missing")
        return Other(start, self.last_end(), "dict", tuple(pairs))

    def _ends_pair(self, ahead: int) -> bool:
        return self.next_is(",", ahead) or self.next_is("}", ahead)


def _piece(token: Token, start: int, end: int) -> Text:
    return Text(token.start + start, token.start + end, utf8(token.text[start:end])[:MAX_TEXT])


def keywords_of(context: Node) -> tuple[Keyword, ...]:
    """A template's context as keywords: those of a literal by their keys, anything else under `**`."""
    if not isinstance(context, Other) or context.word != "dict":
        return (Keyword("**", context),)
    found: list[Keyword] = []
    for pair in context.children:
        match pair:
            case Other(word="pair", children=(Text(value=str(key)), value)):
                found.append(Keyword(key, value))
            case _:
                found.append(Keyword("**", Other(pair.start, pair.end, "dict", (pair,))))
    return tuple(found)


def include_function(call: Call) -> Call:
    """Twig's `include(template, context, with_context = …)` in the shape of its tag."""
    keywords: list[Keyword] = []
    for context in call.args[1:2]:
        keywords += keywords_of(context)
    for keyword in call.keywords:
        match keyword:
            case Keyword(name="variables"):
                keywords += keywords_of(keyword.value)
            case Keyword(name="with_context" | "withContext", value=Text(value=False)):
                keywords.append(Keyword("only", Text(keyword.value.start, keyword.value.end, True)))
    if len(call.args) > 2 and isinstance(call.args[2], Text) and call.args[2].value is False:
        keywords.append(Keyword("only", Text(call.args[2].start, call.args[2].end, True)))
    return Call(call.start, call.end, call.callee, call.args[:1], tuple(keywords))
