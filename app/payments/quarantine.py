"""
What a person decides about a fact that was set aside, once WeChat has said what money there is.

Locks: the inbox row, then the order and its attempt, as for every fact. Whatever is decided is
written down with its reason and its author, and never edited.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from app.core import metrics, queue
from app.core.errors import Conflict, NotFound
from app.orders.models import Order, OrderStatus
from app.payments import applying, attempts, decided, service
from app.payments.decision_models import Decision, QuarantineDecision
from app.payments.facts import CURRENCY, TradeFact
from app.payments.models import INBOX_TRANSITIONS as MOVES
from app.payments.models import LIVE, FactKind, InboxStatus, PayInbox, Payment

log = structlog.get_logger(__name__)

ENDS = {**applying.ENDS, Decision.APPLY: InboxStatus.APPLIED}


class FactNotFound(NotFound):
    """No such fact was set aside."""

    code, title = "fact_not_found", "没有这条待处理的微信消息"


class FactDecided(Conflict):
    """A person has decided about this fact, or about the money it tells of."""

    code, title = "fact_decided", "该消息已处理，不能重复操作"


class MoneyNotFound(Conflict):
    """WeChat knows of no such money in our account: there is nothing to refund or to apply."""

    code, title = "money_not_found", "微信账户中没有这笔款项，只能忽略"


class MoneyKnown(Conflict):
    """The money is in our books already, and goes its way there."""

    code, title = "money_known", "这笔款项已正常入账，只能忽略该消息"


class CannotApply(Conflict):
    """The money cannot count for what it names, for a `reason`."""

    code, title = "cannot_apply", "这笔款项与订单不符，不能入账，请选择退款"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is decided, by whom and why."""

    decision: Decision
    reason: str
    staff_id: int


def waiting(session: Session, *, inbox_id: int, decision: Decision) -> str | None:
    """
    Return the transaction a fact that awaits a decision tells of; None if it tells of no money.

    :raises FactNotFound: no such fact was ever set aside.
    :raises FactDecided: it has been decided about.
    """
    row = _waiting(session.get(PayInbox, inbox_id), decision)
    if row.kind != FactKind.TRADE:
        return None
    number = row.fact.get("transaction_id")
    return number if isinstance(number, str) and number else None


def decide(
    session: Session, judgement: Judgement, *, inbox_id: int, money: TradeFact | None, now: datetime
) -> QuarantineDecision:
    """
    Carry out what a person decided; `money` is what WeChat says of the fact's transaction now.

    :raises FactNotFound: no such fact was ever set aside.
    :raises FactDecided: it, or the refund of its money, has been decided about.
    :raises MoneyNotFound: it is to go back or to count, and WeChat knows of no such money.
    :raises MoneyKnown: it is to go back, and is in our books already.
    :raises CannotApply: it is to count, and does not fit an attempt of ours.
    """
    found = session.get(
        PayInbox, inbox_id, with_for_update={"key_share": True}, populate_existing=True
    )
    row = _waiting(found, judgement.decision)
    owner = _attempt(session, money)
    decision = _write(session, judgement, row, money, now)
    if judgement.decision is Decision.APPLY:
        _apply(session, money, owner, now)
    elif judgement.decision is Decision.REFUND:
        _refund(session, decision, money, owner, now)
    if owner is not None:
        _end_attempt(session, *owner, now)
    _end_facts(session, row, decision)
    log.warning("quarantine_decided", inbox_id=inbox_id, decision=decision.decision)
    metrics.payments.labels(f"quarantine_{decision.decision}").inc()
    return decision


def _waiting(row: PayInbox | None, decision: Decision) -> PayInbox:
    if row is None or row.reason is None:
        raise FactNotFound
    if ENDS[decision] not in MOVES[InboxStatus(row.status)]:
        raise FactDecided
    return row


def _attempt(session: Session, money: TradeFact | None) -> tuple[Order, Payment] | None:
    """Lock the order and the attempt that the money names, if they are ours."""
    if money is None:
        return None
    payment_id = attempts.id_of(session, out_trade_no=money.out_trade_no)
    return None if payment_id is None else attempts.locked(session, payment_id=payment_id)


def _write(
    session: Session,
    judgement: Judgement,
    row: PayInbox,
    money: TradeFact | None,
    now: datetime,
) -> QuarantineDecision:
    if money is not None and decided.about(session, money.transaction_id) is Decision.REFUND:
        raise FactDecided
    decision = QuarantineDecision(
        inbox_id=row.id,
        decision=judgement.decision,
        reason=judgement.reason,
        staff_id=judgement.staff_id,
        decided_at=now,
        transaction_id=money and money.transaction_id,
        out_trade_no=money and money.out_trade_no,
        mchid=money and money.mchid,
        amount_fen=money and money.amount_fen,
    )
    session.add(decision)
    session.flush()
    return decision


def _apply(
    session: Session,
    money: TradeFact | None,
    owner: tuple[Order, Payment] | None,
    now: datetime,
) -> None:
    """
    Let the money count for its attempt. It is in our account: whose it was meant to be is forgiven.
    """
    if money is None:
        raise MoneyNotFound
    if owner is None:
        raise CannotApply(reason="unknown_number")
    payment = owner[1]
    fitting = replace(money, appid=payment.appid, mchid=payment.mchid)
    if reason := applying.misfit(session, fitting, payment):
        raise CannotApply(reason=reason)
    if payment.transaction_id is None:
        payment.appid, payment.mchid = money.appid, money.mchid
        session.flush()
        outcome = applying.apply_trade(session, money, now=now)
        assert outcome == applying.APPLIED, outcome


def _refund(
    session: Session,
    decision: QuarantineDecision,
    money: TradeFact | None,
    owner: tuple[Order, Payment] | None,
    now: datetime,
) -> None:
    if money is None or money.currency not in (None, CURRENCY) or not money.amount_fen:
        raise MoneyNotFound
    known = exists().where(Payment.transaction_id == money.transaction_id)
    if session.scalar(select(known)):
        raise MoneyKnown
    service.return_stray(
        session, decision, order_id=None if owner is None else owner[0].id, now=now
    )


def _end_attempt(session: Session, order: Order, payment: Payment, now: datetime) -> None:
    """An attempt that was paid in a way we do not take brings nothing else any more."""
    if payment.status not in LIVE:
        return
    attempts.end(payment, now)
    session.flush()
    if order.status == OrderStatus.CLOSING:
        queue.defer(session, "payments.close_order", order_id=order.id)


def _end_facts(session: Session, row: PayInbox, decision: QuarantineDecision) -> None:
    """End the fact, and with it the others that wait and tell of the same money."""
    end = ENDS[Decision(decision.decision)]
    row.status = end
    session.flush()
    if decision.transaction_id is None:
        return
    same = func.jsonb_extract_path_text(PayInbox.fact, "transaction_id")
    # Whoever decides about one of them at this moment comes after us and finds the decision.
    others = (
        select(PayInbox.id)
        .where(
            PayInbox.status == InboxStatus.QUARANTINED,
            PayInbox.kind == FactKind.TRADE,
            same == decision.transaction_id,
        )
        .with_for_update(key_share=True, skip_locked=True)
    )
    session.execute(
        update(PayInbox).where(PayInbox.id.in_(others)).values(status=end),
        execution_options={"synchronize_session": False},
    )
