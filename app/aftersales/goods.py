"""The goods of a case: the buyer sends them, the shop takes them in, new ones go out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.aftersales import agreeing, moving, planning, queries, refunding
from app.aftersales.models import (
    Actor,
    AfterSale,
    AfterSaleKind,
    AfterSaleParcel,
    AfterSaleStatus,
    ParcelWay,
)
from app.aftersales.moving import By
from app.catalogue import stock
from app.core.errors import Conflict, Invalid
from app.orders import queries as orders
from app.orders import service as order_moves
from app.orders.models import Order


class AcceptedExceedsSent(Conflict):
    """More pieces are accepted than the case is about; `line_id` and `asked` say which."""

    code, title = "accepted_exceeds_sent", "验收数量超过退回数量"


@dataclass(frozen=True, slots=True)
class Parcel:
    """One parcel, as people write it down."""

    company_code: str
    company_name: str
    tracking_no: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """What staff found in a parcel that came back."""

    accepted: Mapping[int, int] | None = None
    """Pieces by `order_line.id`; None: all that were asked for."""
    is_sellable: bool = True
    """The accepted pieces are on sale again."""
    answer: str = ""
    """Why the rest is not accepted."""
    refused: Parcel | None = None
    """The parcel the rest goes back in."""


ALL_ACCEPTED = Arrival()


def send(
    session: Session, *, after_sale_no: str, buyer_id: int, parcel: Parcel, now: datetime
) -> AfterSale:
    """
    The buyer has sent the goods; said again, it corrects the parcel, and no deadline moves.

    :raises AfterSaleNotFound: there is none, or it is somebody else's.
    :raises AfterSaleStateForbids: staff have not agreed, or the goods have arrived.
    """
    found = queries.get(session, after_sale_no=after_sale_no, buyer_id=buyer_id)
    case, _ = moving.held(session, found)
    moving.require(case, AfterSaleStatus.SENDING, AfterSaleStatus.SENT)
    by = By(Actor.BUYER, None, f"{parcel.company_name} {parcel.tracking_no}")
    if case.status == AfterSaleStatus.SENDING:
        case = moving.move(session, case, AfterSaleStatus.SENT, by=by, now=now)
    else:
        moving.note(session, case, by=by, now=now)
    _record(session, case, ParcelWay.BACK, parcel, now)
    return case


def receive(
    session: Session,
    *,
    after_sale_no: str,
    staff_id: int | None,
    arrival: Arrival = ALL_ACCEPTED,
    now: datetime,
) -> AfterSale:
    """
    Goods came back: what is accepted is refunded or exchanged, the rest goes back to the buyer.

    None of it accepted is a no. Without staff it is a deadline that accepts all of it, and nothing
    goes on sale: nobody has seen it.

    :raises AfterSaleNotFound: there is none.
    :raises AfterSaleStateForbids: the buyer was not to send anything, or it was received.
    :raises AcceptedExceedsSent: more is accepted than was asked for.
    :raises Invalid: not all is accepted and nobody says why.
    """
    case, order = moving.held(session, queries.get(session, after_sale_no=after_sale_no))
    moving.require(case, AfterSaleStatus.SENDING, AfterSaleStatus.SENT)
    brings = planning.settled(session, case, order)
    asked = agreeing.chosen(brings)
    accepted = _accepted(asked, arrival)
    if arrival.refused is not None:
        _record(session, case, ParcelWay.REFUSED, arrival.refused, now)
    by = moving.by_staff(staff_id, arrival.answer)
    if not accepted:
        return _none_accepted(session, case, staff_id=staff_id, by=by, now=now)
    if case.kind == AfterSaleKind.EXCHANGE:
        return _to_exchange(session, case, order, accepted, arrival, by=by, now=now)
    if accepted != asked:
        brings = agreeing.of_pieces(session, case, order, accepted)
    moved = refunding.refund(session, case, order, by=by, brings=brings, accepted=accepted, now=now)
    if arrival.is_sellable and staff_id is not None:
        order_moves.take_in(session, order_id=order.id, quantities=accepted, now=now)
    return moved


def ship(
    session: Session, *, after_sale_no: str, staff_id: int, parcel: Parcel, now: datetime
) -> AfterSale:
    """
    Send the new goods of an exchange: what was held for it is sold, and the case is over.

    :raises AfterSaleNotFound: there is none.
    :raises AfterSaleStateForbids: the old goods are not back, or the new ones have left.
    """
    case, _ = moving.held(session, queries.get(session, after_sale_no=after_sale_no))
    moving.require(case, AfterSaleStatus.EXCHANGING)
    by = moving.by_staff(staff_id, f"{parcel.company_name} {parcel.tracking_no}")
    moved = moving.move(session, case, AfterSaleStatus.EXCHANGED, by=by, now=now, exchanged_at=now)
    stock.confirm(session, source=case.source, now=now)
    _record(session, moved, ParcelWay.EXCHANGE, parcel, now)
    return moved


def hold(
    session: Session,
    case: AfterSale,
    order: Order,
    quantities: Mapping[int, int],
    *,
    now: datetime,
) -> None:
    """
    Hold new pieces for an exchange, instead of what was held for it before.

    :raises OutOfStock: a SKU is short or no longer offered.
    """
    stock.release(session, source=case.source, now=now)
    of_sku: dict[int, int] = {}
    for line in orders.lines(session, order_id=order.id):
        if pieces := quantities.get(line.id, 0):
            of_sku[line.sku_id] = of_sku.get(line.sku_id, 0) + pieces
    stock.hold(session, source=case.source, quantities=of_sku, now=now)


def _accepted(asked: Mapping[int, int], arrival: Arrival) -> dict[int, int]:
    if arrival.accepted is None:
        return dict(asked)
    for line_id, pieces in arrival.accepted.items():
        if pieces > asked.get(line_id, 0):
            raise AcceptedExceedsSent(line_id=line_id, asked=asked.get(line_id, 0))
    accepted = {line_id: pieces for line_id, pieces in arrival.accepted.items() if pieces}
    if accepted != asked and not arrival.answer:
        raise Invalid(errors={"answer": ["未全部验收时请说明原因"]})
    return accepted


def _none_accepted(
    session: Session, case: AfterSale, *, staff_id: int | None, by: By, now: datetime
) -> AfterSale:
    moved = moving.move(
        session,
        case,
        AfterSaleStatus.REJECTED,
        by=by,
        now=now,
        decided_at=now,
        decided_by=staff_id,
        answer=by.words,
        accepted={},
    )
    if moved.kind == AfterSaleKind.EXCHANGE:
        stock.release(session, source=moved.source, now=now)
    return moved


def _to_exchange(
    session: Session,
    case: AfterSale,
    order: Order,
    accepted: Mapping[int, int],
    arrival: Arrival,
    *,
    by: By,
    now: datetime,
) -> AfterSale:
    brings = agreeing.of_pieces(session, case, order, accepted)
    moved = moving.move(
        session,
        case,
        AfterSaleStatus.EXCHANGING,
        by=by,
        now=now,
        answer=by.words or case.answer,
        accepted={str(line_id): pieces for line_id, pieces in accepted.items()},
        breakdown=brings.to_json(),
    )
    hold(session, moved, order, accepted, now=now)
    if arrival.is_sellable and by.staff_id is not None:
        # The old pieces stay sold: the order keeps as many as it bought.
        for line in brings.lines:
            stock.adjust(
                session,
                sku_id=line.sku_id,
                delta=line.quantity,
                reason=f"换货退回 {case.after_sale_no}",
                staff_id=by.staff_id,
                now=now,
            )
    return moved


def _record(
    session: Session, case: AfterSale, way: ParcelWay, parcel: Parcel, now: datetime
) -> None:
    session.add(
        AfterSaleParcel(
            after_sale_id=case.id,
            way=way,
            company_code=parcel.company_code,
            company_name=parcel.company_name,
            tracking_no=parcel.tracking_no,
            sent_at=now,
        )
    )
    session.flush()
