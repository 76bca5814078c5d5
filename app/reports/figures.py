"""
What campaigns brought: orders, discount, revenue, refunds, and how often each was in the running.

Money comes from the reservations, one row per order and campaign, and is exact. How often a
campaign was a candidate and why it did not apply stands only in the orders' quotes: that is
counted over the latest `QUOTES_MAX` orders of the time, and the answer says if there were more.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Date, Select, case, cast, func, select, text
from sqlalchemy.orm import Session

from app.core import clock, numbers
from app.orders.models import Order
from promotions.models import PromotionReservation
from promotions.states import ReservationStatus

QUOTES_MAX = 10_000
ORDER = "order:"
"""What the source of an order's reservation begins with; its number follows."""

_held = PromotionReservation
_DAY = cast(func.timezone(clock.CHINA.key, Order.placed_at), Date)


def _sum(amount: ColumnElement[int] | Any, status: ReservationStatus | None = None) -> Any:
    counted = amount if status is None else case((_held.status == status, amount), else_=0)
    return cast(func.coalesce(func.sum(counted), 0), BigInteger)


_FIGURES = (
    func.count().label("placed_orders"),
    func.count(Order.paid_at).label("paid_orders"),
    _sum(_held.uses, ReservationStatus.CONFIRMED).label("uses"),
    _sum(_held.amount_fen, ReservationStatus.CONFIRMED).label("discount_fen"),
    _sum(_held.amount_fen, ReservationStatus.RESERVED).label("held_fen"),
    _sum(Order.paid_fen).label("revenue_fen"),
    _sum(Order.refunded_fen).label("refunded_fen"),
)
NAMES = tuple(column.name for column in _FIGURES)
NOTHING = dict.fromkeys(NAMES, 0)


def of_promotions(session: Session, promotion_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Return what each campaign brought in all its time; zeros for one that nobody used."""
    found = session.execute(
        _with_orders(select(_held.promotion_id, *_FIGURES), promotion_ids).group_by(
            _held.promotion_id
        )
    )
    brought = {row[0]: dict(zip(NAMES, row[1:], strict=True)) for row in found}
    return {promotion_id: brought.get(promotion_id, NOTHING) for promotion_id in promotion_ids}


def by_day(session: Session, promotion_id: int, *, since: datetime) -> list[dict[str, date | int]]:
    """Return what a campaign brought by the day its orders were placed, from a moment on."""
    found = session.execute(
        _with_orders(select(_DAY, *_FIGURES), [promotion_id])
        .where(Order.order_no >= numbers.first_order_no(since))
        .group_by(_DAY)
        .order_by(_DAY)
    )
    return [{"day": row[0], **dict(zip(NAMES, row[1:], strict=True))} for row in found]


def exposure(
    session: Session, promotion_id: int, *, since: datetime, until: datetime
) -> dict[str, Any]:
    """
    Return how many orders of `[since, until)` had the campaign as a candidate, by verdict.

    A coupon template may have several verdicts on one order; the order counts once under each.
    """
    found = session.execute(
        _VERDICTS,
        {
            "promotion_id": promotion_id,
            "first_no": numbers.first_order_no(since),
            "end_no": numbers.first_order_no(until),
            "most": QUOTES_MAX,
        },
    ).all()
    by_code: Mapping[str | None, int] = {row.code: row.orders for row in found}
    scanned = max((row.scanned for row in found), default=0)
    return {
        "scanned_orders": scanned,
        "is_cut": scanned == QUOTES_MAX,
        "orders": by_code.get(None, 0),
        "verdicts": [
            {"code": code, "orders": count}
            for code, count in sorted(by_code.items(), key=lambda it: (-it[1], it[0] or ""))
            if code is not None
        ],
    }


def _with_orders(wanted: Select[Any], promotion_ids: Iterable[int]) -> Select[Any]:
    number = func.substr(_held.source, len(ORDER) + 1)
    return wanted.join(Order, Order.order_no == number).where(
        _held.promotion_id.in_(list(promotion_ids)), _held.source.startswith(ORDER)
    )


# Order numbers begin with their moment, so their unique index finds the orders of a time. The row
# without a code counts the orders that had the campaign as a candidate at all.
_VERDICTS = text(
    """
    WITH latest AS (
        SELECT id, quote FROM shop_order
        WHERE order_no >= :first_no AND order_no < :end_no
        ORDER BY order_no DESC LIMIT :most
    ), verdicts AS (
        SELECT DISTINCT latest.id, verdict ->> 'code' AS code
        FROM latest, jsonb_array_elements(convert_from(quote, 'UTF8')::jsonb -> 'trace') AS verdict
        WHERE (verdict ->> 'promotion_id')::bigint = :promotion_id
    )
    SELECT code, count(DISTINCT id) AS orders, (SELECT count(*) FROM latest) AS scanned
    FROM verdicts GROUP BY GROUPING SETS ((code), ())
    """
)
