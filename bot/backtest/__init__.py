"""`cliffguard backtest`: the last merged pull requests of a repository, reviewed as the App would have, and what came of it.

`values`     what is told of each pull request, and what became of each finding
`history`    merged pull requests, read from the first parents of the default branch
`remote`     the same for a repository on GitHub: a clone of its own, and its pull requests by the API
`reviewing`  the reviews, in processes; one that fails costs only itself
`later`      which findings are gone today, and since which commit
`pages`      the report as HTML, in a terminal, as JSON
`command`    all of it in a row
"""
