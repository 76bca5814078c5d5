"""
The end of a bulk buy, order by order: what it is due goes back, once for ever.

The order is locked first. The state of its share, what its lines cost in the end and the refund are
one transaction, so a crash leaves all or nothing, and whoever comes second finds it done.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from app.aftersales import queries as cases
from app.aftersales import service as aftersales
from app.bulk_buys import queries, wording
from app.orders import lowering, returning
from app.orders import queries as orders
from app.orders.models import Order
from app.payments import service as payments
from promotions import bulk_buys
from promotions import queries as campaigns
from promotions.bulk_buys import Reckoned, ShareState
from promotions.bulk_buys.collecting import lines_of
from promotions.bulk_buys.models import BulkShare
from promotions.bulk_buys.queries import rule_for


def settle(session: Session, *, order_no: str, now: datetime) -> bool:
    """
    Settle what an order brought into a bulk buy that has ended, once.

    Returns False, and changes nothing, if that was done, the campaign is not closed, or the buyer
    has asked for money of it back and staff have not decided: what that brings is settled already.

    :raises OrderNotFound: there is none.
    """
    order = orders.locked(session, order_id=orders.get(session, order_no=order_no).id)
    found = bulk_buys.locked(session, source=order.source)
    if found is None:
        return False
    share, standing = found
    terms = rule_for(campaigns.get(session, share.promotion_id))
    reckoned = bulk_buys.reckon(terms, lines_of(share), tier=standing.tier)
    if reckoned.state is ShareState.FAILED:
        _give_all_back(session, order, share, now)
        return True
    if cases.is_asked(session, order_id=order.id):
        return False
    bulk_buys.settle(session, share, reckoned.state, due_back_fen=reckoned.due_fen, now=now)
    if reckoned.due_fen:
        _give_difference_back(session, order, reckoned, now)
    return True


def _give_difference_back(
    session: Session, order: Order, reckoned: Reckoned, now: datetime
) -> None:
    lines = orders.lines(session, order_id=order.id)
    due = lowering.lower(session, lines, reckoned.finals)
    assert sum(due.values()) == reckoned.due_fen, f"{order.order_no} is due {due}"
    payments.request_refund(
        session,
        order_id=order.id,
        source=queries.refund_source(order.order_no),
        amount_fen=reckoned.due_fen,
        line_amounts=due,
        freight_fen=0,
        reason=wording.LOWERED,
        now=now,
    )


def _give_all_back(session: Session, order: Order, share: BulkShare, now: datetime) -> None:
    """Give back all that is left, goods and freight; what the buyer asked for goes with it."""
    aftersales.give_way(session, order_id=order.id, answer=wording.GIVES_WAY, now=now)
    plan = returning.plan(order, orders.lines(session, order_id=order.id))
    bulk_buys.settle(session, share, ShareState.FAILED, due_back_fen=plan.amount_fen, now=now)
    payments.request_refund(
        session,
        order_id=order.id,
        source=queries.refund_source(order.order_no),
        amount_fen=plan.amount_fen,
        line_amounts=plan.line_amounts,
        freight_fen=plan.freight_fen,
        quantities=plan.quantities,
        reason=wording.FAILED,
        now=now,
    )
