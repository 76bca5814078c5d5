"""
The engine's tables: campaigns, their history, what their limits hold, and the snapshot version.

Nothing here points outside: orders are sources such as `order:O01J…`, people are integer ids.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Sequence,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from promotions.base import Base, words
from promotions.life import Lived, Version
from promotions.pricing.rule import Lane
from promotions.states import MemberPeriod, ReservationStatus

SOURCE = 100
"""The longest source, in characters."""
NAME = 40
"""The longest kind, group or tag, in characters."""

LIFETIME = date.min
"""Stands for every day in a member's counter: the limit is for ever."""

SNAPSHOT_NUMBERS = Sequence("snapshot_number", start=2, metadata=Base.metadata)
"""Numbers the snapshots. A sequence never gives one number to two of them."""


class Promotion(Lived, Base):
    """A campaign as its merchant last set it up. It prices carts while published, in its window."""

    __tablename__ = "promotion"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", "window"),
        CheckConstraint("version >= 1", "version"),
        Index("ix_promotion_status", "status", "id"),
        Index("ix_promotion_group", "lane", "group_name"),
    )

    kind: Mapped[str] = mapped_column(String(NAME))
    lane: Mapped[Lane] = mapped_column(words(Lane, "lane"))
    group_name: Mapped[str | None] = mapped_column(String(NAME))
    priority: Mapped[int] = mapped_column(Integer)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    definition: Mapped[dict[str, Any]]
    """Scope, terms and manners, as `promotions.definitions` writes them."""


class PromotionVersion(Version, Base):
    """What a campaign was after each change: who made it, when, and all of it. Append-only."""

    __tablename__ = "promotion_version"
    __table_args__ = (UniqueConstraint("promotion_id", "version"),)

    promotion_id: Mapped[int] = mapped_column(ForeignKey("promotion.id"))


class PromotionCounter(Base):
    """
    The limits of a campaign and what is taken of them; only campaigns with a limit have one.

    An unlimited campaign has no row to update, so its orders do not wait for each other. Nor do
    those of a campaign that is limited per member only: its row keeps the caps and counts nothing.
    """

    __tablename__ = "promotion_counter"
    __table_args__ = (
        CheckConstraint(
            "num_nonnulls(max_uses, budget_fen, max_units, member_max_uses, member_max_units) > 0",
            "limited",
        ),
        CheckConstraint("max_uses > 0 AND budget_fen > 0 AND max_units > 0", "caps_positive"),
        CheckConstraint("member_max_uses > 0 AND member_max_units > 0", "member_caps_positive"),
        CheckConstraint("uses_reserved >= 0 AND uses_used >= 0", "uses_not_negative"),
        CheckConstraint("reserved_fen >= 0 AND used_fen >= 0", "budget_not_negative"),
        CheckConstraint("units_reserved >= 0 AND units_used >= 0", "units_not_negative"),
        CheckConstraint("uses_used + uses_reserved <= max_uses", "uses_within_cap"),
        CheckConstraint("used_fen + reserved_fen <= budget_fen", "budget_within_cap"),
        CheckConstraint("units_used + units_reserved <= max_units", "units_within_cap"),
    )

    promotion_id: Mapped[int] = mapped_column(
        ForeignKey("promotion.id"), primary_key=True, autoincrement=False
    )
    max_uses: Mapped[int | None]
    """How many orders may use it; None is no limit."""
    budget_fen: Mapped[int | None]
    """How much all orders together may save by it; None is no limit."""
    max_units: Mapped[int | None]
    """How many pieces may be sold at its price; None is no limit."""
    member_max_uses: Mapped[int | None]
    """How many orders of one member may use it, for ever or a day; None is no limit."""
    member_max_units: Mapped[int | None]
    """How many pieces one member may have at its price, for ever or a day; None is no limit."""
    member_period: Mapped[MemberPeriod] = mapped_column(
        words(MemberPeriod, "member_period"), server_default=MemberPeriod.LIFETIME.value
    )
    uses_reserved: Mapped[int] = mapped_column(default=0)
    uses_used: Mapped[int] = mapped_column(default=0)
    reserved_fen: Mapped[int] = mapped_column(default=0)
    used_fen: Mapped[int] = mapped_column(default=0)
    units_reserved: Mapped[int] = mapped_column(default=0, server_default="0")
    units_used: Mapped[int] = mapped_column(default=0, server_default="0")


class PromotionMemberCounter(Base):
    """
    What one member has taken of a campaign that is limited per member, held and used together.

    The caps are those of the campaign when the member last took some.
    """

    __tablename__ = "promotion_member_counter"
    __table_args__ = (
        CheckConstraint("uses >= 0 AND units >= 0", "not_negative"),
        CheckConstraint("uses <= max_uses", "uses_within_cap"),
        CheckConstraint("units <= max_units", "units_within_cap"),
    )

    promotion_id: Mapped[int] = mapped_column(
        ForeignKey("promotion.id"), primary_key=True, autoincrement=False
    )
    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    """The day in China that is counted; the year 1 for a whole lifetime."""
    uses: Mapped[int]
    units: Mapped[int]
    max_uses: Mapped[int | None]
    max_units: Mapped[int | None]


class PromotionGiftStock(Base):
    """How many pieces of a SKU a campaign may give away, and how many it has."""

    __tablename__ = "promotion_gift_stock"
    __table_args__ = (
        CheckConstraint("max_units > 0", "cap_positive"),
        CheckConstraint("units_reserved >= 0 AND units_used >= 0", "units_not_negative"),
        CheckConstraint("units_used + units_reserved <= max_units", "units_within_cap"),
    )

    promotion_id: Mapped[int] = mapped_column(
        ForeignKey("promotion.id"), primary_key=True, autoincrement=False
    )
    sku_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    max_units: Mapped[int]
    units_reserved: Mapped[int] = mapped_column(default=0)
    units_used: Mapped[int] = mapped_column(default=0)


class PromotionStock(Base):
    """
    The pieces of a SKU that a deal sells, and what has become of them.

    They are carved out of the shelf when the deal is published. Once it is closed, what nobody
    holds is returned, and so is what orders give back later.
    """

    __tablename__ = "promotion_stock"
    __table_args__ = (
        CheckConstraint("max_units > 0", "cap_positive"),
        CheckConstraint("units_reserved >= 0 AND units_used >= 0", "units_not_negative"),
        CheckConstraint("units_returned >= 0", "returned_not_negative"),
        CheckConstraint(
            "units_used + units_reserved + units_returned <= max_units", "units_within_cap"
        ),
        CheckConstraint(
            "CASE WHEN closed_at IS NULL THEN units_returned = 0"
            " ELSE units_used + units_reserved + units_returned = max_units END",
            "closed_to_the_last_piece",
        ),
        # Room on the page for the next version of a row that every order of the deal updates.
        {"postgresql_with": {"fillfactor": 50}},
    )

    promotion_id: Mapped[int] = mapped_column(
        ForeignKey("promotion.id"), primary_key=True, autoincrement=False
    )
    sku_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    max_units: Mapped[int]
    units_reserved: Mapped[int] = mapped_column(default=0)
    units_used: Mapped[int] = mapped_column(default=0)
    units_returned: Mapped[int] = mapped_column(default=0)
    closed_at: Mapped[datetime | None]


class PromotionReservation(Base):
    """One use of a campaign by one source: what it saves, and the pieces and gifts it takes."""

    __tablename__ = "promotion_reservation"
    __table_args__ = (
        UniqueConstraint("source", "promotion_id"),
        CheckConstraint("uses > 0", "uses_positive"),
        CheckConstraint("amount_fen >= 0 AND units >= 0", "amounts_not_negative"),
        CheckConstraint("(settled_at IS NULL) = (status = 'reserved')", "settled"),
        Index("ix_promotion_reservation_promotion_id_status", "promotion_id", "status"),
        Index(
            "ix_promotion_reservation_member_id",
            "member_id",
            postgresql_where=text("status = 'reserved'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(SOURCE))
    promotion_id: Mapped[int] = mapped_column(ForeignKey("promotion.id"))
    member_id: Mapped[int | None]
    """Who takes it; None only in rows older than the limits per member."""
    day: Mapped[date] = mapped_column(server_default=LIFETIME.isoformat())
    """The row of the member's counter it is counted in."""
    uses: Mapped[int] = mapped_column(Integer)
    amount_fen: Mapped[int]
    units: Mapped[int] = mapped_column(default=0, server_default="0")
    gifts: Mapped[list[list[int]]] = mapped_column(JSONB, server_default="[]")
    """Pairs of SKU id and pieces, by SKU id."""
    pieces: Mapped[list[list[int]]] = mapped_column(JSONB, server_default="[]")
    """What it takes of the stock of a deal: pairs of SKU id and pieces, by SKU id."""
    status: Mapped[ReservationStatus] = mapped_column(words(ReservationStatus, "status"))
    reserved_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class SnapshotVersion(Base):
    """The one row every quote reads: a new number means the published campaigns have changed."""

    __tablename__ = "snapshot_version"
    __table_args__ = (CheckConstraint("id = 1", "single"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    version: Mapped[int]
    changed_at: Mapped[datetime]


class SnapshotLog(Base):
    """
    Which version of a campaign the snapshots hold from `snapshot_version` on. Append-only.

    A row a move, not a row per campaign and snapshot: a snapshot is, of each campaign, the latest
    row up to its number (`promotions.replay`).
    """

    __tablename__ = "snapshot_log"
    __table_args__ = (
        ForeignKeyConstraint(
            ["promotion_id", "promotion_version"],
            ["promotion_version.promotion_id", "promotion_version.version"],
        ),
        Index("ix_snapshot_log_promotion_id", "promotion_id", "snapshot_version"),
    )

    snapshot_version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    promotion_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    promotion_version: Mapped[int] = mapped_column(Integer)
    is_live: Mapped[bool]
    """Whether it prices carts in its window: published, not paused or ended."""
    logged_at: Mapped[datetime]
