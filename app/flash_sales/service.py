"""
Buying in a flash sale: an order at the price of the sale, within the time the sale gives to pay.
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.catalogue.stock import OutOfStock
from app.core.errors import AppError, Conflict
from app.flash_sales import sales
from app.flash_sales.gate import Attempt
from app.marketing.service import Choice, PromotionGone
from app.orders import service as orders
from app.orders.drafts import DealGone, Wanted
from app.orders.models import Order, OrderOrigin
from app.orders.service import QuantityOverLimit
from promotions.pricing import Deal
from promotions.takings import takings


class SoldOut(Conflict):
    """All pieces are taken, or fewer are left than asked for: `left`. Unpaid ones come back."""

    code, title = "sold_out", "已抢光"


class SaleLimitReached(Conflict):
    """The member has taken what one person may: `limit` pieces or orders."""

    code, title = "sale_limit_reached", "已达到本场秒杀的限购数量"


def buy(
    session: Session,
    *,
    attempt: Attempt,
    address_id: int,
    expected_payable_fen: int,
    choice: Choice,
    remark: str,
    now: datetime,
) -> Order:
    """
    Place an order at the price of the sale; its pieces are the buyer's until it must be paid.

    :raises SoldOut: too few pieces are left.
    :raises SaleLimitReached: the buyer has taken what one person may.
    :raises DealGone: the sale was stopped this moment.
    :raises FlashSaleNotFound, NotStarted, SaleEnded, SalePaused, NotInSale: as `sales.running`.
    :raises QuantityOverLimit: more than one order may have.
    :raises PriceChanged, CouponGone, AddressNotFound, RegionNotServed: as `orders.service.place`.
    """
    sale = sales.running(session, attempt.promotion_id, attempt.sku_id, now=now)
    wanted = Wanted(
        OrderOrigin.FLASH_SALE,
        {attempt.sku_id: attempt.quantity},
        choice=choice,
        deal=Deal(promotion_id=attempt.promotion_id),
    )
    try:
        return orders.place(
            session,
            buyer_id=attempt.member_id,
            wanted=wanted,
            address_id=address_id,
            expected_payable_fen=expected_payable_fen,
            remark=remark,
            pay_within=timedelta(minutes=sales.rule_of(sale).pay_minutes),
            now=now,
        )
    except (DealGone, OutOfStock, PromotionGone, QuantityOverLimit) as refused:
        raise _reason(session, refused, attempt, now) from refused


def _reason(session: Session, refused: AppError, attempt: Attempt, now: datetime) -> AppError:
    """Say in the words of the sale why the database refuses; what was begun is yet to be undone."""
    taken = takings(session, attempt.promotion_id, now=now, member_id=attempt.member_id)
    # Pieces first: who was refused for want of them may have been counted already.
    left = taken.left.get(attempt.sku_id, 0)
    if left < attempt.quantity:
        return SoldOut(left=left)
    uses, units = taken.members.get(attempt.member_id, (0, 0))
    if taken.max_uses is not None and uses + 1 > taken.max_uses:
        return SaleLimitReached(limit=taken.max_uses)
    if taken.max_units is not None and units + attempt.quantity > taken.max_units:
        return SaleLimitReached(limit=taken.max_units)
    return refused
