"""
What shoppers see: one SELECT for a page of the list, one for a product page.

These are the hottest reads of the mall. The database answers one JSON value, which costs less than
describing a dozen columns and rebuilding each row.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, BigInteger, TextClause, bindparam, text
from sqlalchemy.orm import Session

from app.catalogue import search
from app.catalogue.queries import SpuNotFound, spec_text
from app.core import paging
from app.core.errors import Invalid

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MICROSECONDS = "CAST(extract(epoch FROM listed_at) * 1000000 AS bigint)"


class Sort(StrEnum):
    """In which order a list is shown; ties go by id, so that pages neither skip nor repeat."""

    DEFAULT = "default"
    PRICE_ASC = "price_asc"
    PRICE_DESC = "price_desc"
    SALES = "sales"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Order:
    """The column a list is sorted by, and its direction."""

    column: str
    is_descending: bool = True

    @property
    def position(self) -> str:
        """The column as the whole number a cursor carries; of a moment, its microseconds."""
        return MICROSECONDS if self.column == "listed_at" else self.column


ORDERS = {
    Sort.DEFAULT: Order("sort"),
    Sort.PRICE_ASC: Order("min_price_fen", is_descending=False),
    Sort.PRICE_DESC: Order("min_price_fen"),
    Sort.SALES: Order("sales_count"),
    Sort.NEW: Order("listed_at"),
}


def list_products(
    session: Session,
    *,
    category_id: int | None = None,
    q: str = "",
    sort: Sort = Sort.DEFAULT,
    cursor: str | None = None,
    limit: int = 20,
) -> dict[str, Any]:
    """
    One page of what is on the shelf, in a category and all below it, that has every word of `q`.

    A card carries what pricing needs too: the category's `path`, and (id, price in fen) of `skus`.

    :raises Invalid: the cursor is not one of this order.
    """
    terms = search.query(q) if q else None
    if q and terms is None:
        return {"items": [], "next_cursor": None}
    given: dict[str, Any] = {"limit": limit + 1}
    if category_id is not None:
        given["category_id"] = category_id
    if terms:
        given["terms"] = terms
    if cursor:
        given["after"], given["after_id"] = _position(cursor, sort)
    found = session.execute(_statement(sort, frozenset(given)), given).scalar_one() or []
    shown = found[:limit]
    positions = [card.pop("position") for card in shown]
    has_more = len(found) > limit
    return {
        "items": shown,
        "next_cursor": paging.encode(sort, positions[-1], shown[-1]["id"]) if has_more else None,
    }


def get_product(session: Session, *, spu_id: int) -> dict[str, Any]:
    """
    The page of one product on the shelf.

    :raises SpuNotFound: there is no such product, or it is not on the shelf.
    """
    page: dict[str, Any] | None = session.execute(PRODUCT, {"spu_id": spu_id}).scalar_one_or_none()
    if page is None:
        raise SpuNotFound
    for sku in page["skus"]:
        sku["spec_text"] = spec_text(sku["spec_values"])
    return page


def goods(session: Session, spu_ids: Collection[int]) -> list[dict[str, Any]]:
    """
    What pricing needs of those of these products that are on the shelf, by id; one query.

    Each has its `id`, `tags`, category `path`, and (id, price, cost) of its `skus`, in fen. No
    shopper may see the cost.
    """
    rows = session.execute(GOODS, {"spu_ids": list(spu_ids)})
    return [dict(row._mapping) for row in rows]


def _position(cursor: str, sort: Sort) -> tuple[int | datetime, int]:
    of, position, id_ = paging.decode(cursor, str, int, int)
    if of != sort:
        raise Invalid(errors={"cursor": ["翻页标记属于另一种排序，请从第一页开始"]})
    if sort is Sort.NEW:
        try:
            return EPOCH + position * MICROSECOND, id_
        except OverflowError as error:
            raise Invalid(errors={"cursor": ["翻页标记无效，请从第一页开始"]}) from error
    return position, id_


@cache
def _statement(sort: Sort, given: frozenset[str]) -> TextClause:
    """The SELECT for one kind of page; made only of the constants below."""
    order = ORDERS[sort]
    direction, beyond = ("DESC", "<") if order.is_descending else ("ASC", ">")
    conditions = ["status = 'on_shelf'"]
    if "category_id" in given:
        conditions.append(IN_CATEGORY)
    if "terms" in given:
        conditions.append("search @@ CAST(:terms AS tsquery)")
    if "after" in given:
        conditions.append(f"({order.column}, id) {beyond} (:after, :after_id)")
    return text(f"""
        SELECT json_agg(card) FROM (
            SELECT {CARD}, {order.position} AS position
            FROM spu WHERE {" AND ".join(conditions)}
            ORDER BY {order.column} {direction}, id {direction} LIMIT :limit
        ) AS card
    """)  # noqa: S608


CARD = """
    id, title, subtitle, images ->> 0 AS image_url, tags,
    min_price_fen, max_price_fen, crossed_out_fen, sales_count,
    NOT EXISTS (
        SELECT FROM sku WHERE spu_id = spu.id AND is_active AND available > 0
    ) AS is_sold_out,
    (SELECT path FROM category WHERE id = spu.category_id) AS path,
    (
        SELECT coalesce(json_agg(json_build_array(id, price_fen) ORDER BY id), '[]')
        FROM sku WHERE spu_id = spu.id AND is_active
    ) AS skus
"""

IN_CATEGORY = """category_id IN (
    SELECT id FROM category WHERE path @> ARRAY[CAST(:category_id AS bigint)]
)"""

# The freight shown is that of most regions: the rule with the shortest prefix.
PRODUCT = text("""
SELECT row_to_json(page) FROM (SELECT
    spu.id, title, subtitle, description, images, tags, spec,
    min_price_fen, max_price_fen, crossed_out_fen, sales_count,
    (
        SELECT json_agg(json_build_object('id', id, 'name', name) ORDER BY cardinality(path))
        FROM category WHERE id = ANY(own.path)
    ) AS categories,
    (
        SELECT json_build_object('id', id, 'name', name, 'logo_url', logo_url)
        FROM brand WHERE id = spu.brand_id
    ) AS brand,
    (
        SELECT json_build_object('first_fen', first_fen, 'free_over_fen', free_over_fen)
        FROM freight_rule WHERE template_id = spu.freight_template_id AND is_served
        ORDER BY region_prefix LIMIT 1
    ) AS freight,
    (
        SELECT coalesce(json_agg(json_build_object(
            'id', id, 'spec_values', spec_values, 'price_fen', price_fen,
            'crossed_out_fen', CASE WHEN market_price_fen > price_fen THEN market_price_fen END,
            'weight_g', weight_g, 'image_url', image_url, 'available', available
        ) ORDER BY id), '[]')
        FROM sku WHERE spu_id = spu.id AND is_active
    ) AS skus
FROM spu JOIN category AS own ON own.id = spu.category_id
WHERE spu.id = :spu_id AND status = 'on_shelf'
) AS page
""")

GOODS = text("""
SELECT spu.id, tags, path, (
    SELECT coalesce(json_agg(json_build_array(id, price_fen, cost_price_fen) ORDER BY id), '[]')
    FROM sku WHERE spu_id = spu.id AND is_active
) AS skus
FROM spu JOIN category ON category.id = category_id
WHERE spu.id = ANY (:spu_ids) AND status = 'on_shelf' ORDER BY spu.id
""").bindparams(bindparam("spu_ids", type_=ARRAY(BigInteger)))
