"""
The promises about coupons and pushes, as `flask verify` reports them.
"""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.verify import Breach
from promotions.coupons import verify as engine

_NOT_GIVEN = text(
    """
    SELECT push.id, push.given * push.per_member AS wanted, count(coupon.id) AS found
    FROM coupon_push AS push
    LEFT JOIN coupon ON coupon.source = 'push:' || push.id
        AND coupon.promotion_id = push.promotion_id
    GROUP BY push.id
    HAVING count(coupon.id) <> push.given * push.per_member
    ORDER BY push.id
    """
)


def verify(session: Session) -> Iterator[Breach]:
    """Yield every breach the engine finds, and every push that gave another number than it says."""
    for breach in engine.verify(session):
        yield Breach(*breach)
    for row in session.execute(_NOT_GIVEN):
        detail = f"says {row.wanted}, there are {row.found}"
        yield Breach("coupons.push_gave_what_it_says", f"push {row.id}", detail)
