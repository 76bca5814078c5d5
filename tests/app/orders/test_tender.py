"""What points pay is neither a discount nor money: told apart, and never refunded as fen."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.marketing.service import Choice
from app.orders import queries, verify
from app.orders.models import OrderStatus
from tests.builders.catalogue import make_freight_template, make_sku
from tests.builders.distribution import make_chain, make_rules
from tests.builders.members import make_member
from tests.builders.orders import give_back, make_order
from tests.builders.promotions import make_published


@pytest.fixture
def order(session, now):
    """Two pieces of 30 yuan and one of 40, 10 off, 10 of freight, and 30 of it paid with points."""

    def make(points_fen=3000, buyer=None):
        template = make_freight_template(session)
        two = make_sku(session, price_fen=3000, freight_template=template)
        one = make_sku(session, price_fen=4000)
        make_published(session, steps=[(10_000, 1000)], starts_at=now, now=now)
        return make_order(
            session,
            now=now,
            buyer=buyer,
            quantities={two.id: 2, one.id: 1},
            choice=Choice(points_fen=points_fen),
            status=OrderStatus.PAID,
        )

    return make


def test_an_order_tells_points_from_discount_and_from_money(session, order, breaches):
    placed = order()

    assert (placed.items_fen, placed.discount_fen, placed.tender_fen) == (10_000, 1000, 3000)
    assert (placed.freight_fen, placed.payable_fen, placed.paid_fen) == (1000, 7000, 7000)
    assert [
        (line.amount_fen, line.discount_fen, line.tender_fen, line.payable_fen)
        for line in placed.lines
    ] == [(6000, 600, 1800, 3600), (4000, 400, 1200, 2400)]
    session.commit()
    assert breaches() == []


def test_commission_is_earned_by_money_only(session, order, now, breaches):
    make_rules(session, level1_bp=1000, now=now)
    buyer, upline = make_member(session), make_member(session)
    make_chain(session, buyer.id, upline.id, now=now)

    placed = order(buyer=buyer)

    earned = "SELECT sum(base_fen), sum(amount_fen) FROM commission WHERE level = 1"
    assert session.execute(text(earned)).one() == (6000, 600)
    session.commit()
    give_back(session, placed, None, source="test:1", now=now)
    session.commit()
    assert breaches() == []


@pytest.mark.slow
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(points_fen=st.integers(0, 9000), sequence=st.permutations([0, 0, 1]))
def test_parts_in_any_order_bring_back_the_money_and_no_more(
    session, order, now, points_fen, sequence
):
    session.rollback()
    placed = order(points_fen=points_fen)
    ids = [line.id for line in placed.lines]
    back = [
        give_back(session, placed, {ids[line]: 1}, source=f"{placed.order_no}:{number}", now=now)
        for number, line in enumerate(sequence)
    ]

    assert sum(plan.amount_fen for plan in back) == placed.payable_fen == 10_000 - points_fen
    session.expire_all()
    assert queries.get(session, order_no=placed.order_no).status == OrderStatus.REFUNDED
    assert list(verify.verify(session)) == []
    session.rollback()


@pytest.mark.parametrize(
    "wrong",
    [
        "tender_fen = tender_fen + 1",
        "member_saves_fen = 1",
        "tender_fen = -1, payable_fen = payable_fen + 3001, paid_fen = payable_fen + 3001",
        "member_saves_fen = -1, discount_fen = discount_fen + 1",
    ],
)
@pytest.mark.parametrize("table", ["shop_order", "order_line"])
def test_amounts_that_do_not_add_up_are_refused_by_the_database(session, order, table, wrong):
    order()
    if table == "order_line":
        wrong = wrong.removesuffix(", paid_fen = payable_fen + 3001")

    with pytest.raises(IntegrityError):
        session.execute(text(f"UPDATE {table} SET {wrong}"))
    session.rollback()
