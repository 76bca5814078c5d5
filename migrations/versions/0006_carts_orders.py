"""Carts; orders with their lines, parcels and refunds."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _cart_item()
    _shop_order()
    _order_line()
    _shipment()
    _order_refund()


def downgrade() -> None:
    op.drop_table("order_refund")
    op.drop_table("shipment")
    op.drop_table("order_line")
    op.drop_table("shop_order")
    op.drop_table("cart_item")


def _cart_item() -> None:
    op.create_table(
        "cart_item",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("sku_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("is_selected", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity BETWEEN 1 AND 999", name=op.f("ck_cart_item_quantity")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_cart_item_member_id")),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_cart_item_sku_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cart_item")),
        sa.UniqueConstraint("member_id", "sku_id", name=op.f("uq_cart_item_member_id_sku_id")),
    )


def _shop_order() -> None:
    op.create_table(
        "shop_order",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("order_no", sa.String(length=27), nullable=False),
        sa.Column("buyer_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("origin", sa.String(length=20), nullable=False),
        sa.Column("items_fen", sa.BigInteger(), nullable=False),
        sa.Column("discount_fen", sa.BigInteger(), nullable=False),
        sa.Column("freight_fen", sa.BigInteger(), nullable=False),
        sa.Column("payable_fen", sa.BigInteger(), nullable=False),
        sa.Column("paid_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunding_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), nullable=False),
        sa.Column("freight_refunding_fen", sa.BigInteger(), nullable=False),
        sa.Column("freight_refunded_fen", sa.BigInteger(), nullable=False),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("quote", sa.LargeBinary(), nullable=False),
        sa.Column("quote_digest", sa.String(length=64), nullable=False),
        sa.Column("snapshot_version", sa.BigInteger(), nullable=False),
        sa.Column("remark", sa.String(length=200), nullable=False),
        sa.Column("staff_remark", sa.String(length=200), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closing_at", sa.DateTime(timezone=True)),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("close_reason", sa.String(length=20)),
        sa.Column("transaction_id", sa.String(length=32)),
        sa.Column("paid_at", sa.DateTime(timezone=True)),
        sa.Column("shipped_at", sa.DateTime(timezone=True)),
        sa.Column("received_at", sa.DateTime(timezone=True)),
        sa.Column("completed_at", sa.DateTime(timezone=True)),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(close_reason IS NOT NULL) = (status IN ('closing', 'closed')) AND (closing_at IS NOT NULL) = (status IN ('closing', 'closed')) AND (closed_at IS NOT NULL) = (status = 'closed')",
            name=op.f("ck_shop_order_closing_fits_status"),
        ),
        sa.CheckConstraint(
            "(paid_at IS NOT NULL) = (status IN ('paid', 'shipped', 'received', 'completed', 'refunded'))",
            name=op.f("ck_shop_order_paid_at_fits_status"),
        ),
        sa.CheckConstraint(
            "CASE status WHEN 'shipped' THEN shipped_at IS NOT NULL AND received_at IS NULL WHEN 'received' THEN received_at IS NOT NULL AND completed_at IS NULL WHEN 'completed' THEN completed_at IS NOT NULL WHEN 'refunded' THEN refunded_fen = paid_fen AND refunding_fen = 0 ELSE shipped_at IS NULL END",
            name=op.f("ck_shop_order_moments_fit_status"),
        ),
        sa.CheckConstraint(
            "encode(sha256(quote), 'hex') = quote_digest",
            name=op.f("ck_shop_order_quote_is_hashed"),
        ),
        sa.CheckConstraint("order_no ~ '^O[0-9A-Z]{26}$'", name=op.f("ck_shop_order_order_no")),
        sa.CheckConstraint("origin IN ('cart', 'buy_now')", name=op.f("ck_shop_order_origin")),
        sa.CheckConstraint(
            "status IN ('unpaid', 'closing', 'closed', 'paid', 'shipped', 'received', 'completed', 'refunded')",
            name=op.f("ck_shop_order_status"),
        ),
        sa.CheckConstraint(
            "discount_fen BETWEEN 0 AND items_fen", name=op.f("ck_shop_order_discount_within_items")
        ),
        sa.CheckConstraint(
            "freight_refunding_fen >= 0 AND freight_refunded_fen >= 0 AND freight_refunding_fen + freight_refunded_fen <= freight_fen AND freight_refunding_fen <= refunding_fen AND freight_refunded_fen <= refunded_fen",
            name=op.f("ck_shop_order_freight_refunds_within_freight"),
        ),
        sa.CheckConstraint(
            "items_fen - discount_fen + freight_fen = payable_fen",
            name=op.f("ck_shop_order_payable_is_the_sum"),
        ),
        sa.CheckConstraint(
            "items_fen >= 0 AND freight_fen >= 0", name=op.f("ck_shop_order_amounts_not_negative")
        ),
        sa.CheckConstraint(
            "paid_at IS NOT NULL OR paid_fen = 0", name=op.f("ck_shop_order_paid_at_fits_paid")
        ),
        sa.CheckConstraint(
            "paid_at IS NULL OR paid_fen = payable_fen", name=op.f("ck_shop_order_paid_in_full")
        ),
        sa.CheckConstraint(
            "paid_fen IN (0, payable_fen)", name=op.f("ck_shop_order_paid_nothing_or_all")
        ),
        sa.CheckConstraint(
            "refunding_fen >= 0 AND refunded_fen >= 0 AND refunding_fen + refunded_fen <= paid_fen",
            name=op.f("ck_shop_order_refunds_within_paid"),
        ),
        sa.ForeignKeyConstraint(["buyer_id"], ["member.id"], name=op.f("fk_shop_order_buyer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_order")),
        sa.UniqueConstraint("order_no", name=op.f("uq_shop_order_order_no")),
    )
    op.create_index(
        "ix_shop_order_buyer_id",
        "shop_order",
        ["buyer_id", sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_shop_order_closing",
        "shop_order",
        ["closing_at"],
        unique=False,
        postgresql_where=sa.text("status = 'closing'"),
    )
    op.create_index(
        "ix_shop_order_received",
        "shop_order",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("status = 'received'"),
    )
    op.create_index(
        "ix_shop_order_shipped",
        "shop_order",
        ["shipped_at"],
        unique=False,
        postgresql_where=sa.text("status = 'shipped'"),
    )
    op.create_index(
        "ix_shop_order_status", "shop_order", ["status", sa.literal_column("id DESC")], unique=False
    )
    op.create_index(
        "ix_shop_order_unpaid",
        "shop_order",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'unpaid'"),
    )


def _order_line() -> None:
    op.create_table(
        "order_line",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("sku_id", sa.BigInteger(), nullable=False),
        sa.Column("spu_id", sa.BigInteger(), nullable=False),
        sa.Column("category_path", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("spec_text", sa.String(), nullable=False),
        sa.Column("image_url", sa.String(), nullable=False),
        sa.Column("unit_price_fen", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("discount_fen", sa.BigInteger(), nullable=False),
        sa.Column("payable_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunding_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), nullable=False),
        sa.Column("restocked_quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "amount_fen = unit_price_fen * quantity",
            name=op.f("ck_order_line_amount_is_the_product"),
        ),
        sa.CheckConstraint(
            "discount_fen BETWEEN 0 AND amount_fen",
            name=op.f("ck_order_line_discount_within_amount"),
        ),
        sa.CheckConstraint(
            "payable_fen = amount_fen - discount_fen",
            name=op.f("ck_order_line_payable_is_the_rest"),
        ),
        sa.CheckConstraint("quantity BETWEEN 1 AND 999", name=op.f("ck_order_line_quantity")),
        sa.CheckConstraint(
            "refunding_fen >= 0 AND refunded_fen >= 0 AND refunding_fen + refunded_fen <= payable_fen",
            name=op.f("ck_order_line_refunds_within_payable"),
        ),
        sa.CheckConstraint(
            "restocked_quantity BETWEEN 0 AND quantity",
            name=op.f("ck_order_line_restocked_quantity"),
        ),
        sa.CheckConstraint("unit_price_fen >= 0", name=op.f("ck_order_line_price_not_negative")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["shop_order.id"], name=op.f("fk_order_line_order_id")
        ),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_order_line_sku_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_line")),
        sa.UniqueConstraint("order_id", "seq", name=op.f("uq_order_line_order_id_seq")),
    )
    op.create_index("ix_order_line_sku_id", "order_line", ["sku_id"], unique=False)


def _shipment() -> None:
    op.create_table(
        "shipment",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("company_code", sa.String(length=20), nullable=False),
        sa.Column("company_name", sa.String(length=32), nullable=False),
        sa.Column("tracking_no", sa.String(length=32), nullable=False),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["shop_order.id"], name=op.f("fk_shipment_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipment")),
        sa.UniqueConstraint(
            "order_id",
            "company_code",
            "tracking_no",
            name=op.f("uq_shipment_order_id_company_code_tracking_no"),
        ),
    )


def _order_refund() -> None:
    op.create_table(
        "order_refund",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("freight_fen", sa.BigInteger(), nullable=False),
        sa.Column("line_amounts", postgresql.JSONB(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (status = 'refunding')", name=op.f("ck_order_refund_settled_at")
        ),
        sa.CheckConstraint(
            "status IN ('refunding', 'refunded', 'abandoned')", name=op.f("ck_order_refund_status")
        ),
        sa.CheckConstraint(
            "amount_fen >= 0 AND freight_fen >= 0",
            name=op.f("ck_order_refund_amounts_not_negative"),
        ),
        sa.CheckConstraint(
            "freight_fen <= amount_fen", name=op.f("ck_order_refund_freight_within_amount")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["shop_order.id"], name=op.f("fk_order_refund_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_refund")),
        sa.UniqueConstraint("source", name=op.f("uq_order_refund_source")),
    )
    op.create_index("ix_order_refund_order_id", "order_refund", ["order_id"], unique=False)
