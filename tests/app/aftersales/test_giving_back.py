"""Staff give money of a shipped order back: part or all, once, with the commissions it earned."""

import secrets

import pytest
from sqlalchemy import select

from app.aftersales import jobs, verify
from app.aftersales.models import AfterSale
from app.catalogue.models import Sku
from app.core.auth import Audience
from app.orders import leaving, queries
from app.payments.models import Refund
from app.staff.models import Role
from tests.builders.payments import settle_refund
from tests.builders.staff import make_staff

URL = "/admin/v1/after-sales"


@pytest.fixture
def shipped(session, order, now):
    leaving.ship(
        session,
        order_no=order.order_no,
        company_code="SF",
        company_name="顺丰速运",
        tracking_no="SF1234567890",
        now=now,
    )
    session.commit()
    return order


@pytest.fixture
def give_back(client, merchant):
    def post(order_no, *, headers=merchant, key=None, **changes):
        body = {"order_no": order_no, "reason": "协商退款", **changes}
        key = {"Idempotency-Key": key or secrets.token_hex(8)}
        return client.post(URL, json=body, headers={**(headers or {}), **key})

    return post


def left(session, order):
    return [
        (line.refunding_fen, line.refunded_fen)
        for line in queries.lines(session, order_id=order.id)
    ]


def test_all_of_a_shipped_order_goes_back_with_its_freight(session, shipped, give_back, now):
    answer = give_back(shipped.order_no)
    settle_refund(session, refund=session.scalar(select(Refund)), now=now)
    session.commit()
    jobs.refund_settled(f"after_sale:{answer.json['after_sale_no']}")

    session.expire_all()
    order = queries.get(session, order_no=shipped.order_no)
    assert (answer.status_code, answer.json["status"]) == (201, "refunding")
    assert answer.json["decided_by"] is not None
    assert (order.status, order.refunded_fen) == ("refunded", order.paid_fen)
    assert session.scalar(select(AfterSale.status)) == "refunded"
    assert sorted(session.scalars(select(Sku.sold)).all()) == [1, 2], "stock stays as it is"
    assert list(verify.verify(session)) == []


def test_pieces_go_back_at_their_share_and_the_order_goes_on(session, wechat, shipped, give_back):
    line = queries.lines(session, order_id=shipped.id)[0]

    answer = give_back(shipped.order_no, lines=[{"line_id": line.id, "quantity": 1}])

    assert answer.json["amount_fen"] == 9900
    session.expire_all()
    assert queries.get(session, order_no=shipped.order_no).status == "shipped"


def test_the_same_key_gives_back_once(session, wechat, shipped, give_back):
    first, again = (give_back(shipped.order_no, key="same-key-0001") for _ in range(2))

    assert first.json == again.json
    other = give_back(shipped.order_no)
    assert (other.status_code, other.json["code"]) == (409, "after_sale_open")
    assert session.query(AfterSale).count() == 1


def test_before_shipping_the_buyer_asks(session, wechat, order, give_back):
    answer = give_back(order.order_no)

    assert (answer.status_code, answer.json["code"]) == (409, "not_after_shipping")
    assert session.query(AfterSale).count() == 0
    assert all(fen == (0, 0) for fen in left(session, order))


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": ""},
        {"reason": "长" * 81},
        {"reason": 1},
        {"lines": []},
        {"lines": [{"line_id": 0, "quantity": 1}]},
        {"lines": [{"line_id": 1, "quantity": 0}]},
        {"amount_fen": 0},
        {"with_freight": 1},
        {"kind": "exchange"},
    ],
)
def test_bad_bodies_are_refused_and_change_nothing(session, wechat, shipped, give_back, changes):
    assert give_back(shipped.order_no, **changes).status_code == 422
    assert session.query(AfterSale).count() == 0


def test_more_pieces_than_the_line_has_are_refused(session, wechat, shipped, give_back):
    line = queries.lines(session, order_id=shipped.id)[0]

    answer = give_back(shipped.order_no, lines=[{"line_id": line.id, "quantity": 3}])

    assert answer.status_code == 409
    assert session.query(AfterSale).count() == 0


def test_is_for_staff_who_may_write(session, wechat, shipped, buyer, give_back, token_for):
    analyst = make_staff(session, role=Role.ANALYST)
    session.commit()

    assert give_back(shipped.order_no, headers=None).status_code == 401
    assert give_back(shipped.order_no, headers=buyer).status_code == 401
    reading = token_for(Audience.STAFF, analyst.id)
    assert give_back(shipped.order_no, headers=reading).status_code == 403
    missing = give_back("O" + "0" * 26)
    assert (missing.status_code, missing.json["code"]) == (404, "order_not_found")
    assert session.query(AfterSale).count() == 0
