<?php

namespace App;

use App\Entity\Line;
use App\Repository\OrderRepository;
use Doctrine\ORM\EntityManagerInterface;

class Good
{
    public function __construct(
        private EntityManagerInterface $entityManager,
        private OrderRepository $orderRepository,
    ) {
    }

    public function ordersOfUser(int $userId): array
    {
        $names = [];
        $orders = $this->orderRepository->findByUserWithCustomer($userId);
        foreach ($orders as $order) {
            $customer = $order->getCustomer();
            $names[] = $customer->getName();
        }

        return $names;
    }

    public function deepPath(): array
    {
        $names = [];
        foreach ($this->orderRepository->findWithCountries() as $order) {
            $names[] = $order->getCustomer()->getCountry()->getName();
        }

        return $names;
    }

    public function joinedOnly(): array
    {
        return array_map(fn ($order) => $order->getCustomer()->getName(), $this->orderRepository->findLoaded());
    }

    public function collection(): array
    {
        $counts = [];
        foreach ($this->orderRepository->findWithProducts() as $order) {
            foreach ($order->getLines() as $line) {
                $counts[] = $line->getQuantity();
            }
        }

        return $counts;
    }

    public function nestedCollections(): array
    {
        $names = [];
        foreach ($this->orderRepository->findWithProducts() as $order) {
            foreach ($order->getLines() as $line) {
                $names[] = $line->getProduct()->getName();
            }
        }

        return $names;
    }

    public function throughMethod(): array
    {
        $titles = [];
        foreach ($this->orderRepository->findWithCountries() as $order) {
            $titles[] = $order->getTitle();
        }

        return $titles;
    }

    public function lookedUp(): array
    {
        $quantities = [];
        $orders = $this->orderRepository->findAll();
        foreach ($this->entityManager->getRepository(Line::class)->findBy(['order' => $orders]) as $line) {
            $quantities[] = $line->getQuantity();
        }

        return $quantities;
    }
}
