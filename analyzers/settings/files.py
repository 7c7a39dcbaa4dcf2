"""The configuration of a revision: its files, the nearest first, and the defaults of the organisation and the operator, joined.

OWNER/.github: .github/cliffguard.yml    the organisation's default
.cliffguard.yml, .github/cliffguard.yml  the repository's
services/shop/.cliffguard.yml            of a folder, and of those below it
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from analyzers.findings import Problem
from analyzers.settings.reading import read_file
from analyzers.settings.values import PATH, PATHS, Configuration, DatabaseServer, Limits, Nested, Settings, joined

_MOST = 200  # files; a review reads each
_OF_THE_ROOT = ("database", "database_server", "comments", "libraries")


def settings_files(paths: Iterable[str]) -> list[str]:
    """Those of the paths that configure something, the root's first, then by depth; a bounded number."""
    found = [path for path in paths if path in PATHS or path.endswith(f"/{PATH}")]
    return sorted(found, key=lambda path: (path not in PATHS, path.count("/"), path))[: _MOST + 1]


def read_settings(
    files: Mapping[str, bytes], *, known_rules: Collection[str] = (), defaults: Sequence[bytes] = ()
) -> tuple[Settings, tuple[Problem, ...]]:
    """The configuration of a revision that has these files, and what is wrong in them. `defaults` count where it says nothing:
    an operator's, and then, nearer, an organisation's."""
    problems: list[Problem] = []
    above = _above(defaults, known_rules)
    source, root = PATH, Configuration()
    for path in (path for path in PATHS if path in files):
        if path != PATH and PATH in files:
            problems.append(Problem(path, 0, f"{path} is not read, because there is {PATH}."))
            continue
        root, wrong = read_file(files[path], path, known_rules=known_rules)
        source = path
        problems.extend(wrong)
    whole = joined(above, root)
    nested: list[Nested] = []
    below = [path for path in settings_files(files) if path not in PATHS]
    for path in below[:_MOST]:
        own, wrong = read_file(files[path], path, known_rules=known_rules)
        own, more = _without_what_is_of_the_root(own, path)
        problems.extend((*wrong, *more))
        folder = path.rpartition("/")[0]
        outer = next((one.whole for one in reversed(nested) if folder.startswith(f"{one.folder}/")), whole)
        nested.append(Nested(folder, own, joined(outer, own)))
    problems.extend(Problem(path, 0, f"It is not read: there are more than {_MOST} of them.") for path in below[_MOST:])
    fields = {name: getattr(whole, name) for name in Configuration.__struct_fields__}
    fields["exclude"] = (*above.exclude, *root.exclude)
    return Settings(**fields, source=source, nested=tuple(reversed(nested)), inherited=above.ignore), tuple(problems)


def _above(defaults: Sequence[bytes], known_rules: Collection[str]) -> Configuration:
    """The defaults as one. Their patterns are of every repository's root, so these add up."""
    whole = Configuration()
    for text in defaults:
        own = read_file(text, known_rules=known_rules)[0]
        patterns = {"exclude": (*whole.exclude, *own.exclude), "ignore": (*whole.ignore, *own.ignore)}
        whole = msgspec.structs.replace(joined(whole, own), **patterns)
    return whole


def _without_what_is_of_the_root(own: Configuration, path: str) -> tuple[Configuration, list[Problem]]:
    """What a folder cannot say of itself: a pull request has one set of comments, the tables are of one
    database, and what is known of libraries is known of all the code."""
    said = [name for name in _OF_THE_ROOT if getattr(own, name) != getattr(Configuration(), name)]
    text = "`{}` counts at the root of the repository only; it is not used."
    return (
        msgspec.structs.replace(
            own, **({"database": None, "database_server": DatabaseServer(), "libraries": ()} | {"comments": Limits()})
        ),
        [Problem(path, 0, text.format(name)) for name in said],
    )


def settings_of(
    base: Mapping[str, bytes],
    head: Mapping[str, bytes],
    *,
    known_rules: Collection[str] = (),
    defaults: Sequence[bytes] = (),
) -> tuple[Settings, tuple[Problem, ...]]:
    """The settings that a review of `head` against `base` uses, from both versions of the files.

    The base's count: a change cannot silence its own review. What is wrong in the head's is said where it is introduced,
    and a change that will only count once it is merged is said too.
    """
    settings, problems = read_settings(base, known_rules=known_rules, defaults=defaults)
    if head == base:
        return settings, problems
    changed, problems = read_settings(head, known_rules=known_rules, defaults=defaults)
    if changed != settings:
        touched = next(path for path in sorted({*base, *head}) if base.get(path) != head.get(path))
        note = f"{touched} is changed here; this review used the version of the base, the change counts once it is merged."
        problems = (*problems, Problem(path=touched, line=0, text=note))
    return settings, problems
