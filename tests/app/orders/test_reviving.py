"""Late money opens a closed order again, where the shop says so and all of it can be had again."""

import threading

import pytest
from sqlalchemy import func, select, text

from app.catalogue.models import Sku
from app.core.db import db, transaction
from app.orders import queries
from app.orders import service as orders
from app.orders.models import OrderStatus
from app.orders.verify import verify
from app.payments import applying
from app.payments.models import Payment, PaymentStatus, Refund
from app.payments.verify import verify as verify_payments
from distribution.commissions.models import Commission
from promotions import campaigns, limits
from promotions.models import PromotionReservation
from tests.builders.catalogue import make_sku
from tests.builders.coupons import coupon_status
from tests.builders.distribution import make_chain, make_rules
from tests.builders.members import make_member
from tests.builders.orders import make_order
from tests.builders.payments import make_payment, trade_fact
from tests.builders.promotions import AGREED, STAFF, make_published
from tests.builders.shop import decide


@pytest.fixture
def willing(session, now):
    """A shop that revives."""
    decide(session, now=now, revive_late_orders=True)


def late(session, now, **wanted):
    """A closed order, and the attempt under which its money comes now."""
    order = make_order(session, now=now, status=OrderStatus.CLOSED, **wanted)
    payment = make_payment(session, order=order, now=now, status=PaymentStatus.CLOSED)
    payment.closed_at = now
    session.commit()
    return order, payment


def pay(session, payment, now):
    outcome = applying.apply_trade(session, trade_fact(payment, now=now), now=now)
    session.commit()
    assert outcome == applying.APPLIED
    return payment.status


def breaches_of(session):
    return [*verify(session), *verify_payments(session)]


def sku(session, order):
    line = queries.lines(session, order_id=order.id)[0]
    return session.get_one(Sku, line.sku_id, populate_existing=True)


@pytest.mark.usefixtures("willing")
class TestRevived:
    def test_the_order_is_paid_as_if_it_had_never_closed(self, session, now):
        order, payment = late(session, now)
        before = sku(session, order).available

        assert pay(session, payment, now) == "paid"

        order = queries.get(session, order_no=order.order_no)
        assert (order.status, order.paid_fen) == ("paid", order.payable_fen)
        assert (order.closed_at, order.close_reason) == (None, None)
        assert sku(session, order).available == before - 1
        assert sku(session, order).sold == 1
        assert session.scalars(select(Refund)).all() == []
        assert breaches_of(session) == []

    def test_its_uplines_earn_once(self, session, now):
        make_rules(session)
        buyer, *uplines = (make_member(session) for _ in range(3))
        make_chain(session, buyer.id, *(each.id for each in uplines))
        order, payment = late(session, now, buyer=buyer)
        fact = trade_fact(payment, now=now)

        for _ in range(3):
            applying.apply_trade(session, fact, now=now)

        assert queries.get(session, order_no=order.order_no).status == "paid"
        assert session.scalar(select(func.count()).select_from(Commission)) == 2
        assert breaches_of(session) == []

    def test_it_can_be_refunded_like_any_other(self, session, now):
        order, payment = late(session, now)
        pay(session, payment, now)
        line = queries.lines(session, order_id=order.id)[0]

        orders.begin_refund(
            session,
            order_id=order.id,
            refund_source="test:1",
            line_amounts={line.id: line.payable_fen},
            quantities={line.id: line.quantity},
            freight_fen=order.freight_fen,
            now=now,
        )
        orders.finish_refund(session, order_id=order.id, refund_source="test:1", now=now)

        assert queries.get(session, order_no=order.order_no).status == "refunded"


class TestNotRevived:
    def assert_refused(self, session, order, payment, now):
        before = sku(session, order)
        stock = (before.available, before.held, before.sold)

        assert pay(session, payment, now) == "paid_late"

        after = sku(session, order)
        assert (after.available, after.held, after.sold) == stock
        assert queries.get(session, order_no=order.order_no).status == "closed"
        (refund,) = session.scalars(select(Refund)).all()
        assert (refund.amount_fen, refund.source) == (
            order.payable_fen,
            f"late:{payment.out_trade_no}",
        )
        assert breaches_of(session) == []

    def test_unless_the_shop_wants_it(self, session, now):
        order, payment = late(session, now)
        self.assert_refused(session, order, payment, now)

    @pytest.mark.usefixtures("willing")
    def test_without_stock(self, session, now):
        item = make_sku(session, available=1)
        order, payment = late(session, now, sku=item)
        make_order(session, now=now, sku=item)
        session.commit()

        self.assert_refused(session, order, payment, now)

    @pytest.mark.usefixtures("willing")
    def test_what_is_no_longer_offered(self, session, now):
        order, payment = late(session, now)
        session.execute(text("UPDATE sku SET is_active = false"))
        session.commit()

        self.assert_refused(session, order, payment, now)

    @pytest.mark.usefixtures("willing")
    def test_an_order_without_a_record_of_what_was_priced(self, session, now):
        order, payment = late(session, now)
        order.quote_input = None
        session.commit()

        self.assert_refused(session, order, payment, now)

    @pytest.mark.usefixtures("willing")
    def test_other_money_than_it_costs(self, session, now):
        order, _ = late(session, now)

        assert not orders.revive(
            session,
            order_id=order.id,
            transaction_id="42",
            paid_fen=order.payable_fen + 1,
            paid_at=now,
            now=now,
        )


@pytest.mark.usefixtures("willing")
class TestPromotions:
    def test_its_coupon_is_held_and_used_again(self, session, now, template, give, breaches):
        buyer = make_member(session)
        coupon_id = give(template, buyer)
        order, payment = late(session, now, buyer=buyer)
        assert order.discount_fen == 1000
        assert coupon_status(session, coupon_id) == "issued"

        assert pay(session, payment, now) == "paid"

        assert coupon_status(session, coupon_id) == "used"
        assert breaches() == []

    def test_a_coupon_that_went_to_another_order_is_not_there(
        self, session, now, template, give, breaches
    ):
        buyer = make_member(session)
        coupon_id = give(template, buyer)
        _, payment = late(session, now, buyer=buyer)
        make_order(session, now=now, buyer=buyer)
        session.commit()

        assert pay(session, payment, now) == "paid_late"

        assert coupon_status(session, coupon_id) == "held"
        assert breaches() == []

    @pytest.mark.parametrize("limit", [{"max_uses": 1}, {"budget_fen": 3000}])
    def test_a_limit_that_others_used_up_is_not_passed(self, session, now, limit, breaches):
        make_published(session, steps=[(5000, 3000)], starts_at=now, now=now, **limit)
        order, payment = late(session, now)
        assert order.discount_fen == 3000
        make_order(session, now=now)
        session.commit()

        assert pay(session, payment, now) == "paid_late"
        assert breaches() == []

    def test_a_limit_that_has_room_is_taken_again(self, session, now, breaches):
        make_published(session, steps=[(5000, 3000)], starts_at=now, now=now, max_uses=1)
        _, payment = late(session, now)

        assert pay(session, payment, now) == "paid"
        assert breaches() == []

    def test_what_is_over_is_not_given(self, session, now, breaches):
        made = make_published(session, steps=[(5000, 3000)], starts_at=now, now=now)
        _, payment = late(session, now)
        campaigns.end(session, promotion_id=made.id, staff_id=STAFF, now=now)
        session.commit()

        assert pay(session, payment, now) == "paid_late"
        assert breaches() == []

    def test_what_was_for_new_buyers_goes_back(self, session, now, breaches):
        make_published(
            session, steps=[(5000, 3000)], audience={"is_new": True}, starts_at=now, now=now
        )
        order, payment = late(session, now)
        assert order.discount_fen == 3000

        assert pay(session, payment, now) == "paid_late"
        assert breaches() == []

    def test_a_gift_comes_with_it_again_or_not_at_all(
        self, session, now, with_gift, gift, breaches
    ):
        with_gift(threshold=5000)
        orders_and_payments = [late(session, now) for _ in range(4)]

        outcomes = [pay(session, payment, now) for _, payment in orders_and_payments]

        assert outcomes == ["paid", "paid", "paid", "paid_late"]
        assert session.get_one(Sku, gift.id, populate_existing=True).available == 0
        assert breaches() == []


def test_a_stored_quote_takes_what_the_quote_itself_took(session, now, with_gift):
    with_gift(threshold=5000)
    make_published(
        session, kind="limited_time", terms={"off_fen": 100}, starts_at=now, now=now, **AGREED
    )
    order = make_order(session, now=now)
    stored = limits.uses_of_stored(queries.quote_of(order))

    assert stored
    assert {use.promotion_id for use in stored} == set(
        session.scalars(
            select(PromotionReservation.promotion_id).where(
                PromotionReservation.source == order.source
            )
        )
    )
    assert sum(use.units for use in stored) == 1
    assert [gift for use in stored for gift in use.gifts]


@pytest.mark.race
def test_the_last_piece_goes_to_one_of_ten_late_payments(app, session, now, willing):
    item = make_sku(session, available=1)
    payments = []
    for _ in range(10):
        _, payment = late(session, now, sku=item)
        payments.append(payment.id)
    facts = [trade_fact(session.get_one(Payment, payment_id), now=now) for payment_id in payments]
    barrier = threading.Barrier(len(facts))

    def work(fact):
        with app.app_context():
            barrier.wait()
            with transaction() as own:
                applying.apply_trade(own, fact, now=now)
            db.session.remove()

    threads = [threading.Thread(target=work, args=(fact,)) for fact in facts]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    session.rollback()
    statuses = sorted(session.scalars(select(Payment.status)))
    assert statuses == ["paid"] + ["paid_late"] * 9
    after = session.get_one(Sku, item.id, populate_existing=True)
    assert (after.available, after.held, after.sold) == (0, 0, 1)
    assert breaches_of(session) == []
