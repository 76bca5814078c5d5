"""
How a case moves: one guarded UPDATE, a line of its history, the order's count of open cases.

Whoever moves a case has locked its order: that is the first lock of whatever moves money.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.aftersales.models import (
    OPEN,
    TRANSITIONS,
    Actor,
    AfterSale,
    AfterSaleEntry,
    AfterSaleStatus,
)
from app.core.errors import Conflict
from app.orders import queries as orders
from app.orders.models import Order
from app.shop import queries as shop
from distribution import commissions


class AfterSaleStateForbids(Conflict):
    """The case has moved on."""

    code, title = "after_sale_state_forbids", "售后申请当前状态不允许该操作"


@dataclass(frozen=True, slots=True)
class By:
    """Who moves a case, and what they say."""

    actor: Actor
    staff_id: int | None = None
    words: str = ""
    pictures: tuple[str, ...] = ()


CLOCK = By(Actor.CLOCK)


def by_staff(staff_id: int | None, words: str = "") -> By:
    """Staff, or, without one, a deadline that passed."""
    return By(Actor.CLOCK if staff_id is None else Actor.STAFF, staff_id, words)


def held(session: Session, case: AfterSale) -> tuple[AfterSale, Order]:
    """Lock the order of a case; return the case as it then is, and the order."""
    order = orders.locked(session, order_id=case.order_id)
    fresh = session.get_one(AfterSale, case.id, populate_existing=True)
    return fresh, order


def require(case: AfterSale, *statuses: AfterSaleStatus) -> None:
    """
    Check where a case is.

    :raises AfterSaleStateForbids: it is nowhere of these.
    """
    if case.status not in statuses:
        raise AfterSaleStateForbids(after_sale_status=case.status)


def move(
    session: Session,
    case: AfterSale,
    target: AfterSaleStatus,
    *,
    by: By,
    now: datetime,
    **values: Any,
) -> AfterSale:
    """
    Move the case if it still is where it is thought to be: of two moves at once one wins.

    :raises AfterSaleStateForbids: it has moved, or may not go there.
    """
    source = AfterSaleStatus(case.status)
    if target not in TRANSITIONS[source]:
        raise AfterSaleStateForbids(after_sale_status=source)
    values |= {"status": target, "due_at": due_after(session, target, now)}
    moved: AfterSale | None = session.scalar(
        update(AfterSale)
        .where(AfterSale.id == case.id, AfterSale.status == source)
        .values(**values)
        .returning(AfterSale),
        execution_options={"populate_existing": True, "synchronize_session": False},
    )
    if moved is None:
        session.refresh(case)
        raise AfterSaleStateForbids(after_sale_status=case.status)
    note(session, moved, by=by, status=target, now=now)
    count(session, moved.order_id, (target in OPEN) - (source in OPEN))
    if target not in OPEN:
        commissions.settle_claim(session, claim_source=moved.claim_source, now=now)
    return moved


def note(
    session: Session,
    case: AfterSale,
    *,
    by: By,
    now: datetime,
    status: AfterSaleStatus | None = None,
) -> AfterSaleEntry:
    """Write down what somebody said or did."""
    entry = AfterSaleEntry(
        after_sale_id=case.id,
        actor=by.actor,
        staff_id=by.staff_id,
        status=status,
        words=by.words,
        pictures=list(by.pictures),
        created_at=now,
    )
    session.add(entry)
    session.flush()
    return entry


def count(session: Session, order_id: int, change: int) -> None:
    """One open case of a locked order more, or less: while one is open, no sweep touches it."""
    if change:
        session.execute(
            update(Order).where(Order.id == order_id).values(open_cases=Order.open_cases + change)
        )


def waiting(session: Session, order_id: int, statuses: Sequence[str]) -> Sequence[AfterSale]:
    """The cases of an order in these statuses, the first first."""
    wanted = select(AfterSale).where(AfterSale.order_id == order_id, AfterSale.status.in_(statuses))
    return session.scalars(wanted.order_by(AfterSale.id)).all()


def due_after(session: Session, status: AfterSaleStatus, now: datetime) -> datetime | None:
    """Until when whoever has the move may take it, by the shop's rules of this moment."""
    rules = shop.rules(session)
    spans = {
        AfterSaleStatus.APPLIED: timedelta(hours=rules.staff_answer_hours),
        AfterSaleStatus.APPEALED: timedelta(hours=rules.staff_answer_hours),
        AfterSaleStatus.SENDING: timedelta(days=rules.buyer_sends_days),
        AfterSaleStatus.SENT: timedelta(days=rules.shop_receives_days),
    }
    return now + spans[status] if status in spans else None
