"""Ship, receive, complete: by people over HTTP, and by time."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.core.auth import Audience
from app.orders import jobs, queries
from app.orders import service as orders
from app.orders.models import OrderStatus
from tests.builders.distribution import make_chain, make_rules
from tests.builders.members import make_member
from tests.builders.orders import PARCEL, make_order
from tests.builders.shop import decide


def begin_refund(session, order, now):
    line = queries.lines(session, order_id=order.id)[0]
    orders.begin_refund(
        session,
        order_id=order.id,
        refund_source="test:1",
        line_amounts={line.id: 1},
        freight_fen=0,
        now=now,
    )
    session.commit()


class TestShip:
    def test_a_paid_order_gets_its_parcel(self, client, as_staff, placed):
        order = placed(OrderStatus.PAID)

        path = f"/admin/v1/orders/{order.order_no}/ship"
        answer = client.post(path, json=PARCEL, headers=as_staff)

        assert (answer.status_code, answer.json["status"]) == (200, "shipped")
        (shipment,) = answer.json["shipments"]
        assert shipment.items() >= PARCEL.items()
        assert answer.json["address"]["phone"] == "13812345678"

    def test_the_same_parcel_again_changes_nothing_and_another_is_refused(
        self, client, as_staff, placed
    ):
        order = placed(OrderStatus.SHIPPED)
        path = f"/admin/v1/orders/{order.order_no}/ship"

        same = client.post(path, json=PARCEL, headers=as_staff)
        other = client.post(path, json=PARCEL | {"tracking_no": "YT0001"}, headers=as_staff)

        assert (same.status_code, len(same.json["shipments"])) == (200, 1)
        assert (other.status_code, other.json["code"]) == (409, "order_state_forbids")

    @pytest.mark.parametrize(
        "status", [OrderStatus.UNPAID, OrderStatus.CLOSED, OrderStatus.REFUNDED]
    )
    def test_only_paid_orders_are_shipped(self, client, as_staff, placed, status):
        order = placed(status)

        path = f"/admin/v1/orders/{order.order_no}/ship"
        answer = client.post(path, json=PARCEL, headers=as_staff)

        assert (answer.status_code, answer.json["code"]) == (409, "order_state_forbids")
        assert answer.json["order_status"] == status

    def test_nothing_is_shipped_while_money_goes_back(self, session, client, as_staff, placed, now):
        order = placed(OrderStatus.PAID)
        begin_refund(session, order, now)

        path = f"/admin/v1/orders/{order.order_no}/ship"
        answer = client.post(path, json=PARCEL, headers=as_staff)

        assert (answer.status_code, answer.json["code"]) == (409, "refund_in_progress")
        assert queries.get(session, order_no=order.order_no).status == "paid"

    @pytest.mark.parametrize(
        "change",
        [
            {"tracking_no": "单号"},
            {"tracking_no": "SF 1"},
            {"tracking_no": "1" * 33},
            {"tracking_no": 123456},
            {"company_code": ""},
            {"company_code": "顺丰"},
            {"company_name": ""},
            {"company_name": "长" * 33},
            {"weight": 1},
        ],
    )
    def test_bad_parcels_are_refused(self, session, client, as_staff, placed, change):
        order = placed(OrderStatus.PAID)

        path = f"/admin/v1/orders/{order.order_no}/ship"
        answer = client.post(path, json=PARCEL | change, headers=as_staff)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
        assert queries.get(session, order_no=order.order_no).status == "paid"

    def test_shoppers_do_not_ship(self, client, placed, token_for):
        order = placed(OrderStatus.PAID)
        path = f"/admin/v1/orders/{order.order_no}/ship"
        as_buyer = token_for(Audience.SHOPPER, order.buyer_id)

        for headers in ({}, as_buyer):
            assert client.post(path, json=PARCEL, headers=headers).status_code == 401

    def test_an_order_that_is_not_there_is_not_found(self, client, as_staff):
        answer = client.post("/admin/v1/orders/O1/ship", json=PARCEL, headers=as_staff)

        assert (answer.status_code, answer.json["code"]) == (404, "order_not_found")


class TestReceive:
    def test_starts_the_days_until_commission_matures(self, session, client, token_for, now):
        buyer, upline = make_member(session), make_member(session)
        make_rules(session, mature_days=5, now=now)
        make_chain(session, buyer.id, upline.id, now=now)
        order = make_order(session, now=now, buyer=buyer, status=OrderStatus.SHIPPED)
        session.commit()
        path = f"/api/v1/orders/{order.order_no}/receive"
        me = token_for(Audience.SHOPPER, buyer.id)

        first = client.post(path, headers=me)
        second = client.post(path, headers=me)

        assert (first.status_code, first.json["status"]) == (200, "received")
        assert second.json["received_at"] == first.json["received_at"]
        received_at, mature_at = session.execute(
            text("SELECT received_at, mature_at FROM shop_order, commission")
        ).one()
        assert mature_at == received_at + timedelta(days=5)

    def test_only_shipped_orders_are_received(self, client, placed, token_for):
        order = placed(OrderStatus.PAID)

        answer = client.post(
            f"/api/v1/orders/{order.order_no}/receive",
            headers=token_for(Audience.SHOPPER, order.buyer_id),
        )

        assert (answer.status_code, answer.json["code"]) == (409, "order_state_forbids")

    def test_somebody_elses_order_is_not_found(self, session, client, placed, as_stranger):
        order = placed(OrderStatus.SHIPPED)
        path = f"/api/v1/orders/{order.order_no}/receive"

        assert client.post(path, headers=as_stranger).status_code == 404
        assert client.post(path).status_code == 401
        assert queries.get(session, order_no=order.order_no).status == "shipped"


RECEIVE_AFTER, COMPLETE_AFTER = timedelta(days=10), timedelta(days=7)


class TestTime:
    def test_ten_days_after_shipping_goods_count_as_received(self, session, placed, now):
        order = placed(OrderStatus.SHIPPED)

        assert orders.receive_due(session, now=now + RECEIVE_AFTER - timedelta.resolution) == 0
        assert orders.receive_due(session, now=now + RECEIVE_AFTER) == 1

        assert queries.get(session, order_no=order.order_no).status == "received"

    def test_seven_days_later_the_order_is_completed(self, session, placed, now):
        order = placed(OrderStatus.RECEIVED)

        assert orders.complete_due(session, now=now + COMPLETE_AFTER - timedelta.resolution) == 0
        assert orders.complete_due(session, now=now + COMPLETE_AFTER) == 1

        assert queries.get(session, order_no=order.order_no).status == "completed"

    def test_the_merchant_decides_after_how_many_days(self, session, placed, now):
        decide(session, now=now, receive_after_days=3, complete_after_days=0)
        shipped, received = placed(OrderStatus.SHIPPED), placed(OrderStatus.RECEIVED)
        early = now + timedelta(days=3) - timedelta.resolution

        assert orders.receive_due(session, now=early) == 0
        assert orders.receive_due(session, now=now + timedelta(days=3)) == 1
        assert orders.complete_due(session, now=now) == 1

        assert queries.get(session, order_no=shipped.order_no).status == "received"
        assert queries.get(session, order_no=received.order_no).status == "completed"

    @pytest.mark.parametrize("status", [OrderStatus.SHIPPED, OrderStatus.RECEIVED])
    def test_an_open_refund_stops_the_clock(self, session, placed, now, status):
        order = placed(status)
        begin_refund(session, order, now)
        far = now + timedelta(days=100)

        assert (orders.receive_due(session, now=far), orders.complete_due(session, now=far)) == (
            0,
            0,
        )
        orders.abandon_refund(session, order_id=order.id, refund_source="test:1", now=far)
        moved = (orders.receive_due(session, now=far), orders.complete_due(session, now=far))
        assert sorted(moved) == [0, 1]

    def test_the_sweeps_take_batch_after_batch(self, session, placed, now, set_clock, monkeypatch):
        placed(OrderStatus.UNPAID)
        shipped = [placed(OrderStatus.SHIPPED) for _ in range(3)]
        received = placed(OrderStatus.RECEIVED)
        for module in ("closing", "fulfilment", "jobs"):
            monkeypatch.setattr(f"app.orders.{module}.BATCH", 2)
        set_clock(now + timedelta(days=11))

        jobs.expire_due()
        jobs.complete_due()
        jobs.receive_due()

        statuses = session.execute(
            text("SELECT status, count(*) FROM shop_order GROUP BY status")
        ).all()
        assert dict(statuses) == {"closing": 1, "completed": 1, "received": len(shipped)}
        assert queries.get(session, order_no=received.order_no).status == "completed"


class TestStaff:
    def test_lists_with_filters_and_hints_at_people_only(
        self, session, client, as_staff, placed, now
    ):
        paid, other = placed(OrderStatus.PAID), placed(OrderStatus.UNPAID)
        later = now + timedelta(days=1)

        def found(**query):
            answer = client.get("/admin/v1/orders", query_string=query, headers=as_staff)
            assert answer.status_code == 200, answer.json
            return [each["order_no"] for each in answer.json["items"]]

        assert found() == [other.order_no, paid.order_no]
        assert found(status="paid") == [paid.order_no]
        assert found(buyer_id=other.buyer_id) == [other.order_no]
        assert found(placed_from=now.isoformat(), placed_to=later.isoformat()) == found()
        assert found(placed_to=now.isoformat()) == []
        assert found(placed_from=later.isoformat()) == []
        shown = client.get("/admin/v1/orders", headers=as_staff).json["items"][0]
        assert (shown["receiver"], shown["phone"]) == ("王**", "138****5678")
        assert "address" not in shown

    def test_a_remark_is_kept_for_staff(self, client, as_staff, placed):
        order = placed(OrderStatus.PAID)
        path = f"/admin/v1/orders/{order.order_no}"

        written = client.put(f"{path}/remark", json={"text": "加急 🙏"}, headers=as_staff)
        cleared = client.put(f"{path}/remark", json={"text": ""}, headers=as_staff)

        assert (written.json["staff_remark"], cleared.json["staff_remark"]) == ("加急 🙏", "")
        assert client.get(path, headers=as_staff).json["buyer_id"] == order.buyer_id

    @pytest.mark.parametrize("body", [{}, {"text": "长" * 201}, {"text": 1}, {"text": "", "x": 1}])
    def test_bad_remarks_are_refused(self, client, as_staff, placed, body):
        order = placed(OrderStatus.PAID)

        path = f"/admin/v1/orders/{order.order_no}/remark"
        answer = client.put(path, json=body, headers=as_staff)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")

    def test_orders_that_are_not_there_are_not_found(self, client, as_staff):
        assert client.get("/admin/v1/orders/O1", headers=as_staff).status_code == 404
        answer = client.put("/admin/v1/orders/O1/remark", json={"text": "x"}, headers=as_staff)
        assert (answer.status_code, answer.json["code"]) == (404, "order_not_found")
