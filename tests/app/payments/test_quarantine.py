"""What people decide about money that does not fit: it goes back, counts, or is let be. Once."""

import json
import threading

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.core.auth import Audience
from app.payments import jobs
from app.payments.decision_models import QuarantineDecision
from app.payments.models import InboxStatus
from app.payments.verify import verify
from app.staff.models import Role
from tests.builders.staff import make_staff

URL = "/admin/v1/payments/quarantine/{}/decision"


@pytest.fixture
def as_staff(mall, token_for):
    def headers(role=Role.MERCHANT):
        account = make_staff(mall.session, role=role)
        mall.session.commit()
        return token_for(Audience.STAFF, account.id)

    return headers


@pytest.fixture
def decide(mall, as_staff):
    """Decide about a fact over HTTP, as one of the staff; the answer."""
    headers = as_staff()

    def post(decision, *, fact=None, reason="已与买家核实"):
        fact = fact or mall.inbox()[-1]
        body = {"decision": decision, "reason": reason}
        return mall.client.post(URL.format(fact.id), json=body, headers=headers)

    return post


def underpaid(mall, fen=1):
    """An order whose buyer paid `fen`, and WeChat stands by it."""
    order, number = mall.open()
    mall.platform.trades[number]["asked"]["amount"]["total"] = fen
    mall.hear(mall.platform.pay(number))
    mall.run_jobs()
    return order, number


class TestRefund:
    def test_what_was_really_paid_goes_back(self, mall, decide):
        order, number = underpaid(mall, fen=3)

        assert decide("refund").status_code == 204
        mall.run_jobs()

        (refund,) = mall.refunds(order)
        sent = json.loads(mall.platform.calls[-1][2])
        assert (refund.amount_fen, refund.status) == (3, "processing")
        assert sent["amount"] == {"refund": 3, "total": 3, "currency": "CNY"}
        assert sent["transaction_id"] == mall.platform.trades[number]["transaction_id"]
        assert mall.look(order).paid_fen == 0
        assert {fact.status for fact in mall.inbox() if fact.kind == "trade"} == {"returned"}
        assert mall.breaches() == []

    def test_its_success_settles_it_and_nothing_of_the_order(self, mall, decide):
        order, _ = underpaid(mall)
        decide("refund")
        mall.run_jobs()
        (refund,) = mall.refunds(order)

        mall.hear_of_refund(mall.platform.settle_refund(refund.out_refund_no))
        mall.run_jobs()

        assert mall.refunds(order)[0].status == "success"
        assert mall.look(order).refunded_fen == 0
        assert mall.breaches() == []

    def test_the_buyer_may_pay_anew_under_another_number(self, mall, decide):
        order, first = underpaid(mall)
        decide("refund")

        _, second = mall.open(mall.look(order))
        mall.hear(mall.platform.pay(second), id="EV-9")
        mall.run_jobs()

        assert first != second
        assert mall.look(order).status == "paid"
        assert mall.breaches() == []

    def test_an_order_that_hung_in_closing_is_closed(self, mall, decide):
        order, _ = underpaid(mall)
        mall.cancel(order)
        mall.run_jobs()
        assert mall.look(order).status == "closing"

        decide("refund")
        mall.run_jobs()

        assert mall.look(order).status == "closed"
        assert mall.breaches() == []

    def test_money_under_a_number_nobody_knows_goes_back_too(self, mall, decide):
        _, number = mall.open()
        stray = "P" + "9" * 26
        mall.platform.trades[stray] = json.loads(json.dumps(mall.platform.trades[number]))
        mall.hear(mall.platform.pay(stray))
        mall.run_jobs()

        assert decide("refund").status_code == 204
        mall.run_jobs()

        assert len(mall.platform.refunds) == 1
        assert mall.breaches() == []

    def test_every_fact_about_that_money_ends_with_it(self, mall, decide):
        order, number = underpaid(mall)
        for event in ("EV-2", "EV-3"):
            mall.hear(mall.platform.transaction(number), id=event)
        mall.run_jobs()
        assert len(mall.inbox_statuses("quarantined")) == 3

        decide("refund")
        mall.hear(mall.platform.transaction(number), id="EV-4")
        mall.run_jobs()

        assert mall.inbox_statuses("quarantined") == []
        assert len(mall.refunds(order)) == 1

    def test_a_notification_that_lied_about_right_money_is_only_dismissed(self, mall, decide):
        order, number = mall.open()
        told = mall.platform.pay(number)
        mall.hear({**told, "amount": {"currency": "CNY", "total": 1}})
        mall.run_jobs()
        (fact,) = mall.inbox()

        answer = decide("refund", fact=fact)

        assert (answer.status_code, answer.json["code"]) == (409, "money_known")
        assert mall.look(order).status == "paid"  # Asking was enough.
        assert decide("dismiss", fact=fact).status_code == 204
        assert mall.refunds(order) == []
        assert mall.breaches() == []

    def test_what_wechat_does_not_know_cannot_go_back(self, mall, decide):
        order, number = mall.open()
        resource = {**mall.platform.pay(number), "mchid": "1900000999", "transaction_id": "4299"}
        mall.hear(resource)
        mall.run_jobs()

        answer = decide("refund")

        assert (answer.status_code, answer.json["code"]) == (409, "money_not_found")
        assert [fact.status for fact in mall.inbox()] == ["quarantined"]
        assert mall.refunds(order) == []

    def test_twice_is_once(self, mall, decide):
        order, _ = underpaid(mall)
        fact = mall.inbox()[0]
        decide("refund", fact=fact)

        for decision in ("refund", "apply", "dismiss"):
            answer = decide(decision, fact=fact)
            assert (answer.status_code, answer.json["code"]) == (409, "fact_decided")

        assert len(mall.refunds(order)) == 1
        assert len(mall.session.scalars(select(QuarantineDecision)).all()) == 1

    @pytest.mark.race
    def test_ten_people_at_once_give_it_back_once(self, mall, as_staff):
        order, number = underpaid(mall)
        mall.hear(mall.platform.transaction(number), id="EV-2")
        mall.run_jobs()
        ids = [fact.id for fact in mall.inbox()]
        headers = as_staff()
        barrier = threading.Barrier(10)
        codes = []

        def work(at):
            client = mall.app.test_client()
            barrier.wait()
            body = {"decision": "refund", "reason": "同时"}
            url = URL.format(ids[at % len(ids)])
            codes.append(client.post(url, json=body, headers=headers).status_code)

        threads = [threading.Thread(target=work, args=(at,)) for at in range(10)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

        assert sorted(set(codes)) == [204, 409]
        assert codes.count(204) == 1
        assert len(mall.refunds(order)) == 1
        assert mall.breaches() == []


class TestApply:
    def test_money_for_an_appid_we_had_before_counts(self, mall, decide):
        order, number = mall.open()
        mall.platform.trades[number]["asked"]["appid"] = "wx-new"
        mall.hear(mall.platform.pay(number))
        mall.run_jobs()
        assert mall.inbox()[0].reason == "foreign_appid"

        assert decide("apply").status_code == 204

        assert mall.look(order).status == "paid"
        assert mall.payments(order)[0].appid == "wx-new"
        assert {fact.status for fact in mall.inbox()} == {"applied"}
        assert mall.breaches() == []

    @pytest.mark.parametrize(("fen", "reason"), [(1, "wrong_amount"), (10**9, "wrong_amount")])
    def test_another_amount_never_counts(self, mall, decide, fen, reason):
        order, _ = underpaid(mall, fen=fen)

        answer = decide("apply")

        assert (answer.status_code, answer.json["code"]) == (409, "cannot_apply")
        assert answer.json["reason"] == reason
        assert mall.look(order).status == "unpaid"
        assert set(mall.inbox_statuses("quarantined")) == {fact.id for fact in mall.inbox()}
        assert mall.session.scalars(select(QuarantineDecision)).all() == []

    def test_nor_does_money_for_no_order_of_ours(self, mall, decide):
        _, number = mall.open()
        stray = "P" + "9" * 26
        mall.platform.trades[stray] = json.loads(json.dumps(mall.platform.trades[number]))
        mall.hear(mall.platform.pay(stray))
        mall.run_jobs()

        answer = decide("apply")

        assert (answer.status_code, answer.json["reason"]) == (409, "unknown_number")

    def test_what_turns_out_to_be_paid_is_simply_applied(self, mall, decide):
        order, number = mall.open()
        told = mall.platform.pay(number)
        mall.hear({**told, "appid": "wx-somebody"})
        mall.run_jobs()

        assert decide("apply", fact=mall.inbox()[0]).status_code == 204

        assert mall.look(order).status == "paid"
        assert mall.breaches() == []

    def test_money_nobody_has_cannot_count(self, mall, decide):
        _, number = mall.open()
        mall.hear({**mall.platform.pay(number), "mchid": "1900000999", "transaction_id": "4299"})
        mall.run_jobs()

        assert decide("apply").json["code"] == "money_not_found"


class TestDismiss:
    def test_what_was_dismissed_may_still_be_given_back(self, mall, decide):
        order, _ = underpaid(mall)
        fact = mall.inbox()[0]
        assert decide("dismiss", fact=fact).status_code == 204
        assert mall.inbox()[0].status == "dismissed"
        assert decide("dismiss", fact=fact).status_code == 409

        assert decide("refund", fact=fact).status_code == 204

        assert len(mall.refunds(order)) == 1
        assert mall.breaches() == []

    def test_news_of_dismissed_money_is_dismissed_with_it(self, mall, decide):
        _, number = underpaid(mall)
        decide("dismiss")

        mall.hear(mall.platform.transaction(number), id="EV-7")
        mall.run_jobs()

        assert {fact.status for fact in mall.inbox()} == {"dismissed"}
        assert mall.breaches() == []

    def test_a_strange_refund_or_garbage_can_only_be_dismissed(self, mall, decide):
        mall.hear_of_refund({"out_refund_no": "R" + "0" * 26, "refund_status": "SUCCESS"})
        mall.run_jobs()

        assert decide("refund").json["code"] == "money_not_found"
        assert decide("dismiss").status_code == 204
        assert mall.inbox()[0].status == InboxStatus.DISMISSED


class TestAsking:
    def test_without_an_answer_nothing_is_decided(self, mall, decide):
        underpaid(mall)
        mall.platform.faults = ["unreachable"]

        assert decide("refund").status_code == 503

        assert [fact.status for fact in mall.inbox()] == ["quarantined"]
        assert mall.session.scalars(select(QuarantineDecision)).all() == []

    def test_an_answer_that_cannot_be_read_is_none(self, mall, decide):
        _, number = underpaid(mall)
        mall.platform.trades[number]["success_time"] = "yesterday"

        assert decide("refund").status_code == 503

    def test_money_that_is_not_there_any_more_is_none(self, mall, decide):
        _, number = underpaid(mall)
        mall.platform.trades[number]["state"] = "REVOKED"

        assert decide("refund").json["code"] == "money_not_found"


class TestWho:
    BAD = [
        {"decision": "forget", "reason": "x"},
        {"decision": None, "reason": "x"},
        {"decision": "refund"},
        {"decision": "refund", "reason": ""},
        {"decision": "refund", "reason": "长" * 201},
        {"decision": "refund", "reason": "x", "amount_fen": 1},
        {"reason": "x"},
    ]

    @pytest.mark.parametrize("body", BAD)
    def test_bad_bodies_are_refused_and_change_nothing(self, mall, as_staff, body):
        underpaid(mall)
        url = URL.format(mall.inbox()[0].id)

        answer = mall.client.post(url, json=body, headers=as_staff())

        assert answer.status_code == 422
        assert [fact.status for fact in mall.inbox()] == ["quarantined"]

    def test_strangers_and_analysts_decide_nothing(self, mall, as_staff):
        underpaid(mall)
        url, body = URL.format(mall.inbox()[0].id), {"decision": "refund", "reason": "x"}

        assert mall.client.post(url, json=body).status_code == 401
        headers = as_staff(Role.ANALYST)
        assert mall.client.post(url, json=body, headers=headers).status_code == 403
        assert [fact.status for fact in mall.inbox()] == ["quarantined"]

    def test_only_what_was_set_aside_can_be_decided(self, mall, decide):
        mall.paid()
        (fact,) = mall.inbox()

        assert decide("dismiss", fact=fact).status_code == 404
        answer = mall.client.post("/admin/v1/payments/quarantine/999/decision", json={})
        assert answer.status_code == 401

    def test_a_decision_names_who_why_and_which_money_and_is_never_edited(self, mall, decide):
        order, number = underpaid(mall, fen=3)
        decide("refund", reason="少付，退回重付")

        (made,) = mall.session.scalars(select(QuarantineDecision)).all()
        assert (made.reason, made.amount_fen, made.out_trade_no) == ("少付，退回重付", 3, number)
        assert made.staff_id
        with pytest.raises(DBAPIError, match="append-only"):
            mall.session.execute(text("DELETE FROM quarantine_decision"))
        mall.session.rollback()
        assert mall.look(order).status == "unpaid"


def test_the_figures_say_what_waits_and_for_how_long(mall, client, decide):
    underpaid(mall)
    mall.wait(minutes=2)
    jobs.sweep()
    shown = client.get("/metrics").text
    assert 'siyu_waiting_for_staff{kind="quarantine"} 1.0' in shown
    assert 'siyu_waiting_for_staff_seconds{kind="quarantine"} 120.0' in shown

    decide("dismiss", fact=mall.inbox()[0])
    jobs.sweep()

    assert 'siyu_waiting_for_staff{kind="quarantine"} 0.0' in client.get("/metrics").text


def test_tampering_with_decisions_is_found(mall, decide):
    underpaid(mall)
    decide("refund")
    mall.session.execute(text("UPDATE refund SET amount_fen = amount_fen + 1"))
    mall.session.execute(
        text(
            "INSERT INTO pay_inbox (event_id, kind, event_type, out_no, headers, raw, fact, status,"
            " reason, received_at, handled_at) SELECT 'x', kind, event_type, out_no, headers, raw,"
            " '{}', 'dismissed', reason, received_at, handled_at FROM pay_inbox LIMIT 1"
        )
    )

    rules = {breach.rule for breach in verify(mall.session)}

    assert {"payments.decided_money_goes_back", "payments.decided_facts_have_a_decision"} <= rules
