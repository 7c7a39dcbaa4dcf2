"""Starter scripts of load tests, made of the routes that a project answers.

`plan`     what a script asks for: addresses with weights and places for sample data, where to log in, how much load
`locust`   the plan as a locustfile
`k6`       the plan as a script of k6
`words`    what both say alike
`writing`  the script of one tool for a project
"""
