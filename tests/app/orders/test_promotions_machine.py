"""Any life of orders with coupons, gifts, limits and points, against a plain model."""

from dataclasses import dataclass, field

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from sqlalchemy import select, text

from app.catalogue import verify as catalogue
from app.catalogue.stock import OutOfStock
from app.coupons import verify as coupons_proof
from app.marketing import verify as marketing
from app.orders import queries
from app.orders import service as orders
from app.orders import verify as proof
from app.orders.models import CloseReason
from promotions import coupons, points
from promotions.coupons.models import Coupon
from promotions.pricing import units_share
from tests.builders.catalogue import make_freight_template, make_sku
from tests.builders.machines import live
from tests.builders.members import make_member
from tests.builders.orders import begin_return, make_order, pay
from tests.builders.promotions import AGREED, make_published

STOCK, GIFTS = 30, 6
NUMBER = st.integers(0, 30)
PROOFS = (catalogue.verify, marketing.verify, proof.verify, coupons_proof.verify)


@dataclass
class Trade:
    """What the model knows of one order."""

    order_id: int
    order_no: str
    left: dict[int, int]
    """Pieces of goods not given back, by line id."""
    coupon_ids: list[int]
    points: int
    granted: int
    """Gift coupons it promises."""
    paid_fen: int
    returned: int = 0
    returns: list[int] = field(default_factory=list)
    status: str = "unpaid"


class Shop(RuleBasedStateMachine):
    """One buyer in one transaction that is never committed."""

    def __init__(self, session, now):
        super().__init__()
        self.session, self.now = session, now
        self.model: list[Trade] = []
        self.coupons: dict[int, str] = {}
        self.balance = 0

    @initialize()
    def open(self):
        self.buyer = make_member(self.session)
        template = make_freight_template(self.session)
        self.sku = make_sku(
            self.session, price_fen=3333, available=STOCK, freight_template=template
        )
        self.gift = make_sku(self.session, available=GIFTS)
        common = {"starts_at": self.now, "now": self.now, **AGREED}
        coupon = {"kind": "coupon_amount", "issue": {"valid_days": 7}, **common}
        terms = {"threshold_fen": 6000, "off_fen": 700}
        self.template = make_published(self.session, terms=terms, **coupon)
        thanks = {"threshold_fen": 10**9, "off_fen": 1}
        self.thanks = make_published(self.session, terms=thanks, **coupon)
        make_published(self.session, steps=[(9000, 500)], max_uses=5, **common)
        tier = {
            "threshold": 5000,
            "gifts": [{"sku_id": self.gift.id, "quantity": 1, "value_fen": 99}],
            "points": 3,
            "coupons": [{"promotion_id": self.thanks.id, "count": 1}],
        }
        make_published(
            self.session,
            kind="spend_and_gift",
            terms={"tiers": [tier], "max_times": 2},
            gift_stock=[{"sku_id": self.gift.id, "total": 5}],
            **common,
        )

    @precondition(lambda self: "issued" not in self.coupons.values())
    @rule()
    def get_a_coupon(self):
        (coupon_id,) = coupons.issue(
            self.session,
            promotion_id=self.template.id,
            member_id=self.buyer.id,
            source=f"test:{len(self.coupons)}",
            now=self.now,
        )
        self.coupons[coupon_id] = "issued"

    @rule(pieces=st.integers(1, 5), is_paid=st.booleans())
    def place(self, pieces, is_paid):
        try:
            order = make_order(
                self.session, now=self.now, buyer=self.buyer, sku=self.sku, quantity=pieces
            )
        except OutOfStock:
            return
        adjustments = queries.quote_of(order)["adjustments"]
        trade = Trade(
            order.id,
            order.order_no,
            {line.id: line.quantity for line in order.lines if line.kind == "goods"},
            [one["coupon_id"] for one in adjustments if one["coupon_id"]],
            sum(one["points"] for one in adjustments),
            sum(each["count"] for one in adjustments for each in one["coupons"]),
            order.payable_fen,
        )
        self.turn(trade, "issued", "held")
        self.model.append(trade)
        if is_paid:
            self.pay(trade)

    @precondition(lambda self: self.those("unpaid"))
    @rule(number=NUMBER)
    def settle(self, number):
        self.pay(self.those("unpaid")[number % len(self.those("unpaid"))])

    def pay(self, trade):
        order = queries.get(self.session, order_no=trade.order_no)
        assert [pay(self.session, order, now=self.now) for _ in range(2)] == [True, False]
        trade.status = "paid"
        self.turn(trade, "held", "used")
        self.balance += trade.points

    @precondition(lambda self: self.model)
    @rule(number=NUMBER)
    def close(self, number):
        trade = self.model[number % len(self.model)]
        closed = orders.close(
            self.session, order_id=trade.order_id, reason=CloseReason.EXPIRED, now=self.now
        )
        assert closed == (trade.status == "unpaid")
        if closed:
            trade.status = "closed"
            self.turn(trade, "held", "issued")

    @precondition(lambda self: self.those("paid"))
    @rule(number=NUMBER, pieces=st.sampled_from([9, 1, 2]), is_done=st.sampled_from([True, False]))
    def give_back(self, number, pieces, is_done):
        trade = self.those("paid")[number % len(self.those("paid"))]
        ((line_id, left),) = trade.left.items()
        pieces = min(pieces, left)
        order = queries.get(self.session, order_no=trade.order_no)
        source = f"{trade.order_no}:{order.version}"
        plan = begin_return(self.session, order, {line_id: pieces}, source=source, now=self.now)
        refund = {"order_id": trade.order_id, "refund_source": source, "now": self.now}
        if not is_done:
            orders.abandon_refund(self.session, **refund)
            return
        orders.finish_refund(self.session, **refund)
        trade.returns.append(plan.amount_fen)
        trade.left[line_id] -= pieces
        trade.returned += pieces
        if trade.left[line_id] == 0:
            assert sum(trade.returns) == trade.paid_fen
            trade.status = "refunded"
            self.turn(trade, "used", "issued")
        self.lose(trade, queries.quote_of(order)["adjustments"])

    def lose(self, trade, adjustments):
        """Of what was granted as much stays as the kept goods earn."""
        (left,) = trade.left.values()
        granting = next((one for one in adjustments if one["coupons"]), None)
        if granting is None:
            return
        pieces = left + trade.returned
        (counted,) = granting["met"]["counted"]
        amount = units_share(counted["amount"], pieces, trade.returned, pieces)
        trade.granted = min(granting["met"]["times"], amount // granting["met"]["need"])
        kept = 3 * trade.granted
        self.balance -= trade.points - kept
        trade.points = kept

    def those(self, status):
        return [each for each in self.model if each.status == status]

    def turn(self, trade, source, target):
        for coupon_id in trade.coupon_ids:
            assert self.coupons[coupon_id] == source
            self.coupons[coupon_id] = target

    @invariant()
    def everything_agrees_with_the_model(self):
        if not hasattr(self, "buyer"):
            return
        self.session.flush()
        of_template = select(Coupon.id, Coupon.status).where(
            Coupon.promotion_id == self.template.id
        )
        assert dict(self.session.execute(of_template).all()) == self.coupons
        live = text(
            "SELECT count(*) FROM coupon WHERE promotion_id = :thanks AND status = 'issued'"
        )
        thanked = self.session.scalar(live, {"thanks": self.thanks.id})
        assert thanked == sum(each.granted for each in self.model if each.status == "paid")
        assert points.balance(self.session, self.buyer.id) == self.balance
        self.session.refresh(self.sku)
        kept = sum(sum(each.left.values()) for each in self.model if each.status != "closed")
        assert self.sku.available == STOCK - kept
        gone = "SELECT coalesce(sum(quantity - restocked_quantity), 0) FROM order_line AS l JOIN"
        gone += " shop_order AS o ON o.id = order_id WHERE kind = 'gift' AND status <> 'closed'"
        self.session.refresh(self.gift)
        assert self.gift.available == GIFTS - self.session.scalar(text(gone))
        for check in PROOFS:
            assert list(check(self.session)) == []


@pytest.mark.slow
def test_promotions_of_orders_agree_with_the_model_whatever_happens(session, now):
    live(session, lambda: Shop(session, now), lives=6, steps=15)


@pytest.mark.soak
def test_promotions_of_orders_agree_with_the_model_for_a_long_time(session, now):
    live(session, lambda: Shop(session, now), lives=150, steps=40)
