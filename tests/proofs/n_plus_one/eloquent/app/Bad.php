<?php

namespace App;

use App\Models\Customer;
use App\Models\Order;

class Bad
{
    /** the customer of each order of a user's page */
    public function ordersOfUser(int $userId): array
    {
        $names = [];
        $orders = Order::where('user_id', $userId)->get(); // finds: n_plus_one
        foreach ($orders as $order) {
            $names[] = $order->customer->name;
        }

        return $names;
    }

    /** two references in a row */
    public function deepPath(): array
    {
        $names = [];
        foreach (Order::all() as $order) { // finds: n_plus_one
            $names[] = $order->customer->country->name;
        }

        return $names;
    }

    /** a reference, in a function given to each row */
    public function mapped(): array
    {
        return Order::query()->orderBy('id')->get()->map(fn ($order) => $order->customer->name)->all(); // finds: n_plus_one
    }

    /** a reference from each row of a collection of each row */
    public function nestedCollections(): array
    {
        $names = [];
        foreach (Order::all() as $order) { // finds: n_plus_one
            foreach ($order->lines as $line) {
                $names[] = $line->product->name;
            }
        }

        return $names;
    }

    /** a loaded collection that is queried anew */
    public function bypassed(): array
    {
        $counts = [];
        foreach (Order::with('lines')->get() as $order) { // finds: n_plus_one
            $counts[] = $order->lines()->count();
        }

        return $counts;
    }

    /** an accessor that reads a reference */
    public function throughAccessor(): array
    {
        $titles = [];
        foreach (Order::where('status', 'paid')->get() as $order) { // finds: n_plus_one
            $titles[] = $order->title;
        }

        return $titles;
    }

    /** a query of its own in the loop */
    public function lookedUp(): array
    {
        $names = [];
        foreach (Order::all() as $order) {
            $names[] = Customer::find($order->customer_id)->name; // finds: n_plus_one
        }

        return $names;
    }

    /** a row saved in the loop */
    public function saved(): void
    {
        foreach (Order::where('status', 'paid')->get() as $order) {
            $order->status = 'shipped';
            $order->save(); // finds: n_plus_one
        }
    }
}
