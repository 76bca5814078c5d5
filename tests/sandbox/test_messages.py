"""Subscribe messages: what a template takes, whom it reaches, and how often."""

import pytest

from sandbox import messages
from tests.sandbox.merchant import APPID, SECRET

OPENID = "o-reader"
TEMPLATE = "template-1"
GOOD = {
    "thing1": "茶叶秒杀",
    "time2": "2026年11月24日 20:00",
    "amount3": "9.90元",
    "phrase4": "即将开抢",
}


def _token(merchant):
    body = {"grant_type": "client_credential", "appid": APPID, "secret": SECRET}
    return merchant.http.post("/cgi-bin/stable_token", json=body).json()["access_token"]


def _send(merchant, data=None, **changes):
    data = GOOD if data is None else data
    data = {key: {"value": value} for key, value in data.items()}
    return _ask(merchant, data=data, **changes)


def _ask(merchant, **changes):
    body = {"touser": OPENID, "template_id": TEMPLATE, "page": "pages/flash/show?id=1", **changes}
    params = {"access_token": _token(merchant)}
    path = "/cgi-bin/message/subscribe/send"
    return merchant.http.post(path, params=params, json=body).json()["errcode"]


def _allow(merchant, **changes):
    body = {"openid": OPENID, "template_id": TEMPLATE, **changes}
    return merchant.http.post("/control/mini/allow", json=body)


@pytest.fixture(autouse=True)
def template(merchant):
    merchant.control("mini/templates", template_id=TEMPLATE, keys=list(GOOD))
    merchant.control("mini/codes", openid=OPENID)


def _sent(merchant, **query):
    return merchant.look("mini/messages", **query)["messages"]


class TestSending:
    def test_a_tap_is_one_message(self, merchant):
        _allow(merchant)

        assert [_send(merchant), _send(merchant)] == [0, 43101]
        assert _sent(merchant, openid=OPENID) == [
            {
                "appid": APPID,
                "openid": OPENID,
                "template_id": TEMPLATE,
                "page": "pages/flash/show?id=1",
                "data": GOOD,
            }
        ]

    def test_taps_add_up_and_are_each_users_own(self, merchant):
        _allow(merchant)

        assert _allow(merchant, times=2).json() == {"allowed": 3}
        merchant.control("mini/codes", openid="o-other")
        assert _send(merchant, touser="o-other") == 43101
        assert _sent(merchant, openid="o-other") == []

    def test_what_is_refused_uses_no_tap(self, merchant):
        _allow(merchant)

        assert _send(merchant, {**GOOD, "thing1": "x" * 21}) == 47003
        assert _send(merchant) == 0

    def test_a_busy_wechat_sends_nothing_and_uses_no_tap(self, merchant):
        _allow(merchant)
        merchant.control("faults", on="subscribe_send", kind="error", args={"errcode": -1})

        assert _send(merchant) == -1
        assert _sent(merchant) == []
        assert _send(merchant) == 0


class TestRefusal:
    @pytest.mark.parametrize(
        ("changes", "errcode"),
        [
            ({"touser": "o-stranger"}, 40003),
            ({"touser": None}, 40003),
            ({"template_id": "template-2"}, 40037),
            ({"template_id": 7}, 40037),
            ({"page": "/pages/flash/show"}, 41030),
            ({"page": 7}, 41030),
            ({"miniprogram_state": "release"}, 47003),
            ({"lang": "zh"}, 47003),
        ],
    )
    def test_names_what_is_wrong(self, merchant, changes, errcode):
        _allow(merchant)

        assert _send(merchant, **changes) == errcode
        assert _sent(merchant) == []

    def test_data_has_every_key_of_the_template_and_no_other(self, merchant):
        _allow(merchant)
        missing = {key: value for key, value in GOOD.items() if key != "time2"}

        assert _send(merchant, missing) == 47003
        assert _send(merchant, {**GOOD, "thing9": "多"}) == 47003

    @pytest.mark.parametrize("data", [None, [], {"thing1": "bare"}, {"thing1": {"value": 7}}])
    def test_data_is_an_object_of_values(self, merchant, data):
        assert _ask(merchant, data=data) == 47003

    @pytest.mark.parametrize(
        ("kind", "good", "bad"),
        [
            ("thing", ["茶", "a1", "甲" * 20], ["甲" * 21, "123", "9.9", "!!"]),
            ("number", ["1", "1.5", "-3"], ["一", "1" * 33]),
            ("letter", ["abc"], ["a1", "茶", "a" * 33]),
            ("symbol", ["!?"], ["a", "!!!!!!"]),
            ("character_string", ["A-1"], ["茶", "a b", "a" * 33]),
            ("time", ["20:00", "2026年1月2日 20:00", "2026-01-02 20:00:01"], ["20", "25:00"]),
            ("date", ["2026年1月2日", "2026/1/2 20:00"], ["1月2日", "20:00"]),
            ("amount", ["9.90元", "¥12", "1"], ["9.9 元", "12345678901", "九元"]),
            ("phone_number", ["+86-571"], ["1" * 18, "tel"]),
            ("car_number", ["粤A12345"], ["粤A-12345"]),
            ("name", ["王强", "Wang Qiang"], ["王" * 11, "王2", "a" * 21]),
            ("phrase", ["即将开抢"], ["即将开抢了哦", "ok"]),
        ],
    )
    def test_a_value_is_of_its_keys_kind(self, kind, good, bad):
        assert all(map(messages.KINDS[kind], good))
        assert not any(map(messages.KINDS[kind], bad))


class TestControl:
    @pytest.mark.parametrize("keys", [None, [], ["thing"], ["weather1"], "thing1", [7]])
    def test_a_template_has_keys_of_known_kinds(self, merchant, keys):
        body = {"template_id": "t", "keys": keys}
        answer = merchant.http.post("/control/mini/templates", json=body)

        assert answer.status_code == 422

    @pytest.mark.parametrize(
        ("changes", "status"),
        [({"times": 0}, 422), ({"times": "1"}, 422), ({"template_id": "template-2"}, 404)],
    )
    def test_a_tap_is_of_a_template_that_exists(self, merchant, changes, status):
        assert _allow(merchant, **changes).status_code == status
