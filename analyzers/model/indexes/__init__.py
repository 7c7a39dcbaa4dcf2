"""Whether an index serves a query, and what building or changing one means.

`query_sites` (queries in a database's words), `table_queries` (those of tables that code names), `validations`, `validators`
(those of rules), `filters` (those of addresses),
`standing` (what all of a table ask)
    what is asked
`coverage` (whether an index serves one), `wanted` (which one would), `growth` (which tables grow), `dropped` (where one went),
`hardly` (which are worth no comment), `uniqueness` (which values one keeps single)
    what serves it
`live_indexes` (how one is built on a table in use), `statements` (how code states it), `index_files` (the migration)
    what makes one
`live_changes` (what each change meets when it runs), `remarks` (what a linter of SQL says of it), `locks` (who waits for it),
`safe_changes` (the same, so that nobody waits)
    tables in use
"""
