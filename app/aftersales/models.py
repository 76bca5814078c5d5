"""The table of after-sales: one case per request of a buyer."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, BigId, Fen


class AfterSaleKind(StrEnum):
    """What the buyer asks for."""

    MONEY_ONLY = "money_only"
    """The money of some pieces, or of all, back; the goods have not left yet."""


class AfterSaleStatus(StrEnum):
    """Where a case is."""

    APPLIED = "applied"
    """The buyer has asked; staff decide."""
    REFUNDING = "refunding"
    """Staff said yes; the money is on its way back."""
    REFUNDED = "refunded"
    """The money is back. Final."""
    REJECTED = "rejected"
    """Staff said no and why. Final; the buyer may open another case."""
    CANCELLED = "cancelled"
    """The buyer took it back. Final."""


TRANSITIONS = {
    AfterSaleStatus.APPLIED: {
        AfterSaleStatus.REFUNDING,
        AfterSaleStatus.REJECTED,
        AfterSaleStatus.CANCELLED,
    },
    AfterSaleStatus.REFUNDING: {AfterSaleStatus.REFUNDED},
    AfterSaleStatus.REFUNDED: set[AfterSaleStatus](),
    AfterSaleStatus.REJECTED: set[AfterSaleStatus](),
    AfterSaleStatus.CANCELLED: set[AfterSaleStatus](),
}
"""The moves of a case. Each is one guarded UPDATE, so of two that race one wins."""

OPEN = (AfterSaleStatus.APPLIED, AfterSaleStatus.REFUNDING)
"""Of these an order has one at most."""


def _words(column: str, kind: type[StrEnum]) -> CheckConstraint:
    members = ", ".join(f"'{member}'" for member in kind)
    return CheckConstraint(f"{column} IN ({members})", name=column)


class AfterSale(Base):
    """One case."""

    __tablename__ = "after_sale"
    __table_args__ = (
        _words("status", AfterSaleStatus),
        _words("kind", AfterSaleKind),
        CheckConstraint("after_sale_no ~ '^A[0-9A-Z]{26}$'", name="after_sale_no"),
        CheckConstraint("amount_fen >= 0", name="amount_not_negative"),
        CheckConstraint(
            "(decided_at IS NOT NULL) = (status IN ('refunding', 'refunded', 'rejected'))"
            " AND (decided_by IS NOT NULL) = (decided_at IS NOT NULL)",
            name="decision_fits_status",
        ),
        CheckConstraint(
            "(refunded_at IS NOT NULL) = (status = 'refunded')"
            " AND (cancelled_at IS NOT NULL) = (status = 'cancelled')",
            name="moments_fit_status",
        ),
        Index(
            "uq_after_sale_open",
            "order_id",
            unique=True,
            postgresql_where=text("status IN ('applied', 'refunding')"),
        ),
        Index("ix_after_sale_order_id", "order_id"),
        Index("ix_after_sale_buyer_id", "buyer_id", text("id DESC")),
        Index("ix_after_sale_status", "status", text("id DESC")),
    )

    id: Mapped[BigId]
    after_sale_no: Mapped[str] = mapped_column(String(27), unique=True)
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"))
    order_no: Mapped[str] = mapped_column(String(27))
    buyer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("member.id"))
    kind: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(80))
    """The buyer's words; WeChat shows them with the refund."""
    amount_fen: Mapped[Fen]
    """What goes back, freight included."""
    breakdown: Mapped[dict[str, Any] | None]
    """
    `orders.returning.Return` as plain data: which pieces, at which share of the price, and which
    gifts go with them. NULL in cases older than this: all that is left.
    """
    answer: Mapped[str] = mapped_column(String(200), server_default="")
    """The words of staff to the buyer."""
    decided_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    applied_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    refunded_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]

    @property
    def source(self) -> str:
        """How payments and orders know the refund of this case."""
        return f"{SOURCE}{self.after_sale_no}"


SOURCE = "after_sale:"
"""What the source of a refund begins with if a case asked for it."""
