"""What staff do about withdrawals: agree, refuse, pay by hand, try again, export, set the rules."""

from datetime import date
from typing import Any

from flask import Response, g

from app.core import clock
from app.core.db import read, transaction
from app.core.errors import Invalid
from app.core.http import Blueprint
from app.staff.roles import Role, requires
from app.withdrawals import schemas, service, views
from app.withdrawals.service import ReviewedByYou, WithdrawalNotFound, WithdrawalStateForbids
from distribution.withdrawals.states import WithdrawalState

bp = Blueprint("withdrawals_admin", __name__, description="提现审核与打款")


@bp.get("/withdrawals")
@bp.accepts(schemas.QueueQuery)
@bp.returns(schemas.StaffWithdrawalPage)
def list_withdrawals(
    *, limit: int, is_parked: bool, state: WithdrawalState | None = None, cursor: str | None = None
) -> dict[str, Any]:
    """List withdrawals, the latest first; those of one state, or those WeChat refuses for now."""
    return views.queue(read(), state=state, is_parked=is_parked, cursor=cursor, limit=limit)


@bp.get("/withdrawals/monthly.csv")
@requires(Role.OWNER, Role.MERCHANT)
@bp.accepts(schemas.MonthQuery)
@bp.response(200, {"type": "string"}, content_type="text/csv")  # type: ignore[untyped-decorator]  # smorest's own: no JSON.
def export_month(month: str) -> Response:
    """Export what each person was paid in a month, for tax filing. In clear: not for analysts."""
    day = date.fromisoformat(f"{month}-01")
    return Response(
        views.month_csv(read(), day),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="withdrawals-{month}.csv"'},
    )


@bp.get("/withdrawals/<withdrawal_no>")
@bp.returns(schemas.StaffWithdrawalDetailOut)
@bp.fails(WithdrawalNotFound)
def show_withdrawal(withdrawal_no: str) -> dict[str, Any]:
    """Show one withdrawal: who agreed, what WeChat says, what else the distributor owes."""
    session = read()
    return views.for_staff(session, service.find(session, no=withdrawal_no))


@bp.get("/withdrawals/<withdrawal_no>/account")
@requires(Role.OWNER, Role.MERCHANT)
@bp.returns(schemas.PayeeAccountOut)
@bp.fails(WithdrawalNotFound, WithdrawalStateForbids)
def show_account(withdrawal_no: str) -> dict[str, Any]:
    """Show whom and where to pay by hand, in clear, while that is to be done. Not for analysts."""
    session = read()
    return views.account_to_pay(session, service.to_pay_by_hand(session, no=withdrawal_no))


@bp.post("/withdrawals/<withdrawal_no>/approve")
@bp.returns(schemas.StaffWithdrawalDetailOut)
@bp.fails(WithdrawalNotFound, ReviewedByYou, WithdrawalStateForbids)
def approve_withdrawal(withdrawal_no: str) -> dict[str, Any]:
    """Agree to a withdrawal; above the second threshold somebody else must agree too."""
    with transaction() as session:
        asked = service.approve(session, no=withdrawal_no, staff_id=g.staff_id, now=clock.now())
        return views.for_staff(session, asked)


@bp.post("/withdrawals/<withdrawal_no>/reject")
@bp.accepts(schemas.WithdrawalRefusal)
@bp.returns(schemas.StaffWithdrawalDetailOut)
@bp.fails(WithdrawalNotFound, WithdrawalStateForbids)
def reject_withdrawal(withdrawal_no: str, reason: str) -> dict[str, Any]:
    """Refuse a withdrawal, or stop it at WeChat; the money returns once it is certain not to go."""
    with transaction() as session:
        asked = service.reject(
            session, no=withdrawal_no, staff_id=g.staff_id, reason=reason, now=clock.now()
        )
        return views.for_staff(session, asked)


@bp.post("/withdrawals/<withdrawal_no>/pay")
@bp.accepts(schemas.HandReceipt)
@bp.returns(schemas.StaffWithdrawalDetailOut)
@bp.fails(WithdrawalNotFound, WithdrawalStateForbids)
def pay_by_hand(withdrawal_no: str, receipt_no: str) -> dict[str, Any]:
    """Record that a withdrawal was paid outside of the mall, and its receipt number."""
    with transaction() as session:
        asked = service.pay_by_hand(
            session,
            no=withdrawal_no,
            staff_id=g.staff_id,
            receipt_no=receipt_no,
            now=clock.now(),
        )
        return views.for_staff(session, asked)


@bp.post("/withdrawals/<withdrawal_no>/retry")
@bp.returns(schemas.StaffWithdrawalDetailOut)
@bp.fails(WithdrawalNotFound, WithdrawalStateForbids)
def retry_withdrawal(withdrawal_no: str) -> dict[str, Any]:
    """Try a payout again at once, under its own number: the account is topped up, or the like."""
    with transaction() as session:
        asked = service.retry(session, no=withdrawal_no, now=clock.now())
        return views.for_staff(session, asked)


@bp.get("/withdrawal-rules")
@bp.returns(schemas.WithdrawalRulesForStaffOut)
def show_withdrawal_rules() -> dict[str, Any]:
    """Show the rules of withdrawals in force, and what the law says about tax."""
    return views.of_rules(read())


@bp.put("/withdrawal-rules")
@bp.accepts(schemas.WithdrawalRulesIn)
@bp.returns(schemas.WithdrawalRulesForStaffOut)
@bp.fails(Invalid)
def change_withdrawal_rules(**fields: Any) -> dict[str, Any]:
    """Put new rules in force for withdrawals asked for from now on."""
    with transaction() as session:
        service.change_rules(session, fields=fields, staff_id=g.staff_id, now=clock.now())
        return views.of_rules(session)
