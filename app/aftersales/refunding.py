"""The money of a case: its refund begins once, and ends the case when payments says it arrived."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from app.aftersales import moving, planning, queries
from app.aftersales.models import SOURCE, UNDECIDED, AfterSale, AfterSaleStatus
from app.aftersales.moving import By
from app.orders import queries as orders
from app.orders.models import LineKind, Order
from app.orders.returning import Return
from app.payments import service as payments


def refund(
    session: Session,
    case: AfterSale,
    order: Order,
    *,
    by: By,
    brings: Return | None = None,
    now: datetime,
    accepted: Mapping[int, int] | None = None,
) -> AfterSale:
    """Begin the refund of a case of a locked order: what it settled, or `brings` instead."""
    brings = planning.settled(session, case, order) if brings is None else brings
    moved = moving.move(
        session,
        case,
        AfterSaleStatus.REFUNDING,
        by=by,
        now=now,
        decided_at=now if case.decided_at is None or case.status in UNDECIDED else case.decided_at,
        decided_by=by.staff_id if case.status in UNDECIDED else case.decided_by,
        answer=by.words or case.answer,
        amount_fen=brings.amount_fen,
        breakdown=brings.to_json(),
        accepted=_as_text(accepted),
    )
    payments.request_refund(
        session,
        order_id=order.id,
        source=case.source,
        amount_fen=brings.amount_fen,
        line_amounts=brings.line_amounts,
        freight_fen=brings.freight_fen,
        quantities=brings.quantities if case.takes_pieces else {},
        unshipped=None if accepted is None else _gifts_waiting(session, order, brings),
        retained=brings.retained,
        rest_fen=brings.rest_fen,
        reason=case.reason,
        now=now,
    )
    return moved


def settle(session: Session, *, source: str, now: datetime) -> bool:
    """
    Close the case whose refund, known by its source, has arrived.

    Returns False if it was closed before, or if no case asked for that refund.
    """
    if not source.startswith(SOURCE):
        return False
    found = queries.get(session, after_sale_no=source.removeprefix(SOURCE))
    case, _ = moving.held(session, found)
    if case.status == AfterSaleStatus.REFUNDED:
        return False
    target = AfterSaleStatus.REFUNDED
    moving.move(session, case, target, by=moving.CLOCK, now=now, refunded_at=now)
    return True


def _as_text(accepted: Mapping[int, int] | None) -> dict[str, int] | None:
    return None if accepted is None else {str(line_id): n for line_id, n in accepted.items()}


def _gifts_waiting(session: Session, order: Order, brings: Return) -> dict[int, int]:
    """What goes with goods that came back and never left: gifts that were to leave later."""
    lines = orders.lines(session, order_id=order.id)
    return {
        line.id: min(brings.quantities.get(line.id, 0), line.waiting_quantity)
        for line in lines
        if line.kind == LineKind.GIFT
    }
