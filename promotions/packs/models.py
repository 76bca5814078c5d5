"""
The tables of packs: what a merchant set up, its history, its limits, and who has claimed.

A claim outlives the account that made it: its keys say that this person has had the pack.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from promotions.base import Base, words
from promotions.life import Lived, Version
from promotions.member_models import KEY
from promotions.models import SOURCE
from promotions.packs.setup import Eligibility


class Pack(Lived, Base):
    """A pack as its merchant last set it up. It can be claimed while published, in its window."""

    __tablename__ = "pack"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", "window"),
        CheckConstraint("claim_days > 0", "claim_days_positive"),
        CheckConstraint("eligibility <> 'never_registered' OR claim_days IS NOT NULL", "deadline"),
        CheckConstraint("worth_fen >= 0", "worth_not_negative"),
        CheckConstraint("jsonb_array_length(parts) > 0", "parts"),
        CheckConstraint("version >= 1", "version"),
        Index("ix_pack_status", "status", "id"),
    )

    eligibility: Mapped[Eligibility] = mapped_column(words(Eligibility, "eligibility"))
    claim_days: Mapped[int | None] = mapped_column(Integer)
    """How many days of 24 hours after registering it can be claimed; None is no such limit."""
    parts: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """What one claim gives, as `promotions.packs.setup` writes it."""
    worth_fen: Mapped[int]
    """What the merchant says one claim is worth: shown, and charged to the budget."""


class PackVersion(Version, Base):
    """What a pack was after each change: who made it, when, and all of it. Append-only."""

    __tablename__ = "pack_version"
    __table_args__ = (UniqueConstraint("pack_id", "version"),)

    pack_id: Mapped[int] = mapped_column(ForeignKey("pack.id"))


class PackCounter(Base):
    """The limits of a pack and what is taken of them; only packs with a limit have one."""

    __tablename__ = "pack_counter"
    __table_args__ = (
        CheckConstraint("num_nonnulls(max_claims, budget_fen) > 0", "limited"),
        CheckConstraint("max_claims > 0 AND budget_fen > 0", "caps_positive"),
        CheckConstraint("claims >= 0 AND spent_fen >= 0", "not_negative"),
        CheckConstraint("claims <= max_claims", "claims_within_cap"),
        CheckConstraint("spent_fen <= budget_fen", "budget_within_cap"),
    )

    pack_id: Mapped[int] = mapped_column(
        ForeignKey("pack.id"), primary_key=True, autoincrement=False
    )
    max_claims: Mapped[int | None]
    budget_fen: Mapped[int | None]
    claims: Mapped[int] = mapped_column(default=0)
    spent_fen: Mapped[int] = mapped_column(default=0)


class PackClaim(Base):
    """That a member has had a pack. Stays when the member leaves."""

    __tablename__ = "pack_claim"
    __table_args__ = (
        UniqueConstraint("member_id", "pack_id"),
        UniqueConstraint("source"),
        Index("ix_pack_claim_pack_id", "pack_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pack_id: Mapped[int] = mapped_column(ForeignKey("pack.id"))
    member_id: Mapped[int]
    source: Mapped[str] = mapped_column(String(SOURCE))
    """By what its coupons and points are known: `pack:7:member:12`."""
    claimed_at: Mapped[datetime]


class PackClaimKey(Base):
    """One key of a person who has claimed a pack: nobody with it claims that pack again."""

    __tablename__ = "pack_claim_key"
    __table_args__ = (Index("ix_pack_claim_key_claim_id", "claim_id"),)

    pack_id: Mapped[int] = mapped_column(
        ForeignKey("pack.id"), primary_key=True, autoincrement=False
    )
    key: Mapped[str] = mapped_column(String(KEY), primary_key=True)
    claim_id: Mapped[int] = mapped_column(ForeignKey("pack_claim.id"))
