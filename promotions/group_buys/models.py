"""
The tables of teams: a team of buyers, and the seat of each order in one.

A team keeps the terms it was opened on. A seat is its order's for ever; where it moves, it moves by
its `team_id`, and `held_team_id` remembers where it came from.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from promotions.base import Base, words
from promotions.group_buys.states import (
    FailReason,
    Late,
    Outcome,
    RefundReason,
    SeatStatus,
    TeamStatus,
)
from promotions.models import SOURCE
from promotions.pricing.kinds import Seats, WhenLate

NUMBER = 40
"""The longest number of a team, in characters."""


class BuyingTeam(Base):
    """Some buyers who get a price together if there are `size` of them before the team's end."""

    __tablename__ = "buying_team"
    __table_args__ = (
        UniqueConstraint("team_no"),
        CheckConstraint("size BETWEEN 2 AND 100 AND team_minutes > 0", "terms"),
        CheckConstraint(
            "seats_taken >= 0 AND seats_held >= 0 AND seats_filled >= 0", "seats_not_negative"
        ),
        CheckConstraint("seats_taken + seats_filled <= size", "seats_within_size"),
        CheckConstraint(
            "places = 'first_paid' OR seats_taken + seats_held <= size", "held_within_size"
        ),
        CheckConstraint(
            "(status = 'complete') = (seats_taken + seats_filled = size)", "complete_is_full"
        ),
        CheckConstraint("auto_completes OR seats_filled = 0", "filled"),
        CheckConstraint(
            "CASE status WHEN 'opening' THEN opened_at IS NULL WHEN 'failed' THEN true"
            " ELSE opened_at IS NOT NULL END",
            "opened",
        ),
        CheckConstraint("(opened_at IS NULL) = (ends_at IS NULL)", "has_end"),
        CheckConstraint("ends_at > opened_at AND ends_at <= closes_at", "window"),
        CheckConstraint("(settled_at IS NOT NULL) = (status IN ('complete', 'failed'))", "settled"),
        CheckConstraint("(fail_reason IS NOT NULL) = (status = 'failed')", "failed_for"),
        Index("ix_buying_team_promotion_id", "promotion_id", "id"),
        Index(
            "ix_buying_team_open",
            "promotion_id",
            "opened_at",
            "id",
            postgresql_where=text("status = 'open'"),
        ),
        Index("ix_buying_team_ends_at", "ends_at", postgresql_where=text("status = 'open'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    team_no: Mapped[str] = mapped_column(String(NUMBER))
    """What people see of it: a prefixed ULID, `T…`."""
    promotion_id: Mapped[int] = mapped_column(ForeignKey("promotion.id"))
    status: Mapped[TeamStatus] = mapped_column(words(TeamStatus, "status"))
    opener_id: Mapped[int]
    """The member who leads it: who opened it, or, when they left, who took a seat next."""
    size: Mapped[int] = mapped_column(Integer)
    team_minutes: Mapped[int] = mapped_column(Integer)
    """How long it is open, from the moment its opener has paid."""
    places: Mapped[Seats] = mapped_column(words(Seats, "places"))
    when_late: Mapped[WhenLate] = mapped_column(words(WhenLate, "when_late"))
    newcomers_only: Mapped[bool]
    """Whether only those may join who have never paid; anybody may open."""
    auto_completes: Mapped[bool]
    """Whether its end completes it, whoever is missing."""
    seats_taken: Mapped[int] = mapped_column(Integer)
    """By paid orders; of a failed team, those that were when it failed."""
    seats_held: Mapped[int] = mapped_column(Integer)
    """By unpaid orders."""
    seats_filled: Mapped[int] = mapped_column(Integer)
    """By nobody: those that were free when its end completed it. Late payers take their places."""
    closes_at: Mapped[datetime]
    """When its campaign ends: then nobody can join any more, so no team is open longer."""
    opened_at: Mapped[datetime | None]
    """When its opener had paid."""
    ends_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    """When it was complete, or failed."""
    fail_reason: Mapped[FailReason | None] = mapped_column(words(FailReason, "fail_reason"))
    created_at: Mapped[datetime]

    @property
    def seats_left(self) -> int:
        """How many may still order, as the campaign counts seats; 0 unless it is open."""
        if self.status is not TeamStatus.OPEN:
            return 0
        held = self.seats_held if self.places is Seats.HELD else 0
        return self.size - self.seats_taken - held


class TeamSeat(Base):
    """The seat of one order: held when placed, taken when paid, or what else became of it."""

    __tablename__ = "team_seat"
    __table_args__ = (
        UniqueConstraint("source"),
        CheckConstraint("(paid_at IS NULL) = (status IN ('held', 'released'))", "paid"),
        CheckConstraint("(outcome IS NULL) = (paid_at IS NULL)", "paid_outcome"),
        CheckConstraint(
            "(late_reason IS NOT NULL)"
            " = (coalesce(outcome, '') IN ('moved', 'opened', 'to_refund'))",
            "late_for",
        ),
        CheckConstraint(
            "(team_id <> held_team_id) = (coalesce(outcome, '') IN ('moved', 'opened'))", "moved"
        ),
        CheckConstraint(
            "(refund_reason IS NOT NULL) = (status IN ('refunding', 'refunded'))", "refunded_for"
        ),
        CheckConstraint("(refunded_at IS NOT NULL) = (status = 'refunded')", "refunded"),
        Index(
            "uq_team_seat_member",
            "team_id",
            "member_id",
            unique=True,
            postgresql_where=text("status IN ('held', 'taken')"),
        ),
        Index("ix_team_seat_team_id", "team_id", "id"),
        Index("ix_team_seat_member_id", "member_id", "id"),
        Index("ix_team_seat_refunding", "id", postgresql_where=text("status = 'refunding'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(SOURCE))
    """The order, such as `order:O01J…`."""
    member_id: Mapped[int]
    team_id: Mapped[int] = mapped_column(ForeignKey("buying_team.id"))
    held_team_id: Mapped[int] = mapped_column(ForeignKey("buying_team.id"))
    """Where it was held: another team than `team_id` if it was paid too late."""
    opens_team: Mapped[bool]
    """Whether the order was placed to open a team."""
    status: Mapped[SeatStatus] = mapped_column(words(SeatStatus, "status"))
    outcome: Mapped[Outcome | None] = mapped_column(words(Outcome, "outcome"))
    late_reason: Mapped[Late | None] = mapped_column(words(Late, "late_reason"))
    refund_reason: Mapped[RefundReason | None] = mapped_column(words(RefundReason, "refund_reason"))
    held_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    """When its payment was told to the team."""
    refunded_at: Mapped[datetime | None]
