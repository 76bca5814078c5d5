"""Group buys as the mall has them: published campaigns, orders that open and join teams."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.catalogue.models import Sku
from app.group_buys import service
from app.marketing import campaigns
from app.marketing.service import ANY_CHOICE
from app.members import queries as members
from app.members.models import Member
from app.orders import queries as orders
from app.orders.models import Order
from promotions import campaigns as engine
from promotions import queries
from promotions.models import Promotion
from tests.builders.members import make_address
from tests.builders.promotions import STAFF

PRICE_FEN, OPENER_FEN, ALONE_FEN = 5900, 4900, 9900
LAWFUL: dict[str, Any] = {
    "priority": 0, "group": None, "group_mode": "best", "tags": [], "agrees_with": [],
    "stop_after": False, "base": "running", "max_discount_fen": None, "audience": None,
    "slots": [], "issue": None, "pays_commission": True, "includes": None, "excludes": {},
    "max_uses": None, "budget_fen": None, "max_units": None, "member_max_uses": None,
    "member_max_units": None, "member_period": "lifetime", "gift_stock": [], "stock": [],
}  # fmt: skip


def make_group_buy(
    session: Session,
    sku: Sku,
    *,
    now: datetime,
    stock: int | None = None,
    terms: Mapping[str, Any] | None = None,
    is_published: bool = True,
    **more: Any,
) -> Promotion:
    """A group buy for two within an hour, ¥59 and ¥49 for the opener, that began a minute ago."""
    fields = {
        **LAWFUL,
        "kind": "group_buy",
        "title": "保温杯双人团",
        "starts_at": now - timedelta(minutes=1),
        "ends_at": now + timedelta(days=1),
        "terms": {
            "prices": [{"sku_id": sku.id, "price_fen": PRICE_FEN}],
            "opener_prices": [{"sku_id": sku.id, "price_fen": OPENER_FEN}],
            "team_size": 2,
            "team_minutes": 60,
            **(terms or {}),
        },
        "stock": [] if stock is None else [{"sku_id": sku.id, "total": stock}],
        **more,
    }
    drafted = campaigns.create(session, fields=fields, staff_id=STAFF, now=now)
    if is_published:
        campaigns.move(session, engine.publish, promotion_id=drafted["id"], staff_id=STAFF, now=now)
    return queries.get(session, drafted["id"])


def order_in_team(
    session: Session,
    group_buy: Promotion,
    sku: Sku,
    buyer: Member,
    *,
    now: datetime,
    team_no: str | None = None,
    quantity: int = 1,
) -> Order:
    """An unpaid order of a member that opens a team, or joins one."""
    known = members.list_addresses(session, buyer.id)
    address = known[0] if known else make_address(session, member_id=buyer.id)
    wish = service.Wish(group_buy.id, buyer.id, sku.id, quantity, team_no, ANY_CHOICE)
    draft = service.preview(session, wish, address_id=address.id, now=now)
    placed = service.place(
        session,
        wish,
        address_id=address.id,
        expected_payable_fen=draft.quote.payable_fen,
        remark="",
        now=now,
    )
    return orders.get(session, order_no=placed["order_no"])
