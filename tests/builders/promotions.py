"""Builders for promotions: pure carts and promotions, and campaigns in the database."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from promotions import campaigns, pricing
from promotions.definitions import Campaign
from promotions.models import Promotion

NOON = datetime(2026, 11, 11, 4, tzinfo=UTC)
STAFF = 1
AGREED = {"tags": ("a",), "agrees_with": ("a",)}
"""The manners of promotions that share a line."""
OFF_PIECES: dict[str, Any] = {"kind": "limited_time", "terms": {"off_bp": 1_000}}
"""A kind that sets the price of pieces: 九折."""
GIFTS: dict[str, Any] = {
    "kind": "spend_and_gift",
    "terms": {
        "tiers": [
            {
                "threshold": 100,
                "gifts": [
                    {"sku_id": 8, "quantity": 1, "value_fen": 900},
                    {"sku_id": 9, "quantity": 1, "value_fen": 500},
                ],
            }
        ]
    },
}
"""A kind that gives SKU 8 and SKU 9 away."""

_numbers = count(1)


def make_line(
    line_id: int = 1, *, fen: int = 10_000, quantity: int = 1, **more: Any
) -> pricing.CartLine:
    """A cart line; its SKU and SPU carry the line's number unless told."""
    fields = {"sku_id": line_id, "spu_id": line_id, **more}
    return pricing.CartLine(line_id=line_id, quantity=quantity, unit_price_fen=fen, **fields)


def make_cart(*lines: pricing.CartLine, now: datetime = NOON, **more: Any) -> pricing.Cart:
    """A cart at noon of a sale day, without freight."""
    return pricing.Cart(lines=lines or (make_line(),), now=now, **more)


def spend_and_save(*steps: tuple[int, int], max_times: int = 1) -> pricing.SpendAndSave:
    """Tiers of (threshold, off), both in fen."""
    tiers = tuple(pricing.Tier(threshold=at, off_fen=off) for at, off in steps)
    return pricing.SpendAndSave(tiers=tiers, max_times=max_times)


def make_promotion(
    promotion_id: int = 1, rule: pricing.Rule | None = None, **more: Any
) -> pricing.Promotion:
    """满100减10 on all goods, for good, unless told otherwise."""
    rule = rule or spend_and_save((10_000, 1_000))
    fields = {"title": f"活动{promotion_id}", "lane": rule.lane, "starts_at": NOON, **more}
    return pricing.Promotion(promotion_id=promotion_id, rule=rule, **fields)


def quote_of(cart: pricing.Cart, *promotions: pricing.Promotion, version: int = 1) -> pricing.Quote:
    """The quote of a cart under these promotions."""
    return pricing.price(cart, pricing.Snapshot(version, promotions))


def make_campaign(
    *, steps: Sequence[tuple[int, int]] = ((10_000, 1_000),), **more: Any
) -> Campaign:
    """满100减10 on all goods from noon on."""
    fields = {
        "kind": "spend_and_save",
        "title": f"满减{next(_numbers)}",
        "terms": {"tiers": [{"threshold": at, "off_fen": off} for at, off in steps]},
        "starts_at": NOON,
        **more,
    }
    return Campaign(**fields)


def make_published(
    session: Session, *, staff_id: int = STAFF, now: datetime = NOON, **more: Any
) -> Promotion:
    """A campaign that prices carts from its start on."""
    draft = campaigns.create(session, campaign=make_campaign(**more), staff_id=staff_id, now=now)
    return campaigns.publish(session, promotion_id=draft.id, staff_id=staff_id, now=now)
