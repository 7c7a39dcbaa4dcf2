"""Which addresses a project answers: its routes, in the order of the request's way, whatever framework states them.

`values`      the vocabulary: a route with its methods, its address and what answers it
`frameworks`  what we know of frameworks' routing, as typed data (`frameworks.yml`)
`paths`       addresses in each framework's own notation, made one
`handlers`    what a view in a list of routes stands for, and which methods it answers
`urlconf`     lists of patterns that include one another (Django)
`viewsets`    routers that make routes of a class's actions (Django REST framework)
`decorated`   decorators of an application, and of parts that are mounted in it (Flask, Quart, FastAPI)
`attributes`  attributes of actions, and configurations that name them (Symfony)
`chains`      calls of a facade in files of routes (Laravel)
`reading`     all of it: the routes of a project
"""
