"""`make chaos`: a storm of the length one likes, its table in `docs/chaos.md`, and the exit status of the verdict."""

from __future__ import annotations

import argparse
import logging
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.bot.contract import violations as contract_violations
from tests.chaos.storm import plan, run
from tests.chaos.verdict import table, violations

PAGE = Path(__file__).parents[2] / "docs" / "chaos.md"
BEGIN = "<!-- begin: table -->"
END = "<!-- end: table -->"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description="Faults by the dozen, and afterwards a count.")
    parser.add_argument("--reviews", type=int, default=200, help="heads that are pushed")
    parser.add_argument("--seed", type=int, default=1, help="what is pushed, and which blows come in between")
    parser.add_argument("--minutes", type=float, default=10.0, help="after which it is given up")
    parser.add_argument("--keep", type=Path, help="a folder for the logs, instead of a temporary one")
    arguments = parser.parse_args()
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # answers that are cut off on purpose
    chance, start = random.Random(arguments.seed), time.monotonic()

    def tell(text: str) -> None:
        print(f"{time.monotonic() - start:6.1f} s  {text}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="cliffguard-chaos-", ignore_cleanup_errors=True) as name:
        folder = arguments.keep or Path(name)
        storm = run(folder, plan(arguments.reviews, chance), chance, 60 * arguments.minutes, tell=tell)
        entries = storm.world.github.log
        wrong, broken = contract_violations(entries), violations(storm)
        text = table(storm, broken, len(entries), wrong)
    print(text)
    print("\n".join([*broken, *wrong[:20]]), file=sys.stderr)
    if arguments.reviews >= 200:
        about = f"{arguments.reviews} heads, seed {arguments.seed}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}."
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{about}\n\n{text}\n{END}{rest.partition(END)[2]}")
    return 1 if broken or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
