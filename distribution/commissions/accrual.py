"""Accrual: what a paid order earns the people above the buyer, and why."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from distribution import ledger
from distribution.commissions import freezing, terms
from distribution.commissions.earning import PaidLine, earned
from distribution.ledger.states import PostingKind


def accrue(
    session: Session,
    *,
    order_source: str,
    buyer_id: int,
    lines: Sequence[PaidLine],
    now: datetime,
) -> None:
    """
    Record what a paid order earns those above the buyer at this moment, frozen until it matures.

    Where the shop pays on own purchases, a buyer who is a distributor stands on level 1. Who is not
    active earns nothing, with the reason on record, and nobody else gets it. The order's second
    accrual changes nothing.

    :raises ValueError: a line comes twice.
    :raises ledger.KeyReused: the order was accrued before with another buyer or other lines.
    """
    figures = {line.line_source: _figures(line) for line in lines}
    if len(figures) < len(lines):
        raise ValueError(f"{order_source}: a line comes twice")
    payload = {"buyer": buyer_id, "lines": figures}
    decided = terms.read(session, buyer_id=buyer_id, lines=lines, now=now)
    if decided is None:
        ledger.reserve(
            session,
            idem_key=freezing.idem_key(order_source),
            kind=PostingKind.ACCRUE,
            source=order_source,
            payload=payload,
            now=now,
        )
        return
    freezing.record(
        session,
        order={
            "order_source": order_source,
            "buyer_id": buyer_id,
            "rules_version": decided.rules.version,
            "cap_bp": decided.rules.cap_bp,
        },
        payload=payload,
        earnings=[
            each._asdict()
            for line in lines
            for each in earned(line, decided.earners, rules=decided.rules, rates=decided.rates)
        ],
        accounts=decided.accounts,
        now=now,
    )


def _figures(line: PaidLine) -> list[Any]:
    """What the ledger keeps of a line for good: all that decided what it earned, but the rates."""
    return [
        line.sku_id,
        line.paid_fen,
        line.quantity,
        line.cost_fen,
        line.is_commissioned,
        list(line.category_path),
    ]
