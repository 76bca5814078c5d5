"""
What the merchant has set for all goods: levels, rates, base, cap, days until maturing.

Rules are versions, never edited: a commission names the version that decided it.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from distribution.commissions import policy
from distribution.commissions.models import Rules
from distribution.commissions.policy import Rates
from distribution.commissions.states import BaseKind

MOST_MATURE_DAYS = 365


class BadRules(Exception):
    """The rules would break a promise: a third level, a rate out of range, more than the cap."""


@dataclass(frozen=True, slots=True)
class CommissionRules:
    """One version of the rules. Version 0 is the defaults of a shop that has set nothing."""

    version: int = 0
    levels: int = 1
    level1_bp: int = 1000
    level2_bp: int = 0
    cap_bp: int = 5000
    """What both levels together may take of the base."""
    mature_days: int = 7
    """Days from receiving the goods until a commission may be withdrawn."""
    base_kind: BaseKind = BaseKind.PAID
    pays_self_purchase: bool = False
    """Whether a buyer who is a distributor earns level 1 on their own order."""

    @property
    def rates(self) -> Rates:
        """What the two levels pay by default."""
        return Rates(self.level1_bp, self.level2_bp)


def current(session: Session) -> CommissionRules:
    """The rules in force."""
    columns = (
        Rules.version, Rules.levels, Rules.level1_bp, Rules.level2_bp,
        Rules.cap_bp, Rules.mature_days, Rules.base_kind, Rules.pays_self_purchase,
    )  # fmt: skip
    row = session.execute(select(*columns).order_by(Rules.version.desc()).limit(1)).one_or_none()
    return CommissionRules() if row is None else CommissionRules(*row)


def change(
    session: Session, rules: CommissionRules, *, changed_by: str, now: datetime
) -> CommissionRules:
    """
    Put the next version in force; its number is given here, whatever `rules.version` says.

    Commissions of orders paid before keep the version that decided them.

    :raises BadRules: levels other than 1 or 2, a negative rate, rates above the cap.
    """
    check(rules)
    statement = insert(Rules).values(
        levels=rules.levels,
        level1_bp=rules.level1_bp,
        level2_bp=rules.level2_bp,
        cap_bp=rules.cap_bp,
        mature_days=rules.mature_days,
        base_kind=rules.base_kind,
        pays_self_purchase=rules.pays_self_purchase,
        changed_by=changed_by,
        changed_at=now,
    )
    session.execute(statement)
    return current(session)


def check(rules: CommissionRules) -> None:
    """
    Make sure that rules may be put in force.

    :raises BadRules: levels other than 1 or 2, a negative rate, rates above the cap.
    """
    if rules.levels not in (1, 2):
        raise BadRules(f"{rules.levels} levels: commissions have one level or two, never more")
    if not 0 <= rules.mature_days <= MOST_MATURE_DAYS:
        raise BadRules(f"mature_days {rules.mature_days} is not within 0 to {MOST_MATURE_DAYS}")
    if rules.cap_bp > policy.ALL_BP:
        raise BadRules(f"cap_bp {rules.cap_bp} is more than everything")
    taken_bp = sum(rules.rates)
    if min(rules.rates) < 0:
        raise BadRules(f"a rate of {min(rules.rates)} bp is less than nothing")
    if taken_bp > rules.cap_bp:
        raise BadRules(f"both levels take {taken_bp} bp, more than the cap of {rules.cap_bp} bp")
