"""Categories, brands, freight, SPUs and SKUs, and their stock."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

APPEND_ONLY = ("stock_adjustment", "price_history")


def upgrade() -> None:
    op.create_table(
        "brand",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("logo_url", sa.String()),
        sa.Column("sort", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brand")),
        sa.UniqueConstraint("name", name=op.f("uq_brand_name")),
    )
    op.create_table(
        "category",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger()),
        sa.Column("path", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("image_url", sa.String()),
        sa.Column("sort", sa.BigInteger(), nullable=False),
        sa.Column("is_visible", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "path[cardinality(path) - 1] IS NOT DISTINCT FROM parent_id",
            name=op.f("ck_category_path_follows_parent"),
        ),
        sa.CheckConstraint(
            "path[cardinality(path)] IS NOT DISTINCT FROM id",
            name=op.f("ck_category_path_ends_in_itself"),
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["category.id"], name=op.f("fk_category_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category")),
    )
    op.create_index(op.f("ix_category_parent_id"), "category", ["parent_id"])
    op.create_index("ix_category_path", "category", ["path"], postgresql_using="gin")
    op.create_table(
        "freight_template",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("charge_by", sa.String(), nullable=False),
        sa.CheckConstraint(
            "charge_by IN ('piece', 'weight')", name=op.f("ck_freight_template_charge_by_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_freight_template")),
        sa.UniqueConstraint("name", name=op.f("uq_freight_template_name")),
    )
    op.create_table(
        "freight_rule",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("template_id", sa.BigInteger(), nullable=False),
        sa.Column("region_prefix", sa.String(), nullable=False),
        sa.Column("is_served", sa.Boolean(), nullable=False),
        sa.Column("first_units", sa.BigInteger(), nullable=False),
        sa.Column("first_fen", sa.BigInteger(), nullable=False),
        sa.Column("next_units", sa.BigInteger(), nullable=False),
        sa.Column("next_fen", sa.BigInteger(), nullable=False),
        sa.Column("free_over_fen", sa.BigInteger()),
        sa.CheckConstraint(
            "region_prefix ~ '^([0-9]{2}|[0-9]{4}|[0-9]{6})?$'",
            name=op.f("ck_freight_rule_region_prefix_is_a_code"),
        ),
        sa.CheckConstraint(
            "first_fen >= 0 AND next_fen >= 0 AND free_over_fen > 0",
            name=op.f("ck_freight_rule_fen_not_negative"),
        ),
        sa.CheckConstraint(
            "first_units > 0 AND next_units > 0", name=op.f("ck_freight_rule_units_positive")
        ),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["freight_template.id"],
            name=op.f("fk_freight_rule_template_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_freight_rule")),
        sa.UniqueConstraint(
            "template_id", "region_prefix", name=op.f("uq_freight_rule_template_id_region_prefix")
        ),
    )
    op.create_table(
        "spu",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("subtitle", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("keywords", sa.String(), nullable=False),
        sa.Column("images", postgresql.JSONB(), nullable=False),
        sa.Column("spec", postgresql.JSONB(), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        sa.Column("brand_id", sa.BigInteger()),
        sa.Column("freight_template_id", sa.BigInteger()),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("sort", sa.BigInteger(), nullable=False),
        sa.Column("sales_count", sa.BigInteger(), nullable=False),
        sa.Column("min_price_fen", sa.BigInteger(), nullable=False),
        sa.Column("max_price_fen", sa.BigInteger(), nullable=False),
        sa.Column("crossed_out_fen", sa.BigInteger()),
        sa.Column("listed_at", sa.DateTime(timezone=True)),
        sa.Column("search", postgresql.TSVECTOR(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status = 'draft' OR listed_at IS NOT NULL", name=op.f("ck_spu_listed_once_on_shelf")
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'on_shelf', 'off_shelf')", name=op.f("ck_spu_status_known")
        ),
        sa.CheckConstraint(
            "crossed_out_fen > min_price_fen", name=op.f("ck_spu_crossed_out_above_price")
        ),
        sa.CheckConstraint(
            "min_price_fen > 0 AND max_price_fen >= min_price_fen", name=op.f("ck_spu_price_range")
        ),
        sa.CheckConstraint("sales_count >= 0", name=op.f("ck_spu_sales_count_not_negative")),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_spu_brand_id")),
        sa.ForeignKeyConstraint(["category_id"], ["category.id"], name=op.f("fk_spu_category_id")),
        sa.ForeignKeyConstraint(
            ["freight_template_id"],
            ["freight_template.id"],
            name=op.f("fk_spu_freight_template_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spu")),
    )
    op.create_index("ix_spu_brand_id", "spu", ["brand_id"])
    op.create_index(
        "ix_spu_by_listed_at",
        "spu",
        ["listed_at", "id"],
        postgresql_where=sa.text("status = 'on_shelf'"),
    )
    op.create_index(
        "ix_spu_by_min_price_fen",
        "spu",
        ["min_price_fen", "id"],
        postgresql_where=sa.text("status = 'on_shelf'"),
    )
    op.create_index(
        "ix_spu_by_sales_count",
        "spu",
        ["sales_count", "id"],
        postgresql_where=sa.text("status = 'on_shelf'"),
    )
    op.create_index(
        "ix_spu_by_sort", "spu", ["sort", "id"], postgresql_where=sa.text("status = 'on_shelf'")
    )
    op.create_index("ix_spu_category_id", "spu", ["category_id"])
    op.create_index("ix_spu_freight_template_id", "spu", ["freight_template_id"])
    op.create_index("ix_spu_search", "spu", ["search"], postgresql_using="gin")
    op.create_table(
        "sku",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("spu_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("spec_values", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("market_price_fen", sa.BigInteger()),
        sa.Column("cost_price_fen", sa.BigInteger()),
        sa.Column("weight_g", sa.Integer(), nullable=False),
        sa.Column("image_url", sa.String()),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("sold", sa.BigInteger(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("available >= 0", name=op.f("ck_sku_available_not_negative")),
        sa.CheckConstraint("cost_price_fen >= 0", name=op.f("ck_sku_cost_price_not_negative")),
        sa.CheckConstraint("held >= 0", name=op.f("ck_sku_held_not_negative")),
        sa.CheckConstraint("market_price_fen > 0", name=op.f("ck_sku_market_price_positive")),
        sa.CheckConstraint("price_fen > 0", name=op.f("ck_sku_price_positive")),
        sa.CheckConstraint("sold >= 0", name=op.f("ck_sku_sold_not_negative")),
        sa.CheckConstraint("weight_g >= 0", name=op.f("ck_sku_weight_not_negative")),
        sa.ForeignKeyConstraint(["spu_id"], ["spu.id"], name=op.f("fk_sku_spu_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sku")),
        sa.UniqueConstraint("code", name=op.f("uq_sku_code")),
        sa.UniqueConstraint("spu_id", "spec_values", name=op.f("uq_sku_spu_id_spec_values")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_table(
        "price_history",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("sku_id", sa.BigInteger(), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("market_price_fen", sa.BigInteger()),
        sa.Column("staff_id", sa.BigInteger()),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("price_fen > 0", name=op.f("ck_price_history_price_positive")),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_price_history_sku_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_history")),
    )
    op.create_index("ix_price_history_sku_id", "price_history", ["sku_id", "effective_at"])
    op.create_table(
        "stock_adjustment",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("sku_id", sa.BigInteger(), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.Column("available_after", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("staff_id", sa.BigInteger()),
        sa.Column("adjusted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "available_after >= 0", name=op.f("ck_stock_adjustment_available_after_not_negative")
        ),
        sa.CheckConstraint("delta <> 0", name=op.f("ck_stock_adjustment_delta_not_zero")),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_stock_adjustment_sku_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_adjustment")),
    )
    op.create_index("ix_stock_adjustment_sku_id", "stock_adjustment", ["sku_id", "id"])
    op.create_table(
        "stock_hold",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("sku_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("restocked", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "restocked = 0 OR status <> 'held'", name=op.f("ck_stock_hold_only_sold_is_restocked")
        ),
        sa.CheckConstraint(
            "status IN ('held', 'confirmed', 'released')", name=op.f("ck_stock_hold_status_known")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_stock_hold_quantity_positive")),
        sa.CheckConstraint(
            "restocked BETWEEN 0 AND quantity", name=op.f("ck_stock_hold_restocked_within_quantity")
        ),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_stock_hold_sku_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_hold")),
        sa.UniqueConstraint("source", "sku_id", name=op.f("uq_stock_hold_source_sku_id")),
    )
    op.create_index("ix_stock_hold_sku_id", "stock_hold", ["sku_id"])
    op.execute(
        """
        CREATE FUNCTION catalogue_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION catalogue_append_only()"
        )


def downgrade() -> None:
    op.drop_table("stock_hold")
    op.drop_table("stock_adjustment")
    op.drop_table("price_history")
    op.drop_table("sku")
    op.drop_table("spu")
    op.drop_table("freight_rule")
    op.drop_table("freight_template")
    op.drop_table("category")
    op.drop_table("brand")
    op.execute("DROP FUNCTION catalogue_append_only()")
