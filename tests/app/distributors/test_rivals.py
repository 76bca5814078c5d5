"""What other malls get wrong between an order and its commission, one named test for each bug."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core import redis
from app.distributors import verify
from app.orders import service as orders
from app.orders.models import OrderStatus
from app.orders.queries import OrderNotFound
from distribution.commissions.models import Commission
from tests.builders.catalogue import make_freight_template, make_sku
from tests.builders.distribution import bind, make_rules
from tests.builders.members import make_member
from tests.builders.orders import make_order
from tests.builders.promotions import make_published


@pytest.fixture
def buyer(session, now):
    """A buyer whose upline earns 10 % of what is really paid."""
    make_rules(session, levels=1, now=now)
    member = make_member(session)
    bind(session, member_id=member.id, upline_id=make_member(session).id, now=now)
    session.commit()
    return member


def only_commission(session):
    session.commit()
    assert list(verify.verify(session)) == []
    return session.scalars(select(Commission)).one()


def test_crmeb_b5_freight_is_in_no_base_however_many_pieces(session, buyer, now):
    sku = make_sku(session, price_fen=1_000, freight_template=make_freight_template(session))
    order = make_order(session, now=now, buyer=buyer, sku=sku, quantity=3, status=OrderStatus.PAID)

    assert order.freight_fen > 0
    earned = only_commission(session)
    assert (earned.base_fen, earned.amount_fen) == (3_000, 300)


def test_crmeb_java_and_coreshop_a_discount_earns_nobody_commission(session, buyer, now):
    yesterday = now - timedelta(days=1)
    make_published(session, steps=[(9_000, 2_500)], starts_at=yesterday, now=yesterday)
    sku = make_sku(session, price_fen=10_000)
    order = make_order(session, now=now, buyer=buyer, sku=sku, status=OrderStatus.PAID)

    assert order.payable_fen - order.freight_fen == 7_500
    assert only_commission(session).base_fen == 7_500


def test_likeshop_nobody_else_receives_an_order_and_sets_its_commission_free(session, buyer, now):
    order = make_order(session, now=now, buyer=buyer, status=OrderStatus.SHIPPED)

    with pytest.raises(OrderNotFound):
        orders.receive(session, order_no=order.order_no, buyer_id=make_member(session).id, now=now)

    assert only_commission(session).mature_at is None


def test_lilishop_whose_buyer_it_is_outlives_every_cache(session, buyer, now):
    redis.client().flushdb()

    make_order(session, now=now + timedelta(days=400), buyer=buyer, status=OrderStatus.PAID)

    assert only_commission(session).amount_fen > 0
