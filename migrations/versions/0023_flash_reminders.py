"""Reminders of flash sales: who wants to be told before which session."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "flash_reminder",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("promotion_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('waiting', 'sending', 'sent', 'refused', 'dropped')",
            name=op.f("ck_flash_reminder_status"),
        ),
        sa.CheckConstraint(
            "remind_at < starts_at", name=op.f("ck_flash_reminder_remind_before_start")
        ),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (status IN ('waiting', 'sending'))",
            name=op.f("ck_flash_reminder_settled"),
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_flash_reminder_member_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flash_reminder")),
        sa.UniqueConstraint(
            "promotion_id",
            "starts_at",
            "member_id",
            name=op.f("uq_flash_reminder_promotion_id_starts_at_member_id"),
        ),
    )
    op.create_index(
        "ix_flash_reminder_due",
        "flash_reminder",
        ["remind_at"],
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_index("ix_flash_reminder_member_id", "flash_reminder", ["member_id"])


def downgrade() -> None:
    op.drop_table("flash_reminder")
