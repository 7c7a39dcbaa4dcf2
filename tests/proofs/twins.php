<?php

/*
 * What the PHP programs beside the projects share, as twins.py is what the Python ones do: which twins there are, how big the
 * data are, what is printed. A twin is a method that Bad and Good both have, and that says in Bad, by its comment, what happens.
 * If it takes a user's id, it is called once for each user; otherwise once.
 */

const LINES = 5; // of each order, as in the examples of the growth laws

/** The statements that fill the tables. */
function seed(int $users, int $orders): array
{
    $text = file_get_contents(__DIR__ . '/n_plus_one/seed.sql');
    $text = strtr($text, ['{users}' => $users, '{orders}' => $orders, '{lines}' => LINES]);

    return array_filter(array_map('trim', explode(';', $text)));
}

/** Runs every twin on every size. $run is given the calls to make; it tells queries and answer, and undoes what they did. */
function measure(string $bad, string $good, array $words, callable $fill, callable $run): void
{
    foreach ($words as $word) {
        [$users, $orders] = array_map('intval', explode('x', $word));
        $fill(seed($users, $orders));
        foreach ((new ReflectionClass($bad))->getMethods() as $twin) {
            $paged = $twin->getNumberOfParameters() === 1;
            if (!$twin->getDocComment() || ($users > 1 && !$paged)) {
                continue;
            }
            $arguments = $paged ? array_map(fn (int $user) => [$user], range(1, $users)) : [[]];
            foreach (['bad' => $bad, 'good' => $good] as $kind => $class) {
                [$queries, $answer] = $run($class, $twin->name, $arguments);
                echo json_encode([
                    'twin' => $twin->name,
                    'title' => trim($twin->getDocComment(), "/* \n"),
                    'lines' => [$twin->getStartLine(), $twin->getEndLine()],
                    'kind' => $kind,
                    'users' => $users,
                    'orders' => $orders,
                    'queries' => $queries,
                    'answer' => hash('sha256', json_encode($answer, JSON_THROW_ON_ERROR)),
                ], JSON_THROW_ON_ERROR), "\n";
            }
        }
    }
}
