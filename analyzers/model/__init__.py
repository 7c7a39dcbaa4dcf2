"""What a revision means: its facts, linked by what is known of libraries. The rooms, from the ground up:

What is there by name
    `definitions`, `parts` (of files, and where they moved), `names`, `php_names`, `code` (names and inheritance),
    `reflection`, `implementations`, `wiring`, `services`, `repositories`, `roles` (by path)
What classes declare
    `models` (which classes are tables), `fields`, `table_marks`, `typed`, `table_items`, `table_calls`, `relation_methods`,
    `relation_keys`, `mappings`, `literals`, `columns` (roles)
The schema
    `sql_files`, `sql_changes`, `migrations` (all, in order), `graphs` (orders), `blueprints` (those made of calls), `scripts`
    (one run in thought), `prisma` (schema files), `rails`, `databases` (dialects), `histories` (which speak of one database),
    `folding` (applied one by one), `named_keys`, `schema` (folded, joined with models)
Migrations that change models
    `applications` (labels), `class_migrations`, `operations`, `field_operations`, `states` (models while they
    run), `state_fields`, `constraints`
Migrations that follow each other
    `revisions`
What an expression holds
    `types` (the values), `frames` (what a walk carries), `flow` (statements and expressions), `summaries` (calls, and what is
    noted), `members` (`value.name`), `attributes` (of classes), `arguments`, `calls` (of libraries), `functions`, `finders`,
    `constructors`, `inherited`, `namesakes` (what is told by its name)
What decides how often something happens
    `branches`, `conditions`, `cases`, `kinds`, `procedures`, `policies`, `evidence`
Lists, and functions applied to each item
    `containers`, `collections`, `in_place`
Rows and queries
    `origins`, `inputs` (what a request brings), `queries`, `selects`, `loaders`, `records`, `eager`, `dql`, `statements`; by
    what they are searched: `searches`, `lookups`, `comparisons`, `named_columns`; by what an address names: `addresses`
Who reads rows by what a class or a text declares
    `declared`, `serializers`, `serializer_fields`, `endpoints`, `choices`, `resources`, `shapes`, `resolvers`,
    `listings`, `grids`, `transformers`, `cells`, `entries`, `responses`, `selections`, `form_choices`,
    `votes`, `support`
Templates
    `templates`, `template_names`, `tags`, `callables`, `macros`, `components`, `views`
Indexes
    `query_sites` (queries in a database's words), `standing` (what all of a table ask), `scopes` (whether they ask more),
    `coverage` (whether an index serves one), `wanted` (which one would), `growth` (which tables grow), `dropped` (where
    one went), `live_indexes` (how one is built on a table in use)
Changes of tables in use
    `live_changes` (what each meets when it runs), `locks` (who waits for it), `safe_changes` (the same, so that nobody waits)
What rules see
    `project` (the vocabulary), `remedies`, `link` (facts in, project out), `traces` (walks kept with what they depended on)
"""
