"""Files to be added: all those of a review fit beside each other."""

from __future__ import annotations

import msgspec

from analyzers.findings import Finding, NewFile
from analyzers.review.new_files import together
from tests.findings import finding


def telling(subject: str, *files: NewFile, listed: str = "") -> Finding:
    return msgspec.structs.replace(finding(subject=subject), files=files, listed=listed)


def migration(table: str, *imports: str, follows: str = "django shop.0007", after: str = "]\n") -> NewFile:
    path = f"shop/migrations/0008_{table}_indexes.py"
    return NewFile(path, "python", "\nclass Migration: [\n", (f"    {table},\n",), after, imports=imports, follows=follows)


def statement(path: str, name: str) -> NewFile:
    return NewFile(
        f"{path}__{name}.sql", "sql", "", (f"CREATE INDEX {name};\n",), "", follows="sql db/V9__orders.sql", turn=path
    )


def paths(findings: tuple[Finding, ...]) -> list[str]:
    return [file.path for finding in findings for file in finding.files]


def test_what_follows_the_same_migration_is_one_file() -> None:
    one, other = migration("orders", "from b import x"), migration("lines", "import z", "from b import x", "from a import y")
    told = together((telling("a", one), telling("b", other)))
    assert paths(told) == ["shop/migrations/0008_orders_indexes.py"] * 2
    assert told[0].files == told[1].files
    assert told[0].files[0].text == (
        "import z\nfrom a import y\nfrom b import x\n\nclass Migration: [\n    orders,\n    lines,\n]\n"
    )


def test_others_stay_as_they_are() -> None:
    one, other = migration("orders"), migration("lines", follows="django stock.0003")
    unlike = migration("visits", after=")\n")
    told = together((telling("a", one), telling("b", other), telling("c", unlike)))
    assert [finding.files for finding in told] == [(one,), (other,), (unlike,)]


def test_statements_that_stand_alone_come_one_after_the_other() -> None:
    told = together((telling("a", statement("db/V10", "a")), telling("b", statement("db/V10", "b"), statement("db/V10", "c"))))
    assert paths(told) == ["db/V10__a.sql", "db/V11__b.sql", "db/V12__c.sql"]


def test_one_that_two_findings_ask_for_is_counted_once() -> None:
    file = statement("db/V10", "a")
    told = together((telling("a", file), telling("b", file), telling("c", statement("db/V10", "c"))))
    assert paths(told) == ["db/V10__a.sql", "db/V10__a.sql", "db/V11__c.sql"]


def test_numbers_keep_their_width() -> None:
    files = [
        NewFile(f"db/{n}_{name}.sql", "sql", "", (), "", follows="x", turn=f"db/{n}")
        for n, name in (("099", "a"), ("099", "b"))
    ]
    assert paths(together(tuple(telling(file.path, file) for file in files))) == ["db/099_a.sql", "db/100_b.sql"]


def test_what_is_only_listed_adds_nothing() -> None:
    one, other = migration("orders"), migration("lines")
    told = together((telling("a", one), telling("b", other, listed="Few rows.")))
    assert [finding.files for finding in told] == [(one,), (other,)]
