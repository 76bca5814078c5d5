"""
What WeChat says about a payment or a refund, as plain values, and how two sayings become one.

Pure: no database, no clock. Notifications arrive twice, late and in any order, so knowledge is
joined by `merge`, which does not care: it is commutative, associative and idempotent.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

CURRENCY = "CNY"
TEXT_MAX = 64
TRANSACTION_ID_MAX = 32
FEN_LIMIT = 2**63


class MalformedFact(Exception):
    """A resource that lacks what a fact needs, or holds it in another form."""


class Standing(IntEnum):
    """How far a transaction has come; what is higher is never undone by what is lower."""

    ABSENT = 0
    """WeChat knows no such number."""
    OPEN = 1
    """Not paid; it may still be. Also every state this code has never heard of."""
    CLOSED = 2
    """Not paid, and cannot be any more."""
    PAID = 3
    """The money came, whatever was refunded since."""


STANDINGS = {
    "SUCCESS": Standing.PAID,
    # A partly refunded transaction reports this, so it is proof of payment too.
    "REFUND": Standing.PAID,
    "CLOSED": Standing.CLOSED,
    "REVOKED": Standing.CLOSED,
}


@dataclass(frozen=True, slots=True)
class TradeFact:
    """One statement of WeChat about a transaction."""

    out_trade_no: str
    appid: str
    mchid: str
    currency: str | None
    amount_fen: int | None
    """Of a payment always there; of what is not paid WeChat need not name the price."""
    standing: Standing
    transaction_id: str | None
    paid_at: datetime | None


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of a transaction after every statement so far."""

    standing: Standing
    transaction_id: str | None = None
    paid_at: datetime | None = None


def merge(one: Known, other: Known) -> Known:
    """Join two states of knowledge: the higher standing wins, and the order of joining does not."""
    return max(one, other, key=_rank)


def _rank(known: Known) -> tuple[int, float, str]:
    moment = known.paid_at.timestamp() if known.paid_at else 0.0
    return known.standing, moment, known.transaction_id or ""


def told(fact: TradeFact) -> Known:
    """Give what `fact` says as knowledge."""
    if fact.standing is not Standing.PAID:
        return Known(fact.standing)
    return Known(fact.standing, fact.transaction_id, fact.paid_at)


def trade_mismatch(fact: TradeFact, *, appid: str, mchid: str, amount_fen: int) -> str | None:
    """Tell why `fact` is not about the payment we asked for; None when it is."""
    if fact.appid != appid:
        return "foreign_appid"
    if fact.mchid != mchid:
        return "foreign_mchid"
    if fact.currency not in (None, CURRENCY):
        return "wrong_currency"
    return "wrong_amount" if fact.amount_fen not in (None, amount_fen) else None


class RefundStanding(IntEnum):
    """How far a refund has come; success is the one truth nothing takes back."""

    PENDING = 0
    """Intended; WeChat may not know of it yet."""
    PROCESSING = 1
    ABNORMAL = 2
    """The card and the wallet are closed: a person must name another account."""
    CLOSED = 3
    """WeChat gave up."""
    SUCCESS = 4


@dataclass(frozen=True, slots=True)
class RefundFact:
    """One statement of WeChat about a refund."""

    out_refund_no: str
    out_trade_no: str
    mchid: str | None
    """Absent in answers, which the connection itself proves to be ours."""
    refund_fen: int
    total_fen: int
    standing: RefundStanding
    refund_id: str
    refunded_at: datetime | None


def refund_mismatch(
    fact: RefundFact, *, mchid: str, out_trade_no: str, refund_fen: int, total_fen: int
) -> str | None:
    """Tell why `fact` is not about the refund we asked for; None when it is."""
    if fact.mchid not in (None, mchid):
        return "foreign_mchid"
    if fact.out_trade_no != out_trade_no:
        return "wrong_payment"
    is_wrong = (fact.refund_fen, fact.total_fen) != (refund_fen, total_fen)
    return "wrong_amount" if is_wrong else None


def read_trade(resource: dict[str, Any]) -> TradeFact:
    """
    Read a transaction, from a notification or a query; unknown fields and states are no error.

    :raises MalformedFact: a field is missing or of the wrong kind.
    """
    standing = STANDINGS.get(_text(resource, "trade_state"), Standing.OPEN)
    is_paid = standing is Standing.PAID
    amount = _object(resource, "amount") if is_paid or "amount" in resource else {}
    return TradeFact(
        out_trade_no=_text(resource, "out_trade_no"),
        appid=_text(resource, "appid"),
        mchid=_text(resource, "mchid"),
        currency=_text(amount, "currency") if is_paid or "currency" in amount else None,
        amount_fen=_fen(amount, "total") if is_paid or "total" in amount else None,
        standing=standing,
        transaction_id=_text(resource, "transaction_id", TRANSACTION_ID_MAX) if is_paid else None,
        paid_at=_moment(resource, "success_time") if is_paid else None,
    )


def read_refund(resource: dict[str, Any]) -> RefundFact:
    """
    Read a refund; an answer calls its state `status`, a notification `refund_status`.

    :raises MalformedFact: a field is missing or of the wrong kind.
    """
    name = "refund_status" if "refund_status" in resource else "status"
    state = _text(resource, name)
    # A state this code has never heard of is not final: it will be asked again.
    standing = RefundStanding.__members__.get(state, RefundStanding.PROCESSING)
    amount = _object(resource, "amount")
    is_done = standing is RefundStanding.SUCCESS
    return RefundFact(
        out_refund_no=_text(resource, "out_refund_no"),
        out_trade_no=_text(resource, "out_trade_no"),
        mchid=_text(resource, "mchid") if "mchid" in resource else None,
        refund_fen=_fen(amount, "refund"),
        total_fen=_fen(amount, "total"),
        standing=standing,
        refund_id=_text(resource, "refund_id"),
        refunded_at=_moment(resource, "success_time") if is_done else None,
    )


TRADE_FIELDS = (
    "appid",
    "mchid",
    "out_trade_no",
    "trade_state",
    "transaction_id",
    "success_time",
    "amount.total",
    "amount.currency",
)
REFUND_FIELDS = (
    "mchid",
    "out_trade_no",
    "out_refund_no",
    "refund_id",
    "status",
    "refund_status",
    "success_time",
    "amount.refund",
    "amount.total",
)

PAYOUT_FIELDS = (
    "mch_id",
    "mchid",
    "out_bill_no",
    "transfer_bill_no",
    "state",
    "transfer_amount",
    "fail_reason",
    "update_time",
)


def excerpt(resource: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """Copy the `fields` of a resource, and with them nothing that names a person."""
    kept: dict[str, Any] = {}
    for field in fields:
        outer, _, inner = field.partition(".")
        value = resource.get(outer)
        if inner and isinstance(value, dict) and inner in value:
            kept.setdefault(outer, {})[inner] = value[inner]
        elif not inner and outer in resource:
            kept[outer] = value
    return kept


def _object(data: dict[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name)
    if not isinstance(value, dict):
        raise MalformedFact(f"{name} is not an object")
    return value


def _text(data: dict[str, Any], name: str, maximum: int = TEXT_MAX) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= maximum or not value.isprintable():
        raise MalformedFact(f"{name} is not a short text")
    return value


def _fen(data: dict[str, Any], name: str) -> int:
    value = data.get(name)
    if type(value) is not int or not 0 <= value < FEN_LIMIT:
        raise MalformedFact(f"{name} is not an amount in fen")
    return value


def _moment(data: dict[str, Any], name: str) -> datetime:
    text = _text(data, name)
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("naive")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MalformedFact(f"{name} is not a moment") from error
