"""What staff do about money that needs a person: facts set aside, refunds that are stuck."""

from typing import Any

from flask import g

from app.core import clock
from app.core.db import transaction
from app.core.http import Blueprint
from app.payments import deciding_calls as deciding
from app.payments import schemas, stuck
from app.payments.deciding_calls import BankAccount
from app.payments.decision_models import Decision
from app.payments.models import Refund
from app.payments.quarantine import (
    CannotApply,
    FactDecided,
    FactNotFound,
    Judgement,
    MoneyKnown,
    MoneyNotFound,
)
from app.payments.service import TooManyParts
from app.payments.stuck import Instruction, RefundNotFound, RefundStateForbids
from app.wechat.errors import ResultUnknown, WeChatNotConfigured, WeChatRefused

bp = Blueprint("payment_decisions", __name__, description="异常款项与退款处理")


@bp.post("/payments/quarantine/<int:fact_id>/decision")
@bp.accepts(schemas.DecisionIn)
@bp.returns(None, 204)
@bp.fails(
    FactNotFound,
    FactDecided,
    MoneyNotFound,
    MoneyKnown,
    CannotApply,
    ResultUnknown,
    WeChatRefused,
    WeChatNotConfigured,
)
def decide_fact(fact_id: int, decision: Decision, reason: str) -> None:
    """Decide about money that does not fit: give it back, take it, or let it be."""
    deciding.decide(Judgement(decision, reason, g.staff_id), inbox_id=fact_id)


@bp.post("/refunds/<out_refund_no>/retry")
@bp.accepts(schemas.ReasonIn)
@bp.returns(schemas.PaymentRefundOut)
@bp.fails(RefundNotFound, RefundStateForbids)
def retry_refund(out_refund_no: str, reason: str) -> Refund:
    """Ask WeChat for a refund again at once, under its own number."""
    wanted = Instruction(g.staff_id, reason)
    with transaction() as session:
        return stuck.retry(session, wanted, number=out_refund_no, now=clock.now())


@bp.post("/refunds/<out_refund_no>/rescue")
@bp.accepts(schemas.RescueIn)
@bp.returns(schemas.PaymentRefundOut)
@bp.fails(RefundNotFound, RefundStateForbids, ResultUnknown, WeChatNotConfigured)
def rescue_refund(out_refund_no: str, reason: str, account: dict[str, Any] | None) -> Refund:
    """Have an abnormal refund paid to the buyer's bank account, or to the shop's own."""
    return deciding.rescue(
        Instruction(g.staff_id, reason),
        number=out_refund_no,
        account=None if account is None else BankAccount(**account),
    )


@bp.post("/refunds/<out_refund_no>/replace")
@bp.accepts(schemas.ReasonIn)
@bp.returns(schemas.PaymentRefundOut)
@bp.fails(
    RefundNotFound,
    RefundStateForbids,
    TooManyParts,
    ResultUnknown,
    WeChatRefused,
    WeChatNotConfigured,
)
def replace_refund(out_refund_no: str, reason: str) -> Refund:
    """Ask for a refund that WeChat has closed again, under another number."""
    return deciding.replace(Instruction(g.staff_id, reason), number=out_refund_no)


@bp.post("/refunds/<out_refund_no>/by-hand")
@bp.accepts(schemas.ByHandIn)
@bp.returns(schemas.PaymentRefundOut)
@bp.fails(RefundNotFound, RefundStateForbids, ResultUnknown, WeChatRefused, WeChatNotConfigured)
def return_by_hand(out_refund_no: str, reason: str, receipt_no: str) -> Refund:
    """Record that a refund WeChat will never make was paid outside of it."""
    wanted = Instruction(g.staff_id, reason)
    return deciding.by_hand(wanted, number=out_refund_no, receipt_no=receipt_no)
