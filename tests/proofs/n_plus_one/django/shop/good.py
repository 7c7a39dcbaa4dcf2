from django.db.models import Count, Prefetch
from django.shortcuts import render
from rest_framework import generics

from shop.models import Customer, Line, Order
from shop.serializers import OrderSerializer


def orders_of_user(user_id):
    orders = Order.objects.filter(user_id=user_id).select_related("customer")
    return [order.customer.name for order in orders]


def deep_path(request):
    orders = Order.objects.select_related("customer__country")
    return [order.customer.country.name for order in orders]


def nested_collections(request):
    total = []
    for order in Order.objects.prefetch_related("lines__product"):
        for line in order.lines.all():
            total.append(line.product.name)
    return total


def half_loaded(request):
    total = []
    for order in Order.objects.prefetch_related(Prefetch("lines", Line.objects.select_related("product"))):
        for line in order.lines.all():
            total.append(line.product.name)
    return total


def bypassed_prefetch(request):
    several = Prefetch("lines", Line.objects.filter(quantity__gt=1).order_by("id"), to_attr="several")
    return [[line.id for line in order.several] for order in Order.objects.prefetch_related(several)]


def counted(request):
    return [order.line_count for order in Order.objects.annotate(line_count=Count("lines")).order_by("id")]


def through_property(request):
    return [order.title for order in Order.objects.select_related("customer")]


def through_helper(request):
    return [describe(order) for order in Order.objects.filter(status="paid").select_related("customer")]


def describe(order):
    return f"{order.number}: {order.customer.name}"


def in_template(request):
    orders = Order.objects.filter(status="paid").select_related("customer")
    return render(request, "shop/orders.html", {"orders": orders})


def looked_up(request):
    orders = list(Order.objects.all())
    customers = Customer.objects.in_bulk([order.customer_id for order in orders])
    return [customers[order.customer_id].name for order in orders]


def saved(request):
    orders = list(Order.objects.all())
    for order in orders:
        order.status = "shipped"
    Order.objects.bulk_update(orders, ["status"])


class OrderList(generics.ListAPIView):
    queryset = Order.objects.select_related("customer")
    serializer_class = OrderSerializer
