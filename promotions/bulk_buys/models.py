"""
The tables of bulk buys: what each campaign has collected, and what each order brought in.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from promotions.base import Base, words
from promotions.bulk_buys.states import ShareState
from promotions.models import SOURCE


class BulkBuyStanding(Base):
    """How far a campaign has come, from its first payment on; closed once, for good."""

    __tablename__ = "bulk_buy"
    __table_args__ = (
        CheckConstraint("collected >= 0", "collected_not_negative"),
        CheckConstraint("tier >= 0 AND closed_at IS NOT NULL OR tier IS NULL", "tier_when_closed"),
    )

    promotion_id: Mapped[int] = mapped_column(
        ForeignKey("promotion.id"), primary_key=True, autoincrement=False
    )
    collected: Mapped[int] = mapped_column(default=0)
    """Pieces paid and not on their way back; stands still once closed."""
    closed_at: Mapped[datetime | None]
    tier: Mapped[int | None] = mapped_column(Integer)
    """Which list of prices was reached, 0 the starting one. None: not closed, or too few pieces."""


class BulkShare(Base):
    """What one paid order brought in, and what that came to."""

    __tablename__ = "bulk_share"
    __table_args__ = (
        UniqueConstraint("source"),
        CheckConstraint("pieces > 0 AND paid_fen >= 0", "amounts"),
        CheckConstraint("counted BETWEEN 0 AND pieces", "counted_within_pieces"),
        CheckConstraint("due_back_fen >= 0", "due_back_not_negative"),
        CheckConstraint(
            "(state = 'collected') = (settled_at IS NULL)"
            " AND (settled_at IS NULL) = (due_back_fen IS NULL)",
            "settled",
        ),
        CheckConstraint(
            "due_back_fen IS NULL OR state = 'failed' OR (state = 'lowered') = (due_back_fen > 0)",
            "due_back_fits_state",
        ),
        Index("ix_bulk_share_promotion_id", "promotion_id", "id"),
        Index(
            "ix_bulk_share_collected",
            "promotion_id",
            "id",
            postgresql_where=text("state = 'collected'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(SOURCE))
    promotion_id: Mapped[int] = mapped_column(ForeignKey("promotion.id"))
    member_id: Mapped[int]
    lines: Mapped[list[list[int]]] = mapped_column(JSONB)
    """For each SKU: its id, its pieces, what was paid for them in fen, and how many went back."""
    pieces: Mapped[int]
    paid_fen: Mapped[int]
    """For the goods, without freight."""
    counted: Mapped[int]
    """Its part of what is collected: 0 if it was paid after the campaign was closed."""
    state: Mapped[ShareState] = mapped_column(words(ShareState, "state"))
    due_back_fen: Mapped[int | None]
    """What goes back because of how it ended; freight included only if all does."""
    paid_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
