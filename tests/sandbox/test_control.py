"""The control API's shared part, the page, and the process."""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from sandbox import keys, server
from tests.sandbox.merchant import Merchant, public_pem


class TestMerchants:
    @pytest.mark.parametrize(
        "changes",
        [
            {"appid": ""},
            {"mchid": None},
            {"apiv3_key": "short"},
            {"merchant_public_key": "not a key"},
            {"refund_notify_url": 5},
        ],
    )
    def test_an_incomplete_merchant_is_refused(self, merchant, changes):
        body = {
            "appid": "a",
            "app_secret": "s",
            "mchid": "1",
            "merchant_serial": "S",
            "merchant_public_key": public_pem(merchant.key),
            "apiv3_key": "k" * 32,
        }

        answer = merchant.http.post("/control/merchants", json={**body, **changes})

        assert answer.status_code == 422

    def test_a_key_that_is_not_rsa_is_refused(self, merchant):
        pem = (
            "-----BEGIN PUBLIC KEY-----\n"
            "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
            "-----END PUBLIC KEY-----\n"
        )

        answer = merchant.http.post(
            "/control/merchants", json={"merchant_public_key": pem, "appid": "a"}
        )

        assert "RSA" in answer.json()["error"]

    def test_with_two_merchants_one_must_be_named(self, merchant):
        merchant.register(mchid="1900000009", appid="wxother")

        unnamed = merchant.http.post("/control/mini/codes", json={})

        assert unnamed.status_code == 404
        assert merchant.control("mini/codes", mchid="1900000009")["js_code"]


class TestSettingsAndClock:
    def test_settings_change_one_by_one(self, merchant):
        merchant.control("settings", refund_outcome="manual", refund_delay_seconds=5)

        merchant.control("settings", signing="mixed")

        assert merchant.look("settings") == {
            "signing": "mixed",
            "notify": "manual",
            "refund_outcome": "manual",
            "refund_delay_seconds": 5.0,
            "unpaid_amount": "told",
            "transfer_start": "WAIT_USER_CONFIRM",
            "transfer_steps": "automatic",
            "transfer_delay_seconds": 0.0,
            "transfer_most_fen": 2_000_000,
            "transfers_a_second": 100,
            "bills": "automatic",
            "trade_managed": "no",
            "push_url": None,
            "push_mode": "safe",
            "push_format": "json",
        }

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("settings", {"signing": "none"}),
            ("settings", {"notify": "maybe"}),
            ("settings", {"refund_outcome": "LOST"}),
            ("settings", {"refund_delay_seconds": -1}),
            ("settings", {"unpaid_amount": "sometimes"}),
            ("clock", {"speed": 0}),
            ("clock", {"speed": True}),
            ("clock", {"advance_seconds": "1"}),
            ("clock", {"now": "yesterday"}),
            ("clock", {"now": "2026-01-01T00:00:00"}),
        ],
    )
    def test_nonsense_is_refused(self, merchant, path, body):
        assert merchant.http.post(f"/control/{path}", json=body).status_code == 422

    def test_advancing_moves_what_waits_but_not_the_calendar(self, merchant, sandbox):
        before = merchant.look("clock")

        after = merchant.control("clock", advance_seconds=3600)

        assert after["passed_seconds"] - before["passed_seconds"] >= 3600
        assert abs(sandbox.world.clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
        assert merchant.prepay().status_code == 200

    def test_the_calendar_can_be_set_or_moved_along(self, merchant):
        merchant.control("clock", now="2031-01-01T00:00:00+08:00")
        merchant.control("clock", advance_seconds=3600, calendar=True)

        assert merchant.look("clock")["now"].startswith("2031-01-01T01:00:0")
        assert "5分钟" in merchant.prepay().json()["message"]

    def test_reset_forgets_everything_but_keys_and_merchants(self, merchant):
        before = merchant.look("platform")
        merchant.paid()
        merchant.fault("query", "500")
        merchant.control("clock", now="2031-01-01T00:00:00+08:00", speed=10)

        merchant.control("reset")

        assert merchant.look("platform") == before
        assert merchant.look("trades") == {"trades": []}
        assert merchant.look("faults") == {"faults": []}
        assert merchant.look("notifications") == {"notifications": []}
        assert merchant.look("clock")["speed"] == 1.0
        assert merchant.prepay().status_code == 200

    def test_idle_says_when_something_is_still_going_on(self, merchant, inbox):
        inbox.delay = 0.3
        merchant.control("settings", notify="automatic")
        merchant.paid(notify_url=inbox.url)

        assert merchant.control("idle", timeout_seconds=0.05) == {"idle": False}
        assert merchant.control("idle") == {"idle": True}


class TestPage:
    def test_shows_trades_refunds_notifications_and_switches(self, merchant):
        number = merchant.paid(description="<b>龙井</b>")
        unpaid, _ = merchant.open()
        merchant.control("settings", refund_outcome="manual")
        refund = merchant.refund(number).json()["out_refund_no"]
        merchant.fault("prepay", "slow")

        page = merchant.http.get("/").text

        for text in (number, unpaid, refund, "未验签支付", "TRANSACTION.SUCCESS", "prepay · slow"):
            assert text in page
        assert "&lt;b&gt;龙井" in page
        assert "http://" not in page.replace(merchant.url, "")
        assert "https://" not in page

    def test_refreshes_only_its_tables(self, merchant):
        part = merchant.http.get("/", params={"part": "tables"}).text

        assert "还没有交易" in part
        assert "<html" not in part


class TestRunning:
    def test_two_sandboxes_have_different_keys_unless_given(self, merchant_key):
        shared = keys.generate()
        with server.start(keys=shared) as one, server.start(keys=shared) as two:
            platforms = []
            for url in (one.url, two.url):
                merchant = Merchant(url, merchant_key)
                platforms.append(merchant.look("platform"))
                merchant.close_http()

        assert platforms[0] == platforms[1]
        assert platforms[0]["public_key_id"] != keys.generate().public_key.serial

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_the_process_says_where_it_is_and_stops_when_told(self, number):
        command = [sys.executable, "-m", "sandbox", "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            line = process.stdout.readline()
            url = line.removeprefix("sandbox ready ").strip()
            answer = httpx.get(f"{url}/control/clock", trust_env=False)
            process.send_signal(number)
            status = process.wait(timeout=10)

        assert line.startswith("sandbox ready http://127.0.0.1:")
        assert answer.status_code == 200
        assert status == 0
