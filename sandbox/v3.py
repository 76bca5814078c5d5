"""
The Pay v3 gate: request rules, signed successes, unsigned refusals.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from flask import Response, request

from sandbox import faults as switches
from sandbox import signing
from sandbox.errors import PayRefusal, Refusal, invalid_request
from sandbox.exchange import Answer
from sandbox.faults import Fault
from sandbox.world import Merchant, World


class PayGate:
    """Admits a signed request and signs what is answered to it."""

    def admit(self, world: World) -> Merchant:
        _check_headers()
        return signing.verify_request(
            world,
            method=request.method,
            target=request.environ.get("REQUEST_URI", request.full_path),
            header=request.headers.get("Authorization"),
            body=request.get_data(),
        )

    def succeed(self, world: World, answer: Answer, faults: Sequence[Fault]) -> Response:
        raw = b""
        if answer.document is not None:
            raw = signing.dump(switches.falsify(answer.document, faults))
            raw = switches.cut_short(raw, faults)
        response = Response(raw, answer.status)
        response.headers.update(signing.stamp(world, raw, faults))
        return _finish(response)

    def refuse(self, refusal: Refusal) -> Response:
        raw = b"" if refusal.document is None else signing.dump(refusal.document)
        return _finish(Response(raw, refusal.status))

    def fault(self, _world: World, _merchant: Merchant, fault: Fault) -> Refusal:
        args = fault.args
        match fault.kind:
            case "429" | "accepted_429":
                code = str(args.get("code", "FREQUENCY_LIMITED"))
                return PayRefusal(429, code, "频率超限, 请降低调用频率")
            case "503":
                return PayRefusal(503, "SERVICE_UNAVAILABLE", "服务不可用, 请稍后重试")
            case "not_enough":
                return PayRefusal(403, "NOT_ENOUGH", "基本账户余额不足, 请充值后重新发起")
            case "error":
                code = str(args.get("code", "SYSTEM_ERROR"))
                return PayRefusal(int(args.get("status", 400)), code, str(args.get("message", "")))
        return PayRefusal(500, "SYSTEM_ERROR", "系统异常, 请用相同参数重新调用")


GATE = PayGate()


def check_mchid(merchant: Merchant, mchid: object, location: str = "body") -> None:
    """
    Refuse a request made in another merchant's name.

    :raises PayRefusal: `mchid` is not the one that signed.
    """
    if mchid != merchant.mchid:
        detail: dict[str, object] = {"location": location, "field": "/mchid", "value": mchid}
        raise PayRefusal(400, "PARAM_ERROR", "商户号与签名商户号不一致", detail)


def _check_headers() -> None:
    if not request.headers.get("User-Agent"):
        raise invalid_request("Http头缺少User-Agent", "header")
    accept = request.headers.get("Accept", "")
    if "application/json" not in accept and "*/*" not in accept:
        raise invalid_request("Http头Accept应为application/json", "header")
    if request.get_data() and request.mimetype != "application/json":
        raise invalid_request("Http头Content-Type应为application/json", "header")


def _finish(response: Response) -> Response:
    is_silent_401 = response.status_code == 401 and request.path.startswith("/v3/pay/transactions/")
    if not is_silent_401:
        response.headers["Request-ID"] = f"08{secrets.token_hex(16).upper()}-0"
    if response.status_code == 204:
        del response.headers["Content-Type"]
    else:
        response.headers["Content-Type"] = "application/json; charset=utf-8"
    return response
