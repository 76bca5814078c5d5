"""What people have decided about money, as far as it matters to the facts that tell of it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.payments.decision_models import Decision, QuarantineDecision


def about(session: Session, transaction_id: str | None) -> Decision | None:
    """Return the latest decision about the money of a transaction; None if there is none."""
    if transaction_id is None:
        return None
    found = session.scalar(
        select(QuarantineDecision.decision)
        .where(QuarantineDecision.transaction_id == transaction_id)
        .order_by(QuarantineDecision.id.desc())
        .limit(1)
    )
    return None if found is None else Decision(found)
