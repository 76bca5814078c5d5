"""
The limits of a campaign as rows that refuse to be exceeded: written for a draft, changed later.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from promotions import setups, stock
from promotions.definitions import CAPS, Campaign, campaign_of
from promotions.models import Promotion, PromotionCounter, PromotionGiftStock
from promotions.setups import Contradiction, Flaw
from promotions.states import MemberPeriod

TAKEN = {
    "max_uses": ("uses_reserved", "uses_used"),
    "budget_fen": ("reserved_fen", "used_fen"),
    "max_units": ("units_reserved", "units_used"),
}
"""What counts against each limit of all members together."""


def write(session: Session, promotion_id: int, campaign: Campaign) -> None:
    """Give a draft the rows its limits need; nothing is taken of them before it is published."""
    for table in (PromotionCounter, PromotionGiftStock):
        session.execute(delete(table).where(table.promotion_id == promotion_id))
    if campaign.has_counter:
        session.add(
            PromotionCounter(
                promotion_id=promotion_id,
                member_period=MemberPeriod(campaign.member_period),
                **{name: getattr(campaign, name) for name in CAPS},
            )
        )
    for gift in campaign.gift_stock:
        session.add(
            PromotionGiftStock(
                promotion_id=promotion_id, sku_id=gift["sku_id"], max_units=gift["total"]
            )
        )
    stock.write(session, promotion_id, campaign.stock)
    session.flush()


def change(session: Session, promotion: Promotion, limits: Mapping[str, Any]) -> None:
    """
    Set limits the promotion has to others: those in `CAPS`, and `gift_stock` by SKU.

    What all may have together goes up, or down to what is taken; what one person may have goes up,
    and so does the stock of a deal, by SKU: the caller takes the difference off the shelf.

    :raises Contradiction: a limit is new, lower than what is taken, lowered, or does not fit the
        others.
    """
    counter = session.get(
        PromotionCounter,
        promotion.id,
        with_for_update={"key_share": True},
        populate_existing=True,
    )
    for name in CAPS:
        if name in limits:
            _set_cap(counter, name, limits[name])
    if "gift_stock" in limits:
        _set_gift_stock(session, promotion, limits["gift_stock"])
    if "stock" in limits:
        _grow_stock(session, promotion, limits["stock"])
    setups.check(campaign_of(promotion, counter))
    session.flush()


def _set_cap(counter: PromotionCounter | None, name: str, cap: int) -> None:
    before = None if counter is None else getattr(counter, name)
    if before is None:
        raise Contradiction(name, Flaw.NOT_LIMITED)
    if name not in TAKEN and cap < before:
        raise Contradiction(name, Flaw.LOWERED)
    if cap < sum(getattr(counter, taken) for taken in TAKEN.get(name, ())):
        raise Contradiction(name, Flaw.BELOW_TAKEN)
    setattr(counter, name, cap)


def _set_gift_stock(
    session: Session, promotion: Promotion, wanted: Iterable[Mapping[str, int]]
) -> None:
    rows = session.scalars(
        select(PromotionGiftStock)
        .where(PromotionGiftStock.promotion_id == promotion.id)
        .order_by(PromotionGiftStock.sku_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    kept = {row.sku_id: row for row in rows}
    for number, gift in enumerate(wanted):
        row = kept.get(gift["sku_id"])
        if row is None:
            raise Contradiction(f"gift_stock.{number}.sku_id", Flaw.NOT_LIMITED)
        if gift["total"] < row.units_reserved + row.units_used:
            raise Contradiction(f"gift_stock.{number}.total", Flaw.BELOW_TAKEN)
        row.max_units = gift["total"]
    totals = [
        {**gift, "total": kept[gift["sku_id"]].max_units}
        for gift in promotion.definition.get("gift_stock", ())
    ]
    promotion.definition = {**promotion.definition, "gift_stock": totals}


def _grow_stock(
    session: Session, promotion: Promotion, wanted: Sequence[Mapping[str, int]]
) -> None:
    kept = {each["sku_id"]: each["total"] for each in promotion.definition.get("stock", ())}
    totals = {each["sku_id"]: each["total"] for each in wanted}
    for number, each in enumerate(wanted):
        if each["sku_id"] not in kept:
            raise Contradiction(f"stock.{number}.sku_id", Flaw.NOT_LIMITED)
        if each["total"] < kept[each["sku_id"]]:
            raise Contradiction(f"stock.{number}.total", Flaw.LOWERED)
    try:
        stock.grow(session, promotion_id=promotion.id, totals=totals)
    except stock.Closed as closed:
        raise Contradiction("stock", Flaw.ALREADY_OVER) from closed
    promotion.definition = {
        **promotion.definition,
        "stock": [{"sku_id": sku, "total": totals.get(sku, total)} for sku, total in kept.items()],
    }
