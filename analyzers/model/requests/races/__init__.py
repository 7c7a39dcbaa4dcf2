"""What two requests do at once:

`changes`      columns that get what was read of them, and more
`checks`       rows that are made because a query found none
`sequences`    numbers after the greatest
`drawn`        numbers that other functions find
`tested`       tests of a column before the database changes it
`whole`        rows saved with all their columns, where a few were counted anew
`parts`        writes that belong together, each by itself
`exclusion`    rows replaced, and locks, without a transaction
`crossed`      locks that a loop takes in no order
`flags`        marks and counts in a cache
`files`        files and folders that are looked for and then made
"""
