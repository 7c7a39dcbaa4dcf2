"""The tables of the rule page's section `Proof`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.proofs.measure import FIGURES, ORDERS
from tests.proofs.proof import Proof
from tests.reference import ROOT

PAGE = ROOT / "analyzers" / "rules" / "n_plus_one.md"
TITLES = {"django": "Django", "sqlalchemy": "SQLAlchemy", "doctrine": "Doctrine ORM", "eloquent": "Eloquent"}


def counts(proof: Proof) -> str:
    """A row for each twin: its queries for each number of orders, bad and good."""
    head = f"| {TITLES[proof.library]} | " + " | ".join(f"{n} orders" for n in ORDERS) + " | instead |\n"
    rows = "".join(_row(proof, twin, title) for twin, title in proof.twins.items())
    return head + "|---|" + "---:|" * (len(ORDERS) + 1) + "\n" + rows


def _row(proof: Proof, twin: str, title: str) -> str:
    bad, good = proof.queries(twin, "bad"), proof.queries(twin, "good")
    return f"| {title} | " + " | ".join(f"{bad[n]:,}" for n in ORDERS) + f" | {good[max(ORDERS)]:,} |\n"


def figures(proof: Proof) -> str:
    """A row for each of the literature's figures: pages of so many users, with so many orders each."""
    lines = [f"| {TITLES[proof.library]} | queries | instead |\n|---|---:|---:|\n"]
    for users, orders in FIGURES:
        bad, good = (proof.queries(proof.page, kind, users)[orders] for kind in ("bad", "good"))
        lines.append(f"| {users} users, {orders} orders each | {bad:,} | {good:,} |\n")
    return "".join(lines)


def fresh(page: str, proofs: Iterable[Proof]) -> str:
    """The page with the blocks of these proofs as they should be; the others stay."""
    for proof in proofs:
        page = filled(page, {f"{proof.library} counts": counts(proof)})
        if proof.page:
            page = filled(page, {f"{proof.library} figures": figures(proof)})
    return page


def filled(page: str, blocks: Mapping[str, str]) -> str:
    """The page with these generated blocks, by name."""
    for name, text in blocks.items():
        start = f"<!-- generated: {name} -->\n"
        assert page.count(start) == 1, f"the page has no block {name}"
        page = re.sub(f"{re.escape(start)}.*?<!-- end -->", lambda _: f"{start}{text}<!-- end -->", page, flags=re.DOTALL)  # noqa: B023
    return page


def write(proofs: Iterable[Proof], page: Path = PAGE) -> None:
    page.write_text(fresh(page.read_text(encoding="utf-8"), proofs), encoding="utf-8")
