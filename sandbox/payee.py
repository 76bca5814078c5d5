"""
The payee's phone: checks what the mini-program hands to `wx.requestMerchantTransfer`, then accepts.
"""

from __future__ import annotations

from typing import Any

from sandbox.errors import ControlRefusal
from sandbox.transfer_bills import Bill
from sandbox.transfers import Transfers
from sandbox.world import World

REFUSED = "requestMerchantTransfer:fail"


def confirm(world: World, bill: Bill, given: dict[str, Any]) -> dict[str, object]:
    """
    Accept a transfer; the money is then on its way, not yet there.

    `given` holds the requestMerchantTransfer parameters, and `openid` if it matters who holds the
    phone (the payee, if left out); `{"unchecked": true}` skips them, as no real client could.

    :raises ControlRefusal: 400 the client would refuse these parameters; 409 nothing to accept.
    """
    if given.get("unchecked") is not True:
        _check_parameters(bill, given)
    _check_waiting(bill)
    world.store(Transfers).move(bill, "TRANSFERING")
    return {"errMsg": "requestMerchantTransfer:ok", "out_bill_no": bill.out_bill_no}


def dismiss(bill: Bill) -> dict[str, object]:
    """
    Close the page without accepting: the bill goes on waiting.

    :raises ControlRefusal: 409 there is nothing to accept.
    """
    _check_waiting(bill)
    return {"errMsg": f"{REFUSED} cancel", "out_bill_no": bill.out_bill_no}


def _check_waiting(bill: Bill) -> None:
    if bill.state != "WAIT_USER_CONFIRM":
        raise ControlRefusal(409, f"{REFUSED} the bill is {bill.state}")


def _check_parameters(bill: Bill, given: dict[str, Any]) -> None:
    wanted = {"mchId": bill.merchant.mchid, "appId": bill.body["appid"], "package": bill.package}
    for name, value in wanted.items():
        if not isinstance(given.get(name), str) or not given[name]:
            raise ControlRefusal(400, f"{REFUSED} parameter error: {name} should be a String")
        if given[name] != value:
            raise ControlRefusal(400, f"{REFUSED} {name} is not the bill's")
    if given.get("openid", bill.body["openid"]) != bill.body["openid"]:
        raise ControlRefusal(400, f"{REFUSED} 仅收款用户本人可确认收款")
