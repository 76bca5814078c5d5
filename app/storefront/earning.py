"""
"赚 ¥x": what a distributor would earn by sharing products, for that distributor alone.

It is an answer of its own, beside pages that are the same for everybody and kept in memory: no
shopper's page and no cache ever holds it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.catalogue import shelf
from app.marketing.shown import Promoted, shown
from app.storefront.queries import one_of_each
from distribution.commissions import promises
from distribution.commissions.earning import PaidLine
from promotions import queries as engine


def of_products(
    session: Session, spu_ids: Collection[int], *, member_id: int, now: datetime
) -> list[dict[str, Any]]:
    """
    What one piece of each SKU of these products would earn at its price now, in fen.

    Empty for who is no active distributor. Products that are not on the shelf are left out. The
    promise is one statement, however many products.
    """
    found = shelf.goods(session, spu_ids)
    seen = shown(session, [one for each in found for one in _pieces(each)], now=now)
    lines = _lines(session, found, seen.prices)
    earned = promises.promise(session, lines, member_id=member_id, now=now)
    if not earned:
        return []
    return [_product(each, earned) for each in found if each["skus"]]


def _pieces(goods: Mapping[str, Any]) -> list[Any]:
    skus = [(sku_id, price_fen) for sku_id, price_fen, _ in goods["skus"]]
    return one_of_each(goods["id"], goods["path"], goods["tags"], skus)


def _lines(
    session: Session, found: Sequence[Mapping[str, Any]], prices: Mapping[int, Promoted]
) -> list[PaidLine]:
    """One piece of each SKU as if it were paid now; a campaign may pay no commission."""
    setting = {one.promotion_id for one in prices.values() if one.promotion_id is not None}
    silent = engine.without_commission(session, setting) if setting else set()
    return [
        PaidLine(
            line_source=str(sku_id),
            sku_id=sku_id,
            spu_id=goods["id"],
            paid_fen=prices[sku_id].price_fen,
            category_path=tuple(goods["path"]),
            cost_fen=cost_fen,
            is_commissioned=prices[sku_id].promotion_id not in silent,
        )
        for goods in found
        for sku_id, _, cost_fen in goods["skus"]
    ]


def _product(goods: Mapping[str, Any], earned: Mapping[str, int]) -> dict[str, Any]:
    skus = [
        {"sku_id": sku_id, "earn_fen": earned.get(str(sku_id), 0)} for sku_id, *_ in goods["skus"]
    ]
    amounts = [sku["earn_fen"] for sku in skus]
    return {
        "spu_id": goods["id"],
        "lowest_fen": min(amounts),
        "highest_fen": max(amounts),
        "skus": skus,
    }
