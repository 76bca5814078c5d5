"""Buyers of a flash sale, and what became of it."""

import uuid
from typing import Any

from sqlalchemy import text

from app.orders.models import Order
from tests.builders import flash_sales
from tests.builders.flash_sales import FLASH_FEN, SHELF_FEN
from tests.builders.members import make_address, make_member

__all__ = ["FLASH_FEN", "SHELF_FEN", "figures", "fresh_key", "make_buyer", "make_sale", "orders"]


def make_sale(session, **given: Any):
    """A sale and its SKU, committed."""
    made = flash_sales.make_sale(session, **given)
    session.commit()
    return made


def make_buyer(session):
    """A member and their address id, committed."""
    member = make_member(session)
    address = make_address(session, member_id=member.id)
    session.commit()
    return member, address.id


def fresh_key():
    return uuid.uuid4().hex


def figures(session, sale_id):
    """What the sale's stock row says: reserved, used."""
    session.rollback()
    row = session.execute(
        text(
            "SELECT units_reserved, units_used FROM promotion_stock WHERE promotion_id = :sale_id"
        ),
        {"sale_id": sale_id},
    ).one()
    return tuple(row)


def orders(session):
    session.rollback()
    return session.query(Order).order_by(Order.id).all()
