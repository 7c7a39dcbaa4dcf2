"""What the name of a column or a row says of its worth: whose loss somebody pays for, and whose hurts nobody."""

from __future__ import annotations

import re

from analyzers.words import listed

# A word of a column whose sum is of value: what gets lost is money, goods or a place.
VALUABLE = listed("""
    balance stock quantity qty inventory available allocated reserved credit credits amount paid seats points wallet remaining
    total sold capacity
""")
# A word of what is worth money, or binds somebody: half of one is a mistake that somebody pays for.
WORTH = listed("""
    order invoice payment booking reservation purchase sale refund transfer subscription checkout deposit withdrawal charge
    quote estimate bill shipment
""")
# A word of a number that somebody set as a limit.
LIMITS = listed("max maximum limit limits quota cap allowed allowance places slots licenses licences")
# A word of a column that orders rows on a screen: two that are equal hurt nobody.
ORDERS = listed("position order ordering sort sorting rank weight priority index level depth lft rgt tree sequence")
# A word of a column that counts how often one job has tried.
TRIES = listed("attempt attempts try tries retry retries fails failures")


def words_of(name: str) -> list[str]:
    """The words that a name is made of, in lower case."""
    return [w.lower() for w in re.findall(r"[a-z0-9]+|[A-Z]+(?![a-z])|[A-Z][a-z0-9]*", name)]


def orders(name: str) -> bool:
    """Whether a column is called a place on a screen, and no number that somebody goes by."""
    words = set(words_of(name))
    return bool(words & ORDERS) and "number" not in words
