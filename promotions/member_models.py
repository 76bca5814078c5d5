"""
What the engine remembers of people: that they have paid, and the points they were granted.

A person is an integer id, or a key: an opaque string by which the outside knows them again.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from promotions.base import Base
from promotions.models import SOURCE

KEY = 100
"""The longest key of a person, in characters."""


class FirstPayment(Base):
    """That a member has paid an order, and which was the first. Never taken back."""

    __tablename__ = "first_payment"

    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(String(SOURCE))
    """What was paid, such as `order:O01J…`."""
    paid_at: Mapped[datetime]


class FormerPayer(Base):
    """That somebody who has left had paid: one of their keys, and nothing else."""

    __tablename__ = "former_payer"

    key: Mapped[str] = mapped_column(String(KEY), primary_key=True)


class PointsGrant(Base):
    """Points given to a member for one source, or some of them taken back. Append-only."""

    __tablename__ = "points_grant"
    __table_args__ = (
        CheckConstraint("points <> 0 AND (points < 0) = (reverses_id IS NOT NULL)", name="sign"),
        Index(
            "ix_points_grant_reverses_id",
            "reverses_id",
            postgresql_where=text("reverses_id IS NOT NULL"),
        ),
        Index(
            "uq_points_grant_source",
            "source",
            unique=True,
            postgresql_where=text("reverses_id IS NULL"),
        ),
        Index("ix_points_grant_member_id", "member_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int]
    points: Mapped[int]
    source: Mapped[str] = mapped_column(String(SOURCE))
    """What they are for. One grant a source; what takes it back carries the same."""
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("points_grant.id"))
    """The grant this row takes back from; together they take no more than it gave."""
    granted_at: Mapped[datetime]
