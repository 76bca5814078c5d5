"""First payments and points of members; new-user packs and who has claimed one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


STATUSES = ("draft", "published", "paused", "ended")
ACTIONS = ("created", "changed", "published", "paused", "resumed", "ended")


def _words(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=op.f(name), native_enum=False, create_constraint=True, length=20)


def upgrade() -> None:
    op.create_table(
        "first_payment",
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_first_payment")),
    )
    op.create_table(
        "former_payer",
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_former_payer")),
    )
    op.create_table(
        "points_grant",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "points <> 0 AND (points < 0) = (reverses_id IS NOT NULL)",
            name=op.f("ck_points_grant_sign"),
        ),
        sa.ForeignKeyConstraint(
            ["reverses_id"], ["points_grant.id"], name=op.f("fk_points_grant_reverses_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_points_grant")),
    )
    op.create_index("ix_points_grant_member_id", "points_grant", ["member_id", "id"], unique=False)
    op.create_index(
        "ix_points_grant_reverses_id",
        "points_grant",
        ["reverses_id"],
        unique=False,
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )
    op.create_index(
        "uq_points_grant_source",
        "points_grant",
        ["source"],
        unique=True,
        postgresql_where=sa.text("reverses_id IS NULL"),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON points_grant "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_changing_history()"
    )
    op.create_table(
        "pack",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("status", _words("ck_pack_status", *STATUSES), nullable=False),
        sa.Column(
            "eligibility",
            _words("ck_pack_eligibility", "never_registered", "never_paid"),
            nullable=False,
        ),
        sa.Column("claim_days", sa.Integer(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parts", postgresql.JSONB(), nullable=False),
        sa.Column("worth_fen", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("claim_days > 0", name=op.f("ck_pack_claim_days_positive")),
        sa.CheckConstraint(
            "eligibility <> 'never_registered' OR claim_days IS NOT NULL",
            name=op.f("ck_pack_deadline"),
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_pack_window")),
        sa.CheckConstraint("jsonb_array_length(parts) > 0", name=op.f("ck_pack_parts")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_pack_version")),
        sa.CheckConstraint("worth_fen >= 0", name=op.f("ck_pack_worth_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pack")),
    )
    op.create_index("ix_pack_status", "pack", ["status", "id"], unique=False)
    op.create_table(
        "pack_version",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("pack_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("action", _words("ck_pack_version_action", *ACTIONS), nullable=False),
        sa.Column("changed_by", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["pack_id"], ["pack.id"], name=op.f("fk_pack_version_pack_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pack_version")),
        sa.UniqueConstraint("pack_id", "version", name=op.f("uq_pack_version_pack_id_version")),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pack_version "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_changing_history()"
    )
    op.create_table(
        "pack_counter",
        sa.Column("pack_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("max_claims", sa.BigInteger(), nullable=True),
        sa.Column("budget_fen", sa.BigInteger(), nullable=True),
        sa.Column("claims", sa.BigInteger(), nullable=False),
        sa.Column("spent_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "claims <= max_claims", name=op.f("ck_pack_counter_claims_within_cap")
        ),
        sa.CheckConstraint(
            "claims >= 0 AND spent_fen >= 0", name=op.f("ck_pack_counter_not_negative")
        ),
        sa.CheckConstraint(
            "max_claims > 0 AND budget_fen > 0", name=op.f("ck_pack_counter_caps_positive")
        ),
        sa.CheckConstraint(
            "num_nonnulls(max_claims, budget_fen) > 0", name=op.f("ck_pack_counter_limited")
        ),
        sa.CheckConstraint(
            "spent_fen <= budget_fen", name=op.f("ck_pack_counter_budget_within_cap")
        ),
        sa.ForeignKeyConstraint(["pack_id"], ["pack.id"], name=op.f("fk_pack_counter_pack_id")),
        sa.PrimaryKeyConstraint("pack_id", name=op.f("pk_pack_counter")),
    )
    op.create_table(
        "pack_claim",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("pack_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["pack_id"], ["pack.id"], name=op.f("fk_pack_claim_pack_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pack_claim")),
        sa.UniqueConstraint("member_id", "pack_id", name=op.f("uq_pack_claim_member_id_pack_id")),
        sa.UniqueConstraint("source", name=op.f("uq_pack_claim_source")),
    )
    op.create_index("ix_pack_claim_pack_id", "pack_claim", ["pack_id", "id"], unique=False)
    op.create_table(
        "pack_claim_key",
        sa.Column("pack_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["claim_id"], ["pack_claim.id"], name=op.f("fk_pack_claim_key_claim_id")
        ),
        sa.ForeignKeyConstraint(["pack_id"], ["pack.id"], name=op.f("fk_pack_claim_key_pack_id")),
        sa.PrimaryKeyConstraint("pack_id", "key", name=op.f("pk_pack_claim_key")),
    )
    op.create_index("ix_pack_claim_key_claim_id", "pack_claim_key", ["claim_id"], unique=False)
    # Whoever had paid before this was kept: their earliest paid order.
    op.execute(
        "INSERT INTO first_payment (member_id, source, paid_at) "
        "SELECT DISTINCT ON (buyer_id) buyer_id, 'order:' || order_no, paid_at FROM shop_order "
        "WHERE paid_at IS NOT NULL ORDER BY buyer_id, paid_at"
    )


def downgrade() -> None:
    op.drop_table("pack_claim_key")
    op.drop_table("pack_claim")
    op.drop_table("pack_counter")
    op.drop_table("pack_version")
    op.drop_table("pack")
    op.drop_table("points_grant")
    op.drop_table("former_payer")
    op.drop_table("first_payment")
