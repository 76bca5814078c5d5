"""
What a merchant is told before publishing: which campaigns a draft meets, and plain mistakes in it.

Warnings refuse nothing. What cannot be published at all is refused by publishing itself.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.catalogue import scopes
from app.catalogue.scopes import ScopedSku
from app.marketing import campaigns
from app.marketing.snapshot import snapshot
from app.marketing.wording import yuan
from promotions import margins, overlaps
from promotions.margins import Finding, Good, Mistake
from promotions.overlaps import Meeting, Overlap
from promotions.pricing import CartLine, Promotion, Targets

GOODS_MAX = 5_000
"""How many SKUs are looked at; a shop with more is told that it was cut."""
SKUS_SHOWN = 20

MEETINGS = {
    Meeting.STACKS: "与「{title}」可叠加，{count} 个规格会同时享受两者",
    Meeting.EXCLUDES: "与「{title}」不可同享，{count} 个规格每单只取更优惠的一个",
    Meeting.GROUP_BEST: "与「{title}」同组，{count} 个规格只取最优惠的一个",
    Meeting.GROUP_FIRST: "与「{title}」同组，{count} 个规格只取优先级最高的一个",
    Meeting.GROUP_WORST: "与「{title}」同组，{count} 个规格只取优惠最少的一个",
    Meeting.MIXED_GROUP: "与「{title}」同组但同组规则不同，两者不能同时发布",
    Meeting.BLOCKS: "本活动先于「{title}」计算且不可同享，{count} 个规格享受本活动后不再享受它",
    Meeting.BLOCKED: "「{title}」先于本活动计算且不可同享，{count} 个规格享受它后不再享受本活动",
}
MISTAKES = {
    Mistake.NOTHING_IN_SCOPE: "活动范围内没有在售商品",
    Mistake.PRICE_NOT_LOWER: "{count} 个规格的活动价不低于现价，不会有优惠",
    Mistake.BELOW_FLOOR: "{count} 个规格优惠后{floor}",
    Mistake.BELOW_FLOOR_TOGETHER: "{count} 个规格与「{title}」叠加后{floor}",
}


def of(
    session: Session, *, promotion_id: int, margin_floor_bp: int, now: datetime
) -> dict[str, Any]:
    """
    Return what to know before publishing a campaign, mistakes first, each with a sentence.

    :raises PromotionNotFound: there is none.
    """
    promotion = campaigns.stored(session, promotion_id=promotion_id).compiled(promotion_id)
    found, is_cut = _in_scope(session, promotion)
    goods = [_good(sku) for sku in found]
    live = snapshot(session, now=now).promotions.values()
    met = overlaps.among(promotion, live, [good.line for good in goods], now=now)
    mistakes = margins.mistakes(promotion, goods, met, floor_bp=margin_floor_bp, now=now)
    return {
        "items": [_mistake(one, margin_floor_bp) for one in mistakes]
        + [_meeting(it) for it in met],
        "sku_count": len(goods),
        "is_cut": is_cut,
    }


def _in_scope(session: Session, promotion: Promotion) -> tuple[Sequence[ScopedSku], bool]:
    include = promotion.scope.include
    wanted = None if include is None else _wanted(include)
    found = scopes.on_sale(session, wanted, limit=GOODS_MAX + 1)
    return found[:GOODS_MAX], len(found) > GOODS_MAX


def _wanted(include: Targets) -> scopes.Wanted:
    return scopes.Wanted(
        category_ids=include.category_ids,
        spu_ids=include.spu_ids,
        sku_ids=include.sku_ids,
        tags=include.tags,
    )


def _good(sku: ScopedSku) -> Good:
    line = CartLine(
        line_id=sku.sku_id,
        sku_id=sku.sku_id,
        spu_id=sku.spu_id,
        quantity=1,
        unit_price_fen=sku.price_fen,
        category_path=sku.category_path,
        tags=frozenset(sku.tags),
    )
    return Good(line=line, cost_fen=sku.cost_price_fen)


def _meeting(overlap: Overlap) -> dict[str, Any]:
    sentence = MEETINGS[overlap.meeting]
    return {
        **_about(overlap.sku_ids, overlap.other),
        "code": overlap.meeting.value,
        "message": sentence.format(title=overlap.other.title, count=len(overlap.sku_ids)),
        "first_at": overlap.first_at,
    }


def _mistake(finding: Finding, floor_bp: int) -> dict[str, Any]:
    return {
        **_about(finding.sku_ids, finding.other),
        "code": finding.mistake.value,
        "message": MISTAKES[finding.mistake].format(
            title=finding.other.title if finding.other else "",
            count=len(finding.sku_ids),
            floor=f"毛利率低于 {yuan(floor_bp)}%" if floor_bp else "低于成本价",
        ),
        "first_at": None,
    }


def _about(sku_ids: Sequence[int], other: Promotion | None) -> dict[str, Any]:
    return {
        "promotion": None
        if other is None
        else {"promotion_id": other.promotion_id, "title": other.title},
        "sku_count": len(sku_ids),
        "sku_ids": list(sku_ids[:SKUS_SHOWN]),
    }
