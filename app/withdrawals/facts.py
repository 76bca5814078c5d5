"""
What WeChat says about a payout, as plain values. Pure: no database, no clock.

Sayings arrive twice, late and in any order, so a payout only ever goes up in rank; what says less
than we know changes nothing. A state this code has never heard of ranks lowest: it is asked again.
"""

from dataclasses import dataclass
from typing import Any

from app.payments.facts import FEN_LIMIT, TEXT_MAX, MalformedFact
from app.withdrawals.models import PayoutStatus

STATES = {
    "ACCEPTED": PayoutStatus.ACCEPTED,
    "PROCESSING": PayoutStatus.PROCESSING,
    "WAIT_USER_CONFIRM": PayoutStatus.CONFIRMING,
    "TRANSFERING": PayoutStatus.TRANSFERRING,
    "CANCELING": PayoutStatus.CANCELLING,
    "SUCCESS": PayoutStatus.SUCCESS,
    "FAIL": PayoutStatus.FAILED,
    "CANCELLED": PayoutStatus.CANCELLED,
}
"""WeChat's eight states, in its own spelling."""

RANKS = {
    PayoutStatus.NEW: 0,
    PayoutStatus.PENDING: 1,
    PayoutStatus.ACCEPTED: 2,
    PayoutStatus.PROCESSING: 3,
    PayoutStatus.CONFIRMING: 4,
    PayoutStatus.TRANSFERRING: 5,
    PayoutStatus.CANCELLING: 5,
    PayoutStatus.SUCCESS: 6,
    PayoutStatus.FAILED: 6,
    PayoutStatus.CANCELLED: 6,
}
FINAL_RANK = 6
PACKAGE_MAX = 2000


@dataclass(frozen=True, slots=True)
class PayoutFact:
    """One statement of WeChat about a payout, from a query or a notification."""

    out_bill_no: str
    mchid: str
    amount_fen: int
    status: PayoutStatus
    transfer_bill_no: str
    fail_reason: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What WeChat answers to a create or a cancel: how far it is, without the amount."""

    status: PayoutStatus
    transfer_bill_no: str
    package_info: str | None


def read(resource: dict[str, Any]) -> PayoutFact:
    """
    Read a payout, from a notification or a query; unknown fields are no error.

    :raises MalformedFact: a field is missing or of the wrong kind.
    """
    status = status_of(resource)
    reason = _text(resource, "fail_reason") if resource.get("fail_reason") else "UNKNOWN"
    return PayoutFact(
        out_bill_no=_text(resource, "out_bill_no"),
        # Its documents spell it both ways.
        mchid=_text(resource, "mch_id" if "mch_id" in resource else "mchid"),
        amount_fen=_fen(resource, "transfer_amount"),
        status=status,
        transfer_bill_no=_text(resource, "transfer_bill_no"),
        fail_reason=reason if status is PayoutStatus.FAILED else None,
    )


def read_receipt(resource: dict[str, Any]) -> Receipt:
    """
    Read the answer to a create or a cancel.

    :raises MalformedFact: a field is missing or of the wrong kind.
    """
    package = resource.get("package_info")
    is_package = isinstance(package, str) and 0 < len(package) <= PACKAGE_MAX
    if package is not None and not (is_package and package.isprintable()):
        raise MalformedFact("package_info is not a text")
    return Receipt(status_of(resource), _text(resource, "transfer_bill_no"), package)


def status_of(resource: dict[str, Any]) -> PayoutStatus:
    """
    The state a resource names.

    :raises MalformedFact: it names none.
    """
    return STATES.get(_text(resource, "state"), PayoutStatus.ACCEPTED)


def is_final(status: PayoutStatus) -> bool:
    """Whether nothing comes after it."""
    return RANKS[status] == FINAL_RANK


def mismatch(fact: PayoutFact, *, mchid: str, amount_fen: int) -> str | None:
    """Tell why `fact` is not about the payout we asked for; None when it is."""
    if fact.mchid != mchid:
        return "foreign_mchid"
    return "wrong_amount" if fact.amount_fen != amount_fen else None


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_MAX or not value.isprintable():
        raise MalformedFact(f"{name} is not a short text")
    return value


def _fen(data: dict[str, Any], name: str) -> int:
    value = data.get(name)
    if type(value) is not int or not 0 <= value < FEN_LIMIT:
        raise MalformedFact(f"{name} is not an amount in fen")
    return value
