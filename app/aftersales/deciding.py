"""
Yes or no: staff approve or reject, the buyer takes back or appeals, a refund that arrived ends it.

A yes to what has not left, or to money for goods the buyer keeps, begins the refund at once. A yes
to a return or an exchange lets the buyer send the goods; for an exchange the new ones are held.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from app.aftersales import agreeing, goods, moving, planning, queries, refunding
from app.aftersales.agreeing import AS_ASKED, Terms
from app.aftersales.models import UNDECIDED, Actor, AfterSale, AfterSaleKind, AfterSaleStatus
from app.aftersales.moving import By
from app.catalogue import stock
from app.core.errors import Conflict
from app.shop import queries as shop


class AppealedBefore(Conflict):
    """There is one second look at a case, and this one has had it."""

    code, title = "appealed_before", "该售后已申诉过，不能再次申诉"


class SecondLookBySame(Conflict):
    """Whoever said no cannot be who looks a second time."""

    code, title = "second_look_by_same", "申诉须由另一位员工处理"


def cancel(session: Session, *, after_sale_no: str, buyer_id: int, now: datetime) -> AfterSale:
    """
    Take a case back before staff have decided, or before the goods are sent.

    :raises AfterSaleNotFound: there is none, or it is somebody else's.
    :raises AfterSaleStateForbids: it is decided, the goods are on their way, or it is over.
    """
    found = queries.get(session, after_sale_no=after_sale_no, buyer_id=buyer_id)
    case, _ = moving.held(session, found)
    moving.require(case, *UNDECIDED, AfterSaleStatus.SENDING)
    return call_off(session, case, by=By(Actor.BUYER), now=now)


def call_off(session: Session, case: AfterSale, *, by: By, now: datetime) -> AfterSale:
    """Cancel a case of a locked order; what was held for an exchange is on sale again."""
    moved = moving.move(session, case, AfterSaleStatus.CANCELLED, by=by, now=now, cancelled_at=now)
    if moved.kind == AfterSaleKind.EXCHANGE:
        stock.release(session, source=moved.source, now=now)
    return moved


def approve(
    session: Session,
    *,
    after_sale_no: str,
    staff_id: int | None,
    terms: Terms = AS_ASKED,
    now: datetime,
) -> AfterSale:
    """
    Agree to a case, as it was settled when the buyer asked or for less; None: a deadline agrees.

    Until the money is back the order is not shipped. The case is refunded when payments says so;
    what cost nothing takes the same way without WeChat.

    :raises AfterSaleNotFound: there is none.
    :raises AfterSaleStateForbids: it is decided or cancelled already.
    :raises SecondLookBySame: it was appealed against the no of the same person.
    :raises NotBeforeShipping: what it would cancel has left meanwhile.
    :raises AmountIsFixed, AmountExceedsShare, KindForbids: `terms` do not fit it.
    :raises FreightExceedsLeft: less freight is left.
    :raises OutOfStock: there is nothing to exchange for.
    """
    case, order = moving.held(session, queries.get(session, after_sale_no=after_sale_no))
    _require_undecided(case, staff_id)
    by = moving.by_staff(staff_id, terms.answer)
    brings = agreeing.agreed(session, case, order, terms)
    if case.kind == AfterSaleKind.MONEY_ONLY:
        return refunding.refund(session, case, order, by=by, brings=brings, now=now)
    if case.kind == AfterSaleKind.EXCHANGE:
        goods.hold(session, case, order, brings.quantities, now=now)
    return moving.move(
        session,
        case,
        AfterSaleStatus.SENDING,
        by=by,
        now=now,
        decided_at=now,
        decided_by=staff_id,
        answer=terms.answer,
        return_to=terms.return_to or queries.last_return_to(session),
        amount_fen=brings.amount_fen,
        breakdown=brings.to_json(),
    )


def reject(
    session: Session, *, after_sale_no: str, staff_id: int | None, answer: str, now: datetime
) -> AfterSale:
    """
    Refuse a case, telling the buyer why; None: a deadline refuses.

    :raises AfterSaleNotFound: there is none.
    :raises AfterSaleStateForbids: it is decided or cancelled already.
    :raises SecondLookBySame: it was appealed against the no of the same person.
    """
    case, _ = moving.held(session, queries.get(session, after_sale_no=after_sale_no))
    _require_undecided(case, staff_id)
    return turn_down(session, case, staff_id=staff_id, answer=answer, now=now)


def turn_down(
    session: Session, case: AfterSale, *, staff_id: int | None, answer: str, now: datetime
) -> AfterSale:
    """Refuse a case of a locked order; what was held for an exchange is on sale again."""
    moved = moving.move(
        session,
        case,
        AfterSaleStatus.REJECTED,
        by=moving.by_staff(staff_id, answer),
        now=now,
        decided_at=now,
        decided_by=staff_id,
        answer=answer,
    )
    if moved.kind == AfterSaleKind.EXCHANGE:
        stock.release(session, source=moved.source, now=now)
    return moved


def appeal(
    session: Session,
    *,
    after_sale_no: str,
    buyer_id: int,
    words: str,
    pictures: tuple[str, ...] = (),
    now: datetime,
) -> AfterSale:
    """
    Ask for a second look at a case that was refused, by somebody else of the staff; once.

    The pieces must still be there: another case may have taken them meanwhile.

    :raises AfterSaleNotFound: there is none, or it is somebody else's.
    :raises AfterSaleStateForbids: it was not refused.
    :raises AppealedBefore: it has had its second look.
    :raises OutsideAfterSales: its order's window is over.
    :raises KindForbids: what it would cancel has left by now.
    :raises ReturnExceedsLine: its pieces are asked for, or back, by now.
    """
    found = queries.get(session, after_sale_no=after_sale_no, buyer_id=buyer_id)
    case, order = moving.held(session, found)
    moving.require(case, AfterSaleStatus.REJECTED)
    if case.appealed_at is not None:
        raise AppealedBefore
    planning.may_ask(order, shop.rules(session), now=now)
    brings = agreeing.again(session, case, order)
    by = By(Actor.BUYER, None, words, pictures)
    moved = moving.move(
        session,
        case,
        AfterSaleStatus.APPEALED,
        by=by,
        now=now,
        appealed_at=now,
        accepted=None,
        amount_fen=brings.amount_fen,
        breakdown=brings.to_json(),
    )
    planning.claim(session, moved, order, now=now)
    return moved


def give_way(session: Session, *, order_id: int, answer: str, now: datetime) -> bool:
    """
    End the undecided cases of a locked order, because all of it goes back for another reason.

    The buyer reads `answer`. Returns False if no case waits for a decision.
    """
    cases = moving.waiting(session, order_id, UNDECIDED)
    for case in cases:
        case.answer = answer
        call_off(session, case, by=By(Actor.CLOCK, None, answer), now=now)
    return bool(cases)


def _require_undecided(case: AfterSale, staff_id: int | None) -> None:
    moving.require(case, *UNDECIDED)
    is_second = case.status == AfterSaleStatus.APPEALED
    if is_second and staff_id is not None and case.decided_by == staff_id:
        raise SecondLookBySame
