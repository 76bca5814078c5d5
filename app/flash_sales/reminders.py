"""
"Remind me": one message before a session starts, to who asked for it, and never a second one.

When it is time, a reminder is handed to `app.notices` in one transaction with its own end; what
became of the message is written there.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.errors import Conflict
from app.flash_sales import queries, sessions
from app.flash_sales.models import FlashReminder, ReminderStatus
from app.flash_sales.queries import Sale
from app.flash_sales.sales import FlashSaleNotFound
from app.flash_sales.sessions import Sitting
from app.marketing.badges import yuan
from app.notices import service as notices
from app.notices.models import Event
from app.wechat.messages import moment
from promotions import queries as engine
from promotions.queries import NoSuchPromotion

BEFORE = timedelta(minutes=5)
"""How long before a session its reminders are sent."""
PAGE = "pages/flash-sale/show?id={promotion_id}"
"""The page of the mini-program a reminder opens."""
HINT = "即将开抢，数量有限，先到先得"
BATCH = 100


class NothingToRemind(Conflict):
    """No session of the sale is still to come."""

    code, title = "flash_sale_no_next_session", "该秒杀没有即将开始的场次，无需提醒"


class RemindersOff(Conflict):
    """The shop has no template to remind with."""

    code, title = "reminders_off", "商家暂未开通开抢提醒"


def ask(session: Session, *, promotion_id: int, member_id: int, now: datetime) -> FlashReminder:
    """
    Have the member reminded of the sale's next session; asking again changes nothing.

    :raises FlashSaleNotFound: there is no such sale that people may see.
    :raises NothingToRemind: no session is still to come.
    """
    sitting = _next(queries.find(session, promotion_id, now=now), now)
    session.execute(
        insert(FlashReminder)
        .values(
            promotion_id=promotion_id,
            member_id=member_id,
            starts_at=sitting.starts_at,
            remind_at=max(sitting.starts_at - BEFORE, now),
            status=ReminderStatus.WAITING,
            created_at=now,
        )
        .on_conflict_do_nothing()
    )
    return session.scalars(
        select(FlashReminder).where(
            FlashReminder.promotion_id == promotion_id,
            FlashReminder.member_id == member_id,
            FlashReminder.starts_at == sitting.starts_at,
        )
    ).one()


def take_back(session: Session, *, promotion_id: int, member_id: int, now: datetime) -> None:
    """
    Forget what the member asked for and was not reminded of yet; repeating changes nothing.

    :raises FlashSaleNotFound: there never was such a sale; one that is not shown is good enough.
    """
    try:
        engine.get(session, promotion_id)
    except NoSuchPromotion as missing:
        raise FlashSaleNotFound from missing
    session.execute(
        delete(FlashReminder).where(
            FlashReminder.promotion_id == promotion_id,
            FlashReminder.member_id == member_id,
            FlashReminder.starts_at > now,
            FlashReminder.status == ReminderStatus.WAITING,
        )
    )


def due(session: Session, *, now: datetime, after_id: int) -> list[int]:
    """Return the reminders it is time for, a batch of them after `after_id`, by id."""
    found = (
        select(FlashReminder.id)
        .where(
            FlashReminder.status == ReminderStatus.WAITING,
            FlashReminder.remind_at <= now,
            FlashReminder.id > after_id,
        )
        .order_by(FlashReminder.id)
        .limit(BATCH)
    )
    return list(session.scalars(found))


def hand_over(session: Session, reminder_id: int, *, now: datetime) -> bool:
    """
    Have a member reminded now; False if somebody else has, or there is nothing to remind of.
    """
    found = session.execute(
        update(FlashReminder)
        .where(FlashReminder.id == reminder_id, FlashReminder.status == ReminderStatus.WAITING)
        .values(status=ReminderStatus.TOLD, settled_at=now)
        .returning(FlashReminder.promotion_id, FlashReminder.member_id, FlashReminder.starts_at)
    ).one_or_none()
    if found is None:
        return False
    promotion_id, member_id, starts_at = found
    sale = _still(session, promotion_id, starts_at, now)
    if sale is None:
        _drop(session, reminder_id)
        return False
    return notices.tell(
        session,
        event=Event.SALE_STARTS,
        member_id=member_id,
        key=f"{promotion_id}:{starts_at.isoformat()}",
        values=_values(sale, starts_at),
        page=PAGE.format(promotion_id=promotion_id),
        now=now,
        until_at=starts_at,
    )


def drop_waiting(session: Session, *, reason: str, now: datetime) -> int:
    """End the reminders it is time for without sending any; return how many."""
    dropped = session.execute(
        update(FlashReminder)
        .where(FlashReminder.status == ReminderStatus.WAITING, FlashReminder.remind_at <= now)
        .values(status=ReminderStatus.DROPPED, reason=reason, settled_at=now)
        .returning(FlashReminder.id)
    )
    return len(dropped.all())


def asked(session: Session, promotion_id: int) -> dict[str, int]:
    """Return how many reminders of a sale there are, by status."""
    rows = session.execute(
        select(FlashReminder.status, func.count())
        .where(FlashReminder.promotion_id == promotion_id)
        .group_by(FlashReminder.status)
    )
    return {row[0]: row[1] for row in rows}


def _next(sale: Sale, now: datetime) -> Sitting:
    sitting = None if sale.is_over else sessions.following(sale.promotion, now)
    if sitting is None:
        raise NothingToRemind
    return sitting


def _still(session: Session, promotion_id: int, starts_at: datetime, now: datetime) -> Sale | None:
    """The sale, if it still opens at that moment, and that moment is still to come."""
    try:
        sale = queries.find(session, promotion_id, now=now)
    except FlashSaleNotFound:
        return None
    if sale.is_over or starts_at <= now or not sale.all.left:
        return None
    sitting = sessions.following(sale.promotion, starts_at - timedelta.resolution)
    return sale if sitting is not None and sitting.starts_at == starts_at else None


def _drop(session: Session, reminder_id: int) -> None:
    session.execute(
        update(FlashReminder)
        .where(FlashReminder.id == reminder_id)
        .values(status=ReminderStatus.DROPPED, reason="gone")
    )


def _values(sale: Sale, starts_at: datetime) -> dict[str, str]:
    lowest = min(sale.rule.price_of.values())
    return {
        "title": sale.promotion.title,
        "starts_at": moment(starts_at),
        "price": f"{yuan(lowest)}元",
        "hint": HINT,
    }
