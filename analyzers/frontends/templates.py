"""Django, Jinja and Twig templates as outlines; `analyzers.facts.outline` says in which shape.

What is printed is lowered in source order among the statements; the text between tags is not. A tag nobody here knows is a
call of its name, its end tag is dropped, and what stands between them belongs to the block around: custom tags seldom change
what the names inside of them mean. A tag that cannot be read is a problem of its line, and costs no other.
"""

from __future__ import annotations

from array import array
from typing import ClassVar

from analyzers.facts.store import FileFacts, FileProblem
from analyzers.frontends.frontend import MAX_BYTES, Frontend
from analyzers.frontends.lines import find_ignores, first_problems, line_at, line_starts
from analyzers.frontends.template_lowering import TemplateLowering
from analyzers.frontends.template_tokens import Dialect


class TemplateFrontend(Frontend):
    """Reads templates of one dialect."""

    dialect: ClassVar[Dialect]

    def __init__(self) -> None:
        self.version = "3"

    def read(self, source: bytes) -> FileFacts:
        starts = line_starts(source)
        if len(source) > MAX_BYTES:
            problem = FileProblem(0, f"The file is larger than {MAX_BYTES:,} bytes and was not read.")
            return FileFacts(self.language, starts.tobytes(), problems=(problem,))
        lowering = TemplateLowering(source.decode("latin-1"), self.dialect)
        outline = lowering.run()
        # Without a single tag, braces are more likely those of another language (Vue, Angular, Mustache) than mistakes.
        problems = lowering.problems if lowering.has_tags else []
        return FileFacts(
            language=self.language,
            lines=starts.tobytes(),
            outline=outline,
            ignores=find_ignores(source, starts),
            problems=first_problems(_placed(problems, starts)),
        )


def _placed(problems: list[tuple[int, str]], starts: array[int]) -> list[FileProblem]:
    return [FileProblem(line_at(starts, offset), text) for offset, text in problems]


class DjangoFrontend(TemplateFrontend):
    """Reads Django and Jinja templates."""

    language: ClassVar[str] = "django"
    dialect: ClassVar[Dialect] = "django"


class TwigFrontend(TemplateFrontend):
    """Reads Twig templates."""

    language: ClassVar[str] = "twig"
    dialect: ClassVar[Dialect] = "twig"
