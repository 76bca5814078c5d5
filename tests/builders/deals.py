"""Deals as the merchant's publishing leaves them: their pieces carved out of the shelf."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.catalogue.models import Sku
from app.marketing import carving
from app.orders import service as orders
from app.orders.drafts import Wanted
from app.orders.models import Order, OrderOrigin
from promotions import campaigns
from promotions.models import Promotion
from promotions.pricing import Deal
from tests.builders.members import make_address
from tests.builders.promotions import STAFF, make_published

ORIGINS = {"flash_sale": OrderOrigin.FLASH_SALE, "group_buy": OrderOrigin.GROUP_BUY}


def make_deal(
    session: Session,
    sku: Sku,
    *,
    now: datetime,
    kind: str = "flash_sale",
    price_fen: int = 100,
    total: int | None = 10,
    terms: dict[str, Any] | None = None,
    **more: Any,
) -> Promotion:
    """A running deal on one SKU, for an hour; with `total` pieces of its own, or none."""
    needed = {"team_size": 2, "team_minutes": 60} if kind == "group_buy" else {}
    fields = {
        "starts_at": now - timedelta(minutes=1),
        "ends_at": now + timedelta(hours=1),
        "stock": [] if total is None else [{"sku_id": sku.id, "total": total}],
        **more,
    }
    promotion = make_published(
        session,
        now=now - timedelta(minutes=2),
        kind=kind,
        terms={
            "prices": [{"sku_id": sku.id, "price_fen": price_fen}],
            **needed,
            **(terms or {}),
        },
        **fields,
    )
    carving.follow(session, promotion, now=now)
    return promotion


def end_deal(session: Session, promotion: Promotion, *, now: datetime) -> None:
    """End it as staff do."""
    campaigns.end(session, promotion_id=promotion.id, staff_id=STAFF, now=now)
    carving.follow(session, promotion, now=now)


def place_at(
    session: Session,
    promotion: Promotion,
    sku: Sku,
    *,
    buyer_id: int,
    now: datetime,
    quantity: int = 1,
    price_fen: int = 100,
    pay_within: timedelta = timedelta(minutes=5),
) -> Order:
    """An order at a deal; nothing of it is to be paid but the goods."""
    address = make_address(session, member_id=buyer_id)
    return orders.place(
        session,
        buyer_id=buyer_id,
        wanted=Wanted(
            ORIGINS[promotion.kind], {sku.id: quantity}, deal=Deal(promotion_id=promotion.id)
        ),
        address_id=address.id,
        expected_payable_fen=price_fen * quantity,
        remark="",
        pay_within=pay_within,
        now=now,
    )
