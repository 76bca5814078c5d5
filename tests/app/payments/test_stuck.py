"""Refunds that are stuck: listed, asked again, given to another account, taken anew once closed."""

import json

import pytest
from sqlalchemy import select

from app.core.auth import Audience
from app.payments import timeline
from app.payments.decision_models import RefundAction
from app.staff.models import AuditLog, Role
from tests.app.payments.test_refunds import refund_calls, request
from tests.builders.staff import make_staff

LIST = "/admin/v1/refunds/stuck"
RETRY = "/admin/v1/refunds/{}/retry"
RESCUE = "/admin/v1/refunds/{}/rescue"
REPLACE = "/admin/v1/refunds/{}/replace"
BY_HAND = "/admin/v1/refunds/{}/by-hand"
WHY = {"reason": "已充值"}
RECEIPT = {"reason": "超过一年，银行转账", "receipt_no": "ICBC-0002"}
ACCOUNT = {"bank_type": "ICBC_DEBIT", "account_number": "6222020000001", "account_name": "王强"}


@pytest.fixture
def as_staff(mall, token_for):
    def headers(role=Role.MERCHANT):
        account = make_staff(mall.session, role=role)
        mall.session.commit()
        return token_for(Audience.STAFF, account.id)

    return headers


@pytest.fixture
def post(mall, as_staff):
    headers = as_staff()
    return lambda url, number, body=WHY: mall.client.post(
        url.format(number), json=body, headers=headers
    )


def refused(mall, reason="NOT_ENOUGH", status=403):
    """A paid order whose refund WeChat refuses."""
    order, number = mall.paid()
    refund = request(mall, order)
    mall.platform.faults = [(status, reason)]
    mall.run_jobs()
    return order, number, refund.out_refund_no


def ended(mall, status):
    """A paid order whose refund WeChat took and then called ABNORMAL or CLOSED."""
    order, _ = mall.paid()
    number = request(mall, order, source=f"after_sale:{order.order_no}").out_refund_no
    mall.run_jobs()
    resource = mall.platform.settle_refund(number, status)
    mall.hear_of_refund(resource, event_type=f"REFUND.{status}", id=f"RF-{number}")
    mall.run_jobs()
    return order, number


def listed(mall, headers):
    return mall.client.get(LIST, headers=headers).json["items"]


def rescues(mall):
    """What WeChat was told about other accounts."""
    return [
        json.loads(body)
        for _, target, body in mall.platform.calls
        if target.endswith("/apply-abnormal-refund")
    ]


class TestList:
    def test_shows_what_a_person_must_look_at_the_oldest_first(self, mall, as_staff):
        first, _, _ = refused(mall)
        second, _ = ended(mall, "ABNORMAL")
        third, _ = ended(mall, "CLOSED")
        mall.paid()

        items = listed(mall, as_staff(Role.ANALYST))

        assert [each["order_no"] for each in items] == [
            order.order_no for order in (first, second, third)
        ]
        assert items[0]["refund"]["last_error"].startswith("NOT_ENOUGH")
        assert [each["refund"]["status"] for each in items] == ["pending", "abnormal", "closed"]

    def test_goes_on_page_by_page(self, mall, as_staff, monkeypatch):
        monkeypatch.setattr("app.payments.queries.PAGE", 1)
        headers = as_staff()
        for status in ("ABNORMAL", "CLOSED"):
            ended(mall, status)

        first = mall.client.get(LIST, headers=headers).json
        rest = mall.client.get(
            LIST, query_string={"cursor": first["next_cursor"]}, headers=headers
        ).json

        assert [each["refund"]["status"] for each in first["items"]] == ["abnormal"]
        assert [each["refund"]["status"] for each in rest["items"]] == ["closed"]
        assert rest["next_cursor"] is None

    def test_refuses_strangers(self, mall):
        assert mall.client.get(LIST).status_code == 401


class TestRetry:
    def test_asks_at_once_with_the_same_number(self, mall, post):
        order, _, number = refused(mall)
        mall.wait(minutes=1)

        answer = post(RETRY, number)
        mall.run_jobs()

        assert (answer.status_code, answer.json["out_refund_no"]) == (200, number)
        (refund,) = mall.refunds(order)
        assert (refund.status, refund.last_error) == ("processing", None)
        assert set(mall.platform.refunds) == {number}

    def test_is_kept_a_minute_from_the_last_try(self, mall, post):
        _, _, number = refused(mall)
        before = len(refund_calls(mall))

        post(RETRY, number)
        mall.run_jobs()
        assert len(refund_calls(mall)) == before

        mall.wait(minutes=1)
        mall.run_jobs()
        assert len(refund_calls(mall)) > before

    def test_what_can_never_be_is_asked_again_only_by_hand(self, mall, post):
        order, _, number = refused(mall, reason="TRADE_OVERDUE")
        assert mall.refunds(order)[0].next_poll_at is None
        before = len(refund_calls(mall))
        mall.wait(minutes=90)
        mall.sweep()
        assert len(refund_calls(mall)) == before

        post(RETRY, number)
        mall.run_jobs()

        assert len(refund_calls(mall)) > before

    def test_a_closed_or_finished_one_is_not_asked(self, mall, post):
        order, number = ended(mall, "CLOSED")

        answer = post(RETRY, number)

        assert (answer.status_code, answer.json["refund_status"]) == (409, "closed")
        assert mall.refunds(order)[0].next_poll_at is None


class TestRescue:
    def test_money_goes_to_the_account_the_buyer_names(self, mall, post):
        order, number = ended(mall, "ABNORMAL")

        answer = post(RESCUE, number, WHY | {"account": ACCOUNT})
        mall.run_jobs()

        assert answer.status_code == 200
        (sent,) = rescues(mall)
        assert (sent["type"], sent["bank_type"]) == ("USER_BANK_CARD", "ICBC_DEBIT")
        assert len(sent["bank_account"]) > 300
        (refund,) = mall.refunds(order)
        assert refund.status == "abnormal"  # Until WeChat says that it arrived.
        assert refund.rescued_at is not None
        mall.hear_of_refund(mall.platform.settle_refund(number), id="RF-9")
        mall.run_jobs()
        assert mall.look(order).status == "refunded"
        assert mall.breaches() == []

    def test_without_an_account_it_goes_to_the_shops_own(self, mall, post):
        _, number = ended(mall, "ABNORMAL")

        post(RESCUE, number)
        mall.run_jobs()

        assert rescues(mall) == [{"out_refund_no": number, "type": "MERCHANT_BANK_CARD"}]

    def test_the_account_can_be_read_nowhere(self, mall, post):
        order, number = ended(mall, "ABNORMAL")
        post(RESCUE, number, WHY | {"account": ACCOUNT})

        kept = json.dumps(mall.session.scalars(select(AuditLog.body)).all(), ensure_ascii=False)
        body = mall.refunds(order)[0].rescue_body.decode()
        for secret in (ACCOUNT["account_number"], ACCOUNT["account_name"]):
            assert secret not in kept
            assert secret not in body
        (action,) = mall.session.scalars(select(RefundAction)).all()
        assert (action.verb, action.detail) == ("rescue", "USER_BANK_CARD")
        mall.run_jobs()
        assert mall.refunds(order)[0].rescue_body is None

    def test_only_what_is_abnormal(self, mall, post):
        _, number = ended(mall, "CLOSED")

        assert post(RESCUE, number).json["code"] == "refund_state_forbids"

    def test_a_refusal_is_listed_and_the_account_is_not_named_again(self, mall, post, as_staff):
        order, number = ended(mall, "ABNORMAL")
        post(RESCUE, number)
        mall.platform.faults = [None, (400, "INVALID_REQUEST")]

        mall.run_jobs()
        mall.wait(hours=1)
        mall.sweep()

        assert len(rescues(mall)) == 1
        assert mall.refunds(order)[0].status == "abnormal"
        assert listed(mall, as_staff())[0]["refund"]["last_error"].startswith("INVALID_REQUEST")

    def test_a_lost_answer_is_asked_about_and_the_same_bytes_sent_again(self, mall, post):
        order, number = ended(mall, "ABNORMAL")
        post(RESCUE, number, WHY | {"account": ACCOUNT})
        mall.platform.faults = [None, "unreachable"]

        mall.run_jobs()
        assert mall.refunds(order)[0].rescue_body is not None
        mall.wait(hours=1)
        mall.sweep()

        first, second = rescues(mall)
        assert first == second
        assert mall.refunds(order)[0].rescued_at is not None

    def test_what_arrived_meanwhile_needs_no_account(self, mall, post):
        order, number = ended(mall, "ABNORMAL")
        post(RESCUE, number)
        mall.platform.settle_refund(number)

        mall.run_jobs()

        assert rescues(mall) == []
        assert mall.look(order).status == "refunded"

    @pytest.mark.parametrize(
        "change",
        [
            {"account_number": "12"},
            {"account_number": 6222020000001},
            {"account_name": "长" * 31},
            {"account_name": "🙂🙂"},
            {"bank_type": "工商银行"},
            {"cvv": "1"},
        ],
    )
    def test_a_bad_account_is_refused_and_nothing_is_kept(self, mall, post, change):
        order, number = ended(mall, "ABNORMAL")

        answer = post(RESCUE, number, WHY | {"account": ACCOUNT | change})

        assert answer.status_code == 422
        assert mall.refunds(order)[0].rescue_body is None


class TestReplace:
    def test_a_closed_one_is_asked_again_under_another_number(self, mall, post):
        order, number = ended(mall, "CLOSED")
        mall.wait(minutes=1)

        answer = post(REPLACE, number)
        mall.run_jobs()

        old, new = mall.refunds(order)
        assert answer.json["out_refund_no"] == new.out_refund_no != number
        assert (old.status, old.replaced_by_id, new.status) == ("replaced", new.id, "processing")
        assert mall.look(order).refunding_fen == order.payable_fen
        assert mall.breaches() == []
        mall.hear_of_refund(mall.platform.settle_refund(new.out_refund_no), id="RF-9")
        mall.run_jobs()
        assert mall.look(order).status == "refunded"
        assert mall.waiting("aftersales.refund_settled") == [
            {"source": f"after_sale:{order.order_no}"}
        ]
        assert mall.breaches() == []

    def test_late_money_too_and_its_buyer_is_told_the_truth(self, mall, post, shopper):
        order, number = mall.open()
        mall.cancel(order)
        mall.run_jobs()
        mall.hear(mall.platform.pay(number))
        mall.run_jobs()
        refund = mall.refunds(order)[0].out_refund_no
        mall.hear_of_refund(
            mall.platform.settle_refund(refund, "CLOSED"), event_type="REFUND.CLOSED"
        )
        mall.run_jobs()
        mall.wait(minutes=1)

        assert post(REPLACE, refund).status_code == 200
        mall.run_jobs()

        shown = mall.client.get(
            f"/api/v1/orders/{order.order_no}/payment", headers=shopper(order)
        ).json
        assert shown["state"] == "refunding"
        assert mall.breaches() == []

    def test_only_what_wechat_closed(self, mall, post):
        order, number = ended(mall, "ABNORMAL")

        assert post(REPLACE, number).json["refund_status"] == "abnormal"
        assert len(mall.refunds(order)) == 1

    def test_wechat_is_asked_first_and_believed(self, mall, post):
        order, number = ended(mall, "CLOSED")
        mall.platform.settle_refund(number)  # It went through after all, and nobody heard.

        assert post(REPLACE, number).json["refund_status"] == "success"

        assert mall.look(order).status == "refunded"
        assert mall.breaches() == []

    def test_without_an_answer_no_number_is_taken(self, mall, post):
        order, number = ended(mall, "CLOSED")
        mall.platform.faults = ["unreachable"]

        assert post(REPLACE, number).status_code == 503
        assert len(mall.refunds(order)) == 1

    def test_a_replaced_one_that_succeeds_all_the_same_calls_a_person(self, mall, post):
        order, number = ended(mall, "CLOSED")
        post(REPLACE, number)
        closed = {**mall.platform.refunds[number], "mchid": "1900000001", "refund_status": "CLOSED"}
        mall.hear_of_refund(closed, event_type="REFUND.CLOSED", id="RF-8")
        mall.hear_of_refund(mall.platform.settle_refund(number), id="RF-9")
        mall.run_jobs()

        told = mall.inbox()[-2:]
        assert [fact.status for fact in told] == ["ignored", "quarantined"]
        assert told[1].reason == "replaced_refund"
        assert mall.look(order).refunded_fen == 0


class TestWho:
    @pytest.mark.parametrize("url", [RETRY, RESCUE, REPLACE, BY_HAND])
    def test_strangers_analysts_and_bad_bodies_change_nothing(self, mall, as_staff, url):
        order, number = ended(mall, "CLOSED")
        before = len(mall.platform.calls)
        post, path = mall.client.post, url.format(number)

        good = RECEIPT if url == BY_HAND else WHY
        assert post(path, json=good).status_code == 401
        assert post(path, json=good, headers=as_staff(Role.ANALYST)).status_code == 403
        for wrong in ({"reason": None}, {"reason": ""}, {"reason": "长" * 201}, {"more": 1}):
            body = good | wrong
            assert post(path, json=body, headers=as_staff()).status_code == 422

        assert len(mall.platform.calls) == before
        assert [each.status for each in mall.refunds(order)] == ["closed"]

    @pytest.mark.parametrize("url", [RETRY, RESCUE, REPLACE, BY_HAND])
    def test_an_unknown_number_is_not_found(self, mall, post, url):
        body = RECEIPT if url == BY_HAND else WHY
        assert post(url, "R" + "0" * 26, body).status_code == 404


def test_one_story_tells_it_all(mall, post):
    order, number = ended(mall, "CLOSED")
    mall.wait(minutes=1)
    post(REPLACE, number)
    mall.run_jobs()

    told = timeline.of_order(mall.session, order_id=order.id).events
    assert [event.what.value for event in told if event.what != "fact"] == [
        "attempt",
        "paid",
        "refund",
        "refund_sent",
        "refund",
        "refund_sent",
        "action",
    ]
    assert {event.title for event in told} >= {"收到款项", "人工处理退款", "微信消息"}
