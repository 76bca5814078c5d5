"""
What decides the commissions of one payment: uplines, rules, rates and accounts, in one query.

Accruals are many and every journey to the database counts, so what `team` and `rules` each answer
for themselves is read here together, as of one moment.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Row, bindparam, text
from sqlalchemy.orm import Session

from distribution.base import Moment
from distribution.commissions.policy import Rates
from distribution.commissions.rules import CommissionRules, SkuRates
from distribution.team import Upline
from distribution.team.states import DistributorStatus

_TERMS = text(
    """
    WITH upline AS (
        SELECT near.upline_member_id AS near_id, near.log_id AS near_log_id,
               far.upline_member_id AS far_id, far.log_id AS far_log_id
        FROM binding AS near
        LEFT JOIN binding AS far ON far.member_id = near.upline_member_id
             AND (far.protected_until IS NULL OR far.protected_until > :now)
        WHERE near.member_id = :buyer_id
          AND (near.protected_until IS NULL OR near.protected_until > :now)),
    rule AS (
        SELECT version, levels, level1_bp, level2_bp, cap_bp, mature_days
        FROM commission_rules ORDER BY version DESC LIMIT 1)
    SELECT near_id, near_log_id, near.status AS near_status, near_frozen.id AS near_account_id,
           far_id, far_log_id, far.status AS far_status, far_frozen.id AS far_account_id,
           shop.id AS expense_id, rule.*,
           line.sku_id, own.id AS own_id, own.level1_bp AS own1_bp, own.level2_bp AS own2_bp
    FROM upline
    JOIN distributor AS near ON near.member_id = near_id
    LEFT JOIN distributor AS far ON far.member_id = far_id
    LEFT JOIN account AS near_frozen
           ON near_frozen.member_id = near_id AND near_frozen.kind = 'frozen'
    LEFT JOIN account AS far_frozen
           ON far_frozen.member_id = far_id AND far_frozen.kind = 'frozen'
    LEFT JOIN account AS shop ON shop.member_id IS NULL AND shop.kind = 'expense'
    LEFT JOIN rule ON true
    CROSS JOIN unnest(:sku_ids) AS line (sku_id)
    LEFT JOIN LATERAL (
        SELECT id, level1_bp, level2_bp FROM sku_rate
        WHERE sku_rate.sku_id = line.sku_id ORDER BY id DESC LIMIT 1) AS own ON true
    """
).bindparams(bindparam("sku_ids", type_=ARRAY(BigInteger)), bindparam("now", type_=Moment))


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts for an order that is paid at this moment."""

    uplines: tuple[Upline, ...]
    """One or two, nearest first."""
    rules: CommissionRules
    own: dict[int, SkuRates]
    """The own rates of those SKUs that have any."""
    accounts: dict[int | None, int | None]
    """The frozen account of each upline, and by None the shop's own; None where none is open."""


def read(session: Session, *, buyer_id: int, sku_ids: Iterable[int], now: datetime) -> Terms | None:
    """
    What counts for these SKUs bought by this buyer; None if nobody stands above the buyer.

    A binding whose protection is over counts for nobody, neither below nor above it.
    """
    asked = {"buyer_id": buyer_id, "sku_ids": sorted(set(sku_ids)), "now": now}
    rows = session.execute(_TERMS, asked).all()
    if not rows:
        return None
    row = rows[0]
    accounts = {None: row.expense_id, row.near_id: row.near_account_id}
    if row.far_id is not None:
        accounts[row.far_id] = row.far_account_id
    return Terms(tuple(_uplines(row)), _rules(row), _own_rates(rows), accounts)


def _uplines(row: Row[*tuple[Any, ...]]) -> Iterator[Upline]:
    yield Upline(1, row.near_id, DistributorStatus(row.near_status), row.near_log_id)
    if row.far_id is not None:
        yield Upline(2, row.far_id, DistributorStatus(row.far_status), row.far_log_id)


def _rules(row: Row[*tuple[Any, ...]]) -> CommissionRules:
    if row.version is None:
        return CommissionRules()
    return CommissionRules(
        row.version, row.levels, row.level1_bp, row.level2_bp, row.cap_bp, row.mature_days
    )


def _own_rates(rows: Sequence[Row[*tuple[Any, ...]]]) -> dict[int, SkuRates]:
    return {
        row.sku_id: SkuRates(row.own_id, Rates(row.own1_bp, row.own2_bp))
        for row in rows
        if row.own1_bp is not None
    }
