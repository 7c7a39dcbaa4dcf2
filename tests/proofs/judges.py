"""What must hold of a proof. Each judge raises if it does not."""

from __future__ import annotations

import re

from tests.proofs.measure import EXAMPLE, FIGURES, ORDERS
from tests.proofs.proof import Proof, law

_SAID = re.compile(r"queries: (\d+) for (\d+) orders")
# Their query loads something else with one more query, whatever the number of rows; the law counts what grows.
_ONE_MORE = {"half_loaded", "bypassed_prefetch", "bypassed"}
_CONSTANT = 3  # queries of a good twin, at most


def bad_twins_are_found_and_nothing_else(proof: Proof) -> None:
    found = [(f.place.path, f.place.span.start_line, f.rule) for f in proof.findings]
    assert sorted(found) == sorted(proof.case.expected)


def twins_give_the_same(proof: Proof) -> None:
    assert proof.twins
    assert [size for size, answers in proof.answers.items() if len(answers) != 1] == []


def bad_twins_grow_and_good_ones_do_not(proof: Proof) -> None:
    for twin in proof.twins:
        bad, good = (proof.queries(twin, kind) for kind in ("bad", "good"))
        assert all(bad[orders] > orders for orders in ORDERS), twin
        assert len(set(good.values())) == 1, twin
        assert max(good.values()) <= _CONSTANT, twin


def growth_laws_are_what_was_counted(proof: Proof) -> None:
    for twin in proof.twins:
        [finding] = proof.findings_in(twin)
        more = int(twin in _ONE_MORE)
        counted = proof.queries(twin, "bad")
        assert counted == {orders: law(finding, orders) + more for orders in counted}, twin
        said = _SAID.search(finding.growth)
        assert said, finding.growth
        assert (int(said[2]), int(said[1]) + more) == (EXAMPLE, counted[EXAMPLE]), twin


def the_figures_of_the_literature_hold(proof: Proof) -> None:
    for (users, orders), queries in FIGURES.items():
        assert proof.queries(proof.page, "bad", users)[orders] == queries
        assert proof.queries(proof.page, "good", users)[orders] == users
