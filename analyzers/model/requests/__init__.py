"""What requests and jobs do on their way, told by the text around the calls that they reach (`analyzers.model.ways`):

`lifetimes`   how long what a call makes is kept, and what it is made of
`shared`      values that one request leaves for another in its process
`bodies`      a function's text, with what its nodes do to rows
`races`       columns that get what was read of them, and more
`checks`      rows that are made because a query found none
`sequences`   numbers after the greatest, rows replaced, locks without a transaction
`sites`       the loops, blocks and transactions in which a call stands
`bounds`      how long a call waits at most
`caught`      calls of a client that somebody gives
`carriers`    what is sent, where its class says whether a queue sends it
`errands`     calls that leave the process or work for long, with the ways of requests to them
`postponing`  how the project has work done after the answer
`queues`      how its queues are set up
`jobs`        how jobs are put into them, and what becomes of one that fails
`flags`       marks and folders that are looked for and then made
`heaps`       what grows with the data and is held at once, of all these:
`answers`     rows that get into an answer whole
`amounts`     rows that are loaded to be counted, or walked
`loops`       rows that meet each other in memory
`sizes`       as many rows as a request wants, and files read whole
`remembered`  what functions remember for their process, though it changes
`streams`     sessions that a streamed answer keeps
`clients`     clients, pools and connections that each of them makes anew
"""
