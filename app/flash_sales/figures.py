"""
A sale in figures for its merchant: phase, pieces and money from the database, the door from Redis.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core import paging, sheets
from app.core.sheets import Cell, Yuan
from app.flash_sales import board, queries, reminders, sessions
from app.flash_sales.board import REFUSED, Door, Mark
from app.flash_sales.queries import NOTHING, Progress
from app.flash_sales.sales import FlashSaleNotFound
from app.members import queries as members
from promotions import pricing
from promotions.definitions import compiled_of
from promotions.models import Promotion, PromotionCounter
from promotions.pricing.kinds import FlashSale
from promotions.states import CampaignStatus

BATCH = 500
HEAD = (
    "订单号", "状态", "下单时间", "付款时间", "关闭时间", "买家ID", "买家", "商品", "规格", "件数",
    "原价（元）", "优惠（元）", "实付（元）", "已退（元）",
)  # fmt: skip


class SalePhase(StrEnum):
    """Where a sale stands, for its merchant; none of it is stored."""

    DRAFT = "draft"
    PAUSED = "paused"
    SCHEDULED = "scheduled"
    """Published, and not to be seen yet."""
    WARMING_UP = "warming_up"
    """To be seen, before its first session."""
    ON_SALE = "on_sale"
    WAITING = "waiting"
    """Between two sessions."""
    SOLD_OUT = "sold_out"
    ENDED = "ended"


def page(
    session: Session, *, cursor: str | None, limit: int, now: datetime
) -> tuple[list[dict[str, Any]], str | None]:
    """
    Return a page of flash sales, the latest first, with the cursor of the next.

    :raises Invalid: the cursor is not one of ours.
    """
    wanted = _rows().order_by(Promotion.id.desc()).limit(limit + 1)
    if cursor:
        (before_id,) = paging.decode(cursor, int)
        wanted = wanted.where(Promotion.id < before_id)
    rows = session.execute(wanted).all()
    shown = rows[:limit]
    pieces = queries.progress_of(session, [row.id for row, _ in shown])
    items = [
        _brief(row, compiled_of(row, counter), pieces.get(row.id, {}), now)
        for row, counter in shown
    ]
    return items, paging.encode(shown[-1][0].id) if len(rows) > limit else None


def of(session: Session, promotion_id: int, *, now: datetime) -> dict[str, Any]:
    """
    Return the live board of one sale.

    :raises FlashSaleNotFound: there is no such sale, in whatever status.
    """
    row, promotion = _one(session, promotion_id)
    pieces = queries.progress_of(session, [promotion_id]).get(promotion_id, {})
    door = board.door(promotion_id, now=now)
    since = now.replace(second=0, microsecond=0) - timedelta(minutes=board.MINUTES - 1)
    return {
        **_brief(row, promotion, pieces, now),
        "server_time": now,
        "stock": [{"sku_id": sku_id, **_told(one)} for sku_id, one in sorted(pieces.items())],
        "orders": dict(session.execute(_ORDERS, {"promotion_id": promotion_id}).one()._mapping),
        "door": _door(door),
        "seconds": _seconds(session, promotion_id, door, since, now),
        "reminders": reminders.asked(session, promotion_id),
    }


def require(session: Session, promotion_id: int) -> None:
    """
    Check that there is such a sale.

    :raises FlashSaleNotFound: there is none.
    """
    _one(session, promotion_id)


def orders_file(session: Session, promotion_id: int) -> Iterator[str]:
    """Return every order of a sale as CSV, piece by piece, the first one first."""
    return sheets.lines(HEAD, _order_rows(session, promotion_id))


def _rows() -> Any:
    return (
        select(Promotion, PromotionCounter)
        .join(PromotionCounter, PromotionCounter.promotion_id == Promotion.id, isouter=True)
        .where(Promotion.kind == FlashSale.kind)
    )


def _one(session: Session, promotion_id: int) -> tuple[Promotion, pricing.Promotion]:
    found = session.execute(_rows().where(Promotion.id == promotion_id)).one_or_none()
    if found is None:
        raise FlashSaleNotFound
    row, counter = found
    return row, compiled_of(row, counter)


def _brief(
    row: Promotion, promotion: pricing.Promotion, pieces: dict[int, Progress], now: datetime
) -> dict[str, Any]:
    progress = sum(pieces.values(), NOTHING)
    is_live = row.status is CampaignStatus.PUBLISHED
    current = sessions.current(promotion, now) if is_live else None
    following = sessions.following(promotion, now) if is_live else None
    return {
        "promotion_id": row.id,
        "title": row.title,
        "status": row.status.value,
        "phase": _phase(row, promotion, progress, now).value,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
        "session": current and current._asdict(),
        "next_session": following and following._asdict(),
        "progress": _told(progress),
    }


def _phase(
    row: Promotion, promotion: pricing.Promotion, progress: Progress, now: datetime
) -> SalePhase:
    if row.status is CampaignStatus.DRAFT:
        return SalePhase.DRAFT
    if row.status is CampaignStatus.ENDED or (row.ends_at is not None and row.ends_at <= now):
        return SalePhase.ENDED
    if row.status is CampaignStatus.PAUSED:
        return SalePhase.PAUSED
    if progress.left == 0:
        return SalePhase.SOLD_OUT
    if sessions.current(promotion, now):
        return SalePhase.ON_SALE
    return _phase_between(promotion, now)


def _phase_between(promotion: pricing.Promotion, now: datetime) -> SalePhase:
    rule = promotion.rule
    assert isinstance(rule, FlashSale)
    if sessions.following(promotion, now) is None:
        return SalePhase.ENDED  # The window goes on, but no session is left in it.
    if sessions.has_begun(promotion, now):
        return SalePhase.WAITING
    is_seen = sessions.is_visible(promotion, now, warm_up_minutes=rule.warm_up_minutes)
    return SalePhase.WARMING_UP if is_seen else SalePhase.SCHEDULED


def _told(progress: Progress) -> dict[str, int]:
    return {
        "total": progress.total,
        "sold": progress.sold,
        "held": progress.held,
        "left": progress.left,
    }


def _door(door: Door | None) -> dict[str, Any] | None:
    return None if door is None else _counted(door.total)


def _counted(counts: Any) -> dict[str, Any]:
    return {
        "requests": counts.get(Mark.REQUEST, 0),
        "admitted": counts.get(Mark.ADMITTED, 0),
        "refused": {mark.value: counts[mark] for mark in REFUSED if mark in counts},
    }


def _seconds(
    session: Session, promotion_id: int, door: Door | None, since: datetime, now: datetime
) -> list[dict[str, Any]]:
    moved: defaultdict[int, dict[str, int]] = defaultdict(dict)
    given = {"promotion_id": promotion_id, "since": since, "now": now}
    for second, what, pieces in session.execute(_MOVES, given):
        moved[second][what] = pieces
    counted = {} if door is None else door.seconds
    return [
        {
            "at": datetime.fromtimestamp(second, UTC),
            **_counted(counted.get(second, {})),
            **{what: moved[second].get(what, 0) for what in ("ordered", "paid", "released")},
        }
        for second in sorted({*counted, *moved})
    ]


def _order_rows(session: Session, promotion_id: int) -> Iterator[Sequence[Cell]]:
    after_id = 0
    while True:
        given = {"promotion_id": promotion_id, "after_id": after_id, "batch": BATCH}
        found = session.execute(_EXPORT, given).all()
        if not found:
            return
        after_id = found[-1].id
        names = members.briefs(session, {row.buyer_id for row in found})
        for row in found:
            yield (
                row.order_no, row.status, row.placed_at, row.paid_at, row.closed_at, row.buyer_id,
                names[row.buyer_id].nickname, row.title, row.spec_text, row.quantity,
                Yuan(row.items_fen), Yuan(row.discount_fen), Yuan(row.paid_fen),
                Yuan(row.refunded_fen),
            )  # fmt: skip


_ORDERS = text("""
SELECT count(*) AS ordered,
    count(*) FILTER (WHERE status IN ('unpaid', 'closing')) AS unpaid,
    count(paid_at) AS paid,
    count(closed_at) AS released,
    count(DISTINCT buyer_id) AS buyers,
    CAST(coalesce(sum(payable_fen), 0) AS bigint) AS ordered_fen,
    CAST(coalesce(sum(paid_fen), 0) AS bigint) AS paid_fen,
    CAST(coalesce(sum(refunded_fen), 0) AS bigint) AS refunded_fen,
    CAST(coalesce(sum(discount_fen) FILTER (WHERE paid_at IS NOT NULL), 0) AS bigint)
        AS discount_fen
FROM shop_order WHERE deal_id = :promotion_id
""")

_MOVES = text("""
SELECT CAST(floor(extract(epoch FROM at)) AS bigint) AS second, what, count(*) AS orders
FROM shop_order, LATERAL (
    VALUES (placed_at, 'ordered'), (paid_at, 'paid'), (closed_at, 'released')
) AS moved (at, what)
WHERE deal_id = :promotion_id AND at >= :since AND at <= :now
GROUP BY 1, 2
""")

_EXPORT = text("""
SELECT o.id, order_no, status, placed_at, paid_at, closed_at, buyer_id, items_fen, o.discount_fen,
    paid_fen, o.refunded_fen, string_agg(title, '；' ORDER BY seq) AS title,
    string_agg(spec_text, '；' ORDER BY seq) AS spec_text, sum(quantity) AS quantity
FROM shop_order AS o JOIN order_line AS l ON l.order_id = o.id AND l.kind = 'goods'
WHERE deal_id = :promotion_id AND o.id > :after_id
GROUP BY o.id ORDER BY o.id LIMIT :batch
""")
