from sqlalchemy import select
from sqlalchemy.orm import Session

from shop.models import Customer, Order


def orders_of_user(session: Session, user_id: int):
    """the customer of each order of a user's page"""
    orders = session.scalars(select(Order).where(Order.user_id == user_id)).all()  # finds: n_plus_one
    return [order.customer.name for order in orders]


def deep_path(session: Session):
    """two references in a row"""
    orders = session.scalars(select(Order)).all()  # finds: n_plus_one
    return [order.customer.country.name for order in orders]


def collection(session: Session):
    """a collection of each row"""
    orders = session.execute(select(Order).order_by(Order.id)).scalars()  # finds: n_plus_one
    return [len(order.lines) for order in orders.all()]


def nested_collections(session: Session):
    """a reference from each row of a collection of each row"""
    names = []
    for order in session.scalars(select(Order).order_by(Order.id)).all():  # finds: n_plus_one
        for line in order.lines:
            names.append(line.product.name)
    return sorted(names)


def through_property(session: Session):
    """a property that reads a reference"""
    return [order.title for order in session.scalars(select(Order))]  # finds: n_plus_one


def legacy_query(session: Session):
    """a reference, by the query of old"""
    orders = session.query(Order).filter(Order.status == "paid").all()  # finds: n_plus_one
    return [order.customer.name for order in orders]


def looked_up(session: Session):
    """a query of its own in the loop"""
    names = []
    for order in session.scalars(select(Order)).all():
        names.append(session.get(Customer, order.customer_id).name)  # finds: n_plus_one
    return names
