"""What is owed to distributors and when it falls due, and what they owe; read as of one moment."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from distribution.base import Moment
from distribution.ledger.states import MEMBER_KINDS, AccountKind


class Age(StrEnum):
    """When frozen money falls due."""

    SCHEDULED = "scheduled"
    """On a day to come."""
    OVERDUE = "overdue"
    """It may mature now; the job comes every few seconds."""
    UNSCHEDULED = "unscheduled"
    """The goods have not been received."""
    POSTPONED = "postponed"
    """Somebody asks for money of the line back; it waits for the answer."""


@dataclass(frozen=True, slots=True)
class Due:
    """Some frozen commissions, in fen."""

    fen: int = 0
    commissions: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """What is in all accounts of one kind, in fen, and how many people have some."""

    fen: int = 0
    people: int = 0


@dataclass(frozen=True, slots=True)
class Liabilities:
    """What distributors have by account, and the frozen part of it by age."""

    held: dict[AccountKind, Held]
    ages: dict[Age, Due]
    """They sum to what is frozen."""
    days: dict[date, Due] = field(default_factory=dict)
    """The scheduled part by the day it falls due, the nearest first."""

    @property
    def owed_fen(self) -> int:
        """What the shop owes in all; what distributors owe is not set off."""
        return sum(each.fen for kind, each in self.held.items() if kind != AccountKind.RECEIVABLE)


_LIABILITIES = text(
    """
    WITH due AS (
        SELECT CASE WHEN claims > 0 THEN 'postponed'
                    WHEN mature_at IS NULL THEN 'unscheduled'
                    WHEN mature_at <= :now THEN 'overdue' ELSE 'scheduled' END AS age,
               CASE WHEN mature_at > :now AND claims = 0
                    THEN CAST(timezone(:zone, mature_at) AS date) END AS day,
               amount_fen - clawed_fen AS fen
        FROM commission WHERE state = 'frozen')
    SELECT 'age' AS of, age AS name, day, sum(fen) AS fen, count(*) AS number
    FROM due GROUP BY age, day
    UNION ALL
    SELECT 'account', kind, NULL, sum(balance_fen), count(*) FILTER (WHERE balance_fen > 0)
    FROM account WHERE member_id IS NOT NULL GROUP BY kind
    ORDER BY of, day NULLS FIRST
    """
).bindparams(bindparam("now", type_=Moment))


def read(session: Session, *, now: datetime, zone: str) -> Liabilities:
    """What is owed at this moment, in one statement; days are those of `zone`."""
    held: dict[AccountKind, Held] = {kind: Held() for kind in MEMBER_KINDS}
    ages = dict.fromkeys(Age, Due())
    days = {}
    for row in session.execute(_LIABILITIES, {"now": now, "zone": zone}):
        if row.of == "account":
            held[AccountKind(row.name)] = Held(int(row.fen), row.number)
            continue
        age, due = Age(row.name), Due(int(row.fen), row.number)
        ages[age] = Due(ages[age].fen + due.fen, ages[age].commissions + due.commissions)
        if row.day is not None:
            days[row.day] = due
    return Liabilities(held, ages, days)
