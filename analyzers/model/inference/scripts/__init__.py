"""What scripts (JavaScript and TypeScript) do on their way: the functions that libraries call, and what these call.

`units`     the functions that are spoken of by a name, closures among them
`values`    what an expression means: a function, an object of a class, a name of a library
`reading`   what libraries call of a script, and what its functions call

Rows are not followed through scripts yet.
"""
