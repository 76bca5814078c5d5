"""
The server API of the mini-program: who signs in, which phone number, and the token for the rest.

WeChat answers errors with HTTP 200 and a non-zero `errcode`, and often calls its JSON text/plain.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import structlog

from app.wechat import pictures
from app.wechat.errors import ResultUnknown, WeChatError, WeChatRefused
from app.wechat.tokens import TokenStore

if TYPE_CHECKING:
    import redis

log = structlog.get_logger(__name__)

BUSY = {-1, 45011, 45009, 44990}
"""Busy or too many calls: nothing was decided, come back later."""
TOKEN_IS_DEAD = {40001, 40014, 42001}
LOGIN_CODE_SPENT = {40029, 40163}
"""Wrong or too old; used before."""
USER_AT_RISK = 40226
PAGE_NOT_RELEASED = 41030
MAX_TOKEN = 2048


class LoginCodeRefused(WeChatError):
    """The code of `wx.login` or of the phone button is wrong, used or older than five minutes."""

    code, status, title = "wechat_code_refused", 422, "微信授权已失效，请重试"


class UserBlocked(WeChatError):
    """WeChat considers this user too risky to sign in."""

    code, status, title = "wechat_user_blocked", 403, "该微信账号暂时无法登录"


class Busy(ResultUnknown):
    """WeChat is busy, or was called too often, and has done nothing: the same may be sent again."""


class PageNotReleased(WeChatError):
    """The mini-program has no such page in its released version, so no code can lead there."""

    code, status, title = (
        "wechat_page_not_released",
        502,
        "小程序页面尚未发布，暂时无法生成小程序码",
    )


@dataclass(frozen=True, slots=True)
class LoginSession:
    """Who has signed in. The session key never leaves the server."""

    openid: str
    session_key: str
    unionid: str | None


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A phone number WeChat has verified, without its country code."""

    number: str
    country_code: str


class MiniClient:
    """The mini-program `appid`. Thread-safe; one per process."""

    def __init__(
        self,
        *,
        client: httpx.Client,
        appid: str,
        secret: str,
        clock: Callable[[], datetime],
        connect: "Callable[[], redis.Redis]",
    ) -> None:
        self._client = client
        self._appid = appid
        self._secret = secret
        self._tokens = TokenStore(
            appid=appid, fetch=self._stable_token, clock=clock, connect=connect
        )

    def code2session(self, code: str) -> LoginSession:
        """
        Exchange the code of `wx.login`, once, for the user's openid.

        :raises LoginCodeRefused: the client must call `wx.login` again.
        :raises UserBlocked: WeChat blocks this user.
        :raises ResultUnknown: WeChat does not answer.
        """
        query = {
            "appid": self._appid,
            "secret": self._secret,
            "js_code": code,
            "grant_type": "authorization_code",
        }
        data = _check(self._exchange("GET", "/sns/jscode2session", params=query))
        unionid = data.get("unionid")
        return LoginSession(
            openid=_required(data, "openid"),
            session_key=_required(data, "session_key"),
            unionid=str(unionid) if unionid else None,
        )

    def phone_number(self, code: str) -> PhoneNumber:
        """
        Exchange the code of the phone-number button, once, for the number.

        :raises LoginCodeRefused: the client must ask the user again.
        :raises ResultUnknown: WeChat does not answer.
        """
        answer = self.call("/wxa/business/getuserphonenumber", {"code": code})
        info = _part(answer, "phone_info")
        if _part(info, "watermark").get("appid") != self._appid:
            raise ResultUnknown("a phone number that is not of this mini-program")
        return PhoneNumber(
            number=_required(info, "purePhoneNumber"), country_code=_required(info, "countryCode")
        )

    def code_picture(self, *, scene: str, page: str, width: int) -> bytes:
        """
        Draw the mini-program code that opens `page` with `scene`, `width` pixels wide: PNG or JPEG.

        Such codes never expire, and there may be any number of them.

        :raises PageNotReleased: the released mini-program has no such page.
        :raises WeChatRefused: another errcode; `reason` holds it.
        :raises ResultUnknown: WeChat does not answer, is busy, or sends half a picture.
        """
        content = json.dumps({"scene": scene, "page": page, "width": width}).encode()
        token = self._tokens.get()
        answer = self._drawn(content, token)
        if _errcode(answer) in TOKEN_IS_DEAD:
            answer = self._drawn(content, self._tokens.replace(token))
        if pictures.media_type(answer):
            return answer
        if _errcode(answer) == PAGE_NOT_RELEASED:
            raise PageNotReleased(f"{PAGE_NOT_RELEASED}: {page}")
        _check(_object(answer))
        raise ResultUnknown("neither a whole picture nor an errcode")

    def access_token(self) -> str:
        """Return the token that goes into the query of every other call."""
        return self._tokens.get()

    def call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """
        Send `body` to `path` with the access token; a dead token is replaced once.

        :raises WeChatRefused: an errcode; `reason` holds it.
        :raises ResultUnknown: WeChat does not answer, or is busy.
        """
        token = self._tokens.get()
        data = self._post(path, body, token)
        if data.get("errcode") in TOKEN_IS_DEAD:
            data = self._post(path, body, self._tokens.replace(token))
        return _check(data)

    def _post(self, path: str, body: dict[str, Any], token: str) -> dict[str, Any]:
        content = json.dumps(body, ensure_ascii=False).encode()
        return self._exchange("POST", path, params={"access_token": token}, content=content)

    def _drawn(self, content: bytes, token: str) -> bytes:
        params = {"access_token": token}
        return self._sent("POST", "/wxa/getwxacodeunlimit", params=params, content=content)

    def _stable_token(self, *, force: bool) -> tuple[str, timedelta]:
        body = {
            "grant_type": "client_credential",
            "appid": self._appid,
            "secret": self._secret,
            "force_refresh": force,
        }
        content = json.dumps(body).encode()
        data = _check(self._exchange("POST", "/cgi-bin/stable_token", content=content))
        life = data.get("expires_in")
        if not isinstance(life, int) or life <= 0:
            raise ResultUnknown("a token without a life")
        return _required(data, "access_token"), timedelta(seconds=life)

    def _exchange(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        content: bytes | None = None,
    ) -> dict[str, Any]:
        answer = self._sent(method, path, params=params, content=content)
        try:
            data = json.loads(answer)
        except (ValueError, RecursionError) as error:
            raise ResultUnknown(f"{path}: {type(error).__name__}") from error
        if not isinstance(data, dict):
            raise ResultUnknown(f"{path}: not an object")
        return data

    def _sent(
        self, method: str, path: str, *, params: dict[str, str] | None, content: bytes | None
    ) -> bytes:
        """The body of an answer of 200, whatever it is."""
        headers = {"Content-Type": "application/json"} if content else {}
        try:
            answer = self._client.request(
                method, path, params=params, content=content, headers=headers
            )
        except httpx.HTTPError as error:
            raise ResultUnknown(f"{path}: {type(error).__name__}") from error
        if answer.status_code != 200:
            raise ResultUnknown(f"{path}: HTTP {answer.status_code}")
        return answer.content


def _object(answer: bytes) -> dict[str, Any]:
    """The JSON object an answer is; an empty one if it is something else."""
    try:
        data = json.loads(answer)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _errcode(answer: bytes) -> object:
    """The errcode of an answer that may be a picture; WeChat's headers say nothing about that."""
    return _object(answer).get("errcode") if answer[:1] == b"{" else None


def _check(data: dict[str, Any]) -> dict[str, Any]:
    """Return `data` unless it carries an errcode; success often carries none at all."""
    errcode = data.get("errcode")
    if errcode in (None, 0):
        return data
    message = str(data.get("errmsg", ""))
    log.info("weixin_api_failed", errcode=errcode, errmsg=message)
    if errcode in LOGIN_CODE_SPENT:
        raise LoginCodeRefused
    if errcode == USER_AT_RISK:
        raise UserBlocked
    if errcode in BUSY:
        raise Busy(f"{errcode}: {message}")
    raise WeChatRefused(str(errcode), message=message)


def _part(data: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the object called `name`; an empty one if there is none."""
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def _required(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TOKEN:
        raise ResultUnknown(f"an answer without {name}")
    return value
