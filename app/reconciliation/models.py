"""The tables of reconciliation: bills and their lines, the sums of each day, and the breaks."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, BigId, Fen
from app.wechat.billing import BillKind

NUMBER_MAX = 64


class BillStatus(StrEnum):
    """Where one bill of one day is."""

    WANTED = "wanted"
    """To be fetched, again and again until WeChat has made it."""
    NONE = "none"
    """WeChat says that nothing happened."""
    LOADED = "loaded"


BILL_TRANSITIONS = {
    BillStatus.WANTED: {BillStatus.NONE, BillStatus.LOADED},
    BillStatus.NONE: {BillStatus.WANTED},
    BillStatus.LOADED: {BillStatus.WANTED},
}
"""The moves of a bill. Only staff have it fetched a second time."""


class Book(StrEnum):
    """What our books are compared with."""

    TRADE = "trade"
    """The trade bill: payments on the day they were paid, refunds on the day of their request."""
    FUNDS = "funds"
    """The fund flow of both accounts: everything on the day the money moved."""


BILLS = {Book.TRADE: (BillKind.TRADE,), Book.FUNDS: (BillKind.BASIC, BillKind.OPERATION)}
"""The bills each book is made of."""


class LineKind(StrEnum):
    """What a line of a bill is about."""

    PAYMENT = "payment"
    REFUND = "refund"
    PAYOUT = "payout"
    """Money to a distributor: of withdrawals."""
    FEE = "fee"
    """What WeChat keeps, and gives back with a refund."""
    OTHER = "other"
    """Withdrawals to the bank, top-ups, and what other shops of the same merchant did."""


class Verdict(StrEnum):
    """How a line and a row of ours do not agree."""

    MISSING_HERE = "missing_here"
    """The money is in WeChat's bill; our books do not have it."""
    MISSING_THERE = "missing_there"
    """The money is in our books; no bill of WeChat's has it."""
    AMOUNT_DIFFERS = "amount_differs"
    STATE_DIFFERS = "state_differs"
    """The same money, but the bill says something else of it than we do."""
    TIMING = "timing"
    """The same money on another day, or a row that the next day's bill may still bring."""


class Resolver(StrEnum):
    """Who gets a break out of the world: each verdict has one."""

    WECHAT = "wechat"
    """WeChat is asked, and its answer is acted upon; what is left after that is for staff."""
    NEXT_BILL = "next_bill"
    STAFF = "staff"


RESOLVERS = {
    Verdict.MISSING_HERE: Resolver.WECHAT,
    Verdict.MISSING_THERE: Resolver.WECHAT,
    Verdict.AMOUNT_DIFFERS: Resolver.STAFF,
    Verdict.STATE_DIFFERS: Resolver.WECHAT,
    Verdict.TIMING: Resolver.NEXT_BILL,
}


class BreakStatus(StrEnum):
    """Whether anybody has still something to do."""

    OPEN = "open"
    RESOLVED = "resolved"


BREAK_TRANSITIONS = {
    BreakStatus.OPEN: {BreakStatus.RESOLVED},
    BreakStatus.RESOLVED: {BreakStatus.OPEN},
}
"""The moves of a break. It opens again only if it is found again; not if staff resolved it."""


class Resolution(StrEnum):
    """How a break was resolved: the first four by themselves, the others by staff."""

    REPAIRED = "repaired"
    """WeChat's answer to our question brought our books in line."""
    MATCHED = "matched"
    """It was gone when both were compared again."""
    OTHER_DAY = "other_day"
    """Both have it, on different days."""
    NEWER_WORD = "newer_word"
    """WeChat, asked later, says what we say: the bill was made before that."""
    EXPLAINED = "explained"
    CORRECTED = "corrected"
    """Set right by hand, at WeChat or here."""
    WRITTEN_OFF = "written_off"


BY_STAFF = (Resolution.EXPLAINED, Resolution.CORRECTED, Resolution.WRITTEN_OFF)


def _words(column: str, kind: type[StrEnum]) -> CheckConstraint:
    members = ", ".join(f"'{member}'" for member in kind)
    return CheckConstraint(f"{column} IN ({members})", name=column)


class ReconciliationDay(Base):
    """One day of the shop: whether it was compared, and what with."""

    __tablename__ = "reconciliation_day"
    __table_args__ = (
        CheckConstraint("(matched_at IS NULL) = (inputs_sha256 IS NULL)", name="matched_is_whole"),
    )

    bill_day: Mapped[date] = mapped_column(primary_key=True)
    begun_at: Mapped[datetime]
    matched_at: Mapped[datetime | None]
    """When it was compared last; NULL until all its bills are there."""
    inputs_sha256: Mapped[str | None] = mapped_column(String(64))
    """Over the bills it was compared with: the same hash is the same input."""


class BillDownload(Base):
    """One bill of one day: fetched or to be fetched."""

    __tablename__ = "bill_download"
    __table_args__ = (
        _words("bill", BillKind),
        _words("status", BillStatus),
        CheckConstraint(
            "(status = 'loaded') = (sha1 IS NOT NULL) AND (status = 'wanted') = (done_at IS NULL)",
            name="done_fits_status",
        ),
        CheckConstraint("lines >= 0 AND (lines = 0 OR sha1 IS NOT NULL)", name="lines"),
        CheckConstraint("tries >= 0", name="tries_not_negative"),
    )

    bill_day: Mapped[date] = mapped_column(
        ForeignKey("reconciliation_day.bill_day"), primary_key=True
    )
    bill: Mapped[str] = mapped_column(String(20), primary_key=True)
    status: Mapped[str] = mapped_column(String(20), default=BillStatus.WANTED)
    sha1: Mapped[str | None] = mapped_column(String(40))
    """What WeChat announced, and what came."""
    lines: Mapped[int] = mapped_column(BigInteger, default=0)
    tries: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(200))
    """Why the last try brought nothing, such as `STATEMENT_CREATING`."""


class BillLine(Base):
    """One line of a bill, as far as it is compared; nothing personal."""

    __tablename__ = "bill_line"
    __table_args__ = (
        _words("bill", BillKind),
        _words("kind", LineKind),
        CheckConstraint("line_no > 0", name="line_no_positive"),
        Index("ix_bill_line_out_no", "out_no"),
    )

    bill_day: Mapped[date] = mapped_column(primary_key=True)
    bill: Mapped[str] = mapped_column(String(20), primary_key=True)
    line_no: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    out_no: Mapped[str] = mapped_column(String(NUMBER_MAX))
    """Our number; empty if the line names none and none could be found."""
    wechat_no: Mapped[str] = mapped_column(String(NUMBER_MAX))
    amount_fen: Mapped[Fen]
    """Of a payment what came in, of a refund or payout what went out; otherwise income."""
    state: Mapped[str] = mapped_column(String(40))
    moved_at: Mapped[datetime]


class ReconciliationSum(Base):
    """What a day's bill and our books say of one kind of money, and how many agree."""

    __tablename__ = "reconciliation_sum"
    __table_args__ = (
        _words("book", Book),
        _words("kind", LineKind),
        CheckConstraint("lines >= 0 AND ours >= 0 AND matched >= 0", name="counts_not_negative"),
    )

    bill_day: Mapped[date] = mapped_column(
        ForeignKey("reconciliation_day.bill_day"), primary_key=True
    )
    book: Mapped[str] = mapped_column(String(20), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    lines: Mapped[int] = mapped_column(BigInteger)
    ours: Mapped[int] = mapped_column(BigInteger)
    """Rows of ours on this day; 0 of a kind we keep no books of."""
    matched: Mapped[int] = mapped_column(BigInteger)
    bill_fen: Mapped[Fen]
    local_fen: Mapped[Fen]


class Break(Base):
    """One number on which a bill and our books do not agree on one day."""

    __tablename__ = "bill_break"
    __table_args__ = (
        _words("book", Book),
        _words("kind", LineKind),
        _words("verdict", Verdict),
        _words("status", BreakStatus),
        _words("resolver", Resolver),
        CheckConstraint(
            "(status = 'resolved') = (how IS NOT NULL)"
            " AND (how IS NULL) = (resolved_at IS NULL)"
            " AND (resolved_by IS NULL) = (reason IS NULL)"
            " AND (resolved_by IS NULL OR how IS NOT NULL)",
            name="resolution_is_whole",
        ),
        CheckConstraint("(asked_at IS NULL) = (answer IS NULL)", name="answer_fits_asking"),
        Index("uq_bill_break", "bill_day", "book", "kind", "out_no", unique=True),
        Index("ix_bill_break_open", "id", postgresql_where=text("status = 'open'")),
        Index("ix_bill_break_owner_id", "owner_id"),
    )

    id: Mapped[BigId]
    bill_day: Mapped[date] = mapped_column(ForeignKey("reconciliation_day.bill_day"))
    book: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(20))
    out_no: Mapped[str] = mapped_column(String(NUMBER_MAX))
    """Our number; WeChat's if the line names none of ours."""
    wechat_no: Mapped[str | None] = mapped_column(String(NUMBER_MAX))
    verdict: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20), default=BreakStatus.OPEN)
    resolver: Mapped[str] = mapped_column(String(20))
    owner_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    """Who of the staff has taken it."""
    bill_fen: Mapped[Fen | None]
    local_fen: Mapped[Fen | None]
    ledger_fen: Mapped[Fen | None]
    """Of a payout: what the ledger says was paid."""
    difference_fen: Mapped[Fen]
    """What it makes the day's bill more than our books of that day; 0 once it is found no more."""
    bill_state: Mapped[str | None] = mapped_column(String(40))
    local_state: Mapped[str | None] = mapped_column(String(40))
    asked_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(String(200))
    """WeChat's word when it was asked: a state of its own, or `NOT_FOUND`."""
    how: Mapped[str | None] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(200))
    resolved_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    found_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
