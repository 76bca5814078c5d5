"""A gift goes with the goods that earned it: by stored facts, cancelled or paid for."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.catalogue.models import Sku
from app.core.auth import Audience
from app.orders import queries as orders
from app.orders import returning
from app.orders import service as order_moves
from app.orders import verify as orders_verify
from app.orders.models import LineKind
from app.payments.models import Refund
from promotions import campaigns
from tests.app.aftersales.test_pieces import breaches, give_back, pieces
from tests.builders.aftersales import make_paid_order
from tests.builders.catalogue import make_sku
from tests.builders.orders import PARCEL
from tests.builders.promotions import make_published
from tests.builders.staff import make_staff


def make_gift_campaign(session, now, gift, *, threshold, value_fen=500, **terms):
    tier = {
        "threshold": threshold,
        "gifts": [{"sku_id": gift.id, "quantity": 1, "value_fen": value_fen}],
    }
    return make_published(
        session,
        kind="spend_and_gift",
        terms={"tiers": [tier], **terms},
        starts_at=now,
        now=now,
    )


@pytest.fixture
def gift(session):
    return make_sku(session, title="杯垫", price_fen=900, available=9)


@pytest.fixture
def order(session, now, gift):
    """Three pieces of 40 yuan; from 80 yuan on a gift worth 5 yuan. Without freight."""
    make_gift_campaign(session, now, gift, threshold=8000)
    cup = make_sku(session, price_fen=4000)
    order = make_paid_order(session, now=now, quantities={cup.id: 3})
    session.commit()
    return orders.get(session, order_no=order.order_no)


def shelf(session, sku):
    session.refresh(sku)
    return sku.available, sku.sold


class TestBeforeShipping:
    def test_as_long_as_the_condition_holds_the_gift_stays(self, session, order, gift, now):
        cups, coaster = order.lines

        assert give_back(session, order, {cups.id: 1}, now, make_staff(session).id) == 4000

        assert coaster.refunded_quantity == 0
        assert shelf(session, gift) == (8, 1)
        assert breaches(session) == []

    def test_once_it_fails_the_gift_is_cancelled_and_nothing_is_deducted(
        self, client, apply, session, order, gift, now, token_for
    ):
        cups, _ = order.lines
        buyer = token_for(Audience.SHOPPER, order.buyer_id)

        shown = client.post(
            "/api/v1/after-sales/preview",
            json={"order_no": order.order_no, "lines": pieces(cups, 2)},
            headers=buyer,
        ).json
        case = apply(order.order_no, buyer, lines=pieces(cups, 2)).json

        assert case["breakdown"].items() <= shown.items()
        assert [
            (line["kind"], line["quantity"], line["amount_fen"]) for line in shown["lines"]
        ] == [
            ("goods", 2, 8000),
            ("gift", 1, 0),
        ]
        assert (shown["amount_fen"], shown["deducted_fen"]) == (8000, 0)

    def test_it_is_for_sale_again_when_the_money_is_back(self, session, order, gift, now):
        cups, coaster = order.lines

        give_back(session, order, {cups.id: 2}, now, make_staff(session).id)

        session.refresh(coaster)
        assert (coaster.refunded_quantity, coaster.restocked_quantity) == (1, 1)
        assert shelf(session, gift) == (9, 0)
        assert orders.get(session, order_no=order.order_no).status == "paid"
        assert breaches(session) == []

    def test_parts_count_together(self, session, order, gift, now):
        cups, _ = order.lines
        staff_id = make_staff(session).id

        shelves = []
        for _ in range(3):
            give_back(session, order, {cups.id: 1}, now, staff_id)
            shelves.append(shelf(session, gift))

        assert shelves == [(8, 1), (9, 0), (9, 0)]
        assert orders.get(session, order_no=order.order_no).status == "refunded"
        assert breaches(session) == []

    def test_todays_terms_do_not_matter(self, session, order, gift, now):
        cups, _ = order.lines
        promotion_id = order.lines[1].promotion_id
        campaigns.end(session, promotion_id=promotion_id, staff_id=1, now=now)
        make_gift_campaign(session, now, gift, threshold=1)

        plan = returning.plan(order, order.lines, {cups.id: 2})

        assert [line.kind for line in plan.lines] == ["goods", "gift"]

    def test_of_gifts_for_every_so_much_only_what_is_not_earned_goes(self, session, gift, now):
        make_gift_campaign(session, now, gift, threshold=4000, max_times=5)
        cup = make_sku(session, price_fen=4000)
        order = make_paid_order(session, now=now, quantities={cup.id: 3})
        cups, coasters = orders.lines(session, order_id=order.id)
        staff_id = make_staff(session).id
        assert coasters.quantity == 3

        give_back(session, order, {cups.id: 2}, now, staff_id)

        session.refresh(coasters)
        assert (coasters.quantity, coasters.refunded_quantity) == (3, 2)
        assert breaches(session) == []

    def test_by_pieces_pieces_count(self, session, gift, now):
        make_gift_campaign(session, now, gift, threshold=2, measure="pieces")
        cup = make_sku(session, price_fen=4000)
        order = make_paid_order(session, now=now, quantities={cup.id: 3})
        lines = orders.lines(session, order_id=order.id)

        kinds = [
            [line.kind for line in returning.plan(order, lines, {lines[0].id: count}).lines]
            for count in (1, 2)
        ]

        assert kinds == [["goods"], ["goods", "gift"]]

    def test_a_gift_alone_may_be_given_up(self, session, order, gift, now):
        _, coaster = order.lines

        assert give_back(session, order, {coaster.id: 1}, now, make_staff(session).id) == 0

        assert shelf(session, gift) == (9, 0)
        assert orders.get(session, order_no=order.order_no).status == "paid"
        assert breaches(session) == []


class TestAfterShipping:
    """What comes back then is not asked for yet; what it would bring is settled."""

    @pytest.fixture
    def shipped(self, session, order, now):
        order_moves.ship(session, order_no=order.order_no, now=now, **PARCEL)
        return orders.get(session, order_no=order.order_no)

    def test_the_value_of_a_gift_that_stays_is_deducted(self, shipped):
        cups, coaster = shipped.lines

        plan = returning.plan(shipped, shipped.lines, {cups.id: 2})

        assert (plan.amount_fen, plan.deducted_fen) == (7500, 500)
        assert plan.line_amounts == {cups.id: 7500}
        assert [(line.line_id, line.deducted_fen) for line in plan.lines] == [
            (cups.id, 0),
            (coaster.id, 500),
        ]

    def test_a_gift_that_comes_back_costs_nothing(self, shipped):
        cups, coaster = shipped.lines

        plan = returning.plan(shipped, shipped.lines, {cups.id: 2, coaster.id: 1})

        assert (plan.amount_fen, plan.deducted_fen) == (8000, 0)

    def test_it_is_deducted_once(self, session, shipped, now):
        cups, _ = shipped.lines
        plan = returning.plan(shipped, shipped.lines, {cups.id: 2})
        parts = {
            "line_amounts": plan.line_amounts,
            "quantities": plan.quantities,
            "retained": plan.retained,
        }
        order_moves.begin_refund(
            session, order_id=shipped.id, refund_source="x", freight_fen=0, now=now, **parts
        )

        rest = returning.plan(shipped, orders.lines(session, order_id=shipped.id), {cups.id: 1})

        assert (rest.amount_fen, rest.deducted_fen) == (4000, 0)
        assert list(orders_verify.verify(session)) == []

    def test_never_more_is_deducted_than_comes_back(self, session, now, gift):
        make_gift_campaign(session, now, gift, threshold=100, value_fen=5000)
        cup = make_sku(session, price_fen=4000)
        order = make_paid_order(session, now=now, quantities={cup.id: 1})
        order_moves.ship(session, order_no=order.order_no, now=now, **PARCEL)
        shipped = orders.get(session, order_no=order.order_no)

        plan = returning.plan(shipped, shipped.lines, {shipped.lines[0].id: 1})

        assert (plan.amount_fen, plan.deducted_fen) == (0, 4000)


def test_a_paid_gift_line_needs_no_refund_of_its_own(session, order, now):
    cups, _ = order.lines
    give_back(session, order, None, now, make_staff(session).id)

    refund = session.scalar(select(Refund))
    assert set(refund.line_amounts) == {str(cups.id)}
    assert orders.get(session, order_no=order.order_no).status == "refunded"


@pytest.mark.slow
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_with_gifts_too_all_parts_sum_to_what_was_paid(session, now, data):
    gift = make_sku(session, available=50)
    agreed = {"tags": ("a",), "agrees_with": ("a",), "starts_at": now, "now": now}
    make_published(session, steps=[(3000, 777)], **agreed)
    tier = {"threshold": 2500, "gifts": [{"sku_id": gift.id, "quantity": 2, "value_fen": 99}]}
    terms = {"tiers": [tier], "max_times": data.draw(st.integers(1, 3))}
    make_published(session, kind="spend_and_gift", terms=terms, **agreed)
    wanted = {
        make_sku(session, price_fen=fen).id: data.draw(st.integers(1, 4)) for fen in (999, 1501)
    }
    order = make_paid_order(session, now=now, quantities=wanted)
    staff_id, parts, kept = make_staff(session).id, [], []
    while order.status != "refunded":
        lines = orders.lines(session, order_id=order.id)
        goods = [line for line in lines if line.kind == LineKind.GOODS]
        asked = {
            line.id: data.draw(st.integers(0, line.quantity - line.refunded_quantity))
            for line in goods
        }
        asked = {id_: count for id_, count in asked.items() if count}
        parts.append(give_back(session, order, asked or None, now, staff_id))
        order = orders.get(session, order_no=order.order_no)
        kept += [
            line.quantity - line.refunded_quantity
            for line in order.lines
            if line.kind == LineKind.GIFT
        ]

    assert sum(parts) == order.paid_fen == order.refunded_fen
    assert kept == sorted(kept, reverse=True)
    assert session.get(Sku, gift.id, populate_existing=True).available == 50
    assert breaches(session) == []
    session.rollback()
