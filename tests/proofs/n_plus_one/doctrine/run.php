<?php

/* Runs the twins of this project on SQLite, with the sizes of the arguments. */

use App\Entity\Order;
use Doctrine\DBAL\Configuration;
use Doctrine\DBAL\DriverManager;
use Doctrine\DBAL\Logging\Middleware;
use Doctrine\ORM\EntityManager;
use Doctrine\ORM\ORMSetup;
use Doctrine\ORM\Tools\SchemaTool;
use Psr\Log\AbstractLogger;

error_reporting(E_ALL & ~E_DEPRECATED);
require_once 'Doctrine/ORM/autoload.php';
require_once 'Psr/Log/autoload.php';
require_once __DIR__ . '/../../twins.php';
spl_autoload_register(function (string $class): void {
    $file = __DIR__ . '/src/' . strtr(substr($class, 4), '\\', '/') . '.php';
    if (str_starts_with($class, 'App\\') && is_file($file)) {
        require $file;
    }
});

/** Counts the statements that are sent. */
final class Counter extends AbstractLogger
{
    public int $sent = 0;

    public function log($level, $message, array $context = []): void
    {
        $this->sent += (int) str_starts_with((string) $message, 'Executing');
    }
}

$counter = new Counter();
$proxies = sys_get_temp_dir() . '/proxies-' . bin2hex(random_bytes(6));
register_shutdown_function(function () use ($proxies): void {
    array_map('unlink', glob("$proxies/*"));
    is_dir($proxies) && rmdir($proxies);
});
$configuration = ORMSetup::createAttributeMetadataConfiguration([__DIR__ . '/src/Entity'], true, $proxies);
$configuration->setMiddlewares([new Middleware($counter)]);
$connection = DriverManager::getConnection(['driver' => 'pdo_sqlite', 'memory' => true], $configuration);
$manager = new EntityManager($connection, $configuration);
$entities = $manager->getMetadataFactory()->getAllMetadata();
$tables = array_map(fn ($entity) => $entity->getTableName(), $entities);
(new SchemaTool($manager))->createSchema($entities);

$fill = function (array $statements) use ($connection, $tables): void {
    foreach ($tables as $table) {
        $connection->executeStatement("DELETE FROM $table");
    }
    array_map($connection->executeStatement(...), $statements);
};

$run = function (string $class, string $twin, array $arguments) use ($manager, $connection, $counter, $tables): array {
    $connection->beginTransaction();
    $before = $counter->sent;
    $answers = [];
    foreach ($arguments as $given) {
        $manager->clear();
        $answers[] = (new $class($manager, $manager->getRepository(Order::class)))->$twin(...$given);
    }
    $queries = $counter->sent - $before;
    $left = array_map(fn ($table) => $connection->fetchAllNumeric("SELECT * FROM $table ORDER BY id"), $tables);
    $connection->rollBack();

    return [$queries, [$answers, $left]];
};

measure('App\Bad', 'App\Good', array_slice($argv, 1), $fill, $run);
