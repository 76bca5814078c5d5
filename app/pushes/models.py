"""The table of pushed messages."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, BigId

EVENT_MAX = 64
OPENID_MAX = 64


class PushMessage(Base):
    """One event as WeChat told it; told again it is the same row."""

    __tablename__ = "push_message"
    __table_args__ = (
        CheckConstraint("jsonb_typeof(body) = 'object'", name="body_is_an_object"),
        Index("uq_push_message_digest", "digest", unique=True),
        Index("ix_push_message_received_at", "received_at"),
    )

    id: Mapped[BigId]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 over the body: a message that is told again is the same to the byte."""
    event: Mapped[str] = mapped_column(String(EVENT_MAX))
    openid: Mapped[str] = mapped_column(String(OPENID_MAX))
    """Whom it is about; of what concerns nobody, WeChat's own account."""
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """Everything it said. Told in XML every value is text; in JSON numbers are numbers."""
    received_at: Mapped[datetime]
