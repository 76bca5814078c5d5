"""Buyers of a flash sale, and what became of it."""

import uuid
from typing import Any

import redis
from sqlalchemy import text

from app.core import redis as core_redis
from app.core.auth import Audience
from app.flash_sales.gate import keys_of
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


def refusal(answer):
    return answer.status_code, answer.json["code"]


class Shopping:
    """Buyers who call the mall, and a Redis that can be set back."""

    def __init__(self, session, client, token_for):
        self.session, self.client, self.token_for = session, client, token_for
        self.tokens = {}
        self.me = make_buyer(session)

    def headers(self, who):
        member_id = who[0].id
        if member_id not in self.tokens:
            self.tokens[member_id] = self.token_for(Audience.SHOPPER, member_id)
        return self.tokens[member_id]

    def forget_tokens(self):
        self.tokens.clear()

    def buy(self, sale, *, who=None, key=None, **body):
        made, sku = sale
        who = who or self.me
        asked = {"sku_id": sku.id, "address_id": who[1], "expected_payable_fen": FLASH_FEN}
        return self.client.post(
            f"/api/v1/flash-sales/{made.id}/orders",
            json={**asked, **body},
            headers={**self.headers(who), "Idempotency-Key": key or fresh_key()},
        )

    def saved(self, sale):
        """All that Redis knows of a sale."""
        client = _binary()
        return {key: client.dump(key) for key in keys_of(sale[0].id)}

    def restore(self, saved):
        """Have Redis know what it knew then, and no more."""
        client = _binary()
        for key, value in saved.items():
            client.delete(key)
            if value is not None:
                client.restore(key, 0, value)


def _binary():
    """The same Redis, for what is not text."""
    pool = core_redis.client().connection_pool
    given = {**pool.connection_kwargs, "decode_responses": False}
    own = redis.ConnectionPool(connection_class=pool.connection_class, **given)
    return redis.Redis(connection_pool=own)
