"""
Why a cart costs what it costs: any cart, any member, any moment, with drafts tried among the rest.

Nothing is written or held. Prices, coupons and what is left of limits are today's; the campaigns
are those of the moment: of a past one as they were, of a future one as they are set up now.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.catalogue import queries as catalogue
from app.catalogue.queries import SkuNotFound
from app.core.errors import Invalid
from app.marketing import campaigns, wording
from app.marketing.service import Choice, QuoteLine, priced
from app.marketing.snapshot import snapshot
from app.members import queries as members
from promotions import replay
from promotions.pricing import HeldCoupon, MixedGroup, Promotion, Snapshot
from promotions.replay import UnknownSnapshot
from promotions.setups import Flaw

FIRST_TRIED_COUPON = 9_000_000_000_000_000
"""The id of the first coupon that is only thought to be held; no real one gets that far."""
TRIED_DAYS = 365


def explain(
    session: Session,
    *,
    lines: Iterable[Mapping[str, int]],
    member_id: int | None,
    freight_fen: int,
    at: datetime,
    choice: Choice,
    promotion_ids: Sequence[int],
    now: datetime,
) -> dict[str, Any]:
    """
    Return the quote of a cart in words, with a verdict on every campaign that concerns it.

    `promotion_ids` are campaigns tried as if they were published, in their windows; of a coupon
    template among them the buyer holds one.

    :raises SkuNotFound: a SKU is unknown; its id is `sku_id`.
    :raises MemberNotFound: there is no such member.
    :raises PromotionNotFound: there is no such campaign.
    :raises Invalid: nothing is known of the moment, or groups disagree about their mode.
    """
    if member_id is not None:
        members.get(session, member_id)
    tried = [
        campaigns.stored(session, promotion_id=number).compiled(number)
        for number in sorted(set(promotion_ids))
    ]
    current = _with(_published(session, at, now), tried)
    coupons = _tried_coupons(tried, at)
    if choice.coupon_ids is not None:
        chosen = (*choice.coupon_ids, *(coupon.coupon_id for coupon in coupons))
        choice = replace(choice, coupon_ids=chosen)
    found = priced(
        session,
        lines=_lines(session, lines),
        member_id=member_id,
        freight_fen=freight_fen,
        now=at,
        choice=choice,
        among=current,
        also_held=coupons,
    )
    return {"at": at, "quote": wording.describe(found.quote.to_json())}


def _lines(session: Session, wanted: Iterable[Mapping[str, int]]) -> list[QuoteLine]:
    """Number the lines by SKU id, as an order does; what is named twice is added up."""
    quantities: Counter[int] = Counter()
    for line in wanted:
        quantities[line["sku_id"]] += line["quantity"]
    skus = catalogue.skus_for_pricing(session, quantities.keys())
    for sku_id in sorted(quantities.keys() - skus.keys()):
        raise SkuNotFound(sku_id=sku_id)
    return [
        QuoteLine(line_id=number, sku=skus[sku_id], quantity=quantities[sku_id])
        for number, sku_id in enumerate(sorted(quantities), start=1)
    ]


def _published(session: Session, at: datetime, now: datetime) -> Snapshot:
    if at >= now:
        return snapshot(session, now=now)
    try:
        return replay.snapshot(session, replay.version_at(session, at))
    except UnknownSnapshot as unknown:
        raise Invalid(errors={"at": ["该时刻早于活动记录，无法还原"]}) from unknown


def _with(current: Snapshot, tried: Sequence[Promotion]) -> Snapshot:
    if not tried:
        return current
    try:
        return Snapshot(
            current.version,
            (current.promotions | {one.promotion_id: one for one in tried}).values(),
        )
    except MixedGroup as mixed:
        raise Invalid(errors={"promotion_ids": [wording.REASONS[Flaw.MIXED_GROUP]]}) from mixed


def _tried_coupons(tried: Iterable[Promotion], at: datetime) -> tuple[HeldCoupon, ...]:
    return tuple(
        HeldCoupon(
            coupon_id=FIRST_TRIED_COUPON + number,
            promotion_id=promotion.promotion_id,
            starts_at=at,
            ends_at=at + timedelta(days=TRIED_DAYS),
        )
        for number, promotion in enumerate(tried)
        if promotion.needs_coupon
    )
