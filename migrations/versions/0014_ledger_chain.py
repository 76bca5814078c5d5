"""The chain of hashes over the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_block",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_posting_id", sa.BigInteger(), nullable=False),
        sa.Column("last_posting_id", sa.BigInteger(), nullable=False),
        sa.Column("postings", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "first_posting_id <= last_posting_id", name=op.f("ck_ledger_block_first_before_last")
        ),
        sa.CheckConstraint("length(sha256) = 32", name=op.f("ck_ledger_block_hash_is_whole")),
        sa.CheckConstraint("postings > 0", name=op.f("ck_ledger_block_not_empty")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ledger_block")),
        sa.UniqueConstraint("first_posting_id", name=op.f("uq_ledger_block_first_posting_id")),
        sa.UniqueConstraint("last_posting_id", name=op.f("uq_ledger_block_last_posting_id")),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_block "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_changing_history()"
    )


def downgrade() -> None:
    op.drop_table("ledger_block")
