"""What campaigns limit per person, in pieces and in gifts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _widen_counter()
    _widen_reservation()
    op.create_table(
        "promotion_member_counter",
        sa.Column("promotion_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("max_uses", sa.BigInteger(), nullable=True),
        sa.Column("max_units", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "uses >= 0 AND units >= 0", name=op.f("ck_promotion_member_counter_not_negative")
        ),
        sa.CheckConstraint(
            "uses <= max_uses", name=op.f("ck_promotion_member_counter_uses_within_cap")
        ),
        sa.CheckConstraint(
            "units <= max_units", name=op.f("ck_promotion_member_counter_units_within_cap")
        ),
        sa.ForeignKeyConstraint(
            ["promotion_id"], ["promotion.id"], name=op.f("fk_promotion_member_counter_promotion_id")
        ),
        sa.PrimaryKeyConstraint(
            "promotion_id", "member_id", "day", name=op.f("pk_promotion_member_counter")
        ),
    )
    op.create_table(
        "promotion_gift_stock",
        sa.Column("promotion_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sku_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("max_units", sa.BigInteger(), nullable=False),
        sa.Column("units_reserved", sa.BigInteger(), nullable=False),
        sa.Column("units_used", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("max_units > 0", name=op.f("ck_promotion_gift_stock_cap_positive")),
        sa.CheckConstraint(
            "units_reserved >= 0 AND units_used >= 0",
            name=op.f("ck_promotion_gift_stock_units_not_negative"),
        ),
        sa.CheckConstraint(
            "units_used + units_reserved <= max_units",
            name=op.f("ck_promotion_gift_stock_units_within_cap"),
        ),
        sa.ForeignKeyConstraint(
            ["promotion_id"], ["promotion.id"], name=op.f("fk_promotion_gift_stock_promotion_id")
        ),
        sa.PrimaryKeyConstraint("promotion_id", "sku_id", name=op.f("pk_promotion_gift_stock")),
    )


def _widen_counter() -> None:
    table = "promotion_counter"
    for name in ("max_units", "member_max_uses", "member_max_units"):
        op.add_column(table, sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column(
        table,
        sa.Column("member_period", sa.String(20), server_default="lifetime", nullable=False),
    )
    for name in ("units_reserved", "units_used"):
        op.add_column(
            table, sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
        )
    _replace_checks(
        table,
        limited="num_nonnulls(max_uses, budget_fen, max_units, member_max_uses, member_max_units)"
        " > 0",
        caps_positive="max_uses > 0 AND budget_fen > 0 AND max_units > 0",
    )
    for name, rule in (
        ("member_caps_positive", "member_max_uses > 0 AND member_max_units > 0"),
        ("units_not_negative", "units_reserved >= 0 AND units_used >= 0"),
        ("units_within_cap", "units_used + units_reserved <= max_units"),
        ("member_period", "member_period IN ('lifetime', 'day')"),
    ):
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)


def _widen_reservation() -> None:
    table = "promotion_reservation"
    op.add_column(table, sa.Column("member_id", sa.BigInteger(), nullable=True))
    op.add_column(
        table, sa.Column("day", sa.Date(), server_default="0001-01-01", nullable=False)
    )
    op.add_column(table, sa.Column("units", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column(
        table, sa.Column("gifts", postgresql.JSONB(), server_default="[]", nullable=False)
    )
    op.drop_constraint(op.f(f"ck_{table}_amount_positive"), table)
    op.create_check_constraint(
        op.f(f"ck_{table}_amounts_not_negative"), table, "amount_fen >= 0 AND units >= 0"
    )
    op.create_index(
        "ix_promotion_reservation_member_id",
        table,
        ["member_id"],
        postgresql_where=sa.text("status = 'reserved'"),
    )


def _replace_checks(table: str, **rules: str) -> None:
    for name, rule in rules.items():
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)


def downgrade() -> None:
    op.drop_table("promotion_gift_stock")
    op.drop_table("promotion_member_counter")
    op.drop_constraint(
        op.f("ck_promotion_reservation_amounts_not_negative"), "promotion_reservation"
    )
    op.create_check_constraint(
        op.f("ck_promotion_reservation_amount_positive"), "promotion_reservation", "amount_fen > 0"
    )
    for name in ("gifts", "units", "day", "member_id"):
        op.drop_column("promotion_reservation", name)  # The index on one goes with it.
    _replace_checks(
        "promotion_counter",
        limited="num_nonnulls(max_uses, budget_fen) > 0",
        caps_positive="max_uses > 0 AND budget_fen > 0",
    )
    for name in (
        "units_used",
        "units_reserved",
        "member_period",
        "member_max_units",
        "member_max_uses",
        "max_units",
    ):
        op.drop_column("promotion_counter", name)  # Its checks go with it.
