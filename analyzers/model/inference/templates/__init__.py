"""Templates, and who shows them.

`templates`, `macros`, `components`
    what is shown
`tags`, `extensions` (the project's own functions and filters)
    what they call
`views`
    who shows them
"""
