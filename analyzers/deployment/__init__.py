"""What runs: the services of a repository, how many processes each has, and what they open to the servers beside them.

`values`      the vocabulary: amounts with their origin, services, programs, servers, poolers, stacks
`variables`   what a value holds that names environment variables: `${WEB_CONCURRENCY:-4}`
`commands`    what a command line starts, and how many times, by `programs.yml`
`images`      Dockerfiles: what an image runs, and what it sets
`compose`, `kubernetes`, `procfiles`
              the formats that state services, each into a `Stack`
`servers`     database servers and poolers among the services, and how many connections they allow
`pools`       connections that the code keeps, by `pools.yml`
`uses`        what a configuration is for, by its path
`states`      what settings keep in one process or on one disk, by `states.yml`
`copies`      whether a second process or a second disk is there
`budget`      demand against capacity, as an equation whose factors know where they come from
`reading`     all of it: the stacks of a repository
"""
