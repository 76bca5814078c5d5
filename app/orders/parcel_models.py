"""The tables of what leaves the shop: parcels, and which pieces are in each."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, BigId


class Delivery(StrEnum):
    """How pieces come to the buyer."""

    EXPRESS = "express"
    """An express company carries them; the parcel has a tracking number."""
    COURIER = "courier"
    """Somebody of the shop brings them, in the same town."""
    PICKUP = "pickup"
    """The buyer fetches them in the shop and shows a code."""
    VIRTUAL = "virtual"
    """There is nothing to carry: the buyer reads it."""


class Shipment(Base):
    """One parcel."""

    __tablename__ = "shipment"
    __table_args__ = (
        CheckConstraint("kind IN ('express', 'courier', 'pickup', 'virtual')", name="kind"),
        CheckConstraint(
            "(kind = 'express') = (company_code <> '' AND company_name <> '' AND tracking_no <> '')"
            " AND (kind = 'express' OR company_code || company_name || tracking_no = '')",
            name="express_is_tracked",
        ),
        CheckConstraint("(kind = 'courier') = (courier_sealed IS NOT NULL)", name="courier_known"),
        Index(
            "uq_shipment_tracking",
            "order_id",
            "company_code",
            "tracking_no",
            unique=True,
            postgresql_where=text("kind = 'express'"),
        ),
        Index("ix_shipment_order_id", "order_id"),
    )

    id: Mapped[BigId]
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"))
    kind: Mapped[str] = mapped_column(String(20), server_default=Delivery.EXPRESS)
    company_code: Mapped[str] = mapped_column(String(20))
    """WeChat's code of the express company; empty if no company carries it."""
    company_name: Mapped[str] = mapped_column(String(32))
    tracking_no: Mapped[str] = mapped_column(String(32))
    courier_sealed: Mapped[bytes | None]
    """Name and phone number of who brings it, as JSON, encrypted: they name a person."""
    shipped_at: Mapped[datetime]

    lines: Mapped[list["ShipmentLine"]] = relationship(
        lazy="raise", order_by="ShipmentLine.order_line_id"
    )


class ShipmentLine(Base):
    """How many pieces of a line of the order are in a parcel."""

    __tablename__ = "shipment_line"
    __table_args__ = (
        CheckConstraint("quantity >= 1", name="quantity"),
        Index("ix_shipment_line_order_line_id", "order_line_id"),
    )

    shipment_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("shipment.id"), primary_key=True
    )
    order_line_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("order_line.id"), primary_key=True
    )
    quantity: Mapped[int]


class ShipmentCorrection(Base):
    """A number of a parcel that was wrong, as it was; never edited."""

    __tablename__ = "shipment_correction"
    __table_args__ = (Index("ix_shipment_correction_shipment_id", "shipment_id"),)

    id: Mapped[BigId]
    shipment_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shipment.id"))
    company_code: Mapped[str] = mapped_column(String(20))
    company_name: Mapped[str] = mapped_column(String(32))
    tracking_no: Mapped[str] = mapped_column(String(32))
    staff_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    reason: Mapped[str] = mapped_column(String(200))
    corrected_at: Mapped[datetime]
