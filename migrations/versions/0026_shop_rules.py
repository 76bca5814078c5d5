"""The shop's rules: what the merchant has decided, one row a version, never edited."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shop_rules",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("values", postgresql.JSONB(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "jsonb_typeof(\"values\") = 'object'", name=op.f("ck_shop_rules_values_are_an_object")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_shop_rules_staff_id")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_shop_rules")),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON shop_rules "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_changing_history()"
    )


def downgrade() -> None:
    op.drop_table("shop_rules")
