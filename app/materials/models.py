"""The table of codes."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Integer, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, BigId


class MiniCode(Base):
    """
    One mini-program code as WeChat drew it, asked for once.

    It is here and not in Redis, because a code is good for ever, is drawn under a quota, and hangs
    printed on walls.
    """

    __tablename__ = "mini_code"
    __table_args__ = (
        UniqueConstraint("scene", "page", "width"),
        CheckConstraint("encode(sha256(picture), 'hex') = digest", name="picture_is_hashed"),
        CheckConstraint("media_type IN ('image/png', 'image/jpeg')", name="media_type"),
        CheckConstraint("width BETWEEN 280 AND 1280", name="width"),
    )

    id: Mapped[BigId]
    scene: Mapped[str]
    page: Mapped[str]
    width: Mapped[int] = mapped_column(Integer)
    """Pixels."""
    media_type: Mapped[str]
    picture: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[str] = mapped_column(index=True)
    """SHA-256 of the picture in hex: its public name."""
    drawn_at: Mapped[datetime]
