"""What the rest of an order loses when a part goes back: shown, and, if so decided, deducted."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.aftersales import service
from app.orders import queries as orders
from app.shop import service as shop
from app.shop.rules import RestPolicy
from tests.builders.aftersales import PROOFS, arrive, breaches_of, lines, make_case, make_paid_order
from tests.builders.catalogue import make_sku
from tests.builders.promotions import make_published
from tests.builders.staff import make_staff


@pytest.fixture
def reprice(session, now):
    """The shop deducts what the rest loses."""
    change(session, RestPolicy.REPRICE, now)


def change(session, policy, now):
    staff_id = make_staff(session).id
    shop.change(session, fields={"rest_policy": policy}, staff_id=staff_id, reason="试", now=now)


@pytest.fixture
def order(session, now):
    """Two cups at 60 yuan that together saved 30: 45 each; one alone saves nothing."""
    make_published(session, steps=[(10_000, 3000)], starts_at=now, now=now)
    order = make_paid_order(session, sku=make_sku(session, price_fen=6000), quantity=2, now=now)
    session.commit()
    return orders.get(session, order_no=order.order_no)


def go_back(session, order, pieces, now):
    """One case from asking to the money back; what came back."""
    case = make_case(session, order=order, pieces=pieces, now=now)
    staff_id = make_staff(session).id
    case = service.approve(session, after_sale_no=case.after_sale_no, staff_id=staff_id, now=now)
    if case.amount_fen:
        arrive(session, case, now)
    else:
        service.settle(session, source=case.source, now=now)
    return case.amount_fen


class TestPreview:
    def test_shows_what_the_rest_would_lose_and_keeps_the_paid_share(
        self, client, session, order, token_for, now
    ):
        plan = preview(session, order, {order.lines[0].id: 1}, now)

        (loss,) = plan.repriced.losses
        assert (loss.before_fen, loss.after_fen) == (1500, 0)
        assert (plan.policy, plan.repriced.lost_fen) == (RestPolicy.KEEP, 1500)
        assert (plan.brings.amount_fen, plan.brings.rest_fen) == (4500, 0)

    def test_shows_what_is_deducted_if_the_shop_prices_the_rest_again(
        self, session, reprice, order, now
    ):
        plan = preview(session, order, {order.lines[0].id: 1}, now)

        assert (plan.brings.amount_fen, plan.brings.rest_fen) == (3000, 1500)

    def test_all_of_it_loses_nothing(self, session, reprice, order, now):
        plan = preview(session, order, None, now)

        assert (plan.brings.amount_fen, plan.brings.rest_fen) == (9000, 0)
        assert plan.repriced.losses == ()


def preview(session, order, pieces, now):
    wish = service.Wish(quantities=pieces)
    fresh = {"order_no": order.order_no, "buyer_id": order.buyer_id}
    return service.preview(session, wish=wish, now=now, **fresh)


def test_what_was_deducted_for_the_rest_goes_back_with_the_rest(session, reprice, order, now):
    (line,) = order.lines

    assert go_back(session, order, {line.id: 1}, now) == 3000
    assert lines(session, order)[0].retained_fen == 1500
    assert breaches_of(session) == []

    assert go_back(session, order, {line.id: 1}, now) == 6000
    (line,) = lines(session, order)
    assert (line.refunded_fen, line.retained_fen) == (9000, 0)
    assert orders.get(session, order_no=order.order_no).status == "refunded"
    assert breaches_of(session) == []


def test_of_two_open_cases_the_second_knows_what_the_first_deducts(session, reprice, order, now):
    (line,) = order.lines
    first, second = (make_case(session, order=order, pieces={line.id: 1}, now=now) for _ in "12")

    assert (first.amount_fen, second.amount_fen) == (3000, 4500)
    staff_id = make_staff(session).id
    for case in (first, second):
        service.approve(session, after_sale_no=case.after_sale_no, staff_id=staff_id, now=now)
        arrive(session, case, now)
    order = orders.get(session, order_no=order.order_no)
    assert (order.refunded_fen, order.status) == (9000, "refunded")
    assert breaches_of(session) == []


@pytest.mark.slow
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_parts_in_any_order_are_within_the_share_and_sum_to_what_was_paid(session, now, data):
    """At each step what went back is what was paid, less the rest, less what the rest loses."""
    session.rollback()
    change(session, RestPolicy.REPRICE, now)
    steps = data.draw(st.sampled_from([[(500, 100)], [(300, 30), (3000, 900)], [(1, 1)]]))
    make_published(session, steps=steps, starts_at=now, now=now)
    prices = data.draw(st.lists(st.sampled_from([99, 333, 1000]), min_size=1, max_size=2))
    wanted = {make_sku(session, price_fen=fen).id: data.draw(st.integers(1, 3)) for fen in prices}
    order = make_paid_order(session, now=now, quantities=wanted)
    price_of = {line.id: line.unit_price_fen for line in lines(session, order)}
    back_fen = 0
    while (fresh := orders.get(session, order_no=order.order_no)).status != "refunded":
        left = {line.id: line.quantity - line.refunded_quantity for line in fresh.lines}
        asked = {id_: data.draw(st.integers(0, count)) for id_, count in left.items() if count}
        asked = {id_: count for id_, count in asked.items() if count} or None
        back_fen += go_back(session, fresh, asked, now)
        kept = {id_: n - (left if asked is None else asked).get(id_, 0) for id_, n in left.items()}
        alone = alone_fen(steps, sum(price_of[id_] * n for id_, n in kept.items()))
        assert back_fen <= order.paid_fen
        if any(kept.values()):
            # A fen of rounding per line: shares are cut by the piece.
            assert back_fen >= order.paid_fen - max(
                alone, paid_for(lines(session, order), kept)
            ) - len(kept)
    assert back_fen == order.paid_fen
    assert [breach for check in PROOFS for breach in check.verify(session)] == []
    session.rollback()


def alone_fen(steps, amount_fen):
    """What goods cost at these steps: the highest that is met counts."""
    off = [save for need, save in steps if amount_fen >= need]
    return amount_fen - (max(off) if off else 0)


def paid_for(lines_now, kept):
    """What was paid for the kept pieces, rounded up."""
    return sum(-(-line.payable_fen * kept[line.id] // line.quantity) for line in lines_now)
