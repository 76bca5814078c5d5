"""
Adjustments: a distributor's money moved by hand. One person asks and says why, another one decides.

Nothing moves before the second person agrees; then one posting, `adjust:{no}`, moves all of it and
keeps who asked, who agreed and why. Frozen money is never adjusted: it is what commissions say.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from distribution.ledger import postings
from distribution.ledger.models import Adjustment
from distribution.ledger.postings import Draft
from distribution.ledger.states import (
    ADJUSTMENT_TRANSITIONS,
    AccountKind,
    AdjustmentKind,
    AdjustmentState,
    PostingKind,
)

SOURCE = "adjustment:"
"""What the source of an adjustment's posting begins with; its number follows."""


class UnknownAdjustment(Exception):
    """There is no adjustment of this number."""


class SamePerson(Exception):
    """Who asked for an adjustment may not approve it."""


class AlreadyDecided(Exception):
    """Somebody else has decided, or it was decided otherwise."""


class DebtIsLess(Exception):
    """More debt would be written off than there is."""

    def __init__(self, debt_fen: int) -> None:
        super().__init__(f"the debt is {debt_fen} fen")
        self.debt_fen = debt_fen


def request(
    session: Session,
    *,
    no: str,
    member_id: int,
    kind: AdjustmentKind,
    amount_fen: int,
    reason: str,
    requested_by: str,
    now: datetime,
) -> Adjustment:
    """Ask for a distributor's money to be moved; nothing moves yet."""
    adjustment = Adjustment(
        no=no,
        member_id=member_id,
        kind=kind,
        amount_fen=amount_fen,
        reason=reason,
        state=AdjustmentState.REQUESTED,
        requested_by=requested_by,
        requested_at=now,
        answer="",
    )
    session.add(adjustment)
    session.flush()
    return adjustment


def approve(session: Session, *, no: str, approved_by: str, now: datetime) -> Adjustment:
    """
    Agree to what another person asked for, and move the money. Agreeing again changes nothing.

    :raises UnknownAdjustment: there is no such adjustment.
    :raises SamePerson: it is the one who asked.
    :raises AlreadyDecided: somebody else agreed, or it was refused.
    :raises DebtIsLess: more would be written off than is owed; nothing may be committed.
    """
    found = get(session, no)
    if found.requested_by == approved_by:
        raise SamePerson(f"{approved_by} asked for {no}")
    if found.state == AdjustmentState.APPROVED and found.decided_by == approved_by:
        return found
    approved = _decide(session, found, AdjustmentState.APPROVED, by=approved_by, now=now)
    _post(session, approved, now=now)
    return approved


def refuse(session: Session, *, no: str, refused_by: str, answer: str, now: datetime) -> Adjustment:
    """
    Say no; who asked may take it back the same way. Saying it again changes nothing.

    :raises UnknownAdjustment: there is no such adjustment.
    :raises AlreadyDecided: it is approved, or somebody else refused it.
    """
    found = get(session, no)
    if found.state == AdjustmentState.REFUSED and found.decided_by == refused_by:
        return found
    return _decide(session, found, AdjustmentState.REFUSED, by=refused_by, now=now, answer=answer)


def get(session: Session, no: str) -> Adjustment:
    """
    One adjustment.

    :raises UnknownAdjustment: there is none of this number.
    """
    found = session.scalar(
        select(Adjustment).where(Adjustment.no == no),
        execution_options={"populate_existing": True},
    )
    if found is None:
        raise UnknownAdjustment(f"no adjustment {no!r}")
    return found


def page(
    session: Session,
    *,
    state: AdjustmentState | None = None,
    member_id: int | None = None,
    before: int | None = None,
    limit: int = 20,
) -> Sequence[Adjustment]:
    """Adjustments, the latest first, of one state and one member or of all; `before` an id."""
    query = select(Adjustment).order_by(Adjustment.id.desc()).limit(limit)
    if state is not None:
        query = query.where(Adjustment.state == state)
    if member_id is not None:
        query = query.where(Adjustment.member_id == member_id)
    if before is not None:
        query = query.where(Adjustment.id < before)
    return session.scalars(query).all()


def reasons(session: Session, sources: Collection[str]) -> dict[str, str]:
    """Why each of these postings of adjustments was made, by its source; others are left out."""
    numbers = [each.removeprefix(SOURCE) for each in sources if each.startswith(SOURCE)]
    if not numbers:
        return {}
    rows = session.execute(
        select(Adjustment.no, Adjustment.reason).where(Adjustment.no.in_(numbers))
    )
    return {f"{SOURCE}{row.no}": row.reason for row in rows}


def _decide(
    session: Session,
    found: Adjustment,
    target: AdjustmentState,
    *,
    by: str,
    now: datetime,
    answer: str = "",
) -> Adjustment:
    """Move it on if nobody has decided yet: of two at once, one wins."""
    assert target in ADJUSTMENT_TRANSITIONS[AdjustmentState.REQUESTED]
    moved: Adjustment | None = session.scalar(
        update(Adjustment)
        .where(Adjustment.no == found.no, Adjustment.state == AdjustmentState.REQUESTED)
        .values(state=target, decided_by=by, decided_at=now, answer=answer)
        .returning(Adjustment),
        execution_options={"populate_existing": True, "synchronize_session": False},
    )
    if moved is None:
        raise AlreadyDecided(f"adjustment {found.no} is {get(session, found.no).state}")
    return moved


def _post(session: Session, adjustment: Adjustment, *, now: datetime) -> None:
    draft = postings.reserve(
        session,
        idem_key=f"adjust:{adjustment.no}",
        kind=PostingKind.ADJUST,
        source=f"{SOURCE}{adjustment.no}",
        payload={
            "member": adjustment.member_id,
            "kind": adjustment.kind,
            "fen": adjustment.amount_fen,
            "reason": adjustment.reason,
            "requested_by": adjustment.requested_by,
            "approved_by": adjustment.decided_by,
        },
        now=now,
    )
    assert draft is not None, "an adjustment is approved once"
    member_id, amount_fen = adjustment.member_id, adjustment.amount_fen
    draft.lock([member_id], {AccountKind.AVAILABLE, AccountKind.RECEIVABLE})
    _MOVES[adjustment.kind](draft, member_id, amount_fen)
    draft.write()


def _give(draft: Draft, member_id: int, amount_fen: int) -> None:
    repaid_fen = min(amount_fen, draft.balance_fen(member_id, AccountKind.RECEIVABLE))
    rest_fen = amount_fen - repaid_fen
    draft.move(member_id, AccountKind.ADJUSTMENT, AccountKind.RECEIVABLE, repaid_fen)
    draft.move(member_id, AccountKind.ADJUSTMENT, AccountKind.AVAILABLE, rest_fen)


def _take(draft: Draft, member_id: int, amount_fen: int) -> None:
    covered_fen = min(amount_fen, draft.balance_fen(member_id, AccountKind.AVAILABLE))
    owed_fen = amount_fen - covered_fen
    draft.move(member_id, AccountKind.AVAILABLE, AccountKind.ADJUSTMENT, covered_fen)
    draft.move(member_id, AccountKind.RECEIVABLE, AccountKind.ADJUSTMENT, owed_fen)


def _write_off(draft: Draft, member_id: int, amount_fen: int) -> None:
    debt_fen = draft.balance_fen(member_id, AccountKind.RECEIVABLE)
    if amount_fen > debt_fen:
        raise DebtIsLess(debt_fen)
    draft.move(member_id, AccountKind.ADJUSTMENT, AccountKind.RECEIVABLE, amount_fen)


_MOVES = {
    AdjustmentKind.GIVE: _give,
    AdjustmentKind.TAKE: _take,
    AdjustmentKind.WRITE_OFF: _write_off,
}
