"""Some pieces of an order back: their stored share, the freight with the last, the shelf."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.aftersales import service, verify
from app.aftersales.models import AfterSale
from app.catalogue.models import Sku
from app.core.auth import Audience
from app.orders import queries as orders
from app.orders import verify as orders_verify
from app.payments import verify as payments_verify
from app.payments.models import Refund
from tests.builders.aftersales import make_paid_order
from tests.builders.catalogue import make_freight_template, make_sku
from tests.builders.members import make_member
from tests.builders.orders import make_order
from tests.builders.payments import settle_refund
from tests.builders.promotions import make_published
from tests.builders.staff import make_staff


@pytest.fixture
def bought(session, now):
    """Three pieces that paid 8,999 fen, one that paid 1, and 1,400 of freight."""
    template = make_freight_template(session)
    skus = [
        make_sku(session, price_fen=3333, freight_template=template),
        make_sku(session, price_fen=1, freight_template=template),
    ]
    make_published(session, steps=[(10_000, 1000)], starts_at=now, now=now)
    quantities = {skus[0].id: 3, skus[1].id: 1}
    order = make_paid_order(session, now=now, quantities=quantities)
    session.commit()
    lines = orders.lines(session, order_id=order.id)
    assert [line.payable_fen for line in lines] == [8999, 1]
    return order, lines


@pytest.fixture
def preview(client):
    def post(order_no, headers, **body):
        return client.post(
            "/api/v1/after-sales/preview", json={"order_no": order_no, **body}, headers=headers
        )

    return post


@pytest.fixture
def buyer(bought, token_for):
    return token_for(Audience.SHOPPER, bought[0].buyer_id)


def pieces(line, quantity=1):
    return [{"line_id": line.id, "quantity": quantity}]


def give_back(session, order, wanted, now, staff_id):
    """One case from asking to the money back; what came back."""
    case = service.apply(
        session,
        order_no=order.order_no,
        buyer_id=order.buyer_id,
        wish=service.Wish(quantities=wanted),
        reason="不想要了",
        now=now,
    )
    service.approve(session, after_sale_no=case.after_sale_no, staff_id=staff_id, now=now)
    refund = session.scalar(select(Refund).where(Refund.source == case.source))
    if refund.amount_fen:
        settle_refund(session, refund=refund, now=now)
    service.settle(session, source=case.source, now=now)
    return case.amount_fen


def breaches(session):
    return [
        breach
        for check in (verify, orders_verify, payments_verify)
        for breach in check.verify(session)
    ]


class TestPreview:
    def test_shows_the_share_of_each_piece_and_writes_nothing(
        self, preview, bought, buyer, session
    ):
        order, (cup, _) = bought

        answer = preview(order.order_no, buyer, lines=pieces(cup, 2))

        assert answer.status_code == 200, answer.json
        (line,) = answer.json["lines"]
        assert (line["line_id"], line["quantity"], line["amount_fen"]) == (cup.id, 2, 5999)
        assert (answer.json["freight_fen"], answer.json["amount_fen"]) == (0, 5999)
        assert session.scalar(select(func.count(AfterSale.id))) == 0

    def test_without_lines_it_is_all_that_is_left(self, preview, bought, buyer):
        order, _ = bought

        shown = preview(order.order_no, buyer).json

        assert [line["amount_fen"] for line in shown["lines"]] == [8999, 1]
        assert (shown["freight_fen"], shown["amount_fen"]) == (1400, 10_400)

    def test_needs_a_token_and_the_buyer(self, preview, bought, session, token_for):
        order, _ = bought
        stranger = make_member(session)
        session.commit()

        assert preview(order.order_no, None).status_code == 401
        answer = preview(order.order_no, token_for(Audience.SHOPPER, stranger.id))
        assert (answer.status_code, answer.json["code"]) == (404, "order_not_found")


class TestAsking:
    def test_a_case_keeps_what_it_is_about(self, apply, bought, buyer):
        order, (cup, _) = bought

        case = apply(order.order_no, buyer, lines=pieces(cup)).json

        assert case["amount_fen"] == case["breakdown"]["amount_fen"] == 2999
        assert [line["line_id"] for line in case["breakdown"]["lines"]] == [cup.id]

    @pytest.mark.parametrize("asked", [4, 999])
    def test_more_pieces_than_are_left_are_refused(self, apply, bought, buyer, session, asked):
        order, (cup, _) = bought

        answer = apply(order.order_no, buyer, lines=pieces(cup, asked))

        assert (answer.status_code, answer.json["code"]) == (409, "return_exceeds_line")
        assert (answer.json["line_id"], answer.json["left"]) == (cup.id, 3)
        assert session.scalar(select(func.count(AfterSale.id))) == 0

    def test_a_line_of_another_order_is_refused(self, apply, bought, buyer, session, now):
        order, _ = bought
        other = make_paid_order(session, now=now)
        session.commit()
        foreign = orders.lines(session, order_id=other.id)[0]

        answer = apply(order.order_no, buyer, lines=pieces(foreign))

        assert (answer.status_code, answer.json["code"]) == (409, "return_exceeds_line")
        assert answer.json["left"] == 0

    @pytest.mark.parametrize(
        "lines",
        [
            [],
            {},
            [{}],
            [{"line_id": 1}],
            [{"line_id": 1, "quantity": 0}],
            [{"line_id": 1, "quantity": -1}],
            [{"line_id": 1, "quantity": 1.0}],
            [{"line_id": 1, "quantity": "1"}],
            [{"line_id": 1, "quantity": True}],
            [{"line_id": 1, "quantity": 1000}],
            [{"line_id": 0, "quantity": 1}],
            [{"line_id": 1, "quantity": 1, "amount_fen": 1}],
            [{"line_id": 1, "quantity": 1}, {"line_id": 1, "quantity": 1}],
            [{"line_id": number, "quantity": 1} for number in range(1, 202)],
        ],
    )
    def test_wrong_lines_open_nothing(self, apply, preview, bought, buyer, session, lines):
        order, _ = bought

        assert apply(order.order_no, buyer, lines=lines).status_code == 422
        assert preview(order.order_no, buyer, lines=lines).status_code == 422
        assert session.scalar(select(func.count(AfterSale.id))) == 0


class TestGivingBack:
    def test_the_pieces_are_for_sale_again_and_the_rest_may_be_shipped(self, session, bought, now):
        order, (cup, _) = bought

        assert give_back(session, order, {cup.id: 2}, now, make_staff(session).id) == 5999

        sku = session.get(Sku, cup.sku_id, populate_existing=True)
        assert (sku.available, sku.sold) == (9, 1)
        shown = orders.get(session, order_no=order.order_no)
        assert (shown.status, shown.refunded_fen) == ("paid", 5999)
        assert [line.refunded_quantity for line in shown.lines] == [2, 0]
        assert breaches(session) == []

    def test_the_freight_goes_with_the_last_pieces(self, session, bought, now):
        order, (cup, sticker) = bought
        staff_id = make_staff(session).id

        parts = [
            give_back(session, order, wanted, now, staff_id)
            for wanted in ({sticker.id: 1}, {cup.id: 1}, {cup.id: 2})
        ]

        assert parts == [1, 2999, 6000 + 1400]
        assert orders.get(session, order_no=order.order_no).status == "refunded"
        assert breaches(session) == []

    def test_what_costs_nothing_goes_with_the_last_that_costs_something(self, session, now):
        free, dear = make_sku(session, price_fen=100), make_sku(session, price_fen=9000)
        make_published(
            session,
            steps=[(100, 100)],
            includes={"sku_ids": [free.id]},
            starts_at=now,
            now=now,
        )
        order = make_paid_order(session, now=now, quantities={free.id: 1, dear.id: 1})
        lines = {line.sku_id: line for line in orders.lines(session, order_id=order.id)}

        part = give_back(session, order, {lines[dear.id].id: 1}, now, make_staff(session).id)

        assert part == 9000
        assert orders.get(session, order_no=order.order_no).status == "refunded"
        assert [session.get(Sku, id_).available for id_ in (free.id, dear.id)] == [10, 10]
        assert breaches(session) == []

    def test_of_an_order_that_cost_nothing_the_last_piece_ends_it(self, session, now):
        sku = make_sku(session, price_fen=100)
        make_published(session, steps=[(200, 200)], starts_at=now, now=now)
        order = make_paid_order_of_nothing(session, sku, now)
        (line,) = orders.lines(session, order_id=order.id)
        staff_id = make_staff(session).id

        give_back(session, order, {line.id: 1}, now, staff_id)
        assert orders.get(session, order_no=order.order_no).status == "paid"
        give_back(session, order, {line.id: 1}, now, staff_id)

        assert orders.get(session, order_no=order.order_no).status == "refunded"
        assert session.get(Sku, sku.id, populate_existing=True).available == 10
        assert breaches(session) == []

    def test_a_case_older_than_pieces_gives_back_all_that_is_left(self, session, bought, now):
        order, _ = bought
        case = service.apply(
            session, order_no=order.order_no, buyer_id=order.buyer_id, reason="x", now=now
        )
        session.execute(
            AfterSale.__table__.update().values(breakdown=None).where(AfterSale.id == case.id)
        )
        session.refresh(case)

        service.approve(
            session, after_sale_no=case.after_sale_no, staff_id=make_staff(session).id, now=now
        )

        refund = session.scalar(select(Refund).where(Refund.source == case.source))
        assert refund.amount_fen == order.paid_fen


def make_paid_order_of_nothing(session, sku, now):
    order = make_order(session, now=now, sku=sku, quantity=2)
    assert (order.status, order.paid_fen) == ("paid", 0)
    return order


@pytest.mark.slow
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_parts_in_any_order_sum_to_exactly_what_was_paid(session, now, data):
    """Promise 4: pieces come back one by one, in any order and any bundles."""
    template = make_freight_template(session)
    prices = data.draw(st.lists(st.sampled_from([1, 99, 333, 1000, 7777]), min_size=1, max_size=3))
    make_published(session, steps=[(1, 1), (500, 77), (3000, 1234)], starts_at=now, now=now)
    wanted = {
        make_sku(session, price_fen=fen, freight_template=template).id: data.draw(st.integers(1, 4))
        for fen in prices
    }
    order = make_paid_order(session, now=now, quantities=wanted)
    staff_id, parts = make_staff(session).id, []
    while order.status != "refunded":
        lines = orders.lines(session, order_id=order.id)
        left = {line.id: line.quantity - line.refunded_quantity for line in lines}
        asked = {
            id_: data.draw(st.integers(0, count), label=f"of {count}")
            for id_, count in left.items()
            if count
        }
        asked = {id_: count for id_, count in asked.items() if count} or None
        parts.append(give_back(session, order, asked, now, staff_id))
        order = orders.get(session, order_no=order.order_no)

    assert sum(parts) == order.paid_fen == order.refunded_fen
    assert all(part >= 0 for part in parts)
    assert breaches(session) == []
    session.rollback()
