"""What a revision means: its facts, linked by what is known of libraries. Each package stands on those below it:

`link`
    facts in, project out
`memory`
    what is remembered from one revision to the next: foundations and traces
`traces`, `remedies`
    walks kept with what they depended on; how a finding of rows is mended
`foundations`
    what is declared: tables, deployment, routes; read once for all revisions that declare the same
`indexes`
    whether an index serves a query, which one would, and what a change of a table in use meets
`requests`
    what requests and jobs do on their way
`inference`
    what expressions hold: rows followed from their query to the loop that reads them
`schema`
    tables and indexes, folded from everything that states them
`tables`
    what classes declare
`naming`
    what is there by name
`project`
    the vocabulary of rules
`errands`
    what requests wait for: calls that leave the process, or work for long in it
`meetings`
    where two requests are in a function at once, and what keeps them apart
`worth`
    what the name of a column says of its worth
`ways`
    what requests, jobs and commands reach, and by which calls
"""
