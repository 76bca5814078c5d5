"""Orders of bulk buys."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.bulk_buys import service
from app.marketing.service import ANY_CHOICE, Choice
from app.members import queries as members
from app.members.models import Member
from app.orders import queries as orders
from app.orders.models import Order
from promotions.models import Promotion
from tests.builders.members import make_address, make_member


def make_bulk_order(
    session: Session,
    promotion: Promotion,
    quantities: Mapping[int, int],
    *,
    now: datetime,
    buyer: Member | None = None,
    choice: Choice = ANY_CHOICE,
) -> Order:
    """An order of a bulk buy (SKU id → pieces), not paid yet."""
    buyer = buyer or make_member(session)
    known = members.list_addresses(session, buyer.id)
    address = known[0] if known else make_address(session, member_id=buyer.id)
    wanted: dict[str, Any] = {
        "promotion_id": promotion.id,
        "buyer_id": buyer.id,
        "quantities": quantities,
        "choice": choice,
        "address_id": address.id,
        "now": now,
    }
    draft = service.preview(session, **wanted)
    payable_fen = draft.quote.payable_fen
    order = service.place(session, **wanted, expected_payable_fen=payable_fen, remark="")
    return orders.get(session, order_no=order.order_no)
