from django.db import models


class User(models.Model):
    name = models.CharField(max_length=80)

    class Meta:
        db_table = "users"


class Country(models.Model):
    name = models.CharField(max_length=80)

    class Meta:
        db_table = "countries"


class Customer(models.Model):
    name = models.CharField(max_length=80)
    country = models.ForeignKey(Country, on_delete=models.CASCADE)

    class Meta:
        db_table = "customers"


class Order(models.Model):
    number = models.CharField(max_length=80)
    status = models.CharField(max_length=20, db_index=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="orders")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE)

    class Meta:
        db_table = "orders"

    @property
    def title(self):
        return f"{self.number} of {self.customer.name}"


class Product(models.Model):
    name = models.CharField(max_length=80)

    class Meta:
        db_table = "products"


class Line(models.Model):
    quantity = models.IntegerField()
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.CASCADE)

    class Meta:
        db_table = "lines"
