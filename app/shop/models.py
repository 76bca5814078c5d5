"""The table of the shop's rules. Append-only, by a trigger of the migrations."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base

REASON_MAX = 200


class ShopRulesRow(Base):
    """One version of the rules, whole; the highest version is in force."""

    __tablename__ = "shop_rules"
    __table_args__ = (
        CheckConstraint("jsonb_typeof(\"values\") = 'object'", name="values_are_an_object"),
    )

    version: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    values: Mapped[dict[str, Any]] = mapped_column(JSONB)
    staff_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    reason: Mapped[str] = mapped_column(String(REASON_MAX))
    created_at: Mapped[datetime]
