"""Files that are to be added: those of several findings, where only one can come right after what is there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

import msgspec

from analyzers.findings import Finding, NewFile


def together(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings, whose files can all be added. What is only listed shows none."""
    changed: dict[NewFile, NewFile] = {}
    files = dict.fromkeys(f for finding in findings if not finding.listed for f in finding.files if f.follows)
    for _, group in groupby(sorted(files, key=lambda f: f.follows), key=lambda f: f.follows):
        changed.update(_in_order(tuple(group)))
    return tuple(_with(finding, changed) for finding in findings)


def _with(finding: Finding, changed: Mapping[NewFile, NewFile]) -> Finding:
    files = tuple(dict.fromkeys(changed.get(file, file) for file in finding.files))
    return finding if finding.listed or files == finding.files else msgspec.structs.replace(finding, files=files)


def _in_order(files: Sequence[NewFile]) -> Iterator[tuple[NewFile, NewFile]]:
    """What becomes of files that follow one and the same: one of all, or one after the other."""
    alone = [file for file in files if file.turn]
    yield from ((file, _later(file, number)) for number, file in enumerate(alone))
    for file in files:
        same = [other for other in files if not other.turn and (other.before, other.after) == (file.before, file.after)]
        if not file.turn and len(same) > 1:
            yield file, _joined(same)


def _later(file: NewFile, by: int) -> NewFile:
    """The file with a number that is greater by so much."""
    counted = re.sub(r"\d+$", lambda number: str(int(number[0]) + by).zfill(len(number[0])), file.turn)
    return msgspec.structs.replace(file, path=counted + file.path.removeprefix(file.turn), turn=counted)


def _joined(files: Sequence[NewFile]) -> NewFile:
    imports, items = _all(file.imports for file in files), _all(file.items for file in files)
    return msgspec.structs.replace(files[0], imports=tuple(sorted(imports, key=_by_kind)), items=items)


def _all(parts: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for several in parts for part in several))


def _by_kind(line: str) -> tuple[bool, str]:
    """Modules first, then names of modules, as sorters of imports put them."""
    return not line.startswith("import "), line
