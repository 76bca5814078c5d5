"""What is asked about after-sales, by the buyer and by staff."""

from collections.abc import Sequence

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.aftersales.models import AfterSale, AfterSaleStatus
from app.core.errors import NotFound

PAGE = 20


class AfterSaleNotFound(NotFound):
    """No such case, or it is somebody else's."""

    code, title = "after_sale_not_found", "售后申请不存在"


def get(session: Session, *, after_sale_no: str, buyer_id: int | None = None) -> AfterSale:
    """
    One case; with `buyer_id` only if it is theirs.

    :raises AfterSaleNotFound: there is none, or it is somebody else's.
    """
    wanted = select(AfterSale).where(AfterSale.after_sale_no == after_sale_no)
    if buyer_id is not None:
        wanted = wanted.where(AfterSale.buyer_id == buyer_id)
    case = session.scalar(wanted)
    if case is None:
        raise AfterSaleNotFound
    return case


def is_asked(session: Session, *, order_id: int) -> bool:
    """Say whether the buyer has asked for money of the order back and staff have not decided."""
    asked = exists().where(
        AfterSale.order_id == order_id, AfterSale.status == AfterSaleStatus.APPLIED
    )
    return bool(session.scalar(select(asked)))


def page(
    session: Session,
    *,
    buyer_id: int | None = None,
    status: str | None = None,
    order_no: str | None = None,
    before_id: int | None = None,
) -> Sequence[AfterSale]:
    """One page of cases, the latest first, and one more if there is another page."""
    wanted = select(AfterSale).order_by(AfterSale.id.desc()).limit(PAGE + 1)
    for column, value in (
        (AfterSale.buyer_id, buyer_id),
        (AfterSale.status, status),
        (AfterSale.order_no, order_no),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    if before_id is not None:
        wanted = wanted.where(AfterSale.id < before_id)
    return session.scalars(wanted).all()
