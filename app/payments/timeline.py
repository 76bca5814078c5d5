"""The money of one order as one story: what we did, what WeChat said, what people decided."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.payments.decision_models import QuarantineDecision, RefundAction
from app.payments.models import PayInbox, Payment, Refund, RefundStatus


class Happened(StrEnum):
    """What an entry of the story is about."""

    ATTEMPT = "attempt"
    ATTEMPT_CLOSED = "attempt_closed"
    PAID = "paid"
    REFUND = "refund"
    REFUND_SENT = "refund_sent"
    REFUNDED = "refunded"
    FACT = "fact"
    DECISION = "decision"
    ACTION = "action"


TITLES = {
    Happened.ATTEMPT: "发起支付",
    Happened.ATTEMPT_CLOSED: "支付单关闭",
    Happened.PAID: "收到款项",
    Happened.REFUND: "决定退款",
    Happened.REFUND_SENT: "退款提交微信",
    Happened.REFUNDED: "退款到账",
    Happened.FACT: "微信消息",
    Happened.DECISION: "人工处理异常款项",
    Happened.ACTION: "人工处理退款",
}


class Event(NamedTuple):
    """One thing that happened, and to which number of ours."""

    at: datetime
    what: Happened
    number: str
    amount_fen: int | None = None
    status: str | None = None
    """How it ended; of a decision or an action what was decided."""
    note: str | None = None
    staff_id: int | None = None

    @property
    def title(self) -> str:
        """What it is, in words for staff."""
        return TITLES[self.what]


class Timeline(NamedTuple):
    """Everything that happened to the money of one order, by kind and as one story."""

    payments: Sequence[Payment]
    refunds: Sequence[Refund]
    facts: Sequence[PayInbox]
    events: Sequence[Event]


def of_order(session: Session, *, order_id: int) -> Timeline:
    """Give the attempts, refunds and words of WeChat about one order, each oldest first."""
    payments = session.scalars(
        select(Payment).where(Payment.order_id == order_id).order_by(Payment.id)
    ).all()
    refunds = session.scalars(
        select(Refund).where(Refund.order_id == order_id).order_by(Refund.id)
    ).all()
    numbers = [each.out_trade_no for each in payments] + [each.out_refund_no for each in refunds]
    told = session.scalars(
        select(PayInbox).where(PayInbox.out_no.in_(numbers)).order_by(PayInbox.id)
    ).all()
    events = [
        *(event for payment in payments for event in _of_payment(payment)),
        *(event for refund in refunds for event in _of_refund(refund)),
        *(_of_fact(fact) for fact in told),
        *_of_people(session, payments, refunds, told),
    ]
    # WeChat's own moments are whole seconds: within one, what we did comes before what it said.
    story = sorted(events, key=lambda event: event.at.replace(microsecond=0))
    return Timeline(payments, refunds, told, story)


def _of_payment(payment: Payment) -> Iterator[Event]:
    number, fen = payment.out_trade_no, payment.amount_fen
    yield Event(payment.created_at, Happened.ATTEMPT, number, fen, payment.status)
    if payment.closed_at:
        yield Event(payment.closed_at, Happened.ATTEMPT_CLOSED, number)
    if payment.paid_at:
        yield Event(payment.paid_at, Happened.PAID, number, fen, payment.status)


def _of_refund(refund: Refund) -> Iterator[Event]:
    number, fen = refund.out_refund_no, refund.amount_fen
    yield Event(refund.created_at, Happened.REFUND, number, fen, refund.status, refund.reason)
    if refund.submitted_at:
        yield Event(refund.submitted_at, Happened.REFUND_SENT, number, fen, note=refund.last_error)
    if refund.settled_at:
        yield Event(refund.settled_at, Happened.REFUNDED, number, fen, RefundStatus.SUCCESS)


def _of_fact(fact: PayInbox) -> Event:
    return Event(fact.received_at, Happened.FACT, fact.out_no, status=fact.status, note=fact.reason)


def _of_people(
    session: Session,
    payments: Sequence[Payment],
    refunds: Sequence[Refund],
    told: Sequence[PayInbox],
) -> Iterator[Event]:
    decisions = session.scalars(
        select(QuarantineDecision).where(
            or_(
                QuarantineDecision.inbox_id.in_([fact.id for fact in told]),
                QuarantineDecision.out_trade_no.in_([each.out_trade_no for each in payments]),
            )
        )
    )
    numbers = {fact.id: fact.out_no for fact in told}
    for each in decisions:
        number = each.out_trade_no or numbers.get(each.inbox_id, "")
        yield Event(
            each.decided_at,
            Happened.DECISION,
            number,
            each.amount_fen,
            each.decision,
            each.reason,
            each.staff_id,
        )
    by_id = {refund.id: refund.out_refund_no for refund in refunds}
    actions = select(RefundAction).where(RefundAction.refund_id.in_(by_id))
    for done in session.scalars(actions):
        yield Event(
            done.done_at,
            Happened.ACTION,
            by_id[done.refund_id],
            status=done.verb,
            note=done.reason,
            staff_id=done.staff_id,
        )
