"""Cases over HTTP: who may open, take back and decide them, and when not."""

import threading

import pytest
from sqlalchemy import func, select

from app.aftersales import service
from app.aftersales.models import AfterSale
from app.core.auth import Audience
from app.orders import service as orders
from app.orders.models import OrderStatus
from app.payments.models import Refund
from tests.builders.aftersales import make_case, make_paid_order
from tests.builders.members import make_member
from tests.builders.orders import PARCEL, make_order

ASKABLE = {OrderStatus.PAID, OrderStatus.SHIPPED, OrderStatus.RECEIVED}


def count(session, table=AfterSale):
    session.rollback()
    return session.scalar(select(func.count(table.id)))


class TestApplying:
    def test_opens_a_case_for_everything_that_was_paid(self, apply, order, buyer):
        answer = apply(order.order_no, buyer)

        assert answer.status_code == 201
        assert answer.json["status"] == "applied"
        assert answer.json["amount_fen"] == order.paid_fen == 2 * 9900 + 3333 + 1200
        assert answer.json["order_no"] == order.order_no

    def test_moves_no_money_and_the_order_can_still_be_shipped(
        self, apply, order, buyer, session, now
    ):
        apply(order.order_no, buyer)

        assert count(session, Refund) == 0
        assert orders.ship(session, order_no=order.order_no, now=now, **PARCEL)

    def test_the_same_key_opens_one_case_and_gets_one_answer(self, apply, order, buyer, session):
        first = apply(order.order_no, buyer, key="the-same-key")
        again = apply(order.order_no, buyer, key="the-same-key")

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json == again.json
        assert count(session) == 1

    def test_without_a_key_nothing_happens(self, client, order, buyer, session):
        body = {"order_no": order.order_no, "reason": "x"}

        answer = client.post("/api/v1/after-sales", json=body, headers=buyer)

        assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_missing")
        assert count(session) == 0

    def test_an_order_has_one_open_case(self, apply, order, buyer, session):
        apply(order.order_no, buyer)

        answer = apply(order.order_no, buyer)

        assert (answer.status_code, answer.json["code"]) == (409, "after_sale_open")
        assert count(session) == 1

    @pytest.mark.parametrize("status", sorted({*OrderStatus} - ASKABLE))
    def test_only_what_is_paid_and_within_its_window_can_be_asked_for(
        self, apply, session, token_for, now, status
    ):
        order = make_order(session, now=now, status=status)
        session.commit()

        answer = apply(order.order_no, token_for(Audience.SHOPPER, order.buyer_id))

        assert (answer.status_code, answer.json["code"]) == (409, "outside_after_sales")
        assert answer.json["order_status"] == status
        assert count(session) == 0

    def test_somebody_elses_order_does_not_exist(self, apply, order, session, token_for):
        stranger = make_member(session)
        session.commit()

        answer = apply(order.order_no, token_for(Audience.SHOPPER, stranger.id))

        assert (answer.status_code, answer.json["code"]) == (404, "order_not_found")
        assert apply("O" + "0" * 26, token_for(Audience.SHOPPER, stranger.id)).status_code == 404
        assert count(session) == 0

    @pytest.mark.parametrize(
        "wrong",
        [
            {"order_no": "1"},
            {"order_no": None},
            {"order_no": 7},
            {"reason": ""},
            {"reason": "因" * 81},
            {"reason": "不要了😀"},
            {"reason": "a\x00b"},
            {"reason": ["x"]},
            {"amount_fen": 0},
            {"amount_fen": -1},
            {"amount_fen": "1"},
            {"kind": "gift"},
            {"kind": None},
            {"reason_code": "because"},
            {"is_urgent": True},
        ],
    )
    def test_wrong_fields_open_nothing(self, apply, order, buyer, session, wrong):
        answer = apply(**{"order_no": order.order_no, "headers": buyer, **wrong})

        assert answer.status_code == 422
        assert list(answer.json["errors"]) == list(wrong)
        assert count(session) == 0

    def test_needs_a_token(self, apply, order, session):
        assert apply(order.order_no, None).status_code == 401
        assert count(session) == 0

    @pytest.mark.race
    def test_eight_requests_at_once_open_one_case(self, app, order, buyer, session):
        statuses = []

        def go(number):
            answer = app.test_client().post(
                "/api/v1/after-sales",
                json={"order_no": order.order_no, "reason": "x"},
                headers={**buyer, "Idempotency-Key": f"key-number-{number}"},
            )
            statuses.append(answer.status_code)

        threads = [threading.Thread(target=go, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(statuses) == [201] + [409] * 7
        assert count(session) == 1


class TestLooking:
    def test_a_buyer_pages_through_their_own_cases_only(self, client, session, now, token_for):
        order = make_paid_order(session, now=now)
        for _ in range(21):
            case = make_case(session, order=order, now=now)
            service.cancel(
                session, after_sale_no=case.after_sale_no, buyer_id=order.buyer_id, now=now
            )
        make_case(session, now=now)
        session.commit()
        headers = token_for(Audience.SHOPPER, order.buyer_id)

        first = client.get("/api/v1/after-sales", headers=headers).json
        rest = client.get(
            f"/api/v1/after-sales?cursor={first['next_cursor']}", headers=headers
        ).json

        numbers = [each["after_sale_no"] for each in first["items"] + rest["items"]]
        assert len(numbers) == len(set(numbers)) == 21
        assert rest["next_cursor"] is None

    def test_lists_are_narrowed_by_status_and_for_staff_by_order(
        self, client, case, buyer, merchant
    ):
        none = client.get("/api/v1/after-sales?status=refunded", headers=buyer).json["items"]
        mine = client.get("/api/v1/after-sales?status=applied", headers=buyer).json["items"]
        path = f"/admin/v1/after-sales?order_no={case.order_no}&status=applied"
        staffs = client.get(path, headers=merchant).json["items"]

        assert none == []
        assert [each["after_sale_no"] for each in mine] == [case.after_sale_no]
        assert [each["buyer_id"] for each in staffs] == [case.buyer_id]

    @pytest.mark.parametrize("query", ["status=lost", "cursor=x", "order_no=1", "page=2"])
    def test_a_wrong_query_is_refused(self, client, buyer, merchant, query):
        assert client.get(f"/api/v1/after-sales?{query}", headers=buyer).status_code == 422
        assert client.get(f"/admin/v1/after-sales?{query}", headers=merchant).status_code == 422

    def test_a_case_is_seen_by_its_buyer_and_by_staff(
        self, client, case, buyer, merchant, session, token_for
    ):
        stranger = make_member(session)
        session.commit()
        path = f"after-sales/{case.after_sale_no}"

        assert client.get(f"/api/v1/{path}", headers=buyer).json["reason"] == "不想要了"
        assert "buyer_id" not in client.get(f"/api/v1/{path}", headers=buyer).json
        assert client.get(f"/admin/v1/{path}", headers=merchant).json["decided_by"] is None
        strangers = client.get(f"/api/v1/{path}", headers=token_for(Audience.SHOPPER, stranger.id))
        assert (strangers.status_code, strangers.json["code"]) == (404, "after_sale_not_found")
        for route in (f"/api/v1/{path}", f"/admin/v1/{path}"):
            assert client.get(route).status_code == 401
        for route in ("/api/v1/after-sales", "/admin/v1/after-sales"):
            assert client.get(route).status_code == 401


class TestTakingBack:
    def test_a_buyer_takes_a_case_back_and_may_open_another(self, client, apply, case, buyer):
        answer = client.post(f"/api/v1/after-sales/{case.after_sale_no}/cancel", headers=buyer)

        assert (answer.status_code, answer.json["status"]) == (200, "cancelled")
        assert apply(case.order_no, buyer).status_code == 201

    def test_once_decided_it_cannot_be_taken_back(self, client, case, buyer, merchant):
        client.post(
            f"/admin/v1/after-sales/{case.after_sale_no}/approve", json={}, headers=merchant
        )

        answer = client.post(f"/api/v1/after-sales/{case.after_sale_no}/cancel", headers=buyer)

        assert (answer.status_code, answer.json["code"]) == (409, "after_sale_state_forbids")
        assert answer.json["after_sale_status"] == "refunding"

    def test_nobody_else_can(self, client, case, session, token_for):
        stranger = make_member(session)
        session.commit()
        path = f"/api/v1/after-sales/{case.after_sale_no}/cancel"

        answer = client.post(path, headers=token_for(Audience.SHOPPER, stranger.id))

        assert answer.status_code == 404
        assert client.post(path).status_code == 401
        session.refresh(case)
        assert case.status == "applied"


class TestRejecting:
    def test_tells_the_buyer_why_and_moves_no_money(self, client, case, buyer, merchant, session):
        path = f"after-sales/{case.after_sale_no}"

        client.post(f"/admin/v1/{path}/reject", json={"answer": "已在打包"}, headers=merchant)

        shown = client.get(f"/api/v1/{path}", headers=buyer).json
        assert (shown["status"], shown["answer"]) == ("rejected", "已在打包")
        assert count(session, Refund) == 0

    @pytest.mark.parametrize(
        "body", [{}, {"answer": ""}, {"answer": "长" * 201}, {"answer": 1}, {"answer": "x", "a": 1}]
    )
    def test_wrong_fields_decide_nothing(self, client, case, merchant, session, body):
        path = f"/admin/v1/after-sales/{case.after_sale_no}/reject"

        assert client.post(path, json=body, headers=merchant).status_code == 422

        session.refresh(case)
        assert case.status == "applied"

    @pytest.mark.parametrize("verb", ["approve", "reject"])
    def test_only_staff_decide_and_only_what_exists(
        self, client, case, buyer, merchant, session, verb
    ):
        body = {"answer": "x"} if verb == "reject" else {}
        path = f"/admin/v1/after-sales/{case.after_sale_no}/{verb}"
        unknown = f"/admin/v1/after-sales/A{'0' * 26}/{verb}"

        assert client.post(path, json=body).status_code == 401
        assert client.post(path, json=body, headers=buyer).status_code == 401
        answer = client.post(unknown, json=body, headers=merchant)
        assert (answer.status_code, answer.json["code"]) == (404, "after_sale_not_found")
        session.refresh(case)
        assert case.status == "applied"

    @pytest.mark.parametrize("verb", ["approve", "reject"])
    def test_what_is_decided_stays_decided(self, client, case, merchant, verb):
        body = {"answer": "x"}
        client.post(
            f"/admin/v1/after-sales/{case.after_sale_no}/reject", json=body, headers=merchant
        )

        answer = client.post(
            f"/admin/v1/after-sales/{case.after_sale_no}/{verb}",
            json=body if verb == "reject" else {},
            headers=merchant,
        )

        assert (answer.status_code, answer.json["code"]) == (409, "after_sale_state_forbids")
