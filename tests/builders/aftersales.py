"""After-sale cases on paid orders, as the mall makes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.aftersales import service, verify
from app.aftersales.models import AfterSale, AfterSaleKind
from app.aftersales.service import Arrival, Parcel, Terms, Wish
from app.catalogue.models import Sku
from app.core.verify import Breach
from app.orders import queries as orders
from app.orders import verify as orders_verify
from app.orders.models import Order, OrderLine
from app.payments import verify as payments_verify
from app.payments.models import Refund
from app.staff.models import Staff
from tests.builders.orders import make_order
from tests.builders.payments import pay_order, settle_refund

RETURN, EXCHANGE = AfterSaleKind.RETURN_REFUND, AfterSaleKind.EXCHANGE
BACK = Parcel("ZTO", "中通快递", "ZT1234567890")
PROOFS = (verify, orders_verify, payments_verify)


def make_paid_order(session: Session, *, now: datetime, **wanted: Any) -> Order:
    """An order whose money came through a payment, so that it can go back."""
    order = make_order(session, now=now, **wanted)
    pay_order(session, order=order, now=now)
    session.refresh(order)
    return order


def make_case(
    session: Session,
    *,
    now: datetime,
    order: Order | None = None,
    kind: AfterSaleKind = AfterSaleKind.MONEY_ONLY,
    pieces: Mapping[int, int] | None = None,
    amount_fen: int | None = None,
    reason: str = "不想要了",
) -> AfterSale:
    """A case the buyer has just opened, about `pieces` (by `order_line.id`) or all that is left."""
    order = order or make_paid_order(session, now=now)
    return service.apply(
        session,
        order_no=order.order_no,
        buyer_id=order.buyer_id,
        wish=Wish(kind, pieces, amount_fen),
        reason=reason,
        now=now,
    )


def sent(
    session: Session,
    order: Order,
    staff: Staff,
    now: datetime,
    *,
    kind: AfterSaleKind = RETURN,
    pieces: int = 2,
    terms: Terms = service.AS_ASKED,
) -> AfterSale:
    """A case about pieces of the first line, agreed to, whose goods are on their way."""
    cup = lines(session, order)[0]
    case = make_case(session, order=order, kind=kind, pieces={cup.id: pieces}, now=now)
    number = {"after_sale_no": case.after_sale_no, "now": now}
    service.approve(session, staff_id=staff.id, terms=terms, **number)
    return service.send(session, buyer_id=order.buyer_id, parcel=BACK, **number)


def receive(
    session: Session, case: AfterSale, staff: Staff, now: datetime, **arrival: Any
) -> AfterSale:
    """Staff take the goods of a case in."""
    return service.receive(
        session,
        after_sale_no=case.after_sale_no,
        staff_id=staff.id,
        arrival=Arrival(**arrival),
        now=now,
    )


def arrive(session: Session, case: AfterSale, now: datetime) -> None:
    """The money of a case is back."""
    settle_refund(
        session, refund=session.scalar(select(Refund).where(Refund.source == case.source)), now=now
    )
    service.settle(session, source=case.source, now=now)
    session.flush()


def lines(session: Session, order: Order) -> Sequence[OrderLine]:
    """The lines of an order as they are now."""
    return orders.lines(session, order_id=order.id)


def stock(session: Session, line: OrderLine) -> tuple[int, int, int]:
    """What of the SKU of a line is available, held and sold."""
    sku = session.get(Sku, line.sku_id, populate_existing=True)
    return sku.available, sku.held, sku.sold


def breaches_of(session: Session) -> list[Breach]:
    """What the proofs of after-sales, orders and payments find, once all is committed."""
    session.commit()
    return [each for check in PROOFS for each in check.verify(session)]
