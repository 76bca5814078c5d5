"""Where the money of a refund came from: a payment of ours, or money a person has looked at."""

from typing import NamedTuple

from sqlalchemy.orm import Session

from app.payments.decision_models import QuarantineDecision
from app.payments.models import Payment, Refund


class Origin(NamedTuple):
    """The transaction a refund gives back, or gives back a part of."""

    out_trade_no: str
    transaction_id: str
    mchid: str
    total_fen: int


def of(session: Session, refund: Refund) -> Origin:
    """Return the transaction whose money `refund` gives back; one of nothing has none."""
    if refund.decision_id is not None:
        money = session.get_one(QuarantineDecision, refund.decision_id)
        assert money.out_trade_no is not None
        assert money.transaction_id is not None
        assert money.mchid is not None
        assert money.amount_fen is not None
        return Origin(money.out_trade_no, money.transaction_id, money.mchid, money.amount_fen)
    payment = session.get_one(Payment, refund.payment_id)
    assert payment.transaction_id is not None
    return Origin(payment.out_trade_no, payment.transaction_id, payment.mchid, payment.amount_fen)
