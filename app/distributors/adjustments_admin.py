"""What staff do with adjustments: ask, approve what a colleague asked for, refuse, look."""

from typing import Any

from flask import g
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import read, transaction
from app.core.http import Blueprint
from app.distributors import adjustments
from app.distributors import adjustments_schemas as schemas
from app.distributors.adjustments import (
    AdjustmentDecided,
    AdjustmentNeedsAnother,
    AdjustmentNotFound,
    DebtIsLess,
)
from app.distributors.views import NotADistributor
from distribution.ledger.states import AdjustmentKind, AdjustmentState

bp = Blueprint(
    "commission_adjustments", __name__, description="佣金调整：一人申请，另一人审批，须写明原因"
)


@bp.get("/commission-adjustments")
@bp.accepts(schemas.AdjustmentsQuery)
@bp.returns(schemas.CommissionAdjustmentPage)
def list_adjustments(
    limit: int,
    state: AdjustmentState | None = None,
    member_id: int | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """List adjustments of a state, of a member, or all, the latest first."""
    return adjustments.page(read(), state=state, member_id=member_id, cursor=cursor, limit=limit)


@bp.post("/commission-adjustments")
@bp.accepts(schemas.CommissionAdjustmentIn)
@bp.idempotent()
@bp.returns(schemas.CommissionAdjustmentOut, 201)
@bp.fails(NotADistributor)
def request_adjustment(
    session: Session, member_id: int, kind: AdjustmentKind, amount_fen: int, reason: str
) -> dict[str, Any]:
    """Ask for a distributor's money to be moved; nothing moves before a colleague approves."""
    return adjustments.request(
        session,
        member_id=member_id,
        kind=kind,
        amount_fen=amount_fen,
        reason=reason,
        staff_id=g.staff_id,
        now=clock.now(),
    )


@bp.post("/commission-adjustments/<adjustment_no>/approve")
@bp.returns(schemas.CommissionAdjustmentOut)
@bp.fails(AdjustmentNotFound, AdjustmentNeedsAnother, AdjustmentDecided, DebtIsLess)
def approve_adjustment(adjustment_no: str) -> dict[str, Any]:
    """Approve what a colleague asked for: the money moves now. Not what one asked for oneself."""
    with transaction() as session:
        return adjustments.approve(session, no=adjustment_no, staff_id=g.staff_id, now=clock.now())


@bp.post("/commission-adjustments/<adjustment_no>/refuse")
@bp.accepts(schemas.AdjustmentRefusalIn)
@bp.returns(schemas.CommissionAdjustmentOut)
@bp.fails(AdjustmentNotFound, AdjustmentDecided)
def refuse_adjustment(adjustment_no: str, answer: str) -> dict[str, Any]:
    """Refuse an adjustment, or take back what one asked for oneself."""
    with transaction() as session:
        return adjustments.refuse(
            session, no=adjustment_no, answer=answer, staff_id=g.staff_id, now=clock.now()
        )
