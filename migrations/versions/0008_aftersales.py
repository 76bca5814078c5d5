"""After-sale cases, at most one open per order."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "after_sale",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("after_sale_no", sa.String(27), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("order_no", sa.String(27), nullable=False),
        sa.Column("buyer_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(80), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.String(200), server_default="", nullable=False),
        sa.Column("decided_by", sa.BigInteger()),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("refunded_at", sa.DateTime(timezone=True)),
        sa.Column("cancelled_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "status IN ('applied', 'refunding', 'refunded', 'rejected', 'cancelled')",
            name=op.f("ck_after_sale_status"),
        ),
        sa.CheckConstraint("kind IN ('money_only')", name=op.f("ck_after_sale_kind")),
        sa.CheckConstraint(
            "after_sale_no ~ '^A[0-9A-Z]{26}$'", name=op.f("ck_after_sale_after_sale_no")
        ),
        sa.CheckConstraint("amount_fen >= 0", name=op.f("ck_after_sale_amount_not_negative")),
        sa.CheckConstraint(
            "(decided_at IS NOT NULL) = (status IN ('refunding', 'refunded', 'rejected'))"
            " AND (decided_by IS NOT NULL) = (decided_at IS NOT NULL)",
            name=op.f("ck_after_sale_decision_fits_status"),
        ),
        sa.CheckConstraint(
            "(refunded_at IS NOT NULL) = (status = 'refunded')"
            " AND (cancelled_at IS NOT NULL) = (status = 'cancelled')",
            name=op.f("ck_after_sale_moments_fit_status"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["shop_order.id"], name=op.f("fk_after_sale_order_id")
        ),
        sa.ForeignKeyConstraint(["buyer_id"], ["member.id"], name=op.f("fk_after_sale_buyer_id")),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["staff.id"], name=op.f("fk_after_sale_decided_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_after_sale")),
        sa.UniqueConstraint("after_sale_no", name=op.f("uq_after_sale_after_sale_no")),
    )
    op.create_index(
        "uq_after_sale_open",
        "after_sale",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('applied', 'refunding')"),
    )
    op.create_index("ix_after_sale_order_id", "after_sale", ["order_id"])
    op.create_index("ix_after_sale_buyer_id", "after_sale", ["buyer_id", sa.text("id DESC")])
    op.create_index("ix_after_sale_status", "after_sale", ["status", sa.text("id DESC")])


def downgrade() -> None:
    op.drop_table("after_sale")
