"""
What happens when somebody does not take their move in time, case by case.

Staff who do not answer are taken to say what the shop's rules say; a buyer who does not send the
goods has thought better of it; a shop that does not say what came back has accepted it.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.aftersales import deciding, goods, moving
from app.aftersales.models import UNDECIDED, AfterSale, AfterSaleStatus
from app.aftersales.moving import CLOCK
from app.core.errors import AppError
from app.shop import queries as shop
from app.shop.rules import StaffSilence

log = structlog.get_logger(__name__)

BATCH = 200
SILENT_NO = "商家未在期限内处理，申请已关闭；如有疑问可申诉"
CANNOT = "该申请已无法办理，请重新申请或联系客服"


def due(session: Session, *, now: datetime) -> Sequence[int]:
    """The cases whose deadline has passed, the longest first; at most a batch."""
    return session.scalars(
        select(AfterSale.id)
        .where(AfterSale.due_at <= now)
        .order_by(AfterSale.due_at, AfterSale.id)
        .limit(BATCH)
    ).all()


def act(session: Session, *, case_id: int, now: datetime) -> bool:
    """
    Let a case go on whose deadline has passed. Returns False if it has moved meanwhile.

    :raises AppError: what should happen cannot; `give_up` ends it instead.
    """
    case, _ = moving.held(session, session.get_one(AfterSale, case_id))
    if case.due_at is None or case.due_at > now:
        return False
    number = case.after_sale_no
    if case.status in UNDECIDED:
        if shop.rules(session).staff_answer_outcome is StaffSilence.APPROVE:
            deciding.approve(session, after_sale_no=number, staff_id=None, now=now)
        else:
            deciding.turn_down(session, case, staff_id=None, answer=SILENT_NO, now=now)
    elif case.status == AfterSaleStatus.SENDING:
        deciding.call_off(session, case, by=CLOCK, now=now)
    else:
        goods.receive(session, after_sale_no=number, staff_id=None, now=now)
    return True


def give_up(session: Session, *, case_id: int, error: AppError, now: datetime) -> bool:
    """End a case that cannot go on as it should: it has left, or there is nothing to send."""
    case, _ = moving.held(session, session.get_one(AfterSale, case_id))
    if case.due_at is None or case.due_at > now:
        return False
    log.warning("after_sale_cannot_go_on", after_sale_no=case.after_sale_no, code=error.code)
    deciding.turn_down(session, case, staff_id=None, answer=f"{error.title}。{CANNOT}", now=now)
    return True
