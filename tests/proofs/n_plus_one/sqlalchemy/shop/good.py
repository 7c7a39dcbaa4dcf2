from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from shop.models import Customer, Line, Order


def orders_of_user(session: Session, user_id: int):
    orders = session.scalars(select(Order).where(Order.user_id == user_id).options(joinedload(Order.customer))).all()
    return [order.customer.name for order in orders]


def deep_path(session: Session):
    orders = session.scalars(select(Order).options(joinedload(Order.customer).joinedload(Customer.country))).all()
    return [order.customer.country.name for order in orders]


def collection(session: Session):
    orders = session.execute(select(Order).options(selectinload(Order.lines)).order_by(Order.id)).scalars()
    return [len(order.lines) for order in orders.all()]


def nested_collections(session: Session):
    names = []
    loaded = select(Order).options(selectinload(Order.lines).joinedload(Line.product))
    for order in session.scalars(loaded.order_by(Order.id)).all():
        for line in order.lines:
            names.append(line.product.name)
    return sorted(names)


def through_property(session: Session):
    return [order.title for order in session.scalars(select(Order).options(joinedload(Order.customer)))]


def legacy_query(session: Session):
    orders = session.query(Order).options(joinedload(Order.customer)).filter(Order.status == "paid").all()
    return [order.customer.name for order in orders]


def looked_up(session: Session):
    orders = session.scalars(select(Order)).all()
    wanted = [order.customer_id for order in orders]
    customers = {customer.id: customer for customer in session.scalars(select(Customer).where(Customer.id.in_(wanted)))}
    return [customers[order.customer_id].name for order in orders]
