"""
What an order takes of its promotions: held when placed, used when paid, given back when closed.

Each step is repeatable by source. A paid order also gets what it was promised, gift coupons and
points; a wholly refunded one gets its coupons back. What kept goods no longer earn is taken back,
if it is unused.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.orm import Session

from app.core.errors import AppError
from promotions import bulk_buys, coupons, group_buys, limits, points, pricing

log = structlog.get_logger(__name__)


REASONS = {
    limits.NotRunning: "not_running",
    limits.MemberLimitReached: "member_limit",
    limits.StockOut: "sold_out",
}
"""Why a promotion is gone, where it is not that a limit of all together is reached."""


class PromotionGone(AppError):
    """A promotion in the price has run out or was stopped, for a `reason`; ask for a new quote."""

    code, status, title = "promotion_gone", 409, "优惠已失效或已抢完，请重新确认价格"


class CouponGone(AppError):
    """A coupon in the price is on another order, or over; ask for a new quote."""

    code, status, title = "coupon_gone", 409, "优惠券已使用或已失效，请重新选择"


def reserve(
    session: Session, *, source: str, member_id: int, quote: pricing.Quote, now: datetime
) -> None:
    """
    Hold for `source`, a member's order, the coupons in `quote` and what it takes of limits.

    All or none; repeatable. After an exception the transaction must be rolled back.

    :raises CouponGone: the coupon in `coupon_id` is not free any more.
    :raises PromotionGone: the one in `promotion_id` has run out or is no longer running.
    """
    if not quote.adjustments:
        return
    coupon_ids = [one.coupon_id for one in quote.adjustments if one.coupon_id is not None]
    _hold(session, source, member_id, coupon_ids, limits.uses_of(quote), now)


def reserve_again(
    session: Session, *, source: str, member_id: int, quote: Mapping[str, Any], now: datetime
) -> None:
    """
    Hold anew what `source` gave back when its order was closed, by its stored quote; repeatable.

    After an exception the transaction, or the savepoint, must be rolled back.

    :raises CouponGone, PromotionGone: as `reserve`.
    """
    adjustments = quote["adjustments"]
    if not adjustments:
        return
    coupon_ids = [one["coupon_id"] for one in adjustments if one["coupon_id"] is not None]
    _hold(session, source, member_id, coupon_ids, limits.uses_of_stored(quote), now)


def _hold(
    session: Session,
    source: str,
    member_id: int,
    coupon_ids: Collection[int],
    uses: Sequence[limits.Use],
    now: datetime,
) -> None:
    try:
        coupons.hold(session, source=source, coupon_ids=coupon_ids, member_id=member_id, now=now)
        limits.reserve(session, source=source, member_id=member_id, uses=uses, now=now)
    except coupons.NotUsable as gone:
        raise CouponGone(coupon_id=gone.coupon_id) from gone
    except limits.Refused as refused:
        reason = REASONS.get(type(refused), "run_out")
        raise PromotionGone(promotion_id=refused.promotion_id, reason=reason) from refused


def confirm(
    session: Session, *, source: str, member_id: int, quote: Mapping[str, Any], now: datetime
) -> None:
    """
    Use up what `source` holds and grant what its stored quote promises: its order is paid.

    Repeatable. A coupon that cannot be issued any more is not: it must not keep money from
    being accepted. The log says so.
    """
    adjustments = quote["adjustments"]
    if _has_coupon(adjustments):
        coupons.use(session, source=source, now=now)
    limits.confirm(session, source=source, now=now)
    _collect(session, source, member_id, quote, now)
    granted: Counter[int] = Counter()
    for adjustment in adjustments:
        for each in adjustment.get("coupons", ()):
            granted[each["promotion_id"]] += each["count"]
    for promotion_id, count in sorted(granted.items()):
        try:
            coupons.issue(
                session,
                promotion_id=promotion_id,
                member_id=member_id,
                source=source,
                count=count,
                now=now,
            )
        except (coupons.Refused, coupons.NoSuchTemplate) as refused:
            log.error(
                "gift_coupon_not_issued",
                source=source,
                promotion_id=promotion_id,
                reason=str(refused),
            )
    earned = sum(adjustment.get("points", 0) for adjustment in adjustments)
    if earned:
        points.grant(session, member_id=member_id, points=earned, source=source, now=now)


def release(session: Session, *, source: str, now: datetime) -> None:
    """Give back what `source` holds: its order closed unpaid. Repeatable."""
    coupons.release(session, source=source, now=now)
    limits.release(session, source=source, now=now)


def give_back(session: Session, *, source: str, now: datetime) -> None:
    """
    Give the coupons back that `source` used and take back what it granted, as far as it is unused.

    For an order that is refunded as a whole. Its use of limits stays used. Repeatable.
    """
    coupons.give_back(session, source=source, now=now)
    coupons.revoke_granted(session, source=source, now=now)
    points.take_back(session, source=source, left=0, now=now)


def take_back(
    session: Session,
    *,
    source: str,
    coupons_left: Mapping[int, int],
    points_left: int,
    now: datetime,
) -> None:
    """
    Take back what `source` was granted beyond what its order still earns.

    `coupons_left` are counts by template; coupons that are used stay used. Repeatable.
    """
    for promotion_id, count in sorted(coupons_left.items()):
        coupons.revoke_surplus(
            session, source=source, promotion_id=promotion_id, earned=count, now=now
        )
    points.take_back(session, source=source, left=points_left, now=now)


def gone(session: Session, *, source: str, pieces: Mapping[int, int]) -> None:
    """
    Take from what a bulk buy has collected the pieces by SKU of a paid order that went back so far.

    Repeatable; those on their way back count as gone. After the campaign's end it changes nothing.
    """
    bulk_buys.leave(session, source=source, gone=pieces)


def holds_back(session: Session, *, source: str) -> bool:
    """Say whether a paid order may not be shipped yet: it is not known whether its deal happens."""
    waits = not group_buys.may_ship(session, source)
    return waits or bulk_buys.is_undecided(session, source=source)


def _collect(
    session: Session, source: str, member_id: int, quote: Mapping[str, Any], now: datetime
) -> None:
    """Count the pieces of a paid order towards its bulk buy, if it is of one."""
    for adjustment in quote["adjustments"]:
        if adjustment["kind"] != pricing.kinds.BulkBuy.kind:
            continue
        bulk_buys.collect(
            session,
            promotion_id=adjustment["promotion_id"],
            source=source,
            member_id=member_id,
            lines=[
                bulk_buys.Line(
                    line["sku_id"], line["quantity"], line["payable_fen"] - line["tender_fen"]
                )
                for line in quote["lines"]
            ],
            now=now,
        )


def _has_coupon(adjustments: Iterable[Mapping[str, Any]]) -> bool:
    return any(adjustment.get("coupon_id") is not None for adjustment in adjustments)
