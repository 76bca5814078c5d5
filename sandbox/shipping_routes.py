"""
Order shipping management over HTTP, and the payer's and WeChat's side of it in the control API.
"""

from __future__ import annotations

from flask import Blueprint

from sandbox.control import guarded
from sandbox.errors import ControlRefusal, MiniRefusal
from sandbox.exchange import Answer, call
from sandbox.mini_routes import MiniGate, json_object
from sandbox.pushing import push
from sandbox.shipping import Shipping, describe
from sandbox.trades import Trade, Trades
from sandbox.world import Merchant, World

api = Blueprint("shipping", __name__, url_prefix="/wxa/sec/order")
control = Blueprint("control_shipping", __name__, url_prefix="/control/shipping")
blueprints = (api, control)

OK: dict[str, object] = {"errcode": 0, "errmsg": "ok"}


@api.post("/upload_shipping_info")
@call(MiniGate(), "upload_shipping_info")
def upload(world: World, merchant: Merchant) -> Answer:
    """Take the parcels of a payment."""
    world.store(Shipping).upload(merchant, json_object())
    return Answer(dict(OK))


@api.post("/get_order")
@call(MiniGate(), "get_shipping_order")
def get_order(world: World, merchant: Merchant) -> Answer:
    """Show a payment and what was told of it."""
    number = str(json_object().get("transaction_id", ""))
    return Answer({**OK, "order": world.store(Shipping).order(merchant, number)})


@api.post("/notify_confirm_receive")
@call(MiniGate(), "notify_confirm_receive")
def notify_confirm_receive(world: World, merchant: Merchant) -> Answer:
    """Remind the payer to confirm the receipt."""
    world.store(Shipping).remind(merchant, json_object())
    return Answer(dict(OK))


@api.post("/is_trade_managed")
@call(MiniGate(), "is_trade_managed")
def is_trade_managed(world: World, merchant: Merchant) -> Answer:
    """Tell whether the mini-program must tell of its parcels."""
    if json_object().get("appid") != merchant.appid:
        raise MiniRefusal(40013, "invalid appid")
    return Answer({**OK, "is_trade_managed": world.settings.is_trade_managed})


@control.get("/<out_trade_no>")
@guarded
def show(world: World, out_trade_no: str) -> dict[str, object]:
    """Show what was told of a paid trade."""
    trade = _paid(world, out_trade_no)
    return world.store(Shipping).order(trade.merchant, str(trade.transaction_id))


@control.post("/<out_trade_no>/confirm")
@guarded
def confirm(world: World, out_trade_no: str) -> dict[str, object]:
    """Let the payer confirm the receipt: the money is let go, and that is pushed."""
    trade = _paid(world, out_trade_no)
    body = world.store(Shipping).confirm(trade)
    _push(world, trade, "trade_manage_order_settlement", body)
    return body


@control.post("/<out_trade_no>/late")
@guarded
def late(world: World, out_trade_no: str) -> dict[str, object]:
    """Push that a trade waits for its parcels."""
    trade = _paid(world, out_trade_no)
    body = {**describe(trade), "msg": "订单超过48小时未发货"}
    _push(world, trade, "trade_manage_remind_shipping", body)
    return body


def _paid(world: World, out_trade_no: str) -> Trade:
    trade = world.store(Trades).named(out_trade_no)
    if trade.paid_at is None:
        raise ControlRefusal(409, "the trade is not paid")
    return trade


def _push(world: World, trade: Trade, event: str, body: dict[str, object]) -> None:
    openid = str(trade.body["payer"]["openid"])
    push(world, openid=openid, event=event, body=body, merchant=trade.merchant)
