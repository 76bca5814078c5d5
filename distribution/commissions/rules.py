"""
What the merchant has set: levels, rates, cap, days until maturing.

Rules and SKU rates are versions, never edited: a commission names the version that decided it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from distribution.commissions import policy
from distribution.commissions.models import Rules, SkuRate
from distribution.commissions.policy import Rates

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
    """What both levels together may take of what was paid."""
    mature_days: int = 7
    """Days from receiving the goods until a commission may be withdrawn."""

    @property
    def rates(self) -> Rates:
        """What the two levels pay by default."""
        return Rates(self.level1_bp, self.level2_bp)

    def effective(self, own: Rates | None) -> Rates:
        """The rates that are paid for a SKU: its own if it has any, within levels and cap."""
        rates = self.rates if own is None else own
        return policy.effective(rates, levels=self.levels, cap_bp=self.cap_bp)


@dataclass(frozen=True, slots=True)
class SkuRates:
    """A SKU's own rates, and the row that set them."""

    id: int
    rates: Rates


def current(session: Session) -> CommissionRules:
    """The rules in force."""
    columns = (
        Rules.version, Rules.levels, Rules.level1_bp, Rules.level2_bp,
        Rules.cap_bp, Rules.mature_days,
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
    _check(rules)
    statement = insert(Rules).values(
        levels=rules.levels,
        level1_bp=rules.level1_bp,
        level2_bp=rules.level2_bp,
        cap_bp=rules.cap_bp,
        mature_days=rules.mature_days,
        changed_by=changed_by,
        changed_at=now,
    )
    session.execute(statement)
    return current(session)


def sku_rates(session: Session, sku_ids: Iterable[int]) -> dict[int, SkuRates]:
    """The own rates of those SKUs that have any now. One query."""
    latest = (
        select(SkuRate.sku_id, SkuRate.id, SkuRate.level1_bp, SkuRate.level2_bp)
        .ext(distinct_on(SkuRate.sku_id))
        .where(SkuRate.sku_id.in_(sorted(set(sku_ids))))
        .order_by(SkuRate.sku_id, SkuRate.id.desc())
    )
    return {
        row.sku_id: SkuRates(row.id, Rates(row.level1_bp, row.level2_bp))
        for row in session.execute(latest)
        if row.level1_bp is not None
    }


def set_sku_rates(
    session: Session, *, sku_id: int, rates: Rates | None, changed_by: str, now: datetime
) -> None:
    """
    Give a SKU its own rates from now on; None makes it follow the shop's rules again.

    Rates of 0 and 0 mean the SKU pays no commission.

    :raises BadRules: a negative rate, or both together above the cap in force.
    """
    if rates is not None:
        _check_rates(rates, cap_bp=current(session).cap_bp)
    level1_bp, level2_bp = (None, None) if rates is None else rates
    session.execute(
        insert(SkuRate).values(
            sku_id=sku_id,
            level1_bp=level1_bp,
            level2_bp=level2_bp,
            changed_by=changed_by,
            changed_at=now,
        )
    )


def _check(rules: CommissionRules) -> None:
    if rules.levels not in (1, 2):
        raise BadRules(f"{rules.levels} levels: commissions have one level or two, never more")
    if not 0 <= rules.mature_days <= MOST_MATURE_DAYS:
        raise BadRules(f"mature_days {rules.mature_days} is not within 0 to {MOST_MATURE_DAYS}")
    if rules.cap_bp > policy.ALL_BP:
        raise BadRules(f"cap_bp {rules.cap_bp} is more than everything")
    _check_rates(rules.rates, cap_bp=rules.cap_bp)


def _check_rates(rates: Rates, *, cap_bp: int) -> None:
    if min(rates) < 0:
        raise BadRules(f"a rate of {min(rates)} bp is less than nothing")
    if sum(rates) > cap_bp:
        raise BadRules(f"both levels take {sum(rates)} bp, more than the cap of {cap_bp} bp")
