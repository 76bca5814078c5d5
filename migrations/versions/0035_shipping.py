"""What WeChat knows of the parcels of each order."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

TABLE = "shipping_upload"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("order_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True)),
        sa.Column("digest", sa.LargeBinary()),
        sa.Column("last_error", sa.String(200)),
        sa.Column("late_at", sa.DateTime(timezone=True)),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("receipt_asked_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "status IN ('waiting', 'accepted', 'refused', 'not_needed')",
            name=op.f(f"ck_{TABLE}_status"),
        ),
        sa.CheckConstraint(
            "next_at IS NULL OR status = 'waiting'", name=op.f(f"ck_{TABLE}_only_waiting_is_due")
        ),
        sa.CheckConstraint(
            "status <> 'refused' OR last_error IS NOT NULL",
            name=op.f(f"ck_{TABLE}_refused_has_reason"),
        ),
        sa.CheckConstraint(
            "status <> 'accepted' OR digest IS NOT NULL",
            name=op.f(f"ck_{TABLE}_accepted_is_known"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["shop_order.id"], name=op.f(f"fk_{TABLE}_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f(f"pk_{TABLE}")),
    )
    op.create_index(
        "ix_shipping_upload_due",
        TABLE,
        ["next_at"],
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index("ix_shipping_upload_status", TABLE, ["status", "order_id"])


def downgrade() -> None:
    op.drop_table(TABLE)
