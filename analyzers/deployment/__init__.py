"""What runs: the services of a repository, how many processes each has, and what they open to the servers beside them.

`values`      the vocabulary: amounts with their origin, services, programs, servers, poolers, stacks
`variables`   what a value holds that names environment variables: `${WEB_CONCURRENCY:-4}`
`known_programs` the programs of `programs.yml`, and where one runs
`commands`    what a command line starts, and how many times
`configurations` what a program's own file of configuration says of that
`images`      Dockerfiles: what an image runs, and what it sets
`supervisors` what a supervisor, a process manager or Horizon starts
`compose`, `kubernetes`, `platforms`, `procfiles`, `tasks`, `units`
              the formats that state services, each into a `Stack`
`manifests`, `kustomize`, `helm`, `chart_templates`, `go_templates`
              objects of Kubernetes: plain, of overlays, and of charts by their own values and named templates
`servers`     database servers among the services, and how many connections they allow; `plans` those that are managed,
              `stated` those that the configuration states
`poolers`     what stands between, and its two sides
`pools`       connections that the code keeps, by `pools.yml`; `drivers` those that files state
`script_pools` those of programs of Node.js; `script_values` what their expressions say
`uses`        what a configuration is for, by its path
`scalars`     what configurations state, whatever their format
`states`      what settings keep in one process or on one disk, by `states.yml`
`defaults`    what is kept so because nothing says otherwise
`kept`        what calls keep in one process, by `kept.yml`
`functions`   databases that functions of a platform ask
`sessions`    what code keeps in a session of the server, where a pooler shares sessions
`prepares`    statements that drivers prepare by themselves, by `prepares.yml`
`migrating`   migrations that lock by a session, through a pooler
`upstreams`   services among which nginx takes turns
`copies`      whether a second process or a second disk is there
`demand`      what each program may open, by services, programs and pools
`budget`      demand against capacity, as an equation whose factors know where they come from
`equations`   budgets in words
`shortages`   pools that are smaller than the threads that share them
`pooling`     the pooler that is missing, as a service of the same file
`reading`     all of it: the stacks of a repository
"""
