"""Proofs: what a rule says of a piece of code, measured where that code runs.

Each folder `<rule>/<library>` is a small project in the library's own words. `bad` and `good` hold twins: functions of the same
name that return the same, of which the bad one has the defect. One source, three judges:

- the analysis finds every bad twin at the line that says so (`finds: <rule>`, as in the cases), and nothing else;
- the library runs every twin on a real database, and the queries it sends are counted;
- the growth law of the finding is evaluated, and must come to what was counted.

The rule `missing_index` has its own proof, the example of its page.

`run.py` or `run.php` beside a project executes it: it is given a database and sizes, and prints its measurements
(`measure.py`). `python -m tests.proofs` writes the tables of the rule pages.
"""
