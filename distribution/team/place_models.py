"""Where people stand below distributors, kept so that a team page costs the same for any team."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from distribution.base import Base

_STANDS = text("level IS NOT NULL")


class Place(Base):
    """
    One person below one distributor, and what they brought; level NULL if they stand there no more.

    Level and moment follow the bindings at once (`places`), the amounts trail behind the ledger
    (`figures.rolling`). A buyer who earns of their own orders has a row without a level, too.
    """

    __tablename__ = "team_place"
    __table_args__ = (
        CheckConstraint("level IN (1, 2)", "one_or_two_levels"),
        CheckConstraint("level IS NULL OR bound_at IS NOT NULL", "stands_since"),
        CheckConstraint("level IS NULL OR upline_id <> member_id", "not_self"),
        CheckConstraint("orders >= 0 AND earned_fen >= 0 AND clawed_fen >= 0", "not_negative"),
        Index(
            "ix_team_place_joined",
            "upline_id",
            "level",
            "bound_at",
            "member_id",
            postgresql_where=_STANDS,
        ),
        Index(
            "ix_team_place_amount",
            "upline_id",
            "level",
            "net_fen",
            "member_id",
            postgresql_where=_STANDS,
        ),
        Index("ix_team_place_member", "member_id", postgresql_where=_STANDS),
    )

    upline_id: Mapped[int] = mapped_column(
        ForeignKey("distributor.member_id"), primary_key=True, autoincrement=False
    )
    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    level: Mapped[int | None] = mapped_column(SmallInteger)
    bound_at: Mapped[datetime | None]
    """When the person was bound, to whomever stands directly above them."""
    orders: Mapped[int] = mapped_column(server_default="0")
    """Their paid orders that earned the distributor something."""
    earned_fen: Mapped[int] = mapped_column(server_default="0")
    clawed_fen: Mapped[int] = mapped_column(server_default="0")
    net_fen: Mapped[int] = mapped_column(Computed("earned_fen - clawed_fen", persisted=True))


class TeamSize(Base):
    """How many people stand on each level below a distributor. Nobody is paid for it."""

    __tablename__ = "team_size"

    member_id: Mapped[int] = mapped_column(
        ForeignKey("distributor.member_id"), primary_key=True, autoincrement=False
    )
    level1_count: Mapped[int]
    level2_count: Mapped[int]
