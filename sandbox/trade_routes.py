"""
Pay v3 transactions over HTTP, and the payer's side of them in the control API.
"""

from __future__ import annotations

from flask import Blueprint, request

from sandbox import fields, payer, prepay
from sandbox.control import checked_text, given, guarded
from sandbox.errors import ControlRefusal, PayRefusal
from sandbox.exchange import Answer, call
from sandbox.fields import Group, Text
from sandbox.trades import Trade, Trades
from sandbox.v3 import GATE, check_mchid
from sandbox.world import Merchant, World, current

api = Blueprint("pay", __name__, url_prefix="/v3/pay/transactions")
control = Blueprint("control_trades", __name__, url_prefix="/control")
blueprints = (api, control)


@api.post("/jsapi")
@call(GATE, "prepay")
def create(world: World, merchant: Merchant) -> Answer:
    """JSAPI prepay: open a trade and return its prepay_id."""
    body = fields.body(prepay.BODY)
    prepay.check(world, merchant, body)
    trades = world.store(Trades)
    is_known = trades.find(merchant.mchid, body["out_trade_no"]) is not None
    seconds = prepay.seconds_open(world, body, is_known=is_known)
    return Answer({"prepay_id": trades.prepay(merchant, body, seconds)})


@api.get("/out-trade-no/<out_trade_no>")
@call(GATE, "query")
def query(world: World, merchant: Merchant, out_trade_no: str) -> Answer:
    """Query a trade by the merchant's number."""
    check_mchid(merchant, request.args.get("mchid"), "query")
    trade = world.store(Trades).find(merchant.mchid, out_trade_no)
    return _shown(world, trade)


@api.get("/id/<transaction_id>")
@call(GATE, "query")
def query_by_id(world: World, merchant: Merchant, transaction_id: str) -> Answer:
    """Query a trade by WeChat's number."""
    check_mchid(merchant, request.args.get("mchid"), "query")
    trade = world.store(Trades).find_transaction(merchant.mchid, transaction_id)
    return _shown(world, trade)


@api.post("/out-trade-no/<out_trade_no>/close")
@call(GATE, "close")
def close(world: World, merchant: Merchant, out_trade_no: str) -> Answer:
    """Close an unpaid trade."""
    check_mchid(merchant, fields.body(Group({"mchid": Text(32)}))["mchid"])
    trade = world.store(Trades).find(merchant.mchid, out_trade_no)
    if trade is None:
        raise PayRefusal(400, "INVALID_REQUEST", "订单不存在, 无法关闭")
    world.store(Trades).close(trade)
    return Answer()


def _shown(world: World, trade: Trade | None) -> Answer:
    if trade is None:
        raise PayRefusal(404, "ORDER_NOT_EXIST", "订单不存在")
    document = trade.document(world.store(Trades).state(trade))
    if not trade.paid_at and not world.settings.tells_unpaid_amount:
        del document["amount"]
    return Answer(document)


@control.get("/trades")
@guarded
def list_trades(world: World) -> dict[str, object]:
    """List all trades, oldest first."""
    return {"trades": [as_json(world, trade) for trade in world.store(Trades).all()]}


@control.get("/trades/<out_trade_no>")
@guarded
def show_trade(world: World, out_trade_no: str) -> dict[str, object]:
    """Show one trade."""
    return as_json(world, _trade(out_trade_no))


@control.post("/trades/<out_trade_no>/pay")
@guarded
def pay(world: World, out_trade_no: str) -> dict[str, object]:
    """Pay a trade with requestPayment parameters, or `unchecked` as the platform."""
    return payer.pay(world, _trade(out_trade_no), given())


@control.post("/pay")
@guarded
def request_payment(world: World) -> dict[str, object]:
    """Pay as the mini-program does: requestPayment parameters and nothing else."""
    package = checked_text(given(), "package")
    trade = world.store(Trades).find_prepay(package.removeprefix("prepay_id="))
    if trade is None:
        raise ControlRefusal(400, "requestPayment:fail 支付验证签名失败: unknown prepay_id")
    return payer.pay(world, trade, given())


@control.post("/trades/<out_trade_no>/cancel")
@guarded
def cancel(world: World, out_trade_no: str) -> dict[str, object]:
    """The payer closes the cashier: the trade stays unpaid."""
    return payer.give_up(world, _trade(out_trade_no), "requestPayment:fail cancel")


@control.post("/trades/<out_trade_no>/fail")
@guarded
def fail(world: World, out_trade_no: str) -> dict[str, object]:
    """The payer's bank refuses: the trade stays unpaid."""
    return payer.give_up(world, _trade(out_trade_no), "requestPayment:fail 支付失败")


def as_json(world: World, trade: Trade) -> dict[str, object]:
    """Show a trade with what only the sandbox knows."""
    state = world.store(Trades).state(trade)
    return {
        **trade.document(state),
        "description": trade.body["description"],
        "notify_url": trade.body["notify_url"],
        "prepay_ids": list(trade.prepay_ids),
        "refunding_fen": trade.refunding_fen,
        "unchecked": trade.is_unchecked,
        "failures": trade.failures,
        "closes_in_seconds": max(0.0, trade.closes_at - world.clock.passed()),
    }


def _trade(out_trade_no: str) -> Trade:
    return current().store(Trades).named(out_trade_no, request.args.get("mchid"))
