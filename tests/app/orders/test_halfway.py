"""A step that breaks half-way: whatever it had taken of promotions is as it was before."""

import pytest
from sqlalchemy import func, select, text

from app.catalogue.models import Sku
from app.orders import paying, placing, queries
from app.orders import service as orders
from app.orders.models import CloseReason, Order
from promotions import points
from promotions.coupons.models import Coupon
from tests.builders.catalogue import make_sku
from tests.builders.coupons import coupon_status
from tests.builders.orders import make_order, only_order, pay, refund_all
from tests.builders.promotions import AGREED, make_published


class Broken(Exception):
    """The process died here."""


@pytest.fixture
def limited(session, now):
    """A campaign with one use, which agrees with coupons and gifts."""
    made = make_published(
        session, steps=[(5000, 100)], max_uses=1, starts_at=now, now=now, **AGREED
    )
    session.commit()
    return made


def taken(session):
    """What is held and used of the limited campaign."""
    counter = text("SELECT uses_reserved, uses_used FROM promotion_counter")
    return tuple(session.execute(counter).one())


@pytest.mark.usefixtures("limited")
def test_placing_that_breaks_takes_nothing(
    session, now, buyer, coupon_id, with_gift, gift, monkeypatch, breaches
):
    with_gift(threshold=5000)
    sku = make_sku(session, price_fen=6000)
    session.commit()
    monkeypatch.setattr(placing, "_rows", _dies)

    with pytest.raises(Broken):
        make_order(session, now=now, buyer=buyer, sku=sku)

    session.rollback()
    assert session.scalar(select(func.count()).select_from(Order)) == 0
    assert coupon_status(session, coupon_id) == "issued"
    assert taken(session) == (0, 0)
    assert session.get(Sku, gift.id, populate_existing=True).held == 0
    assert breaches() == []


@pytest.fixture
def unpaid(session, now, buyer, coupon_id, limited):
    sku = make_sku(session, price_fen=6000)
    tiers = [{"threshold": 5000, "gifts": [], "points": 7}]
    make_published(
        session, kind="spend_and_gift", terms={"tiers": tiers}, starts_at=now, now=now, **AGREED
    )
    make_order(session, now=now, buyer=buyer, sku=sku)
    session.commit()
    return only_order(session)


def test_payment_that_breaks_uses_nothing_and_may_be_repeated(
    session, now, unpaid, coupon_id, monkeypatch, breaches
):
    with monkeypatch.context() as patch:
        patch.setattr(paying.commissions, "accrue", _dies)
        with pytest.raises(Broken):
            pay(session, unpaid, now=now)
    session.rollback()
    assert (coupon_status(session, coupon_id), taken(session)) == ("held", (1, 0))
    assert points.balance(session, unpaid.buyer_id) == 0

    assert [pay(session, unpaid, now=now) for _ in range(2)] == [True, False]

    session.commit()
    assert (coupon_status(session, coupon_id), taken(session)) == ("used", (0, 1))
    assert points.balance(session, unpaid.buyer_id) == 7
    assert breaches() == []


def test_closing_that_breaks_gives_nothing_back_and_may_be_repeated(
    session, now, unpaid, coupon_id, monkeypatch, breaches
):
    close = {"order_id": unpaid.id, "reason": CloseReason.EXPIRED, "now": now}
    with monkeypatch.context() as patch:
        patch.setattr(paying.stock, "release", _dies)
        with pytest.raises(Broken):
            orders.close(session, **close)
    session.rollback()
    assert (coupon_status(session, coupon_id), taken(session)) == ("held", (1, 0))

    orders.close(session, **close)

    session.commit()
    assert (coupon_status(session, coupon_id), taken(session)) == ("issued", (0, 0))
    assert breaches() == []


def test_a_refund_that_breaks_gives_nothing_back_and_may_be_repeated(
    session, now, unpaid, coupon_id, monkeypatch, breaches
):
    pay(session, unpaid, now=now)
    session.commit()
    with monkeypatch.context() as patch:
        patch.setattr(paying.commissions, "claw_back", _dies)
        with pytest.raises(Broken):
            refund_all(session, unpaid, now=now)
    session.rollback()
    assert coupon_status(session, coupon_id) == "used"
    assert queries.get(session, order_no=unpaid.order_no).status == "paid"

    refund_all(session, unpaid, now=now)

    session.commit()
    assert coupon_status(session, coupon_id) == "issued"
    assert points.balance(session, unpaid.buyer_id) == 0
    assert session.scalar(select(func.count()).select_from(Coupon)) == 1
    assert breaches() == []


def _dies(*_, **__):
    raise Broken
