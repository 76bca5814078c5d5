"""What staff see, and what `flask verify` finds when somebody tampers."""

import pytest
from sqlalchemy import text

from app.core.auth import Audience
from tests.app.payments.test_refunds import request
from tests.builders.staff import make_staff


@pytest.fixture
def staff(mall, token_for):
    account = make_staff(mall.session)
    mall.session.commit()
    return token_for(Audience.STAFF, account.id)


class TestQuarantine:
    def test_lists_what_waits_for_a_person_the_latest_first(self, mall, staff):
        _, number = mall.open()
        for event in ("EV-1", "EV-2"):
            mall.hear({**mall.platform.pay(number), "mchid": "1900000999"}, id=event)
        mall.run_jobs()

        answer = mall.client.get("/admin/v1/payments/quarantine", headers=staff)

        assert answer.json["next_cursor"] is None
        assert [item["event_id"] for item in answer.json["items"]] == ["EV-2", "EV-1"]
        assert answer.json["items"][0]["reason"] == "foreign_mchid"
        assert answer.json["items"][0]["fact"]["out_trade_no"] == number

    def test_goes_on_page_by_page(self, mall, staff, monkeypatch):
        monkeypatch.setattr("app.payments.queries.PAGE", 2)
        for event in range(5):
            resource = {"out_trade_no": f"P{event}", "trade_state": "SUCCESS"}
            mall.hear(resource, id=f"EV-{event}")
        mall.run_jobs()
        seen, cursor = [], None

        for _ in range(3):
            query = {"cursor": cursor} if cursor else {}
            page = mall.client.get(
                "/admin/v1/payments/quarantine", headers=staff, query_string=query
            ).json
            seen += [item["event_id"] for item in page["items"]]
            cursor = page["next_cursor"]

        assert seen == ["EV-4", "EV-3", "EV-2", "EV-1", "EV-0"]
        assert cursor is None

    @pytest.mark.parametrize("cursor", ["x", "WzFd" * 60, "W10", "WyJ4Il0"])
    def test_refuses_a_cursor_that_is_not_ours(self, mall, staff, cursor):
        answer = mall.client.get(
            "/admin/v1/payments/quarantine", headers=staff, query_string={"cursor": cursor}
        )

        assert answer.status_code == 422

    def test_refuses_strangers(self, mall):
        assert mall.client.get("/admin/v1/payments/quarantine").status_code == 401


class TestTimeline:
    def test_shows_attempts_refunds_and_words_of_wechat(self, mall, staff):
        order, number = mall.paid()
        refund = request(mall, order)
        mall.run_jobs()

        answer = mall.client.get(f"/admin/v1/orders/{order.order_no}/payments", headers=staff)

        assert [each["out_trade_no"] for each in answer.json["payments"]] == [number]
        assert [each["out_refund_no"] for each in answer.json["refunds"]] == [refund.out_refund_no]
        assert [each["kind"] for each in answer.json["facts"]] == ["trade", "refund"]

    def test_of_an_unknown_order_is_not_found(self, mall, staff):
        answer = mall.client.get(f"/admin/v1/orders/O{'0' * 26}/payments", headers=staff)

        assert answer.status_code == 404

    def test_refuses_strangers(self, mall):
        assert mall.client.get("/admin/v1/orders/O1/payments").status_code == 401


class TestVerify:
    TAMPERING = [
        (
            "payments.every_fact_ends",
            (
                "UPDATE pay_inbox SET status = 'received', handled_at = NULL,"
                " received_at = now() - interval '11 minutes'"
            ),
        ),
        (
            "payments.every_success_is_money_or_quarantined",
            "UPDATE pay_inbox SET status = 'ignored' WHERE kind = 'trade'",
        ),
        (
            "payments.every_success_is_money_or_quarantined",
            "UPDATE payment SET transaction_id = '42'",
        ),
        ("payments.paid_is_sum_of_payments", "UPDATE payment SET status = 'paid_duplicate'"),
        ("payments.unwanted_money_goes_back", "UPDATE payment SET status = 'paid_duplicate'"),
        ("payments.refunds_are_within_their_payment", "UPDATE payment SET refund_fen = 1"),
        (
            "payments.refunding_is_sum_of_open_refunds",
            "UPDATE refund SET status = 'success', settled_at = now()",
        ),
        (
            "payments.refunded_is_sum_of_refunds",
            "UPDATE refund SET status = 'success', settled_at = now()",
        ),
        (
            "payments.closed_orders_take_no_money",
            (
                "UPDATE payment SET status = 'open', transaction_id = NULL, paid_at = NULL,"
                " refund_fen = 0; UPDATE shop_order SET status = 'closed', closing_at = now(),"
                " closed_at = now(), close_reason = 'buyer', paid_at = NULL, paid_fen = 0,"
                " refunding_fen = 0, freight_refunding_fen = 0"
            ),
        ),
    ]

    @pytest.mark.parametrize(("rule", "tampering"), TAMPERING)
    def test_finds_what_somebody_changed_by_hand(self, mall, rule, tampering):
        order, _ = mall.paid()
        request(mall, order)
        mall.run_jobs()
        assert mall.breaches() == []

        for statement in tampering.split(";"):
            mall.session.execute(text(statement))
        mall.session.commit()

        assert rule in {breach.rule for breach in mall.breaches()}
