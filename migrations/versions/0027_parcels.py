"""Parcels: which pieces have left, which will not, and which are in which parcel."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

WAS_SHIPPED = """
    UPDATE order_line AS l
    SET withheld_quantity = l.restocked_quantity,
        shipped_quantity = l.quantity - l.restocked_quantity
    FROM shop_order AS o WHERE o.id = l.order_id AND o.shipped_at IS NOT NULL
"""
WAS_NOT_SHIPPED = """
    UPDATE order_line AS l
    SET withheld_quantity
        = greatest(l.restocked_quantity, l.refunding_quantity + l.refunded_quantity)
    FROM shop_order AS o WHERE o.id = l.order_id AND o.shipped_at IS NULL
        AND (l.restocked_quantity, l.refunding_quantity, l.refunded_quantity) <> (0, 0, 0)
"""
REFUNDED_UNSHIPPED = """
    UPDATE order_refund AS r SET unshipped = r.quantities
    FROM shop_order AS o WHERE o.id = r.order_id AND r.quantities <> '{}'
        AND (o.shipped_at IS NULL OR r.settled_at < o.shipped_at)
"""
IN_PARCELS = """
    INSERT INTO shipment_line (shipment_id, order_line_id, quantity)
    SELECT s.id, l.id, l.shipped_quantity FROM shipment AS s
    JOIN order_line AS l ON l.order_id = s.order_id WHERE l.shipped_quantity > 0
"""


def upgrade() -> None:
    for name in ("shipped_quantity", "withheld_quantity"):
        op.add_column(
            "order_line", sa.Column(name, sa.Integer(), server_default="0", nullable=False)
        )
    op.add_column(
        "order_refund",
        sa.Column(
            "unshipped", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False
        ),
    )
    _parcels()
    for statement in (WAS_SHIPPED, WAS_NOT_SHIPPED, REFUNDED_UNSHIPPED, IN_PARCELS):
        op.execute(statement)
    op.create_check_constraint(
        op.f("ck_order_line_ships_within_quantity"),
        "order_line",
        "shipped_quantity >= 0 AND withheld_quantity >= 0"
        " AND shipped_quantity + withheld_quantity <= quantity",
    )


def _parcels() -> None:
    op.add_column(
        "shipment",
        sa.Column("kind", sa.String(20), server_default="express", nullable=False),
    )
    op.add_column("shipment", sa.Column("courier_sealed", sa.LargeBinary(), nullable=True))
    op.create_check_constraint(
        op.f("ck_shipment_kind"), "shipment", "kind IN ('express', 'courier', 'pickup', 'virtual')"
    )
    op.create_check_constraint(
        op.f("ck_shipment_express_is_tracked"),
        "shipment",
        "(kind = 'express') = (company_code <> '' AND company_name <> '' AND tracking_no <> '')"
        " AND (kind = 'express' OR company_code || company_name || tracking_no = '')",
    )
    op.create_check_constraint(
        op.f("ck_shipment_courier_known"),
        "shipment",
        "(kind = 'courier') = (courier_sealed IS NOT NULL)",
    )
    op.drop_constraint("uq_shipment_order_id_company_code_tracking_no", "shipment")
    op.create_index(
        "uq_shipment_tracking",
        "shipment",
        ["order_id", "company_code", "tracking_no"],
        unique=True,
        postgresql_where=sa.text("kind = 'express'"),
    )
    op.create_index("ix_shipment_order_id", "shipment", ["order_id"])
    op.create_table(
        "shipment_line",
        sa.Column("shipment_id", sa.BigInteger(), nullable=False),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_shipment_line_quantity")),
        sa.ForeignKeyConstraint(
            ["shipment_id"], ["shipment.id"], name=op.f("fk_shipment_line_shipment_id")
        ),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_line.id"], name=op.f("fk_shipment_line_order_line_id")
        ),
        sa.PrimaryKeyConstraint("shipment_id", "order_line_id", name=op.f("pk_shipment_line")),
    )
    op.create_index("ix_shipment_line_order_line_id", "shipment_line", ["order_line_id"])


def downgrade() -> None:
    op.drop_table("shipment_line")
    op.execute("DELETE FROM shipment WHERE kind <> 'express'")
    op.drop_index("ix_shipment_order_id", "shipment")
    op.drop_index("uq_shipment_tracking", "shipment")
    op.create_unique_constraint(
        "uq_shipment_order_id_company_code_tracking_no",
        "shipment",
        ["order_id", "company_code", "tracking_no"],
    )
    for name in ("courier_known", "express_is_tracked", "kind"):
        op.drop_constraint(op.f(f"ck_shipment_{name}"), "shipment")
    op.drop_column("shipment", "courier_sealed")
    op.drop_column("shipment", "kind")
    op.drop_column("order_refund", "unshipped")
    op.drop_constraint(op.f("ck_order_line_ships_within_quantity"), "order_line")
    for name in ("withheld_quantity", "shipped_quantity"):
        op.drop_column("order_line", name)
