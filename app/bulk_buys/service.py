"""
Orders of a bulk buy: priced by it alone, at what everybody pays first.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.bulk_buys import queries
from app.marketing.service import Choice
from app.orders import drafts
from app.orders import service as orders
from app.orders.drafts import Draft, Wanted
from app.orders.models import Order, OrderOrigin
from promotions.bulk_buys.queries import rule_for
from promotions.pricing import Deal


def preview(
    session: Session,
    *,
    promotion_id: int,
    buyer_id: int,
    quantities: Mapping[int, int],
    choice: Choice,
    address_id: int | None,
    now: datetime,
) -> Draft:
    """
    Say what an order of the bulk buy would cost, and why; nothing is written or held.

    :raises BulkBuyNotFound: there is none.
    :raises DealGone, SkuNotForSale, OutOfStock, RegionNotServed, AddressNotFound: as in orders.
    """
    queries.get(session, promotion_id=promotion_id)
    wanted = _wanted(promotion_id, quantities, choice)
    return drafts.preview(session, buyer_id=buyer_id, wanted=wanted, address_id=address_id, now=now)


def place(  # noqa: PLR0913  # One argument per thing the buyer says.
    session: Session,
    *,
    promotion_id: int,
    buyer_id: int,
    quantities: Mapping[int, int],
    choice: Choice,
    address_id: int,
    expected_payable_fen: int,
    remark: str,
    now: datetime,
) -> Order:
    """
    Place an order of the bulk buy; its pieces count once it is paid.

    :raises BulkBuyNotFound: there is none.
    :raises DealGone: it is not running, or does not price every piece.
    :raises QuantityOverLimit, PriceChanged, CouponGone, PromotionGone: as `orders.place`.
    """
    terms = rule_for(queries.get(session, promotion_id=promotion_id))
    return orders.place(
        session,
        buyer_id=buyer_id,
        wanted=_wanted(promotion_id, quantities, choice),
        address_id=address_id,
        expected_payable_fen=expected_payable_fen,
        remark=remark,
        pay_within=timedelta(minutes=terms.pay_minutes),
        now=now,
    )


def _wanted(promotion_id: int, quantities: Mapping[int, int], choice: Choice) -> Wanted:
    return Wanted(OrderOrigin.BULK_BUY, quantities, choice, deal=Deal(promotion_id=promotion_id))
