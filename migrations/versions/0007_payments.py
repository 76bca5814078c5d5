"""Attempts to pay, what WeChat has told us, refunds at WeChat."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _payment()
    _pay_inbox()
    _refund()


def downgrade() -> None:
    op.drop_table("refund")
    op.drop_table("pay_inbox")
    op.drop_table("payment")


def _payment() -> None:
    op.create_table(
        "payment",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("out_trade_no", sa.String(length=27), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("appid", sa.String(length=32), nullable=False),
        sa.Column("mchid", sa.String(length=32), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("refund_fen", sa.BigInteger(), nullable=False),
        sa.Column("request_body", sa.LargeBinary(), nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("prepay_id", sa.String(length=64), nullable=True),
        sa.Column("prepay_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("transaction_id", sa.String(length=32), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_poll_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("polls", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(paid_at IS NOT NULL) = (status IN ('paid', 'paid_late', 'paid_duplicate')) AND (transaction_id IS NOT NULL) = (paid_at IS NOT NULL)",
            name=op.f("ck_payment_money_fits_status"),
        ),
        sa.CheckConstraint(
            "(prepay_id IS NULL) = (prepay_expires_at IS NULL) AND (status <> 'open' OR prepay_id IS NOT NULL)",
            name=op.f("ck_payment_prepay_fits_status"),
        ),
        sa.CheckConstraint(
            "out_trade_no ~ '^P[0-9A-Z]{26}$'", name=op.f("ck_payment_out_trade_no")
        ),
        sa.CheckConstraint(
            "status IN ('created', 'open', 'closed', 'paid', 'paid_late', 'paid_duplicate')",
            name=op.f("ck_payment_status"),
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payment_amount_positive")),
        sa.CheckConstraint("polls >= 0", name=op.f("ck_payment_polls_not_negative")),
        sa.CheckConstraint(
            "refund_fen = 0 OR paid_at IS NOT NULL", name=op.f("ck_payment_only_money_goes_back")
        ),
        sa.CheckConstraint(
            "refund_fen BETWEEN 0 AND amount_fen", name=op.f("ck_payment_refunds_within_amount")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["shop_order.id"], name=op.f("fk_payment_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("out_trade_no", name=op.f("uq_payment_out_trade_no")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_payment_transaction_id")),
    )
    op.create_index(
        "ix_payment_next_poll_at",
        "payment",
        ["next_poll_at"],
        unique=False,
        postgresql_where=sa.text("next_poll_at IS NOT NULL"),
    )
    op.create_index("ix_payment_order_id", "payment", ["order_id"], unique=False)
    op.create_index(
        "uq_payment_live",
        "payment",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('created', 'open')"),
    )
    op.create_index(
        "uq_payment_paid",
        "payment",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("status = 'paid'"),
    )


def _pay_inbox() -> None:
    op.create_table(
        "pay_inbox",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("event_type", sa.String(length=64), nullable=False),
        sa.Column("out_no", sa.String(length=64), nullable=False),
        sa.Column("headers", postgresql.JSONB(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("fact", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(handled_at IS NULL) = (status = 'received')",
            name=op.f("ck_pay_inbox_handled_at_fits_status"),
        ),
        sa.CheckConstraint(
            "(reason IS NOT NULL) = (status = 'quarantined')",
            name=op.f("ck_pay_inbox_reason_fits_status"),
        ),
        sa.CheckConstraint("kind IN ('trade', 'refund', 'other')", name=op.f("ck_pay_inbox_kind")),
        sa.CheckConstraint(
            "status IN ('received', 'applied', 'ignored', 'quarantined')",
            name=op.f("ck_pay_inbox_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pay_inbox")),
        sa.UniqueConstraint("event_id", name=op.f("uq_pay_inbox_event_id")),
    )
    op.create_index(
        "ix_pay_inbox_open",
        "pay_inbox",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status = 'received'"),
    )
    op.create_index("ix_pay_inbox_out_no", "pay_inbox", ["out_no"], unique=False)
    op.create_index(
        "ix_pay_inbox_quarantined",
        "pay_inbox",
        [sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("status = 'quarantined'"),
    )


def _refund() -> None:
    op.create_table(
        "refund",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("out_refund_no", sa.String(length=27), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("line_amounts", postgresql.JSONB(), nullable=True),
        sa.Column("freight_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=80), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("request_body", sa.LargeBinary(), nullable=True),
        sa.Column("refund_id", sa.String(length=64), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_poll_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("polls", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(amount_fen = 0) = (payment_id IS NULL) AND (amount_fen > 0 OR status = 'success')",
            name=op.f("ck_refund_nothing_to_give_back_needs_no_payment"),
        ),
        sa.CheckConstraint(
            "(settled_at IS NOT NULL) = (status = 'success')", name=op.f("ck_refund_settled_at")
        ),
        sa.CheckConstraint(
            "(submitted_at IS NULL) = (request_body IS NULL) AND (submitted_at IS NOT NULL OR amount_fen = 0 OR status = 'pending')",
            name=op.f("ck_refund_submitted_with_a_body"),
        ),
        sa.CheckConstraint(
            "out_refund_no ~ '^R[0-9A-Z]{26}$'", name=op.f("ck_refund_out_refund_no")
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'processing', 'abnormal', 'closed', 'success')",
            name=op.f("ck_refund_status"),
        ),
        sa.CheckConstraint("amount_fen >= 0", name=op.f("ck_refund_amount_not_negative")),
        sa.CheckConstraint(
            "freight_fen >= 0 AND freight_fen <= amount_fen",
            name=op.f("ck_refund_freight_within_amount"),
        ),
        sa.CheckConstraint("polls >= 0", name=op.f("ck_refund_polls_not_negative")),
        sa.ForeignKeyConstraint(["order_id"], ["shop_order.id"], name=op.f("fk_refund_order_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_refund_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
        sa.UniqueConstraint("out_refund_no", name=op.f("uq_refund_out_refund_no")),
        sa.UniqueConstraint("source", name=op.f("uq_refund_source")),
    )
    op.create_index(
        "ix_refund_next_poll_at",
        "refund",
        ["next_poll_at"],
        unique=False,
        postgresql_where=sa.text("next_poll_at IS NOT NULL"),
    )
    op.create_index("ix_refund_order_id", "refund", ["order_id"], unique=False)
    op.create_index("ix_refund_payment_id", "refund", ["payment_id"], unique=False)
