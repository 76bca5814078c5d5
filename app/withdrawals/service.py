"""What distributors and staff do: ask for money, agree, refuse, cancel, pay, set the rules."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core import metrics, numbers, queue
from app.core.errors import Conflict, Invalid, NotFound
from app.members import service as members_service
from app.withdrawals import applying, payees, submitting
from app.withdrawals.models import STOPPABLE, Payee, Payout, PayoutStatus
from distribution import withdrawals
from distribution.team import joining
from distribution.withdrawals import life, requesting, rules
from distribution.withdrawals.models import Withdrawal
from distribution.withdrawals.rules import WithdrawalRules
from distribution.withdrawals.states import UNDECIDED, Channel, WithdrawalState

BY_DISTRIBUTOR = "用户撤销"


class WithdrawalNotFound(NotFound):
    """There is no such withdrawal, or it is somebody else's."""

    code, title = "withdrawal_not_found", "提现单不存在"


class WithdrawalStateForbids(Conflict):
    """The state, in `state`, does not allow the move."""

    code, title = "withdrawal_state_forbids", "提现单当前状态不允许该操作"


class ReviewedByYou(Conflict):
    """Two different people agree to a large withdrawal."""

    code, title = "withdrawal_reviewed_by_you", "需由另一位员工复核"


class PayeeRequired(Conflict):
    """The amount, the tax or the way of paying asks for a real name."""

    code, title = "payee_required", "请先填写收款人姓名和身份证号"


class NoDistributor(Conflict):
    """Only who is or was a distributor has something to withdraw."""

    code, title = "withdrawal_needs_distributor", "还不是分销员，不能提现"


class WithdrawalFrozen(Conflict):
    """Staff have stopped the distributor."""

    code, title = "withdrawal_frozen", "分销资格已被冻结，暂不能提现"


class WithdrawalChannelClosed(Conflict):
    """The shop does not pay this way."""

    code, title = "withdrawal_channel_closed", "暂不支持该提现方式"


class WithdrawalOutOfRange(Conflict):
    """The limits are in `min_fen` and `max_fen`."""

    code, title = "withdrawal_out_of_range", "提现金额不在允许范围内"


class WithdrawalDailyCount(Conflict):
    """How many a day allows is in `daily_count`."""

    code, title = "withdrawal_daily_count", "今日提现次数已达上限"


class WithdrawalDailyAmount(Conflict):
    """How much a day allows is in `daily_fen`; what of it is used, in `asked_fen`."""

    code, title = "withdrawal_daily_amount", "今日提现金额已达上限"


class WithdrawalTooSmall(Conflict):
    """The parts are in `fee_fen` and `tax_fen`."""

    code, title = "withdrawal_too_small", "扣除手续费和税费后没有可打款的金额"


class BalanceTooLow(Conflict):
    """What is available is in `available_fen`, what is owed first in `receivable_fen`."""

    code, title = "withdrawal_balance_too_low", "可提现余额不足"


REFUSALS: dict[type[Exception], type[Conflict]] = {
    requesting.DistributorFrozen: WithdrawalFrozen,
    requesting.ChannelClosed: WithdrawalChannelClosed,
    requesting.OutOfRange: WithdrawalOutOfRange,
    requesting.TooMany: WithdrawalDailyCount,
    requesting.TooMuch: WithdrawalDailyAmount,
    requesting.NothingLeft: WithdrawalTooSmall,
    requesting.NotEnough: BalanceTooLow,
}


def request(
    session: Session, *, member_id: int, amount_fen: int, channel: Channel, now: datetime
) -> Withdrawal:
    """
    Ask for money: it is set aside, and on its way as soon as nobody has to agree any more.

    :raises Unauthorized: the member has left since the request began.
    :raises PayeeRequired: the member must say first who receives it.
    :raises Conflict: one of `REFUSALS`; nothing is set aside.
    """
    members_service.locked(session, member_id=member_id)
    number = numbers.withdrawal_no(now)
    try:
        asked = withdrawals.request(
            session, no=number, member_id=member_id, amount_fen=amount_fen, channel=channel, now=now
        )
    except joining.UnknownDistributor as error:
        raise NoDistributor from error
    except withdrawals.WithdrawalRefused as refusal:
        raise REFUSALS[type(refusal)](None, **refusal.figures) from refusal
    payee = payees.latest(session, member_id)
    if rules.current(session).needs_name(amount_fen, channel):
        must_be_payable(payee, channel)
    else:
        payee = None
    session.add(
        Payout(
            out_bill_no=number,
            member_id=member_id,
            payee_id=payee.id if payee else None,
            status=PayoutStatus.NEW,
            created_at=now,
        )
    )
    session.flush()
    metrics.withdrawals.labels("requested").inc()
    _send_if_approved(session, asked, now=now)
    return asked


def must_be_payable(payee: Payee | None, channel: Channel) -> None:
    """
    Refuse to owe money to somebody whom nobody could pay.

    :raises PayeeRequired: no name, or for payment by hand no account.
    """
    if payee is None or (channel == Channel.MANUAL and payee.account_sealed is None):
        raise PayeeRequired(needs_account=channel == Channel.MANUAL)


def approve(session: Session, *, no: str, staff_id: int, now: datetime) -> Withdrawal:
    """
    Agree to a withdrawal; with the last agreement it needs it is on its way.

    :raises WithdrawalNotFound: there is none.
    :raises ReviewedByYou: the same person has agreed already.
    :raises WithdrawalStateForbids: it does not wait for anybody to agree.
    """
    with _told():
        approved = withdrawals.approve(session, no=no, by=f"staff:{staff_id}", now=now)
    _send_if_approved(session, approved, now=now)
    return approved


def reject(session: Session, *, no: str, staff_id: int, reason: str, now: datetime) -> Withdrawal:
    """
    Refuse a withdrawal: at once while nothing was sent, else as soon as WeChat says it is stopped.

    :raises WithdrawalNotFound: there is none.
    :raises WithdrawalStateForbids: it is over, or the distributor has confirmed.
    """
    by = f"staff:{staff_id}"
    with _told():
        asked, payout = applying.locked(session, no)
        if asked.state in UNDECIDED:
            return withdrawals.reject(session, no=no, by=by, reason=reason, now=now)
        if asked.state == WithdrawalState.PAYING and asked.channel == Channel.MANUAL:
            return withdrawals.give_back(session, no=no, by=by, reason=reason, now=now)
    return _stop(session, asked, payout, by=by, reason=reason, now=now)


def cancel(session: Session, *, no: str, member_id: int, now: datetime) -> Withdrawal:
    """
    Take one's own withdrawal back: at once while nothing was sent, else when WeChat has stopped it.

    :raises WithdrawalNotFound: there is none, or it is somebody else's.
    :raises WithdrawalStateForbids: it is over, confirmed, or about to be paid by hand.
    """
    by = f"member:{member_id}"
    own(session, no=no, member_id=member_id)
    with _told():
        asked, payout = applying.locked(session, no)
        if asked.state in UNDECIDED:
            return withdrawals.cancel(session, no=no, by=by, reason=BY_DISTRIBUTOR, now=now)
    if asked.channel == Channel.MANUAL:
        raise WithdrawalStateForbids(state=asked.state)
    return _stop(session, asked, payout, by=by, reason=BY_DISTRIBUTOR, now=now)


def pay_by_hand(
    session: Session, *, no: str, staff_id: int, receipt_no: str, now: datetime
) -> Withdrawal:
    """
    Record that a withdrawal was paid outside of the mall, and by what receipt.

    :raises WithdrawalNotFound: there is none.
    :raises WithdrawalStateForbids: it is not approved, not paid by hand, or over.
    """
    with _told():
        asked, _ = applying.locked(session, no)
        if asked.channel != Channel.MANUAL:
            raise WithdrawalStateForbids(state=asked.state)
        by = f"staff:{staff_id}"
        return withdrawals.pay_out(session, no=no, by=by, receipt_no=receipt_no, now=now)


def retry(session: Session, *, no: str, now: datetime) -> Withdrawal:
    """
    Have a payout tried at once, with its own number and bytes: the cause is dealt with.

    :raises WithdrawalNotFound: there is none.
    :raises WithdrawalStateForbids: nothing of it waits at WeChat.
    """
    with _told():
        asked, payout = applying.locked(session, no)
    if payout.next_poll_at is None:
        raise WithdrawalStateForbids(state=asked.state)
    _carry(session, payout, now=now)
    return asked


def find(session: Session, *, no: str) -> Withdrawal:
    """
    Any withdrawal.

    :raises WithdrawalNotFound: there is none.
    """
    with _told():
        return life.get(session, no)


def to_pay_by_hand(session: Session, *, no: str) -> Withdrawal:
    """
    A withdrawal that somebody should pay by hand now.

    :raises WithdrawalNotFound: there is none.
    :raises WithdrawalStateForbids: it is not approved, goes by WeChat, or is over.
    """
    found = find(session, no=no)
    if found.channel != Channel.MANUAL or found.state != WithdrawalState.PAYING:
        raise WithdrawalStateForbids(state=found.state)
    return found


def own(session: Session, *, no: str, member_id: int) -> Withdrawal:
    """
    One's own withdrawal.

    :raises WithdrawalNotFound: there is none, or it is somebody else's.
    """
    found = find(session, no=no)
    if found.member_id != member_id:
        raise WithdrawalNotFound
    return found


def change_rules(
    session: Session, *, fields: dict[str, Any], staff_id: int, now: datetime
) -> WithdrawalRules:
    """
    Put new rules in force for withdrawals asked for from now on.

    :raises Invalid: they contradict each other, or leave nothing to pay.
    """
    changed = WithdrawalRules(**fields)
    try:
        return rules.change(session, changed, changed_by=f"staff:{staff_id}", now=now)
    except rules.BadRules as error:
        raise Invalid(errors={error.field: ["与其他规则矛盾，请检查"]}) from error


def _send_if_approved(session: Session, asked: Withdrawal, *, now: datetime) -> None:
    """Let WeChat's money go, in the transaction that approves it."""
    if asked.state != WithdrawalState.PAYING or asked.channel != Channel.WECHAT:
        return
    _, payout = applying.locked(session, asked.no)
    payout.status = PayoutStatus.PENDING
    _carry(session, payout, now=now)


def _stop(
    session: Session, asked: Withdrawal, payout: Payout, *, by: str, reason: str, now: datetime
) -> Withdrawal:
    """Stop what is on its way by WeChat; only WeChat's word, or its ignorance, brings it back."""
    if asked.state != WithdrawalState.PAYING or payout.status not in STOPPABLE:
        raise WithdrawalStateForbids(state=asked.state)
    if payout.sent_at is None:
        applying.drop(session, asked.no, by=by, reason=reason, now=now)
        return life.get(session, asked.no)
    submitting.stop(payout, by=by, reason=reason, now=now)
    _carry(session, payout, now=now)
    return asked


def _carry(session: Session, payout: Payout, *, now: datetime) -> None:
    submitting.hurry(payout, now=now)
    session.flush()
    name = "withdrawals.carry"
    queue.defer(
        session,
        name,
        queueing_lock=f"{name}:{payout.out_bill_no}",
        out_bill_no=payout.out_bill_no,
    )


@contextmanager
def _told() -> Iterator[None]:
    """The engine's refusals, as the shop's."""
    try:
        yield
    except withdrawals.UnknownWithdrawal as error:
        raise WithdrawalNotFound from error
    except withdrawals.SamePerson as error:
        raise ReviewedByYou from error
    except withdrawals.IllegalMove as error:
        raise WithdrawalStateForbids(state=error.state) from error
