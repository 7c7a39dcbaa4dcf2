"""Measures, judges, and writes the tables of the rule pages.

`python -m tests.proofs` does so for what needs only Python, which the tests judge too; `python -m tests.proofs php` for what
needs PHP, `python -m tests.proofs mariadb` for what needs MariaDB's server, `python -m tests.proofs pgbouncer` for what needs
PgBouncer, and `python -m tests.proofs celery` for what waits for minutes.
"""

from __future__ import annotations

import shutil
import sys

from tests.proofs import (
    connections,
    jobs,
    judges,
    local_state,
    mariadb,
    migration_safety,
    missing_index,
    pgbouncer,
    plans,
    race,
    session_lock,
    sync_work,
    unbounded,
)
from tests.proofs.measure import PHP_PACKAGES, measured_in_php, measured_on_postgres
from tests.proofs.postgres import postgres
from tests.proofs.proof import Proof
from tests.proofs.table import filled, write

if sys.argv[1:] == ["php"]:
    if shutil.which("php") is None:
        sys.exit(f"This needs PHP, and Debian's packages of its libraries: apt-get install {PHP_PACKAGES}")
    proofs = [Proof(*measured) for measured in measured_in_php().items()]
    for proof in proofs:
        judges.twins_give_the_same(proof)
        judges.bad_twins_grow_and_good_ones_do_not(proof)
        judges.bad_twins_are_found_and_nothing_else(proof)
        judges.growth_laws_are_what_was_counted(proof)
        if proof.page:
            judges.the_figures_of_the_literature_hold(proof)
    waited = list(session_lock.measured())
    session_lock.judge(waited)
    page = local_state.PAGE.read_text(encoding="utf-8")
    local_state.PAGE.write_text(filled(page, {"locked": session_lock.table(iter(waited))}), encoding="utf-8")
    write(proofs)
elif sys.argv[1:] == ["mariadb"]:
    with mariadb.mariadb() as maria:
        own, read, changed = mariadb.made_by_itself(maria), mariadb.searched(maria), mariadb.effects(maria)
        print(f"MariaDB {mariadb.version(maria)}")
    judges.mariadb_does_as_the_rules_say(own, read, changed)
    page = missing_index.PAGE.read_text(encoding="utf-8")
    missing_index.PAGE.write_text(filled(page, {"mariadb": mariadb.searches_table(read)}), encoding="utf-8")
    page = migration_safety.PAGE.read_text(encoding="utf-8")
    migration_safety.PAGE.write_text(filled(page, {"mariadb": mariadb.changes_table(changed)}), encoding="utf-8")
elif sys.argv[1:] == ["pgbouncer"]:
    print(f"PgBouncer {pgbouncer.version()}")
    shapes, pooled = list(pgbouncer.tried()), list(pgbouncer.pooled())
    page = pgbouncer.PAGE.read_text(encoding="utf-8")
    page = filled(page, {"pooled": pgbouncer.table_of_budgets(pooled), "sessions": pgbouncer.table(shapes)})
    pgbouncer.judge(shapes, pooled)
    pgbouncer.PAGE.write_text(page, encoding="utf-8")
elif sys.argv[1:] == ["celery"]:
    blocks = {"answered": sync_work.table_of_answers(sync_work.answered())}
    blocks["killed"] = sync_work.table_of_killings(sync_work.done())
    blocks |= {"ended": jobs.table_of_ended(jobs.ended()), "asked": jobs.table_of_asked(jobs.asked())}
    sync_work.PAGE.write_text(filled(sync_work.PAGE.read_text(encoding="utf-8"), blocks), encoding="utf-8")
else:
    with postgres() as server:
        write(Proof(*measured) for measured in measured_on_postgres(server).items())
        page = missing_index.PAGE.read_text(encoding="utf-8")
        proved = plans.table(plans.proved(server, plans.ROWS, runs=3))
        page = filled(page, {"scans": missing_index.table(missing_index.scans(server)), "plans": proved})
        missing_index.PAGE.write_text(page, encoding="utf-8")
        page = migration_safety.PAGE.read_text(encoding="utf-8")
        page = filled(page, {"locks": migration_safety.table(migration_safety.effects(server))})
        migration_safety.PAGE.write_text(page, encoding="utf-8")
        page = race.PAGE.read_text(encoding="utf-8")
        doubled = race.table_of_doubled(list(race.doubled(server)), list(race.numbered(server)))
        tested = race.table_of_tested(list(race.tested(server)))
        page = filled(page, {"lost": race.table_of_lost(list(race.lost(server))), "doubled": doubled, "tested": tested})
        race.PAGE.write_text(page, encoding="utf-8")
        page = unbounded.PAGE.read_text(encoding="utf-8")
        memory = unbounded.table(list(unbounded.measured(server, unbounded.ROWS)))
        unbounded.PAGE.write_text(filled(page, {"memory": memory}), encoding="utf-8")
    page = connections.PAGE.read_text(encoding="utf-8")
    routes = connections.table_of_routes(connections.answered())
    page = filled(page, {"refused": connections.table(connections.measured()), "anew": routes})
    connections.PAGE.write_text(page, encoding="utf-8")
    page = local_state.PAGE.read_text(encoding="utf-8")
    local_state.PAGE.write_text(filled(page, {"lost": local_state.table(local_state.measured())}), encoding="utf-8")
