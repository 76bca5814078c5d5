"""Threads against the real database: one winner each time, nothing lost, nothing twice."""

import contextvars
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
from sqlalchemy import text

from app.catalogue import stock
from app.core.auth import Audience
from app.core.db import db
from app.core.errors import AppError
from app.orders import queries
from app.orders import service as orders
from app.orders.models import CloseReason, OrderStatus
from promotions import coupons
from tests.builders.catalogue import make_sku
from tests.builders.coupons import coupon_status
from tests.builders.members import make_address, make_member
from tests.builders.orders import PARCEL, make_order, pay
from tests.builders.promotions import make_published

pytestmark = pytest.mark.race


@pytest.fixture
def at_once(app):
    """Run functions at the same moment, each in a thread; return their results."""

    def run(works):
        barrier = Barrier(len(works))

        def one(work):
            barrier.wait()
            return work()

        with ThreadPoolExecutor(len(works)) as pool:
            futures = [pool.submit(contextvars.Context().run, one, work) for work in works]
            return [future.result() for future in futures]

    return run


@pytest.fixture
def committed(app):
    """Make of a function of a session one that commits, and answers with the code of a refusal."""

    def wrap(work):
        def run():
            with app.app_context():
                session = db.session()
                try:
                    result = work(session)
                    session.commit()
                except AppError as refusal:
                    session.rollback()
                    return refusal.code
                return result

        return run

    return wrap


@pytest.fixture
def customers(session, token_for):
    """So many buyers with an address each, and their headers."""

    def make(count, **fields):
        members = [make_member(session, **fields) for _ in range(count)]
        addresses = [make_address(session, member_id=member.id).id for member in members]
        session.commit()
        return [
            (token_for(Audience.SHOPPER, member.id), address_id)
            for member, address_id in zip(members, addresses, strict=True)
        ]

    return make


def placing(client, headers, address_id, quantities, payable_fen, key="the-only-key"):
    body = {
        "lines": [{"sku_id": id_, "quantity": pieces} for id_, pieces in quantities.items()],
        "address_id": address_id,
        "expected_payable_fen": payable_fen,
    }
    return lambda: client.post(
        "/api/v1/orders", json=body, headers={**headers, "Idempotency-Key": key}
    )


def status_and_stock(session):
    session.rollback()
    return [
        tuple(row)
        for row in session.execute(
            text(
                "SELECT o.status, s.available, s.held, s.sold FROM shop_order AS o"
                " JOIN order_line AS l ON l.order_id = o.id JOIN sku AS s ON s.id = l.sku_id"
                " ORDER BY o.id"
            )
        )
    ]


def test_forty_buyers_for_ten_units_make_exactly_ten_orders(
    session, client, customers, at_once, breaches
):
    sku = make_sku(session, price_fen=100, available=10)
    people = customers(40)

    answers = at_once(
        [placing(client, headers, address, {sku.id: 1}, 100) for headers, address in people]
    )

    codes = sorted(answer.json.get("code", "placed") for answer in answers)
    assert codes == ["out_of_stock"] * 30 + ["placed"] * 10
    session.refresh(sku)
    assert (sku.available, sku.held) == (0, 10)
    assert session.scalar(text("SELECT count(*) FROM shop_order")) == 10
    assert breaches() == []


def test_orders_for_the_same_two_products_never_deadlock(
    session, client, customers, at_once, breaches
):
    one, two = (make_sku(session, price_fen=100, available=100) for _ in range(2))
    people = customers(16)
    baskets = [{one.id: 1, two.id: 1}, {two.id: 1, one.id: 1}]

    answers = at_once(
        [
            placing(client, headers, address, baskets[number % 2], 200)
            for number, (headers, address) in enumerate(people)
        ]
    )

    assert {answer.status_code for answer in answers} == {201}
    session.refresh(one)
    session.refresh(two)
    assert (one.held, two.held) == (16, 16)
    assert breaches() == []


def test_the_same_key_in_parallel_places_one_order(session, client, customers, at_once):
    sku = make_sku(session, price_fen=100, available=10)
    ((headers, address_id),) = customers(1)

    answers = at_once([placing(client, headers, address_id, {sku.id: 1}, 100)] * 8)

    placed = [answer.json["order_no"] for answer in answers if answer.status_code == 201]
    refused = {answer.json["code"] for answer in answers if answer.status_code != 201}
    assert len(set(placed)) == 1
    assert refused <= {"request_in_progress"}
    assert session.scalar(text("SELECT count(*) FROM shop_order")) == 1


@pytest.mark.parametrize("accounts", [1, 6])
def test_a_price_for_new_buyers_goes_into_one_order_of_a_person(
    session, now, client, customers, at_once, breaches, accounts
):
    make_published(session, steps=[(100, 30)], audience={"is_new": True}, starts_at=now, now=now)
    sku = make_sku(session, price_fen=100, available=10)
    people = customers(accounts, phone="13812345678") * (6 // accounts)

    answers = at_once(
        [
            placing(client, headers, address_id, {sku.id: 1}, 70, key=f"key-{key:05}")
            for key, (headers, address_id) in enumerate(people)
        ]
    )

    codes = sorted(answer.json.get("code", "placed") for answer in answers)
    assert codes.count("placed") == 1
    assert set(codes) <= {"placed", "promotion_gone", "price_changed"}
    assert breaches() == []


def test_one_cart_line_ends_in_one_order(session, client, customers, at_once):
    sku = make_sku(session, price_fen=100, available=10)
    ((headers, address_id),) = customers(1)
    line = {"sku_id": sku.id, "quantity": 1}
    item = client.post("/api/v1/cart/items", json=line, headers=headers).json
    body = {
        "cart_item_ids": [item["id"]],
        "address_id": address_id,
        "expected_payable_fen": 100,
    }

    answers = at_once(
        [
            lambda key=key: client.post(
                "/api/v1/orders", json=body, headers={**headers, "Idempotency-Key": f"key-{key:05}"}
            )
            for key in range(6)
        ]
    )

    codes = sorted(answer.json.get("code", "placed") for answer in answers)
    assert codes == ["cart_changed"] * 5 + ["placed"]


def test_adding_one_sku_from_many_devices_makes_one_line(session, client, customers, at_once):
    sku = make_sku(session, available=100)
    ((headers, _),) = customers(1)
    line = {"sku_id": sku.id, "quantity": 2}

    answers = at_once([lambda: client.post("/api/v1/cart/items", json=line, headers=headers)] * 8)

    assert {answer.status_code for answer in answers} == {201}
    assert session.execute(text("SELECT quantity FROM cart_item")).scalars().all() == [16]


def test_paying_against_closing_has_one_winner_and_loses_no_stock(
    session, now, at_once, committed, breaches
):
    made = [make_order(session, now=now) for _ in range(8)]
    session.commit()

    def cancelling(order):
        def work(session):
            orders.cancel(session, order_no=order.order_no, buyer_id=order.buyer_id, now=now)
            return orders.close(session, order_id=order.id, reason=CloseReason.BUYER, now=now)

        return work

    works = [
        committed(work)
        for order in made
        for work in (cancelling(order), lambda session, order=order: pay(session, order, now=now))
    ]
    results = at_once(works)

    for number, (status, *pieces) in enumerate(status_and_stock(session)):
        closed, paid = results[2 * number : 2 * number + 2]
        if status == OrderStatus.PAID:
            assert (closed, paid, pieces) == ("order_state_forbids", True, [9, 0, 1])
        else:
            assert (status, closed, paid) == (OrderStatus.CLOSED, True, "order_closed")
            assert pieces == [10, 0, 0]
    assert breaches() == []


def test_the_same_payment_in_parallel_counts_once(session, now, at_once, committed, breaches):
    order = make_order(session, now=now)
    session.commit()

    results = at_once([committed(lambda session: pay(session, order, now=now))] * 8)

    assert sorted(results) == [False] * 7 + [True]
    assert session.scalar(text("SELECT sales_count FROM spu")) == 1
    assert breaches() == []


def test_two_refunds_of_everything_at_once_give_it_back_once(
    session, now, at_once, committed, breaches
):
    order = make_order(session, now=now, status=OrderStatus.PAID)
    line_id = order.lines[0].id
    session.commit()

    def refund(source):
        def work(session):
            begun = orders.begin_refund(
                session,
                order_id=order.id,
                refund_source=source,
                line_amounts={line_id: order.payable_fen},
                freight_fen=0,
                now=now,
            )
            return begun and orders.finish_refund(
                session, order_id=order.id, refund_source=source, now=now
            )

        return committed(work)

    results = at_once([refund("same"), refund("same"), refund("other"), refund("third")])

    assert results.count(True) == 1
    assert set(results) <= {True, False, "not_refundable"}
    assert status_and_stock(session) == [("refunded", 10, 0, 0)]
    assert breaches() == []


def test_an_order_is_either_shipped_or_kept_for_its_refund(
    session, now, at_once, committed, breaches
):
    made = [make_order(session, now=now, status=OrderStatus.PAID) for _ in range(6)]
    lines = {order.id: order.lines[0].id for order in made}
    session.commit()

    def refunding(order):
        def work(session):
            held = queries.locked(session, order_id=order.id)
            if held.status != OrderStatus.PAID:
                return False
            return orders.begin_refund(
                session,
                order_id=order.id,
                refund_source=f"after_sale:{order.id}",
                line_amounts={lines[order.id]: 100},
                freight_fen=0,
                now=now,
            )

        return work

    def shipping(order):
        return lambda session: orders.ship(session, order_no=order.order_no, now=now, **PARCEL)

    works = [committed(work) for order in made for work in (refunding(order), shipping(order))]
    results = at_once(works)

    pairs = set(zip(results[::2], results[1::2], strict=True))
    assert pairs <= {(True, "refund_in_progress"), (False, True)}
    assert breaches() == []


def test_of_sixteen_orders_for_one_coupon_one_gets_it(
    session, client, buyer, as_buyer, address_id, coupon_id, at_once, breaches
):
    sku = make_sku(session, price_fen=6000, available=100)
    session.commit()

    answers = at_once(
        [
            placing(client, as_buyer, address_id, {sku.id: 1}, 5000, key=f"key-number-{number}")
            for number in range(16)
        ]
    )

    codes = [answer.json.get("code", "placed") for answer in answers]
    assert codes.count("placed") == 1
    assert set(codes) <= {"placed", "coupon_gone", "price_changed"}
    session.refresh(sku)
    assert (sku.available, sku.held) == (99, 1)
    assert coupon_status(session, coupon_id) == "held"
    assert breaches() == []


def test_the_last_gift_goes_to_one_order(
    session, now, client, customers, at_once, breaches, gift, with_gift
):
    with_gift()
    sku = make_sku(session, price_fen=10_000, available=100)
    stock.set_available(session, sku_id=gift.id, available=1, reason="盘点", staff_id=None, now=now)
    people = customers(12)

    answers = at_once(
        [placing(client, headers, address, {sku.id: 1}, 10_000) for headers, address in people]
    )

    # Who comes too late is told that the gift is gone, or, a little later, gets none.
    codes = {answer.json.get("code", "placed") for answer in answers}
    assert codes <= {"placed", "promotion_gone"}
    gifts = session.scalar(text("SELECT sum(quantity) FROM order_line WHERE kind = 'gift'"))
    session.refresh(gift)
    assert (gifts, gift.available, gift.held) == (1, 0, 1)
    assert breaches() == []


def test_paid_and_closed_at_once_the_coupon_is_used_or_free(
    session, now, buyer, template, give, at_once, committed, breaches
):
    for number in range(5):
        coupon_id = give(template, buyer, source=f"gift:{number}")
        sku = make_sku(session, price_fen=6000)
        order = make_order(session, now=now, buyer=buyer, sku=sku)
        session.commit()
        close = partial(orders.close, order_id=order.id, reason=CloseReason.EXPIRED, now=now)

        at_once([committed(lambda s, o=order: pay(s, o, now=now)), committed(close)])

        session.rollback()
        paid = queries.get(session, order_no=order.order_no).status == OrderStatus.PAID
        assert coupon_status(session, coupon_id) == ("used" if paid else "issued")
        if not paid:
            coupons.revoke(session, coupon_ids=[coupon_id], now=now)
            session.commit()
    assert breaches() == []
