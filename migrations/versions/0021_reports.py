"""Mini-program codes that are kept, daily trial balances, and indexes of the merchant's reports."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

KINDS = (
    "frozen", "available", "withdrawing", "receivable", "expense", "cash", "fee", "tax",
    "adjustment",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "mini_code",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("scene", sa.String(), nullable=False),
        sa.Column("page", sa.String(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("picture", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "encode(sha256(picture), 'hex') = digest", name=op.f("ck_mini_code_picture_is_hashed")
        ),
        sa.CheckConstraint(
            "media_type IN ('image/png', 'image/jpeg')", name=op.f("ck_mini_code_media_type")
        ),
        sa.CheckConstraint("width BETWEEN 280 AND 1280", name=op.f("ck_mini_code_width")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mini_code")),
        sa.UniqueConstraint("scene", "page", "width", name=op.f("uq_mini_code_scene_page_width")),
    )
    op.create_index(op.f("ix_mini_code_digest"), "mini_code", ["digest"])
    _trial_balances()
    op.create_index("ix_commission_accrued", "commission", ["accrued_at", "posting_id"])
    # Autosummarize, so that the newest stretch is not read whole until the next vacuum.
    op.create_index(
        "ix_entry_posting",
        "entry",
        ["posting_id"],
        postgresql_using="brin",
        postgresql_with={"autosummarize": "true"},
    )


def _trial_balances() -> None:
    op.create_table(
        "trial_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_posting_id", sa.BigInteger(), nullable=False),
        sa.Column("open_posting_id", sa.BigInteger(), nullable=False),
        sa.Column("postings", sa.BigInteger(), nullable=False),
        sa.Column("late_postings", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "postings >= late_postings AND late_postings >= 0",
            name=op.f("ck_trial_day_late_among_postings"),
        ),
        sa.CheckConstraint(
            "entries >= 0 AND amount_fen >= 0", name=op.f("ck_trial_day_volumes_not_negative")
        ),
        sa.CheckConstraint(
            "open_posting_id <= last_posting_id + 1", name=op.f("ck_trial_day_open_within_seen")
        ),
        sa.CheckConstraint("closed_at >= ends_at", name=op.f("ck_trial_day_closed_after_its_end")),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_trial_day")),
    )
    words = ", ".join(f"'{kind}'" for kind in KINDS)
    op.create_table(
        "trial_balance",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("debited_fen", sa.BigInteger(), nullable=False),
        sa.Column("credited_fen", sa.BigInteger(), nullable=False),
        sa.Column("day_debited_fen", sa.BigInteger(), nullable=False),
        sa.Column("day_credited_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "0 <= day_debited_fen AND day_debited_fen <= debited_fen"
            " AND 0 <= day_credited_fen AND day_credited_fen <= credited_fen",
            name=op.f("ck_trial_balance_day_within_all"),
        ),
        sa.CheckConstraint(f"kind IN ({words})", name=op.f("ck_trial_balance_kind")),
        sa.ForeignKeyConstraint(["day"], ["trial_day.day"], name=op.f("fk_trial_balance_day")),
        sa.PrimaryKeyConstraint("day", "kind", name=op.f("pk_trial_balance")),
    )
    for table in ("trial_day", "trial_balance"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_changing_history()"
        )


def downgrade() -> None:
    op.drop_index("ix_entry_posting", "entry")
    op.drop_index("ix_commission_accrued", "commission")
    op.drop_table("trial_balance")
    op.drop_table("trial_day")
    op.drop_table("mini_code")
