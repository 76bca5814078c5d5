"""One JSON line an event: who, what, which request; never a secret, never a phone number."""

import io
import json
import sys

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from app.core import logs
from app.core.auth import Audience


@pytest.fixture
def lines(monkeypatch):
    """What is logged from now on, parsed."""
    before, stream = structlog.get_config(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.configure("INFO")
    monkeypatch.setattr(logs, "log", structlog.get_logger())
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    structlog.configure(**before)


def masked(**event):
    return logs.mask(None, "", event)


class TestMasking:
    @pytest.mark.parametrize(
        "key",
        ["password", "new_password", "app_secret", "access_token", "Authorization",
         "session_key", "merchant_private_key", "apiv3_key", "phone_code"],
    )  # fmt: skip
    def test_secrets_are_hidden_by_their_name_at_any_depth(self, key):
        assert masked(**{key: "x"}) == {key: "***"}
        assert masked(body={"list": [{key: "x"}]}) == {"body": {"list": [{key: "***"}]}}

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("13812345678", "138****5678"),
            ("call 13812345678, or 19900000000", "call 138****5678, or 199****0000"),
            ("+8613812345678", "+86****5678"),
            ("call +86 138-1234-5678", "call +86****5678"),
            ("138 1234 5678", "138****5678"),
            ("order 138123456789", "order 138123456789"),
            ("12812345678", "12812345678"),
        ],
    )
    def test_phone_numbers_are_hidden_wherever_they_stand_alone(self, text, shown):
        assert masked(x=text, y=[text], z=(text,)) == {"x": shown, "y": [shown], "z": [shown]}

    @pytest.mark.parametrize("phone", ["0571-88886666", "+852-61234567", "138****6666"])
    def test_what_is_called_a_phone_is_hidden_in_any_form(self, phone):
        shown = f"{phone[:3]}****{phone[-4:]}"
        assert masked(body={"phone": phone}) == {"body": {"phone": shown}}
        assert masked(phone=None) == {"phone": None}

    def test_what_is_no_text_stays_what_it_is(self):
        assert masked(ms=1.5, n=None, ok=True, fen=100) == {
            "ms": 1.5, "n": None, "ok": True, "fen": 100,
        }  # fmt: skip

    @given(
        prefix=st.text("abc ,:", max_size=5), phone=st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
    )
    def test_no_phone_number_survives(self, prefix, phone):
        assert phone not in str(masked(text=f"{prefix}{phone}", deep={"list": [phone]}))


class TestLines:
    def test_a_request_is_one_line_with_its_id_and_its_actor(self, toys, headers, token_for, lines):
        sent = headers() | {"X-Request-ID": "a-request-id"}
        answer = toys.patch("/toy/words/13812345678", headers=sent)

        (line,) = [each for each in lines() if each["event"] == "request"]
        assert line["request_id"] == answer.headers["X-Request-ID"] == "a-request-id"
        assert (line["method"], line["route"], line["status"]) == (
            "PATCH",
            "/toy/words/<name>",
            200,
        )
        assert line["actor"] == "member:7"
        assert line["ms"] >= 0
        assert "13812345678" not in str(line)

    def test_the_actor_is_staff_the_audience_or_nobody_in_particular(self, toys, token_for, lines):
        toys.get("/admin/v1/me", headers=token_for(Audience.STAFF, 3))
        toys.get("/open/who")
        toys.get("/healthz")

        actors = [each["actor"] for each in lines() if each["event"] == "request"]
        assert actors == ["staff:3", "public", "anonymous"]

    @pytest.mark.parametrize("given_id", ["short", "x" * 65, "a b c d e f", "x;y=1234567", ""])
    def test_an_unusable_request_id_is_replaced(self, toys, given_id):
        answer = toys.get("/healthz", headers={"X-Request-ID": given_id})

        assert logs.REQUEST_ID.fullmatch(answer.headers["X-Request-ID"])
        assert answer.headers["X-Request-ID"] != given_id

    def test_what_matches_no_route_is_one_route_for_the_metrics(self, toys, lines):
        toys.get("/nowhere")
        toys.open("/healthz", method="BREW")

        by_route = [(each["route"], each["method"]) for each in lines()]
        assert by_route == [("(none)", "GET"), ("(none)", "BREW")]
        figures = toys.get("/metrics").text
        assert 'route="(none)"' in figures
        assert "BREW" not in figures

    def test_what_a_crowd_gets_is_counted_and_not_written_down(self, toys, lines):
        assert toys.get("/open/crowded").status_code == 409

        assert lines() == []
        figures = toys.get("/metrics").text
        assert 'route="/open/crowded",status="409"' in figures

    def test_a_bug_is_logged_with_its_traceback(self, toys, lines, monkeypatch):
        monkeypatch.setattr("app.core.errors.log", structlog.get_logger())

        toys.get("/open/bug")

        (line,) = [each for each in lines() if each["event"] == "unhandled_error"]
        assert "KeyError" in line["exception"]
