"""Rates by product, category and grade, and what they are taken of."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

RULES = (
    "'sku_grade', 'sku', 'spu_grade', 'spu', 'category_grade', 'category', 'grade', 'shop'"
)
REASONS = (
    "'upline_invited', 'upline_qualifying', 'upline_pending', 'upline_frozen', 'upline_refused',"
    " 'upline_left', 'product_off', 'campaign_off', 'no_cost',"
    " 'no_rate', 'no_profit', 'too_small', 'capped'"
)
REASONS_BEFORE = (
    "'upline_invited', 'upline_qualifying', 'upline_pending', 'upline_frozen', 'upline_refused',"
    " 'upline_left', 'no_rate', 'too_small'"
)

COMMISSION_CHECKS = {
    "never_to_the_buyer": "(beneficiary_id = buyer_id) = is_self_purchase",
    "self_purchase_is_level_1": "NOT is_self_purchase OR level = 1",
    "bound_unless_self": "(binding_log_id IS NULL) = is_self_purchase",
    "quantity": "quantity > 0",
    "base_within_paid": "base_fen >= 0 AND base_fen <= paid_fen"
    " AND (base_kind = 'profit' OR base_fen = paid_fen)",
    "rate_or_fixed": "num_nonnulls(rate_bp, piece_fen) = 1",
    "rate_within_all": "rate_bp BETWEEN 0 AND 10000 AND cap_bp BETWEEN 0 AND 10000",
    "fixed_not_negative": "piece_fen >= 0",
    "amount_within_the_rule": "amount_fen <= coalesce(piece_fen * quantity,"
    " base_fen * rate_bp / 10000)",
    "amount_within_cap": "amount_fen <= base_fen * cap_bp / 10000",
    "rule_fits_rate": "(rate_id IS NULL) = (rule = 'shop')"
    " AND (rule NOT IN ('sku_grade', 'spu_grade', 'category_grade', 'grade')"
    " OR grade_id IS NOT NULL)",
    "base_kind": "base_kind IN ('paid', 'profit')",
    "rule": f"rule IN ({RULES})",
    "reason": f"reason IN ({REASONS})",
}
CHECKS_BEFORE = {
    "never_to_the_buyer": "beneficiary_id <> buyer_id",
    "base_not_negative": "base_fen >= 0",
    "rate_within_cap": "rate_bp BETWEEN 0 AND cap_bp AND cap_bp <= 10000",
    "amount_is_the_share": "amount_fen IN (0, base_fen * rate_bp / 10000)",
    "reason": f"reason IN ({REASONS_BEFORE})",
}
APPEND_ONLY = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION refuse_changing_history()
"""
ADDED = (
    "quantity", "paid_fen", "base_kind", "grade_id", "rule", "rate_id", "piece_fen",
    "is_self_purchase",
)


def upgrade() -> None:
    _create_rates()
    # What the rules said before: of what was paid, never to the buyer.
    op.add_column(
        "commission_rules",
        sa.Column("base_kind", sa.String(20), nullable=False, server_default="paid"),
    )
    op.add_column(
        "commission_rules",
        sa.Column("pays_self_purchase", sa.Boolean(), nullable=False, server_default="false"),
    )
    op.alter_column("commission_rules", "base_kind", server_default=None)
    op.alter_column("commission_rules", "pays_self_purchase", server_default=None)
    op.create_check_constraint(
        op.f("ck_commission_rules_base_kind"), "commission_rules", "base_kind IN ('paid', 'profit')"
    )
    _change_commissions()
    op.drop_table("sku_rate")
    op.add_column("order_line", sa.Column("cost_fen", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_order_line_cost_not_negative"), "order_line", "cost_fen >= 0"
    )


def _create_rates() -> None:
    checks = {
        "scope": "scope IN ('sku', 'spu', 'category', 'shop')",
        "target_fits_scope": "(scope = 'shop') = (target_id = 0)",
        "target_not_negative": "target_id >= 0",
        "shop_is_for_a_grade": "scope <> 'shop' OR grade_id IS NOT NULL",
        "fixed_for_skus_only": "scope = 'sku' OR (level1_fen IS NULL AND level2_fen IS NULL)",
        "rate_or_fixed": "num_nonnulls(level1_bp, level1_fen) <= 1"
        " AND num_nonnulls(level2_bp, level2_fen) <= 1",
        "rates_not_negative": "level1_bp >= 0 AND level2_bp >= 0",
        "rates_within_all": "coalesce(level1_bp, 0) + coalesce(level2_bp, 0) <= 10000",
        "fixed_not_negative": "level1_fen >= 0 AND level2_fen >= 0",
        "off_is_for_products": "NOT is_off OR (scope = 'spu' AND grade_id IS NULL)",
    }
    op.create_table(
        "commission_rate",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("scope", sa.String(20), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("grade_id", sa.BigInteger(), nullable=True),
        sa.Column("level1_bp", sa.Integer(), nullable=True),
        sa.Column("level2_bp", sa.Integer(), nullable=True),
        sa.Column("level1_fen", sa.BigInteger(), nullable=True),
        sa.Column("level2_fen", sa.BigInteger(), nullable=True),
        sa.Column("is_off", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.String(100), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_commission_rate_{name}"))
            for name, rule in checks.items()
        ),
        sa.ForeignKeyConstraint(
            ["grade_id"], ["distributor_grade.id"], name=op.f("fk_commission_rate_grade_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commission_rate")),
    )
    op.create_index(
        "ix_commission_rate_latest",
        "commission_rate",
        ["scope", "target_id", sa.text("coalesce(grade_id, 0)"), sa.text("id DESC")],
    )
    op.execute(APPEND_ONLY.format(table="commission_rate"))


def _change_commissions() -> None:
    for name in CHECKS_BEFORE:
        op.drop_constraint(op.f(f"ck_commission_{name}"), "commission")
    op.drop_constraint(op.f("fk_commission_sku_rate_id"), "commission")
    op.drop_column("commission", "sku_rate_id")
    for column in (
        sa.Column("quantity", sa.BigInteger()),
        sa.Column("paid_fen", sa.BigInteger()),
        sa.Column("base_kind", sa.String(20)),
        sa.Column("grade_id", sa.BigInteger()),
        sa.Column("rule", sa.String(20)),
        sa.Column("rate_id", sa.BigInteger()),
        sa.Column("piece_fen", sa.BigInteger()),
        sa.Column("is_self_purchase", sa.Boolean()),
    ):
        op.add_column("commission", column)
    op.execute(
        "UPDATE commission SET quantity = 1, paid_fen = base_fen, base_kind = 'paid',"
        " rule = 'shop', is_self_purchase = false"
    )
    for name in ("quantity", "paid_fen", "base_kind", "rule", "is_self_purchase"):
        op.alter_column("commission", name, nullable=False)
    op.alter_column("commission", "rate_bp", nullable=True)
    op.alter_column("commission", "binding_log_id", nullable=True)
    for name, rule in COMMISSION_CHECKS.items():
        op.create_check_constraint(op.f(f"ck_commission_{name}"), "commission", rule)
    for name, target in (("grade_id", "distributor_grade"), ("rate_id", "commission_rate")):
        op.create_foreign_key(
            op.f(f"fk_commission_{name}"), "commission", target, [name], ["id"]
        )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_order_line_cost_not_negative"), "order_line")
    op.drop_column("order_line", "cost_fen")
    _create_sku_rates()
    for name in COMMISSION_CHECKS:
        op.drop_constraint(op.f(f"ck_commission_{name}"), "commission")
    for name in ADDED:
        op.drop_column("commission", name)
    op.alter_column("commission", "rate_bp", nullable=False)
    op.alter_column("commission", "binding_log_id", nullable=False)
    op.add_column("commission", sa.Column("sku_rate_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_commission_sku_rate_id"), "commission", "sku_rate", ["sku_rate_id"], ["id"]
    )
    for name, rule in CHECKS_BEFORE.items():
        op.create_check_constraint(op.f(f"ck_commission_{name}"), "commission", rule)
    op.drop_column("commission_rules", "pays_self_purchase")
    op.drop_column("commission_rules", "base_kind")
    op.drop_table("commission_rate")


def _create_sku_rates() -> None:
    op.create_table(
        "sku_rate",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("sku_id", sa.BigInteger(), nullable=False),
        sa.Column("level1_bp", sa.Integer(), nullable=True),
        sa.Column("level2_bp", sa.Integer(), nullable=True),
        sa.Column("changed_by", sa.String(100), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(level1_bp IS NULL) = (level2_bp IS NULL)", name=op.f("ck_sku_rate_both_or_default")
        ),
        sa.CheckConstraint(
            "level1_bp + level2_bp <= 10000", name=op.f("ck_sku_rate_rates_within_all")
        ),
        sa.CheckConstraint(
            "level1_bp >= 0 AND level2_bp >= 0", name=op.f("ck_sku_rate_rates_not_negative")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sku_rate")),
    )
    op.create_index("ix_sku_rate_latest", "sku_rate", ["sku_id", sa.literal_column("id DESC")])
    op.execute(APPEND_ONLY.format(table="sku_rate"))
