"""Which version of which campaign each snapshot holds, and staff who only look and try."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# What is in force when the log begins; snapshots before that cannot be built again.
FIRST_ROWS = """
INSERT INTO snapshot_log (snapshot_version, promotion_id, promotion_version, is_live, logged_at)
SELECT snapshot_version.version, promotion.id, promotion.version,
       promotion.status = 'published', snapshot_version.changed_at
FROM promotion CROSS JOIN snapshot_version WHERE promotion.status <> 'draft'
"""


def upgrade() -> None:
    op.create_table(
        "snapshot_log",
        sa.Column("snapshot_version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("promotion_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("promotion_version", sa.Integer(), nullable=False),
        sa.Column("is_live", sa.Boolean(), nullable=False),
        sa.Column("logged_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["promotion_id", "promotion_version"],
            ["promotion_version.promotion_id", "promotion_version.version"],
            name=op.f("fk_snapshot_log_promotion_id"),
        ),
        sa.PrimaryKeyConstraint("snapshot_version", "promotion_id", name=op.f("pk_snapshot_log")),
    )
    op.create_index(
        "ix_snapshot_log_promotion_id", "snapshot_log", ["promotion_id", "snapshot_version"]
    )
    op.execute(FIRST_ROWS)
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON snapshot_log "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_changing_history()"
    )
    op.drop_constraint(op.f("ck_staff_role"), "staff")
    op.create_check_constraint(
        op.f("ck_staff_role"), "staff", "role IN ('owner', 'merchant', 'analyst')"
    )


def downgrade() -> None:
    op.execute("UPDATE staff SET is_active = false, role = 'merchant' WHERE role = 'analyst'")
    op.drop_constraint(op.f("ck_staff_role"), "staff")
    op.create_check_constraint(op.f("ck_staff_role"), "staff", "role IN ('owner', 'merchant')")
    op.drop_table("snapshot_log")
