"""What requests and jobs open, make and leave behind:

`lifetimes`     how long what a call makes is kept, and what it is made of
`clients`       clients, pools and connections that each of them makes anew
`held`          sessions that a module opens for all requests
`shared`        values that one request leaves for another in its process
`guards`        locks and limits of a project's own that hold in one process
`waiting`       jobs that a thread of the same process does later
`remembered`    what functions remember for their process, though it changes
`streams`       sessions that a streamed answer keeps
`listening`     streamed answers that ask again and again, by the connection of their thread
"""
