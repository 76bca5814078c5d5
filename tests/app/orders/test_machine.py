"""Any life of any orders, in any order and with repetitions, against a plain model."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from sqlalchemy import text

from app.catalogue import verify as catalogue
from app.catalogue.stock import OutOfStock
from app.core.errors import Conflict
from app.marketing import verify as marketing
from app.orders import queries
from app.orders import service as orders
from app.orders import verify as proof
from app.orders.models import CloseReason
from app.orders.service import RefundUnknown
from distribution import verify as distribution
from tests.builders.catalogue import make_freight_template, make_sku
from tests.builders.distribution import make_chain, make_rules
from tests.builders.machines import live
from tests.builders.members import make_member
from tests.builders.orders import PARCEL, make_order, pay
from tests.builders.promotions import make_published

STOCK = 12
SKUS = range(3)
PIECES = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 4), min_size=1)
PAID = {"paid", "shipped", "received", "completed"}


@dataclass
class Life:
    """What the model knows of one order."""

    order_id: int
    order_no: str
    buyer_id: int
    pieces: dict[int, int]
    """SKU number → pieces."""
    lines: dict[int, tuple[int, int]]
    """Line id → (SKU number, payable fen)."""
    freight_fen: int
    placed_at: datetime
    status: str = "unpaid"
    was_shipped: bool = False
    refunds: dict[str, tuple[str, dict[int, int], int]] = field(default_factory=dict)
    """Source → (status, fen by line, freight)."""

    def total(self, *statuses, line=None):
        """Fen of the refunds in these statuses, of one line or of all with freight."""
        chosen = [each for each in self.refunds.values() if each[0] in statuses]
        if line is not None:
            return sum(lines.get(line, 0) for _, lines, _ in chosen)
        return sum(sum(lines.values()) + freight for _, lines, freight in chosen)

    def paid_fen(self):
        return sum(fen for _, fen in self.lines.values()) + self.freight_fen


class Shop(RuleBasedStateMachine):
    """One shop in one transaction that is never committed."""

    lives = Bundle("lives")

    def __init__(self, session, now):
        super().__init__()
        self.session, self.now = session, now
        self.model: list[Life] = []
        self.skus: dict[int, int] = {}
        self.shelf = {number: [STOCK, 0, 0] for number in SKUS}

    @initialize()
    def open(self):
        make_rules(self.session, now=self.now)
        self.buyer, upline = make_member(self.session), make_member(self.session)
        make_chain(self.session, self.buyer.id, upline.id, now=self.now)
        template = make_freight_template(self.session)
        self.skus = {
            number: make_sku(
                self.session,
                price_fen=1700 * (number + 1) + number,
                available=STOCK,
                freight_template=template,
            ).id
            for number in SKUS
        }
        steps = [(5000, 333), (15_000, 1999)]
        make_published(self.session, steps=steps, max_uses=9, starts_at=self.now, now=self.now)

    def move(self, pieces, source, target):
        for number, count in pieces.items():
            for column, sign in ((source, -1), (target, 1)):
                self.shelf[number][column] += sign * count

    @rule(target=lives, pieces=PIECES)
    def place(self, pieces):
        enough = all(self.shelf[number][0] >= count for number, count in pieces.items())
        quantities = {self.skus[number]: count for number, count in pieces.items()}
        try:
            order = make_order(self.session, now=self.now, buyer=self.buyer, quantities=quantities)
        except OutOfStock:
            assert not enough
            return None
        assert enough
        numbers = {sku_id: number for number, sku_id in self.skus.items()}
        lines = {line.id: (numbers[line.sku_id], line.payable_fen) for line in order.lines}
        life = Life(
            order.id, order.order_no, order.buyer_id, pieces, lines, order.freight_fen, self.now
        )
        self.model.append(life)
        self.move(pieces, 0, 1)
        return life

    @rule(life=lives)
    def pay(self, life):
        if life is None:
            return
        order = queries.get(self.session, order_no=life.order_no)
        try:
            is_paid_now = pay(self.session, order, now=self.now)
        except orders.OrderClosed:
            assert life.status == "closed"
            return
        assert is_paid_now == (life.status in {"unpaid", "closing"})
        if is_paid_now:
            life.status = "paid"
            self.move(life.pieces, 1, 2)

    @rule(life=lives)
    def cancel(self, life):
        if life is None:
            return
        act = lambda: orders.cancel(  # noqa: E731  # Called once, below.
            self.session, order_no=life.order_no, buyer_id=life.buyer_id, now=self.now
        )
        self.expect(act, life, start={"unpaid"}, done={"closing", "closed"}, to="closing")

    @rule(life=lives, is_over=st.booleans())
    def expire(self, life, is_over):
        if life is None:
            return
        moment = life.placed_at + timedelta(minutes=30 if is_over else 29)
        expired = orders.expire(self.session, order_id=life.order_id, now=moment)
        assert expired == (is_over and life.status == "unpaid")
        if expired:
            life.status = "closing"

    @rule(life=lives)
    def close(self, life):
        if life is None:
            return
        closed = orders.close(
            self.session, order_id=life.order_id, reason=CloseReason.EXPIRED, now=self.now
        )
        assert closed == (life.status in {"unpaid", "closing"})
        if closed:
            life.status = "closed"
            self.move(life.pieces, 1, 0)

    @rule(life=lives)
    def ship(self, life):
        if life is None:
            return
        is_ready = life.status == "paid" and not life.total("refunding")
        start = {"paid"} if is_ready else set()
        done = PAID | {"refunded"} if life.was_shipped else set()
        act = lambda: orders.ship(  # noqa: E731  # Called once, below.
            self.session, order_no=life.order_no, now=self.now, **PARCEL
        )
        if self.expect(act, life, start=start, done=done, to="shipped"):
            life.was_shipped = True

    @rule(life=lives)
    def receive(self, life):
        if life is None:
            return
        act = lambda: orders.receive(  # noqa: E731  # Called once, below.
            self.session, order_no=life.order_no, buyer_id=life.buyer_id, now=self.now
        )
        self.expect(act, life, start={"shipped"}, done={"received", "completed"}, to="received")

    @rule()
    def ten_days_pass(self):
        self.now += timedelta(days=10)
        due = [each for each in self.model if not each.total("refunding")]
        done = [each for each in due if each.status == "received"]
        shipped = [each for each in due if each.status == "shipped"]
        assert orders.complete_due(self.session, now=self.now) == len(done)
        assert orders.receive_due(self.session, now=self.now) == len(shipped)
        for each in done:
            each.status = "completed"
        for each in shipped:
            each.status = "received"
        # What is received now is not due at the same moment again.
        assert orders.receive_due(self.session, now=self.now) == 0

    @rule(life=lives, source=st.sampled_from("abc"), share=st.integers(1, 4), freight=st.booleans())
    def begin_refund(self, life, source, share, freight):
        if life is None:
            return
        name = f"{life.order_no}:{source}"
        live = ("refunding", "refunded")
        left = {id_: fen - life.total(*live, line=id_) for id_, (_, fen) in life.lines.items()}
        parts = {id_: fen if share == 4 else fen * share // 4 for id_, fen in left.items()}
        of_freight = sum(each[2] for each in life.refunds.values() if each[0] in live)
        freight_fen = life.freight_fen - of_freight if freight else 0
        if not sum(parts.values()) + freight_fen:
            return
        try:
            begun = orders.begin_refund(
                self.session,
                order_id=life.order_id,
                refund_source=name,
                line_amounts=parts,
                freight_fen=freight_fen,
                now=self.now,
            )
        except orders.NotRefundable:
            assert life.status not in PAID
            return
        assert begun == (name not in life.refunds)
        if begun:
            life.refunds[name] = ("refunding", parts, freight_fen)

    @rule(life=lives, source=st.sampled_from("abc"), is_done=st.booleans())
    def settle_refund(self, life, source, is_done):
        if life is None:
            return
        name = f"{life.order_no}:{source}"
        step = orders.finish_refund if is_done else orders.abandon_refund
        status, parts, freight_fen = life.refunds.get(name, ("none", {}, 0))
        outcome = "refunded" if is_done else "abandoned"
        try:
            settled = step(self.session, order_id=life.order_id, refund_source=name, now=self.now)
        except RefundUnknown:
            assert status not in {"refunding", outcome}
            return
        assert settled == (status == "refunding")
        if not settled:
            return
        before = {id_: self.is_back(life, id_) for id_ in life.lines}
        life.refunds[name] = (outcome, parts, freight_fen)
        if not life.was_shipped:
            for id_, (number, _) in life.lines.items():
                if self.is_back(life, id_) and not before[id_]:
                    self.move({number: life.pieces[number]}, 2, 0)
        if life.total("refunded") == life.paid_fen():
            life.status = "refunded"

    @invariant()
    def everything_agrees_with_the_model(self):
        self.session.flush()
        stock = text("SELECT id, available, held, sold FROM sku ORDER BY id")
        expected = [(sku_id, *self.shelf[number]) for number, sku_id in self.skus.items()]
        assert self.session.execute(stock).all() == expected
        states = text("SELECT id, status, refunding_fen, refunded_fen FROM shop_order ORDER BY id")
        assert self.session.execute(states).all() == [
            (each.order_id, each.status, each.total("refunding"), each.total("refunded"))
            for each in self.model
        ]
        for check in (catalogue.verify, marketing.verify, proof.verify, distribution.verify):
            assert list(check(self.session)) == []

    @staticmethod
    def is_back(life, line_id):
        return life.total("refunded", line=line_id) == life.lines[line_id][1]

    @staticmethod
    def expect(act, life, *, start, done, to):
        """Do it: True from `start`, False once `done`, refused elsewhere."""
        try:
            moved = act()
        except Conflict:
            assert life.status not in start | done
            return False
        assert moved == (life.status in start)
        if moved:
            life.status = to
        else:
            assert life.status in done
        return moved


@pytest.mark.slow
def test_orders_agree_with_the_model_whatever_happens(session, now):
    live(session, lambda: Shop(session, now), lives=8, steps=20)


@pytest.mark.soak
def test_orders_agree_with_the_model_for_a_long_time(session, now):
    live(session, lambda: Shop(session, now), lives=200, steps=50)
