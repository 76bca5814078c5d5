"""An order leaves in parts: by line and by piece, around refunds, until nothing waits."""

import threading

import pytest

from app.core.auth import Audience
from app.core.db import transaction
from app.orders import queries
from app.orders import service as orders
from app.orders.models import OrderStatus
from tests.builders.catalogue import make_sku
from tests.builders.orders import PARCEL, begin_return, give_back, make_order


@pytest.fixture
def order(session, now):
    """Three pieces of one SKU and one of another, paid."""
    quantities = {make_sku(session, price_fen=5000).id: 3, make_sku(session).id: 1}
    order = make_order(session, now=now, quantities=quantities, status=OrderStatus.PAID)
    session.commit()
    return order


@pytest.fixture
def ship(client, as_staff):
    def post(order, tracking_no, *pieces):
        body = PARCEL | {"tracking_no": tracking_no}
        if pieces:
            body["lines"] = [{"line_id": line.id, "quantity": count} for line, count in pieces]
        return client.post(f"/admin/v1/orders/{order.order_no}/ship", json=body, headers=as_staff)

    return post


def waiting(session, order):
    return [line.waiting_quantity for line in queries.lines(session, order_id=order.id)]


class TestInParts:
    def test_it_is_shipped_with_the_last_piece_and_not_before(
        self, session, order, ship, client, token_for, breaches
    ):
        first, second = order.lines

        parts = [ship(order, "SF0001", (first, 2)), ship(order, "SF0002", (first, 1))]

        assert [part.json["status"] for part in parts] == ["paid", "paid"]
        assert ship(order, "SF0003").json["status"] == "shipped"
        me = token_for(Audience.SHOPPER, order.buyer_id)
        shown = client.get(f"/api/v1/orders/{order.order_no}", headers=me).json
        assert [
            (
                parcel["tracking_no"],
                [(line["line_id"], line["quantity"]) for line in parcel["lines"]],
            )
            for parcel in shown["shipments"]
        ] == [
            ("SF0001", [(first.id, 2)]),
            ("SF0002", [(first.id, 1)]),
            ("SF0003", [(second.id, 1)]),
        ]
        assert [
            (line["shipped_quantity"], line["waiting_quantity"]) for line in shown["lines"]
        ] == [(3, 0), (1, 0)]
        assert breaches() == []

    def test_more_than_waits_is_refused_and_changes_nothing(self, session, order, ship):
        first, second = order.lines
        ship(order, "SF0001", (first, 2))

        answer = ship(order, "SF0002", (second, 1), (first, 2))
        strange = ship(order, "SF0002", (make_line(session, order), 1))

        assert (answer.status_code, answer.json["code"]) == (409, "shipment_exceeds_line")
        assert (answer.json["line_id"], answer.json["left"]) == (first.id, 1)
        assert (strange.status_code, strange.json["left"]) == (409, 0)
        assert waiting(session, order) == [1, 1]

    def test_a_parcel_again_changes_nothing_unless_it_holds_something_else(
        self, session, order, ship
    ):
        first, second = order.lines
        ship(order, "SF0001", (first, 2))

        again = ship(order, "SF0001", (first, 2))
        other = ship(order, "SF0001", (second, 1))

        assert (again.status_code, len(again.json["shipments"])) == (200, 1)
        assert (other.status_code, other.json["code"]) == (409, "shipment_differs")
        assert waiting(session, order) == [1, 1]

    def test_it_is_not_received_before_all_of_it_has_left(
        self, session, order, ship, client, token_for
    ):
        ship(order, "SF0001", (order.lines[0], 1))

        answer = client.post(
            f"/api/v1/orders/{order.order_no}/receive",
            headers=token_for(Audience.SHOPPER, order.buyer_id),
        )

        assert (answer.status_code, answer.json["order_status"]) == (409, "paid")

    @pytest.mark.parametrize(
        "lines",
        [
            [],
            [{"line_id": 1}],
            [{"line_id": 1, "quantity": 0}],
            [{"line_id": 1, "quantity": True}],
            [{"line_id": 1, "quantity": 1}, {"line_id": 1, "quantity": 1}],
            [{"line_id": 1, "quantity": 1, "sku_id": 1}],
        ],
    )
    def test_bad_lines_are_refused(self, session, order, client, as_staff, lines):
        path = f"/admin/v1/orders/{order.order_no}/ship"
        answer = client.post(path, json=PARCEL | {"lines": lines}, headers=as_staff)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
        assert waiting(session, order) == [3, 1]


def make_line(session, order):
    """A line of another order of the same buyer."""
    other = make_order(session, now=order.placed_at)
    session.commit()
    return other.lines[0]


class TestRefunds:
    def test_withhold_their_own_pieces_and_no_others(self, session, order, ship, now, breaches):
        first, second = order.lines
        begin_return(session, order, {first.id: 1}, source="test:1", now=now)
        session.commit()

        everything = ship(order, "SF0001")
        too_many = ship(order, "SF0001", (first, 3))
        rest = ship(order, "SF0001", (first, 2), (second, 1))

        assert everything.json["code"] == "refund_in_progress"
        assert too_many.json["code"] == "shipment_exceeds_line"
        assert (rest.status_code, rest.json["status"]) == (200, "paid")
        orders.finish_refund(session, order_id=order.id, refund_source="test:1", now=now)
        session.commit()
        fresh = queries.get(session, order_no=order.order_no)
        assert (fresh.status, fresh.shipped_at) == ("shipped", now)
        assert fresh.lines[0].restocked_quantity == 1
        assert breaches() == []

    def test_abandoned_let_their_pieces_leave(self, session, order, ship, now, breaches):
        first, second = order.lines
        begin_return(session, order, {first.id: 1}, source="test:1", now=now)
        session.commit()
        ship(order, "SF0001", (first, 2), (second, 1))

        orders.abandon_refund(session, order_id=order.id, refund_source="test:1", now=now)
        session.commit()

        assert waiting(session, order) == [1, 0]
        assert ship(order, "SF0002").json["status"] == "shipped"
        assert breaches() == []

    def test_of_fen_alone_block_the_lines_they_name(self, session, order, ship, now):
        first, second = order.lines
        orders.begin_refund(
            session,
            order_id=order.id,
            refund_source="test:1",
            line_amounts={first.id: 1},
            freight_fen=0,
            now=now,
        )
        session.commit()

        blocked = ship(order, "SF0001", (first, 1))

        assert (blocked.status_code, blocked.json["line_id"]) == (409, first.id)
        assert ship(order, "SF0001").json["code"] == "refund_in_progress"
        assert ship(order, "SF0001", (second, 1)).status_code == 200

    def test_only_what_never_left_returns_to_the_shelf(self, session, order, ship, now, breaches):
        first = order.lines[0]
        ship(order, "SF0001", (first, 2))
        session.expire_all()

        give_back(session, order, None, source="test:1", now=now)
        session.commit()

        fresh = queries.get(session, order_no=order.order_no)
        assert fresh.status == "refunded"
        assert [line.restocked_quantity for line in fresh.lines] == [1, 1]
        assert breaches() == []

    def test_that_say_which_pieces_never_left_are_believed_within_what_waits(
        self, session, order, ship, now
    ):
        first = order.lines[0]
        ship(order, "SF0001", (first, 2))
        asked = {"line_amounts": {first.id: 5000}, "quantities": {first.id: 1}, "freight_fen": 0}

        with pytest.raises(orders.RefundExceedsPaid):
            orders.begin_refund(
                session,
                order_id=order.id,
                refund_source="test:1",
                unshipped={first.id: 2},
                now=now,
                **asked,
            )
        session.rollback()
        orders.begin_refund(
            session, order_id=order.id, refund_source="test:1", unshipped={}, now=now, **asked
        )

        assert waiting(session, order) == [1, 1]


class TestAfterSales:
    def test_a_buyer_asks_for_what_has_not_left(self, order, ship, client, token_for):
        first, second = order.lines
        ship(order, "SF0001", (first, 2))
        me = token_for(Audience.SHOPPER, order.buyer_id)

        def preview(**body):
            return client.post(
                "/api/v1/after-sales/preview",
                json={"order_no": order.order_no, **body},
                headers=me,
            )

        all_left = preview().json["lines"]
        too_many = preview(lines=[{"line_id": first.id, "quantity": 2}])

        assert [(line["line_id"], line["quantity"]) for line in all_left] == [
            (first.id, 1),
            (second.id, 1),
        ]
        assert (too_many.status_code, too_many.json["left"]) == (409, 1)

    def test_what_leaves_before_staff_agree_is_not_refunded(
        self, session, order, ship, client, token_for, as_staff
    ):
        second = order.lines[1]
        me = token_for(Audience.SHOPPER, order.buyer_id)
        body = {
            "order_no": order.order_no,
            "reason": "不想要了",
            "lines": [{"line_id": second.id, "quantity": 1}],
        }
        case = client.post(
            "/api/v1/after-sales", json=body, headers={**me, "Idempotency-Key": "k" * 16}
        ).json
        ship(order, "SF0001", (second, 1))

        path = f"/admin/v1/after-sales/{case['after_sale_no']}/approve"
        answer = client.post(path, json={}, headers={**as_staff, "Idempotency-Key": "k" * 16})

        assert (answer.status_code, answer.json["code"]) == (409, "not_before_shipping")
        assert waiting(session, order) == [3, 0]


class TestWeChat:
    def test_its_word_receives_once_and_never_too_early(self, session, order, ship, now):
        def receive():
            return orders.receive_by_wechat(session, order_no=order.order_no, now=now)

        assert receive() is False
        ship(order, "SF0001")
        assert (receive(), receive()) == (True, False)
        assert orders.receive_by_wechat(session, order_no="O1", now=now) is False
        assert queries.get(session, order_no=order.order_no).status == "received"


def test_two_who_ship_the_same_piece_ship_it_once(app, session, order, now, breaches):
    line = order.lines[1]
    outcomes = []

    def send(tracking_no):
        with app.app_context():
            try:
                with transaction() as own:
                    orders.ship(
                        own,
                        order_no=order.order_no,
                        quantities={line.id: 1},
                        now=now,
                        **PARCEL | {"tracking_no": tracking_no},
                    )
                outcomes.append("shipped")
            except orders.ShipmentExceedsLine:
                outcomes.append("refused")

    threads = [threading.Thread(target=send, args=(f"SF{each:04}",)) for each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["refused"] * 3 + ["shipped"]
    assert breaches() == []
