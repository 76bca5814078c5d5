"""Money moved by hand, and claims that keep commissions from maturing."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

CLAIM = """
    INSERT INTO commission_claim (source, line_source, claimed_at)
    SELECT 'after_sale:' || after_sale_no, 'order:' || order_no || ':' || seq, applied_at
    FROM after_sale JOIN order_line USING (order_id)
    WHERE status IN ('applied', 'refunding') AND order_line.kind = 'goods'
      AND (breakdown IS NULL OR order_line.id IN (
           SELECT CAST(line ->> 'line_id' AS bigint)
           FROM jsonb_array_elements(breakdown -> 'lines') AS line))
"""
"""What is being asked for already."""
COUNT = """
    UPDATE commission SET claims = open.claims
    FROM (SELECT line_source, count(*) AS claims FROM commission_claim GROUP BY line_source) AS open
    WHERE open.line_source = commission.line_source
"""
DUE = "state = 'frozen' AND mature_at IS NOT NULL"

OLD_POSTINGS = ("accrue", "claw_back", "mature", "hold")
NEW_POSTINGS = (*OLD_POSTINGS, "pay_out", "give_back", "adjust")
OLD_ACCOUNTS = ("frozen", "available", "withdrawing", "receivable", "expense")
NEW_ACCOUNTS = (*OLD_ACCOUNTS, "cash", "fee", "tax", "adjustment")


def upgrade() -> None:
    _hold("posting", NEW_POSTINGS)
    _hold("account", NEW_ACCOUNTS)
    _own("kind IN ('expense', 'cash', 'fee', 'tax', 'adjustment')")
    op.create_index(
        "ix_entry_shop",
        "entry",
        ["member_id"],
        unique=False,
        postgresql_where=sa.text(
            "commission_id IS NULL AND (debit_balance_fen IS NULL OR credit_balance_fen IS NULL)"
        ),
    )
    op.create_table(
        "commission_claim",
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("line_source", sa.String(length=100), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("source", "line_source", name=op.f("pk_commission_claim")),
    )
    op.create_index(
        "ix_commission_claim_open",
        "commission_claim",
        ["line_source"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.add_column(
        "commission", sa.Column("claims", sa.Integer(), server_default="0", nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_commission_claims_not_negative"), "commission", "claims >= 0"
    )
    op.execute(CLAIM)
    op.execute(COUNT)
    _index_due(f"{DUE} AND claims = 0")
    _create_adjustments()
    _create_record_blocks()


def downgrade() -> None:
    op.drop_table("record_block")
    op.drop_table("ledger_adjustment")
    _index_due(DUE)
    op.drop_column("commission", "claims")
    op.drop_table("commission_claim")
    op.drop_index("ix_entry_shop", table_name="entry")
    _own("kind = 'expense'")
    _hold("account", OLD_ACCOUNTS)
    _hold("posting", OLD_POSTINGS)


def _hold(table: str, kinds: tuple[str, ...]) -> None:
    """Hold the column `kind` to these words."""
    words = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f(f"ck_{table}_kind"), table)
    op.create_check_constraint(op.f(f"ck_{table}_kind"), table, f"kind IN ({words})")


def _create_adjustments() -> None:
    op.create_table(
        "ledger_adjustment",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("no", sa.String(length=32), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("requested_by", sa.String(length=100), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=100), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.String(length=200), server_default="", nullable=False),
        sa.CheckConstraint(
            "kind IN ('give', 'take', 'write_off')", name=op.f("ck_ledger_adjustment_kind")
        ),
        sa.CheckConstraint(
            "state IN ('requested', 'approved', 'refused')", name=op.f("ck_ledger_adjustment_state")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_ledger_adjustment_amount_positive")),
        sa.CheckConstraint("reason ~ '\\S'", name=op.f("ck_ledger_adjustment_reason_is_given")),
        sa.CheckConstraint(
            "(state = 'requested') = (decided_by IS NULL)"
            " AND (decided_by IS NULL) = (decided_at IS NULL)",
            name=op.f("ck_ledger_adjustment_decision_fits_state"),
        ),
        sa.CheckConstraint(
            "state <> 'approved' OR decided_by <> requested_by",
            name=op.f("ck_ledger_adjustment_two_people"),
        ),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["distributor.member_id"],
            name=op.f("fk_ledger_adjustment_member_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_adjustment")),
        sa.UniqueConstraint("no", name=op.f("uq_ledger_adjustment_no")),
    )
    op.create_index(
        "ix_ledger_adjustment_state", "ledger_adjustment", ["state", sa.literal_column("id DESC")]
    )
    op.create_index(
        "ix_ledger_adjustment_member",
        "ledger_adjustment",
        ["member_id", sa.literal_column("id DESC")],
    )


def _create_record_blocks() -> None:
    op.create_table(
        "record_block",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("first_id <= last_id", name=op.f("ck_record_block_first_before_last")),
        sa.CheckConstraint("length(sha256) = 32", name=op.f("ck_record_block_hash_is_whole")),
        sa.CheckConstraint("records > 0", name=op.f("ck_record_block_not_empty")),
        sa.PrimaryKeyConstraint("name", "number", name=op.f("pk_record_block")),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON record_block "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_changing_history()"
    )


def _index_due(which: str) -> None:
    op.drop_index("ix_commission_due", table_name="commission")
    op.create_index(
        "ix_commission_due",
        "commission",
        ["mature_at", "id"],
        unique=False,
        postgresql_where=sa.text(which),
    )


def _own(shop: str) -> None:
    """Let the accounts of which `shop` is true, and no others, belong to nobody."""
    op.drop_constraint(op.f("ck_account_owner_fits_kind"), "account")
    op.create_check_constraint(
        op.f("ck_account_owner_fits_kind"), "account", f"({shop}) = (member_id IS NULL)"
    )
