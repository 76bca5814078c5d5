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
    for name in ("member_saves_fen", "tender_fen"):
        for table in ("shop_order", "order_line"):
            op.add_column(
                table, sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
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
    _know_levels_and_points()
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
    _forget_levels_and_points()
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


AMOUNTS = (
    ("shop_order", "discount_within_items", "discount_fen BETWEEN 0 AND items_fen",
     "member_saves_fen >= 0 AND discount_fen >= 0 AND tender_fen >= 0"
     " AND member_saves_fen + discount_fen + tender_fen <= items_fen"),
    ("shop_order", "payable_is_the_sum", "items_fen - discount_fen + freight_fen = payable_fen",
     "items_fen - member_saves_fen - discount_fen + freight_fen - tender_fen = payable_fen"),
    ("order_line", "discount_within_amount", "discount_fen BETWEEN 0 AND amount_fen",
     "member_saves_fen >= 0 AND discount_fen >= 0 AND tender_fen >= 0"
     " AND member_saves_fen + discount_fen + tender_fen <= amount_fen"),
    ("order_line", "payable_is_the_rest", "payable_fen = amount_fen - discount_fen",
     "payable_fen = amount_fen - member_saves_fen - discount_fen - tender_fen"),
)  # fmt: skip
"""Table, name, the rule before and the rule from now on."""


def _know_levels_and_points() -> None:
    for table, name, _, rule in AMOUNTS:
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)


def _forget_levels_and_points() -> None:
    """The release before has no such orders; had there been any, they count as discounted."""
    for table in ("shop_order", "order_line"):
        for _, name, _, _ in (each for each in AMOUNTS if each[0] == table):
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
        op.execute(
            f"UPDATE {table} SET discount_fen = discount_fen + member_saves_fen + tender_fen"
            " WHERE member_saves_fen + tender_fen > 0"
        )
        for column in ("tender_fen", "member_saves_fen"):
            op.drop_column(table, column)
    for table, name, rule, _ in AMOUNTS:
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)


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
