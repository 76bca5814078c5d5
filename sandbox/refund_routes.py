"""
Pay v3 refunds over HTTP, and their settlement in the control API.
"""

from __future__ import annotations

from flask import Blueprint, request

from sandbox import fields, sensitive
from sandbox.control import given, guarded
from sandbox.errors import ControlRefusal, PayRefusal, param_error
from sandbox.exchange import Answer, call
from sandbox.fields import Address, Group, Many, Text, Whole
from sandbox.refunds import OUTCOMES, Refunds
from sandbox.v3 import GATE
from sandbox.world import Merchant, World

api = Blueprint("refund", __name__, url_prefix="/v3/refund/domestic/refunds")
control = Blueprint("control_refunds", __name__, url_prefix="/control/refunds")
blueprints = (api, control)

BODY = Group(
    {
        "transaction_id": Text(32, required=False),
        "out_trade_no": Text(32, required=False, least=6),
        "out_refund_no": Text(64, pattern=r"[0-9A-Za-z_\-|*@]+"),
        "reason": Text(80, required=False),
        "notify_url": Address(256, required=False),
        "funds_account": Text(32, required=False, among=("AVAILABLE", "UNSETTLED")),
        "amount": Group(
            {
                "refund": Whole(1),
                "total": Whole(1),
                "currency": Text(16, among=("CNY",)),
                "from": Many(
                    Group(
                        {
                            "account": Text(32, among=("AVAILABLE", "UNAVAILABLE")),
                            "amount": Whole(1),
                        }
                    )
                ),
            }
        ),
        "goods_detail": Many(
            Group(
                {
                    "merchant_goods_id": Text(32),
                    "wechatpay_goods_id": Text(32, required=False),
                    "goods_name": Text(256, required=False),
                    "unit_price": Whole(),
                    "refund_amount": Whole(),
                    "refund_quantity": Whole(1),
                }
            )
        ),
    }
)

RESCUE = Group(
    {
        "out_refund_no": Text(64, pattern=r"[0-9A-Za-z_\-|*@]+"),
        "type": Text(32, among=("USER_BANK_CARD", "MERCHANT_BANK_CARD")),
        "bank_type": Text(32, required=False),
        "bank_account": Text(1024, required=False),
        "real_name": Text(1024, required=False),
    }
)


@api.post("")
@call(GATE, "refund")
def create(world: World, merchant: Merchant) -> Answer:
    """Ask for a refund; accepting it is not paying it back."""
    body = fields.body(BODY)
    if "transaction_id" not in body and "out_trade_no" not in body:
        raise param_error("/transaction_id", "transaction_id和out_trade_no不能同时为空")
    return Answer(world.store(Refunds).accept(merchant, body).document())


@api.post("/<refund_id>/apply-abnormal-refund")
@call(GATE, "refund_rescue")
def rescue(world: World, merchant: Merchant, refund_id: str) -> Answer:
    """Name the account abnormal money goes to: the payer's, sealed, or the merchant's own."""
    body = fields.body(RESCUE)
    names = ("bank_account", "real_name")
    if body["type"] == "USER_BANK_CARD":
        for name in ("bank_type", *names):
            if name not in body:
                raise param_error(f"/{name}", f"{name}不能为空")
        for name in names:
            serial = request.headers.get("Wechatpay-Serial")
            sensitive.reveal(world, serial, body[name], f"/{name}")
    refund = world.store(Refunds).rescue(merchant, refund_id, body["out_refund_no"])
    return Answer(refund.document())


@api.get("/<out_refund_no>")
@call(GATE, "refund_query")
def query(world: World, merchant: Merchant, out_refund_no: str) -> Answer:
    """Query one refund by the merchant's number."""
    refund = world.store(Refunds).find(merchant.mchid, out_refund_no)
    if refund is None:
        raise PayRefusal(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    return Answer(refund.document())


@control.get("")
@guarded
def list_refunds(world: World) -> dict[str, object]:
    """List all refunds, oldest first."""
    return {"refunds": [refund.document() for refund in world.store(Refunds).all()]}


@control.post("/<out_refund_no>/settle")
@guarded
def settle(world: World, out_refund_no: str) -> dict[str, object]:
    """Finish a refund: {status?: SUCCESS | ABNORMAL | CLOSED}."""
    outcome = given().get("status", "SUCCESS")
    if outcome not in OUTCOMES:
        raise ControlRefusal(422, f"status must be one of {OUTCOMES}")
    refunds = world.store(Refunds)
    refund = refunds.named(out_refund_no, request.args.get("mchid"))
    refunds.settle(refund, outcome)
    return refund.document()
