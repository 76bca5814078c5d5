"""Notices: what members are told, and reminders of flash sales that become one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

EVENTS = ("paid", "shipped", "sale_starts")


def upgrade() -> None:
    events = ", ".join(f"'{event}'" for event in EVENTS)
    op.create_table(
        "notice",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=30), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("status", sa.String(length=20), server_default="waiting", nullable=False),
        sa.Column("template_id", sa.String(length=64), nullable=False),
        sa.Column("shown", postgresql.JSONB(), nullable=False),
        sa.Column("page", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"event IN ({events})", name=op.f("ck_notice_event")),
        sa.CheckConstraint(
            "status IN ('waiting', 'sending', 'sent', 'refused', 'dropped')",
            name=op.f("ck_notice_status"),
        ),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (status IN ('waiting', 'sending'))",
            name=op.f("ck_notice_settled"),
        ),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_notice_tries_not_negative")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_notice_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint(
            "event", "member_id", "key", name=op.f("uq_notice_event_member_id_key")
        ),
    )
    op.create_index("ix_notice_member_id", "notice", ["member_id", sa.text("id DESC")])
    op.create_table(
        "notice_credit",
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("template_id", sa.String(length=64), nullable=False),
        sa.Column("credits", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("credits BETWEEN 0 AND 1000", name=op.f("ck_notice_credit_credits")),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_notice_credit_member_id")
        ),
        sa.PrimaryKeyConstraint("member_id", "template_id", name=op.f("pk_notice_credit")),
    )
    op.create_table(
        "notice_template_stop",
        sa.Column("template_id", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("template_id", name=op.f("pk_notice_template_stop")),
    )
    _drop_reminder_checks()
    op.execute(
        "UPDATE flash_reminder SET status = 'told', settled_at = coalesce(settled_at, remind_at)"
        " WHERE status IN ('sending', 'sent', 'refused')"
    )
    _make_reminder_checks(
        "status IN ('waiting', 'told', 'dropped')", "(settled_at IS NULL) = (status = 'waiting')"
    )


def downgrade() -> None:
    _drop_reminder_checks()
    op.execute("UPDATE flash_reminder SET status = 'sent' WHERE status = 'told'")
    _make_reminder_checks(
        "status IN ('waiting', 'sending', 'sent', 'refused', 'dropped')",
        "(settled_at IS NULL) = (status IN ('waiting', 'sending'))",
    )
    op.drop_table("notice_template_stop")
    op.drop_table("notice_credit")
    op.drop_table("notice")


def _drop_reminder_checks() -> None:
    for name in ("status", "settled"):
        op.drop_constraint(op.f(f"ck_flash_reminder_{name}"), "flash_reminder", type_="check")


def _make_reminder_checks(status: str, settled: str) -> None:
    op.create_check_constraint(op.f("ck_flash_reminder_status"), "flash_reminder", status)
    op.create_check_constraint(op.f("ck_flash_reminder_settled"), "flash_reminder", settled)
