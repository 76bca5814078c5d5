"""
Merchant transfers over HTTP, and the payee's and the operator's side of them in the control API.
"""

from __future__ import annotations

from flask import Blueprint, request

from sandbox import payee, transfer_rules
from sandbox.control import checked_text, given, guarded, optional_text
from sandbox.errors import ControlRefusal, PayRefusal
from sandbox.exchange import Answer, call
from sandbox.transfer_bills import FINAL, Bill
from sandbox.transfers import CANCELS_A_SECOND, Transfers
from sandbox.v3 import GATE
from sandbox.world import Merchant, World, current

api = Blueprint("transfer", __name__, url_prefix="/v3/fund-app/mch-transfer/transfer-bills")
control = Blueprint("control_transfers", __name__, url_prefix="/control")
blueprints = (api, control)


@api.post("")
@call(GATE, "transfer")
def create(world: World, merchant: Merchant) -> Answer:
    """Ask for a transfer; the payee has still to accept it."""
    transfers = world.store(Transfers)
    transfers.check_rate(merchant.mchid, "transfer", world.settings.transfers_a_second)
    body = transfer_rules.read(world, merchant, request.headers.get("Wechatpay-Serial"))
    return Answer(transfers.accept(merchant, body).receipt())


@api.get("/out-bill-no/<out_bill_no>")
@call(GATE, "transfer_query")
def query(world: World, merchant: Merchant, out_bill_no: str) -> Answer:
    """Query a bill by the merchant's number."""
    return _shown(world, world.store(Transfers).find(merchant.mchid, out_bill_no))


@api.get("/transfer-bill-no/<transfer_bill_no>")
@call(GATE, "transfer_query")
def query_by_id(world: World, merchant: Merchant, transfer_bill_no: str) -> Answer:
    """Query a bill by WeChat's number."""
    return _shown(world, world.store(Transfers).find_transfer(merchant.mchid, transfer_bill_no))


@api.post("/out-bill-no/<out_bill_no>/cancel")
@call(GATE, "transfer_cancel")
def cancel(world: World, merchant: Merchant, out_bill_no: str) -> Answer:
    """Cancel a bill nobody has accepted; CANCELING is not CANCELLED."""
    transfers = world.store(Transfers)
    transfers.check_rate(merchant.mchid, "transfer_cancel", CANCELS_A_SECOND)
    bill = transfers.find(merchant.mchid, out_bill_no)
    if bill is None:
        raise _not_found()
    transfers.cancel(bill)
    names = ("out_bill_no", "transfer_bill_no", "state", "update_time")
    shown = bill.news()
    return Answer({name: shown[name] for name in names})


@control.get("/transfers")
@guarded
def list_transfers(world: World) -> dict[str, object]:
    """List all bills, oldest first."""
    return {"transfers": [as_json(world, bill) for bill in world.store(Transfers).all()]}


@control.get("/transfers/<out_bill_no>")
@guarded
def show_transfer(world: World, out_bill_no: str) -> dict[str, object]:
    """Show one bill."""
    return as_json(world, _bill(out_bill_no))


@control.post("/transfers/<out_bill_no>/confirm")
@guarded
def confirm(world: World, out_bill_no: str) -> dict[str, object]:
    """Accept with requestMerchantTransfer parameters, or `unchecked` as the platform."""
    return payee.confirm(world, _bill(out_bill_no), given())


@control.post("/receive")
@guarded
def receive(world: World) -> dict[str, object]:
    """Accept as the mini-program does: requestMerchantTransfer parameters and nothing else."""
    bill = world.store(Transfers).find_package(checked_text(given(), "package"))
    if bill is None:
        raise ControlRefusal(400, f"{payee.REFUSED} unknown package")
    return payee.confirm(world, bill, given())


@control.post("/transfers/<out_bill_no>/dismiss")
@guarded
def dismiss(_world: World, out_bill_no: str) -> dict[str, object]:
    """The payee closes the page: the bill goes on waiting."""
    return payee.dismiss(_bill(out_bill_no))


@control.post("/transfers/<out_bill_no>/advance")
@guarded
def advance(world: World, out_bill_no: str) -> dict[str, object]:
    """Do the one step that comes by itself, for `transfer_steps: manual`."""
    bill = _bill(out_bill_no)
    world.store(Transfers).advance(bill)
    return as_json(world, bill)


@control.post("/transfers/<out_bill_no>/expire")
@guarded
def expire(world: World, out_bill_no: str) -> dict[str, object]:
    """Let the payee's day be over now."""
    bill = _bill(out_bill_no)
    if bill.state != "WAIT_USER_CONFIRM":
        raise ControlRefusal(409, f"a bill that is {bill.state} does not wait for its payee")
    world.store(Transfers).move(bill, "FAIL", "OVERDUE_CLOSE")
    return as_json(world, bill)


@control.post("/transfers/<out_bill_no>/settle")
@guarded
def settle(world: World, out_bill_no: str) -> dict[str, object]:
    """Finish a bill: {state: SUCCESS | FAIL | CANCELLED, reason?}; a reason is for FAIL."""
    values = given()
    state = checked_text(values, "state")
    if state not in FINAL:
        raise ControlRefusal(422, f"state must be one of {FINAL}")
    reason = optional_text(values, "reason")
    if state == "FAIL":
        reason = reason or "OTHER_FAIL_REASON_TYPE"
    elif reason is not None:
        raise ControlRefusal(422, "only FAIL has a reason")
    bill = _bill(out_bill_no)
    world.store(Transfers).move(bill, state, reason)
    return as_json(world, bill)


@control.get("/balance")
@guarded
def balance(world: World) -> dict[str, object]:
    """Show what a merchant can still transfer; null: always enough."""
    return _balance(world, world.merchant_of(request.args.get("mchid")))


@control.post("/balance")
@guarded
def change_balance(world: World) -> dict[str, object]:
    """Set what a merchant can still transfer: {mchid?, balance_fen}; null: always enough."""
    values = given()
    merchant = world.merchant_of(optional_text(values, "mchid"))
    fen = values.get("balance_fen", "")
    balances = world.store(Transfers).balances
    if fen is None:
        balances.pop(merchant.mchid, None)
    elif isinstance(fen, int) and not isinstance(fen, bool) and fen >= 0:
        balances[merchant.mchid] = fen
    else:
        raise ControlRefusal(422, "balance_fen must be a whole number of fen, or null")
    return _balance(world, merchant)


def as_json(world: World, bill: Bill) -> dict[str, object]:
    """Show a bill with what only the sandbox knows; the name is in clear."""
    left = None
    if bill.state == "WAIT_USER_CONFIRM" and bill.confirm_by is not None:
        left = max(0.0, bill.confirm_by - world.clock.passed())
    return {
        **bill.news(),
        **bill.receipt(),
        "appid": bill.body["appid"],
        "transfer_scene_id": bill.body["transfer_scene_id"],
        "transfer_scene_report_infos": bill.body["transfer_scene_report_infos"],
        "transfer_remark": bill.body["transfer_remark"],
        "user_name": bill.body.get("user_name"),
        "notify_url": bill.body.get("notify_url"),
        "confirm_within_seconds": left,
    }


def _shown(world: World, bill: Bill | None) -> Answer:
    if bill is None or not world.store(Transfers).is_kept(bill):
        raise _not_found()
    return Answer(bill.document())


def _not_found() -> PayRefusal:
    return PayRefusal(404, "NOT_FOUND", "转账单不存在")


def _balance(world: World, merchant: Merchant) -> dict[str, object]:
    left = world.store(Transfers).balances.get(merchant.mchid)
    return {"mchid": merchant.mchid, "balance_fen": left}


def _bill(out_bill_no: str) -> Bill:
    return current().store(Transfers).named(out_bill_no, request.args.get("mchid"))
