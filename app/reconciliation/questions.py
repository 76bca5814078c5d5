"""The breaks WeChat is asked about, and what it said."""

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.payments.models import Refund
from app.reconciliation.models import NUMBER_MAX, Break, BreakStatus, LineKind, Resolver

BATCH = 500


class Question(NamedTuple):
    """One number WeChat is to be asked about."""

    break_id: int
    day: date
    kind: LineKind
    out_no: str


def unasked(session: Session, *, until: date | None = None) -> list[Question]:
    """Some of the breaks WeChat has not been asked about yet, the oldest first."""
    wanted = select(Break.id, Break.bill_day, Break.kind, Break.out_no).where(
        Break.status == BreakStatus.OPEN,
        Break.resolver == Resolver.WECHAT,
        Break.asked_at.is_(None),
    )
    if until is not None:
        wanted = wanted.where(Break.bill_day <= until)
    found = session.execute(wanted.order_by(Break.id).limit(BATCH))
    return [Question(id_, day, LineKind(kind), out_no) for id_, day, kind, out_no in found]


def unsent_refund(session: Session, *, out_no: str) -> int | None:
    """The id of a refund that, as far as we know, was never sent to WeChat."""
    return session.scalar(
        select(Refund.id).where(Refund.out_refund_no == out_no, Refund.submitted_at.is_(None))
    )


def note(session: Session, *, question: Question, answer: str, now: datetime) -> None:
    """Keep WeChat's answer with the break, and with any other about the same number."""
    session.execute(
        update(Break)
        .where(
            Break.kind == question.kind,
            Break.out_no == question.out_no,
            Break.status == BreakStatus.OPEN,
            Break.resolver == Resolver.WECHAT,
        )
        .values(asked_at=now, answer=answer[:NUMBER_MAX])
    )
