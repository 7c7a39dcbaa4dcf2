"""One source, three judges: every bad twin is found, its queries are counted, and its growth law comes to that number."""

from __future__ import annotations

import pytest

from tests.proofs import judges, missing_index, plans
from tests.proofs.measure import IN_PHP, ON_POSTGRES, measured_on_postgres
from tests.proofs.proof import Proof
from tests.proofs.table import PAGE, filled, fresh

pytestmark = pytest.mark.timeout(600)  # the first test waits for all measurements, which share the machine with others


@pytest.fixture(scope="module")
def proofs(server: str) -> dict[str, Proof]:
    return {library: Proof(library, measured) for library, measured in measured_on_postgres(server).items()}


@pytest.mark.parametrize("library", [*ON_POSTGRES, *IN_PHP])
def test_every_bad_twin_is_found_and_nothing_else(library: str) -> None:
    judges.bad_twins_are_found_and_nothing_else(Proof(library, []))


@pytest.mark.parametrize("library", ON_POSTGRES)
def test_twins_give_the_same(proofs: dict[str, Proof], library: str) -> None:
    judges.twins_give_the_same(proofs[library])


@pytest.mark.parametrize("library", ON_POSTGRES)
def test_bad_twins_grow_and_good_ones_do_not(proofs: dict[str, Proof], library: str) -> None:
    judges.bad_twins_grow_and_good_ones_do_not(proofs[library])


@pytest.mark.parametrize("library", ON_POSTGRES)
def test_the_growth_law_is_what_was_counted(proofs: dict[str, Proof], library: str) -> None:
    judges.growth_laws_are_what_was_counted(proofs[library])


def test_the_figures_of_the_literature(proofs: dict[str, Proof]) -> None:
    judges.the_figures_of_the_literature_hold(proofs["django"])


def test_the_tables_of_the_page_are_fresh(proofs: dict[str, Proof]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == fresh(page, proofs.values()), "write them anew: .venv/bin/python -m tests.proofs"


def test_without_an_index_every_row_is_read(server: str) -> None:
    found = missing_index.scans(server)
    assert found["without"] == {rows: rows for rows in missing_index.ROWS}
    assert found["with"] == dict.fromkeys(missing_index.ROWS, missing_index.FOUND)
    page = missing_index.PAGE.read_text(encoding="utf-8")
    assert page == filled(page, {"scans": missing_index.table(found)}), "write it anew: .venv/bin/python -m tests.proofs"


@pytest.fixture(scope="module")
def proved(server: str) -> dict[plans.Claim, tuple[plans.Plan, plans.Plan | None, plans.Plan]]:
    return plans.proved(server, 20_000)


@pytest.mark.parametrize("claim", plans.CLAIMS, ids=lambda claim: claim.name)
def test_an_index_serves_where_the_analysis_says_so(
    proved: dict[plans.Claim, tuple[plans.Plan, plans.Plan | None, plans.Plan]], claim: plans.Claim
) -> None:
    without, failing, serving = proved[claim]
    assert plans.reads_few(serving, without)
    assert plans.served(claim, claim.serves)
    assert not plans.served(claim, "")
    if failing is not None:
        assert not plans.reads_few(failing, without)
        assert not plans.served(claim, claim.fails)


def test_the_page_says_every_claim() -> None:
    page = missing_index.PAGE.read_text(encoding="utf-8")
    assert all(f"| {claim.name} |" in page for claim in plans.CLAIMS), "write it anew: .venv/bin/python -m tests.proofs"
