"""What a poster shows: the product as a visitor sees it now, who shares it, and the code."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.members import queries as members
from app.storefront import earning
from app.storefront import queries as storefront


def contents(
    session: Session, *, member_id: int, spu_id: int | None, now: datetime
) -> dict[str, Any]:
    """
    The distributor's own name and picture, and the product with its prices of this moment.

    `earn` is for the distributor's eyes and no part of the poster.

    :raises SpuNotFound: there is no such product on the shelf.
    """
    sharer = members.get(session, member_id)
    return {
        "nickname": sharer.nickname,
        "avatar_url": sharer.avatar_url,
        "product": None if spu_id is None else _product(session, spu_id, now),
        "earn": None if spu_id is None else _earn(session, spu_id, member_id, now),
    }


def _product(session: Session, spu_id: int, now: datetime) -> dict[str, Any]:
    page = storefront.get_product(session, spu_id=spu_id, now=now)
    now_fen = [sku["promoted_price_fen"] for sku in page["skus"]] or [page["promoted_price_fen"]]
    return {
        "spu_id": spu_id,
        "title": page["title"],
        "subtitle": page["subtitle"],
        "image_url": next(iter(page["images"]), ""),
        "price_fen": page["promoted_price_fen"],
        "list_price_fen": page["price_fen"],
        "crossed_out_fen": page["crossed_out_fen"],
        "lowest_fen": min(now_fen),
        "highest_fen": max(now_fen),
    }


def _earn(session: Session, spu_id: int, member_id: int, now: datetime) -> dict[str, Any] | None:
    found = earning.of_products(session, [spu_id], member_id=member_id, now=now)
    return found[0] if found else None
