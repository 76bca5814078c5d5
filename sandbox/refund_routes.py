"""
Pay v3 refunds over HTTP, and their settlement in the control API.
"""

from __future__ import annotations

from flask import Blueprint, request

from sandbox import fields
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


@api.post("")
@call(GATE, "refund")
def create(world: World, merchant: Merchant) -> Answer:
    """Ask for a refund; accepting it is not paying it back."""
    body = fields.body(BODY)
    if "transaction_id" not in body and "out_trade_no" not in body:
        raise param_error("/transaction_id", "transaction_id和out_trade_no不能同时为空")
    return Answer(world.store(Refunds).accept(merchant, body).document())


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
