"""What two requests do at once:

`changes`      columns that get what was read of them, and more
`checks`       rows that are made because a query found none
`sequences`    numbers after the greatest, rows replaced, locks without a transaction
`drawn`        numbers that other functions find
`parts`        writes that belong together, each by itself
`flags`        marks and folders that are looked for and then made
"""
