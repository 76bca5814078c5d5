"""The table of what WeChat knows of the parcels of each order."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base

ERROR_MAX = 200


class UploadStatus(StrEnum):
    """Whether WeChat knows of an order's parcels."""

    WAITING = "waiting"
    """There is something to tell, now or when more has left."""
    ACCEPTED = "accepted"
    """WeChat knows them as they are."""
    REFUSED = "refused"
    """WeChat does not take them; `last_error` says why, staff decide."""
    NOT_NEEDED = "not_needed"
    """WeChat does not want to know: the mini-program is not managed, or all money is back."""


UPLOAD_TRANSITIONS = {
    UploadStatus.WAITING: {
        UploadStatus.ACCEPTED,
        UploadStatus.REFUSED,
        UploadStatus.NOT_NEEDED,
    },
    UploadStatus.ACCEPTED: {UploadStatus.WAITING},
    UploadStatus.REFUSED: {UploadStatus.WAITING},
    UploadStatus.NOT_NEEDED: {UploadStatus.WAITING},
}
"""The moves of an upload. Whatever changes about the parcels makes it wait again."""


class ShippingUpload(Base):
    """What WeChat knows of one order's parcels; made when the first of them leaves."""

    __tablename__ = "shipping_upload"
    __table_args__ = (
        CheckConstraint(
            "status IN ('waiting', 'accepted', 'refused', 'not_needed')", name="status"
        ),
        CheckConstraint("next_at IS NULL OR status = 'waiting'", name="only_waiting_is_due"),
        CheckConstraint("status <> 'refused' OR last_error IS NOT NULL", name="refused_has_reason"),
        CheckConstraint("status <> 'accepted' OR digest IS NOT NULL", name="accepted_is_known"),
        Index("ix_shipping_upload_due", "next_at", postgresql_where=text("next_at IS NOT NULL")),
        Index("ix_shipping_upload_status", "status", "order_id"),
    )

    order_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("shop_order.id"), primary_key=True, autoincrement=False
    )
    status: Mapped[str] = mapped_column(String(20))
    changes: Mapped[int] = mapped_column(default=1)
    """How often the parcels changed: an answer to an older state is not the last word."""
    attempts: Mapped[int] = mapped_column(default=0)
    """Calls since the last change."""
    next_at: Mapped[datetime | None]
    """When to call; None while nothing can be told yet, or nothing is to be told."""
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    """SHA-256 over what WeChat has accepted."""
    last_error: Mapped[str | None] = mapped_column(String(ERROR_MAX))
    late_at: Mapped[datetime | None]
    """When WeChat said that it waits for this order's parcels."""
    settled_at: Mapped[datetime | None]
    """When WeChat said that it let the money go."""
    receipt_asked_at: Mapped[datetime | None]
    """When the buyer was reminded to confirm, which WeChat does once."""
