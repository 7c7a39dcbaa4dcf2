"""The schema: what models, migrations, schema files and SQL state together.

`schema`
    folded, and joined with the models
`migrations` (all, in order), `graphs` (orders), `histories` (which speak of one database), `databases` (dialects), `named_keys`
    what is common to all of them
`sql_files`, `sql_changes`
    SQL
`blueprints` (made of calls), `scripts` (one run in thought)
    migrations that are programs
`class_migrations`, `operations`, `field_operations`, `states` (models while they run), `state_fields`
    migrations that change models
`revisions`
    migrations that follow each other
`migration_slots`
    where one that creates a table takes an index
`prisma`, `rails`
    schema files
"""
