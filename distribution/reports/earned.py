"""Commission by order, by product and by distributor, over a stretch of time `[since, until)`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, cast, func, select, tuple_
from sqlalchemy.orm import Session

from distribution.commissions.models import Commission
from distribution.commissions.states import CommissionState


class By(StrEnum):
    """What commissions are summed up by."""

    PRODUCT = "product"
    DISTRIBUTOR = "distributor"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which commissions: accrued in `[since, until)`, of one distributor or product if given."""

    since: datetime
    until: datetime
    beneficiary_id: int | None = None
    spu_id: int | None = None

    def where(self) -> list[ColumnElement[bool]]:
        """The conditions as the database takes them."""
        wanted = [Commission.accrued_at >= self.since, Commission.accrued_at < self.until]
        if self.beneficiary_id is not None:
            wanted.append(Commission.beneficiary_id == self.beneficiary_id)
        if self.spu_id is not None:
            wanted.append(Commission.spu_id == self.spu_id)
        return wanted


@dataclass(frozen=True, slots=True)
class Sums:
    """What some commissions come to, in fen."""

    commissions: int
    lines: int
    """Different lines among them."""
    level1_fen: int
    level2_fen: int
    earned_fen: int
    """Both levels together, as accrued."""
    clawed_fen: int
    frozen_fen: int
    """What of the rest has not matured yet."""
    matured_fen: int
    """What of the rest has; it may have been withdrawn since."""


@dataclass(frozen=True, slots=True)
class OrderSums(Sums):
    """One order's commissions."""

    order_source: str
    buyer_id: int
    accrued_at: datetime
    posting_id: int


@dataclass(frozen=True, slots=True)
class GroupSums(Sums):
    """The commissions of one product or distributor."""

    subject_id: int
    orders: int


def _fen(amount: Any, *, only: ColumnElement[bool] | None = None) -> Any:
    total = func.sum(amount) if only is None else func.sum(amount).filter(only)
    return cast(func.coalesce(total, 0), BigInteger)


_NET = Commission.amount_fen - Commission.clawed_fen
_SUMS = (
    func.count().label("commissions"),
    func.count(Commission.line_source.distinct()).label("lines"),
    _fen(Commission.amount_fen, only=Commission.level == 1).label("level1_fen"),
    _fen(Commission.amount_fen, only=Commission.level == 2).label("level2_fen"),
    _fen(Commission.amount_fen).label("earned_fen"),
    _fen(Commission.clawed_fen).label("clawed_fen"),
    _fen(_NET, only=Commission.state == CommissionState.FROZEN).label("frozen_fen"),
    _fen(_NET, only=Commission.state == CommissionState.MATURED).label("matured_fen"),
)
_SUBJECTS = {By.PRODUCT: Commission.spu_id, By.DISTRIBUTOR: Commission.beneficiary_id}


def total(session: Session, stretch: Stretch) -> Sums:
    """What all commissions of the stretch come to."""
    return Sums(**session.execute(select(*_SUMS).where(*stretch.where())).one()._asdict())


def by_order(
    session: Session,
    stretch: Stretch,
    *,
    before: tuple[datetime, int] | None = None,
    limit: int = 20,
) -> Sequence[OrderSums]:
    """
    The orders that had uplines, the latest paid first, each with what its commissions come to.

    `before` is `(accrued_at, posting_id)` of the last one seen. A page costs the same wherever it
    is. With a distributor or product given, only their part of each order is summed.
    """
    query = (
        select(
            *_SUMS,
            func.min(Commission.order_source).label("order_source"),
            func.min(Commission.buyer_id).label("buyer_id"),
            Commission.accrued_at,
            Commission.posting_id,
        )
        .where(*stretch.where())
        .group_by(Commission.accrued_at, Commission.posting_id)
        .order_by(Commission.accrued_at.desc(), Commission.posting_id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(tuple_(Commission.accrued_at, Commission.posting_id) < before)
    return [OrderSums(**row._asdict()) for row in session.execute(query)]


def by_subject(
    session: Session,
    by: By,
    stretch: Stretch,
    *,
    before: tuple[int, int] | None = None,
    limit: int = 20,
) -> Sequence[GroupSums]:
    """
    Products or distributors by what was earned on them or by them, the most first.

    `before` is `(earned_fen, subject_id)` of the last one seen: what was accrued in the past never
    changes, so pages of the past neither skip nor repeat.
    """
    subject = _SUBJECTS[by]
    earned = _fen(Commission.amount_fen)
    query = (
        select(
            *_SUMS,
            subject.label("subject_id"),
            func.count(Commission.posting_id.distinct()).label("orders"),
        )
        .where(*stretch.where())
        .group_by(subject)
        .order_by(earned.desc(), subject.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.having(tuple_(earned, subject) < before)
    return [GroupSums(**row._asdict()) for row in session.execute(query)]
