"""What is there by name.

`definitions`, `parts` (of files, and where they moved), `roles` (by path), `literals`
    what a file holds
`names`, `php_names`, `script_names`, `template_names`
    what is imported, and under which name
`code`
    all of it asked together: names, inheritance
`surfaces`, `looked`, `basis`
    what a file declares, what its readers look at besides, and whether all of that is as it was
`implementations`, `services`, `callables`, `wiring`
    what is named elsewhere than where it is used: interfaces, containers, functions of templates
"""
