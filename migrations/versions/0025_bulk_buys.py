"""Bulk buys: what is collected, what each order brought in, what a line costs in the end."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

STATES = ("collected", "lowered", "kept", "failed", "gone")


def upgrade() -> None:
    op.add_column("order_line", sa.Column("final_fen", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_order_line_final_within_payable"),
        "order_line",
        "final_fen BETWEEN 0 AND payable_fen",
    )
    op.create_table(
        "bulk_buy",
        sa.Column("promotion_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("collected", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tier", sa.Integer(), nullable=True),
        sa.CheckConstraint("collected >= 0", name=op.f("ck_bulk_buy_collected_not_negative")),
        sa.CheckConstraint(
            "tier >= 0 AND closed_at IS NOT NULL OR tier IS NULL",
            name=op.f("ck_bulk_buy_tier_when_closed"),
        ),
        sa.ForeignKeyConstraint(
            ["promotion_id"], ["promotion.id"], name=op.f("fk_bulk_buy_promotion_id")
        ),
        sa.PrimaryKeyConstraint("promotion_id", name=op.f("pk_bulk_buy")),
    )
    _shares()


def _shares() -> None:
    words = ", ".join(f"'{state}'" for state in STATES)
    op.create_table(
        "bulk_share",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("promotion_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("lines", postgresql.JSONB(), nullable=False),
        sa.Column("pieces", sa.BigInteger(), nullable=False),
        sa.Column("paid_fen", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("due_back_fen", sa.BigInteger(), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"state IN ({words})", name=op.f("ck_bulk_share_state")),
        sa.CheckConstraint("pieces > 0 AND paid_fen >= 0", name=op.f("ck_bulk_share_amounts")),
        sa.CheckConstraint(
            "counted BETWEEN 0 AND pieces", name=op.f("ck_bulk_share_counted_within_pieces")
        ),
        sa.CheckConstraint(
            "due_back_fen >= 0", name=op.f("ck_bulk_share_due_back_not_negative")
        ),
        sa.CheckConstraint(
            "(state = 'collected') = (settled_at IS NULL)"
            " AND (settled_at IS NULL) = (due_back_fen IS NULL)",
            name=op.f("ck_bulk_share_settled"),
        ),
        sa.CheckConstraint(
            "due_back_fen IS NULL OR state = 'failed' OR (state = 'lowered') = (due_back_fen > 0)",
            name=op.f("ck_bulk_share_due_back_fits_state"),
        ),
        sa.ForeignKeyConstraint(
            ["promotion_id"], ["promotion.id"], name=op.f("fk_bulk_share_promotion_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_share")),
        sa.UniqueConstraint("source", name=op.f("uq_bulk_share_source")),
    )
    op.create_index("ix_bulk_share_promotion_id", "bulk_share", ["promotion_id", "id"])
    op.create_index(
        "ix_bulk_share_collected",
        "bulk_share",
        ["promotion_id", "id"],
        postgresql_where=sa.text("state = 'collected'"),
    )


def downgrade() -> None:
    op.drop_table("bulk_share")
    op.drop_table("bulk_buy")
    op.drop_constraint("ck_order_line_final_within_payable", "order_line")
    op.drop_column("order_line", "final_fen")
