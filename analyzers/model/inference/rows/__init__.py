"""Rows, and the queries that bring them.

`origins`, `managers`, `inputs` and `sent` (what a request brings), `addresses` (what an address names)
    where rows come from
`queries`, `selects`, `loaders`, `records`, `eager`, `dql`, `statements`
    what is asked, and loaded with it
`scarcity`
    how many there may be
`searches`, `lookups`, `comparisons`, `named_columns`, `closures` (conditions that are functions)
    the columns that it searches by
"""
