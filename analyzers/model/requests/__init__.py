"""What requests and jobs do on their way, told by the text around the calls that they reach (`analyzers.model.ways`):

`lifetimes`   how long what a call makes is kept, and what it is made of
`shared`      values that one request leaves for another in its process
`bodies`      a function's text, with what its nodes do to rows
`races`       columns that get what was read of them, and more
`checks`      rows that are made because a query found none
`sequences`   numbers after the greatest, rows replaced, locks without a transaction
`clients`     clients, pools and connections that each of them makes anew
"""
