"""What libraries say of templates in the language's own expressions, typed."""

from __future__ import annotations

import msgspec


class Component(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tags of templates that stand for a component: an object of a class in one of `spaces`, or a template in `folder`."""

    spaces: tuple[str, ...]
    folder: str
    initializer: str = ""  # method that gets what the tag says
    bases: tuple[str, ...] = ()  # classes that are pages of their own, too


class Callables(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How classes give methods of theirs the names by which templates call them."""

    makers: tuple[str, ...] = ()  # classes whose objects say so: of a name, and of what is called
    marks: tuple[str, ...] = ()  # decorators of such a method, with its name
    extensions: tuple[str, ...] = ()  # what classes inherit from that make such objects
    around: tuple[str, ...] = ()  # options by which what is called gets something else first


class Templates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Templates in the language's own expressions: how calls name them, and how names reach them."""

    suffix: str
    separator: str = "."  # of folders in a name
    space: str = "::"  # after the package whose template it is
    name_arguments: tuple[str, ...] = ()  # keywords of a renderer
    context_arguments: tuple[str, ...] = ()
    adds: str = ""  # method that adds names, alone with two arguments or an array, or as the start of one with the name in it
    composers: tuple[str, ...] = ()  # calls that say, for templates named first, who adds names whenever they are made
    composer_method: str = ""
    components: dict[str, Component] = {}  # by the start of the tag's name
    computed: dict[str, str] = {}  # class -> its method that is read as the attribute `{name}`
    exposing: tuple[str, ...] = ()  # classes whose properties their templates know
