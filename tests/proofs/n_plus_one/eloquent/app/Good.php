<?php

namespace App;

use App\Models\Customer;
use App\Models\Order;

class Good
{
    public function ordersOfUser(int $userId): array
    {
        $names = [];
        $orders = Order::with('customer')->where('user_id', $userId)->get();
        foreach ($orders as $order) {
            $names[] = $order->customer->name;
        }

        return $names;
    }

    public function deepPath(): array
    {
        $names = [];
        foreach (Order::with('customer.country')->get() as $order) {
            $names[] = $order->customer->country->name;
        }

        return $names;
    }

    public function mapped(): array
    {
        return Order::query()->with('customer')->orderBy('id')->get()->map(fn ($order) => $order->customer->name)->all();
    }

    public function nestedCollections(): array
    {
        $names = [];
        foreach (Order::with('lines.product')->get() as $order) {
            foreach ($order->lines as $line) {
                $names[] = $line->product->name;
            }
        }

        return $names;
    }

    public function bypassed(): array
    {
        $counts = [];
        foreach (Order::withCount('lines')->get() as $order) {
            $counts[] = $order->lines_count;
        }

        return $counts;
    }

    public function throughAccessor(): array
    {
        $titles = [];
        foreach (Order::with('customer')->where('status', 'paid')->get() as $order) {
            $titles[] = $order->title;
        }

        return $titles;
    }

    public function lookedUp(): array
    {
        $names = [];
        $orders = Order::all();
        $customers = Customer::findMany($orders->pluck('customer_id'))->keyBy('id');
        foreach ($orders as $order) {
            $names[] = $customers[$order->customer_id]->name;
        }

        return $names;
    }

    public function saved(): void
    {
        Order::where('status', 'paid')->update(['status' => 'shipped']);
    }
}
