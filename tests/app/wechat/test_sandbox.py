"""The mini-program client against the sandbox, over HTTP: two programs that share no code."""

import httpx
import pytest
import redis

from app.core import clock
from app.wechat.errors import ResultUnknown, WeChatRefused
from app.wechat.mini import LoginCodeRefused, MiniClient, UserBlocked
from app.wechat.transport import http_client
from sandbox import server
from tests.app.wechat import platform as world


class GoneRedis:
    """A Redis that is not there."""

    def __getattr__(self, name):
        raise redis.ConnectionError("gone")


@pytest.fixture(scope="module")
def running():
    with server.start() as running:
        yield running


@pytest.fixture
def control(running):
    http = httpx.Client(base_url=running.url, trust_env=False, timeout=20)

    def call(path, **body):
        answer = http.post(f"/control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    running.world.merchants.clear()
    call("reset")
    call(
        "merchants",
        appid=world.APPID,
        app_secret="s" * 32,
        mchid=world.MCHID,
        merchant_serial=world.SERIAL,
        merchant_public_key=world.public_pem(0),
        apiv3_key=world.APIV3_KEY,
    )
    yield call
    http.close()


@pytest.fixture(params=["with redis", "without redis"])
def mini(running, control, request, app):
    with app.app_context():
        store = app.extensions["redis"] if request.param == "with redis" else GoneRedis()
        yield MiniClient(
            client=http_client(running.url, 5.0),
            appid=world.APPID,
            secret="s" * 32,
            clock=clock.now,
            connect=lambda: store,
        )


def test_a_code_signs_in_once(mini, control):
    given = control("mini/codes")

    session = mini.code2session(given["js_code"])

    assert session.openid == given["openid"]
    with pytest.raises(LoginCodeRefused):
        mini.code2session(given["js_code"])


def test_a_blocked_user_does_not_sign_in(mini, control):
    given = control("mini/codes")
    control("mini/users", openid=given["openid"], blocked=True)

    with pytest.raises(UserBlocked):
        mini.code2session(given["js_code"])


def test_a_phone_number_is_read(mini, control):
    code = control("mini/phone-codes", phone="13812345678")["code"]

    assert mini.phone_number(code).number == "13812345678"


@pytest.mark.parametrize("sticky", [False, True])
def test_a_token_that_died_is_replaced_unnoticed(mini, control, sticky):
    mini.access_token()
    control("mini/expire-token", sticky=sticky)
    code = control("mini/phone-codes", phone="13812345678")["code"]

    assert mini.phone_number(code).number == "13812345678"


def test_a_busy_wechat_is_an_unknown_result(mini, control):
    control("faults", on="code2session", kind="error", args={"errcode": -1, "errmsg": "busy"})

    with pytest.raises(ResultUnknown):
        mini.code2session("x")


def test_a_wrong_secret_is_a_refusal(running, control, app):
    with app.app_context():
        stranger = MiniClient(
            client=http_client(running.url, 5.0),
            appid=world.APPID,
            secret="wrong",
            clock=clock.now,
            connect=lambda: app.extensions["redis"],
        )

        with pytest.raises(WeChatRefused):
            stranger.code2session("x")
