"""
The bills over HTTP: asked for, then fetched; and what is wrong in them, in the control API.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask import Blueprint, Response, request

from sandbox import faults as switches
from sandbox.control import checked_text, given, guarded, optional_number, optional_text
from sandbox.errors import ControlRefusal, PayRefusal
from sandbox.exchange import Answer, call
from sandbox.faults import Fault
from sandbox.statements import ACCOUNTS, KINDS, TRADE, TRADE_TYPES, Statements
from sandbox.v3 import GATE, PayGate
from sandbox.world import Merchant, World

api = Blueprint("bills", __name__, url_prefix="/v3")
control = Blueprint("control_bills", __name__, url_prefix="/control/bills")
blueprints = (api, control)


class FileGate(PayGate):
    """Hands a file over; the only success of Pay v3 that nobody signs."""

    def succeed(self, _world: World, answer: Answer, faults: Sequence[Fault]) -> Response:
        raw = switches.cut_short(answer.file or b"", faults)
        return Response(raw, answer.status, content_type="application/x-gzip")


@api.get("/bill/tradebill")
@call(GATE, "trade_bill")
def trade_bill(world: World, merchant: Merchant) -> Answer:
    """Where the trade bill of a day can be fetched."""
    kind = _among("bill_type", TRADE_TYPES, "ALL")
    return _offered(world, merchant, TRADE, kind)


@api.get("/bill/fundflowbill")
@call(GATE, "fund_flow_bill")
def fund_flow_bill(world: World, merchant: Merchant) -> Answer:
    """Where the fund-flow bill of a day and an account can be fetched."""
    return _offered(world, merchant, _among("account_type", ACCOUNTS, "BASIC"), "")


@api.get("/billdownload/file")
@call(FileGate(), "bill_file")
def bill_file(world: World, merchant: Merchant) -> Answer:
    """The bill itself."""
    return Answer(file=world.store(Statements).fetch(merchant, request.args.get("token", "")))


@control.get("/differences")
@guarded
def differences(world: World) -> dict[str, object]:
    """List what is deliberately wrong."""
    return {"differences": [one.as_json() for one in world.store(Statements).differences]}


@control.post("/differences")
@guarded
def plant(world: World) -> dict[str, object]:
    """Have a line be wrong: {kind, number, bill?, by?, value?, day?}; the README says how."""
    values = given()
    kind = checked_text(values, "kind")
    bill = optional_text(values, "bill") or TRADE
    if kind not in KINDS or bill not in (TRADE, *ACCOUNTS):
        raise ControlRefusal(422, f"kind is one of {KINDS}, bill one of {(TRADE, *ACCOUNTS)}")
    day = optional_text(values, "day")
    if kind == "extra" and day is None:
        raise ControlRefusal(422, "an extra line needs its day")
    return (
        world.store(Statements)
        .plant(
            bill=bill,
            kind=kind,
            number=checked_text(values, "number"),
            by=int(optional_number(values, "by", above=-(10**12)) or 1),
            value=optional_text(values, "value") or "",
            day=None if day is None else _day(day),
        )
        .as_json()
    )


@control.delete("/differences")
@guarded
def clear(world: World) -> dict[str, object]:
    """Have every bill tell what happened again."""
    world.store(Statements).clear()
    return {}


@control.delete("/differences/<int:number>")
@guarded
def clear_one(world: World, number: int) -> dict[str, object]:
    """Take one difference away."""
    world.store(Statements).clear(number)
    return {}


@control.post("/content")
@guarded
def write(world: World) -> dict[str, object]:
    """Give a bill word by word: {bill, day, text, mchid?}; null: made of what happened again."""
    values = given()
    merchant = world.merchant_of(optional_text(values, "mchid"))
    bill = checked_text(values, "bill")
    if bill not in (TRADE, *ACCOUNTS):
        raise ControlRefusal(422, f"bill must be one of {(TRADE, *ACCOUNTS)}")
    day, text = _day(checked_text(values, "day")), optional_text(values, "text")
    world.store(Statements).write(merchant, bill, day, text)
    return {}


@control.get("/text")
@guarded
def show(world: World) -> dict[str, object]:
    """Show a bill as it is, whatever the hour: ?bill=&type=&day=&mchid=."""
    merchant = world.merchant_of(request.args.get("mchid"))
    bill, kind = request.args.get("bill", TRADE), request.args.get("type", "")
    day = _day(request.args.get("day", ""))
    return {"text": world.store(Statements).text(merchant, bill, kind or "ALL", day)}


def _offered(world: World, merchant: Merchant, bill: str, kind: str) -> Answer:
    text = request.args.get("bill_date", "")
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise PayRefusal(400, "PARAM_ERROR", f"bill_date 格式错误: {text}") from error
    zipped = _among("tar_type", ("GZIP", ""), "") == "GZIP"
    offered = world.store(Statements).offer(merchant, bill, kind, day, zipped=zipped)
    token = offered.pop("token")
    address = f"{request.host_url}v3/billdownload/file?token={token}"
    return Answer({**offered, "download_url": address})


def _among(name: str, allowed: tuple[str, ...], usual: str) -> str:
    value = request.args.get(name, usual)
    if value not in allowed:
        raise PayRefusal(400, "PARAM_ERROR", f"{name} 取值错误")
    return value


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ControlRefusal(422, "day must be a date such as 2026-11-11") from error
