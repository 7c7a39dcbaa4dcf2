"""Every benchmark, one after the other, and at the end one table of figures with their targets.

    python -m bench [extraction] [audit] [review] [receiver] [burst] [throughput]

Repositories are read from the folder `MIRRORS` names, with bare ones as `owner+name/repo`, or from the one bare repository it
names; by default from `.mirror` beside this checkout. What is not there is skipped, and the table says so.
"""

import os
import sys
import time

from bench import audit, burst, extraction, receiver, review, throughput
from bench.figures import Figure, table

BENCHMARKS = {
    "extraction": extraction.measure,
    "audit": audit.measure,
    "review": review.measure,
    "receiver": receiver.measure,
    "burst": burst.measure,
    "throughput": throughput.measure,
}


def main() -> None:
    names = sys.argv[1:] or list(BENCHMARKS)
    if unknown := set(names) - set(BENCHMARKS):
        raise SystemExit(f"no such benchmark: {', '.join(sorted(unknown))}. There are {', '.join(BENCHMARKS)}.")
    figures: list[Figure] = []
    loads = [os.getloadavg()[0]]
    for name in names:
        start = time.monotonic()
        print(f"\n-- {name}", flush=True)
        figures += BENCHMARKS[name]()
        loads.append(os.getloadavg()[0])
        print(f"   {time.monotonic() - start:.0f} s", flush=True)
    print(f"\n{table(figures)}")
    print(f"\n{os.cpu_count()} processors, Python {sys.version.split()[0]}, load {min(loads):.1f} to {max(loads):.1f}")


if __name__ == "__main__":
    main()
