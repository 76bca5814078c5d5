"""What an order keeps of its promotions, its gifts, and which pieces of it come back."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Columns the last release does not know have defaults: it may go on writing for a moment.
    op.add_column("shop_order", sa.Column("quote_input", sa.LargeBinary()))
    op.add_column("after_sale", sa.Column("breakdown", postgresql.JSONB()))
    op.add_column(
        "order_refund",
        sa.Column("quantities", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
    )
    for column in (
        sa.Column("kind", sa.String(20), server_default="goods", nullable=False),
        sa.Column("promotion_id", sa.BigInteger()),
        sa.Column("value_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refunding_quantity", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refunded_quantity", sa.Integer(), server_default="0", nullable=False),
    ):
        op.add_column("order_line", column)
    _restrict()
    _count_what_went_back()


def downgrade() -> None:
    op.execute("DELETE FROM order_line WHERE kind = 'gift'")
    for name in ("returns_within_quantity", "gifts_cost_nothing", "quantity", "kind"):
        op.drop_constraint(op.f(f"ck_order_line_{name}"), "order_line", type_="check")
    op.create_check_constraint(
        op.f("ck_order_line_quantity"), "order_line", "quantity BETWEEN 1 AND 999"
    )
    for column in ("refunded_quantity", "refunding_quantity", "value_fen", "promotion_id", "kind"):
        op.drop_column("order_line", column)
    op.drop_column("order_refund", "quantities")
    op.drop_column("after_sale", "breakdown")
    op.drop_column("shop_order", "quote_input")


def _restrict() -> None:
    op.drop_constraint(op.f("ck_order_line_quantity"), "order_line", type_="check")
    for name, rule in (
        ("kind", "kind IN ('goods', 'gift')"),
        ("quantity", "quantity >= 1 AND (quantity <= 999 OR kind = 'gift')"),
        (
            "gifts_cost_nothing",
            "CASE kind WHEN 'gift' THEN unit_price_fen = 0 AND value_fen >= 0"
            " AND promotion_id IS NOT NULL ELSE value_fen = 0 AND promotion_id IS NULL END",
        ),
        (
            "returns_within_quantity",
            "refunding_quantity >= 0 AND refunded_quantity >= 0"
            " AND refunding_quantity + refunded_quantity <= quantity",
        ),
    ):
        op.create_check_constraint(op.f(f"ck_order_line_{name}"), "order_line", rule)


def _count_what_went_back() -> None:
    """Until now an order went back whole: count its pieces as its refund counts its money."""
    op.execute(
        """
        UPDATE order_refund AS r SET quantities = pieces.of_line
        FROM shop_order AS o, (
            SELECT order_id, jsonb_object_agg(id::text, quantity) AS of_line
            FROM order_line GROUP BY order_id
        ) AS pieces
        WHERE o.id = r.order_id AND pieces.order_id = o.id AND r.amount_fen = o.paid_fen
            AND r.status IN ('refunding', 'refunded')
        """
    )
    op.execute(
        """
        UPDATE order_line AS l SET
            refunded_quantity = CASE r.status WHEN 'refunded' THEN l.quantity ELSE 0 END,
            refunding_quantity = CASE r.status WHEN 'refunding' THEN l.quantity ELSE 0 END
        FROM order_refund AS r
        WHERE r.order_id = l.order_id AND r.quantities <> '{}'
        """
    )
