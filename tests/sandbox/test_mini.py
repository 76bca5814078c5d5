"""Login, tokens and phone numbers, with the errors WeChat gives."""

import pytest

from tests.sandbox.merchant import APPID, SECRET


def _login(merchant, code, **changes):
    params = {
        "appid": APPID,
        "secret": SECRET,
        "js_code": code,
        "grant_type": "authorization_code",
    }
    return merchant.http.get("/sns/jscode2session", params={**params, **changes}).json()


def _token(merchant, **changes):
    body = {"grant_type": "client_credential", "appid": APPID, "secret": SECRET}
    return merchant.http.post("/cgi-bin/stable_token", json={**body, **changes}).json()


def _phone(merchant, code, token):
    return merchant.http.post(
        "/wxa/business/getuserphonenumber",
        params={"access_token": token} if token else {},
        json={"code": code},
    ).json()


class TestLogin:
    def test_gives_openid_and_session_key_and_no_errcode(self, merchant):
        made = merchant.control("mini/codes", openid="o1", unionid="u1")

        session = _login(merchant, made["js_code"])

        assert (session["openid"], session["unionid"]) == ("o1", "u1")
        assert len(session["session_key"]) == 24
        assert "errcode" not in session

    def test_says_text_plain_and_names_a_request(self, merchant):
        answer = merchant.http.get("/sns/jscode2session", params={"appid": APPID, "secret": SECRET})

        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert "rid: " in answer.json()["errmsg"]

    def test_a_code_works_once(self, merchant):
        code = merchant.control("mini/codes")["js_code"]

        assert "unionid" not in _login(merchant, code)
        assert _login(merchant, code)["errcode"] == 40029

    def test_a_code_is_too_old_after_five_minutes(self, merchant):
        code = merchant.control("mini/codes")["js_code"]

        merchant.control("clock", advance_seconds=301)

        assert _login(merchant, code)["errcode"] == 40029

    @pytest.mark.parametrize(
        ("changes", "errcode"),
        [
            ({"appid": "wxnobody"}, 40013),
            ({"secret": "wrong"}, 40125),
            ({"grant_type": "password"}, 40002),
            ({"js_code": "made-up"}, 40029),
        ],
    )
    def test_a_wrong_parameter_has_its_errcode(self, merchant, changes, errcode):
        code = merchant.control("mini/codes")["js_code"]

        assert _login(merchant, code, **changes)["errcode"] == errcode

    def test_a_code_of_another_mini_program_is_refused(self, merchant):
        merchant.register(mchid="1900000009", appid="wxother")
        code = merchant.control("mini/codes", mchid="1900000009")["js_code"]

        assert _login(merchant, code)["errcode"] == 40029

    def test_a_blocked_user_is_told_so_until_unblocked(self, merchant):
        merchant.control("mini/users", openid="o2", blocked=True)
        blocked = _login(merchant, merchant.control("mini/codes", openid="o2")["js_code"])
        merchant.control("mini/users", openid="o2", blocked=False)

        assert blocked["errcode"] == 40226
        assert _login(merchant, merchant.control("mini/codes", openid="o2")["js_code"])["openid"]

    def test_a_hundred_logins_a_minute_are_enough(self, merchant, sandbox):
        codes = [merchant.control("mini/codes", openid="o3")["js_code"] for _ in range(102)]

        answers = [_login(merchant, code).get("errcode") for code in codes[:101]]
        merchant.control("clock", advance_seconds=61)

        assert answers == [None] * 100 + [45011]
        assert "openid" in _login(merchant, codes[101])


class TestToken:
    def test_stays_the_same_while_valid(self, merchant):
        first, second = _token(merchant), _token(merchant)

        assert first["access_token"] == second["access_token"]
        assert 7190 <= second["expires_in"] <= 7200

    def test_rotates_five_minutes_before_its_end_and_both_are_accepted(self, merchant):
        old = _token(merchant)["access_token"]
        merchant.control("clock", advance_seconds=7000)
        new = _token(merchant)["access_token"]
        codes = [merchant.control("mini/phone-codes", phone="13800138000")["code"] for _ in "123"]

        assert new != old
        assert _phone(merchant, codes[0], old)["errcode"] == 0
        assert _phone(merchant, codes[1], new)["errcode"] == 0
        merchant.control("clock", advance_seconds=201)
        assert _phone(merchant, codes[2], old)["errcode"] == 42001

    def test_a_forced_refresh_kills_the_old_one_and_has_limits(self, merchant):
        old = _token(merchant)["access_token"]

        new = _token(merchant, force_refresh=True)["access_token"]

        assert new != old
        assert _phone(merchant, "x", old)["errcode"] == 40001
        assert _token(merchant, force_refresh=True)["errcode"] == 45011
        merchant.control("clock", advance_seconds=30)
        assert "access_token" in _token(merchant, force_refresh=True)

    def test_can_be_forced_twenty_times_a_day(self, merchant):
        answers = []
        for _ in range(21):
            answers.append(_token(merchant, force_refresh=True).get("errcode"))
            merchant.control("clock", advance_seconds=31)

        assert answers == [None] * 20 + [45011]

    @pytest.mark.parametrize(
        ("changes", "errcode"),
        [({"grant_type": "x"}, 40002), ({"appid": "wx?"}, 40013), ({"secret": "x"}, 40125)],
    )
    def test_a_wrong_parameter_has_its_errcode(self, merchant, changes, errcode):
        assert _token(merchant, **changes)["errcode"] == errcode

    @pytest.mark.parametrize("body", ["{", "[]"])
    def test_a_body_that_is_not_an_object_is_a_format_error(self, merchant, body):
        answer = merchant.http.post("/cgi-bin/stable_token", content=body)

        assert answer.json()["errcode"] == 47001

    def test_a_sticky_dead_token_is_handed_out_until_forced(self, merchant):
        old = _token(merchant)["access_token"]
        merchant.control("mini/expire-token", sticky=True)

        assert _token(merchant)["access_token"] == old
        assert _phone(merchant, "x", old)["errcode"] == 40001
        assert _token(merchant, force_refresh=True)["access_token"] != old

    def test_a_dead_token_is_replaced(self, merchant):
        old = _token(merchant)["access_token"]

        merchant.control("mini/expire-token")

        assert _token(merchant)["access_token"] != old


class TestPhone:
    def test_gives_the_number_with_its_watermark_once(self, merchant):
        token = _token(merchant)["access_token"]
        code = merchant.control("mini/phone-codes", phone="13800138000")["code"]

        first, again = _phone(merchant, code, token), _phone(merchant, code, token)

        info = first["phone_info"]
        assert (info["phoneNumber"], info["countryCode"]) == ("13800138000", "86")
        assert info["watermark"]["appid"] == APPID
        assert again["errcode"] == 40029

    def test_a_foreign_number_carries_its_country(self, merchant):
        token = _token(merchant)["access_token"]
        code = merchant.control("mini/phone-codes", phone="91234567", country_code="852")["code"]

        info = _phone(merchant, code, token)["phone_info"]

        assert (info["phoneNumber"], info["purePhoneNumber"]) == ("+85291234567", "91234567")

    def test_needs_a_token_and_the_right_kind_of_code(self, merchant):
        token = _token(merchant)["access_token"]
        login = merchant.control("mini/codes")["js_code"]

        assert _phone(merchant, "x", "")["errcode"] == 41001
        assert _phone(merchant, "x", "made-up")["errcode"] == 40001
        assert _phone(merchant, login, token)["errcode"] == 40029

    @pytest.mark.parametrize(
        ("kind", "errcode"), [("expired_token", 42001), ("invalid_token", 40001)]
    )
    def test_a_fault_can_kill_the_token(self, merchant, kind, errcode):
        token = _token(merchant)["access_token"]
        code = merchant.control("mini/phone-codes", phone="13800138000")["code"]
        merchant.fault("phone_number", kind)

        failed = _phone(merchant, code, token)
        fresh = _token(merchant)["access_token"]

        assert failed["errcode"] == errcode
        assert fresh != token
        assert _phone(merchant, code, fresh)["errcode"] == 0

    @pytest.mark.parametrize(
        ("kind", "args", "status", "errcode"),
        [
            ("429", {}, 200, 45011),
            ("500", {}, 500, -1),
            ("error", {"errcode": -1, "errmsg": "system error"}, 200, -1),
        ],
    )
    def test_other_faults_speak_the_mini_program_dialect(
        self, merchant, kind, args, status, errcode
    ):
        merchant.fault("code2session", kind, args=args)

        answer = merchant.http.get(
            "/sns/jscode2session", params={"appid": APPID, "secret": SECRET, "js_code": "x"}
        )

        assert (answer.status_code, answer.json()["errcode"]) == (status, errcode)
