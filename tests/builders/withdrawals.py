"""Withdrawals at any point of their life, and money to withdraw."""

import itertools
from datetime import datetime
from uuid import uuid4

from sqlalchemy.orm import Session

from app.core import numbers
from distribution import withdrawals
from distribution.commissions import rules as commission_rules
from distribution.withdrawals import rules
from distribution.withdrawals.models import Withdrawal
from distribution.withdrawals.rules import WithdrawalRules
from distribution.withdrawals.states import Channel
from tests.builders.distribution import NOON, bind, make_distributor, make_rules, mature, pay

_buyers = itertools.count(900_001)
ID_NUMBERS = ("11010519491231002X", "440308199001010012", "110101198001010010")
"""The example of GB 11643, and two that have the right check digit."""


def make_withdrawal_rules(
    session: Session, *, now: datetime = NOON, **changes: object
) -> WithdrawalRules:
    """Put rules in force under which nobody reviews, and nearly everything may be withdrawn."""
    given: dict[str, object] = {
        "min_fen": 10,
        "max_fen": 20_000_000,
        "daily_count": 100,
        "daily_fen": 1_000_000_000,
        "review_over_fen": 1_000_000_000,
        "second_review_over_fen": 1_000_000_000,
        "has_manual": True,
        **changes,
    }
    return rules.change(session, WithdrawalRules(**given), changed_by="staff:1", now=now)  # type: ignore[arg-type]  # Any field.


def earn(session: Session, *, member_id: int, fen: int, now: datetime = NOON) -> str:
    """Let a distributor have `fen` more available, earned by an order; the order's source."""
    if commission_rules.current(session).rates != (5000, 0):
        make_rules(session, levels=1, level1_bp=5000, level2_bp=0, now=now)
    make_distributor(session, member_id=member_id, now=now)
    buyer_id, order = next(_buyers), f"order:{uuid4()}"
    bind(session, member_id=buyer_id, upline_id=member_id, now=now)
    pay(session, buyer_id=buyer_id, order=order, paid_fen=(2 * fen,), now=now)
    mature(session, order=order, now=now)
    return order


def ask(
    session: Session,
    *,
    member_id: int = 2,
    amount_fen: int = 1_000,
    channel: Channel = Channel.WECHAT,
    now: datetime = NOON,
) -> Withdrawal:
    """Ask for money."""
    return withdrawals.request(
        session,
        no=numbers.withdrawal_no(now),
        member_id=member_id,
        amount_fen=amount_fen,
        channel=channel,
        now=now,
    )
