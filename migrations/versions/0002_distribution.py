"""The commission engine: distributors, bindings, rules, and the append-only ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = ("posting", "entry", "binding_log", "commission_rules", "sku_rate")
REFUSE = """
CREATE FUNCTION refuse_changing_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$
"""


def upgrade() -> None:
    op.create_table(
        "binding_log",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("upline_member_id", sa.BigInteger(), nullable=False),
        sa.Column("previous_upline_id", sa.BigInteger(), nullable=True),
        sa.Column("origin", sa.String(length=20), nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("member_id <> upline_member_id", name=op.f("ck_binding_log_not_self")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_binding_log")),
    )
    op.create_index(op.f("ix_binding_log_member_id"), "binding_log", ["member_id"], unique=False)
    op.create_table(
        "commission_rules",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("levels", sa.SmallInteger(), nullable=False),
        sa.Column("level1_bp", sa.Integer(), nullable=False),
        sa.Column("level2_bp", sa.Integer(), nullable=False),
        sa.Column("cap_bp", sa.Integer(), nullable=False),
        sa.Column("mature_days", sa.Integer(), nullable=False),
        sa.Column("joining", sa.String(length=20), nullable=False),
        sa.Column("changed_by", sa.String(length=100), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "joining IN ('open', 'approval')", name=op.f("ck_commission_rules_joining")
        ),
        sa.CheckConstraint("cap_bp <= 10000", name=op.f("ck_commission_rules_cap_within_all")),
        sa.CheckConstraint(
            "level1_bp + level2_bp <= cap_bp", name=op.f("ck_commission_rules_rates_within_cap")
        ),
        sa.CheckConstraint(
            "level1_bp >= 0 AND level2_bp >= 0", name=op.f("ck_commission_rules_rates_not_negative")
        ),
        sa.CheckConstraint("levels IN (1, 2)", name=op.f("ck_commission_rules_one_or_two_levels")),
        sa.CheckConstraint(
            "mature_days BETWEEN 0 AND 365", name=op.f("ck_commission_rules_mature_days")
        ),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_commission_rules")),
    )
    op.create_table(
        "distributor",
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "active",
                "frozen",
                "left",
                name=op.f("ck_distributor_status"),
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("invite_code", sa.String(length=8), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status_reason", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_distributor")),
        sa.UniqueConstraint("invite_code", name=op.f("uq_distributor_invite_code")),
    )
    op.create_index(
        "ix_distributor_status", "distributor", ["status", "applied_at", "member_id"], unique=False
    )
    op.create_table(
        "posting",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("idem_key", sa.String(length=120), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "accrue",
                "claw_back",
                "mature",
                "hold",
                name=op.f("ck_posting_kind"),
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("payload_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "payload_sha256 = sha256(payload)", name=op.f("ck_posting_payload_is_hashed")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting")),
        sa.UniqueConstraint("idem_key", name=op.f("uq_posting_idem_key")),
    )
    op.create_table(
        "sku_rate",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("sku_id", sa.BigInteger(), nullable=False),
        sa.Column("level1_bp", sa.Integer(), nullable=True),
        sa.Column("level2_bp", sa.Integer(), nullable=True),
        sa.Column("changed_by", sa.String(length=100), nullable=False),
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
    op.create_index(
        "ix_sku_rate_latest", "sku_rate", ["sku_id", sa.literal_column("id DESC")], unique=False
    )
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "frozen",
                "available",
                "withdrawing",
                "receivable",
                "expense",
                name=op.f("ck_account_kind"),
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("debited_fen", sa.BigInteger(), nullable=False),
        sa.Column("credited_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "balance_fen",
            sa.BigInteger(),
            sa.Computed(
                "CASE WHEN kind IN ('receivable', 'expense') THEN debited_fen - credited_fen ELSE credited_fen - debited_fen END",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("rolled_to", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'expense') = (member_id IS NULL)", name=op.f("ck_account_owner_fits_kind")
        ),
        sa.CheckConstraint(
            "debited_fen >= 0 AND credited_fen >= 0", name=op.f("ck_account_volumes_not_negative")
        ),
        sa.CheckConstraint(
            "member_id IS NULL OR balance_fen >= 0", name=op.f("ck_account_balance_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["distributor.member_id"], name=op.f("fk_account_member_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint(
            "member_id",
            "kind",
            name=op.f("uq_account_member_id_kind"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "binding",
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("upline_member_id", sa.BigInteger(), nullable=False),
        sa.Column("log_id", sa.BigInteger(), nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("member_id <> upline_member_id", name=op.f("ck_binding_not_self")),
        sa.ForeignKeyConstraint(["log_id"], ["binding_log.id"], name=op.f("fk_binding_log_id")),
        sa.ForeignKeyConstraint(
            ["upline_member_id"],
            ["distributor.member_id"],
            name=op.f("fk_binding_upline_member_id"),
        ),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_binding")),
        sa.UniqueConstraint("log_id", name=op.f("uq_binding_log_id")),
    )
    op.create_index(
        "ix_binding_upline", "binding", ["upline_member_id", "bound_at", "member_id"], unique=False
    )
    op.create_table(
        "commission",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("order_source", sa.String(length=100), nullable=False),
        sa.Column("line_source", sa.String(length=100), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("beneficiary_id", sa.BigInteger(), nullable=False),
        sa.Column("buyer_id", sa.BigInteger(), nullable=False),
        sa.Column("sku_id", sa.BigInteger(), nullable=False),
        sa.Column("spu_id", sa.BigInteger(), nullable=False),
        sa.Column("base_fen", sa.BigInteger(), nullable=False),
        sa.Column("rate_bp", sa.Integer(), nullable=False),
        sa.Column("cap_bp", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("clawed_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "frozen",
                "matured",
                "clawed",
                "unearned",
                name=op.f("ck_commission_state"),
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column(
            "reason",
            sa.Enum(
                "upline_pending",
                "upline_frozen",
                "upline_left",
                "no_rate",
                "too_small",
                name=op.f("ck_commission_reason"),
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=True,
        ),
        sa.Column("rules_version", sa.BigInteger(), nullable=False),
        sa.Column("sku_rate_id", sa.BigInteger(), nullable=True),
        sa.Column("binding_log_id", sa.BigInteger(), nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("accrued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mature_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("matured_posting_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(state = 'matured') = (matured_posting_id IS NOT NULL)",
            name=op.f("ck_commission_matured_has_posting"),
        ),
        sa.CheckConstraint(
            "(state = 'unearned') = (reason IS NOT NULL)",
            name=op.f("ck_commission_unearned_has_reason"),
        ),
        sa.CheckConstraint(
            "CASE state WHEN 'frozen' THEN clawed_fen < amount_fen WHEN 'clawed' THEN clawed_fen = amount_fen AND amount_fen > 0 WHEN 'unearned' THEN amount_fen = 0 ELSE amount_fen > 0 END",
            name=op.f("ck_commission_state_fits_amounts"),
        ),
        sa.CheckConstraint(
            "state <> 'matured' OR mature_at IS NOT NULL",
            name=op.f("ck_commission_matured_was_scheduled"),
        ),
        sa.CheckConstraint(
            "amount_fen IN (0, base_fen * rate_bp / 10000)",
            name=op.f("ck_commission_amount_is_the_share"),
        ),
        sa.CheckConstraint("base_fen >= 0", name=op.f("ck_commission_base_not_negative")),
        sa.CheckConstraint(
            "beneficiary_id <> buyer_id", name=op.f("ck_commission_never_to_the_buyer")
        ),
        sa.CheckConstraint(
            "clawed_fen BETWEEN 0 AND amount_fen", name=op.f("ck_commission_clawed_within_amount")
        ),
        sa.CheckConstraint("level IN (1, 2)", name=op.f("ck_commission_one_or_two_levels")),
        sa.CheckConstraint(
            "rate_bp BETWEEN 0 AND cap_bp AND cap_bp <= 10000",
            name=op.f("ck_commission_rate_within_cap"),
        ),
        sa.ForeignKeyConstraint(
            ["beneficiary_id"], ["distributor.member_id"], name=op.f("fk_commission_beneficiary_id")
        ),
        sa.ForeignKeyConstraint(
            ["binding_log_id"], ["binding_log.id"], name=op.f("fk_commission_binding_log_id")
        ),
        sa.ForeignKeyConstraint(
            ["matured_posting_id"], ["posting.id"], name=op.f("fk_commission_matured_posting_id")
        ),
        sa.ForeignKeyConstraint(
            ["posting_id"], ["posting.id"], name=op.f("fk_commission_posting_id")
        ),
        sa.ForeignKeyConstraint(
            ["sku_rate_id"], ["sku_rate.id"], name=op.f("fk_commission_sku_rate_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commission")),
        sa.UniqueConstraint("line_source", "level", name=op.f("uq_commission_line_source_level")),
    )
    op.create_index(
        "ix_commission_beneficiary", "commission", ["beneficiary_id", "id"], unique=False
    )
    op.create_index(
        "ix_commission_due",
        "commission",
        ["mature_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'frozen' AND mature_at IS NOT NULL"),
    )
    op.create_index(
        "ix_commission_order", "commission", ["order_source", "line_source", "level"], unique=False
    )
    op.create_table(
        "entry",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("commission_id", sa.BigInteger(), nullable=True),
        sa.Column("debit_account_id", sa.BigInteger(), nullable=False),
        sa.Column("credit_account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("debit_balance_fen", sa.BigInteger(), nullable=True),
        sa.Column("credit_balance_fen", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_entry_amount_positive")),
        sa.CheckConstraint(
            "debit_account_id <> credit_account_id", name=op.f("ck_entry_two_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["commission_id"], ["commission.id"], name=op.f("fk_entry_commission_id")
        ),
        sa.ForeignKeyConstraint(
            ["credit_account_id"], ["account.id"], name=op.f("fk_entry_credit_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["debit_account_id"], ["account.id"], name=op.f("fk_entry_debit_account_id")
        ),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("fk_entry_posting_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
    )
    op.create_index(
        "ix_entry_member", "entry", ["member_id", sa.literal_column("id DESC")], unique=False
    )

    op.execute(REFUSE)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_changing_history()"
        )


def downgrade() -> None:
    op.drop_table("entry")
    op.drop_table("commission")
    op.drop_table("binding")
    op.drop_table("account")
    op.drop_table("sku_rate")
    op.drop_table("posting")
    op.drop_table("distributor")
    op.drop_table("commission_rules")
    op.drop_table("binding_log")
    op.execute("DROP FUNCTION refuse_changing_history()")
