"""
How promotions stand for a member at a moment: whether they run, and what their limits leave.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Date,
    DateTime,
    Select,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from promotions import pricing
from promotions.definitions import slots_of
from promotions.models import (
    LIFETIME,
    Promotion,
    PromotionCounter,
    PromotionGiftStock,
    PromotionMemberCounter,
)
from promotions.pricing.promotion import CHINA
from promotions.states import CampaignStatus, MemberPeriod


class Standing(NamedTuple):
    """How a promotion stands when an order takes it, for one member."""

    is_running: bool
    is_counted: bool
    """Some limit is one of all members together."""
    max_uses: int | None
    """How many uses the member may have within `day`; None is no limit."""
    max_units: int | None
    day: date
    has_stock: bool = False
    """It sells pieces that are set aside for it."""

    @property
    def is_personal(self) -> bool:
        """Say whether the member's own takings are limited."""
        return self.max_uses is not None or self.max_units is not None


def today(now: datetime) -> date:
    """Return the day in China that `now` falls on."""
    return now.astimezone(CHINA).date()


def standings(
    session: Session, promotion_ids: Iterable[int], *, now: datetime
) -> dict[int, Standing]:
    """Return how each of the promotions that exist stands at `now`: status, window and slots."""
    found = session.execute(_STANDINGS, {"ids": list(promotion_ids), "now": now})
    return {
        promotion_id: Standing(
            is_running=in_window and _is_open(slots, now),
            is_counted=is_counted,
            max_uses=max_uses,
            max_units=max_units,
            day=today(now) if period is MemberPeriod.DAY else LIFETIME,
            has_stock=has_stock,
        )
        for (
            promotion_id,
            in_window,
            slots,
            is_counted,
            max_uses,
            max_units,
            period,
            has_stock,
        ) in found
    }


def left(
    session: Session, promotion_ids: Iterable[int], *, member_id: int | None, now: datetime
) -> tuple[pricing.Allowance, ...]:
    """Return what is left for a member of the limited ones among the promotions."""
    given = {"ids": list(promotion_ids), "member_id": member_id, "today": today(now)}
    found = session.execute(_LEFT, given)
    return tuple(
        _allowance(*row) for row in found if any(side not in (None, []) for side in row[1:])
    )


def _allowance(
    promotion_id: int,
    uses: int | None,
    budget_fen: int | None,
    units: int | None,
    gifts: list[list[int]],
) -> pricing.Allowance:
    return pricing.Allowance(
        promotion_id=promotion_id,
        uses=uses,
        budget_fen=budget_fen,
        units=units,
        gifts=tuple(sorted((sku_id, pieces) for sku_id, pieces in gifts)),
    )


def _is_open(slots: list[dict[str, Any]] | None, now: datetime) -> bool:
    return not slots or any(slot.covers(now) for slot in slots_of(slots))


def _standings() -> Select[*tuple[Any, ...]]:
    """How the promotions in `ids` stand at `now`, a row each."""
    counter, now = PromotionCounter, bindparam("now", type_=DateTime(timezone=True))
    return (
        select(
            Promotion.id,
            and_(
                Promotion.status == CampaignStatus.PUBLISHED,
                Promotion.starts_at <= now,
                or_(Promotion.ends_at.is_(None), Promotion.ends_at > now),
            ),
            Promotion.definition["slots"],
            func.num_nonnulls(counter.max_uses, counter.budget_fen, counter.max_units) > 0,
            counter.member_max_uses,
            counter.member_max_units,
            counter.member_period,
            Promotion.definition.has_key("stock"),
        )
        .join(counter, counter.promotion_id == Promotion.id, isouter=True)
        .where(Promotion.id == func.any(_IDS))
    )


def _left() -> Select[int, Any, Any, Any, Any]:
    """What is left of each promotion in `ids`, for a member: uses, budget, pieces, gifts."""
    all_, own = PromotionCounter, PromotionMemberCounter
    today_ = bindparam("today", type_=Date)
    day = case((all_.member_period == MemberPeriod.DAY, today_), else_=LIFETIME)
    gift = PromotionGiftStock
    pairs = func.jsonb_build_array(
        gift.sku_id, gift.max_units - gift.units_used - gift.units_reserved
    )
    gifts = select(func.jsonb_agg(pairs)).where(gift.promotion_id == Promotion.id).scalar_subquery()
    is_own = and_(
        own.promotion_id == all_.promotion_id,
        own.member_id == bindparam("member_id", type_=BigInteger),
        own.day == day,
    )
    return (
        select(
            Promotion.id,
            func.least(
                all_.max_uses - all_.uses_used - all_.uses_reserved,
                all_.member_max_uses - func.coalesce(own.uses, 0),
            ),
            all_.budget_fen - all_.used_fen - all_.reserved_fen,
            func.least(
                all_.max_units - all_.units_used - all_.units_reserved,
                all_.member_max_units - func.coalesce(own.units, 0),
            ),
            func.coalesce(gifts, func.jsonb_build_array()),
        )
        .join(all_, all_.promotion_id == Promotion.id, isouter=True)
        .join(own, is_own, isouter=True)
        .where(Promotion.id == func.any(_IDS))
        .order_by(Promotion.id)
    )


_IDS: BindParameter[Any] = bindparam("ids", type_=ARRAY(BigInteger))
_LEFT, _STANDINGS = _left(), _standings()
"""Built once: putting them together takes longer than asking them."""
