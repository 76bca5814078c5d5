"""
Intents to give money back. An intent is a row with a number; a job carries it to WeChat.

Whoever decides that money goes back does so in the transaction that records the intent, so a
decision is never lost and never carried out twice.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import numbers, queue
from app.core.errors import Conflict
from app.orders import queries as orders
from app.orders import service as order_moves
from app.payments.decision_models import QuarantineDecision
from app.payments.models import Payment, PaymentStatus, Refund, RefundStatus
from app.wechat import bodies, text

LATE = "订单已关闭，款项原路退回"
DUPLICATE = "重复支付，款项原路退回"
STRAY = "款项与订单不符，原路退回"
MOST_PARTS = 50
"""WeChat gives one payment back in so many parts and no more."""


class NothingToRefund(Exception):
    """A refund is asked for an order that no payment of ours ever paid."""


class TooManyParts(Conflict):
    """WeChat gives one payment back in fifty parts at most; what is left must go another way."""

    code, title = "too_many_refunds", "该笔支付的退款次数已达微信上限（50次），请线下退款"


def request_refund(  # noqa: PLR0913  # One argument per column.
    session: Session,
    *,
    order_id: int,
    source: str,
    amount_fen: int,
    line_amounts: Mapping[int, int],
    freight_fen: int,
    quantities: Mapping[int, int] | None = None,
    unshipped: Mapping[int, int] | None = None,
    retained: Mapping[int, int] | None = None,
    rest_fen: int = 0,
    reason: str,
    now: datetime,
) -> Refund:
    """
    Begin to give money back for `source` (`after_sale:A…`), once; asked again, return the first.

    `line_amounts` is fen and `quantities` pieces by `order_line.id`; the fen and `freight_fen` sum
    to `amount_fen`; `unshipped`, `retained` and `rest_fen` are as in `begin_refund`. The order
    counts it as refunding from now on, and as refunded when WeChat says so; then
    `aftersales.refund_settled(source)` is deferred. What cost nothing is settled at once.

    :raises NotRefundable: the order is not paid, or wholly refunded.
    :raises RefundExceedsPaid: more is asked than is left.
    :raises TooManyParts: its payment has gone back in fifty parts.
    """
    if sum(line_amounts.values()) + freight_fen != amount_fen:
        raise ValueError("a refund's parts do not make its whole")
    orders.locked(session, order_id=order_id)
    if begun := by_source(session, source):
        return begun
    order_moves.begin_refund(
        session,
        order_id=order_id,
        refund_source=source,
        line_amounts=line_amounts,
        freight_fen=freight_fen,
        quantities=quantities,
        unshipped=unshipped,
        retained=retained,
        rest_fen=rest_fen,
        now=now,
    )
    refund = Refund(
        out_refund_no=numbers.out_refund_no(now),
        order_id=order_id,
        source=source,
        amount_fen=amount_fen,
        line_amounts={str(line_id): fen for line_id, fen in line_amounts.items()},
        freight_fen=freight_fen,
        reason=text.clip(reason, bodies.REASON_BYTES),
        created_at=now,
    )
    if amount_fen == 0:
        _settle_nothing(session, refund, now)
    else:
        payment = paid_of(session, order_id)
        keep_within_parts(session, payment)
        _intend(session, refund, payment, now)
    return refund


def owe_back(session: Session, payment: Payment, *, kind: str, now: datetime) -> Refund:
    """Begin to give back the whole of a payment the order has no use for (`late`, `duplicate`)."""
    refund = Refund(
        out_refund_no=numbers.out_refund_no(now),
        order_id=payment.order_id,
        source=f"{kind}:{payment.out_trade_no}",
        amount_fen=payment.amount_fen,
        line_amounts=None,
        freight_fen=0,
        reason=LATE if kind == "late" else DUPLICATE,
        created_at=now,
    )
    _intend(session, refund, payment, now)
    return refund


def return_stray(
    session: Session, decision: QuarantineDecision, *, order_id: int | None, now: datetime
) -> Refund:
    """Begin to give back money that fits nothing we asked for, as a person has decided."""
    assert decision.amount_fen is not None
    refund = Refund(
        out_refund_no=numbers.out_refund_no(now),
        order_id=order_id,
        decision_id=decision.id,
        source=f"quarantine:{decision.inbox_id}",
        amount_fen=decision.amount_fen,
        line_amounts=None,
        freight_fen=0,
        reason=STRAY,
        created_at=now,
    )
    begin(session, refund, now=now)
    return refund


def succeeded(session: Session, refund: Refund, *, now: datetime) -> None:
    """Tell the order and whoever asked that the money of `refund` is back."""
    if refund.line_amounts is None:
        return
    assert refund.order_id is not None
    order_moves.finish_refund(
        session, order_id=refund.order_id, refund_source=refund.source, now=now
    )
    queue.defer(session, "aftersales.refund_settled", source=refund.source)


def begin(session: Session, refund: Refund, *, now: datetime) -> None:
    """Record the number the refund will be asked with for ever, and have it asked."""
    refund.status = RefundStatus.PENDING
    refund.next_poll_at = now
    session.add(refund)
    session.flush()
    queue.defer(session, "payments.submit_refund", refund_id=refund.id)


def by_source(session: Session, source: str) -> Refund | None:
    """Return the refund begun for `source`, if any."""
    return session.scalar(select(Refund).where(Refund.source == source))


def paid_of(session: Session, order_id: int) -> Payment:
    """
    Lock and return the payment that paid the order.

    :raises NothingToRefund: there is none.
    """
    payment = session.scalar(
        select(Payment)
        .where(Payment.order_id == order_id, Payment.status == PaymentStatus.PAID)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if payment is None:
        raise NothingToRefund(f"order {order_id}")
    return payment


def _intend(session: Session, refund: Refund, payment: Payment, now: datetime) -> None:
    """Count the refund against its payment, and begin it."""
    refund.payment_id = payment.id
    payment.refund_fen += refund.amount_fen
    begin(session, refund, now=now)


def keep_within_parts(session: Session, payment: Payment) -> None:
    """
    Make sure that a locked payment may go back in one part more; replaced numbers count too.

    :raises TooManyParts: it may not.
    """
    parts = session.scalar(select(func.count()).where(Refund.payment_id == payment.id))
    if (parts or 0) >= MOST_PARTS:
        raise TooManyParts


def _settle_nothing(session: Session, refund: Refund, now: datetime) -> None:
    refund.status = RefundStatus.SUCCESS
    refund.settled_at = now
    session.add(refund)
    session.flush()
    succeeded(session, refund, now=now)
