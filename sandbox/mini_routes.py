"""
The mini-program API over HTTP, and the user's side of it in the control API.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, request

from sandbox import faults as switches
from sandbox import signing
from sandbox.control import checked_text, given, guarded, optional_text
from sandbox.errors import MiniRefusal, Refusal
from sandbox.exchange import Answer, call
from sandbox.faults import Fault
from sandbox.mini import Mini, User
from sandbox.world import Merchant, World

api = Blueprint("mini", __name__)
control = Blueprint("control_mini", __name__, url_prefix="/control/mini")
blueprints = (api, control)


class MiniGate:
    """Admits by access token; a failure is still HTTP 200."""

    def admit(self, world: World) -> Merchant:
        value = request.args.get("access_token", "")
        if not value:
            raise MiniRefusal(41001, "access_token missing")
        with world.lock:
            return _merchant(world, world.store(Mini).owner_of(value))

    def succeed(self, _world: World, answer: Answer, faults: Sequence[Fault]) -> Response:
        if answer.picture is not None:
            raw = switches.cut_short(answer.picture, faults)
            return Response(raw, answer.status, content_type="image/png")
        raw = signing.dump(switches.falsify(answer.document or {}, faults))
        return _plain(switches.cut_short(raw, faults))

    def refuse(self, refusal: Refusal) -> Response:
        return _plain(signing.dump(refusal.document), refusal.status)

    def fault(self, world: World, merchant: Merchant, fault: Fault) -> Refusal:
        args = fault.args
        match fault.kind:
            case "429" | "accepted_429":
                return MiniRefusal(45011, "api minute-quota reach limit")
            case "error":
                return MiniRefusal(int(args.get("errcode", -1)), str(args.get("errmsg", "error")))
            case "expired_token" | "invalid_token":
                with world.lock:
                    sticky = bool(args.get("sticky", False))
                    world.store(Mini).kill_token(merchant.appid, sticky=sticky)
                if fault.kind == "expired_token":
                    return MiniRefusal(42001, "access_token expired")
                return MiniRefusal(40001, "invalid credential, access_token is invalid")
        return MiniRefusal(-1, "system error", 200 if fault.kind == "lost" else 500)


class SecretGate(MiniGate):
    """Admits by appid and secret: the calls that come before there is a token."""

    def admit(self, world: World) -> Merchant:
        values = request.args if request.method == "GET" else json_object()
        merchant = _merchant(world, str(values.get("appid", "")))
        if not secrets.compare_digest(
            str(values.get("secret", "")).encode(), merchant.app_secret.encode()
        ):
            raise MiniRefusal(40125, "invalid appsecret")
        return merchant


@api.get("/sns/jscode2session")
@call(SecretGate(), "code2session")
def code2session(world: World, merchant: Merchant) -> Answer:
    """Turn a wx.login code into openid and session_key."""
    if request.args.get("grant_type") != "authorization_code":
        raise MiniRefusal(40002, "invalid grant_type")
    user = world.store(Mini).log_in(merchant, request.args.get("js_code", ""))
    document: dict[str, object] = {"session_key": user.session_key, "openid": user.openid}
    if user.unionid:
        document["unionid"] = user.unionid
    return Answer(document)


@api.post("/cgi-bin/stable_token")
@call(SecretGate(), "stable_token")
def stable_token(world: World, merchant: Merchant) -> Answer:
    """Return the app's access token."""
    values = json_object()
    if values.get("grant_type") != "client_credential":
        raise MiniRefusal(40002, "invalid grant_type")
    force = values.get("force_refresh", False) is True
    token, seconds = world.store(Mini).token(merchant, force=force)
    return Answer({"access_token": token, "expires_in": seconds})


@api.post("/wxa/business/getuserphonenumber")
@call(MiniGate(), "phone_number")
def phone_number(world: World, merchant: Merchant) -> Answer:
    """Turn a getPhoneNumber code into the number."""
    given_code = world.store(Mini).phone(merchant, str(json_object().get("code", "")))
    phone_info = {
        "phoneNumber": _written(given_code.country_code, given_code.phone),
        "purePhoneNumber": given_code.phone,
        "countryCode": given_code.country_code,
        "watermark": {"timestamp": world.clock.timestamp(), "appid": merchant.appid},
    }
    return Answer({"errcode": 0, "errmsg": "ok", "phone_info": phone_info})


@control.post("/codes")
@guarded
def make_login_code(world: World) -> dict[str, object]:
    """Make what `wx.login` returns: {openid?, unionid?, appid?, mchid?}."""
    user = _user(world)
    code = world.store(Mini).login_code(user)
    return {"js_code": code, "openid": user.openid, "unionid": user.unionid}


@control.post("/phone-codes")
@guarded
def make_phone_code(world: World) -> dict[str, object]:
    """Make what the getPhoneNumber button returns: {phone, country_code?, mchid?}."""
    values = given()
    merchant = world.merchant_of(optional_text(values, "mchid"))
    country = optional_text(values, "country_code") or "86"
    phone = checked_text(values, "phone")
    return {"code": world.store(Mini).phone_code(merchant.appid, phone, country)}


@control.post("/users")
@guarded
def change_user(world: World) -> dict[str, object]:
    """Change a user: {openid, blocked?, real_name?}; a blocked one gets 40226."""
    values = given()
    checked_text(values, "openid")
    user = _user(world)
    user.is_blocked = values.get("blocked", user.is_blocked) is True
    user.real_name = optional_text(values, "real_name") or user.real_name
    return {"openid": user.openid, "blocked": user.is_blocked, "real_name": user.real_name}


@control.post("/expire-token")
@guarded
def expire_token(world: World) -> dict[str, object]:
    """Kill the app's tokens: {mchid?, sticky?}; sticky goes on handing the dead one out."""
    values = given()
    merchant = world.merchant_of(optional_text(values, "mchid"))
    world.store(Mini).kill_token(merchant.appid, sticky=values.get("sticky") is True)
    return {}


def _user(world: World) -> User:
    values = given()
    merchant = world.merchant_of(optional_text(values, "mchid"))
    openid = optional_text(values, "openid") or "o" + secrets.token_urlsafe(20)[:27]
    return world.store(Mini).user(merchant.appid, openid, optional_text(values, "unionid"))


def _merchant(world: World, appid: str) -> Merchant:
    merchant = world.merchant_by_appid(appid)
    if merchant is None:
        raise MiniRefusal(40013, "invalid appid")
    return merchant


def json_object() -> dict[str, Any]:
    """
    Return the request's JSON object.

    :raises MiniRefusal: 47001 the body is something else.
    """
    try:
        document = json.loads(request.get_data())
    except ValueError as error:
        raise MiniRefusal(47001, "data format error") from error
    if not isinstance(document, dict):
        raise MiniRefusal(47001, "data format error")
    return document


def _written(country_code: str, phone: str) -> str:
    return phone if country_code == "86" else f"+{country_code}{phone}"


def _plain(raw: bytes, status: int = 200) -> Response:
    # WeChat says text/plain for JSON on these calls: whoever trusts the header finds out here.
    return Response(raw, status, content_type="text/plain")
