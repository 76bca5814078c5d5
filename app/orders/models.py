"""The tables of orders: the order, its lines, and each refund of a part of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, BigId, Fen
from app.orders.parcel_models import Shipment


class OrderStatus(StrEnum):
    """Where an order is in its life."""

    UNPAID = "unpaid"
    """Placed; stock and promotions are held for it until it expires."""
    CLOSING = "closing"
    """To be closed; everything stays held until WeChat has said that no money came."""
    CLOSED = "closed"
    """Not paid; everything held was given back. Only late money that buys it anew opens it."""
    PAID = "paid"
    """Paid, or nothing to pay; some of its pieces are still to leave."""
    SHIPPED = "shipped"
    """Every piece that is not refunded has left."""
    RECEIVED = "received"
    """In the buyer's hands; may still be returned."""
    COMPLETED = "completed"
    """The days for returning it are over."""
    REFUNDED = "refunded"
    """All that was paid went back. Final."""


TRANSITIONS = {
    OrderStatus.UNPAID: {OrderStatus.CLOSING, OrderStatus.CLOSED, OrderStatus.PAID},
    OrderStatus.CLOSING: {OrderStatus.CLOSED, OrderStatus.PAID},
    OrderStatus.CLOSED: {OrderStatus.PAID},
    OrderStatus.PAID: {OrderStatus.SHIPPED, OrderStatus.REFUNDED},
    OrderStatus.SHIPPED: {OrderStatus.RECEIVED, OrderStatus.REFUNDED},
    OrderStatus.RECEIVED: {OrderStatus.COMPLETED, OrderStatus.REFUNDED},
    OrderStatus.COMPLETED: {OrderStatus.REFUNDED},
    OrderStatus.REFUNDED: set[OrderStatus](),
}
"""The moves of an order. Each is one guarded UPDATE, so of two that race one wins."""


class OrderOrigin(StrEnum):
    """Where the lines of an order came from."""

    CART = "cart"
    """Lines of the buyer's cart, which the order took out of it."""
    BUY_NOW = "buy_now"
    """Chosen on a product page; the cart was left alone."""
    FLASH_SALE = "flash_sale"
    """Won in a flash sale."""
    GROUP_BUY = "group_buy"
    """Bought with a team."""
    BULK_BUY = "bulk_buy"
    """Bought with everybody else."""


class CloseReason(StrEnum):
    """Why an unpaid order is closed."""

    BUYER = "buyer"
    """The buyer cancelled it."""
    EXPIRED = "expired"
    """It was not paid in time."""


class RefundStatus(StrEnum):
    """What became of one refund of an order."""

    REFUNDING = "refunding"
    """The money is set aside for the way back; the order is not shipped meanwhile."""
    REFUNDED = "refunded"
    """It went back. Final."""
    ABANDONED = "abandoned"
    """It will not go back; the order goes on as if it had never been asked. Final."""


REFUND_TRANSITIONS = {
    RefundStatus.REFUNDING: {RefundStatus.REFUNDED, RefundStatus.ABANDONED},
    RefundStatus.REFUNDED: set[RefundStatus](),
    RefundStatus.ABANDONED: set[RefundStatus](),
}


class LineKind(StrEnum):
    """What a line of an order is."""

    GOODS = "goods"
    """What the buyer chose and pays for."""
    GIFT = "gift"
    """What a promotion adds; costs nothing, is shipped with the goods."""


def _words(column: str, kind: type[StrEnum]) -> CheckConstraint:
    members = ", ".join(f"'{member}'" for member in kind)
    return CheckConstraint(f"{column} IN ({members})", name=column)


class Order(Base):
    """One purchase. Its amounts never change after it is placed; only refunds are counted up."""

    __tablename__ = "shop_order"
    __table_args__ = (
        _words("status", OrderStatus),
        _words("origin", OrderOrigin),
        CheckConstraint("order_no ~ '^O[0-9A-Z]{26}$'", name="order_no"),
        CheckConstraint("items_fen >= 0 AND freight_fen >= 0", name="amounts_not_negative"),
        CheckConstraint(
            "member_saves_fen >= 0 AND discount_fen >= 0 AND tender_fen >= 0"
            " AND member_saves_fen + discount_fen + tender_fen <= items_fen",
            name="discount_within_items",
        ),
        CheckConstraint(
            "items_fen - member_saves_fen - discount_fen + freight_fen - tender_fen = payable_fen",
            name="payable_is_the_sum",
        ),
        CheckConstraint("paid_fen IN (0, payable_fen)", name="paid_nothing_or_all"),
        CheckConstraint(
            "refunding_fen >= 0 AND refunded_fen >= 0 AND refunding_fen + refunded_fen <= paid_fen",
            name="refunds_within_paid",
        ),
        CheckConstraint(
            "freight_refunding_fen >= 0 AND freight_refunded_fen >= 0"
            " AND freight_refunding_fen + freight_refunded_fen <= freight_fen"
            " AND freight_refunding_fen <= refunding_fen AND freight_refunded_fen <= refunded_fen",
            name="freight_refunds_within_freight",
        ),
        CheckConstraint("encode(sha256(quote), 'hex') = quote_digest", name="quote_is_hashed"),
        CheckConstraint(
            "(paid_at IS NOT NULL)"
            " = (status IN ('paid', 'shipped', 'received', 'completed', 'refunded'))",
            name="paid_at_fits_status",
        ),
        CheckConstraint("paid_at IS NOT NULL OR paid_fen = 0", name="paid_at_fits_paid"),
        CheckConstraint("paid_at IS NULL OR paid_fen = payable_fen", name="paid_in_full"),
        CheckConstraint(
            "(close_reason IS NOT NULL) = (status IN ('closing', 'closed'))"
            " AND (closing_at IS NOT NULL) = (status IN ('closing', 'closed'))"
            " AND (closed_at IS NOT NULL) = (status = 'closed')",
            name="closing_fits_status",
        ),
        CheckConstraint(
            "CASE status WHEN 'shipped' THEN shipped_at IS NOT NULL AND received_at IS NULL"
            " WHEN 'received' THEN received_at IS NOT NULL AND completed_at IS NULL"
            " WHEN 'completed' THEN completed_at IS NOT NULL"
            " WHEN 'refunded' THEN refunded_fen = paid_fen AND refunding_fen = 0"
            " ELSE shipped_at IS NULL END",
            name="moments_fit_status",
        ),
        CheckConstraint("open_cases >= 0", name="open_cases_not_negative"),
        Index("ix_shop_order_buyer_id", "buyer_id", text("id DESC")),
        Index("ix_shop_order_status", "status", text("id DESC")),
        CheckConstraint(
            "(deal_id IS NOT NULL) = (origin IN ('flash_sale', 'group_buy', 'bulk_buy'))",
            name="deal_fits_origin",
        ),
        Index("ix_shop_order_deal", "deal_id", "id", postgresql_where=text("deal_id IS NOT NULL")),
        Index("ix_shop_order_unpaid", "expires_at", postgresql_where=text("status = 'unpaid'")),
        Index("ix_shop_order_closing", "closing_at", postgresql_where=text("status = 'closing'")),
        Index("ix_shop_order_shipped", "shipped_at", postgresql_where=text("status = 'shipped'")),
        Index(
            "ix_shop_order_received", "received_at", postgresql_where=text("status = 'received'")
        ),
    )

    id: Mapped[BigId]
    order_no: Mapped[str] = mapped_column(String(27), unique=True)
    buyer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("member.id"))
    status: Mapped[str] = mapped_column(String(20))
    origin: Mapped[str] = mapped_column(String(20))
    deal_id: Mapped[int | None] = mapped_column(BigInteger)
    """The campaign it was bought at, if its origin is a deal."""
    items_fen: Mapped[Fen]
    """The goods at list prices."""
    member_saves_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    """What the buyer's level saves on them before any promotion."""
    discount_fen: Mapped[Fen]
    """What promotions take off the goods."""
    tender_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    """What points pay of the goods, never of freight."""
    freight_fen: Mapped[Fen]
    """Freight to pay, after promotions."""
    payable_fen: Mapped[Fen]
    """What is paid in money."""
    paid_fen: Mapped[Fen] = mapped_column(default=0)
    refunding_fen: Mapped[Fen] = mapped_column(default=0)
    """On its way back, freight included."""
    refunded_fen: Mapped[Fen] = mapped_column(default=0)
    """Gone back, freight included."""
    freight_refunding_fen: Mapped[Fen] = mapped_column(default=0)
    freight_refunded_fen: Mapped[Fen] = mapped_column(default=0)
    address_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """The `AddressSnapshot` of the moment, as JSON, encrypted: it names a person."""
    quote: Mapped[bytes] = mapped_column(LargeBinary)
    """The canonical text of the quote it was placed at: why each line costs what it costs."""
    quote_digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of `quote` in hex."""
    quote_input: Mapped[bytes | None] = mapped_column(LargeBinary)
    """
    The canonical text of the cart that was priced: with the promotions in force it gives the same
    quote again. NULL in orders older than promotions by person.
    """
    snapshot_version: Mapped[int] = mapped_column(BigInteger)
    """The promotions that were in force."""
    remark: Mapped[str] = mapped_column(String(200), default="")
    """The buyer's words to the shop."""
    staff_remark: Mapped[str] = mapped_column(String(200), default="")
    """The shop's words to itself; the buyer never sees them."""
    placed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    closing_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    close_reason: Mapped[str | None] = mapped_column(String(20))
    transaction_id: Mapped[str | None] = mapped_column(String(32))
    """WeChat's number of the payment; NULL if there was nothing to pay."""
    paid_at: Mapped[datetime | None]
    """When WeChat took the money."""
    shipped_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    """Grows with every move."""
    open_cases: Mapped[int] = mapped_column(default=0, server_default="0")
    """After-sale cases that have not ended; the sweeps leave the order alone meanwhile."""

    lines: Mapped[list["OrderLine"]] = relationship(lazy="raise", order_by="OrderLine.seq")
    shipments: Mapped[list[Shipment]] = relationship(lazy="raise", order_by=Shipment.id)

    @property
    def source(self) -> str:
        """How the engines and the stock know this order."""
        return source(self.order_no)


def source(order_no: str) -> str:
    """The source of holds, reservations and commission of an order: `order:O…`."""
    return f"order:{order_no}"


class OrderLine(Base):
    """One SKU in a quantity, with the product as it was and its share of every discount."""

    __tablename__ = "order_line"
    __table_args__ = (
        UniqueConstraint("order_id", "seq"),
        _words("kind", LineKind),
        CheckConstraint("quantity >= 1 AND (quantity <= 999 OR kind = 'gift')", name="quantity"),
        CheckConstraint("unit_price_fen >= 0", name="price_not_negative"),
        CheckConstraint(
            "CASE kind WHEN 'gift' THEN unit_price_fen = 0 AND value_fen >= 0"
            " AND promotion_id IS NOT NULL ELSE value_fen = 0 AND promotion_id IS NULL END",
            name="gifts_cost_nothing",
        ),
        CheckConstraint("amount_fen = unit_price_fen * quantity", name="amount_is_the_product"),
        CheckConstraint(
            "member_saves_fen >= 0 AND discount_fen >= 0 AND tender_fen >= 0"
            " AND member_saves_fen + discount_fen + tender_fen <= amount_fen",
            name="discount_within_amount",
        ),
        CheckConstraint(
            "payable_fen = amount_fen - member_saves_fen - discount_fen - tender_fen",
            name="payable_is_the_rest",
        ),
        CheckConstraint(
            "refunding_fen >= 0 AND refunded_fen >= 0"
            " AND refunding_fen + refunded_fen <= payable_fen",
            name="refunds_within_payable",
        ),
        CheckConstraint(
            "refunding_quantity >= 0 AND refunded_quantity >= 0"
            " AND refunding_quantity + refunded_quantity <= quantity",
            name="returns_within_quantity",
        ),
        CheckConstraint(
            "retained_fen >= 0 AND refunding_fen + refunded_fen + retained_fen <= payable_fen",
            name="retained_within_payable",
        ),
        CheckConstraint("restocked_quantity BETWEEN 0 AND quantity", name="restocked_quantity"),
        CheckConstraint(
            "shipped_quantity >= 0 AND withheld_quantity >= 0"
            " AND shipped_quantity + withheld_quantity <= quantity",
            name="ships_within_quantity",
        ),
        CheckConstraint("final_fen BETWEEN 0 AND payable_fen", name="final_within_payable"),
        CheckConstraint("cost_fen >= 0", name="cost_not_negative"),
        Index("ix_order_line_sku_id", "sku_id"),
    )

    id: Mapped[BigId]
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"))
    seq: Mapped[int]
    """1, 2, 3… within the order, gifts last; of goods the line id of the quote."""
    kind: Mapped[str] = mapped_column(String(20), server_default=LineKind.GOODS)
    promotion_id: Mapped[int | None] = mapped_column(BigInteger)
    """The promotion that gives a gift; NULL for goods."""
    value_fen: Mapped[Fen] = mapped_column(server_default="0")
    """The stated value of one piece of a gift, deducted when it should come back and does not."""
    sku_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sku.id"))
    spu_id: Mapped[int] = mapped_column(BigInteger)
    category_path: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    """From the root, as it was: commission rules may look at it when the money comes."""
    title: Mapped[str]
    spec_text: Mapped[str]
    image_url: Mapped[str]
    unit_price_fen: Mapped[Fen]
    quantity: Mapped[int]
    amount_fen: Mapped[Fen]
    """At the list price."""
    member_saves_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    discount_fen: Mapped[Fen]
    tender_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    payable_fen: Mapped[Fen]
    """
    What is paid in money: after every discount and without points and freight, the base of refunds
    and of commission. (A quote's lines say what is payable before points.)
    """
    final_fen: Mapped[Fen | None]
    """What it costs in the end, if its price fell after it was paid; NULL: what was paid."""
    cost_fen: Mapped[Fen | None]
    """What all its pieces cost the shop, as it was; NULL: not known. Shoppers never see it."""
    refunding_fen: Mapped[Fen] = mapped_column(default=0)
    refunded_fen: Mapped[Fen] = mapped_column(default=0)
    refunding_quantity: Mapped[int] = mapped_column(server_default="0")
    """Pieces whose refund is on its way; of a gift, those that go with them."""
    refunded_quantity: Mapped[int] = mapped_column(server_default="0")
    """Pieces given back; of a gift, those cancelled, brought back or paid for."""
    retained_fen: Mapped[Fen] = mapped_column(server_default="0")
    """
    Of the share of pieces that went back, what the shop keeps: for a gift that stayed, for a
    discount the rest lost, or because less was agreed. With it, the parts sum to the line.
    """
    restocked_quantity: Mapped[int] = mapped_column(default=0)
    """Given back to the shelf: by a refund before shipping, or because the goods came back."""
    shipped_quantity: Mapped[int] = mapped_column(default=0, server_default="0")
    """Pieces that have left."""
    withheld_quantity: Mapped[int] = mapped_column(default=0, server_default="0")
    """Pieces that have not left and will not: their refund is on its way, or done."""

    @property
    def waiting_quantity(self) -> int:
        """Pieces that are still to leave."""
        return self.quantity - self.shipped_quantity - self.withheld_quantity

    @property
    def price_fen(self) -> int:
        """What all its pieces cost, after whatever lowered it: what its shares are cut from."""
        return self.payable_fen if self.final_fen is None else self.final_fen


class OrderRefund(Base):
    """
    One refund of parts of an order, known by its source: begun once, settled once.

    The money itself is the business of payments; here is which fen of which line it takes back.
    """

    __tablename__ = "order_refund"
    __table_args__ = (
        _words("status", RefundStatus),
        CheckConstraint("amount_fen >= 0 AND freight_fen >= 0", name="amounts_not_negative"),
        CheckConstraint("freight_fen <= amount_fen", name="freight_within_amount"),
        CheckConstraint("(settled_at IS NULL) = (status = 'refunding')", name="settled_at"),
        Index("ix_order_refund_order_id", "order_id"),
    )

    id: Mapped[BigId]
    source: Mapped[str] = mapped_column(String(64), unique=True)
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"))
    status: Mapped[str] = mapped_column(String(20))
    amount_fen: Mapped[Fen]
    """Freight included."""
    freight_fen: Mapped[Fen]
    line_amounts: Mapped[dict[str, Any]]
    """Fen by `order_line.id` (as text: it is JSON)."""
    quantities: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    """Pieces by `order_line.id` that come back, gifts included; empty: it is about money only."""
    unshipped: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    """How many of these, by `order_line.id`, had not left, and now will not."""
    retained: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    """Fen by `order_line.id` of their share that stay; below 0: given back after all."""
    rest_fen: Mapped[Fen] = mapped_column(server_default="0")
    """Of `retained`, what is for discounts that the rest of the order lost."""
    begun_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
