"""
The payer's phone: checks what the mini-program hands to `wx.requestPayment`, then pays.
"""

from __future__ import annotations

from typing import Any

from sandbox import faults as switches
from sandbox import signing
from sandbox.control import optional_moment
from sandbox.errors import ControlRefusal
from sandbox.notify import Notification, Notifications
from sandbox.trades import Trade, Trades
from sandbox.world import World

SURFACE = "notify_payment"
switches.NOTIFICATIONS.add(SURFACE)
REFUSED = "requestPayment:fail"


def pay(world: World, trade: Trade, given: dict[str, Any]) -> dict[str, object]:
    """
    Pay a trade and notify the merchant.

    `given` holds the requestPayment parameters (`appId` defaults to the trade's, as the client
    knows its own); `{"unchecked": true}` skips them, as no real client could. With `success_time`
    the money came at that past moment, so that it stands on the bill of a day that is over.

    :raises ControlRefusal: 400 the client would refuse these parameters; 409 not payable; 422 the
        moment is none, or is still to come.
    """
    is_unchecked = given.get("unchecked") is True
    if not is_unchecked:
        _check_parameters(world, trade, given)
    paid_at = optional_moment(given, "success_time") or world.clock.now()
    if paid_at > world.clock.now():
        raise ControlRefusal(422, "success_time is still to come")
    trades = world.store(Trades)
    state = trades.state(trade)
    if state != "NOTPAY":
        raise ControlRefusal(409, f"{REFUSED} the trade is {state}")
    trades.mark_paid(trade, paid_at=paid_at, is_unchecked=is_unchecked)
    _announce(world, trade)
    return {
        "errMsg": "requestPayment:ok",
        "out_trade_no": trade.out_trade_no,
        "transaction_id": trade.transaction_id,
        "unchecked": is_unchecked,
    }


def give_up(world: World, trade: Trade, message: str) -> dict[str, object]:
    """
    Leave a trade unpaid, as a payer who cancels or whose bank refuses.

    :raises ControlRefusal: 409 the trade is no longer payable.
    """
    state = world.store(Trades).state(trade)
    if state != "NOTPAY":
        raise ControlRefusal(409, f"{REFUSED} the trade is {state}")
    trade.failures.append(message)
    return {"errMsg": message, "out_trade_no": trade.out_trade_no}


def _check_parameters(world: World, trade: Trade, given: dict[str, Any]) -> None:
    names = ("timeStamp", "nonceStr", "package", "signType", "paySign")
    values = {name: given.get(name) for name in names}
    values["appId"] = given.get("appId", given.get("appid", trade.body["appid"]))
    for name, value in values.items():
        if not isinstance(value, str) or not value:
            raise ControlRefusal(400, f"{REFUSED} parameter error: {name} should be a String")
    if values["signType"] != "RSA":
        raise ControlRefusal(400, f"{REFUSED} parameter error: signType should be RSA")
    if values["appId"] != trade.body["appid"]:
        raise ControlRefusal(400, f"{REFUSED} appId与下单时不一致")
    _check_package(world, trade, str(values["package"]))
    message = "".join(f"{values[n]}\n" for n in ("appId", "timeStamp", "nonceStr", "package"))
    if not signing.is_valid(trade.merchant, str(values["paySign"]), message.encode()):
        raise ControlRefusal(400, f"{REFUSED} 支付验证签名失败")


def _check_package(world: World, trade: Trade, package: str) -> None:
    prefix, _, prepay_id = package.partition("=")
    expires = trade.prepay_ids.get(prepay_id) if prefix == "prepay_id" else None
    if expires is None:
        raise ControlRefusal(400, f"{REFUSED} package is not a prepay_id of this trade")
    if expires <= world.clock.passed():
        raise ControlRefusal(400, f"{REFUSED} prepay_id已过期")


def _announce(world: World, trade: Trade) -> None:
    notification = Notification(
        surface=SURFACE,
        merchant=trade.merchant,
        url=trade.body["notify_url"],
        event_type="TRANSACTION.SUCCESS",
        original_type="transaction",
        summary="支付成功",
        subject=trade.out_trade_no,
        content=trade.document("SUCCESS"),
        created_at=world.clock.now(),
    )
    world.store(Notifications).publish(notification)
