"""First payments and points of members; new-user packs and who has claimed one."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


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
        sa.UniqueConstraint("reverses_id", name=op.f("uq_points_grant_reverses_id")),
    )
    op.create_index("ix_points_grant_member_id", "points_grant", ["member_id", "id"], unique=False)
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
    # Whoever had paid before this was kept: their earliest paid order.
    op.execute(
        "INSERT INTO first_payment (member_id, source, paid_at) "
        "SELECT DISTINCT ON (buyer_id) buyer_id, 'order:' || order_no, paid_at FROM shop_order "
        "WHERE paid_at IS NOT NULL ORDER BY buyer_id, paid_at"
    )


def downgrade() -> None:
    op.drop_table("points_grant")
    op.drop_table("former_payer")
    op.drop_table("first_payment")
