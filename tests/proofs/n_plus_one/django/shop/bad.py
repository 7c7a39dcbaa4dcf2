from django.shortcuts import render
from rest_framework import generics

from shop.models import Customer, Order
from shop.serializers import OrderSerializer


def orders_of_user(user_id):
    """the customer of each order of a user's page"""
    orders = Order.objects.filter(user_id=user_id)  # finds: n_plus_one
    return [order.customer.name for order in orders]


def deep_path(request):
    """two references in a row"""
    orders = Order.objects.all()  # finds: n_plus_one
    return [order.customer.country.name for order in orders]


def nested_collections(request):
    """a reference from each row of a collection of each row"""
    total = []
    for order in Order.objects.all():  # finds: n_plus_one
        for line in order.lines.all():
            total.append(line.product.name)
    return total


def half_loaded(request):
    """the same, the collection loaded, its rows' reference not"""
    total = []
    for order in Order.objects.prefetch_related("lines"):  # finds: n_plus_one
        for line in order.lines.all():
            total.append(line.product.name)
    return total


def bypassed_prefetch(request):
    """a prefetched collection that is filtered in the loop"""
    orders = Order.objects.prefetch_related("lines")  # finds: n_plus_one
    return [[line.id for line in order.lines.filter(quantity__gt=1).order_by("id")] for order in orders]


def counted(request):
    """a count of each row's collection"""
    return [order.lines.count() for order in Order.objects.order_by("id")]  # finds: n_plus_one


def through_property(request):
    """a property that reads a reference"""
    return [order.title for order in Order.objects.all()]  # finds: n_plus_one


def through_helper(request):
    """a helper that is given each row"""
    return [describe(order) for order in Order.objects.filter(status="paid")]  # finds: n_plus_one


def describe(order):
    return f"{order.number}: {order.customer.name}"


def in_template(request):
    """a template that walks the rows"""
    orders = Order.objects.filter(status="paid")  # finds: n_plus_one
    return render(request, "shop/orders.html", {"orders": orders})


def looked_up(request):
    """a query of its own in the loop"""
    found = []
    for order in Order.objects.all():
        found.append(Customer.objects.get(pk=order.customer_id).name)  # finds: n_plus_one
    return found


def saved(request):
    """a row saved in the loop"""
    for order in Order.objects.all():
        order.status = "shipped"
        order.save()  # finds: n_plus_one


class OrderList(generics.ListAPIView):
    """a serializer that holds another"""

    queryset = Order.objects.all()  # finds: n_plus_one
    serializer_class = OrderSerializer
