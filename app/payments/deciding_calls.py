"""
The edge of what people decide about money: the intent is recorded, WeChat asked, the answer kept.

Each function opens its own transactions and holds none while it waits for WeChat.
"""

from dataclasses import dataclass

import structlog

from app import wechat
from app.core import clock
from app.core.db import transaction
from app.payments import facts, inbox, quarantine, stuck
from app.payments.facts import MalformedFact, Standing, TradeFact
from app.payments.models import FactKind, Refund
from app.payments.quarantine import Judgement
from app.payments.stuck import Instruction, Rescue
from app.wechat import bodies
from app.wechat.errors import UntrustedAnswer

log = structlog.get_logger(__name__)

TO_BUYER, TO_SHOP = "USER_BANK_CARD", "MERCHANT_BANK_CARD"


@dataclass(frozen=True, slots=True)
class BankAccount:
    """The account of who paid. It is sealed for WeChat and kept nowhere."""

    bank_type: str
    account_number: str
    account_name: str


def decide(judgement: Judgement, *, inbox_id: int) -> None:
    """
    Decide about a fact that was set aside, by what WeChat says of its money at this moment.

    What WeChat answers goes in through the inbox like everything it says: a notification that was
    wrong where the money is right ends as a payment, and only the notification is left to dismiss.

    :raises FactNotFound, FactDecided, MoneyNotFound, MoneyKnown, CannotApply: as
        `quarantine.decide`.
    :raises ResultUnknown: WeChat does not answer; nothing was decided.
    :raises WeChatRefused: WeChat will not say.
    """
    with transaction() as session:
        number = quarantine.waiting(session, inbox_id=inbox_id, decision=judgement.decision)
    money = None if number is None else _money(number)
    with transaction() as session:
        quarantine.decide(session, judgement, inbox_id=inbox_id, money=money, now=clock.now())


def _money(transaction_id: str) -> TradeFact | None:
    """Ask for a transaction by WeChat's own number; None if it brought us no money."""
    resource = wechat.clients().pay.query_transaction(transaction_id)
    if resource is None:
        return None
    try:
        fact = facts.read_trade(resource)
    except MalformedFact as error:
        raise UntrustedAnswer(f"transaction {transaction_id}: {error}") from error
    if fact.standing is not Standing.PAID or fact.transaction_id != transaction_id:
        return None
    with transaction() as session:
        inbox.hear_answer(session, FactKind.TRADE, fact.out_trade_no, resource, now=clock.now())
    return fact


def replace(wanted: Instruction, *, number: str) -> Refund:
    """
    Begin a refund anew under another number, if WeChat says at this moment that it is closed.

    :raises RefundNotFound, RefundStateForbids, TooManyParts: as `stuck.replace`.
    :raises ResultUnknown: WeChat does not answer; nothing was done.
    :raises WeChatRefused: WeChat will not say.
    """
    answer = wechat.clients().pay.query_refund(number)
    if answer is not None:
        _hear(number, answer)
    with transaction() as session:
        return stuck.replace(session, wanted, number=number, now=clock.now())


def by_hand(wanted: Instruction, *, number: str, receipt_no: str) -> Refund:
    """
    Record a refund as given back outside of WeChat, if WeChat says once more that it did not.

    :raises RefundNotFound, RefundStateForbids: as `stuck.by_hand`.
    :raises ResultUnknown: WeChat does not answer; nothing was recorded.
    :raises WeChatRefused: WeChat will not say.
    """
    answer = wechat.clients().pay.query_refund(number)
    if answer is not None:
        _hear(number, answer)
    with transaction() as session:
        return stuck.by_hand(session, wanted, number=number, receipt_no=receipt_no, now=clock.now())


def rescue(wanted: Instruction, *, number: str, account: BankAccount | None) -> Refund:
    """
    Have abnormal money given to the payer's bank account, or, without one, to the merchant's own.

    The request is made here and sent by a job; WeChat's refusal is seen among the stuck refunds.

    :raises RefundNotFound, RefundStateForbids: as `stuck.rescue`.
    :raises ResultUnknown: there is no key to seal the account with at this moment.
    """
    pay, now = wechat.clients().pay, clock.now()
    to, serial, fields = TO_SHOP, None, {}
    if account is not None:
        seal = pay.seal(now)
        to, serial = TO_BUYER, seal.serial
        fields = {
            "bank_type": account.bank_type,
            "bank_account": seal.close(account.account_number),
            "real_name": seal.close(account.account_name),
        }
    body = bodies.rescue_body(out_refund_no=number, to=to, sealed=fields)
    with transaction() as session:
        return stuck.rescue(session, wanted, Rescue(to, body, serial), number=number, now=now)


def _hear(number: str, answer: dict[str, object]) -> None:
    with transaction() as session:
        inbox.hear_answer(session, FactKind.REFUND, number, answer, now=clock.now())
