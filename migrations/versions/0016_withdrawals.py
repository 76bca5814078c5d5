"""Withdrawals and the payees they go to, and facts about payouts in the inbox."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

FACT_KINDS = "kind IN ('trade', 'refund', 'other')"
FACT_KINDS_WITH_PAYOUT = "kind IN ('trade', 'refund', 'payout', 'other')"


def upgrade() -> None:
    _rules()
    _withdrawal()
    _payee()
    _payout()
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON withdrawal_rules "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_changing_history()"
    )
    _change_fact_kinds(FACT_KINDS_WITH_PAYOUT)


def downgrade() -> None:
    op.execute("DELETE FROM pay_inbox WHERE kind = 'payout'")
    _change_fact_kinds(FACT_KINDS)
    op.drop_table("payout")
    op.drop_table("payee")
    op.drop_table("withdrawal")
    op.drop_table("withdrawal_rules")


def _change_fact_kinds(kinds: str) -> None:
    op.drop_constraint(op.f("ck_pay_inbox_kind"), "pay_inbox", type_="check")
    op.create_check_constraint(op.f("ck_pay_inbox_kind"), "pay_inbox", kinds)


def _rules() -> None:
    op.create_table(
        "withdrawal_rules",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("min_fen", sa.BigInteger(), nullable=False),
        sa.Column("max_fen", sa.BigInteger(), nullable=False),
        sa.Column("daily_count", sa.Integer(), nullable=False),
        sa.Column("daily_fen", sa.BigInteger(), nullable=False),
        sa.Column("fee_bp", sa.Integer(), nullable=False),
        sa.Column("fee_min_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "tax",
            sa.Enum(
                "off",
                "labour",
                name=op.f("ck_withdrawal_rules_tax"),
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("review_over_fen", sa.BigInteger(), nullable=False),
        sa.Column("second_review_over_fen", sa.BigInteger(), nullable=False),
        sa.Column("name_from_fen", sa.BigInteger(), nullable=False),
        sa.Column("has_wechat", sa.Boolean(), nullable=False),
        sa.Column("has_manual", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.String(length=100), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "daily_count BETWEEN 1 AND 100", name=op.f("ck_withdrawal_rules_daily_count")
        ),
        sa.CheckConstraint(
            "fee_bp BETWEEN 0 AND 10000 AND fee_min_fen >= 0", name=op.f("ck_withdrawal_rules_fee")
        ),
        sa.CheckConstraint(
            "has_wechat OR has_manual", name=op.f("ck_withdrawal_rules_some_channel")
        ),
        sa.CheckConstraint(
            "min_fen > 0 AND min_fen <= max_fen AND max_fen <= daily_fen",
            name=op.f("ck_withdrawal_rules_amounts"),
        ),
        sa.CheckConstraint(
            "name_from_fen BETWEEN 0 AND 200000", name=op.f("ck_withdrawal_rules_name_from")
        ),
        sa.CheckConstraint(
            "review_over_fen >= 0 AND second_review_over_fen >= review_over_fen",
            name=op.f("ck_withdrawal_rules_reviews"),
        ),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_withdrawal_rules")),
    )


def _withdrawal() -> None:
    op.create_table(
        "withdrawal",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("no", sa.String(length=27), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "channel",
            sa.Enum(
                "wechat",
                "manual",
                name=op.f("ck_withdrawal_channel"),
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), nullable=False),
        sa.Column("tax_fen", sa.BigInteger(), nullable=False),
        sa.Column("net_fen", sa.BigInteger(), nullable=False),
        sa.Column("rules_version", sa.BigInteger(), nullable=False),
        sa.Column("reviews_needed", sa.SmallInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "reviewing",
                "approving",
                "paying",
                "paid",
                "returned",
                name=op.f("ck_withdrawal_state"),
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("first_by", sa.String(length=100), nullable=True),
        sa.Column("second_by", sa.String(length=100), nullable=True),
        sa.Column("ended_by", sa.String(length=100), nullable=True),
        sa.Column("receipt_no", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'paid' AND channel = 'manual') = (receipt_no IS NOT NULL)",
            name=op.f("ck_withdrawal_paid_by_hand_has_receipt"),
        ),
        sa.CheckConstraint(
            "(state = 'returned') = (reason IS NOT NULL)",
            name=op.f("ck_withdrawal_returned_has_reason"),
        ),
        sa.CheckConstraint(
            "(state IN ('paid', 'returned')) = (ended_at IS NOT NULL)",
            name=op.f("ck_withdrawal_ended_fits_state"),
        ),
        sa.CheckConstraint("no ~ '^W[0-9A-Z]{26}$'", name=op.f("ck_withdrawal_no")),
        sa.CheckConstraint(
            "state NOT IN ('paying', 'paid') OR num_nonnulls(first_by, second_by) >= reviews_needed",
            name=op.f("ck_withdrawal_paid_after_reviews"),
        ),
        sa.CheckConstraint(
            "amount_fen = net_fen + fee_fen + tax_fen",
            name=op.f("ck_withdrawal_parts_make_the_whole"),
        ),
        sa.CheckConstraint("first_by <> second_by", name=op.f("ck_withdrawal_two_people")),
        sa.CheckConstraint(
            "first_by IS NOT NULL OR second_by IS NULL",
            name=op.f("ck_withdrawal_first_before_second"),
        ),
        sa.CheckConstraint(
            "net_fen > 0 AND fee_fen >= 0 AND tax_fen >= 0",
            name=op.f("ck_withdrawal_parts_not_negative"),
        ),
        sa.CheckConstraint(
            "reviews_needed BETWEEN 0 AND 2", name=op.f("ck_withdrawal_reviews_needed")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["distributor.member_id"], name=op.f("fk_withdrawal_member_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawal")),
        sa.UniqueConstraint("no", name=op.f("uq_withdrawal_no")),
    )
    op.create_index(
        "ix_withdrawal_asked", "withdrawal", ["member_id", "requested_at"], unique=False
    )
    op.create_index(
        "ix_withdrawal_member",
        "withdrawal",
        ["member_id", sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_withdrawal_paid",
        "withdrawal",
        ["ended_at"],
        unique=False,
        postgresql_where=sa.text("state = 'paid'"),
    )
    op.create_index(
        "ix_withdrawal_state", "withdrawal", ["state", sa.literal_column("id DESC")], unique=False
    )


def _payee() -> None:
    op.create_table(
        "payee",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("real_name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("id_number_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("id_number_hash", sa.String(), nullable=False),
        sa.Column("account_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("consent", sa.String(), nullable=False),
        sa.Column("consented_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(id_number_hash) = 64", name=op.f("ck_payee_hash_is_sha256")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_payee_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payee")),
    )
    op.create_index("ix_payee_id_number_hash", "payee", ["id_number_hash"], unique=False)
    op.create_index(
        "ix_payee_member", "payee", ["member_id", sa.literal_column("id DESC")], unique=False
    )


def _payout() -> None:
    op.create_table(
        "payout",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("out_bill_no", sa.String(length=27), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("payee_id", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("request_body", sa.LargeBinary(), nullable=True),
        sa.Column("serial", sa.String(length=64), nullable=True),
        sa.Column("transfer_bill_no", sa.String(length=64), nullable=True),
        sa.Column("package_info", sa.String(length=2000), nullable=True),
        sa.Column("fail_reason", sa.String(length=64), nullable=True),
        sa.Column("last_error", sa.String(length=200), nullable=True),
        sa.Column("cancel_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_by", sa.String(length=100), nullable=True),
        sa.Column("cancel_reason", sa.String(length=200), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_poll_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("polls", sa.Integer(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(fail_reason IS NULL) OR status = 'failed'", name=op.f("ck_payout_fail_reason")
        ),
        sa.CheckConstraint(
            "(next_poll_at IS NULL) = (status IN ('new', 'success', 'failed', 'cancelled'))",
            name=op.f("ck_payout_asked_until_settled"),
        ),
        sa.CheckConstraint(
            "(request_body IS NULL) = (sent_at IS NULL) AND (sent_at IS NULL) = (called_at IS NULL) AND (sent_at IS NOT NULL OR status IN ('new', 'pending', 'cancelled'))",
            name=op.f("ck_payout_sent_with_a_body"),
        ),
        sa.CheckConstraint(
            "(settled_at IS NOT NULL) = (status IN ('success', 'failed', 'cancelled'))",
            name=op.f("ck_payout_settled_at"),
        ),
        sa.CheckConstraint("out_bill_no ~ '^W[0-9A-Z]{26}$'", name=op.f("ck_payout_out_bill_no")),
        sa.CheckConstraint(
            "status IN ('new', 'pending', 'accepted', 'processing', 'confirming', 'transferring', 'cancelling', 'success', 'failed', 'cancelled')",
            name=op.f("ck_payout_status"),
        ),
        sa.CheckConstraint(
            "(cancel_asked_at IS NULL) = (cancel_reason IS NULL) AND (cancel_asked_at IS NULL) = (cancel_by IS NULL)",
            name=op.f("ck_payout_cancel_is_whole"),
        ),
        sa.CheckConstraint("polls >= 0", name=op.f("ck_payout_polls_not_negative")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_payout_member_id")),
        sa.ForeignKeyConstraint(["payee_id"], ["payee.id"], name=op.f("fk_payout_payee_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout")),
        sa.UniqueConstraint("out_bill_no", name=op.f("uq_payout_out_bill_no")),
    )
    op.create_index(
        "ix_payout_next_poll_at",
        "payout",
        ["next_poll_at"],
        unique=False,
        postgresql_where=sa.text("next_poll_at IS NOT NULL"),
    )
    op.create_index(
        "ix_payout_parked",
        "payout",
        [sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("last_error IS NOT NULL AND next_poll_at IS NOT NULL"),
    )
    op.create_index("ix_payout_payee_id", "payout", ["payee_id"], unique=False)
