"""Refunds as the order sees them: within what was paid, each once, goods and commission too."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.orders import queries
from app.orders import service as orders
from app.orders.models import OrderStatus
from app.orders.service import NotRefundable, RefundExceedsPaid, RefundUnknown
from tests.builders.catalogue import make_freight_template, make_sku
from tests.builders.distribution import make_chain, make_rules
from tests.builders.members import make_member
from tests.builders.orders import make_order, refund_all
from tests.builders.promotions import make_published


@pytest.fixture
def two_lines(session, now):
    """Make a paid order of 60 + 40 yuan, 10 off and 8 of freight: lines pay 54 and 36."""

    def make(status=OrderStatus.PAID, buyer=None):
        template = make_freight_template(session)
        skus = [
            make_sku(session, price_fen=6000, freight_template=template),
            make_sku(session, price_fen=4000),
        ]
        make_published(session, steps=[(10_000, 1000)], starts_at=now, now=now)
        wanted = {sku.id: 1 for sku in skus}
        order = make_order(session, now=now, buyer=buyer, quantities=wanted, status=status)
        session.commit()
        return order

    return make


def begin(session, order, now, *amounts, freight_fen=0, source="after_sale:1"):
    lines = queries.lines(session, order_id=order.id)
    pairs = zip(lines, amounts, strict=False)
    return orders.begin_refund(
        session,
        order_id=order.id,
        refund_source=source,
        line_amounts={line.id: fen for line, fen in pairs if fen},
        freight_fen=freight_fen,
        now=now,
    )


def finish(session, order, now, source="after_sale:1"):
    return orders.finish_refund(session, order_id=order.id, refund_source=source, now=now)


def abandon(session, order, now, source="after_sale:1"):
    return orders.abandon_refund(session, order_id=order.id, refund_source=source, now=now)


def amounts(session, order):
    fresh = queries.get(session, order_no=order.order_no)
    of_lines = [(line.refunding_fen, line.refunded_fen) for line in fresh.lines]
    return (fresh.status, fresh.refunding_fen, fresh.refunded_fen), of_lines


def shelves(session):
    return [
        tuple(row) for row in session.execute(text("SELECT available, sold FROM sku ORDER BY id"))
    ]


def test_a_refund_is_set_aside_then_gone(session, two_lines, now, breaches):
    order = two_lines()

    assert begin(session, order, now, 1000, 500, freight_fen=300) is True
    assert amounts(session, order) == (("paid", 1800, 0), [(1000, 0), (500, 0)])
    assert finish(session, order, now) is True
    assert amounts(session, order) == (("paid", 0, 1800), [(0, 1000), (0, 500)])
    session.commit()
    assert breaches() == []


def test_each_step_happens_once(session, two_lines, now, breaches):
    order = two_lines()

    assert [begin(session, order, now, 1000) for _ in range(2)] == [True, False]
    assert [finish(session, order, now) for _ in range(2)] == [True, False]
    assert begin(session, order, now, 1000) is False
    assert amounts(session, order) == (("paid", 0, 1000), [(0, 1000), (0, 0)])
    begin(session, order, now, 1000, source="after_sale:2")
    assert [abandon(session, order, now, "after_sale:2") for _ in range(2)] == [True, False]
    assert amounts(session, order) == (("paid", 0, 1000), [(0, 1000), (0, 0)])
    session.commit()
    assert breaches() == []


def test_a_refund_is_not_settled_two_ways(session, two_lines, now):
    order = two_lines()
    begin(session, order, now, 1, source="after_sale:1")
    begin(session, order, now, 1, source="after_sale:2")
    finish(session, order, now, "after_sale:1")
    abandon(session, order, now, "after_sale:2")

    for step, source in ((abandon, "after_sale:1"), (finish, "after_sale:2"), (finish, "none")):
        with pytest.raises(RefundUnknown):
            step(session, order, now, source)


def test_a_refund_belongs_to_its_order(session, two_lines, now):
    order, other = two_lines(), make_order(session, now=now, status=OrderStatus.PAID)
    begin(session, order, now, 1)

    with pytest.raises(RefundUnknown):
        finish(session, other, now)


class TestLimits:
    @pytest.mark.parametrize(
        ("lines", "freight_fen"), [((5401,), 0), ((0, 3601), 0), ((), 801), ((5400, 3600), 801)]
    )
    def test_no_line_and_no_freight_gives_more_than_was_paid_for_it(
        self, session, two_lines, now, lines, freight_fen
    ):
        order = two_lines()

        with pytest.raises(RefundExceedsPaid):
            begin(session, order, now, *lines, freight_fen=freight_fen)
        session.rollback()
        assert amounts(session, order) == (("paid", 0, 0), [(0, 0), (0, 0)])

    def test_what_is_on_its_way_back_counts(self, session, two_lines, now):
        order = two_lines()
        begin(session, order, now, 5000)

        with pytest.raises(RefundExceedsPaid):
            begin(session, order, now, 401, source="after_sale:2")

    def test_an_abandoned_refund_may_be_asked_for_again(self, session, two_lines, now, breaches):
        order = two_lines()
        begin(session, order, now, 5400, 3600, freight_fen=800)
        abandon(session, order, now)

        assert begin(session, order, now, 5400, source="after_sale:2") is True
        session.commit()
        assert breaches() == []

    @pytest.mark.parametrize(
        "status", [OrderStatus.UNPAID, OrderStatus.CLOSED, OrderStatus.REFUNDED]
    )
    def test_only_paid_money_goes_back(self, session, now, status):
        order = make_order(session, now=now, status=status)

        with pytest.raises(NotRefundable):
            begin(session, order, now, 1)

    @pytest.mark.parametrize(("lines", "freight_fen"), [((), 0), ((-1,), 2), ((1,), -1)])
    def test_nonsense_is_refused(self, session, two_lines, now, lines, freight_fen):
        order = two_lines()

        with pytest.raises(ValueError):
            begin(session, order, now, *lines, freight_fen=freight_fen)

    def test_lines_of_another_order_are_refused(self, session, two_lines, now):
        order, other = two_lines(), make_order(session, now=now, status=OrderStatus.PAID)
        foreign = queries.lines(session, order_id=other.id)[0].id

        with pytest.raises(ValueError):
            orders.begin_refund(
                session,
                order_id=order.id,
                refund_source="x",
                line_amounts={foreign: 1},
                freight_fen=0,
                now=now,
            )


class TestWhatComesBack:
    def test_a_line_refunded_whole_before_shipping_is_for_sale_again(
        self, session, two_lines, now, breaches
    ):
        order = two_lines()
        begin(session, order, now, 5400)
        finish(session, order, now)
        assert shelves(session) == [(10, 0), (9, 1)]

        begin(session, order, now, 0, 3599, source="after_sale:2")
        finish(session, order, now, "after_sale:2")
        assert shelves(session) == [(10, 0), (9, 1)]

        begin(session, order, now, 0, 1, source="after_sale:3")
        finish(session, order, now, "after_sale:3")
        assert shelves(session) == [(10, 0), (10, 0)]
        session.commit()
        assert breaches() == []

    def test_goods_that_left_do_not_return_with_the_money(self, session, two_lines, now, breaches):
        order = two_lines(OrderStatus.SHIPPED)

        refund_all(session, order, now=now)

        assert amounts(session, order)[0] == ("refunded", 0, 9800)
        assert shelves(session) == [(9, 1), (9, 1)]
        session.commit()
        assert breaches() == []

    @pytest.mark.parametrize(
        "status",
        [OrderStatus.PAID, OrderStatus.SHIPPED, OrderStatus.RECEIVED, OrderStatus.COMPLETED],
    )
    def test_everything_refunded_ends_the_order(self, session, two_lines, now, status, breaches):
        order = two_lines(status)

        begin(session, order, now, 5400, 3600)
        finish(session, order, now)
        assert amounts(session, order)[0][0] == status
        refund_all(session, order, now=now)

        assert amounts(session, order)[0] == ("refunded", 0, 9800)
        session.commit()
        assert breaches() == []

    def test_an_order_that_cost_nothing_is_refunded_with_nothing(self, session, now, breaches):
        sku = make_sku(session, price_fen=100)
        make_published(session, steps=[(100, 100)], starts_at=now, now=now)
        order = make_order(session, now=now, sku=sku)
        assert (order.status, order.payable_fen) == ("paid", 0)

        begin(session, order, now)
        finish(session, order, now)

        assert amounts(session, order)[0] == ("refunded", 0, 0)
        assert shelves(session) == [(10, 0)]
        session.commit()
        assert breaches() == []

    def test_commission_is_clawed_back_in_proportion(self, session, two_lines, now, breaches):
        buyer, upline = make_member(session), make_member(session)
        make_rules(session, now=now)
        make_chain(session, buyer.id, upline.id, now=now)
        order = two_lines(buyer=buyer)

        begin(session, order, now, 2700)
        finish(session, order, now)

        clawed = text("SELECT amount_fen, clawed_fen FROM commission ORDER BY line_source")
        assert session.execute(clawed).all() == [(540, 270), (360, 0)]
        refund_all(session, order, now=now)
        assert session.execute(clawed).all() == [(540, 540), (360, 360)]
        session.commit()
        assert breaches() == []


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=st.lists(st.tuples(st.integers(0, 5400), st.integers(0, 3600)), max_size=5))
def test_partial_refunds_in_any_order_sum_to_what_was_paid(session, now, cuts):
    """Promise 4: whatever is refunded first, the rest is exactly what is left."""
    wanted = {make_sku(session, price_fen=fen).id: 1 for fen in (5400, 3600)}
    order = make_order(session, now=now, quantities=wanted, status=OrderStatus.PAID)
    left = [5400, 3600]
    for number, cut in enumerate(cuts):
        asked = [min(pair) for pair in zip(cut, left, strict=True)]
        if sum(asked):
            begin(session, order, now, *asked, source=f"cut:{number}")
            finish(session, order, now, f"cut:{number}")
            left = [before - fen for before, fen in zip(left, asked, strict=True)]
    if sum(left):
        refund_all(session, order, now=now)

    assert amounts(session, order) == (("refunded", 0, 9000), [(0, 5400), (0, 3600)])
    session.rollback()
