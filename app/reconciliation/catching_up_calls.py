"""
After a restore: ask WeChat about everything that was open at that moment, and compare the days
since. What is found goes in by the normal paths; what fits nothing here is listed for people.

Each function opens its own transactions, holds none while WeChat is called, and may run again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import clock, days
from app.core.auth import AuthSession
from app.core.db import read, transaction
from app.payments.models import LIVE, FactKind, InboxStatus, PayInbox, Payment, Refund, RefundStatus
from app.reconciliation import calls, queries, service
from app.reconciliation.models import Break, BreakStatus, LineKind, ReconciliationSum
from app.withdrawals import calls as payouts
from app.withdrawals.models import Payout, PayoutStatus

LEAP = 1_000_000
"""So many sign-ins may have been lost."""
UNDER_WAY = (RefundStatus.PENDING, RefundStatus.PROCESSING, RefundStatus.ABNORMAL)
OVER = (PayoutStatus.NEW, PayoutStatus.SUCCESS, PayoutStatus.FAILED, PayoutStatus.CANCELLED)


class Stray(NamedTuple):
    """Something WeChat told of that fits nothing here; a person decides about it."""

    kind: FactKind
    out_no: str
    reason: str


@dataclass(frozen=True)
class Found:
    """What asking brought, and what is left for people."""

    asked: dict[LineKind, int]
    """Numbers that were open here, by kind; all of them were asked about."""
    unanswered: Sequence[str]
    """Those WeChat gave no answer about: run it again."""
    sums: Sequence[ReconciliationSum]
    waiting: Sequence[date]
    """Days whose bills are not there yet: the daily run goes on with them."""
    breaks: Sequence[Break]
    stray: Sequence[Stray]


def run(since: datetime) -> Found:
    """
    Catch up with WeChat from `since`, the moment the database was restored to.

    :raises WeChatNotConfigured: the mall runs without WeChat.
    :raises Invalid: WeChat keeps no bills of that day any more.
    """
    with transaction() as session:
        leave_room(session)
    asked, unanswered = _ask_all()
    first, today = clock.china_day(since), clock.china_day(clock.now())
    over = [first + number * days.ONE for number in range((today - first).days)]
    waiting = [day for day in over if not _compare(day)]
    session = read()
    return Found(
        asked,
        unanswered,
        queries.sums(session, first=first, last=today),
        [*waiting, today],
        list(_open_breaks(session, first)),
        list(_stray(session)),
    )


def leave_room(session: Session) -> None:
    """
    Leap over the numbers of the sign-ins that were lost.

    A token names its sign-in. One of the lost time, still in somebody's phone, must never become
    the token of whoever signs in next.
    """
    sequence = func.pg_get_serial_sequence(AuthSession.__tablename__, "id")
    session.execute(select(func.setval(sequence, func.nextval(sequence) + LEAP)))


def _ask_all() -> tuple[dict[LineKind, int], list[str]]:
    """Ask about every attempt, refund and payout that is not over here, whenever it is due."""
    session = read()
    trades = session.scalars(
        select(Payment.out_trade_no).where(Payment.status.in_(LIVE)).order_by(Payment.id)
    ).all()
    backs = session.scalars(
        select(Refund.out_refund_no)
        .where(Refund.status.in_(UNDER_WAY), Refund.amount_fen > 0, Refund.receipt_no.is_(None))
        .order_by(Refund.id)
    ).all()
    out = session.scalars(
        select(Payout.out_bill_no).where(Payout.status.not_in(OVER)).order_by(Payout.id)
    ).all()
    asked = {LineKind.PAYMENT: trades, LineKind.REFUND: backs, LineKind.PAYOUT: out}
    silent = [
        number
        for kind in (LineKind.PAYMENT, LineKind.REFUND)
        for number in asked[kind]
        if not calls.ask(kind, number)
    ]
    for number in out:
        payouts.carry(number, is_asked=True)  # It minds by itself what WeChat does not answer.
    return {kind: len(numbers) for kind, numbers in asked.items()}, silent


def _compare(day: date) -> bool:
    """Have a day compared as if it never had been; False while one of its bills is not there."""
    with transaction() as session:
        service.begin(session, day=day, is_anew=True, now=clock.now())
    return calls.run(day)


def _open_breaks(session: Session, first: date) -> Sequence[Break]:
    return session.scalars(
        select(Break)
        .where(Break.status == BreakStatus.OPEN, Break.bill_day >= first)
        .order_by(Break.bill_day, Break.id)
    ).all()


def _stray(session: Session) -> Sequence[Stray]:
    found = session.execute(
        select(PayInbox.kind, PayInbox.out_no, PayInbox.reason)
        .where(PayInbox.status == InboxStatus.QUARANTINED)
        .order_by(PayInbox.id)
    )
    return [Stray(FactKind(kind), out_no, reason or "") for kind, out_no, reason in found]
