"""Keeps the search column of SPUs in step with the words they are found by."""

from sqlalchemy import Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from app.catalogue import search


def reindex_spu(session: Session, *, spu_id: int) -> None:
    """Index one SPU anew."""
    _reindex(session, "spu.id = :id", spu_id)


def reindex_brand(session: Session, *, brand_id: int) -> None:
    """Index every SPU of a brand anew, after its name changed."""
    _reindex(session, "spu.brand_id = :id", brand_id)


def reindex_category(session: Session, *, category_id: int) -> None:
    """Index every SPU in or below a category anew, after its name or place changed."""
    _reindex(session, "own.path @> ARRAY[CAST(:id AS bigint)]", category_id)


def _reindex(session: Session, which: str, id_: int) -> None:
    session.flush()
    rows = session.execute(text(f"{WORDS} WHERE {which} ORDER BY spu.id"), {"id": id_})
    indexed = [
        {"id": spu_id, "tokens": search.tokens(filter(None, words))} for spu_id, words in rows
    ]
    if indexed:
        session.connection().execute(STORE, indexed)


# A product is found by the names of all the categories above it.
WORDS = """
SELECT spu.id, ARRAY[title, subtitle, keywords, brand.name] || ARRAY(
    SELECT name::text FROM category WHERE id = ANY(own.path)
) AS words
FROM spu JOIN category AS own ON own.id = spu.category_id
LEFT JOIN brand ON brand.id = spu.brand_id
"""

STORE = text("UPDATE spu SET search = array_to_tsvector(:tokens) WHERE id = :id").bindparams(
    bindparam("tokens", type_=ARRAY(Text))
)
