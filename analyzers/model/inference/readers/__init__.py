"""Who reads rows by what a class or a text declares.

`declared`, `shapes`, `support`
    what is common to them
`serializers`, `serializer_fields`, `endpoints`, `resources`, `transformers`, `responses`, `entries`, `resolvers`
    what an answer is made of
`listings`, `pages`, `picked`, `grids`, `cells`, `choices`, `form_choices`, `form_fields`, `form_rows`, `selections`, `votes`
    lists of an admin, tables, forms, and who may see a row
"""
