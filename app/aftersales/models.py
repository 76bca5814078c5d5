"""The tables of after-sales: a case, what was said and done about it, and its parcels."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, BigId, Fen


class AfterSaleKind(StrEnum):
    """What the buyer asks for."""

    MONEY_ONLY = "money_only"
    """Money: of pieces that have not left, which are cancelled, or of pieces the buyer keeps."""
    RETURN_REFUND = "return_refund"
    """The goods go back to the shop, then their money to the buyer."""
    EXCHANGE = "exchange"
    """The goods go back to the shop, and the same SKU is sent again. It never moves money."""


class AfterSaleStatus(StrEnum):
    """Where a case is."""

    APPLIED = "applied"
    """The buyer has asked; staff decide."""
    SENDING = "sending"
    """Staff said yes; the buyer is to send the goods."""
    SENT = "sent"
    """The goods are on their way; staff confirm what arrives."""
    EXCHANGING = "exchanging"
    """The goods are back; staff send the new ones."""
    REFUNDING = "refunding"
    """The money is on its way back."""
    REFUNDED = "refunded"
    """The money is back. Final."""
    EXCHANGED = "exchanged"
    """The new goods have left. Final."""
    REJECTED = "rejected"
    """Staff said no and why. Over, unless the buyer appeals."""
    APPEALED = "appealed"
    """The buyer asks for a second look; somebody else of the staff decides."""
    CANCELLED = "cancelled"
    """The buyer took it back, or did not send the goods in time. Final."""


TRANSITIONS = {
    AfterSaleStatus.APPLIED: {
        AfterSaleStatus.SENDING,
        AfterSaleStatus.REFUNDING,
        AfterSaleStatus.REJECTED,
        AfterSaleStatus.CANCELLED,
    },
    AfterSaleStatus.SENDING: {
        AfterSaleStatus.SENT,
        AfterSaleStatus.REFUNDING,
        AfterSaleStatus.EXCHANGING,
        AfterSaleStatus.REJECTED,
        AfterSaleStatus.CANCELLED,
    },
    AfterSaleStatus.SENT: {
        AfterSaleStatus.REFUNDING,
        AfterSaleStatus.EXCHANGING,
        AfterSaleStatus.REJECTED,
    },
    AfterSaleStatus.EXCHANGING: {AfterSaleStatus.EXCHANGED},
    AfterSaleStatus.REFUNDING: {AfterSaleStatus.REFUNDED},
    AfterSaleStatus.REFUNDED: set[AfterSaleStatus](),
    AfterSaleStatus.EXCHANGED: set[AfterSaleStatus](),
    AfterSaleStatus.REJECTED: {AfterSaleStatus.APPEALED},
    AfterSaleStatus.APPEALED: {
        AfterSaleStatus.SENDING,
        AfterSaleStatus.REFUNDING,
        AfterSaleStatus.REJECTED,
        AfterSaleStatus.CANCELLED,
    },
    AfterSaleStatus.CANCELLED: set[AfterSaleStatus](),
}
"""The moves of a case. Each is one guarded UPDATE, so of two that race one wins."""

UNDECIDED = (AfterSaleStatus.APPLIED, AfterSaleStatus.APPEALED)
"""Staff have to say yes or no."""
ASKING = (
    *UNDECIDED,
    AfterSaleStatus.SENDING,
    AfterSaleStatus.SENT,
    AfterSaleStatus.EXCHANGING,
)
"""The pieces of these are asked for, and in no refund yet: no other case may ask for them."""
OPEN = (*ASKING, AfterSaleStatus.REFUNDING)
"""Of these an order may have many, as long as their pieces differ."""


class Reason(StrEnum):
    """Why, from a list; the buyer's own words are beside it."""

    CHANGED_MIND = "changed_mind"
    WRONG_ORDER = "wrong_order"
    NOT_ARRIVED = "not_arrived"
    DAMAGED = "damaged"
    DEFECTIVE = "defective"
    NOT_AS_DESCRIBED = "not_as_described"
    WRONG_GOODS = "wrong_goods"
    MISSING_PIECES = "missing_pieces"
    AGREED = "agreed"
    """Agreed upon with the shop."""
    OTHER = "other"


class Actor(StrEnum):
    """Who said or did something."""

    BUYER = "buyer"
    STAFF = "staff"
    CLOCK = "clock"
    """A deadline that passed, or what payments said."""


class ParcelWay(StrEnum):
    """What a parcel of a case is."""

    BACK = "back"
    """From the buyer: what comes back."""
    REFUSED = "refused"
    """From the shop: what it did not accept."""
    EXCHANGE = "exchange"
    """From the shop: the new goods."""


def _words(column: str, kind: type[StrEnum]) -> CheckConstraint:
    members = ", ".join(f"'{member}'" for member in kind)
    return CheckConstraint(f"{column} IN ({members})", name=column)


class AfterSale(Base):
    """One case."""

    __tablename__ = "after_sale"
    __table_args__ = (
        _words("status", AfterSaleStatus),
        _words("kind", AfterSaleKind),
        _words("reason_code", Reason),
        CheckConstraint("after_sale_no ~ '^A[0-9A-Z]{26}$'", name="after_sale_no"),
        CheckConstraint("amount_fen >= 0", name="amount_not_negative"),
        CheckConstraint("kind <> 'exchange' OR amount_fen = 0", name="exchange_moves_no_money"),
        CheckConstraint(
            "(decided_at IS NULL OR status <> 'applied')"
            " AND (decided_at IS NOT NULL OR status IN ('applied', 'cancelled'))"
            " AND (decided_by IS NULL OR decided_at IS NOT NULL)",
            name="decision_fits_status",
        ),
        CheckConstraint(
            "(refunded_at IS NOT NULL) = (status = 'refunded')"
            " AND (exchanged_at IS NOT NULL) = (status = 'exchanged')"
            " AND (cancelled_at IS NOT NULL) = (status = 'cancelled')",
            name="moments_fit_status",
        ),
        CheckConstraint(
            "(due_at IS NOT NULL) = (status IN ('applied', 'appealed', 'sending', 'sent'))",
            name="due_fits_status",
        ),
        CheckConstraint("status <> 'appealed' OR appealed_at IS NOT NULL", name="appealed_at"),
        Index("ix_after_sale_order_id", "order_id"),
        Index("ix_after_sale_buyer_id", "buyer_id", text("id DESC")),
        Index("ix_after_sale_status", "status", text("id DESC")),
        Index("ix_after_sale_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    id: Mapped[BigId]
    after_sale_no: Mapped[str] = mapped_column(String(27), unique=True)
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"))
    order_no: Mapped[str] = mapped_column(String(27))
    buyer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("member.id"))
    kind: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20))
    reason_code: Mapped[str] = mapped_column(String(20), server_default=Reason.OTHER)
    reason: Mapped[str] = mapped_column(String(80))
    """The buyer's words; WeChat shows them with the refund."""
    pictures: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'"))
    """Addresses of pictures that were uploaded before."""
    amount_fen: Mapped[Fen]
    """What goes back, freight included."""
    breakdown: Mapped[dict[str, Any] | None]
    """
    `orders.returning.Return` as plain data: which pieces, at which share of the price, and which
    gifts go with them. NULL in cases older than this: all that is left.
    """
    takes_pieces: Mapped[bool] = mapped_column(server_default=text("true"))
    """False: the buyer keeps the goods, only money goes back."""
    accepted: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Pieces by `order_line.id` (as text) that came back and are accepted; NULL: none came yet."""
    return_to: Mapped[str] = mapped_column(String(200), server_default="")
    """Where the buyer sends the goods, in the words of staff."""
    answer: Mapped[str] = mapped_column(String(200), server_default="")
    """The words of staff to the buyer."""
    decided_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    """Who of the staff said the last yes or no; NULL: nobody yet, or a deadline decided."""
    applied_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    appealed_at: Mapped[datetime | None]
    """When the buyer asked for a second look; there is one."""
    refunded_at: Mapped[datetime | None]
    exchanged_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    """Until when whoever has the move may take it; then the case goes on by itself."""

    entries: Mapped[list["AfterSaleEntry"]] = relationship(
        lazy="raise", order_by="AfterSaleEntry.id"
    )
    parcels: Mapped[list["AfterSaleParcel"]] = relationship(
        lazy="raise", order_by="AfterSaleParcel.id"
    )

    @property
    def source(self) -> str:
        """How payments, orders, stock and commissions know this case."""
        return f"{SOURCE}{self.after_sale_no}"

    @property
    def claim_source(self) -> str:
        """How its claim on commissions is known: the second look has one of its own."""
        return self.source if self.appealed_at is None else f"{self.source}/2"


SOURCE = "after_sale:"
"""What the source of a refund begins with if a case asked for it."""


class AfterSaleEntry(Base):
    """Something said or done about a case. Append-only; both sides read it."""

    __tablename__ = "after_sale_entry"
    __table_args__ = (
        _words("actor", Actor),
        CheckConstraint("(staff_id IS NOT NULL) = (actor = 'staff')", name="staff_fits_actor"),
        CheckConstraint(
            "status IS NOT NULL OR words <> '' OR pictures <> '[]'::jsonb", name="says_something"
        ),
        Index("ix_after_sale_entry_after_sale_id", "after_sale_id", "id"),
    )

    id: Mapped[BigId]
    after_sale_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("after_sale.id"))
    actor: Mapped[str] = mapped_column(String(20))
    staff_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    status: Mapped[str | None] = mapped_column(String(20))
    """Where the case went with it; NULL: it is only a message."""
    pictures: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'"))
    words: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime]


class AfterSaleParcel(Base):
    """One parcel of a case; of several the same way, the last corrects those before."""

    __tablename__ = "after_sale_parcel"
    __table_args__ = (
        _words("way", ParcelWay),
        Index("ix_after_sale_parcel_after_sale_id", "after_sale_id"),
    )

    id: Mapped[BigId]
    after_sale_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("after_sale.id"))
    way: Mapped[str] = mapped_column(String(20))
    company_code: Mapped[str] = mapped_column(String(20))
    company_name: Mapped[str] = mapped_column(String(32))
    tracking_no: Mapped[str] = mapped_column(String(32))
    sent_at: Mapped[datetime]
