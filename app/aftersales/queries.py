"""What is asked about after-sales, by the buyer, by staff and by deals that end."""

from collections.abc import Sequence

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, selectinload

from app.aftersales.models import ASKING, AfterSale
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


def whole(session: Session, *, after_sale_no: str, buyer_id: int | None = None) -> AfterSale:
    """
    One case with all that was said and done about it, and its parcels.

    :raises AfterSaleNotFound: there is none, or it is somebody else's.
    """
    case = get(session, after_sale_no=after_sale_no, buyer_id=buyer_id)
    wanted = select(AfterSale).where(AfterSale.id == case.id)
    return session.scalars(
        wanted.options(selectinload(AfterSale.entries), selectinload(AfterSale.parcels)),
        execution_options={"populate_existing": True},
    ).one()


def is_asked(session: Session, *, order_id: int) -> bool:
    """Say whether a case of the order is open whose money is not on its way yet."""
    asked = exists().where(AfterSale.order_id == order_id, AfterSale.status.in_(ASKING))
    return bool(session.scalar(select(asked)))


def last_return_to(session: Session) -> str:
    """Where goods were last to be sent, in the words of staff; empty if they never were."""
    found = session.scalar(
        select(AfterSale.return_to)
        .where(AfterSale.return_to != "")
        .order_by(AfterSale.decided_at.desc())
        .limit(1)
    )
    return found or ""


def page(
    session: Session,
    *,
    buyer_id: int | None = None,
    status: str | None = None,
    kind: str | None = None,
    order_no: str | None = None,
    before_id: int | None = None,
) -> Sequence[AfterSale]:
    """One page of cases, the latest first, and one more if there is another page."""
    wanted = select(AfterSale).order_by(AfterSale.id.desc()).limit(PAGE + 1)
    for column, value in (
        (AfterSale.buyer_id, buyer_id),
        (AfterSale.status, status),
        (AfterSale.kind, kind),
        (AfterSale.order_no, order_no),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    if before_id is not None:
        wanted = wanted.where(AfterSale.id < before_id)
    return session.scalars(wanted).all()
