"""`python -m tests.proofs` measures what needs only Python, and writes the tables of the rule page."""

from __future__ import annotations

from tests.proofs.measure import POSTGRES, measured_on_postgres
from tests.proofs.proof import Proof
from tests.proofs.table import write

write([Proof(*measured) for measured in measured_on_postgres(POSTGRES).items()])
