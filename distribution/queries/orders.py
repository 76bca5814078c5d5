"""
The orders that earned a distributor something, or nothing for a reason; and what matures when.

One index holds a distributor's commissions by level, state and time: whatever is asked for is a
few ranges of it, each read from its end, so a page costs the same however many orders there are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import product
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Select,
    cast,
    func,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session

from distribution.commissions.models import Commission
from distribution.commissions.states import CommissionState
from distribution.figures import days
from distribution.ledger.models import Posting

LEVELS = (1, 2)
AHEAD = 7
"""How many days of maturing are foretold, today included."""


class Promoted(NamedTuple):
    """One paid order that a distributor promoted."""

    posting_id: int
    order_source: str
    paid_at: datetime


class Maturing(NamedTuple):
    """What matures on one day, as it stands: refunds and after-sales may still change it."""

    day: date
    amount_fen: int
    commissions: int


class LineState(StrEnum):
    """What may be asked for of the lines of orders promoted."""

    FROZEN = "frozen"
    HELD = "held"
    """Frozen, and an after-sale is open: it does not mature meanwhile."""
    MATURED = "matured"
    CLAWED = "clawed"
    """Taken back in full before it matured."""
    UNEARNED = "unearned"
    REFUNDED = "refunded"
    """Something was taken back, before or after it matured."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which orders; all by default. Days are days of China on which orders were paid, inclusive."""

    state: LineState | None = None
    level: int | None = None
    first_day: date | None = None
    last_day: date | None = None
    order_source: str | None = None

    @property
    def conditions(self) -> Iterable[ColumnElement[bool]]:
        """What every line wanted fulfils besides its state and level."""
        if self.first_day is not None:
            yield Commission.accrued_at >= days.starts_at(self.first_day)
        if self.last_day is not None:
            yield Commission.accrued_at < days.ends_at(self.last_day)
        if self.order_source is not None:
            yield Commission.order_source == self.order_source


ALL = Wanted()


def promoted(
    session: Session,
    member_id: int,
    *,
    wanted: Wanted = ALL,
    before: int | None = None,
    limit: int = 20,
) -> Sequence[Promoted]:
    """
    The orders with a line that is wanted, the latest paid first; `before` is a `posting_id`.

    A page costs the same however many orders there are.
    """
    conditions = [Commission.beneficiary_id == member_id, *wanted.conditions]
    if before is not None:
        last = select(Posting.effective_at, Posting.id).where(Posting.id == before)
        key = tuple_(Commission.accrued_at, Commission.posting_id)
        conditions.append(key < last.scalar_subquery())
    ranges = [_range(conditions, each, limit) for each in _ranges(wanted)]
    parts = [each.subquery() for each in ranges]
    found = union_all(*(select(part.c.accrued_at, part.c.posting_id) for part in parts)).subquery()
    page = (
        select(found.c.accrued_at, found.c.posting_id)
        .distinct()
        .order_by(found.c.accrued_at.desc(), found.c.posting_id.desc())
        .limit(limit)
        .subquery()
    )
    rows = session.execute(
        select(Posting.id, Posting.source, Posting.effective_at)
        .join(page, page.c.posting_id == Posting.id)
        .order_by(page.c.accrued_at.desc(), page.c.posting_id.desc())
    )
    return [Promoted(*row) for row in rows]


def maturing(session: Session, member_id: int, *, today: date) -> Sequence[Maturing]:
    """
    What matures today and on each of the days after it, as far as goods were received.

    What an after-sale holds is left out. It reads what falls due in these days, no more.
    """
    day = func.greatest(cast(func.timezone(days.CHINA.key, Commission.mature_at), Date), today)
    rows = session.execute(
        select(
            day,
            cast(func.sum(Commission.amount_fen - Commission.clawed_fen), BigInteger),
            func.count(),
        )
        .where(
            Commission.beneficiary_id == member_id,
            Commission.state == CommissionState.FROZEN,
            Commission.mature_at.is_not(None),
            Commission.mature_at < days.starts_at(today + timedelta(days=AHEAD)),
            Commission.claims == 0,
        )
        .group_by(day)
    )
    found = {row[0]: Maturing(*row) for row in rows}
    ahead = (today + timedelta(days=number) for number in range(AHEAD))
    return [found.get(each, Maturing(each, 0, 0)) for each in ahead]


def _ranges(wanted: Wanted) -> Iterable[list[ColumnElement[bool]]]:
    """What makes up the state and the level wanted, as ranges of an index each."""
    level_is = [] if wanted.level is None else [Commission.level == wanted.level]
    if wanted.state == LineState.REFUNDED:
        yield [Commission.clawed_fen > 0, *level_is]
    elif wanted.state == LineState.HELD:
        yield [Commission.claims > 0, *level_is]
    else:
        states = [each for each in CommissionState if wanted.state in {None, each.value}]
        levels = LEVELS if wanted.level is None else (wanted.level,)
        for state, level in product(states, levels):
            yield [Commission.state == state, Commission.level == level]


def _range(
    conditions: Sequence[ColumnElement[bool]], range_: Sequence[ColumnElement[bool]], limit: int
) -> Select[datetime, int]:
    return (
        select(Commission.accrued_at, Commission.posting_id)
        .distinct()
        .where(*conditions, *range_)
        .order_by(Commission.accrued_at.desc(), Commission.posting_id.desc())
        .limit(limit)
    )
