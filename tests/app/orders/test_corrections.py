"""A wrong number is put right and kept; somebody of the shop may bring a parcel."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.auth import Audience
from app.orders import queries
from app.orders.models import OrderStatus
from tests.builders.catalogue import make_sku
from tests.builders.orders import PARCEL

RIGHT = PARCEL | {"tracking_no": "SF7654321", "reason": "抄错一位"}
COURIER = {"courier_name": "小周", "courier_phone": "13900001111"}


@pytest.fixture
def correct(client, as_staff):
    def put(order, shipment_id, body=RIGHT, headers=as_staff):
        path = f"/admin/v1/orders/{order.order_no}/shipments/{shipment_id}"
        return client.put(path, json=body, headers=headers)

    return put


class TestCorrect:
    def test_the_wrong_number_is_kept_with_who_and_why(self, placed, correct, client, as_staff):
        order = placed(OrderStatus.SHIPPED)
        (parcel,) = order.shipments

        first, again = correct(order, parcel.id), correct(order, parcel.id)

        assert (first.status_code, again.status_code) == (200, 200)
        assert first.json["shipments"][0]["tracking_no"] == "SF7654321"
        path = f"/admin/v1/orders/{order.order_no}/shipments/{parcel.id}/corrections"
        (kept,) = client.get(path, headers=as_staff).json["items"]
        assert (kept["tracking_no"], kept["reason"]) == (PARCEL["tracking_no"], "抄错一位")
        assert kept["staff_id"] > 0

    def test_nobody_rewrites_what_was_wrong(self, session, placed, correct):
        order = placed(OrderStatus.SHIPPED)
        correct(order, order.shipments[0].id)

        with pytest.raises(DBAPIError, match="append-only"):
            session.execute(text("UPDATE shipment_correction SET reason = ''"))

    def test_the_number_of_another_parcel_of_the_order_is_refused(
        self, session, placed, correct, client, as_staff
    ):
        order = placed(OrderStatus.PAID, quantities={make_sku(session).id: 2})
        path = f"/admin/v1/orders/{order.order_no}/ship"
        lines = [{"line_id": order.lines[0].id, "quantity": 1}]
        for tracking_no in ("SF0001", "SF7654321"):
            body = PARCEL | {"tracking_no": tracking_no, "lines": lines}
            shipped = client.post(path, json=body, headers=as_staff).json

        answer = correct(order, shipped["shipments"][0]["id"])

        assert (answer.status_code, answer.json["code"]) == (409, "tracking_taken")

    def test_a_parcel_of_another_order_is_not_found(self, placed, correct, client, as_staff):
        order, other = placed(OrderStatus.SHIPPED), placed(OrderStatus.SHIPPED)
        theirs = other.shipments[0].id

        assert correct(order, theirs).json["code"] == "shipment_not_found"
        path = f"/admin/v1/orders/{order.order_no}/shipments/{theirs}/corrections"
        assert client.get(path, headers=as_staff).json["code"] == "shipment_not_found"
        assert client.get(path).status_code == 401

    @pytest.mark.parametrize(
        "change",
        [
            {"tracking_no": "单号"},
            {"company_code": ""},
            {"company_name": "长" * 33},
            {"reason": ""},
            {"reason": "长" * 201},
            {"lines": []},
        ],
    )
    def test_bad_numbers_are_refused(self, session, placed, correct, change):
        order = placed(OrderStatus.SHIPPED)

        answer = correct(order, order.shipments[0].id, RIGHT | change)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
        (parcel,) = queries.get(session, order_no=order.order_no).shipments
        assert parcel.tracking_no == PARCEL["tracking_no"]

    def test_shoppers_correct_nothing(self, placed, correct, token_for):
        order = placed(OrderStatus.SHIPPED)
        for headers in ({}, token_for(Audience.SHOPPER, order.buyer_id)):
            assert correct(order, order.shipments[0].id, headers=headers).status_code == 401


class TestDeliver:
    def test_the_buyer_sees_who_brings_what(
        self, session, placed, correct, client, as_staff, token_for
    ):
        order = placed(OrderStatus.PAID, quantities={make_sku(session).id: 2})
        body = COURIER | {"lines": [{"line_id": order.lines[0].id, "quantity": 1}]}
        path = f"/admin/v1/orders/{order.order_no}/deliver"
        keyed = {**as_staff, "Idempotency-Key": "courier-1-of-two"}

        first, again = (client.post(path, json=body, headers=keyed) for _ in range(2))
        rest = client.post(
            path, json=COURIER, headers={**as_staff, "Idempotency-Key": "courier-2-of-two"}
        )

        assert (first.status_code, first.json["status"]) == (200, "paid")
        assert len(again.json["shipments"]) == 1
        assert rest.json["status"] == "shipped"
        me = token_for(Audience.SHOPPER, order.buyer_id)
        shown = client.get(f"/api/v1/orders/{order.order_no}", headers=me).json["shipments"]
        assert [(each["kind"], each["courier"]["name"]) for each in shown] == [
            ("courier", "小周"),
            ("courier", "小周"),
        ]
        sealed = session.scalars(text("SELECT courier_sealed FROM shipment")).all()
        assert all(b"13900001111" not in bytes(each) for each in sealed)
        assert correct(order, shown[0]["id"]).json["code"] == "shipment_not_tracked"

    def test_what_is_not_paid_is_not_brought(self, placed, client, as_staff):
        order = placed(OrderStatus.UNPAID)

        answer = client.post(
            f"/admin/v1/orders/{order.order_no}/deliver",
            json=COURIER,
            headers={**as_staff, "Idempotency-Key": "courier-too-early"},
        )

        assert (answer.status_code, answer.json["code"]) == (409, "order_state_forbids")


def test_the_companies_are_offered_by_code(client, as_staff):
    found = client.get("/admin/v1/express-companies", headers=as_staff).json["items"]

    assert {"code": "SF", "name": "顺丰速运"} in found
    assert client.get("/admin/v1/express-companies").status_code == 401
