"""Signing in with WeChat, and the token that all processes share and none of them depends on."""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import redis

from app.wechat.errors import ResultUnknown, WeChatRefused
from app.wechat.mini import Busy, LoginCodeRefused, MiniClient, PageNotReleased, UserBlocked

APPID = "wx0123456789abcdef"
CODE = "/wxa/getwxacodeunlimit"
PNG = b"\x89PNG\r\n\x1a\n...IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff\xe0...\xff\xd9"


class Weixin:
    """The mini-program API in memory: tokens, codes and errcodes."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, tzinfo=UTC)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.token = 1
        self.dead: set[str] = set()
        self.answers: dict[str, Any] = {}
        self.redis = MemoryRedis(self)

    def client(self) -> MiniClient:
        return MiniClient(
            client=httpx.Client(
                base_url="https://weixin.example", transport=httpx.MockTransport(self.handle)
            ),
            appid=APPID,
            secret="secret",
            clock=lambda: self.now,
            connect=lambda: self.redis,  # type: ignore[arg-type, return-value]
        )

    def handle(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else dict(request.url.params)
        self.calls.append((request.url.path, body))
        answer = self.answers.get(request.url.path)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return answer
        if request.url.path == "/cgi-bin/stable_token" and answer is None:
            self.token += int(body["force_refresh"])
            answer = {"access_token": f"token-{self.token}", "expires_in": 7200}
        elif request.url.params.get("access_token") in self.dead:
            answer = {"errcode": 40001, "errmsg": "invalid credential rid: 1"}
        # WeChat calls its JSON text/plain here and there.
        return httpx.Response(200, text=json.dumps(answer), headers={"Content-Type": "text/plain"})

    def fetched(self) -> list[bool]:
        return [body["force_refresh"] for path, body in self.calls if "stable_token" in path]


class MemoryRedis:
    """The four commands the token store uses, on the world's clock."""

    def __init__(self, world: Weixin) -> None:
        self.world = world
        self.values: dict[str, tuple[str, datetime]] = {}
        self.is_down = False

    def _alive(self, key: str) -> tuple[str, datetime] | None:
        if self.is_down:
            raise redis.ConnectionError("down")
        held = self.values.get(key)
        return held if held and held[1] > self.world.now else None

    def get(self, key: str) -> str | None:
        held = self._alive(key)
        return held[0] if held else None

    def pttl(self, key: str) -> int:
        held = self._alive(key)
        return int((held[1] - self.world.now).total_seconds() * 1000) if held else -2

    def set(self, key: str, value: str, *, px: int, nx: bool = False) -> bool | None:
        if self._alive(key) and nx:
            return None
        self.values[key] = (value, self.world.now + timedelta(milliseconds=px))
        return True


@pytest.fixture
def weixin() -> Weixin:
    weixin = Weixin()
    weixin.answers["/sns/jscode2session"] = {"openid": "o1", "session_key": "k1"}
    weixin.answers["/wxa/business/getuserphonenumber"] = {
        "errcode": 0,
        "phone_info": {
            "phoneNumber": "+8613812345678",
            "purePhoneNumber": "13812345678",
            "countryCode": "86",
            "watermark": {"appid": APPID, "timestamp": 1},
        },
    }
    return weixin


class TestSignIn:
    def test_a_code_becomes_an_openid_without_any_token(self, weixin):
        session = weixin.client().code2session("code")

        assert (session.openid, session.session_key, session.unionid) == ("o1", "k1", None)
        assert weixin.calls == [
            (
                "/sns/jscode2session",
                {
                    "appid": APPID,
                    "secret": "secret",
                    "js_code": "code",
                    "grant_type": "authorization_code",
                },
            )
        ]

    def test_the_unionid_is_kept_when_there_is_one(self, weixin):
        weixin.answers["/sns/jscode2session"]["unionid"] = "u1"

        assert weixin.client().code2session("code").unionid == "u1"

    @pytest.mark.parametrize(
        ("errcode", "failure"),
        [
            (40029, LoginCodeRefused),
            (40163, LoginCodeRefused),
            (40226, UserBlocked),
            (-1, Busy),
            (45011, ResultUnknown),
            (40125, WeChatRefused),
        ],
    )
    def test_every_errcode_has_its_own_meaning(self, weixin, errcode, failure):
        weixin.answers["/sns/jscode2session"] = {"errcode": errcode, "errmsg": "no"}

        with pytest.raises(failure):
            weixin.client().code2session("code")

    @pytest.mark.parametrize(
        "answer",
        [
            httpx.ConnectTimeout("slow"),
            httpx.Response(500, text="oops"),
            httpx.Response(200, text="<html>"),
            httpx.Response(200, text="[]"),
            {"session_key": "k1"},
            {"openid": 7, "session_key": "k1"},
        ],
    )
    def test_an_answer_that_makes_no_sense_is_no_answer(self, weixin, answer):
        weixin.answers["/sns/jscode2session"] = answer

        with pytest.raises(ResultUnknown):
            weixin.client().code2session("code")


class TestPhoneNumber:
    def test_a_code_becomes_a_number(self, weixin):
        phone = weixin.client().phone_number("code")

        assert (phone.number, phone.country_code) == ("13812345678", "86")

    @pytest.mark.parametrize(
        "info", [None, {}, {"watermark": None}, {"watermark": {"appid": "another"}}]
    )
    def test_a_number_of_another_mini_program_is_refused(self, weixin, info):
        weixin.answers["/wxa/business/getuserphonenumber"]["phone_info"] = info

        with pytest.raises(ResultUnknown):
            weixin.client().phone_number("code")


class TestCode:
    @pytest.fixture
    def draw(self, weixin):
        weixin.answers[CODE] = httpx.Response(200, content=PNG)
        return lambda: weixin.client().code_picture(scene="i=A", page="pages/a", width=430)

    @pytest.mark.parametrize("picture", [PNG, JPEG])
    def test_is_a_picture_whatever_the_headers_say(self, weixin, draw, picture):
        weixin.answers[CODE] = httpx.Response(
            200, content=picture, headers={"Content-Type": "application/json"}
        )

        assert draw() == picture
        assert weixin.calls[-1] == (CODE, {"scene": "i=A", "page": "pages/a", "width": 430})

    @pytest.mark.parametrize(
        ("errcode", "failure"),
        [
            (41030, PageNotReleased),
            (45009, Busy),
            (-1, Busy),
            (40169, WeChatRefused),
            (40097, WeChatRefused),
        ],
    )
    def test_every_errcode_has_its_own_meaning(self, weixin, draw, errcode, failure):
        weixin.answers[CODE] = {"errcode": errcode, "errmsg": "no"}

        with pytest.raises(failure) as raised:
            draw()

        assert type(raised.value) is failure

    @pytest.mark.parametrize(
        "answer",
        [
            httpx.ConnectTimeout("slow"),
            httpx.Response(502, text="oops"),
            httpx.Response(200, content=PNG[:-4]),
            httpx.Response(200, content=JPEG[:-1]),
            httpx.Response(200, content=b""),
            httpx.Response(200, content=b"GIF89a"),
            {},
            [1],
            {"errcode": 0},
        ],
    )
    def test_half_a_picture_is_no_answer(self, weixin, draw, answer):
        weixin.answers[CODE] = answer

        with pytest.raises(ResultUnknown):
            draw()

    def test_a_dead_token_is_replaced_once(self, weixin, draw):
        weixin.client().access_token()
        weixin.dead, answer = {"token-1"}, weixin.answers.pop(CODE)
        alive = weixin.handle

        def handle(request):
            refused = alive(request)
            is_drawn = request.url.path == CODE and "errcode" not in refused.text
            return answer if is_drawn else refused

        weixin.handle = handle

        assert draw() == PNG
        assert weixin.fetched() == [False, False, True]


class TestToken:
    def test_it_is_fetched_once_and_shared_through_redis(self, weixin):
        first, second = weixin.client(), weixin.client()

        assert first.access_token() == first.access_token() == second.access_token() == "token-1"
        assert weixin.fetched() == [False]

    def test_it_is_renewed_five_minutes_before_its_end(self, weixin):
        client = weixin.client()
        client.access_token()

        weixin.now += timedelta(seconds=7200 - 301)
        client.access_token()
        assert weixin.fetched() == [False]
        weixin.now += timedelta(seconds=2)
        client.access_token()

        assert weixin.fetched() == [False, False]

    def test_redis_may_be_gone_altogether(self, weixin):
        weixin.redis.is_down = True
        client = weixin.client()

        assert client.access_token() == client.access_token() == "token-1"
        assert client.phone_number("code").number == "13812345678"
        assert weixin.fetched() == [False]

    def test_a_dead_token_is_replaced_by_force_only_when_wechat_gives_the_same_again(self, weixin):
        client = weixin.client()
        client.access_token()
        weixin.dead = {"token-1"}

        assert client.phone_number("code").number == "13812345678"
        assert weixin.fetched() == [False, False, True]

    def test_a_token_somebody_else_renewed_is_simply_used(self, weixin):
        mine, other = weixin.client(), weixin.client()
        mine.access_token()
        other.access_token()
        weixin.dead = {"token-1"}
        other.phone_number("code")
        before = len(weixin.fetched())

        mine.phone_number("code")

        assert len(weixin.fetched()) == before

    def test_without_redis_a_dead_token_is_replaced_as_well(self, weixin):
        weixin.redis.is_down = True
        client = weixin.client()
        client.access_token()
        weixin.dead = {"token-1"}

        assert client.phone_number("code").number == "13812345678"

    def test_a_renewal_is_not_forced_twice_in_thirty_seconds(self, weixin):
        client, other = weixin.client(), weixin.client()
        client.access_token()
        weixin.dead = {"token-1", "token-2"}

        with pytest.raises(WeChatRefused):
            client.phone_number("code")
        with pytest.raises(ResultUnknown):
            client.phone_number("code")
        with pytest.raises(ResultUnknown):
            other.phone_number("code")

        assert weixin.fetched().count(True) == 1

    def test_a_token_this_process_already_replaced_is_used_at_once(self, weixin):
        client = weixin.client()
        client.access_token()
        weixin.dead = {"token-1"}
        client.phone_number("code")

        assert client._tokens.replace("token-1") == "token-2"

    def test_threads_that_miss_it_together_fetch_it_once(self, weixin):
        client = weixin.client()
        threads = [threading.Thread(target=client.access_token) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

        assert weixin.fetched() == [False]

    def test_a_token_without_a_life_is_not_believed(self, weixin):
        weixin.answers["/cgi-bin/stable_token"] = {"access_token": "t"}

        with pytest.raises(ResultUnknown):
            weixin.client().access_token()
