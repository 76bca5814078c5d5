"""What the merchant hears: sealed, signed anew each time, repeated until heard."""

import json
import time
from base64 import b64decode

import pytest

from sandbox.notify import RETRY_SECONDS

DAY = 86400


@pytest.fixture
def automatic(merchant):
    merchant.control("settings", notify="automatic")
    return merchant


def _wait(condition):
    deadline = time.monotonic() + 8
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def _state(merchant, number):
    return merchant.notifications(number)[0]["state"]


class TestDelivery:
    def test_a_payment_is_announced_sealed_and_signed(self, automatic, inbox):
        number = automatic.paid(notify_url=inbox.url, attach="附加")
        automatic.control("idle")

        headers, body = inbox.heard[0]
        envelope = json.loads(body)
        automatic.verify(headers, body)
        assert envelope["event_type"] == "TRANSACTION.SUCCESS"
        assert envelope["resource_type"] == "encrypt-resource"
        assert envelope["resource"]["original_type"] == "transaction"
        content = automatic.opened(body)
        assert content == automatic.query(number).json()
        assert content["trade_state"] == "SUCCESS"
        assert _state(automatic, number) == "delivered"

    @pytest.mark.parametrize("status", [200, 204])
    def test_200_and_204_end_it(self, automatic, inbox, status):
        inbox.answers = [status]

        number = automatic.paid(notify_url=inbox.url)
        automatic.control("idle")
        automatic.control("clock", advance_seconds=DAY)
        automatic.control("idle")

        assert len(inbox.heard) == 1
        assert _state(automatic, number) == "delivered"

    def test_every_retry_has_the_same_id_and_a_new_signature(self, automatic, inbox):
        inbox.answers = [500, 404, 302]

        number = automatic.paid(notify_url=inbox.url)
        for seconds in (0, 15, 15, 30):
            automatic.control("clock", advance_seconds=seconds)
            automatic.control("idle")

        assert len(inbox.heard) == 4
        assert len({json.loads(body)["id"] for _, body in inbox.heard}) == 1
        for name in ("Wechatpay-Nonce", "Wechatpay-Signature"):
            assert len({headers[name] for headers, _ in inbox.heard}) == 4
        assert len({json.loads(body)["resource"]["ciphertext"] for _, body in inbox.heard}) == 4
        shown = automatic.notifications(number)[0]
        assert [attempt["status"] for attempt in shown["attempts"]] == [500, 404, 302, 204]

    def test_gives_up_after_fifteen_retries_over_a_day(self, automatic, inbox):
        inbox.answers = [500] * 16

        number = automatic.paid(notify_url=inbox.url)
        automatic.control("idle")
        for heard, seconds in enumerate(RETRY_SECONDS, start=1):
            automatic.control("clock", advance_seconds=seconds - 2)
            automatic.control("idle")
            assert len(inbox.heard) == heard
            automatic.control("clock", advance_seconds=2)
            automatic.control("idle")
        automatic.control("clock", advance_seconds=DAY)
        automatic.control("idle")

        assert sum(RETRY_SECONDS) == 24 * 3600 + 4 * 60
        assert len(inbox.heard) == 16
        assert _state(automatic, number) == "abandoned"

    def test_a_compressed_clock_retries_sooner(self, automatic, inbox):
        inbox.answers = [500, 500]

        automatic.control("clock", speed=200)
        automatic.paid(notify_url=inbox.url)

        _wait(lambda: len(inbox.heard) == 3)

    def test_nobody_there_is_recorded_and_retried(self, automatic, inbox):
        number = automatic.paid(notify_url="http://127.0.0.1:9/nobody")
        automatic.control("idle")

        shown = automatic.notifications(number)[0]
        assert shown["attempts"][0]["status"] is None
        assert "ConnectError" in shown["attempts"][0]["error"]
        assert 0 < shown["due_in_seconds"] <= 15

    def test_a_slow_merchant_is_not_waited_for(self, automatic, inbox, monkeypatch):
        monkeypatch.setattr("sandbox.notify.TIMEOUT_SECONDS", 0.1)
        inbox.delay = 0.3

        number = automatic.paid(notify_url=inbox.url)
        automatic.control("idle")

        assert "ReadTimeout" in automatic.notifications(number)[0]["attempts"][0]["error"]

    def test_delivering_by_hand_replaces_the_planned_retry(self, automatic, inbox):
        inbox.answers = [500, 500]
        number = automatic.paid(notify_url=inbox.url)
        automatic.control("idle")

        name = automatic.notifications(number)[0]["id"]
        automatic.control(f"notifications/{name}/deliver")
        automatic.control("clock", advance_seconds=31)
        automatic.control("idle")
        automatic.control("clock", advance_seconds=DAY)
        automatic.control("idle")

        assert len(inbox.heard) == 3

    def test_a_reset_ends_the_retries_of_what_was_on_its_way(self, automatic, inbox):
        inbox.answers, inbox.delay = [500], 0.2
        automatic.paid(notify_url=inbox.url)
        _wait(lambda: inbox.heard)

        automatic.control("reset")
        automatic.control("idle")
        automatic.control("clock", advance_seconds=DAY)
        automatic.control("idle")

        assert len(inbox.heard) == 1


class TestManual:
    def test_nothing_is_sent_until_delivered(self, merchant, inbox):
        first, second = merchant.paid(notify_url=inbox.url), merchant.paid(notify_url=inbox.url)
        merchant.control("idle")
        assert not inbox.heard

        attempts = merchant.control("notifications/deliver")["attempts"]

        assert [attempt["status"] for attempt in attempts] == [204, 204]
        heard = [merchant.opened(body)["out_trade_no"] for _, body in inbox.heard]
        assert heard == [first, second]

    def test_one_can_be_delivered_again_whatever_its_state(self, merchant, inbox):
        number = merchant.paid(notify_url=inbox.url)
        name = merchant.notifications(number)[0]["id"]

        merchant.control(f"notifications/{name}/deliver")
        merchant.control(f"notifications/{name}/deliver")

        assert len(inbox.heard) == 2
        assert merchant.look(f"notifications/{name}")["state"] == "delivered"

    def test_a_failed_delivery_waits_for_the_next_order(self, merchant, inbox):
        inbox.answers = [500]
        number = merchant.paid(notify_url=inbox.url)

        merchant.control("notifications/deliver")
        merchant.control("clock", advance_seconds=DAY)
        merchant.control("idle")

        assert len(inbox.heard) == 1
        assert _state(merchant, number) == "pending"

    def test_turning_automatic_sends_what_waited(self, merchant, inbox):
        merchant.paid(notify_url=inbox.url)

        merchant.control("settings", notify="automatic")
        merchant.control("idle")

        assert len(inbox.heard) == 1

    def test_taking_one_shows_what_would_be_sent_and_sends_nothing(self, merchant, inbox):
        number = merchant.paid(notify_url=inbox.url)

        first, second = merchant.take(number), merchant.take(number)

        assert first["url"] == inbox.url
        assert first["headers"]["Wechatpay-Signature"] != second["headers"]["Wechatpay-Signature"]
        merchant.verify(first["headers"], first["body"])
        assert not inbox.heard
        assert not merchant.notifications(number)[0]["attempts"]

    def test_an_unknown_one_is_not_found(self, merchant):
        assert merchant.http.get("/control/notifications/404").status_code == 404


class TestAttemptFaults:
    @pytest.mark.parametrize(
        "kind", ["bad_signature", "signtest", "unknown_serial", "unsigned", "stale_timestamp"]
    )
    def test_a_spoilt_signature_does_not_verify(self, merchant, sandbox, kind):
        number = merchant.paid()

        taken = merchant.take(number, kind=kind)

        assert taken["faults"] == [kind]
        assert not _is_acceptable(merchant, taken, sandbox.world.clock.timestamp())
        assert _is_acceptable(merchant, merchant.take(number), sandbox.world.clock.timestamp())

    def test_the_probe_is_marked_by_its_prefix(self, merchant):
        merchant.control("settings", signing="certificate")

        taken = merchant.take(merchant.paid(), kind="signtest")

        assert taken["headers"]["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")

    @pytest.mark.parametrize("mode", ["certificate", "public_key"])
    def test_an_unknown_serial_looks_like_a_known_one(self, merchant, mode):
        merchant.control("settings", signing=mode)
        number = merchant.paid()

        good = merchant.take(number)["headers"]["Wechatpay-Serial"]
        bad = merchant.take(number, kind="unknown_serial")["headers"]["Wechatpay-Serial"]

        assert bad != good
        assert len(bad) == len(good)

    @pytest.mark.parametrize(
        ("kind", "args", "path", "value"),
        [
            ("wrong_amount", {}, ("amount", "total"), 9901),
            ("wrong_amount", {"by": -100}, ("amount", "total"), 9800),
            ("wrong_amount", {"value": 1}, ("amount", "payer_total"), 1),
            ("wrong_appid", {}, ("appid",), "wx0000000000000bad"),
            ("wrong_mchid", {"value": "1"}, ("mchid",), "1"),
            ("content", {"set": {"amount.currency": "USD"}}, ("amount", "currency"), "USD"),
            ("unknown_fields", {}, ("z_new",), "NEW"),
        ],
    )
    def test_false_content_is_rightly_signed(self, merchant, kind, args, path, value):
        number = merchant.paid()
        merchant.fault("notify_payment", kind, args=args)

        taken = merchant.take(number)

        merchant.verify(taken["headers"], taken["body"])
        content = merchant.opened(taken["body"])
        for name in path:
            content = content[name]
        assert content == value
        assert merchant.opened(merchant.take(number)["body"])["amount"]["total"] == 9900

    def test_a_refund_can_be_wrong_by_an_amount_too(self, merchant):
        number = merchant.refund(merchant.paid(), 100).json()["out_refund_no"]
        merchant.control("idle")

        content = merchant.opened(merchant.take(number, kind="wrong_amount")["body"])

        assert content["amount"]["refund"] == 101
        assert content["amount"]["total"] == 9900

    def test_other_shapes_of_body(self, merchant):
        number = merchant.paid()

        xml = merchant.take(number, kind="xml_body")
        broken = merchant.take(number, kind="malformed_json")
        sealed = merchant.take(number, kind="wrong_key")

        assert xml["headers"]["Content-Type"] == "text/xml"
        merchant.verify(broken["headers"], broken["body"])
        with pytest.raises(json.JSONDecodeError):
            json.loads(broken["body"])
        assert merchant.opened(sealed["body"], "x" * 32)["out_trade_no"] == number

    def test_a_fault_nobody_knows_is_refused(self, merchant):
        name = merchant.notifications(merchant.paid())[0]["id"]

        answer = merchant.http.post(f"/control/notifications/{name}/take", json={"kind": "rain"})

        assert answer.status_code == 422

    def test_a_lost_answer_is_heard_and_retried(self, automatic, inbox):
        automatic.fault("notify_payment", "answer_lost")

        number = automatic.paid(notify_url=inbox.url)
        automatic.control("idle")
        automatic.control("clock", advance_seconds=16)
        automatic.control("idle")

        assert len(inbox.heard) == 2
        assert _state(automatic, number) == "delivered"


class TestDeliveryFaults:
    def test_a_duplicate_comes_again_after_it_was_heard(self, automatic, inbox):
        automatic.fault("notify_payment", "duplicate", args={"copies": 2})

        automatic.paid(notify_url=inbox.url)

        _wait(lambda: len(inbox.heard) == 3)
        assert len({json.loads(body)["id"] for _, body in inbox.heard}) == 1

    def test_a_delayed_one_comes_later(self, automatic, inbox):
        automatic.fault("notify_payment", "delayed", args={"seconds": 600})

        automatic.paid(notify_url=inbox.url)
        automatic.control("clock", advance_seconds=590)
        automatic.control("idle")
        assert not inbox.heard
        automatic.control("clock", advance_seconds=11)
        automatic.control("idle")

        assert len(inbox.heard) == 1

    def test_a_lost_one_never_comes(self, automatic, inbox):
        automatic.fault("notify_payment", "lost")

        number = automatic.paid(notify_url=inbox.url)
        automatic.control("clock", advance_seconds=2 * DAY)
        automatic.control("idle")

        assert not inbox.heard
        assert _state(automatic, number) == "lost"
        assert automatic.query(number).json()["trade_state"] == "SUCCESS"

    def test_one_out_of_order_comes_after_the_next(self, automatic, inbox):
        automatic.fault("notify_payment", "out_of_order")

        first = automatic.paid(notify_url=inbox.url)
        second = automatic.paid(notify_url=inbox.url)

        _wait(lambda: len(inbox.heard) == 2)
        heard = [automatic.opened(body)["out_trade_no"] for _, body in inbox.heard]
        assert heard == [second, first]

    def test_a_match_limits_a_fault_to_one_trade(self, automatic, inbox):
        automatic.fault("notify_payment", "lost", match="P-the-lost-one")

        automatic.paid(notify_url=inbox.url)
        lost = automatic.paid(notify_url=inbox.url, out_trade_no="P-the-lost-one")
        automatic.control("idle")

        assert len(inbox.heard) == 1
        assert _state(automatic, lost) == "lost"


def _is_acceptable(merchant, taken, now):
    headers = taken["headers"]
    if abs(int(headers.get("Wechatpay-Timestamp", 0)) - now) > 300:
        return False
    try:
        b64decode(headers["Wechatpay-Signature"], validate=True)
        merchant.verify(headers, taken["body"])
    except Exception:
        return False
    return True
