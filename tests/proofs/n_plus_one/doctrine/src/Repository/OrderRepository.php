<?php

namespace App\Repository;

use Doctrine\ORM\EntityRepository;

class OrderRepository extends EntityRepository
{
    public function findByUser(int $userId): array
    {
        return $this->findBy(['user' => $userId]); // finds: n_plus_one
    }

    public function findByUserWithCustomer(int $userId): array
    {
        return $this->createQueryBuilder('o')
            ->addSelect('c')
            ->join('o.customer', 'c')
            ->where('o.user = :user')
            ->setParameter('user', $userId)
            ->getQuery()
            ->getResult();
    }

    public function findJoined(): array
    {
        return $this->createQueryBuilder('o') // finds: n_plus_one
            ->join('o.customer', 'c')
            ->orderBy('c.name')
            ->getQuery()
            ->getResult();
    }

    public function findLoaded(): array
    {
        return $this->createQueryBuilder('o')
            ->addSelect('c')
            ->join('o.customer', 'c')
            ->orderBy('c.name')
            ->getQuery()
            ->getResult();
    }

    public function findWithCountries(): array
    {
        return $this->createQueryBuilder('o')
            ->addSelect('c', 'l')
            ->join('o.customer', 'c')
            ->join('c.country', 'l')
            ->getQuery()
            ->getResult();
    }

    public function findWithProducts(): array
    {
        return $this->createQueryBuilder('o')
            ->addSelect('l', 'p')
            ->join('o.lines', 'l')
            ->join('l.product', 'p')
            ->getQuery()
            ->getResult();
    }
}
