"""Subscribe messages: what they say fits, what WeChat answers has one meaning, whoever it is."""

from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core import clock
from app.settings import SHOWN_OF, MessageTemplate
from app.wechat import messages
from app.wechat.errors import ResultUnknown, WeChatRefused
from app.wechat.messages import MessageNotAllowed, Messenger, fit, moment
from app.wechat.mini import Busy, MiniClient
from app.wechat.transport import http_client
from sandbox import messages as wire
from sandbox import server
from tests.app.wechat import platform as world

KEYS = (("title", "thing1"), ("starts_at", "time2"), ("price", "amount3"), ("hint", "phrase4"))
VALUES = {
    "title": "🍵 春季新茶限量秒杀，每人一件，先到先得，售完为止",
    "starts_at": moment(datetime(2026, 11, 24, 12, 0, tzinfo=UTC)),
    "price": "9.90元",
    "hint": "即将开抢",
}


@pytest.fixture(scope="module")
def running():
    with server.start() as running:
        yield running


@pytest.fixture
def control(running):
    http = httpx.Client(base_url=running.url, trust_env=False, timeout=20)

    def call(path, **body):
        answer = http.request("POST" if body else "GET", f"/control/{path}", json=body or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    http.post("/control/reset")
    running.world.merchants.clear()
    call(
        "merchants",
        appid=world.APPID,
        app_secret="s" * 32,
        mchid=world.MCHID,
        merchant_serial=world.SERIAL,
        merchant_public_key=world.public_pem(0),
        apiv3_key=world.APIV3_KEY,
    )
    call("mini/templates", template_id="t1", keys=[key for _, key in KEYS])
    call("mini/codes", openid="o1")
    yield call
    http.close()


@pytest.fixture
def messenger(running, control, app):
    with app.app_context():
        mini = MiniClient(
            client=http_client(running.url, 5.0),
            appid=world.APPID,
            secret="s" * 32,
            clock=clock.now,
            connect=lambda: app.extensions["redis"],
        )
        yield Messenger(mini, {"flash_sale": MessageTemplate("t1", KEYS)})


def _send(messenger, **values):
    messenger.send("flash_sale", openid="o1", page="pages/f?id=1", values={**VALUES, **values})


def test_a_message_arrives_as_the_template_shows_it(messenger, control):
    control("mini/allow", openid="o1", template_id="t1")

    _send(messenger)

    (message,) = control("mini/messages")["messages"]
    assert message["page"] == "pages/f?id=1"
    assert message["data"] == {
        "thing1": "春季新茶限量秒杀，每人一件，先到先得，售",
        "time2": "2026年11月24日 20:00",
        "amount3": "9.90元",
        "phrase4": "即将开抢",
    }


def test_who_allows_none_gets_none_and_that_is_final(messenger):
    with pytest.raises(MessageNotAllowed):
        _send(messenger)


def test_busy_means_nothing_was_sent(messenger, control):
    control("mini/allow", openid="o1", template_id="t1")
    control("faults", on="subscribe_send", kind="error", args={"errcode": 45011})

    with pytest.raises(Busy):
        _send(messenger)
    _send(messenger)


def test_a_lost_answer_leaves_us_not_knowing(messenger, control):
    control("mini/allow", openid="o1", template_id="t1")
    control("faults", on="subscribe_send", kind="cut")

    with pytest.raises(ResultUnknown) as unknown:
        _send(messenger)
    assert not isinstance(unknown.value, Busy)
    assert len(control("mini/messages")["messages"]) == 1


def test_a_wrong_value_is_a_refusal_with_its_reason(messenger, control):
    control("mini/allow", openid="o1", template_id="t1")

    with pytest.raises(WeChatRefused) as refused:
        _send(messenger, starts_at="明天")
    assert refused.value.reason == "47003"


def test_a_page_asks_for_the_template_that_is_configured(messenger):
    template = messenger.template("flash_sale")
    assert template is not None
    assert template.template_id == "t1"
    assert messenger.template("weather") is None


@given(st.text(max_size=60))
@example("")
@example("9.9")
@example("1234567890123456789012a")
@example("🍵")
def test_whatever_a_text_says_it_fits(value):
    for kind in ("thing", "phrase", "name", "character_string"):
        assert wire.KINDS[kind](fit(f"{kind}12", value)), kind


def test_the_limits_are_those_of_the_kinds_settings_admit():
    kinds = {
        kind for shown in SHOWN_OF.values() for each in shown.values() for kind in each.split("|")
    }
    assert kinds <= set(messages.LIMITS) == set(wire.KINDS)
