"""Money moved by hand: one staff account asks and says why, another one decides."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core import numbers, paging
from app.core.errors import Conflict, NotFound
from app.distributors import views, wording
from app.members import queries as members
from app.staff import queries as staff
from distribution.ledger import adjusting
from distribution.ledger.models import Adjustment
from distribution.ledger.states import AdjustmentKind, AdjustmentState

STAFF = "staff:"
"""What the name of a staff account begins with in the ledger; its id follows."""


class AdjustmentNotFound(NotFound):
    code, title = "adjustment_not_found", "调整单不存在"


class AdjustmentNeedsAnother(Conflict):
    """Who asked may not approve."""

    code, title = "adjustment_needs_another", "申请人不能审批自己的调整，请由另一位员工审批"


class AdjustmentDecided(Conflict):
    """It is approved or refused already; `adjustment_state` says which."""

    code, title = "adjustment_decided", "该调整已审批，不能再改"


class DebtIsLess(Conflict):
    """More would be written off than is owed, `debt_fen`."""

    code, title = "debt_is_less", "核销金额超过待扣回金额"


def request(
    session: Session,
    *,
    member_id: int,
    kind: AdjustmentKind,
    amount_fen: int,
    reason: str,
    staff_id: int,
    now: datetime,
) -> dict[str, Any]:
    """
    Ask for a distributor's money to be moved; another staff account decides.

    :raises NotADistributor: the member never applied.
    """
    views.distributor(session, member_id)
    asked = adjusting.request(
        session,
        no=numbers.adjustment_no(now),
        member_id=member_id,
        kind=kind,
        amount_fen=amount_fen,
        reason=reason,
        requested_by=f"{STAFF}{staff_id}",
        now=now,
    )
    return _shown(session, [asked])[0]


def approve(session: Session, *, no: str, staff_id: int, now: datetime) -> dict[str, Any]:
    """
    Agree to what a colleague asked for, and move the money. Again: no change.

    :raises AdjustmentNotFound: there is no such adjustment.
    :raises AdjustmentNeedsAnother: it was asked for by the same account.
    :raises AdjustmentDecided: it is decided already.
    :raises DebtIsLess: more would be written off than is owed.
    """
    with _in_words(session, no):
        done = adjusting.approve(session, no=no, approved_by=f"{STAFF}{staff_id}", now=now)
    return _shown(session, [done])[0]


def refuse(
    session: Session, *, no: str, answer: str, staff_id: int, now: datetime
) -> dict[str, Any]:
    """
    Say no, or take back what one has asked for. Again: no change.

    :raises AdjustmentNotFound: there is no such adjustment.
    :raises AdjustmentDecided: it is decided already.
    """
    by = f"{STAFF}{staff_id}"
    with _in_words(session, no):
        done = adjusting.refuse(session, no=no, refused_by=by, answer=answer, now=now)
    return _shown(session, [done])[0]


def page(
    session: Session,
    *,
    state: AdjustmentState | None,
    member_id: int | None,
    cursor: str | None,
    limit: int,
) -> dict[str, Any]:
    """A page of adjustments, the latest first."""
    before = None if cursor is None else int(paging.decode(cursor, int)[0])
    found = adjusting.page(
        session, state=state, member_id=member_id, before=before, limit=limit + 1
    )
    shown, more = found[:limit], len(found) > limit
    return {
        "items": _shown(session, shown),
        "next_cursor": paging.encode(shown[-1].id) if more else None,
    }


@contextmanager
def _in_words(session: Session, no: str) -> Iterator[None]:
    """The engine's refusals as the shop's."""
    try:
        yield
    except adjusting.UnknownAdjustment as error:
        raise AdjustmentNotFound from error
    except adjusting.SamePerson as error:
        raise AdjustmentNeedsAnother from error
    except adjusting.AlreadyDecided as error:
        raise AdjustmentDecided(adjustment_state=adjusting.get(session, no).state) from error
    except adjusting.DebtIsLess as error:
        raise DebtIsLess(debt_fen=error.debt_fen) from error


def _shown(session: Session, found: Sequence[Adjustment]) -> list[dict[str, Any]]:
    known = members.briefs(session, {each.member_id for each in found})
    people = {f"{STAFF}{each.id}": each.display_name for each in staff.list_all(session)}
    return [
        {
            "adjustment_no": each.no,
            "member_id": each.member_id,
            "nickname": known[each.member_id].nickname if each.member_id in known else "",
            "kind": each.kind,
            "kind_name": wording.ADJUSTMENTS[each.kind],
            "amount_fen": each.amount_fen,
            "reason": each.reason,
            "state": each.state,
            "state_name": wording.ADJUSTMENT_STATES[each.state],
            "requested_by": people.get(each.requested_by, each.requested_by),
            "requested_at": each.requested_at,
            "decided_by": people.get(each.decided_by, each.decided_by) if each.decided_by else None,
            "decided_at": each.decided_at,
            "answer": each.answer,
        }
        for each in found
    ]
