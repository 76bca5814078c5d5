"""
Placing: the draft is priced anew inside the transaction, and what it needs is held.

What may fail cheaply fails first; the stock is taken late, because everybody waits for its rows.
"""

from datetime import datetime, timedelta

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.catalogue import stock
from app.catalogue.queries import SellableSku
from app.catalogue.stock import OutOfStock
from app.core import metrics, numbers, queue
from app.core.errors import Conflict
from app.marketing import seats, wording
from app.marketing import service as marketing
from app.marketing.service import PromotionGone
from app.orders import drafts, paying, queries
from app.orders.drafts import OF_PRICE, Draft, Wanted
from app.orders.models import LineKind, Order, OrderLine, OrderOrigin, OrderStatus
from promotions.pricing import canonical

_LINES = insert(OrderLine)


class PriceChanged(Conflict):
    """The total, or what comes with it, is not what the buyer saw; `quote` is that of now."""

    code, title = "price_changed", "价格有变动，请确认后重新下单"


class QuantityOverLimit(Conflict):
    """A line asks for more than its promotion sells; `refusals` say how many each may have."""

    code, title = "quantity_over_limit", "购买数量超过活动限购"


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
    Place an order at the price of this moment, and hold what it takes until it expires.

    That is stock, gifts, coupons and uses of promotions. An order that costs nothing is paid at
    once.

    :raises QuantityOverLimit: a line asks for more than its promotion sells.
    :raises PriceChanged: the total is not `expected_payable_fen`, or gifts, coupons or points are
        not those expected.
    :raises CannotJoinTeam: the team of a group buy does not take the buyer.
    :raises CouponGone, PromotionGone: what is in the price was taken at this very moment.
    :raises SkuNotForSale, OutOfStock, RegionNotServed, AddressNotFound, DealGone: as
        `drafts.preview`.
    """
    try:
        draft = drafts.preview(
            session, buyer_id=buyer_id, wanted=wanted, address_id=address_id, now=now
        )
    except OutOfStock:
        metrics.stock_refusals.inc()
        raise
    if draft.quote.refusals:
        raise QuantityOverLimit(refusals=_refusals(draft))
    if draft.quote.payable_fen != expected_payable_fen or not draft.is_as(wanted.expected):
        raise PriceChanged(quote=wording.describe(draft.quote.to_json()))
    marketing.require_still_new(session, draft.priced, member_id=buyer_id)
    seat = _seat(session, wanted, buyer_id=buyer_id, now=now)
    order = _order(draft, buyer_id=buyer_id, wanted=wanted, now=now)
    order.remark = remark
    order.expires_at = now + pay_within
    session.add(order)
    session.flush()
    if draft.quote.payable_fen:
        queue.defer(session, "orders.expire", schedule_at=order.expires_at, order_id=order.id)
    session.connection().execute(_LINES, _rows(order.id, draft))
    if seat is not None:
        seats.hold(session, seat, source=order.source, member_id=buyer_id, now=now)
    _hold(session, order, wanted, draft, now)
    metrics.orders.labels("placed").inc()
    if draft.quote.payable_fen == 0:
        paying.mark_paid(
            session, order_id=order.id, transaction_id=None, paid_fen=0, paid_at=now, now=now
        )
    return order


def _hold(session: Session, order: Order, wanted: Wanted, draft: Draft, now: datetime) -> None:
    """Hold what the order takes; what all others wait for comes last, the shelf or the deal."""
    if draft.drawn_from is not None:
        _hold_stock(session, order.source, wanted, draft, now)
    marketing.reserve(
        session, source=order.source, member_id=order.buyer_id, quote=draft.quote, now=now
    )
    if draft.drawn_from is None:
        _hold_stock(session, order.source, wanted, draft, now)


def _seat(session: Session, wanted: Wanted, *, buyer_id: int, now: datetime) -> seats.Wish | None:
    """Return the seat that goes with the order: one in a team, if it is a group buy's."""
    if wanted.origin is not OrderOrigin.GROUP_BUY:
        return None
    assert wanted.deal is not None, "a group buy is a deal"
    return seats.wish(session, wanted.deal, team_no=wanted.team_no, member_id=buyer_id, now=now)


def _order(draft: Draft, *, buyer_id: int, wanted: Wanted, now: datetime) -> Order:
    quote = draft.quote
    assert draft.address is not None, "an order goes somewhere"
    return Order(
        order_no=numbers.order_no(now),
        buyer_id=buyer_id,
        status=OrderStatus.UNPAID,
        origin=wanted.origin,
        deal_id=None if wanted.deal is None else wanted.deal.promotion_id,
        items_fen=quote.items_fen,
        member_saves_fen=quote.member_saves_fen,
        discount_fen=quote.discount_fen,
        tender_fen=quote.tender_fen,
        freight_fen=quote.freight_fen,
        payable_fen=quote.payable_fen,
        address_sealed=queries.sealed_address(draft.address),
        quote=quote.canonical(),
        quote_digest=quote.digest,
        quote_input=canonical(draft.priced.cart.to_json()),
        snapshot_version=quote.snapshot_version,
        placed_at=now,
    )


def _hold_stock(session: Session, source: str, wanted: Wanted, draft: Draft, now: datetime) -> None:
    """Take goods and gifts off the shelf; for want of a gift the promotion is gone, not goods."""
    try:
        stock.hold(
            session,
            source=source,
            quantities=draft.quantities,
            drawn_from=draft.drawn_from,
            now=now,
        )
    except OutOfStock as short:
        sku_id, available = short.members["sku_id"], short.members["available"]
        for each in draft.gifts:
            if each.sku.sku_id == sku_id and available >= wanted.quantities.get(sku_id, 0):
                raise PromotionGone(promotion_id=each.gift.promotion_id) from short
        raise


def _refusals(draft: Draft) -> list[dict[str, int]]:
    sku_ids = {line.seq: line.sku.sku_id for line in draft.lines}
    return [
        {**refusal.to_json(), "sku_id": sku_ids[refusal.line_id]}
        for refusal in draft.quote.refusals
    ]


def _rows(order_id: int, draft: Draft) -> list[dict[str, object]]:
    """The lines as they are inserted: goods as priced, then gifts, which cost nothing."""
    goods = [
        {
            **_of_sku(order_id, line.seq, line.sku, line.priced.quantity),
            "kind": LineKind.GOODS,
            "promotion_id": None,
            "value_fen": 0,
            **line.amounts,
        }
        for line in draft.lines
    ]
    gifts = [
        {
            **_of_sku(order_id, each.seq, each.sku, each.gift.quantity),
            "kind": LineKind.GIFT,
            "promotion_id": each.gift.promotion_id,
            "value_fen": each.gift.value_fen,
            **dict.fromkeys(OF_PRICE, 0),
            "quantity": each.gift.quantity,
        }
        for each in draft.gifts
    ]
    return goods + gifts


def _of_sku(order_id: int, seq: int, sku: SellableSku, quantity: int) -> dict[str, object]:
    cost_fen = sku.cost_price_fen
    return {
        "cost_fen": None if cost_fen is None else cost_fen * quantity,
        "order_id": order_id,
        "seq": seq,
        "sku_id": sku.sku_id,
        "spu_id": sku.spu_id,
        "category_path": list(sku.category_path),
        "title": sku.title,
        "spec_text": sku.spec_text,
        "image_url": sku.image_url,
    }
