"""What grows with the data and is held at once:

`heaps`      all of it, by these:
`answers`    rows that get into an answer whole
`amounts`    rows that are loaded to be counted, or walked
`owned`      the collections of single rows, loaded to be put out or counted
`uses`       what is done in memory with rows that were loaded
`loops`      rows that meet each other in memory
`handles`    files and sockets that stay open
`sizes`      as many rows as a request wants, and files read whole
"""
