"""
What decides the commissions of one payment: people, rules, rates and accounts, in one query.

Accruals are many and every journey to the database counts, so what `team`, `rules` and `rates` each
answer for themselves is read here together, as of one moment.

The targets are wrapped in sub-selects so that PostgreSQL does not look at how many there are: it
would otherwise plan every payment anew, which takes longer than the query itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Row, String, bindparam, text
from sqlalchemy.orm import Session

from distribution.base import Moment
from distribution.commissions import rates
from distribution.commissions.earning import Earner, PaidLine, RateBook, targets_of
from distribution.commissions.rules import CommissionRules
from distribution.commissions.states import BaseKind
from distribution.team.states import DistributorStatus

_TERMS = text(
    f"""
    WITH rule AS (
        SELECT version, levels, level1_bp, level2_bp, cap_bp, mature_days, base_kind,
               pays_self_purchase
        FROM commission_rules ORDER BY version DESC LIMIT 1)
    SELECT self.status AS self_status, self.grade_id AS self_grade_id,
           self_frozen.id AS self_account_id,
           near.member_id AS near_id, near.status AS near_status, near.grade_id AS near_grade_id,
           first.log_id AS near_log_id, near_frozen.id AS near_account_id,
           far.member_id AS far_id, far.status AS far_status, far.grade_id AS far_grade_id,
           second.log_id AS far_log_id, far_frozen.id AS far_account_id,
           shop.id AS expense_id, rule.version, rule.levels, rule.level1_bp AS shop1_bp,
           rule.level2_bp AS shop2_bp, cap_bp, mature_days, base_kind, pays_self_purchase,
           found.*
    FROM (VALUES (CAST(:buyer_id AS bigint))) AS buyer (member_id)
    LEFT JOIN rule ON true
    LEFT JOIN distributor AS self ON self.member_id = buyer.member_id
    LEFT JOIN account AS self_frozen
           ON self_frozen.member_id = self.member_id AND self_frozen.kind = 'frozen'
    LEFT JOIN binding AS first ON first.member_id = buyer.member_id
          AND (first.protection_ends_at IS NULL OR first.protection_ends_at > :now)
    LEFT JOIN distributor AS near ON near.member_id = first.upline_member_id
    LEFT JOIN account AS near_frozen
           ON near_frozen.member_id = near.member_id AND near_frozen.kind = 'frozen'
    LEFT JOIN binding AS second ON second.member_id = near.member_id
          AND (second.protection_ends_at IS NULL OR second.protection_ends_at > :now)
    LEFT JOIN distributor AS far ON far.member_id = second.upline_member_id
    LEFT JOIN account AS far_frozen
           ON far_frozen.member_id = far.member_id AND far_frozen.kind = 'frozen'
    LEFT JOIN account AS shop ON shop.member_id IS NULL AND shop.kind = 'expense'
    LEFT JOIN LATERAL (
        SELECT rate.*
        FROM (SELECT DISTINCT coalesce(grade_id, 0) FROM (VALUES
                (NULL), (self.grade_id), (near.grade_id), (far.grade_id)) AS one (grade_id)
             ) AS grade (grade_key)
        CROSS JOIN unnest((SELECT :scopes), (SELECT :target_ids)) AS target (scope, target_id)
        {rates.LATEST}) AS found ON true
    WHERE near.member_id IS NOT NULL
       OR (self.status = 'active' AND (pays_self_purchase OR :for_sharing))
    """  # noqa: S608  # Put together from constants.
).bindparams(
    bindparam("scopes", type_=ARRAY(String)),
    bindparam("target_ids", type_=ARRAY(BigInteger)),
    bindparam("now", type_=Moment),
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts for an order that is paid at this moment."""

    earners: tuple[Earner, ...]
    """Who stands on the levels that are paid, level 1 first."""
    rules: CommissionRules
    rates: RateBook
    accounts: dict[int | None, int | None]
    """The frozen account of each earner, and by None the shop's own; None where none is open."""


def read(
    session: Session, *, buyer_id: int, lines: Iterable[PaidLine], now: datetime
) -> Terms | None:
    """What counts for these lines, bought by this buyer now; None if nobody can earn of them."""
    rows = _rows(session, buyer_id, lines, now, for_sharing=False)
    if not rows:
        return None
    row = rows[0]
    in_force = _rules(row)
    return Terms(
        earners=tuple(_earners(row, buyer_id, in_force))[: in_force.levels],
        rules=in_force,
        rates=_book(rows),
        accounts={
            row.far_id: row.far_account_id,
            row.near_id: row.near_account_id,
            buyer_id: row.self_account_id,
            None: row.expense_id,
        },
    )


def read_for_sharing(
    session: Session, *, member_id: int, lines: Iterable[PaidLine], now: datetime
) -> Terms | None:
    """What counts for a distributor whose people would buy these lines now; None if not active."""
    rows = _rows(session, member_id, lines, now, for_sharing=True)
    if not rows or rows[0].self_status != DistributorStatus.ACTIVE:
        return None
    status, grade_id = DistributorStatus.ACTIVE, rows[0].self_grade_id
    on_level_1 = Earner(1, member_id, status, grade_id, binding_log_id=None)
    return Terms(earners=(on_level_1,), rules=_rules(rows[0]), rates=_book(rows), accounts={})


def _rows(
    session: Session,
    member_id: int,
    lines: Iterable[PaidLine],
    now: datetime,
    *,
    for_sharing: bool,
) -> Sequence[Row[*tuple[Any, ...]]]:
    targets = rates.asked(target for line in lines for target in targets_of(line))
    asked = {"buyer_id": member_id, "now": now, "for_sharing": for_sharing, **targets}
    return session.execute(_TERMS, asked).all()


def _book(rows: Sequence[Row[*tuple[Any, ...]]]) -> RateBook:
    return RateBook(rates.of_row(row) for row in rows if row.id is not None)


def _earners(
    row: Row[*tuple[Any, ...]], buyer_id: int, in_force: CommissionRules
) -> Iterator[Earner]:
    """The buyer first, where the shop pays them and they may earn; then who stands above."""
    level = 1
    if in_force.pays_self_purchase and row.self_status == DistributorStatus.ACTIVE:
        yield Earner(level, buyer_id, DistributorStatus.ACTIVE, row.self_grade_id, None)
        level += 1
    for member_id, status, grade_id, log_id in (
        (row.near_id, row.near_status, row.near_grade_id, row.near_log_id),
        (row.far_id, row.far_status, row.far_grade_id, row.far_log_id),
    ):
        if member_id is not None:
            yield Earner(level, member_id, DistributorStatus(status), grade_id, log_id)
            level += 1


def _rules(row: Row[*tuple[Any, ...]]) -> CommissionRules:
    if row.version is None:
        return CommissionRules()
    return CommissionRules(
        version=row.version,
        levels=row.levels,
        level1_bp=row.shop1_bp,
        level2_bp=row.shop2_bp,
        cap_bp=row.cap_bp,
        mature_days=row.mature_days,
        base_kind=BaseKind(row.base_kind),
        pays_self_purchase=row.pays_self_purchase,
    )
