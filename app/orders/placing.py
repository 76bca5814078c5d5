"""
Placing: the draft is priced anew inside the transaction, and what it needs is held.

What may fail cheaply fails first; the stock is taken late, because everybody waits for its rows.
"""

from datetime import datetime, timedelta

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.catalogue import stock
from app.catalogue.stock import OutOfStock
from app.core import metrics, numbers, queue
from app.core.errors import Conflict
from app.marketing import service as marketing
from app.marketing import wording
from app.orders import drafts, paying, queries
from app.orders.drafts import Draft, DraftLine, Wanted
from app.orders.models import Order, OrderLine, OrderOrigin, OrderStatus


class PriceChanged(Conflict):
    """The total is not the one the buyer saw; `quote` is the one of this moment."""

    code, title = "price_changed", "价格有变动，请确认后重新下单"


def place(
    session: Session,
    *,
    buyer_id: int,
    wanted: Wanted,
    address_id: int,
    expected_payable_fen: int,
    remark: str,
    pay_within: timedelta,
    now: datetime,
) -> Order:
    """
    Place an order at the price of this moment, hold its stock and promotions until it expires.

    An order that costs nothing is paid at once.

    :raises PriceChanged: the total is not `expected_payable_fen`.
    :raises PromotionGone: a promotion in the price ran out at this very moment.
    :raises SkuNotForSale, OutOfStock, RegionNotServed, AddressNotFound: as `drafts.preview`.
    """
    try:
        draft = drafts.preview(
            session, buyer_id=buyer_id, wanted=wanted, address_id=address_id, now=now
        )
    except OutOfStock:
        metrics.stock_refusals.inc()
        raise
    if draft.quote.payable_fen != expected_payable_fen:
        raise PriceChanged(quote=wording.describe(draft.quote.to_json()))
    order = _order(draft, buyer_id=buyer_id, origin=wanted.origin, now=now)
    order.remark = remark
    order.expires_at = now + pay_within
    session.add(order)
    session.flush()
    if draft.quote.payable_fen:
        queue.defer(session, "orders.expire", schedule_at=order.expires_at, order_id=order.id)
    marketing.reserve(session, source=order.source, member_id=buyer_id, quote=draft.quote, now=now)
    stock.hold(session, source=order.source, quantities=wanted.quantities, now=now)
    session.execute(insert(OrderLine), [_row(order.id, line) for line in draft.lines])
    metrics.orders.labels("placed").inc()
    if draft.quote.payable_fen == 0:
        paying.mark_paid(
            session, order_id=order.id, transaction_id=None, paid_fen=0, paid_at=now, now=now
        )
    return order


def _order(draft: Draft, *, buyer_id: int, origin: OrderOrigin, now: datetime) -> Order:
    quote = draft.quote
    assert draft.address is not None, "an order goes somewhere"
    return Order(
        order_no=numbers.order_no(now),
        buyer_id=buyer_id,
        status=OrderStatus.UNPAID,
        origin=origin,
        items_fen=quote.items_fen,
        discount_fen=quote.discount_fen,
        freight_fen=quote.freight_fen,
        payable_fen=quote.payable_fen,
        address_sealed=queries.sealed_address(draft.address),
        quote=quote.canonical(),
        quote_digest=quote.digest,
        snapshot_version=quote.snapshot_version,
        placed_at=now,
    )


def _row(order_id: int, line: DraftLine) -> dict[str, object]:
    return {
        "order_id": order_id,
        "seq": line.seq,
        "sku_id": line.sku.sku_id,
        "spu_id": line.sku.spu_id,
        "category_path": list(line.sku.category_path),
        "title": line.sku.title,
        "spec_text": line.sku.spec_text,
        "image_url": line.sku.image_url,
        "unit_price_fen": line.priced.unit_price_fen,
        "quantity": line.priced.quantity,
        "amount_fen": line.priced.amount_fen,
        "discount_fen": line.priced.discount_fen,
        "payable_fen": line.priced.payable_fen,
    }
