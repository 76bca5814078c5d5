"""The tables of members: the person, the address book, and what is remembered of who left."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CHAR, BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import crypto
from app.core.db import Base, BigId


class MemberStatus(StrEnum):
    """Whether a member is with us."""

    ACTIVE = "active"
    """May sign in and buy."""
    DELETED = "deleted"
    """Has left. The row stays, without a person in it, for the orders that point to it."""


TRANSITIONS = {
    MemberStatus.ACTIVE: {MemberStatus.DELETED},
    MemberStatus.DELETED: set[MemberStatus](),
}


class IdentityKind(StrEnum):
    """By what somebody who left could be recognised."""

    OPENID = "openid"
    """The person within this mini-program."""
    UNIONID = "unionid"
    """The person across the merchant's WeChat applications."""
    PHONE = "phone"
    """The verified phone number."""


class Member(Base):
    """One person, known by the openid of this mini-program."""

    __tablename__ = "member"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'deleted')", name="status"),
        CheckConstraint("(status = 'deleted') = (deleted_at IS NOT NULL)", name="deleted_at"),
        CheckConstraint(
            "status = 'active' OR (openid LIKE 'deleted:%' AND unionid IS NULL"
            " AND session_key_sealed IS NULL AND phone_sealed IS NULL"
            " AND nickname = '' AND avatar_url IS NULL)",
            name="deleted_is_anonymous",
        ),
        CheckConstraint(
            "(phone_sealed IS NULL) = (phone_hash IS NULL)"
            " AND (phone_sealed IS NULL) = (phone_country_code IS NULL)",
            name="phone_is_whole",
        ),
        Index(
            "ix_member_phone_hash", "phone_hash", postgresql_where=text("phone_hash IS NOT NULL")
        ),
        Index("ix_member_unionid", "unionid", postgresql_where=text("unionid IS NOT NULL")),
    )

    id: Mapped[BigId]
    openid: Mapped[str] = mapped_column(unique=True)
    """WeChat's; `deleted:…` and random once the member has left."""
    unionid: Mapped[str | None]
    session_key_sealed: Mapped[bytes | None]
    """The newest one: a second `wx.login` makes the one before worthless."""
    nickname: Mapped[str] = mapped_column(server_default="")
    avatar_url: Mapped[str | None]
    phone_sealed: Mapped[bytes | None]
    phone_country_code: Mapped[str | None]
    phone_hash: Mapped[str | None]
    """Not unique: one number may stand on several WeChat accounts, and numbers are reassigned."""
    status: Mapped[str] = mapped_column(server_default="active")
    created_at: Mapped[datetime]
    signed_in_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @property
    def masked_phone(self) -> str | None:
        """The phone number as it may be shown: `138****5678`."""
        sealed = self.phone_sealed
        return crypto.mask_phone(crypto.open_sealed(sealed)) if sealed else None


class MemberAddress(Base):
    """One address to deliver to. Deleting erases it: an order keeps its own snapshot."""

    __tablename__ = "member_address"
    __table_args__ = (
        CheckConstraint("region_code ~ '^[1-8][0-9]{5}$'", name="region_code"),
        Index("ix_member_address_member_id", "member_id"),
        Index(
            "uq_member_address_default",
            "member_id",
            unique=True,
            postgresql_where=text("is_default"),
        ),
    )

    id: Mapped[BigId]
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("member.id"))
    receiver_sealed: Mapped[bytes]
    phone_sealed: Mapped[bytes]
    region_code: Mapped[str] = mapped_column(CHAR(6))
    """The district's code in GB/T 2260."""
    province: Mapped[str]
    city: Mapped[str]
    district: Mapped[str]
    detail_sealed: Mapped[bytes]
    is_default: Mapped[bool]
    """Of a member with addresses exactly one is."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class FormerIdentity(Base):
    """
    That somebody was a member before, and nothing else: a keyed hash that points to no member.

    It lets a gift for newcomers be given once, and cannot be turned back into a person.
    """

    __tablename__ = "former_identity"
    __table_args__ = (
        CheckConstraint("kind IN ('openid', 'unionid', 'phone')", name="kind"),
        CheckConstraint("length(hash) = 64", name="hash_is_sha256"),
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(primary_key=True)
    left_at: Mapped[datetime]
