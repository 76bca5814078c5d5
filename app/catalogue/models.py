"""
The tables of the catalogue.

Stock of a SKU is three numbers: available (can be sold), held (in unpaid orders, or carved out for
campaigns) and sold. Their sum is what staff ever put in, the sum of the SKU's stock adjustments;
`flask verify` proves it.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, BigId, Fen


class SpuStatus(StrEnum):
    """Where an SPU stands."""

    DRAFT = "draft"
    """Never shown to a shopper yet."""
    ON_SHELF = "on_shelf"
    """For sale."""
    OFF_SHELF = "off_shelf"
    """Was for sale; shoppers cannot find or buy it."""


SPU_TRANSITIONS = {
    SpuStatus.DRAFT: {SpuStatus.ON_SHELF},
    SpuStatus.ON_SHELF: {SpuStatus.OFF_SHELF},
    SpuStatus.OFF_SHELF: {SpuStatus.ON_SHELF},
}


class HoldStatus(StrEnum):
    """What became of units set aside for a source."""

    HELD = "held"
    """Set aside, not paid."""
    CONFIRMED = "confirmed"
    """Paid: sold."""
    RELEASED = "released"
    """Back on sale; the same source may hold them again."""


HOLD_TRANSITIONS = {
    HoldStatus.HELD: {HoldStatus.CONFIRMED, HoldStatus.RELEASED},
    HoldStatus.CONFIRMED: {HoldStatus.RELEASED},
    HoldStatus.RELEASED: {HoldStatus.HELD},
}


class ChargeBy(StrEnum):
    """What a freight template counts."""

    PIECE = "piece"
    WEIGHT = "weight"
    """Grams."""


class Category(Base):
    """A node of the category tree."""

    __tablename__ = "category"
    __table_args__ = (
        CheckConstraint(
            "path[cardinality(path)] IS NOT DISTINCT FROM id", name="path_ends_in_itself"
        ),
        CheckConstraint(
            "path[cardinality(path) - 1] IS NOT DISTINCT FROM parent_id",
            name="path_follows_parent",
        ),
        Index("ix_category_path", "path", postgresql_using="gin"),
    )

    id: Mapped[BigId]
    parent_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("category.id"), index=True)
    path: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    """The ids of its ancestors from the root down, and its own last."""
    name: Mapped[str]
    image_url: Mapped[str | None]
    sort: Mapped[int] = mapped_column(BigInteger)
    """Higher comes first."""
    is_visible: Mapped[bool]
    """False hides it and everything below it from the shoppers' tree."""


class Brand(Base):
    __tablename__ = "brand"

    id: Mapped[BigId]
    name: Mapped[str] = mapped_column(unique=True)
    logo_url: Mapped[str | None]
    sort: Mapped[int] = mapped_column(BigInteger)
    """Higher comes first."""


class FreightTemplate(Base):
    """How shipping is charged; an SPU without one ships free."""

    __tablename__ = "freight_template"
    __table_args__ = (CheckConstraint("charge_by IN ('piece', 'weight')", name="charge_by_known"),)

    id: Mapped[BigId]
    name: Mapped[str] = mapped_column(unique=True)
    charge_by: Mapped[ChargeBy] = mapped_column(String)

    rules: Mapped[list["FreightRule"]] = relationship(
        lazy="raise", viewonly=True, order_by="FreightRule.region_prefix"
    )


class FreightRule(Base):
    """
    The charge for one region. The longest prefix of the address's region code wins.

    A region no rule covers is not served.
    """

    __tablename__ = "freight_rule"
    __table_args__ = (
        UniqueConstraint("template_id", "region_prefix"),
        CheckConstraint(
            "region_prefix ~ '^([0-9]{2}|[0-9]{4}|[0-9]{6})?$'", name="region_prefix_is_a_code"
        ),
        CheckConstraint("first_units > 0 AND next_units > 0", name="units_positive"),
        CheckConstraint(
            "first_fen >= 0 AND next_fen >= 0 AND free_over_fen > 0", name="fen_not_negative"
        ),
    )

    id: Mapped[BigId]
    template_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("freight_template.id", ondelete="CASCADE")
    )
    region_prefix: Mapped[str]
    """2 digits a province, 4 a city, 6 a district (GB/T 2260); empty is everywhere else."""
    is_served: Mapped[bool]
    first_units: Mapped[int] = mapped_column(BigInteger)
    """Pieces or grams that `first_fen` pays for."""
    first_fen: Mapped[Fen]
    next_units: Mapped[int] = mapped_column(BigInteger)
    """Each further so many pieces or grams, begun, cost `next_fen`."""
    next_fen: Mapped[Fen]
    free_over_fen: Mapped[Fen | None]
    """Goods of this template worth so much or more ship free."""


class Spu(Base):
    """A product as shoppers see it; what they buy is one of its SKUs."""

    __tablename__ = "spu"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'on_shelf', 'off_shelf')", name="status_known"),
        CheckConstraint("sales_count >= 0", name="sales_count_not_negative"),
        CheckConstraint("min_price_fen > 0 AND max_price_fen >= min_price_fen", name="price_range"),
        CheckConstraint("crossed_out_fen > min_price_fen", name="crossed_out_above_price"),
        CheckConstraint("status = 'draft' OR listed_at IS NOT NULL", name="listed_once_on_shelf"),
        Index("ix_spu_search", "search", postgresql_using="gin"),
        Index("ix_spu_category_id", "category_id"),
        Index("ix_spu_brand_id", "brand_id"),
        Index("ix_spu_freight_template_id", "freight_template_id"),
        *(
            Index(f"ix_spu_by_{key}", key, "id", postgresql_where=text("status = 'on_shelf'"))
            for key in ("sort", "min_price_fen", "sales_count", "listed_at")
        ),
    )

    id: Mapped[BigId]
    title: Mapped[str]
    subtitle: Mapped[str]
    description: Mapped[str] = mapped_column(Text)
    keywords: Mapped[str]
    """Further words it should be found by; never shown."""
    images: Mapped[list[Any]]
    """https URLs; the first is the cover."""
    spec: Mapped[list[Any]]
    """The matrix: `[{"name": "颜色", "values": ["红", "蓝"]}, …]`; empty for a single SKU."""
    tags: Mapped[list[str]] = mapped_column(ARRAY(String))
    """Words that campaigns select by."""
    category_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("category.id"))
    brand_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("brand.id"))
    freight_template_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("freight_template.id")
    )
    status: Mapped[SpuStatus] = mapped_column(String)
    sort: Mapped[int] = mapped_column(BigInteger)
    """Higher comes first."""
    sales_count: Mapped[int] = mapped_column(BigInteger)
    """Units paid for; the true figure."""
    min_price_fen: Mapped[Fen]
    """The lowest price of its active SKUs."""
    max_price_fen: Mapped[Fen]
    crossed_out_fen: Mapped[Fen | None]
    """The market price of its cheapest SKU, if that is above the price."""
    listed_at: Mapped[datetime | None]
    """When it first went on the shelf: leaving and returning does not make it new."""
    search: Mapped[Any] = mapped_column(TSVECTOR, deferred=True, deferred_raiseload=True)
    """What `app.catalogue.search` made of its words."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    skus: Mapped[list["Sku"]] = relationship(lazy="raise", viewonly=True, order_by="Sku.id")


class Sku(Base):
    """One combination of an SPU's spec values: what has a price and a stock."""

    __tablename__ = "sku"
    __table_args__ = (
        UniqueConstraint("spu_id", "spec_values"),
        CheckConstraint("price_fen > 0", name="price_positive"),
        CheckConstraint("market_price_fen > 0", name="market_price_positive"),
        CheckConstraint("cost_price_fen >= 0", name="cost_price_not_negative"),
        CheckConstraint("weight_g >= 0", name="weight_not_negative"),
        CheckConstraint("available >= 0", name="available_not_negative"),
        CheckConstraint("held >= 0", name="held_not_negative"),
        CheckConstraint("sold >= 0", name="sold_not_negative"),
        # Room on the page for the next version of a row that every order updates.
        {"postgresql_with": {"fillfactor": 70}},
    )

    id: Mapped[BigId]
    spu_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("spu.id"))
    code: Mapped[str] = mapped_column(unique=True)
    """The merchant's own number."""
    spec_values: Mapped[list[str]] = mapped_column(ARRAY(String))
    """One value for each name of the SPU's spec, in its order."""
    price_fen: Mapped[Fen]
    market_price_fen: Mapped[Fen | None]
    """Crossed out beside the price, and only if above it."""
    cost_price_fen: Mapped[Fen | None]
    weight_g: Mapped[int] = mapped_column(Integer)
    image_url: Mapped[str | None]
    available: Mapped[int] = mapped_column(BigInteger)
    held: Mapped[int] = mapped_column(BigInteger)
    sold: Mapped[int] = mapped_column(BigInteger)
    is_active: Mapped[bool]
    """False once the combination is no longer offered; orders still refer to it."""


class StockHold(Base):
    """Units of one SKU set aside for one source, such as `order:O…`."""

    __tablename__ = "stock_hold"
    __table_args__ = (
        UniqueConstraint("source", "sku_id"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("restocked BETWEEN 0 AND quantity", name="restocked_within_quantity"),
        CheckConstraint("status IN ('held', 'confirmed', 'released')", name="status_known"),
        CheckConstraint("restocked = 0 OR status <> 'held'", name="only_sold_is_restocked"),
        Index("ix_stock_hold_sku_id", "sku_id"),
        Index(
            "ix_stock_hold_drawn_from",
            "drawn_from",
            postgresql_where=text("drawn_from IS NOT NULL AND status = 'held'"),
        ),
    )

    id: Mapped[BigId]
    source: Mapped[str]
    sku_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sku.id"))
    quantity: Mapped[int] = mapped_column(BigInteger)
    restocked: Mapped[int] = mapped_column(BigInteger)
    """How many of the sold came back; all of them makes the hold released."""
    status: Mapped[HoldStatus] = mapped_column(String)
    drawn_from: Mapped[str | None]
    """The carve whose units these are; None: those on the shelf."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class StockCarve(Base):
    """
    Units of one SKU taken off the shelf to be sold by one campaign, such as `promotion:5`.

    They stand in the SKU's `held`, together with what orders hold of them.
    """

    __tablename__ = "stock_carve"
    __table_args__ = (
        CheckConstraint("quantity >= 0", name="quantity_not_negative"),
        Index("ix_stock_carve_sku_id", "sku_id"),
    )

    source: Mapped[str] = mapped_column(primary_key=True)
    sku_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sku.id"), primary_key=True)
    quantity: Mapped[int] = mapped_column(BigInteger)
    """What is not sold and not back on the shelf, held by orders or by nobody."""
    carved_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    """When the rest went back to the shelf; what orders give back later follows it."""


class StockAdjustment(Base):
    """Units staff put into or took out of available stock. Append-only."""

    __tablename__ = "stock_adjustment"
    __table_args__ = (
        CheckConstraint("delta <> 0", name="delta_not_zero"),
        CheckConstraint("available_after >= 0", name="available_after_not_negative"),
        Index("ix_stock_adjustment_sku_id", "sku_id", "id"),
    )

    id: Mapped[BigId]
    sku_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sku.id"))
    delta: Mapped[int] = mapped_column(BigInteger)
    available_after: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str]
    staff_id: Mapped[int | None] = mapped_column(BigInteger)
    """Who; None is the system itself."""
    adjusted_at: Mapped[datetime]


class PriceHistory(Base):
    """
    Every price a SKU ever had, from when. Append-only.

    A compared price without details may not exceed the lowest deal price of the seven days before
    (SAMR order 56, article 16): this is what such a claim is checked against.
    """

    __tablename__ = "price_history"
    __table_args__ = (
        CheckConstraint("price_fen > 0", name="price_positive"),
        Index("ix_price_history_sku_id", "sku_id", "effective_at"),
    )

    id: Mapped[BigId]
    sku_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sku.id"))
    price_fen: Mapped[Fen]
    market_price_fen: Mapped[Fen | None]
    staff_id: Mapped[int | None] = mapped_column(BigInteger)
    effective_at: Mapped[datetime]
