"""What decides whether, and how often, something happens.

`branches`, `conditions`, `cases`, `kinds` (of values)
    conditions
`procedures` (commands, tests), `deeds` and `handing` (of rows to other work), `policies`, `evidence` (of eager loading)
    what the whole project says of it
"""
