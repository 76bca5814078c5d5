"""
Everything WeChat tells us, kept before it is believed, and acted upon once.

Locks: the inbox row first, then the order, then the attempt or refund.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import queue
from app.payments import applying, facts
from app.payments.applying import IGNORED, Outcome
from app.payments.facts import MalformedFact, Standing
from app.payments.models import FactKind, InboxStatus, PayInbox
from app.wechat.errors import UntrustedAnswer
from app.wechat.notify import Notification

log = structlog.get_logger(__name__)

KINDS = {
    "transaction": FactKind.TRADE,
    "refund": FactKind.REFUND,
    "mch_payment": FactKind.PAYOUT,
}
FIELDS = {
    FactKind.TRADE: facts.TRADE_FIELDS,
    FactKind.REFUND: facts.REFUND_FIELDS,
    FactKind.PAYOUT: facts.PAYOUT_FIELDS,
}
NUMBERS = {
    FactKind.TRADE: "out_trade_no",
    FactKind.REFUND: "out_refund_no",
    FactKind.PAYOUT: "out_bill_no",
}
JOBS = {FactKind.PAYOUT: "withdrawals.apply_fact"}
"""The jobs of other slices that act upon facts of theirs; ours is `payments.apply_fact`."""
ANSWER = "ANSWER"
"""The event type of what WeChat said because we asked."""
PROOF = (
    "Wechatpay-Timestamp",
    "Wechatpay-Nonce",
    "Wechatpay-Serial",
    "Wechatpay-Signature",
)

Act = Callable[[Session, PayInbox, datetime], Outcome]
"""Makes what a kept fact says true, once."""


def store(
    session: Session,
    notification: Notification,
    *,
    headers: Mapping[str, str],
    raw: bytes,
    now: datetime,
) -> bool:
    """
    Keep a verified notification and have it applied; False if that very one is kept already.

    The job is in the same transaction: what is acknowledged is stored, what is stored is applied.
    """
    kind = KINDS.get(notification.original_type, FactKind.OTHER)
    lower = {name.lower(): value for name, value in headers.items()}
    inbox_id = _keep(
        session,
        event_id=notification.id,
        kind=kind,
        event_type=notification.event_type,
        resource=notification.resource,
        headers={name: lower.get(name.lower(), "") for name in PROOF},
        raw=raw,
        now=now,
    )
    if inbox_id is None:
        return False
    queue.defer(session, JOBS.get(kind, "payments.apply_fact"), inbox_id=inbox_id)
    return True


def hear_answer(  # What was asked, what was said, and who acts.
    session: Session,
    kind: FactKind,
    out_no: str,
    resource: dict[str, Any],
    *,
    now: datetime,
    act: Act | None = None,
) -> Outcome:
    """
    Act upon WeChat's answer to a question about `out_no`, through the same door as a notification.

    "Not paid yet" is not news and leaves no trace. `act` is another slice's way to act upon it.

    :raises UntrustedAnswer: the answer is about another number.
    """
    if resource.get(NUMBERS[kind]) != out_no:
        raise UntrustedAnswer(f"asked about {out_no}, answered about another number")
    if kind is FactKind.TRADE and _says_not_paid(resource):
        return IGNORED
    fact = _excerpt(kind, resource)
    digest = hashlib.sha256(json.dumps(fact, sort_keys=True).encode()).hexdigest()
    inbox_id = _keep(
        session,
        event_id=f"answer:{out_no}:{digest[:32]}",
        kind=kind,
        event_type=ANSWER,
        resource=resource,
        headers={},
        raw=b"",
        now=now,
    )
    if inbox_id is None:
        return IGNORED
    return _handle(session, session.get_one(PayInbox, inbox_id), now=now, act=act or _apply)


def handle(session: Session, *, inbox_id: int, now: datetime, act: Act | None = None) -> None:
    """Act upon one kept fact, once however often this is called; `act` as in `hear_answer`."""
    row = session.get(
        PayInbox, inbox_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if row is not None and row.status == InboxStatus.RECEIVED:
        _handle(session, row, now=now, act=act or _apply)


def _handle(session: Session, row: PayInbox, *, now: datetime, act: Act) -> Outcome:
    with structlog.contextvars.bound_contextvars(out_no=row.out_no, event_id=row.event_id):
        try:
            outcome = act(session, row, now)
        except MalformedFact as error:
            outcome = applying.quarantine("malformed", error=str(error))
    row.status, row.reason = outcome
    row.handled_at = now
    session.flush()
    return outcome


def _apply(session: Session, row: PayInbox, now: datetime) -> Outcome:
    if row.kind == FactKind.TRADE:
        fact = facts.read_trade(row.fact)
        if row.event_type != ANSWER and fact.standing is not Standing.PAID:
            # WeChat notifies of money. That there is none, and will be none, it is asked.
            return IGNORED
        return applying.apply_trade(session, fact, now=now)
    if row.kind == FactKind.REFUND:
        return applying.apply_refund(session, facts.read_refund(row.fact), now=now)
    log.info("notification_ignored", event_type=row.event_type)
    return IGNORED


def _says_not_paid(resource: dict[str, Any]) -> bool:
    try:
        return facts.read_trade(resource).standing is Standing.OPEN
    except MalformedFact:
        return False


def _keep(
    session: Session,
    *,
    event_id: str,
    kind: FactKind,
    event_type: str,
    resource: dict[str, Any],
    headers: dict[str, str],
    raw: bytes,
    now: datetime,
) -> int | None:
    """Insert the row and return its id; None if its event is kept already."""
    return session.scalar(
        insert(PayInbox)
        .values(
            event_id=event_id,
            kind=kind,
            event_type=event_type,
            out_no=_out_no(kind, resource),
            headers=headers,
            raw=raw,
            fact=_excerpt(kind, resource),
            status=InboxStatus.RECEIVED,
            received_at=now,
        )
        .on_conflict_do_nothing(index_elements=["event_id"])
        .returning(PayInbox.id)
    )


def _excerpt(kind: FactKind, resource: dict[str, Any]) -> dict[str, Any]:
    """The fields that are acted upon, as PostgreSQL can hold them."""
    kept = facts.excerpt(resource, FIELDS.get(kind, ()))
    try:
        text = json.dumps(kept, allow_nan=False)
    except ValueError:
        return {}
    # A NUL inside JSON text is legal and the one thing JSONB refuses; so are lone surrogates.
    return {} if "\\u0000" in text or "\\ud" in text else kept


def _out_no(kind: FactKind, resource: dict[str, Any]) -> str:
    number = resource.get(NUMBERS.get(kind, ""), "")
    is_number = isinstance(number, str) and number.isascii() and number.isprintable()
    return number if is_number and len(number) <= 64 else ""
