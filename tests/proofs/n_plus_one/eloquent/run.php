<?php

/* Runs the twins of this project on SQLite, with the sizes of the arguments. */

use Illuminate\Database\Capsule\Manager;
use Illuminate\Database\Schema\Blueprint;

error_reporting(E_ALL & ~E_DEPRECATED);
require_once 'Illuminate/Database/autoload.php';
require_once __DIR__ . '/../../twins.php';
spl_autoload_register(function (string $class): void {
    $file = __DIR__ . '/app/' . strtr(substr($class, 4), '\\', '/') . '.php';
    if (str_starts_with($class, 'App\\') && is_file($file)) {
        require $file;
    }
});

const TABLES = [
    'users' => ['name' => 'string'],
    'countries' => ['name' => 'string'],
    'customers' => ['name' => 'string', 'country_id' => 'foreignId'],
    'orders' => ['number' => 'string', 'status' => 'string', 'user_id' => 'foreignId', 'customer_id' => 'foreignId'],
    'products' => ['name' => 'string'],
    'lines' => ['quantity' => 'integer', 'order_id' => 'foreignId', 'product_id' => 'foreignId'],
];

$manager = new Manager();
$manager->addConnection(['driver' => 'sqlite', 'database' => ':memory:']);
$manager->setAsGlobal();
$manager->bootEloquent();
$connection = $manager->getConnection();
foreach (TABLES as $name => $columns) {
    $connection->getSchemaBuilder()->create($name, function (Blueprint $table) use ($columns): void {
        $table->id();
        foreach ($columns as $column => $type) {
            $type === 'foreignId' ? $table->foreignId($column)->index() : $table->$type($column);
        }
    });
}

$fill = function (array $statements) use ($connection): void {
    foreach (array_keys(TABLES) as $table) {
        $connection->table($table)->delete();
    }
    array_map($connection->statement(...), $statements);
};

$run = function (string $class, string $twin, array $arguments) use ($connection): array {
    $connection->beginTransaction();
    $connection->flushQueryLog();
    $connection->enableQueryLog();
    $answers = array_map(fn (array $given) => (new $class())->$twin(...$given), $arguments);
    $connection->disableQueryLog();
    $queries = count($connection->getQueryLog());
    $left = array_map(fn (string $table) => $connection->table($table)->orderBy('id')->get(), array_keys(TABLES));
    $connection->rollBack();

    return [$queries, [$answers, $left]];
};

measure('App\Bad', 'App\Good', array_slice($argv, 1), $fill, $run);
