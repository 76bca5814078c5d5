"""What the end of a bulk buy brings each order: exactly and once, whatever came before or after."""

import pytest

from app.aftersales import queries as cases
from app.aftersales import service as aftersales
from app.aftersales.models import AfterSaleStatus
from app.marketing.service import Choice
from app.orders import lowering, refunds
from app.orders import service as orders
from app.orders.leaving import DealUndecided
from app.orders.models import OrderStatus
from promotions.bulk_buys import ShareState
from tests.builders.bulk_buys import end
from tests.builders.coupons import coupon_status, make_coupon
from tests.builders.orders import PARCEL
from tests.builders.payments import pay_order, settle_refund
from tests.builders.staff import make_staff


def ask(deal, order, pieces=None):
    """The buyer asks for the money of pieces (by line number from 0), or of all, back."""
    fresh = deal.fresh(order)
    lines = None if pieces is None else {fresh.lines[n].id: count for n, count in pieces.items()}
    return aftersales.apply(
        deal.session,
        order_no=order.order_no,
        buyer_id=order.buyer_id,
        wish=aftersales.Wish(quantities=lines),
        reason="不想要了",
        now=deal.now,
    )


def give(deal, order, pieces=None):
    """Staff give the money of pieces, or of all, back, and it arrives."""
    staff = make_staff(deal.session)
    case = ask(deal, order, pieces)
    aftersales.approve(
        deal.session, after_sale_no=case.after_sale_no, staff_id=staff.id, now=deal.now
    )
    deal.money_arrives()
    aftersales.settle(deal.session, source=case.source, now=deal.now)
    return case


def finish(deal, *paid):
    assert deal.close()
    for order in paid:
        assert deal.settle(order)
        assert not deal.settle(order)
    deal.money_arrives()


class TestTiers:
    def test_everybody_gets_back_what_the_tier_reached_is_cheaper_by(self, deal, all_hold):
        one, other = deal.paid(3), deal.paid(15, 4)
        assert deal.standing().collected == 22

        finish(deal, one, other)

        assert deal.fresh(one).refunded_fen == 3 * 2_000
        assert deal.fresh(other).refunded_fen == 15 * 2_000 + 4 * 1_002
        assert {deal.share(order).state for order in (one, other)} == {ShareState.LOWERED}
        all_hold()

    def test_nothing_goes_back_at_the_first_price(self, deal, all_hold):
        order = deal.paid(9)

        finish(deal, order)

        assert deal.refunds() == []
        assert deal.share(order).state is ShareState.KEPT
        all_hold()

    def test_goods_the_tier_does_not_make_cheaper_bring_nothing(self, deal, all_hold):
        order = deal.paid(2, 8)

        finish(deal, order)

        assert [line.final_fen for line in deal.fresh(order).lines] == [2 * 8_900, 8 * 5_003]
        assert deal.fresh(order).refunded_fen == 2_000
        all_hold()

    def test_what_has_been_shipped_and_received_gets_its_difference_too(self, deal, all_hold):
        order = deal.paid(20)
        orders.ship(deal.session, order_no=order.order_no, now=deal.now, **PARCEL)
        orders.receive(deal.session, order_no=order.order_no, buyer_id=order.buyer_id, now=deal.now)

        finish(deal, order)

        fresh = deal.fresh(order)
        assert (fresh.status, fresh.refunded_fen) == (OrderStatus.RECEIVED, 40_000)
        assert fresh.lines[0].restocked_quantity == 0
        all_hold()

    def test_unpaid_orders_are_waited_for_and_late_money_gets_the_price_reached(
        self, deal, all_hold
    ):
        paid, unpaid = deal.paid(10), deal.order(10)
        assert not deal.close()

        orders.cancel(
            deal.session, order_no=unpaid.order_no, buyer_id=unpaid.buyer_id, now=deal.now
        )
        assert not deal.close()
        orders.close(deal.session, order_id=unpaid.id, reason="buyer", now=deal.now)

        finish(deal, paid)
        assert deal.standing().tier == 1
        all_hold()

    def test_it_ends_when_staff_end_it(self, deal):
        deal.paid(10)
        end(deal.session, deal.promotion, now=deal.now)

        assert deal.close()


class TestCoupons:
    def test_what_a_coupon_paid_stays_paid_and_the_coupon_used(self, deal, buyer, all_hold):
        coupon = make_coupon(
            deal.session,
            member_id=buyer.id,
            starts_at=deal.now,
            now=deal.now,
            terms={"threshold_fen": 0, "off_fen": 5_000},
        )
        order = deal.paid(1, buyer=buyer, choice=Choice(coupon_ids=(coupon.id,)))
        other = deal.paid(19)
        assert order.lines[0].payable_fen == 4_900

        finish(deal, order, other)

        assert deal.fresh(order).refunded_fen == 2_000
        assert coupon_status(deal.session, coupon.id) == "used"
        all_hold()

    def test_a_price_that_falls_to_nothing_leaves_the_goods_with_the_buyer(
        self, deal, buyer, all_hold
    ):
        coupon = make_coupon(
            deal.session,
            member_id=buyer.id,
            starts_at=deal.now,
            now=deal.now,
            terms={"threshold_fen": 0, "off_fen": 9_000},
        )
        order = deal.paid(1, buyer=buyer, choice=Choice(coupon_ids=(coupon.id,)))
        other = deal.paid(19)
        finish(deal, order, other)

        fresh = deal.fresh(order)
        assert fresh.lines[0].refunded_fen == 900
        assert fresh.status == OrderStatus.PAID
        assert coupon_status(deal.session, coupon.id) == "used"
        assert orders.ship(deal.session, order_no=order.order_no, now=deal.now, **PARCEL)
        all_hold()


class TestReturns:
    def test_pieces_returned_before_do_not_count_and_bring_what_was_paid(self, deal, all_hold):
        order, other = deal.paid(5), deal.paid(7)
        give(deal, order, {0: 3})
        assert deal.standing().collected == 9
        deal.paid(1)

        finish(deal, order, other)

        assert deal.standing().tier == 1
        assert deal.fresh(order).refunded_fen == 3 * 9_900 + 2 * 1_000
        all_hold()

    def test_pieces_returned_later_bring_what_they_cost_in_the_end(self, deal, all_hold):
        """Else two pieces for 79 each, one given back for 99, would leave one for 59."""
        order = deal.paid(20)
        finish(deal, order)

        give(deal, order, {0: 1})
        assert deal.fresh(order).refunded_fen == 20 * 2_000 + 7_900
        all_hold()
        give(deal, order)

        fresh = deal.fresh(order)
        assert (fresh.status, fresh.refunded_fen) == (OrderStatus.REFUNDED, fresh.paid_fen)
        all_hold()

    def test_an_order_refunded_whole_before_is_due_nothing(self, deal, all_hold):
        order = deal.paid(20)
        give(deal, order)

        finish(deal, order)

        assert deal.share(order).state is ShareState.GONE
        assert deal.standing().collected == 0
        all_hold()

    def test_what_the_buyer_has_asked_for_is_decided_first(self, deal, all_hold):
        order = deal.paid(20)
        case = ask(deal, order, {0: 4})
        deal.close()
        assert not deal.settle(order)

        staff = make_staff(deal.session)
        aftersales.approve(
            deal.session, after_sale_no=case.after_sale_no, staff_id=staff.id, now=deal.now
        )
        assert deal.settle(order)
        deal.money_arrives()

        assert deal.fresh(order).refunded_fen == 4 * 9_900 + 16 * 2_000
        all_hold()

    def test_a_refund_that_is_abandoned_counts_its_pieces_again(self, deal):
        order = deal.paid(3)
        line = order.lines[0]
        begin = {"order_id": order.id, "refund_source": "test:1"}
        refunds.begin_refund(
            deal.session,
            **begin,
            line_amounts={line.id: line.payable_fen},
            quantities={line.id: 3},
            freight_fen=0,
            now=deal.now,
        )
        assert deal.standing().collected == 0

        refunds.abandon_refund(deal.session, **begin, now=deal.now)

        assert deal.standing().collected == 3

    def test_a_price_falls_once(self, deal):
        order = deal.paid(20)
        finish(deal, order)
        fresh = deal.fresh(order)

        with pytest.raises(AssertionError, match="costs 158000 already"):
            lowering.lower(deal.session, fresh.lines, {deal.skus[0]: 1})


class TestFixed:
    def test_too_few_pieces_bring_everything_back_with_freight(self, fixed, all_hold):
        order = fixed.paid(2, 1)
        available = order.lines[0].quantity

        finish(fixed, order)

        fresh = fixed.fresh(order)
        assert order.freight_fen > 0
        assert (fresh.status, fresh.refunded_fen) == (OrderStatus.REFUNDED, order.payable_fen)
        assert fresh.lines[0].restocked_quantity == available
        assert fixed.share(order).state is ShareState.FAILED
        all_hold()

    def test_enough_pieces_keep_the_price(self, fixed, all_hold):
        order = fixed.paid(5)

        finish(fixed, order)

        assert fixed.share(order).state is ShareState.KEPT
        assert orders.ship(fixed.session, order_no=order.order_no, now=fixed.now, **PARCEL)
        all_hold()

    def test_nothing_is_shipped_before_it_is_decided(self, fixed):
        order = fixed.paid(5)

        with pytest.raises(DealUndecided):
            orders.ship(fixed.session, order_no=order.order_no, now=fixed.now, **PARCEL)

    def test_with_tiers_alone_it_is_shipped_at_once(self, deal):
        order = deal.paid(1)

        assert orders.ship(deal.session, order_no=order.order_no, now=deal.now, **PARCEL)

    def test_what_the_buyer_has_asked_for_gives_way(self, fixed, all_hold):
        order = fixed.paid(4)
        case = ask(fixed, order, {0: 1})

        finish(fixed, order)

        told = cases.get(fixed.session, after_sale_no=case.after_sale_no)
        assert (told.status, told.answer[:2]) == (AfterSaleStatus.CANCELLED, "团购")
        assert fixed.fresh(order).status == OrderStatus.REFUNDED
        all_hold()

    def test_a_refund_under_way_keeps_its_part(self, fixed, all_hold):
        order = fixed.paid(4)
        staff = make_staff(fixed.session)
        case = ask(fixed, order, {0: 1})
        aftersales.approve(
            fixed.session, after_sale_no=case.after_sale_no, staff_id=staff.id, now=fixed.now
        )

        finish(fixed, order)

        assert sorted(refund.amount_fen for refund in fixed.refunds()) == sorted(
            [9_900, order.payable_fen - 9_900]
        )
        assert fixed.fresh(order).status == OrderStatus.REFUNDED
        all_hold()

    def test_money_that_comes_after_it_has_failed_goes_back(self, fixed, all_hold):
        """An order of the last moment, placed by a request that began before the end."""
        assert fixed.close()
        late = fixed.order(1)
        pay_order(fixed.session, order=late, now=fixed.now)

        assert fixed.settle(late)
        for refund in fixed.refunds():
            settle_refund(fixed.session, refund=refund, now=fixed.ends_at)

        assert fixed.fresh(late).status == OrderStatus.REFUNDED
        assert fixed.standing().collected == 0
        all_hold()
