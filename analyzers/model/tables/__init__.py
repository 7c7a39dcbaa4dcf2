"""What classes declare: which of them are tables, with their columns, relations and scopes.

`models`, `model_records` (the same, to be kept)
    which classes are tables
`fields`, `table_marks`, `typed`, `table_items`, `table_calls`, `relation_methods`, `relation_keys`, `mappings`
    how each library says columns, relations and indexes
`columns` (roles), `constraints`, `repositories`, `applications` (labels), `scopes`
    what belongs to a table besides
`class_slots`, `column_slots`
    where a class takes one more index
`folding`
    what changes of the schema make of one, one by one
"""
