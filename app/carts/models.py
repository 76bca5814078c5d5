"""The table of carts: one row per member and SKU."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, BigId

LINES_MAX = 120
"""Distinct lines in one cart."""
QUANTITY_MAX = 999
"""Pieces of one SKU in a cart or an order."""


class CartItem(Base):
    __tablename__ = "cart_item"
    __table_args__ = (
        UniqueConstraint("member_id", "sku_id"),
        CheckConstraint(f"quantity BETWEEN 1 AND {QUANTITY_MAX}", name="quantity"),
    )

    id: Mapped[BigId]
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("member.id"))
    sku_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sku.id"))
    quantity: Mapped[int]
    is_selected: Mapped[bool]
    """Ticked for the next order."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
