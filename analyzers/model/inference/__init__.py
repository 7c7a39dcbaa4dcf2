"""What expressions hold: a walk through the code that follows rows from the query to the loop that reads them.

`types` (the values), `frames` (what a walk carries)
    what is passed around
`flow` (statements and expressions), `summaries` (calls, and what is noted)
    the walk
`members` (`value.name`), `attributes` (of classes), `arguments`, `calls` (of libraries), `functions`, `finders`,
`constructors`, `inherited`, `reflection`, `namesakes` (what is told by its name)
    what an expression means
`handlers` (what libraries call), `edges` (what a function calls), `acts` (what it does to rows)
    what is noted of the calls themselves
`containers`, `collections`, `in_place`
    lists, and functions applied to each item

Its packages are `branching` (what decides how often something happens), `rows` (queries), `readers` (who reads rows by what a
class or a text declares) and `templates`; all of them call each other, as expressions do. `scripts` reads JavaScript and
TypeScript by itself, as rows are not followed there.
"""
