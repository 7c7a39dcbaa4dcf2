"""What requests wait for, and how work is put off:

`sites`         the loops, blocks and transactions in which a call stands
`bounds`        how long a call waits at most
`caught`        calls of a client that somebody gives
`errands`       calls that leave the process or work for long, with the ways of requests to them
`postponing`    how the project has work done after the answer
`carriers`      what is sent, where its class says whether a queue sends it
`queues`        how its queues are set up: `celery`, `messenger`, `laravel`
`payloads`      what jobs and messages carry with them
`jobs`          what becomes of a job that fails
`declared`      what jobs say of themselves: how often, how long, what is kept
`durations`     how long something takes, where code says so
`retries`       what is tried again without a pause
`repeated`      what a job does a second time when it is tried again
`blocked`       coroutines that wait for a database
`enqueued`      what is put into a queue: too early, or more than a key
"""
