"""Differences between WeChat's bills and our books, as a comparison leaves them."""

from datetime import date, datetime

from sqlalchemy.orm import Session

from app.reconciliation import loading
from app.reconciliation.models import RESOLVERS, Book, Break, LineKind, Verdict


def make_break(
    session: Session,
    *,
    day: date,
    now: datetime,
    out_no: str = "P" + "0" * 26,
    verdict: Verdict = Verdict.MISSING_HERE,
) -> Break:
    """An open break of a payment that only the trade bill has."""
    loading.begin(session, day=day, now=now)
    found = Break(
        bill_day=day,
        book=Book.TRADE,
        kind=LineKind.PAYMENT,
        out_no=out_no,
        verdict=verdict,
        resolver=RESOLVERS[verdict],
        bill_fen=100,
        difference_fen=100,
        bill_state="SUCCESS",
        found_at=now,
    )
    session.add(found)
    session.flush()
    return found
