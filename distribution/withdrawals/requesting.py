"""
Asking for money: the limits, the figures, and the hold that sets the money aside.

All requests of one member go one after another, so that limits of a day hold under any race.
"""

from datetime import datetime
from typing import ClassVar

from sqlalchemy.orm import Session

from distribution import ledger, locks
from distribution.ledger.states import AccountKind, PostingKind
from distribution.team import joining
from distribution.team.states import DistributorStatus
from distribution.withdrawals import queries, rules
from distribution.withdrawals.models import Withdrawal
from distribution.withdrawals.rules import LEAST_NET_FEN, Figures, WithdrawalRules
from distribution.withdrawals.states import Channel, WithdrawalState


class WithdrawalRefused(Exception):
    """The withdrawal is not made; `reason` says why, and `figures` by how much."""

    reason: ClassVar[str] = "refused"

    def __init__(self, **figures: int) -> None:
        super().__init__(f"{self.reason} {figures}")
        self.figures = figures


class DistributorFrozen(WithdrawalRefused):
    """Staff have stopped the distributor: nothing leaves until they resume. Who left still may."""

    reason = "frozen"


class ChannelClosed(WithdrawalRefused):
    """The shop does not pay this way."""

    reason = "channel"


class OutOfRange(WithdrawalRefused):
    """Less than the least or more than the most of one withdrawal."""

    reason = "range"


class TooMany(WithdrawalRefused):
    """As many as a day allows have been asked for today."""

    reason = "daily_count"


class TooMuch(WithdrawalRefused):
    """More than a day allows would be withdrawn today."""

    reason = "daily_amount"


class NothingLeft(WithdrawalRefused):
    """Fee and tax leave too little to pay."""

    reason = "nothing_left"


class NotEnough(WithdrawalRefused):
    """More is asked for than is available; whoever owes the shop has nothing available."""

    reason = "balance"


def request(
    session: Session,
    *,
    no: str,
    member_id: int,
    amount_fen: int,
    channel: Channel = Channel.WECHAT,
    now: datetime,
) -> Withdrawal:
    """
    Ask for `amount_fen` of what is available, and set it aside until the withdrawal ends.

    It is approved at once where the rules ask for nobody's review.

    :raises team.joining.UnknownDistributor: the member has never been a distributor.
    :raises WithdrawalRefused: its class says why; nothing is set aside.
    """
    locks.hold_member(session, member_id)
    in_force = rules.current(session)
    _check(session, member_id, amount_fen, channel, in_force, now)
    figures = _figures(session, member_id, amount_fen, in_force, now)
    _hold(session, no, member_id, amount_fen, channel, figures, now)
    reviews_needed = in_force.reviews_needed(amount_fen)
    asked = Withdrawal(
        no=no,
        member_id=member_id,
        channel=channel,
        amount_fen=amount_fen,
        **figures._asdict(),
        rules_version=in_force.version,
        reviews_needed=reviews_needed,
        state=WithdrawalState.REVIEWING if reviews_needed else WithdrawalState.PAYING,
        requested_at=now,
        state_at=now,
    )
    session.add(asked)
    session.flush()
    return asked


def _check(
    session: Session,
    member_id: int,
    amount_fen: int,
    channel: Channel,
    in_force: WithdrawalRules,
    now: datetime,
) -> None:
    if joining.get(session, member_id).status == DistributorStatus.FROZEN:
        raise DistributorFrozen
    if not in_force.is_open(channel):
        raise ChannelClosed
    if not in_force.min_fen <= amount_fen <= in_force.max_fen:
        raise OutOfRange(min_fen=in_force.min_fen, max_fen=in_force.max_fen)
    today = queries.asked_today(session, member_id, now=now)
    if today.requests >= in_force.daily_count:
        raise TooMany(daily_count=in_force.daily_count)
    if today.amount_fen + amount_fen > in_force.daily_fen:
        raise TooMuch(daily_fen=in_force.daily_fen, asked_fen=today.amount_fen)


def _figures(
    session: Session, member_id: int, amount_fen: int, in_force: WithdrawalRules, now: datetime
) -> Figures:
    month = queries.asked_this_month(session, member_id, now=now)
    figures = in_force.figures(amount_fen, month_fen=month.amount_fen, month_tax_fen=month.tax_fen)
    if figures.net_fen < LEAST_NET_FEN:
        raise NothingLeft(fee_fen=figures.fee_fen, tax_fen=figures.tax_fen)
    return figures


def _hold(  # What the posting records.
    session: Session,
    no: str,
    member_id: int,
    amount_fen: int,
    channel: Channel,
    figures: Figures,
    now: datetime,
) -> None:
    draft = ledger.reserve(
        session,
        idem_key=f"withdraw:{no}:hold",
        kind=PostingKind.HOLD,
        source=f"withdrawal:{no}",
        payload={
            "member": member_id, "fen": amount_fen, "channel": channel, **figures._asdict(),
        },
        now=now,
    )  # fmt: skip
    assert draft is not None, "a number is given once"
    kinds = (AccountKind.AVAILABLE, AccountKind.WITHDRAWING, AccountKind.RECEIVABLE)
    draft.lock([member_id], kinds)
    available_fen = draft.balance_fen(member_id, AccountKind.AVAILABLE)
    if available_fen < amount_fen:
        owed_fen = draft.balance_fen(member_id, AccountKind.RECEIVABLE)
        raise NotEnough(available_fen=available_fen, receivable_fen=owed_fen)
    draft.move(member_id, AccountKind.AVAILABLE, AccountKind.WITHDRAWING, amount_fen)
    draft.write()
