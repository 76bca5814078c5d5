"""Numbers of parcels that were wrong, kept when they are put right."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shipment_correction",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("shipment_id", sa.BigInteger(), nullable=False),
        sa.Column("company_code", sa.String(20), nullable=False),
        sa.Column("company_name", sa.String(32), nullable=False),
        sa.Column("tracking_no", sa.String(32), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["shipment_id"], ["shipment.id"], name=op.f("fk_shipment_correction_shipment_id")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_shipment_correction_staff_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipment_correction")),
    )
    op.create_index(
        "ix_shipment_correction_shipment_id", "shipment_correction", ["shipment_id"]
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON shipment_correction "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_changing_history()"
    )


def downgrade() -> None:
    op.drop_table("shipment_correction")
