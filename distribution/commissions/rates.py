"""
The rates of the shop's goods and grades: set, withdrawn, and which are in force.

Rates are rows that are only ever added: the latest of a target and grade counts, and one that says
nothing withdraws the ones before. A commission names the row that decided it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    String,
    bindparam,
    func,
    insert,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Session, aliased

from distribution.commissions import policy, rules
from distribution.commissions.earning import ALL_GOODS, Rate, Target
from distribution.commissions.models import CommissionRate
from distribution.commissions.policy import Pay
from distribution.commissions.states import Scope
from distribution.team.grade_models import DistributorGrade

MOST_PIECE_FEN = 100_000_000
"""The most one piece may earn somebody: a million yuan."""

LATEST = """
    CROSS JOIN LATERAL (
        SELECT id, scope, target_id, grade_id, level1_bp, level2_bp, level1_fen, level2_fen, is_off
        FROM commission_rate
        WHERE commission_rate.scope = target.scope
          AND commission_rate.target_id = target.target_id
          AND coalesce(commission_rate.grade_id, 0) = grade.grade_key
        ORDER BY id DESC LIMIT 1) AS rate
"""
"""Joins `target` (scope, target_id) and `grade` (grade_key, 0 for none) to the latest `rate`."""

_FOUND = text(
    f"""
    SELECT rate.* FROM unnest(:scopes, :target_ids) AS target (scope, target_id)
    CROSS JOIN unnest(:grade_keys) AS grade (grade_key)
    {LATEST}
    """  # noqa: S608  # Put together from the constant above.
).bindparams(
    bindparam("scopes", type_=ARRAY(String)),
    bindparam("target_ids", type_=ARRAY(BigInteger)),
    bindparam("grade_keys", type_=ARRAY(BigInteger)),
)


class UnknownRate(Exception):
    """There is no such rate, or a later one has replaced it."""


class UnknownGrade(Exception):
    """There is no such grade of distributors."""


@dataclass(frozen=True, slots=True)
class StoredRate:
    """A rate as it was set: the name of its grade, who set it and when."""

    rate: Rate
    grade_name: str | None
    changed_by: str
    changed_at: datetime


def asked(targets: Iterable[Target]) -> dict[str, list[Any]]:
    """The parameters of a query over these targets, each once."""
    each_once = sorted(set(targets))
    return {
        "scopes": [target.scope.value for target in each_once],
        "target_ids": [target.target_id for target in each_once],
    }


def of_row(row: Any) -> Rate:
    """The rate in a row of `commission_rate`."""
    return Rate(
        target=Target(Scope(row.scope), row.target_id),
        grade_id=row.grade_id,
        level1=_pay(row.level1_bp, row.level1_fen),
        level2=_pay(row.level2_bp, row.level2_fen),
        is_off=row.is_off,
        id=row.id,
    )


def find(
    session: Session, targets: Iterable[Target], *, grade_ids: Iterable[int | None]
) -> list[Rate]:
    """The rates in force for these targets, for everybody and for these grades. One query."""
    keys = sorted({0, *(grade_id for grade_id in grade_ids if grade_id is not None)})
    rows = session.execute(_FOUND, {**asked(targets), "grade_keys": keys})
    return [of_row(row) for row in rows]


def in_force(
    session: Session,
    *,
    scope: Scope | None = None,
    target_id: int | None = None,
    grade_id: int | None = None,
    before: int | None = None,
    limit: int = 20,
) -> Sequence[StoredRate]:
    """The rates that count now, the latest first, of one scope, target or grade if asked."""
    query = _stored().where(_is_latest(), _says_something())
    if scope is not None:
        query = query.where(CommissionRate.scope == scope)
    if target_id is not None:
        query = query.where(CommissionRate.target_id == target_id)
    if grade_id is not None:
        query = query.where(CommissionRate.grade_id == grade_id)
    if before is not None:
        query = query.where(CommissionRate.id < before)
    return _read(session, query.order_by(CommissionRate.id.desc()).limit(limit))


def get(session: Session, rate_id: int) -> StoredRate:
    """
    The rate with this id, if it counts now.

    :raises UnknownRate: there is none, it is withdrawn, or a later one has replaced it.
    """
    wanted = _stored().where(CommissionRate.id == rate_id, _is_latest(), _says_something())
    found = _read(session, wanted)
    if not found:
        raise UnknownRate(f"no rate {rate_id} is in force")
    return found[0]


def history(session: Session, target: Target, *, grade_id: int | None) -> Sequence[StoredRate]:
    """Every rate ever set for the target and grade, the latest first, withdrawals among them."""
    query = _stored().where(
        CommissionRate.scope == target.scope,
        CommissionRate.target_id == target.target_id,
        func.coalesce(CommissionRate.grade_id, 0) == (grade_id or 0),
    )
    return _read(session, query.order_by(CommissionRate.id.desc()))


def set_rate(session: Session, rate: Rate, *, changed_by: str, now: datetime) -> StoredRate:
    """
    Put a rate in force for its target and grade; it replaces the one before as a whole.

    :raises BadRules: it contradicts itself, or takes more than the cap in force.
    :raises UnknownGrade: there is no such grade.
    """
    check(rate, cap_bp=rules.current(session).cap_bp)
    grade_id = rate.grade_id
    if grade_id is not None:
        grade = session.get(DistributorGrade, grade_id, populate_existing=True)
        if grade is None or grade.archived_at is not None:
            raise UnknownGrade(f"no grade {grade_id}")
    return get(session, _write(session, rate, changed_by=changed_by, now=now))


def withdraw(session: Session, rate_id: int, *, changed_by: str, now: datetime) -> None:
    """
    Let the goods of this rate follow the next rule again.

    :raises UnknownRate: it is not in force.
    """
    rate = get(session, rate_id).rate
    nothing = Rate(target=rate.target, grade_id=rate.grade_id)
    _write(session, nothing, changed_by=changed_by, now=now)


def check(rate: Rate, *, cap_bp: int) -> None:
    """
    Make sure that a rate may be set.

    :raises BadRules: it says nothing, has a target that does not fit, a fixed amount for more than
        one SKU, an amount out of range, or both levels take more than the cap.
    """
    scope, target_id = rate.target
    if rate.is_withdrawn:
        raise rules.BadRules("a rate that says nothing")
    if (scope == Scope.SHOP) != (target_id == ALL_GOODS) or target_id < 0:
        raise rules.BadRules(f"{scope} {target_id} is nothing a rate can be set for")
    if scope == Scope.SHOP and rate.grade_id is None:
        raise rules.BadRules("what everybody earns on all goods is for the rules to say")
    if rate.is_off and (scope != Scope.SPU or rate.grade_id is not None):
        raise rules.BadRules("only a product as a whole is switched off")
    for pay in _said(rate):
        _check_pay(pay, scope)
    taken_bp = sum(pay.rate_bp or 0 for pay in _said(rate))
    if taken_bp > cap_bp:
        raise rules.BadRules(f"both levels take {taken_bp} bp, more than the cap of {cap_bp} bp")


def _check_pay(pay: Pay, scope: Scope) -> None:
    if (pay.rate_bp is None) == (pay.piece_fen is None):
        raise rules.BadRules("a level has a rate or a fixed amount, one of them")
    if pay.piece_fen is not None and scope != Scope.SKU:
        raise rules.BadRules("fixed amounts are for single SKUs")
    if not 0 <= (pay.rate_bp or 0) <= policy.ALL_BP:
        raise rules.BadRules(f"a rate of {pay.rate_bp} bp")
    if not 0 <= (pay.piece_fen or 0) <= MOST_PIECE_FEN:
        raise rules.BadRules(f"{pay.piece_fen} fen a piece")


def _said(rate: Rate) -> list[Pay]:
    return [pay for pay in (rate.level1, rate.level2) if pay is not None]


def _write(session: Session, rate: Rate, *, changed_by: str, now: datetime) -> int:
    levels: Mapping[str, Pay | None] = {"level1": rate.level1, "level2": rate.level2}
    statement = (
        insert(CommissionRate)
        .values(
            scope=rate.target.scope,
            target_id=rate.target.target_id,
            grade_id=rate.grade_id,
            **{f"{level}_bp": pay.rate_bp if pay else None for level, pay in levels.items()},
            **{f"{level}_fen": pay.piece_fen if pay else None for level, pay in levels.items()},
            is_off=rate.is_off,
            changed_by=changed_by,
            changed_at=now,
        )
        .returning(CommissionRate.id)
    )
    return session.execute(statement).scalar_one()


def _pay(rate_bp: int | None, piece_fen: int | None) -> Pay | None:
    return None if rate_bp is None and piece_fen is None else Pay(rate_bp, piece_fen)


def _stored() -> Select[CommissionRate, str | None]:
    return select(CommissionRate, DistributorGrade.name).outerjoin(
        DistributorGrade, DistributorGrade.id == CommissionRate.grade_id
    )


def _read(session: Session, query: Select[CommissionRate, str | None]) -> list[StoredRate]:
    return [
        StoredRate(of_row(row), grade_name, row.changed_by, row.changed_at)
        for row, grade_name in session.execute(query)
    ]


def _is_latest() -> ColumnElement[bool]:
    """No later row says anything else about the same goods and grade."""
    later = aliased(CommissionRate)
    return ~(
        select(later.id)
        .where(
            later.scope == CommissionRate.scope,
            later.target_id == CommissionRate.target_id,
            func.coalesce(later.grade_id, 0) == func.coalesce(CommissionRate.grade_id, 0),
            later.id > CommissionRate.id,
        )
        .exists()
    )


def _says_something() -> ColumnElement[bool]:
    said = (
        CommissionRate.level1_bp, CommissionRate.level2_bp,
        CommissionRate.level1_fen, CommissionRate.level2_fen,
    )  # fmt: skip
    return CommissionRate.is_off | or_(*(column.is_not(None) for column in said))
