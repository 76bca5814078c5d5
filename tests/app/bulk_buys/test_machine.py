"""Any history of a bulk buy, in any order and with repetitions, against a plain model."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from sqlalchemy import select

from app.aftersales import service as aftersales
from app.aftersales.models import AfterSale, AfterSaleStatus
from app.aftersales.service import (
    AfterSaleOpen,
    AfterSaleStateForbids,
    NotBeforeShipping,
    OutsideAfterSales,
    Wish,
)
from app.bulk_buys import settling
from app.orders import queries as orders
from app.orders import service as order_moves
from app.orders.drafts import DealGone
from app.orders.leaving import DealUndecided, RefundInProgress
from app.orders.models import CloseReason
from app.orders.returning import ReturnExceedsLine
from app.payments.models import Refund, RefundStatus
from promotions import bulk_buys, campaigns
from promotions.bulk_buys import queries
from promotions.life import WrongStatus
from tests.app.bulk_buys.conftest import PROOFS
from tests.builders.bulk_buys import make_bulk_buy
from tests.builders.bulk_orders import make_bulk_order
from tests.builders.catalogue import make_freight_template, make_sku
from tests.builders.distribution import make_chain, make_rules
from tests.builders.machines import live
from tests.builders.members import make_member
from tests.builders.orders import PARCEL
from tests.builders.payments import pay_order, settle_refund
from tests.builders.promotions import STAFF
from tests.builders.staff import make_staff

PRICES = ((9_900, 5_003), (8_901, 5_003), (7_777, 4_001))
STEPS = (1, 6, 12)
PIECES = st.tuples(st.integers(0, 4), st.integers(0, 3)).filter(any)


@dataclass
class Life:
    """What the model knows of one order."""

    order_no: str
    order_id: int
    buyer_id: int
    pieces: tuple[int, int]
    freight_fen: int
    status: str = "unpaid"
    gone: list[int] = field(default_factory=lambda: [0, 0])
    """Pieces that went back or are on their way."""
    before: tuple[int, int] | None = None
    """Those gone when it was settled; None: it is not."""
    is_late: bool = False

    @property
    def left(self) -> int:
        return sum(self.pieces) - sum(self.gone)


class Sale(RuleBasedStateMachine):
    """One bulk buy in one transaction that is never committed."""

    lives = Bundle("lives")

    def __init__(self, session, now, min_pieces):
        super().__init__()
        self.session, self.now, self.min_pieces = session, now, min_pieces
        self.model: list[Life] = []
        self.closed_with: int | None = None
        self.is_over = False

    @initialize()
    def open(self):
        make_rules(self.session, now=self.now)
        self.staff = make_staff(self.session)
        self.buyer, upline = make_member(self.session), make_member(self.session)
        make_chain(self.session, self.buyer.id, upline.id, now=self.now)
        template = make_freight_template(self.session)
        self.skus = [
            make_sku(self.session, price_fen=fen, available=400, freight_template=template).id
            for fen in (12_000, 6_000)
        ]
        listed = [dict(zip(self.skus, fens, strict=True)) for fens in PRICES]
        self.promotion = make_bulk_buy(
            self.session,
            prices=listed[0],
            tiers=list(zip(STEPS[1:], listed[1:], strict=True)),
            terms={"min_pieces": self.min_pieces} if self.min_pieces else {},
            now=self.now,
        )

    @rule(target=lives, pieces=PIECES, is_paid=st.sampled_from([True, True, False]))
    def place(self, pieces, is_paid):
        wanted = {sku: n for sku, n in zip(self.skus, pieces, strict=True) if n}
        try:
            order = make_bulk_order(
                self.session, self.promotion, wanted, now=self.now, buyer=self.buyer
            )
        except DealGone:
            assert self.is_over
            return multiple()
        assert not self.is_over
        life = Life(order.order_no, order.id, order.buyer_id, pieces, order.freight_fen)
        self.model.append(life)
        if is_paid:
            self.pay(life)
        return life

    @rule(life=lives)
    def pay(self, life):
        if life.status != "unpaid":
            return
        order = orders.get(self.session, order_no=life.order_no)
        pay_order(self.session, order=order, now=self.now)
        life.status, life.is_late = "paid", self.closed_with is not None

    @rule(life=lives)
    def close_order(self, life):
        is_closed = order_moves.close(
            self.session, order_id=life.order_id, reason=CloseReason.BUYER, now=self.now
        )
        assert is_closed == (life.status == "unpaid")
        if is_closed:
            life.status = "closed"

    @rule(life=lives, pieces=PIECES, answer=st.sampled_from([True, True, False, None]))
    def ask(self, life, pieces, answer):
        lines = self.lines(life)
        wanted = {line.id: min(pieces[n], line.quantity) for n, line in lines.items() if pieces[n]}
        try:
            aftersales.apply(
                self.session,
                order_no=life.order_no,
                buyer_id=life.buyer_id,
                wish=Wish(quantities=wanted or None),
                reason="不想要了",
                now=self.now,
            )
        except (AfterSaleOpen, OutsideAfterSales, ReturnExceedsLine):
            return
        if answer is not None:
            self.decide(is_yes=answer)

    @rule(is_yes=st.booleans())
    def decide(self, is_yes):
        case = self.session.scalar(
            select(AfterSale).where(AfterSale.status == AfterSaleStatus.APPLIED)
        )
        if case is None:
            return
        words = {"after_sale_no": case.after_sale_no, "staff_id": self.staff.id, "now": self.now}
        if not is_yes:
            aftersales.reject(self.session, answer="已发货", **words)
            return
        try:
            with self.session.begin_nested():
                aftersales.approve(self.session, **words)
        except (AfterSaleStateForbids, NotBeforeShipping):
            return
        life = next(one for one in self.model if one.order_id == case.order_id)
        lines = self.lines(life)
        for n, line in lines.items():
            life.gone[n] = line.refunding_quantity + line.refunded_quantity

    @rule(life=lives)
    def ship(self, life):
        if life.status != "paid":
            return
        try:
            with self.session.begin_nested():
                order_moves.ship(self.session, order_no=life.order_no, now=self.now, **PARCEL)
        except DealUndecided:
            assert self.min_pieces is not None
            assert life.before is None
        except (RefundInProgress, order_moves.OrderStateForbids):
            pass
        else:
            assert self.min_pieces is None or life.before is not None

    @rule()
    def money_arrives(self):
        refund = self.session.scalar(
            select(Refund).where(Refund.status != RefundStatus.SUCCESS).order_by(Refund.id)
        )
        if refund is not None:
            settle_refund(self.session, refund=refund, now=self.now)
            aftersales.settle(self.session, source=refund.source, now=self.now)

    @precondition(lambda self: len(self.model) >= 4)
    @rule(by_staff=st.booleans())
    def end(self, by_staff):
        if not by_staff:
            self.now = max(self.now, self.promotion.ends_at + timedelta(seconds=1))
            self.is_over = True
            return
        try:
            campaigns.end(
                self.session, promotion_id=self.promotion.id, staff_id=STAFF, now=self.now
            )
        except WrongStatus:
            assert self.is_over
        self.is_over = True

    @precondition(lambda self: self.model)
    @rule()
    def close(self):
        unpaid = any(life.status == "unpaid" for life in self.model)
        is_closed = bulk_buys.close(self.session, promotion_id=self.promotion.id, now=self.now)
        assert is_closed == (self.is_over and not unpaid and self.closed_with is None)
        if is_closed:
            self.closed_with = self.collected()

    @rule(life=lives)
    def settle(self, life):
        if life.status == "closed":
            return
        is_settled = settling.settle(self.session, order_no=life.order_no, now=self.now)
        if self.closed_with is None or life.before is not None or life.status != "paid":
            assert not is_settled
        elif is_settled:
            life.before = tuple(life.gone)
            if self.tier() is None and life.left:
                life.gone = list(life.pieces)

    @invariant()
    def it_is_true(self):
        if not self.model:
            return
        standing = queries.standings(self.session, [self.promotion.id])
        shown = standing[self.promotion.id]
        expected = self.collected() if self.closed_with is None else self.closed_with
        assert shown.collected == expected
        assert shown.tier == (self.tier() if self.closed_with is not None else None)

    def teardown(self):
        """Bring it to its end: then every fen is where the plain count says."""
        if not hasattr(self, "promotion"):
            return
        for life in self.model:
            self.close_order(life)
        self.end(by_staff=False)
        self.close()
        while self.session.scalar(
            select(AfterSale.id).where(AfterSale.status == AfterSaleStatus.APPLIED)
        ):
            self.decide(is_yes=False)
        for life in self.model * 2:
            self.settle(life)
        while self.session.scalar(select(Refund.id).where(Refund.status != RefundStatus.SUCCESS)):
            self.money_arrives()
        for life in self.model:
            order = orders.get(self.session, order_no=life.order_no)
            assert (life.before is not None) == (life.status == "paid")
            assert order.paid_fen - order.refunded_fen == self.keeps(life)
        for proof in PROOFS:
            assert list(proof.verify(self.session)) == []

    def keeps(self, life):
        """What the shop keeps of an order: its kept pieces at the price reached, and freight."""
        if life.status != "paid" or not life.left:
            return 0
        kept = 0
        for n, quantity in enumerate(life.pieces):
            if quantity:
                paid = PRICES[0][n] * quantity
                final = PRICES[self.tier()][n] * quantity
                assert final <= paid
                kept += final - final * life.gone[n] // quantity
        return kept + life.freight_fen

    def collected(self):
        return sum(life.left for life in self.model if life.status == "paid" and not life.is_late)

    def tier(self):
        if self.min_pieces and self.closed_with < self.min_pieces:
            return None
        return max(n for n, step in enumerate(STEPS) if n == 0 or self.closed_with >= step)

    def lines(self, life):
        """The lines of an order by the number of their goods."""
        found = orders.lines(self.session, order_id=life.order_id)
        return {self.skus.index(line.sku_id): line for line in found}


@pytest.mark.slow
@pytest.mark.parametrize("min_pieces", [None, 5])
def test_a_bulk_buy_agrees_with_the_model_whatever_happens(session, now, min_pieces):
    live(session, lambda: Sale(session, now, min_pieces), lives=8, steps=25)


@pytest.mark.soak
@pytest.mark.parametrize("min_pieces", [None, 5])
def test_a_bulk_buy_agrees_with_the_model_for_a_long_time(session, now, min_pieces):
    live(session, lambda: Sale(session, now, min_pieces), lives=200, steps=60)
