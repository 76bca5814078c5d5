"""
Claims: while somebody asks for the money of a line back, its commissions do not mature.

A line may have several claims at once, and matures when the last one has ended, whatever came of
it. What is refunded is clawed back as always; what is not matures at the moment that was set.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import any_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from distribution.base import texts
from distribution.commissions.models import Claim, Commission


def claim(
    session: Session, *, claim_source: str, line_sources: Iterable[str], now: datetime
) -> None:
    """Hold back what these lines have not matured yet, until the claim ends. Again: no change."""
    rows = [
        {"source": claim_source, "line_source": line_source, "claimed_at": now}
        for line_source in sorted(set(line_sources))
    ]
    if not rows:
        return
    claimed = session.scalars(
        insert(Claim).values(rows).on_conflict_do_nothing().returning(Claim.line_source)
    ).all()
    _count(session, claimed, 1)


def settle_claim(session: Session, *, claim_source: str, now: datetime) -> None:
    """End a claim, whatever came of it: what is due and left matures. Again: no change."""
    settled = session.scalars(
        update(Claim)
        .where(Claim.source == claim_source, Claim.settled_at.is_(None))
        .values(settled_at=now)
        .returning(Claim.line_source)
    ).all()
    _count(session, settled, -1)


def _count(session: Session, line_sources: Sequence[str], change: int) -> None:
    """One claim more, or less, on all commissions of these lines; rows are locked in id order."""
    of_lines = Commission.line_source == any_(texts(line_sources))
    ids = select(Commission.id).where(of_lines).order_by(Commission.id).with_for_update()
    held = session.scalars(ids).all()
    session.execute(
        update(Commission).where(Commission.id.in_(held)).values(claims=Commission.claims + change),
        execution_options={"synchronize_session": False},
    )
