"""
What is known of campaigns: one, a page of them, their limits, their history.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from promotions import life
from promotions.models import (
    Promotion,
    PromotionCounter,
    PromotionGiftStock,
    PromotionVersion,
)
from promotions.states import CampaignStatus, MemberPeriod


class NoSuchPromotion(LookupError):
    """No promotion has this id."""


def get(session: Session, promotion_id: int) -> Promotion:
    """
    Return a promotion.

    :raises NoSuchPromotion: there is none.
    """
    promotion = session.get(Promotion, promotion_id)
    if promotion is None:
        raise NoSuchPromotion(promotion_id)
    return promotion


def with_limits(session: Session, promotion_id: int) -> tuple[Promotion, PromotionCounter | None]:
    """
    Return a promotion and, if it is limited, what is taken of its limits.

    :raises NoSuchPromotion: there is none.
    """
    promotion = get(session, promotion_id)
    return promotion, session.get(PromotionCounter, promotion_id)


def of_kind(session: Session, promotion_id: int, kind: str) -> Promotion | None:
    """Return a campaign as it is now if it is of this kind; None if there is no such one."""
    wanted = select(Promotion).where(Promotion.id == promotion_id, Promotion.kind == kind)
    return session.scalar(wanted, execution_options={"populate_existing": True})


class Limits(NamedTuple):
    """What a page tells of a limited campaign; None is no limit."""

    units_left: int | None
    max_units_per_member: int | None
    max_uses_per_member: int | None
    member_period: MemberPeriod


def without_commission(session: Session, promotion_ids: Iterable[int]) -> set[int]:
    """Return those of these promotions that pay no commission on what they make cheaper."""
    numbers = bindparam("promotion_ids", sorted(set(promotion_ids)), type_=ARRAY(BigInteger))
    found = select(Promotion.id).where(
        Promotion.id == func.any(numbers),
        Promotion.definition["pays_commission"].astext == "false",
    )
    return set(session.scalars(found))


def limits_of(session: Session, promotion_ids: Iterable[int]) -> dict[int, Limits]:
    """Return what is limited of those among `promotion_ids` that have a counter, by id."""
    found = session.execute(_LIMITS, {"ids": list(promotion_ids)})
    return {row[0]: Limits(*row[1:]) for row in found}


def gift_stock(
    session: Session, promotion_ids: Iterable[int]
) -> Mapping[int, Sequence[PromotionGiftStock]]:
    """Return what each promotion has set aside of its gifts, by SKU; nothing for most."""
    found: defaultdict[int, list[PromotionGiftStock]] = defaultdict(list)
    rows = session.scalars(
        select(PromotionGiftStock)
        .where(PromotionGiftStock.promotion_id.in_(list(promotion_ids)))
        .order_by(PromotionGiftStock.promotion_id, PromotionGiftStock.sku_id)
    )
    for row in rows:
        found[row.promotion_id].append(row)
    return found


def page(
    session: Session, *, status: CampaignStatus | None, before_id: int | None, limit: int
) -> list[tuple[Promotion, PromotionCounter | None]]:
    """Return up to `limit` promotions older than `before_id`, the latest first."""
    wanted = select(Promotion, PromotionCounter).join(
        PromotionCounter, PromotionCounter.promotion_id == Promotion.id, isouter=True
    )
    wanted = life.latest(wanted, Promotion, status=status, before_id=before_id, limit=limit)
    return [(promotion, counter) for promotion, counter in session.execute(wanted)]


def history(session: Session, promotion_id: int) -> Sequence[PromotionVersion]:
    """Return every version of a promotion, the first one first."""
    return session.scalars(
        select(PromotionVersion)
        .where(PromotionVersion.promotion_id == promotion_id)
        .order_by(PromotionVersion.version)
    ).all()


_LIMITS = select(
    PromotionCounter.promotion_id,
    PromotionCounter.max_units - PromotionCounter.units_reserved - PromotionCounter.units_used,
    PromotionCounter.member_max_units,
    PromotionCounter.member_max_uses,
    PromotionCounter.member_period,
).where(PromotionCounter.promotion_id == func.any(bindparam("ids", type_=ARRAY(BigInteger))))
