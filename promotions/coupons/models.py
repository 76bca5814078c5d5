"""
The tables of coupons: what a template issues, the coupons, what each member has had, and codes.

A template is a campaign (a row of `promotion`) of a coupon kind; its row here says how its coupons
are given out.
"""

from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from promotions.base import Base, words
from promotions.coupons.states import CouponStatus, ValidMode, Way
from promotions.models import SOURCE

CODE = 12
"""The length of a code."""


class CouponTemplate(Base):
    """How the coupons of a campaign are given out, and how many have been."""

    __tablename__ = "coupon_template"
    __table_args__ = (
        CheckConstraint(
            "CASE valid_mode WHEN 'fixed'"
            " THEN num_nonnulls(valid_starts_at, valid_ends_at) = 2 AND valid_days IS NULL"
            " ELSE num_nonnulls(valid_starts_at, valid_ends_at) = 0 AND valid_days IS NOT NULL END",
            "validity",
        ),
        CheckConstraint("valid_ends_at > valid_starts_at", "window"),
        CheckConstraint(
            "valid_days > 0 AND max_issued > 0 AND member_max > 0 AND member_day_max > 0",
            "positive",
        ),
        CheckConstraint("delay_days >= 0 AND extend_days >= 0", "days_not_negative"),
        CheckConstraint("issued >= 0", "issued_not_negative"),
        CheckConstraint("issued <= max_issued", "issued_within_total"),
    )

    promotion_id: Mapped[int] = mapped_column(
        ForeignKey("promotion.id"), primary_key=True, autoincrement=False
    )
    valid_mode: Mapped[ValidMode] = mapped_column(words(ValidMode, "valid_mode"))
    valid_starts_at: Mapped[datetime | None]
    valid_ends_at: Mapped[datetime | None]
    valid_days: Mapped[int | None] = mapped_column(Integer)
    """How many days of China a coupon is valid, the first one counted."""
    delay_days: Mapped[int] = mapped_column(Integer)
    """How many days after it was issued that first day is; 0 is at once."""
    max_issued: Mapped[int | None]
    issued: Mapped[int]
    """Counted only if `max_issued` limits it: what is unlimited has no row to wait for."""
    member_max: Mapped[int | None]
    member_day_max: Mapped[int | None]
    is_claimable: Mapped[bool]
    claim_ends_at: Mapped[datetime | None]
    extend_days: Mapped[int] = mapped_column(Integer)
    """How many days a coupon gets that comes back from a refund after its end; 0 is none."""


class Coupon(Base):
    """One coupon in the hands of one member."""

    __tablename__ = "coupon"
    __table_args__ = (
        UniqueConstraint("source", "promotion_id", "member_id", "ordinal"),
        CheckConstraint("ends_at > starts_at", "window"),
        CheckConstraint("ordinal > 0", "ordinal_positive"),
        CheckConstraint("(source IS NULL) = (way = 'claim')", "source"),
        CheckConstraint("(held_by IS NOT NULL) = (status IN ('held', 'used'))", "held_by"),
        CheckConstraint("(used_at IS NOT NULL) = (status = 'used')", "used_at"),
        CheckConstraint("NOT is_forfeited OR status IN ('held', 'used', 'revoked')", "forfeited"),
        Index("ix_coupon_member_id", "member_id", "status", "ends_at", "id"),
        Index("ix_coupon_promotion_id", "promotion_id", "status", "id"),
        Index("ix_coupon_held_by", "held_by", postgresql_where=text("held_by IS NOT NULL")),
        Index("ix_coupon_ends_at", "ends_at", postgresql_where=text("status = 'issued'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    promotion_id: Mapped[int] = mapped_column(ForeignKey("coupon_template.promotion_id"))
    member_id: Mapped[int]
    way: Mapped[Way] = mapped_column(words(Way, "way"))
    status: Mapped[CouponStatus] = mapped_column(words(CouponStatus, "status"))
    source: Mapped[str | None] = mapped_column(String(SOURCE))
    """What it was issued for, so that doing it again does nothing; a claim is its own reason."""
    ordinal: Mapped[int] = mapped_column(Integer)
    """The how-manieth of its source, from 1."""
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    held_by: Mapped[str | None] = mapped_column(String(SOURCE))
    """The one order it is on, such as `order:O01J…`, unpaid or paid."""
    issued_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    is_forfeited: Mapped[bool] = mapped_column(default=False, server_default=false())
    """It was on an order when what had earned it came back: from there it does not return."""
    changed_at: Mapped[datetime]
    """When it last moved from one status to another."""


class CouponMemberCounter(Base):
    """How many coupons of a limited template one member has had: for life, and of one day."""

    __tablename__ = "coupon_member_counter"
    __table_args__ = (
        CheckConstraint("issued > 0", "issued_positive"),
        CheckConstraint("issued <= max_issued", "issued_within_limit"),
    )

    promotion_id: Mapped[int] = mapped_column(
        ForeignKey("coupon_template.promotion_id"), primary_key=True, autoincrement=False
    )
    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    """A day of China, or `promotions.models.LIFETIME`."""
    issued: Mapped[int]
    max_issued: Mapped[int]


class CouponCodeBatch(Base):
    """Codes made at one time."""

    __tablename__ = "coupon_code_batch"
    __table_args__ = (
        CheckConstraint("codes > 0", "codes_positive"),
        Index("ix_coupon_code_batch_promotion_id", "promotion_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    promotion_id: Mapped[int] = mapped_column(ForeignKey("coupon_template.promotion_id"))
    codes: Mapped[int]
    created_by: Mapped[int]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    """From then on none of them can be redeemed."""


class CouponCode(Base):
    """A code that gives one coupon to whoever redeems it first."""

    __tablename__ = "coupon_code"
    __table_args__ = (
        UniqueConstraint("code"),
        UniqueConstraint("coupon_id"),
        Index("ix_coupon_code_batch_id", "batch_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("coupon_code_batch.id"))
    code: Mapped[str] = mapped_column(String(CODE))
    coupon_id: Mapped[int | None] = mapped_column(ForeignKey("coupon.id"))
    """What it became when it was redeemed."""
