"""Buying in a flash sale over HTTP: an order, or a clear reason."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.core.auth import Audience
from app.flash_sales.extension import entrance
from app.marketing import campaigns as staffing
from app.orders import service
from app.orders.models import OrderOrigin
from promotions import campaigns
from tests.app.flash_sales.shop import (
    FLASH_FEN,
    figures,
    fresh_key,
    make_buyer,
    make_sale,
    orders,
)
from tests.builders.orders import pay
from tests.builders.promotions import STAFF, make_published


@pytest.fixture
def sale(session, now):
    return make_sale(session, now=now, member_max_units=1)


@pytest.fixture
def buyer(session):
    return make_buyer(session)


@pytest.fixture
def buy(client, token_for, buyer):
    """POST an attempt of a member (the buyer unless told)."""

    def post(sale, *, who=buyer, key=None, headers=None, **body):
        made, sku = sale
        member, address_id = who
        asked = {"sku_id": sku.id, "address_id": address_id, "expected_payable_fen": FLASH_FEN}
        headers = token_for(Audience.SHOPPER, member.id) if headers is None else headers
        return client.post(
            f"/api/v1/flash-sales/{made.id}/orders",
            json={**asked, **body},
            headers={**headers, "Idempotency-Key": key or fresh_key()},
        )

    return post


def refusal(answer):
    return answer.status_code, answer.json["code"]


def test_an_attempt_becomes_an_order_at_the_price_of_the_sale(session, sale, buy, now):
    answer = buy(sale)

    assert answer.status_code == 201, answer.json
    (order,) = orders(session)
    assert answer.json["order_no"] == order.order_no
    assert (order.payable_fen, order.origin) == (FLASH_FEN, OrderOrigin.FLASH_SALE)
    assert timedelta(minutes=4) < order.expires_at - now < timedelta(minutes=6)
    assert figures(session, sale[0].id) == (1, 0)


def test_the_same_key_gets_the_same_order(session, sale, buy):
    first, again = buy(sale, key="the-same-key"), buy(sale, key="the-same-key")

    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(orders(session)) == 1


def test_one_person_has_no_more_than_the_limit(session, sale, buy):
    buy(sale)
    answer = buy(sale)

    assert refusal(answer) == (409, "sale_limit_reached")
    assert answer.json["limit"] == 1
    assert len(orders(session)) == 1


def test_what_is_gone_is_gone(session, now, sale, buy):
    for _ in range(3):
        assert buy(sale, who=make_buyer(session)).status_code == 201
    answers = [buy(sale) for _ in range(3)]

    assert [refusal(each) for each in answers] == [(409, "sold_out")] * 3
    assert answers[0].json["left"] == 0
    assert figures(session, sale[0].id) == (3, 0)


def test_whoever_bought_the_last_piece_still_gets_their_answer(session, now, buy):
    sale = make_sale(session, now=now, total=1)
    lucky, other = make_buyer(session), make_buyer(session)
    first = buy(sale, who=lucky, key="the-lucky-key")
    refused = [buy(sale, who=other) for _ in range(3)]

    assert [refusal(each) for each in refused] == [(409, "sold_out")] * 3
    assert buy(sale, who=lucky, key="the-lucky-key").json == first.json


@pytest.mark.parametrize(
    ("window", "later", "code"),
    [
        ({"starts_at": timedelta(minutes=5)}, timedelta(), "sale_not_started"),
        ({"ends_at": timedelta(minutes=5)}, timedelta(minutes=5), "sale_ended"),
    ],
)
def test_outside_its_window_nothing_is_sold(session, now, buy, set_clock, window, later, code):
    sale = make_sale(session, now=now, **{name: now + far for name, far in window.items()})
    set_clock(now + later)
    answer = buy(sale)

    assert refusal(answer) == (409, code)
    if code == "sale_not_started":
        assert answer.json["starts_at"] == sale[0].starts_at.isoformat()
    assert orders(session) == []


def test_between_two_sessions_the_next_one_is_told(session, now, buy):
    minute = (now + timedelta(hours=8)).hour * 60 + (now + timedelta(hours=8)).minute
    begins = (minute + 60) % 1_380
    slot = {"weekdays": [], "from_minute": begins, "until_minute": begins + 30}
    sale = make_sale(session, now=now, slots=[slot], ends_at=now + timedelta(days=3))

    answer = buy(sale)
    assert refusal(answer) == (409, "sale_not_started")
    assert answer.json["starts_at"] > now.isoformat()


@pytest.mark.parametrize(
    ("step", "code"), [(campaigns.pause, "sale_paused"), (campaigns.end, "sale_ended")]
)
def test_a_sale_that_was_stopped_sells_nothing(session, now, sale, buy, step, code):
    staffing.move(session, step, promotion_id=sale[0].id, staff_id=STAFF, now=now)
    session.commit()

    assert [refusal(buy(sale)) for _ in range(2)] == [(409, code)] * 2
    assert orders(session) == []


def test_what_is_no_running_sale_does_not_exist(session, now, buy, client):
    sale = make_sale(session, now=now, publish=False)
    assert refusal(buy(sale)) == (404, "flash_sale_not_found")


def test_another_campaign_is_no_flash_sale(session, now, sale, buy):
    made = make_published(session, starts_at=now - timedelta(minutes=1), now=now)
    session.commit()
    assert refusal(buy((made, sale[1]))) == (404, "flash_sale_not_found")


def test_a_sku_that_is_not_in_the_sale_is_refused(sale, buy):
    assert refusal(buy(sale, sku_id=999_999)) == (409, "sku_not_in_sale")


def test_more_than_an_order_may_have_is_refused(session, now, buy):
    sale = make_sale(session, now=now, terms={"max_units_per_order": 1})
    answer = buy(sale, quantity=2, expected_payable_fen=2 * FLASH_FEN)

    assert refusal(answer) == (409, "quantity_over_limit")
    assert orders(session) == []
    assert buy(sale).status_code == 201, "the ticket came back"


@pytest.mark.parametrize("field", ["expected_payable_fen", "address_id"])
def test_a_refusal_of_the_order_gives_the_piece_back(session, now, buy, field):
    sale = make_sale(session, now=now, total=1)
    assert buy(sale, **{field: 99_999_999}).status_code in {404, 409}
    assert orders(session) == []
    assert buy(sale).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {"quantity": 0},
        {"quantity": "1"},
        {"quantity": 10**9},
        {"sku_id": None},
        {"sku_id": []},
        {"address_id": True},
        {"expected_payable_fen": -1},
        {"remark": "长" * 201},
        {"coupon_ids": [0]},
        {"coupon_ids": list(range(1, 30))},
        {"price_fen": 1},
    ],
)
def test_what_is_no_body_changes_nothing(session, sale, buy, body):
    assert buy(sale, **body).status_code == 422
    assert figures(session, sale[0].id) == (0, 0)


def test_nobody_buys_without_a_token_or_a_key(sale, buy, client, token_for, buyer):
    assert buy(sale, headers={}).status_code == 401
    answer = client.post(
        f"/api/v1/flash-sales/{sale[0].id}/orders",
        json={"sku_id": sale[1].id, "address_id": 1, "expected_payable_fen": 1},
        headers=token_for(Audience.SHOPPER, buyer[0].id),
    )
    assert refusal(answer) == (400, "idempotency_key_missing")


def test_somebody_elses_address_is_not_found(session, sale, buy, buyer):
    _, address_id = make_buyer(session)
    assert buy(sale, address_id=address_id).status_code == 404
    assert figures(session, sale[0].id) == (0, 0)


def test_a_token_that_was_revoked_meanwhile_buys_nothing(session, sale, buy, buyer, token_for):
    headers = token_for(Audience.SHOPPER, buyer[0].id)
    assert buy(sale, headers=headers, address_id=10**9).status_code == 404
    session.execute(text("UPDATE auth_session SET revoked_at = now()"))
    session.commit()

    assert buy(sale, headers=headers).status_code == 401
    assert figures(session, sale[0].id) == (0, 0)
    assert buy(sale).status_code == 201, "the ticket came back"


def test_an_unpaid_order_gives_its_piece_to_the_next(session, now, buy, run_jobs, buyer):
    sale = make_sale(session, now=now, total=1, member_max_units=1)
    first = buy(sale)
    assert refusal(buy(sale, who=make_buyer(session))) == (409, "sold_out")
    service.cancel(session, order_no=first.json["order_no"], buyer_id=buyer[0].id, now=now)
    session.commit()
    run_jobs()
    assert figures(session, sale[0].id) == (0, 0)

    entrance().memory.forget()  # The moment in which a process remembers passes.
    assert buy(sale).status_code == 201, "the member may have it again"


def test_a_paid_piece_is_used_and_stays_so(session, now, sale, buy):
    buy(sale)
    (order,) = orders(session)
    pay(session, order, now=now)
    session.commit()
    assert figures(session, sale[0].id) == (0, 1)
