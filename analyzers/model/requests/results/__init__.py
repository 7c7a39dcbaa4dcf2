"""What grows with the data and is held at once:

`heaps`      all of it, by these:
`answers`    rows that get into an answer whole
`amounts`    rows that are loaded to be counted, or walked
`loops`      rows that meet each other in memory
`sizes`      as many rows as a request wants, and files read whole
"""
