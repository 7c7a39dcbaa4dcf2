<?php

namespace App;

use App\Entity\Line;
use App\Repository\OrderRepository;
use Doctrine\ORM\EntityManagerInterface;

class Bad
{
    public function __construct(
        private EntityManagerInterface $entityManager,
        private OrderRepository $orderRepository,
    ) {
    }

    /** the customer of each order of a user's page */
    public function ordersOfUser(int $userId): array
    {
        $names = [];
        $orders = $this->orderRepository->findByUser($userId);
        foreach ($orders as $order) {
            $customer = $order->getCustomer();
            $names[] = $customer->getName();
        }

        return $names;
    }

    /** two references in a row */
    public function deepPath(): array
    {
        $names = [];
        foreach ($this->orderRepository->findAll() as $order) { // finds: n_plus_one
            $names[] = $order->getCustomer()->getCountry()->getName();
        }

        return $names;
    }

    /** a reference that is joined, but not selected */
    public function joinedOnly(): array
    {
        return array_map(fn ($order) => $order->getCustomer()->getName(), $this->orderRepository->findJoined());
    }

    /** a collection of each row */
    public function collection(): array
    {
        $counts = [];
        foreach ($this->orderRepository->findBy(['status' => 'paid']) as $order) { // finds: n_plus_one
            foreach ($order->getLines() as $line) {
                $counts[] = $line->getQuantity();
            }
        }

        return $counts;
    }

    /** a reference from each row of a collection of each row */
    public function nestedCollections(): array
    {
        $names = [];
        foreach ($this->orderRepository->findAll() as $order) { // finds: n_plus_one
            foreach ($order->getLines() as $line) {
                $names[] = $line->getProduct()->getName();
            }
        }

        return $names;
    }

    /** a method of the row that reads a reference */
    public function throughMethod(): array
    {
        $titles = [];
        foreach ($this->orderRepository->findAll() as $order) { // finds: n_plus_one
            $titles[] = $order->getTitle();
        }

        return $titles;
    }

    /** a query of its own in the loop */
    public function lookedUp(): array
    {
        $quantities = [];
        $lines = $this->entityManager->getRepository(Line::class);
        foreach ($this->orderRepository->findAll() as $order) {
            foreach ($lines->findBy(['order' => $order]) as $line) { // finds: n_plus_one
                $quantities[] = $line->getQuantity();
            }
        }

        return $quantities;
    }
}
