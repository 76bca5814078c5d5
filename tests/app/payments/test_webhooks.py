"""What is acknowledged is stored; what proves nothing leaves no trace; nothing is applied twice."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.payments import inbox, jobs
from app.payments.models import InboxStatus
from tests.app.wechat import platform as world


def test_a_payment_is_stored_acknowledged_and_then_applied(mall):
    order, number = mall.open()

    assert mall.hear(mall.platform.pay(number)) == 204

    assert mall.look(order).status == "unpaid"
    (fact,) = mall.inbox()
    assert (fact.status, fact.out_no, fact.event_id) == (InboxStatus.RECEIVED, number, "EV-1")
    assert mall.run_jobs() == ["payments.apply_fact"]
    assert mall.inbox()[0].status == InboxStatus.APPLIED
    order = mall.look(order)
    assert (order.status, order.paid_fen) == ("paid", order.payable_fen)
    (payment,) = mall.payments(order)
    assert payment.status == "paid"
    assert payment.transaction_id == order.transaction_id
    assert payment.next_poll_at is None


def test_the_stored_fact_names_nobody(mall):
    _, number = mall.open()

    mall.hear(mall.platform.pay(number))

    (fact,) = mall.inbox()
    assert "payer" not in fact.fact
    assert set(fact.headers) == {
        "Wechatpay-Timestamp",
        "Wechatpay-Nonce",
        "Wechatpay-Serial",
        "Wechatpay-Signature",
    }


def test_the_same_notification_again_is_acknowledged_and_forgotten(mall):
    order, number = mall.open()
    resource = mall.platform.pay(number)

    assert [mall.hear(resource) for _ in range(5)] == [204] * 5

    assert len(mall.inbox()) == 1
    assert mall.run_jobs() == ["payments.apply_fact"]
    assert mall.look(order).paid_fen == order.payable_fen


def test_another_notification_of_the_same_payment_changes_nothing_more(mall):
    order, number = mall.open()
    resource = mall.platform.pay(number)
    for event in ("EV-1", "EV-2", "EV-3"):
        mall.hear(resource, id=event)

    mall.run_jobs()

    assert [fact.status for fact in mall.inbox()] == [InboxStatus.APPLIED] * 3
    assert mall.refunds(order) == []
    assert mall.breaches() == []


def test_applying_a_fact_twice_is_applying_it_once(mall):
    order, number = mall.open()
    mall.hear(mall.platform.pay(number))
    (fact,) = mall.inbox()

    jobs.apply_fact(fact.id)
    version = mall.look(order).version
    jobs.apply_fact(fact.id)
    jobs.apply_fact(fact.id + 1000)

    assert mall.look(order).version == version


def test_the_mall_dies_between_storing_and_applying_and_nothing_is_lost(mall, run_jobs):
    order, number = mall.open()
    mall.hear(mall.platform.pay(number))

    run_jobs()

    assert mall.look(order).status == "paid"


def test_a_store_that_fails_is_not_acknowledged(mall, monkeypatch):
    _, number = mall.open()
    resource = mall.platform.pay(number)
    keep = inbox._keep

    def crash(*args, **kwargs):
        keep(*args, **kwargs)
        raise ConnectionError("the database went away before the commit")

    monkeypatch.setattr(inbox, "_keep", crash)
    monkeypatch.setitem(mall.app.config, "PROPAGATE_EXCEPTIONS", False)
    assert mall.hear(resource) == 500
    assert mall.inbox() == []
    monkeypatch.undo()

    assert mall.hear(resource) == 204


class TestRefused:
    def refused(self, mall, headers, raw):
        answer = mall.client.post("/webhooks/wechat/pay", headers=headers, data=raw)
        assert mall.inbox() == []
        assert mall.waiting("payments.apply_fact") == []
        return answer.status_code, answer.json

    def genuine(self, mall, signed_by=(1, world.PUBLIC_KEY_ID)):
        _, number = mall.open()
        mall.platform.signs_with = signed_by
        return mall.platform.notification(mall.platform.pay(number))

    def test_a_changed_body(self, mall):
        headers, raw = self.genuine(mall)

        refusal = self.refused(mall, headers, raw.replace(b"EV-1", b"EV-2"))

        assert refusal == (401, {"code": "FAIL", "message": "bad_signature"})

    def test_a_stranger(self, mall):
        stranger = self.genuine(mall, signed_by=(3, world.PUBLIC_KEY_ID))

        assert self.refused(mall, *stranger)[0] == 401

    def test_an_old_recording(self, mall):
        headers, raw = self.genuine(mall)
        mall.wait(seconds=301)

        refusal = self.refused(mall, headers, raw)

        assert refusal == (401, {"code": "FAIL", "message": "stale"})

    def test_a_time_ahead(self, mall):
        _, number = mall.open()
        at = mall.now + timedelta(seconds=301)
        headers, raw = mall.platform.notification(mall.platform.pay(number), at=at)

        assert self.refused(mall, headers, raw)[0] == 401

    def test_the_probe_of_wechat_pay(self, mall):
        headers, raw = self.genuine(mall)
        headers["Wechatpay-Signature"] = "WECHATPAY/SIGNTEST/abc"

        refusal = self.refused(mall, headers, raw)

        assert refusal == (401, {"code": "FAIL", "message": "probe"})

    def test_an_unknown_serial(self, mall):
        refusal = self.refused(mall, *self.genuine(mall, signed_by=(1, "PUB_KEY_ID_9999")))

        assert refusal == (401, {"code": "FAIL", "message": "unknown_serial"})

    def test_the_old_xml_form(self, mall):
        refusal = self.refused(mall, {"Content-Type": "text/xml"}, b"<xml><a>1</a></xml>")

        assert refusal == (401, {"code": "FAIL", "message": "unsigned"})

    @pytest.mark.parametrize("body", [b"", b"{", b"\xff" * 100, b"{}" * 50_000])
    def test_garbage(self, mall, body):
        assert self.refused(mall, {}, body)[0] == 401

    def test_garbage_under_a_true_signature(self, mall):
        body = b'{"id": "\\u0000"}'

        assert self.refused(mall, mall.platform.headers(body), body)[0] == 401

    def test_everything_while_the_mall_has_no_keys(self, mall, app):
        headers, raw = self.genuine(mall)
        app.extensions["wechat"] = None

        assert self.refused(mall, headers, raw)[0] == 503


def test_a_resource_with_what_the_database_cannot_hold_is_quarantined(mall):
    _, number = mall.open()
    resource = {**mall.platform.pay(number), "trade_state": "SUCC\x00ESS"}

    assert mall.hear(resource) == 204

    mall.run_jobs()
    (fact,) = mall.inbox()
    assert (fact.status, fact.reason) == (InboxStatus.QUARANTINED, "malformed")


def test_a_notification_about_something_else_is_kept_and_ignored(mall):
    assert mall.hear({"state": "SUCCESS"}, original_type="profitsharing") == 204

    mall.run_jobs()
    assert [fact.status for fact in mall.inbox()] == [InboxStatus.IGNORED]


def test_both_doors_hear_everything(mall):
    order, number = mall.open()

    assert mall.hear(mall.platform.pay(number), path="refund") == 204

    mall.run_jobs()
    assert mall.look(order).status == "paid"


def test_storing_and_the_job_are_one_transaction(mall):
    _, number = mall.open()
    mall.hear(mall.platform.pay(number))

    (arguments,) = mall.waiting("payments.apply_fact")

    assert arguments == {"inbox_id": mall.inbox()[0].id}
    assert mall.session.scalar(text("SELECT count(*) FROM pay_inbox")) == 1
