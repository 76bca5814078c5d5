"""Deals: stock of their own, carved out of the shelf; orders that are bought at one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

OLD_ORIGINS = ("cart", "buy_now")
DEALS = ("flash_sale", "group_buy", "bulk_buy")


def upgrade() -> None:
    op.create_table(
        "promotion_stock",
        sa.Column("promotion_id", sa.BigInteger(), nullable=False),
        sa.Column("sku_id", sa.BigInteger(), nullable=False),
        sa.Column("max_units", sa.BigInteger(), nullable=False),
        sa.Column("units_reserved", sa.BigInteger(), nullable=False),
        sa.Column("units_used", sa.BigInteger(), nullable=False),
        sa.Column("units_returned", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("max_units > 0", name=op.f("ck_promotion_stock_cap_positive")),
        sa.CheckConstraint(
            "units_reserved >= 0 AND units_used >= 0",
            name=op.f("ck_promotion_stock_units_not_negative"),
        ),
        sa.CheckConstraint(
            "units_returned >= 0", name=op.f("ck_promotion_stock_returned_not_negative")
        ),
        sa.CheckConstraint(
            "units_used + units_reserved + units_returned <= max_units",
            name=op.f("ck_promotion_stock_units_within_cap"),
        ),
        sa.CheckConstraint(
            "CASE WHEN closed_at IS NULL THEN units_returned = 0"
            " ELSE units_used + units_reserved + units_returned = max_units END",
            name=op.f("ck_promotion_stock_closed_to_the_last_piece"),
        ),
        sa.ForeignKeyConstraint(
            ["promotion_id"], ["promotion.id"], name=op.f("fk_promotion_stock_promotion_id_promotion")
        ),
        sa.PrimaryKeyConstraint("promotion_id", "sku_id", name=op.f("pk_promotion_stock")),
        postgresql_with={"fillfactor": 50},
    )
    op.add_column(
        "promotion_reservation",
        sa.Column(
            "pieces",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
    )
    _carves()
    _orders()


def _carves() -> None:
    op.create_table(
        "stock_carve",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("sku_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("carved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_stock_carve_quantity_not_negative")),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_stock_carve_sku_id_sku")),
        sa.PrimaryKeyConstraint("source", "sku_id", name=op.f("pk_stock_carve")),
    )
    op.create_index("ix_stock_carve_sku_id", "stock_carve", ["sku_id"])
    op.add_column("stock_hold", sa.Column("drawn_from", sa.String(), nullable=True))
    op.create_index(
        "ix_stock_hold_drawn_from",
        "stock_hold",
        ["drawn_from"],
        postgresql_where=sa.text("drawn_from IS NOT NULL AND status = 'held'"),
    )


def _orders() -> None:
    op.add_column("shop_order", sa.Column("deal_id", sa.BigInteger(), nullable=True))
    _origins((*OLD_ORIGINS, *DEALS))
    words = ", ".join(f"'{word}'" for word in DEALS)
    op.create_check_constraint(
        op.f("ck_shop_order_deal_fits_origin"),
        "shop_order",
        f"(deal_id IS NOT NULL) = (origin IN ({words}))",
    )
    op.create_index(
        "ix_shop_order_deal",
        "shop_order",
        ["deal_id", "id"],
        postgresql_where=sa.text("deal_id IS NOT NULL"),
    )


def _origins(words: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_shop_order_origin"), "shop_order", type_="check")
    op.create_check_constraint(
        op.f("ck_shop_order_origin"),
        "shop_order",
        f"origin IN ({', '.join(repr(word) for word in words)})",
    )


def downgrade() -> None:
    op.drop_index("ix_shop_order_deal", "shop_order")
    op.drop_constraint(op.f("ck_shop_order_deal_fits_origin"), "shop_order", type_="check")
    _origins(OLD_ORIGINS)
    op.drop_column("shop_order", "deal_id")
    op.drop_index("ix_stock_hold_drawn_from", "stock_hold")
    op.drop_column("stock_hold", "drawn_from")
    op.drop_table("stock_carve")
    op.drop_column("promotion_reservation", "pieces")
    op.drop_table("promotion_stock")
