"""What requests and jobs do on their way, told by the text around the calls that they reach (`analyzers.model.ways`):

`lifetimes`   how long what a call makes is kept, and what it is made of
`shared`      values that one request leaves for another in its process
`clients`     clients, pools and connections that each of them makes anew
"""
