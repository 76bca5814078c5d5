"""Goods that come back: by parcel, accepted in part, exchanged, and what time does to a case."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.aftersales import queries, service
from app.aftersales.service import Parcel, Terms
from app.catalogue.models import Sku
from app.catalogue.stock import OutOfStock
from app.core.errors import Invalid
from app.orders import fulfilment, leaving
from app.orders import queries as orders
from app.orders.returning import ReturnExceedsLine
from app.payments.models import Refund
from tests.builders.aftersales import (
    BACK,
    EXCHANGE,
    RETURN,
    arrive,
    breaches_of,
    lines,
    make_case,
    receive,
    sent,
    stock,
)
from tests.builders.orders import PARCEL
from tests.builders.staff import make_staff


@pytest.fixture
def returned(session, shipped, staff, now):
    """A case about two cups, whose goods are on their way to the shop."""
    return sent(session, shipped, staff, now)


class TestReturning:
    def test_goods_then_money_then_the_shelf(self, session, shipped, returned, staff, now):
        cup = lines(session, shipped)[0]
        before = stock(session, cup)
        assert (returned.status, returned.amount_fen) == ("sent", 19_800)
        assert session.scalar(select(Refund)) is None

        case = receive(session, returned, staff, now)
        arrive(session, case, now)

        assert case.status == "refunded"
        assert stock(session, cup) == (before[0] + 2, 0, before[2] - 2)
        order = orders.get(session, order_no=shipped.order_no)
        assert (order.refunded_fen, order.freight_refunded_fen, order.open_cases) == (19_800, 0, 0)
        assert breaches_of(session) == []

    def test_what_cannot_be_sold_again_stays_off_the_shelf(
        self, session, shipped, returned, staff, now
    ):
        before = stock(session, lines(session, shipped)[0])

        receive(session, returned, staff, now, is_sellable=False)

        assert stock(session, lines(session, shipped)[0]) == before

    def test_part_is_accepted_and_the_rest_goes_back_with_a_reason(
        self, session, shipped, returned, staff, now
    ):
        cup = lines(session, shipped)[0]

        case = receive(
            session, returned, staff, now, accepted={cup.id: 1}, answer="一件有划痕", refused=BACK
        )
        arrive(session, case, now)

        shown = queries.whole(session, after_sale_no=case.after_sale_no)
        assert (shown.amount_fen, shown.accepted) == (9900, {str(cup.id): 1})
        assert [each.way for each in shown.parcels] == ["back", "refused"]
        assert shown.entries[-2].words == "一件有划痕"
        assert breaches_of(session) == []

    def test_what_is_accepted_of_less_than_the_share_is_less_in_proportion(
        self, session, shipped, staff, now
    ):
        terms = Terms(amount_fen=9901, freight_fen=500, return_to="广州市仓库")
        case = sent(session, shipped, staff, now, terms=terms)
        assert (case.amount_fen, case.return_to) == (10_401, "广州市仓库")

        case = receive(
            session, case, staff, now, accepted={lines(session, shipped)[0].id: 1}, answer="少一件"
        )

        assert case.amount_fen == 9900 * 9901 // 19_800 + 500
        line = lines(session, shipped)[0]
        assert line.retained_fen == 9900 - 4950
        assert breaches_of(session) == []

    def test_nothing_accepted_is_a_no_that_can_be_appealed(
        self, session, shipped, returned, staff, now
    ):
        case = receive(session, returned, staff, now, accepted={}, answer="空包裹", refused=BACK)
        assert (case.status, case.decided_by) == ("rejected", staff.id)

        number = {"after_sale_no": case.after_sale_no, "now": now}
        case = service.appeal(session, buyer_id=shipped.buyer_id, words="有视频", **number)
        with pytest.raises(service.SecondLookBySame):
            service.approve(session, staff_id=staff.id, **number)
        assert breaches_of(session) == []
        case = service.approve(session, staff_id=make_staff(session).id, **number)

        assert case.status == "sending"
        assert breaches_of(session) == []

    def test_more_than_was_asked_or_less_without_a_word_is_refused(
        self, session, shipped, returned, staff, now
    ):
        cup, other = lines(session, shipped)[:2]
        for wrong in ({cup.id: 3}, {other.id: 1}):
            with pytest.raises(service.AcceptedExceedsSent):
                receive(session, returned, staff, now, accepted=wrong, answer="x")
        with pytest.raises(Invalid):
            receive(session, returned, staff, now, accepted={cup.id: 1})

        assert queries.get(session, after_sale_no=returned.after_sale_no).status == "sent"

    def test_a_wrong_number_is_corrected_and_both_are_kept(self, session, shipped, returned, now):
        service.send(
            session,
            after_sale_no=returned.after_sale_no,
            buyer_id=shipped.buyer_id,
            parcel=Parcel("ZTO", "中通快递", "ZT999999"),
            now=now,
        )

        shown = queries.whole(session, after_sale_no=returned.after_sale_no)
        assert [each.tracking_no for each in shown.parcels] == ["ZT1234567890", "ZT999999"]
        assert shown.due_at == now + timedelta(days=10)


class TestSeveralCases:
    def test_may_be_open_as_long_as_their_pieces_differ(self, session, shipped, staff, now):
        cup, other = lines(session, shipped)[:2]
        cases = [
            make_case(session, order=shipped, kind=kind, pieces={line.id: 1}, now=now)
            for kind, line in ((RETURN, cup), (EXCHANGE, cup), (RETURN, other))
        ]

        with pytest.raises(ReturnExceedsLine):
            make_case(session, order=shipped, kind=RETURN, pieces={cup.id: 1}, now=now)
        with pytest.raises(service.AfterSaleOpen):
            make_case(session, order=shipped, kind=RETURN, now=now)

        assert orders.get(session, order_no=shipped.order_no).open_cases == 3
        assert [case.amount_fen for case in cases] == [9900, 0, 3333]
        assert breaches_of(session) == []
        service.reject(
            session, after_sale_no=cases[0].after_sale_no, staff_id=staff.id, answer="x", now=now
        )
        assert make_case(session, order=shipped, kind=RETURN, now=now).amount_fen == 9900

    def test_the_order_is_not_completed_meanwhile(self, session, shipped, now):
        fulfilment.receive(session, order_no=shipped.order_no, buyer_id=shipped.buyer_id, now=now)
        case = make_case(session, order=shipped, kind=RETURN, now=now)
        later = now + timedelta(days=8)
        assert fulfilment.complete_due(session, now=later) == 0

        service.cancel(session, after_sale_no=case.after_sale_no, buyer_id=case.buyer_id, now=later)

        with pytest.raises(service.OutsideAfterSales):
            make_case(session, order=shipped, kind=RETURN, now=later)
        assert fulfilment.complete_due(session, now=later) == 1

    def test_freight_of_what_never_left_goes_with_the_last_of_two_cases(
        self, session, order, staff, now
    ):
        cup, other = lines(session, order)[:2]
        cases = [
            make_case(session, order=order, pieces=pieces, now=now)
            for pieces in ({cup.id: 2}, {other.id: 1})
        ]
        for case in cases:
            service.approve(session, after_sale_no=case.after_sale_no, staff_id=staff.id, now=now)

        session.expire_all()
        assert [case.amount_fen for case in cases] == [19_800, 3333 + 1200]
        for case in cases:
            arrive(session, case, now)
        assert orders.get(session, order_no=order.order_no).status == "refunded"
        assert breaches_of(session) == []

    def test_pieces_a_case_would_cancel_stay_asked_for_when_they_leave(self, session, order, now):
        cup = lines(session, order)[0]
        make_case(session, order=order, pieces={cup.id: 1}, now=now)
        leaving.ship(session, order_no=order.order_no, now=now, **PARCEL)
        session.refresh(order)

        with pytest.raises(ReturnExceedsLine) as refused:
            make_case(session, order=order, kind=RETURN, pieces={cup.id: 2}, now=now)
        case = make_case(session, order=order, kind=RETURN, pieces={cup.id: 1}, now=now)

        assert refused.value.members["left"] == 1
        assert case.amount_fen == 9_900
        assert breaches_of(session) == []

    def test_what_has_left_is_not_cancelled_by_an_appeal(self, session, order, staff, now):
        case = make_case(session, order=order, now=now)
        number = {"after_sale_no": case.after_sale_no, "now": now}
        service.reject(session, staff_id=staff.id, answer="已在打包", **number)
        leaving.ship(session, order_no=order.order_no, now=now, **PARCEL)

        with pytest.raises(service.KindForbids):
            service.appeal(session, buyer_id=case.buyer_id, words="不要了", **number)

        assert case.status == "rejected"
        assert breaches_of(session) == []


class TestMoneyForGoodsThatStay:
    def test_is_at_most_what_the_pieces_cost_and_the_goods_can_come_back_for_the_rest(
        self, session, shipped, staff, now
    ):
        cup = lines(session, shipped)[0]
        with pytest.raises(service.AmountExceedsShare):
            make_case(session, order=shipped, pieces={cup.id: 2}, amount_fen=19_801, now=now)
        case = make_case(session, order=shipped, pieces={cup.id: 2}, amount_fen=800, now=now)
        case = service.approve(
            session,
            after_sale_no=case.after_sale_no,
            staff_id=staff.id,
            terms=Terms(amount_fen=500),
            now=now,
        )
        arrive(session, case, now)

        line = lines(session, shipped)[0]
        assert (line.refunded_fen, line.refunded_quantity, line.retained_fen) == (500, 0, 0)
        back = make_case(session, order=shipped, kind=RETURN, pieces={cup.id: 2}, now=now)
        assert back.amount_fen == 19_300
        assert breaches_of(session) == []

    def test_what_has_not_left_is_cancelled_for_all_it_cost(self, session, order, now):
        with pytest.raises(service.AmountIsFixed):
            make_case(session, order=order, amount_fen=1, now=now)
        for kind in (RETURN, EXCHANGE):
            with pytest.raises(service.KindForbids):
                make_case(session, order=order, kind=kind, now=now)


class TestExchanging:
    def test_the_same_goods_leave_again_and_no_money_moves(self, session, shipped, staff, now):
        cup = lines(session, shipped)[0]
        available, _, sold = stock(session, cup)
        case = sent(session, shipped, staff, now, kind=EXCHANGE)
        assert stock(session, cup) == (available - 2, 2, sold)

        case = receive(session, case, staff, now, accepted={cup.id: 1}, answer="一件没坏")
        assert stock(session, cup) == (available, 1, sold)
        assert breaches_of(session) == []
        case = service.ship(
            session, after_sale_no=case.after_sale_no, staff_id=staff.id, parcel=BACK, now=now
        )

        assert (case.status, case.amount_fen) == ("exchanged", 0)
        assert stock(session, cup) == (available, 0, sold + 1)
        assert session.scalar(select(Refund)) is None
        assert orders.get(session, order_no=shipped.order_no).open_cases == 0
        assert breaches_of(session) == []

    @pytest.mark.parametrize("end", ["cancel", "refuse"])
    def test_what_was_held_is_on_sale_again_if_it_comes_to_nothing(
        self, session, shipped, staff, now, end
    ):
        before = stock(session, lines(session, shipped)[0])
        case = make_case(session, order=shipped, kind=EXCHANGE, now=now)
        number = {"after_sale_no": case.after_sale_no, "now": now}
        service.approve(session, staff_id=staff.id, **number)
        if end == "cancel":
            service.cancel(session, buyer_id=case.buyer_id, **number)
        else:
            receive(session, case, staff, now, accepted={}, answer="没有问题")

        assert stock(session, lines(session, shipped)[0]) == before
        assert breaches_of(session) == []

    def test_without_stock_it_is_not_agreed_to(self, session, shipped, staff, now):
        session.get(Sku, lines(session, shipped)[0].sku_id).available = 1
        case = make_case(session, order=shipped, kind=EXCHANGE, now=now)

        with pytest.raises(OutOfStock):
            service.approve(session, after_sale_no=case.after_sale_no, staff_id=staff.id, now=now)

    def test_it_brings_no_money(self, session, shipped, staff, now):
        with pytest.raises(service.KindForbids):
            make_case(session, order=shipped, kind=EXCHANGE, amount_fen=1, now=now)
        case = make_case(session, order=shipped, kind=EXCHANGE, now=now)
        with pytest.raises(service.KindForbids):
            service.approve(
                session,
                after_sale_no=case.after_sale_no,
                staff_id=staff.id,
                terms=Terms(freight_fen=1),
                now=now,
            )
