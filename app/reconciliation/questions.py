"""The breaks WeChat is asked about, and what it said."""

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session

from app.payments.decision_models import Decision, QuarantineDecision
from app.payments.models import Payment, Refund
from app.reconciliation.models import NUMBER_MAX, Break, BreakStatus, LineKind, Resolver, Verdict

BATCH = 500


class Question(NamedTuple):
    """One number WeChat is to be asked about."""

    day: date
    kind: LineKind
    out_no: str


def unasked(session: Session, *, until: date | None = None) -> list[Question]:
    """Some of the breaks WeChat has not been asked about yet, the oldest first."""
    wanted = select(Break.bill_day, Break.kind, Break.out_no).where(
        Break.status == BreakStatus.OPEN,
        Break.resolver == Resolver.WECHAT,
        Break.asked_at.is_(None),
    )
    if until is not None:
        wanted = wanted.where(Break.bill_day <= until)
    found = session.execute(wanted.order_by(Break.id).limit(BATCH))
    return [Question(day, LineKind(kind), out_no) for day, kind, out_no in found]


def known_by_now(session: Session) -> set[date]:
    """
    The days with an open break about money that our books did not have then, and have now.

    Staff have decided about it meanwhile: it counts, or it was sent back.
    """
    is_paid = exists().where(Payment.out_trade_no == Break.out_no, Payment.paid_at.is_not(None))
    is_returned = exists().where(
        QuarantineDecision.out_trade_no == Break.out_no,
        QuarantineDecision.decision == Decision.REFUND,
    )
    wanted = select(Break.bill_day).where(
        Break.status == BreakStatus.OPEN,
        Break.verdict == Verdict.MISSING_HERE,
        Break.kind == LineKind.PAYMENT,
        or_(is_paid, is_returned),
    )
    return set(session.scalars(wanted))


def unsent_refund(session: Session, *, out_no: str) -> int | None:
    """The id of a refund that, as far as we know, was never sent to WeChat."""
    return session.scalar(
        select(Refund.id).where(Refund.out_refund_no == out_no, Refund.submitted_at.is_(None))
    )


def note(session: Session, *, kind: LineKind, out_no: str, answer: str, now: datetime) -> None:
    """Keep WeChat's answer with every open break about that number."""
    session.execute(
        update(Break)
        .where(
            Break.kind == kind,
            Break.out_no == out_no,
            Break.status == BreakStatus.OPEN,
            Break.resolver == Resolver.WECHAT,
        )
        .values(asked_at=now, answer=answer[:NUMBER_MAX])
    )
