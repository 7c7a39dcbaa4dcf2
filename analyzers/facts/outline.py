"""What a source file says, in ten kinds of node.

Every programming language and every template language is lowered to the same small vocabulary:

    Name  Text  Member  Call  Assign  Loop  Function  Class  Return  Other

In: names, literals, member access, calls with their arguments, assignments, loops, definitions, and the nesting of all
of them. Out: everything a reader of the *meaning* does not need (comments, formatting, operators' precedence, types of
quotes). `Other` keeps what has no kind of its own under a word for what it is, with its children, so that a walk always
reaches what lies below; nothing is ever dropped because a frontend did not know it.

An outline knows no framework and no path. `Order.objects.filter(paid=True)` is a `Call` of a `Member` of a `Member` of
a `Name`, in Python as in PHP; what it *means* is decided in `analyzers.model`, from `analyzers.knowledge`.

Positions are byte offsets, half open, `start <= offset < end`, into the blob. `FileFacts.lines` turns them into lines.

How the languages are lowered (frontends agree on this; `tests/analyzers/frontends` shows it by example):

- Python `self`/`cls` and PHP `$this` are the `receiver` of a function and not among its parameters. PHP variables keep
  their dollar (`Name("$order")`), properties do not (`Member(Name("$this"), "orders")`, class-level
  `Assign(Name("orders"))`). `A::b` and `?->` are `Member`s; `A::class` is `Member(Name("A"), "class")`; `A::$b` is
  `Member(Name("A"), "$b")`; `new A(x)` is `Call(Name("A"), x)`. A PHP qualified name keeps its backslashes as written.
  `f(...)`, a first-class callable, is `f` itself; a member whose name is computed is an item.
- `a[i]` is `Other("item", (a, i))`; several subscripts are one `"tuple"`; `a[x:y]` is `Other("item", (a, Other("slice", (x,
  y, step))))` with `Text(None)` for what is absent. Type arguments are items too: `Collection<int, Order>` is
  `item(Collection, tuple(int, Order))`, `Order[]` is `item(array, Order)`, `?Order` is `Other("|", (Order, Text(None)))`.
  Where PHP has no native type, the docblock's `@var`, `@param`, `@return` give the annotation; also where it alone says
  what a container holds (`Collection<int, Order>` beside `Collection`). `@extends Parent<Type>` makes the base an item. An
  inline `@var Type $name` is the annotation of the assignment below it, else an `Assign` without value: first in the body
  of a `foreach` below it. Forward references (`"Order"`) are read, arguments of `Literal` are not.
- Operators are `Other` under their own text: `Other("+", (a, b))`, `"and"`, `"or"`, `"not"`, `"=="`, `"in"`, `"|"`, `"??"`;
  the conditional expression is `Other("?:", (test, yes, no))`; PHP's `&&`, `||`, `!` are `and`, `or`, `not`, and `a ?: b`
  is `or`. `a < b < c` is `and` of two comparisons where `b` is a name or a literal, else one `"<"` of three. `(int) $a` is
  `Other("cast", (int, a))`; `$i++` is `$i += 1`.
- An `Assign` may be an expression (`:=`, `a = b = c`): its value is its value.
- `Other("if", (test, block, else))`, `Other("block", statements)`, `"with"` (its `Assign`s, then the body), `"try"` (block,
  `"except"`…, `"finally"`), `"match"`, `"case"`, `"await"`, `"yield"`, `"raise"`, `"break"`, `"continue"`, `"assert"`,
  `"delete"`, `"list"`, `"tuple"`, `"set"`, `"dict"` (children are `Other("pair", (key, value))`; a PHP array with keys is a
  dict, without a list), `"spread"` (`*xs`, `...$xs`), `"format"` (f-strings and interpolated strings: texts and expressions
  in order). Blocks are children in all of these: `"with"` ends with one, `"except"` is (what is caught, block), `"finally"`
  is (block,), a `try`'s `else` is a block between them. What is caught is an `Assign` where it gets a name, `Text(None)`
  where nothing is named. `"case"` is (pattern, block or value), for `switch` as for `match`: a guard is `and` of pattern
  and test, the default is `Name("_")` or `Name("default")`. What stands in a loop's `else` follows it, both in one
  `"block"`; so does a PHP `for` follow what it starts with, and its step ends the body. `yield from x` is a `yield` of a
  `"spread"`. `global`, `echo` are words; `include`, `clone`, `exit` and backticks (`shell_exec`) are `Call`s, as are Python
  2's `print` and `exec`.
- A comprehension is a `Loop` whose `kind` is `list`, `set`, `dict` or `generator`; its body is the conditions and, last,
  the element.
- Parameters: `*args` and `**kwargs` keep their stars, PHP's `...$xs` is `*$xs`, Python's bare `*` is one of that name.
- A lambda, closure or arrow function is a `Function` named `""`; an arrow's body is one `Return`.
- Attributes and docblock annotations (`#[ORM\\ManyToOne(…)]`, `@ORM\\ManyToOne(…)`) are `decorators` of what follows, as
  `Call`s. PHP's `static` and `abstract`, and the `interface` of one, are decorators as plain `Name`s. A promoted constructor
  parameter is a `Parameter`, a class-level `Assign` with its type and attributes, and an `Assign` to `$this` at the start of
  the constructor's body.
- JavaScript and TypeScript: `this` is the receiver of methods, not of functions. `const`, `let`, `var` and class fields are
  `Assign`s, several of one declaration a `"block"`; a function that a declaration or a field names is a `Function` of that
  name (`const list = async () => …`), other functions are closures. `new X(a)` is `Call(Name("X"), a)`; `a?.b`, `a!.b` are
  `Member`s, `a as T` is `a`; `===` and `!==` are `==` and `!=`, `undefined` is nothing; a template string is a `"format"`,
  a tagged one a `Call` of the tag. An object is a `"dict"` of pairs, shorthands and methods among them; a pattern a
  `"tuple"`, of pairs where it takes names, with `"??"` where it has a default; a parameter that is a pattern is called
  `#0`, `#1`… and taken apart by an `Assign` at the start of the body. `for … of` is a `Loop` for its target, `for … in` for
  its key, the classic `for` is like PHP's. `export` and `default` are decorators as plain `Name`s, so are `static`, `get`,
  `set`, `abstract`, `enum`; a default export without a name is called `default`; `export { a }` is `Other("export", (a,))`,
  `export { a as b }` an `Assign`. `"use server"` is an `Other("directive")`. A component of JSX is a `Call` of its name
  with its attributes (pairs) and what it holds, an element of HTML an `Other("element")` of the same. A constructor's
  `private x: X` is PHP's promoted parameter. An import is of `module#name`, `module#default`, `module#*` (all names, under
  one) or `module#=` (what `require` gives); what is exported `from` elsewhere is imported. Interfaces, type aliases,
  overloads and what is declared `declare` are left out, and nothing is read as SQL. A file that runs in browsers alone, as
  far as its bytes tell, is told of by its lines.
- Left out: comments, docstrings and other bare literals, `pass`, parentheses, type parameters, what a closure captures,
  HTML around PHP, imports (facts of the file). Adjacent literals, also those joined by `+` or PHP's `.`, are one `Text`. A
  literal is cut at 200 characters unless it is SQL; a collection of more than 256 elements, all literals, at 256; an
  integer beyond 64 bits is a float.
- No outline is deeper than about 150 levels, so that readers may recurse. A chain of more than 40 operators is one `Other`
  of all its operands under the last operator; of more than 40 calls and members, `Other("chain", (the first 40, each
  further call or name…))`; of more than 40 `elif`s, a block of the further ones in the last `else`. Deeper nesting is cut,
  with a problem: `Other("deep")`. `Other("error")` is what the parser could not make sense of.
- A template is a module whose free names are its context. A filter is a `Call` (`x|length` is `Call(Name("length"), x)`);
  tags `include`, `extends`, `embed`, `import` are `Call`s of that name with their template first and `with` values as
  keywords; a block is a `Function` decorated with `Name("block")`, a macro with `Name("macro")`; `set`/`with`/`… as x` are
  `Assign`s; a cached fragment is `Other("cache", (block,))` after the tag's own call. Blade's expressions are PHP's; a
  component is a `Call` of its tag's name (`x-alert`) with its attributes as keywords, `@props` is `Other("props")` of
  `Assign`s, a condition of Blade's own is an `Other` of its name with the `@`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec


class _Node(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Common to all kinds: where it stands. `gc=False`: outlines are trees, so reference counting frees them."""

    start: int
    end: int


class Name(_Node, frozen=True, gc=False, array_like=True, tag=0):
    """An identifier: a variable, a class, a function, a type."""

    id: str


class Text(_Node, frozen=True, gc=False, array_like=True, tag=1):
    """A literal: string, number, boolean or nothing."""

    value: str | int | float | bool | None


class Member(_Node, frozen=True, gc=False, array_like=True, tag=2):
    """`of.name`, `$of->name`, `of::name`."""

    of: Node
    name: str


class Keyword(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A named argument; `**mapping` has the name `**`."""

    name: str
    value: Node


class Call(_Node, frozen=True, gc=False, array_like=True, tag=3):
    """`callee(*args, **keywords)`; also `new Callee(…)` and a template's tag or filter."""

    callee: Node
    args: tuple[Node, ...] = ()
    keywords: tuple[Keyword, ...] = ()


class Assign(_Node, frozen=True, gc=False, array_like=True, tag=4):
    """`target: annotation = value`; `operator` is `+` for `+=`. A declared property without value has `value=None`."""

    target: Node
    value: Node | None = None
    annotation: Node | None = None
    operator: str = ""
    decorators: tuple[Node, ...] = ()


class Loop(_Node, frozen=True, gc=False, array_like=True, tag=5):
    """`for key, target in over: body`. `kind`: for, while, list, set, dict, generator. `key` only where the language
    itself yields one (`foreach ($xs as $key => $target)`); a destructured target is `Other("tuple", …)`."""

    target: Node | None
    over: Node | None
    body: tuple[Node, ...]
    kind: str = "for"
    key: Node | None = None


class Parameter(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A declared parameter. `name` as the body writes it; `*args` and `**kwargs` keep their stars. `decorators` are attributes
    that say what it is given."""

    name: str
    annotation: Node | None = None
    default: Node | None = None
    decorators: tuple[Node, ...] = ()


class Function(_Node, frozen=True, gc=False, array_like=True, tag=6):
    """A function, method, closure, template block or macro."""

    name: str
    parameters: tuple[Parameter, ...] = ()
    body: tuple[Node, ...] = ()
    returns: Node | None = None
    decorators: tuple[Node, ...] = ()
    receiver: str = ""
    is_async: bool = False


class Class(_Node, frozen=True, gc=False, array_like=True, tag=7):
    """A class, trait, interface or enum. `bases`: parents, interfaces and used traits, in that order."""

    name: str
    bases: tuple[Node, ...] = ()
    keywords: tuple[Keyword, ...] = ()
    body: tuple[Node, ...] = ()
    decorators: tuple[Node, ...] = ()


class Return(_Node, frozen=True, gc=False, array_like=True, tag=8):
    """`return value`."""

    value: Node | None = None


class Other(_Node, frozen=True, gc=False, array_like=True, tag=9):
    """Anything else, under a word for what it is, with all its children."""

    word: str
    children: tuple[Node, ...] = ()


Node = Name | Text | Member | Call | Assign | Loop | Function | Class | Return | Other


def children(node: Node) -> Sequence[Node]:
    """The nodes directly below `node`, in source order as far as the kind's fields allow."""
    match node:
        case Name() | Text():
            return ()
        case Member():
            return (node.of,)
        case Call():
            if not node.keywords:
                return (node.callee, *node.args)
            return (node.callee, *node.args, *[keyword.value for keyword in node.keywords])
        case Other():
            return node.children
        case Assign():
            return (*node.decorators, *_stated(node.target, node.annotation, node.value))
        case Loop():
            return (*_stated(node.over, node.key, node.target), *node.body)
        case Function():
            declared = [part for p in node.parameters for part in _stated(p.annotation, p.default)]
            return (*node.decorators, *declared, *_stated(node.returns), *node.body)
        case Class():
            return (*node.decorators, *node.bases, *[keyword.value for keyword in node.keywords], *node.body)
        case Return():
            return _stated(node.value)


def _stated(*parts: Node | None) -> list[Node]:
    return [part for part in parts if part is not None]


def dotted(node: Node) -> str:
    """`a.b` as text, with calls without arguments as they stand (`a.b()`); empty for anything else."""
    match node:
        case Name(id=name):
            return name
        case Member(of=of, name=name):
            outer = dotted(of)
            return f"{outer}.{name}" if outer else ""
        case Call(callee=callee, args=(), keywords=()):
            inner = dotted(callee)
            return f"{inner}()" if inner else ""
    return ""


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything below it, parents first."""
    stack = [node]
    while stack:
        top = stack.pop()
        yield top
        below = children(top)
        if below:
            stack.extend(below[::-1])
