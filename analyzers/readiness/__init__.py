"""How ready a project is for many users, beside its code: is anybody told when it fails, is slow, or stands still?

`values`       the vocabulary: a table of rows, each found, not found or not known
`signals`      what tells of each topic, as typed data (`signals.yml`)
`packages`     dependencies, by the files that list them
`inventory`    what a repository says outside of functions: imports, settings, commands, variables, probes
`applications` which frameworks' applications it holds
`topics`       one row for each topic of `signals.yml`
`loads`        load tests, and how much their own options drive
`timeouts`     limits of waiting for a database
`reading`      all of it: the table of a project
"""
