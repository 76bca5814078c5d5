"""
What is shown of bulk buys: to shoppers what a piece costs and may yet cost, to staff the figures.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.bulk_buys import wording
from app.catalogue import queries as catalogue
from app.catalogue.queries import SellableSku
from app.core import paging
from app.core.errors import NotFound
from app.orders import queries as orders
from app.payments import service as payments
from app.payments.models import RefundStatus
from promotions import queries as campaigns
from promotions.bulk_buys import ShareState
from promotions.bulk_buys import queries as engine
from promotions.bulk_buys.models import BulkShare
from promotions.bulk_buys.queries import NOTHING_YET, Standing
from promotions.life import phase
from promotions.models import Promotion
from promotions.pricing.kinds import BulkBuy
from promotions.states import CampaignStatus

OF_SHARE = (
    "member_id",
    "pieces",
    "counted",
    "paid_fen",
    "state",
    "due_back_fen",
    "paid_at",
    "settled_at",
)
REFUND = "bulk_buy:"
"""What the source of a refund begins with that a bulk buy's end asked for; the order follows."""


class BulkBuyNotFound(NotFound):
    """No such bulk buy, or it is not published yet."""

    code, title = "bulk_buy_not_found", "团购活动不存在"


class NoBulkBuyOrder(NotFound):
    """The order is of no bulk buy, or not paid."""

    code, title = "no_bulk_buy_order", "该订单不是已付款的团购订单"


def refund_source(order_no: str) -> str:
    """The one source of what the end of a bulk buy brings an order: `bulk_buy:O…`."""
    return f"{REFUND}{order_no}"


def get(session: Session, *, promotion_id: int) -> Promotion:
    """
    Return a bulk buy that is or was published.

    :raises BulkBuyNotFound: there is none.
    """
    try:
        promotion = campaigns.get(session, promotion_id)
    except campaigns.NoSuchPromotion as missing:
        raise BulkBuyNotFound from missing
    if promotion.kind != BulkBuy.kind or promotion.status is CampaignStatus.DRAFT:
        raise BulkBuyNotFound
    return promotion


def page(session: Session, *, now: datetime) -> Sequence[dict[str, Any]]:
    """Return the bulk buys that sell or are about to, by rank."""
    return _shown(session, engine.shown(session, now=now), now)


def show(session: Session, *, promotion_id: int, now: datetime) -> dict[str, Any]:
    """
    Return one bulk buy as shoppers see it, over or not.

    :raises BulkBuyNotFound: there is none.
    """
    return _shown(session, [get(session, promotion_id=promotion_id)], now)[0]


def outcome(session: Session, *, order_no: str, buyer_id: int) -> dict[str, Any]:
    """
    Return what became of the buyer's order in its bulk buy, and what came back.

    :raises OrderNotFound: there is none, or it is somebody else's.
    :raises NoBulkBuyOrder: it is of no bulk buy, or not paid.
    """
    order = orders.get(session, order_no=order_no, buyer_id=buyer_id)
    share = engine.share_of(session, source=order.source)
    if share is None:
        raise NoBulkBuyOrder
    promotion = campaigns.get(session, share.promotion_id)
    standing = engine.standings(session, [share.promotion_id])[share.promotion_id]
    refund = payments.by_source(session, refund_source(order_no))
    is_back = refund is not None and refund.status == RefundStatus.SUCCESS
    return {
        "order_no": order_no,
        "promotion_id": promotion.id,
        "title": promotion.title,
        "pieces": share.pieces,
        "state": share.state,
        "collected": standing.collected,
        "tier": standing.tier,
        "closed_at": standing.closed_at,
        "due_back_fen": share.due_back_fen,
        "is_back": is_back,
        "message": wording.outcome(share.state, share.due_back_fen, is_back=is_back),
    }


def figures(session: Session, *, promotion_id: int, now: datetime) -> dict[str, Any]:
    """
    Return what a bulk buy has brought in, where it stands and what of it went back.

    :raises BulkBuyNotFound: there is none.
    """
    promotion = get(session, promotion_id=promotion_id)
    standing = engine.standings(session, [promotion_id])[promotion_id]
    terms = engine.rule_for(promotion)
    return {
        **engine.figures(session, promotion_id)._asdict(),
        "promotion_id": promotion_id,
        "title": promotion.title,
        "phase": phase(promotion, now),
        "unpaid": engine.unpaid(session, promotion_id),
        "collected": standing.collected,
        "reached": _reached(terms, standing),
        "closed_at": standing.closed_at,
    }


def shares_page(
    session: Session,
    *,
    promotion_id: int,
    state: ShareState | None,
    before_id: int | None,
    limit: int,
) -> dict[str, Any]:
    """
    Return a page of the paid orders of a bulk buy, the latest first.

    :raises BulkBuyNotFound: there is none.
    """
    get(session, promotion_id=promotion_id)
    found = engine.page(session, promotion_id, state=state, before_id=before_id, limit=limit + 1)
    items = found[:limit]
    has_more = len(found) > limit
    return {
        "items": [{**_columns(share), "order_no": order_no_of(share)} for share in items],
        "next_cursor": paging.encode(items[-1].id) if has_more else None,
    }


def order_no_of(share: BulkShare) -> str:
    """Return the number of the order that a share is of."""
    return share.source.removeprefix("order:")


def _columns(share: BulkShare) -> dict[str, Any]:
    return {name: getattr(share, name) for name in OF_SHARE}


def _shown(
    session: Session, promotions: Sequence[Promotion], now: datetime
) -> list[dict[str, Any]]:
    standings = engine.standings(session, [promotion.id for promotion in promotions])
    terms = {promotion.id: engine.rule_for(promotion) for promotion in promotions}
    wanted = {sku_id for rule in terms.values() for sku_id in rule.price_of}
    skus = catalogue.skus_for_pricing(session, wanted)
    return [
        _one(promotion, terms[promotion.id], standings.get(promotion.id, NOTHING_YET), skus, now)
        for promotion in promotions
    ]


def _one(
    promotion: Promotion,
    terms: BulkBuy,
    standing: Standing,
    skus: Mapping[int, SellableSku],
    now: datetime,
) -> dict[str, Any]:
    reached = _reached(terms, standing)
    steps = [
        (terms.min_pieces or 1, 0),
        *((tier.pieces, n) for n, tier in enumerate(terms.tiers, 1)),
    ]
    missing = [pieces - standing.collected for pieces, _ in steps if pieces > standing.collected]
    return {
        "id": promotion.id,
        "title": promotion.title,
        "phase": phase(promotion, now),
        "starts_at": promotion.starts_at,
        "ends_at": promotion.ends_at,
        "server_time": now,
        "rule": wording.rule(terms),
        "min_pieces": terms.min_pieces,
        "max_units_per_order": terms.max_units_per_order,
        "with_coupons": terms.with_coupons,
        "with_points": terms.with_points,
        "pay_minutes": terms.pay_minutes,
        "collected": standing.collected,
        "reached": reached,
        "pieces_to_next": missing[0] if missing and standing.closed_at is None else None,
        "closed_at": standing.closed_at,
        "tiers": [
            {
                "tier": number,
                "pieces": pieces,
                "is_reached": reached is not None and reached >= number,
                "prices": [
                    {"sku_id": sku_id, "price_fen": fen}
                    for sku_id, fen in sorted(terms.lists[number].items())
                ],
            }
            for pieces, number in steps
        ],
        "goods": [
            {
                "sku_id": sku.sku_id,
                "spu_id": sku.spu_id,
                "title": sku.title,
                "spec_text": sku.spec_text,
                "image_url": sku.image_url,
                "list_price_fen": sku.price_fen,
                "price_fen": terms.price_of[sku.sku_id],
                "reached_price_fen": terms.lists[reached or 0][sku.sku_id],
                "lowest_price_fen": terms.lists[-1][sku.sku_id],
                "is_for_sale": sku.is_on_sale and sku.available > 0,
            }
            for sku in (skus[sku_id] for sku_id in sorted(terms.price_of) if sku_id in skus)
        ],
    }


def _reached(terms: BulkBuy, standing: Standing) -> int | None:
    """The tier that is fixed, or would be if it ended now."""
    return standing.tier if standing.closed_at else terms.reached(standing.collected)
