"""What distributors and staff see of withdrawals, and the sums that limits and taxes need."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from distribution.withdrawals.models import Withdrawal
from distribution.withdrawals.states import OPEN, WithdrawalState

CHINA = ZoneInfo("Asia/Shanghai")
"""Days and months of withdrawals are those of the shop."""


class Asked(NamedTuple):
    """What a distributor asked for in some time; the sums leave out what was returned."""

    requests: int
    """Returned ones included: each of them was work."""
    amount_fen: int
    tax_fen: int


class WithdrawalSummary(NamedTuple):
    """What a distributor has withdrawn so far."""

    paid_fen: int
    """All that was paid, fee and tax included: what left the account."""
    net_fen: int
    """What of it they received."""
    open_count: int


class MonthOfPerson(NamedTuple):
    """What one distributor was paid in one month, in fen."""

    member_id: int
    withdrawals: int
    amount_fen: int
    fee_fen: int
    tax_fen: int
    net_fen: int


def day_began(now: datetime) -> datetime:
    """The first moment of the day of `now` in Asia/Shanghai."""
    local = now.astimezone(CHINA)
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def month_began(day: date) -> datetime:
    """The first moment of the month of `day` in Asia/Shanghai."""
    return datetime(day.year, day.month, 1, tzinfo=CHINA).astimezone(UTC)


def month_ended(day: date) -> datetime:
    """The first moment of the month after that of `day`."""
    is_december = day.month == 12
    return month_began(date(day.year + is_december, 1 if is_december else day.month + 1, 1))


def asked_today(session: Session, member_id: int, *, now: datetime) -> Asked:
    """What the member asked for on the day of `now`."""
    return _asked(session, member_id, since=day_began(now))


def asked_this_month(session: Session, member_id: int, *, now: datetime) -> Asked:
    """What the member asked for in the month of `now`."""
    return _asked(session, member_id, since=month_began(now.astimezone(CHINA).date()))


def summary_of(session: Session, member_id: int) -> WithdrawalSummary:
    """What the member has withdrawn, and how many withdrawals are open; zeros if none."""
    is_paid = Withdrawal.state == WithdrawalState.PAID
    row = session.execute(
        select(
            func.coalesce(func.sum(Withdrawal.amount_fen).filter(is_paid), 0),
            func.coalesce(func.sum(Withdrawal.net_fen).filter(is_paid), 0),
            func.count().filter(Withdrawal.state.in_(OPEN)),
        ).where(Withdrawal.member_id == member_id)
    ).one()
    return WithdrawalSummary(int(row[0]), int(row[1]), row[2])


def of_member(
    session: Session, member_id: int, *, before: int | None = None, limit: int = 20
) -> Sequence[Withdrawal]:
    """A member's withdrawals, the latest first; `before` is the id of the last one seen."""
    query = select(Withdrawal).where(Withdrawal.member_id == member_id)
    if before is not None:
        query = query.where(Withdrawal.id < before)
    return session.scalars(query.order_by(Withdrawal.id.desc()).limit(limit)).all()


def page(
    session: Session,
    *,
    state: WithdrawalState | None = None,
    numbers: Sequence[str] | None = None,
    before: int | None = None,
    limit: int = 20,
) -> Sequence[Withdrawal]:
    """Withdrawals of one state or all, or those of some numbers, the latest first."""
    query = select(Withdrawal).order_by(Withdrawal.id.desc()).limit(limit)
    if state is not None:
        query = query.where(Withdrawal.state == state)
    if numbers is not None:
        query = query.where(Withdrawal.no.in_(numbers))
    if before is not None:
        query = query.where(Withdrawal.id < before)
    return session.scalars(query).all()


def paid_in_month(session: Session, day: date) -> Sequence[MonthOfPerson]:
    """What each distributor was paid in the month of `day`, by member; for the tax office."""
    rows = session.execute(
        select(
            Withdrawal.member_id,
            func.count(),
            func.sum(Withdrawal.amount_fen),
            func.sum(Withdrawal.fee_fen),
            func.sum(Withdrawal.tax_fen),
            func.sum(Withdrawal.net_fen),
        )
        .where(
            Withdrawal.state == WithdrawalState.PAID,
            Withdrawal.ended_at >= month_began(day),
            Withdrawal.ended_at < month_ended(day),
        )
        .group_by(Withdrawal.member_id)
        .order_by(Withdrawal.member_id)
    )
    return [MonthOfPerson(*(int(value) for value in row)) for row in rows]


def _asked(session: Session, member_id: int, *, since: datetime) -> Asked:
    stands = Withdrawal.state != WithdrawalState.RETURNED
    row = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(Withdrawal.amount_fen).filter(stands), 0),
            func.coalesce(func.sum(Withdrawal.tax_fen).filter(stands), 0),
        ).where(Withdrawal.member_id == member_id, Withdrawal.requested_at >= since)
    ).one()
    return Asked(row[0], int(row[1]), int(row[2]))
