"""After-sales in every fraction: kinds, deadlines, parcels, entries, and what is retained."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

OLD = ("applied", "refunding", "refunded", "rejected", "cancelled")
STATUSES = (
    "applied", "sending", "sent", "exchanging", "refunding", "refunded", "exchanged", "rejected",
    "appealed", "cancelled",
)  # fmt: skip
REASONS = (
    "changed_mind", "wrong_order", "not_arrived", "damaged", "defective", "not_as_described",
    "wrong_goods", "missing_pieces", "agreed", "other",
)  # fmt: skip


def _one_of(column: str, words: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(word) for word in words)})"


CHECKS = {
    "kind": _one_of("kind", ("money_only", "return_refund", "exchange")),
    "status": _one_of("status", STATUSES),
    "reason_code": _one_of("reason_code", REASONS),
    "exchange_moves_no_money": "kind <> 'exchange' OR amount_fen = 0",
    "decision_fits_status": "(decided_at IS NULL OR status <> 'applied')"
    " AND (decided_at IS NOT NULL OR status IN ('applied', 'cancelled'))"
    " AND (decided_by IS NULL OR decided_at IS NOT NULL)",
    "moments_fit_status": "(refunded_at IS NOT NULL) = (status = 'refunded')"
    " AND (exchanged_at IS NOT NULL) = (status = 'exchanged')"
    " AND (cancelled_at IS NOT NULL) = (status = 'cancelled')",
    "due_fits_status": "(due_at IS NOT NULL)"
    " = (status IN ('applied', 'appealed', 'sending', 'sent'))",
    "appealed_at": "status <> 'appealed' OR appealed_at IS NOT NULL",
}
OLD_CHECKS = {
    "kind": "kind IN ('money_only')",
    "status": _one_of("status", OLD),
    "decision_fits_status": "(decided_at IS NOT NULL) = (status IN ('refunding', 'refunded',"
    " 'rejected')) AND (decided_by IS NOT NULL) = (decided_at IS NOT NULL)",
    "moments_fit_status": "(refunded_at IS NOT NULL) = (status = 'refunded')"
    " AND (cancelled_at IS NOT NULL) = (status = 'cancelled')",
}


def upgrade() -> None:
    _orders()
    _cases()
    op.create_table(
        "after_sale_entry",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("after_sale_id", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(20), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(20), nullable=True),
        sa.Column("pictures", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("words", sa.String(500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "actor IN ('buyer', 'staff', 'clock')", name=op.f("ck_after_sale_entry_actor")
        ),
        sa.CheckConstraint(
            "(staff_id IS NOT NULL) = (actor = 'staff')",
            name=op.f("ck_after_sale_entry_staff_fits_actor"),
        ),
        sa.CheckConstraint(
            "status IS NOT NULL OR words <> '' OR pictures <> '[]'::jsonb",
            name=op.f("ck_after_sale_entry_says_something"),
        ),
        sa.ForeignKeyConstraint(
            ["after_sale_id"], ["after_sale.id"], name=op.f("fk_after_sale_entry_after_sale_id")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_after_sale_entry_staff_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_after_sale_entry")),
    )
    op.create_index(
        "ix_after_sale_entry_after_sale_id", "after_sale_entry", ["after_sale_id", "id"]
    )
    op.create_table(
        "after_sale_parcel",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("after_sale_id", sa.BigInteger(), nullable=False),
        sa.Column("way", sa.String(20), nullable=False),
        sa.Column("company_code", sa.String(20), nullable=False),
        sa.Column("company_name", sa.String(32), nullable=False),
        sa.Column("tracking_no", sa.String(32), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "way IN ('back', 'refused', 'exchange')", name=op.f("ck_after_sale_parcel_way")
        ),
        sa.ForeignKeyConstraint(
            ["after_sale_id"], ["after_sale.id"], name=op.f("fk_after_sale_parcel_after_sale_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_after_sale_parcel")),
    )
    op.create_index("ix_after_sale_parcel_after_sale_id", "after_sale_parcel", ["after_sale_id"])


def _orders() -> None:
    zero = {"server_default": "0", "nullable": False}
    op.add_column("shop_order", sa.Column("open_cases", sa.Integer(), **zero))
    op.create_check_constraint(
        op.f("ck_shop_order_open_cases_not_negative"), "shop_order", "open_cases >= 0"
    )
    op.add_column("order_line", sa.Column("retained_fen", sa.BigInteger(), **zero))
    # What the share of returned pieces was, less what went back: deducted for gifts that stayed.
    op.execute("""
        UPDATE order_line SET retained_fen = greatest(0, payable_fen
            * (refunded_quantity + refunding_quantity) / quantity - refunded_fen - refunding_fen)
        WHERE final_fen IS NULL AND refunded_quantity + refunding_quantity > 0
    """)
    op.create_check_constraint(
        op.f("ck_order_line_retained_within_payable"),
        "order_line",
        "retained_fen >= 0 AND refunding_fen + refunded_fen + retained_fen <= payable_fen",
    )
    op.add_column("order_refund", sa.Column("rest_fen", sa.BigInteger(), **zero))
    op.add_column(
        "order_refund",
        sa.Column(
            "retained", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False
        ),
    )


def _cases() -> None:
    op.drop_index("uq_after_sale_open", "after_sale")
    for name in OLD_CHECKS:
        op.drop_constraint(op.f(f"ck_after_sale_{name}"), "after_sale")
    for column in (
        sa.Column("reason_code", sa.String(20), server_default="other", nullable=False),
        sa.Column("pictures", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("takes_pieces", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("accepted", postgresql.JSONB(), nullable=True),
        sa.Column("return_to", sa.String(200), server_default="", nullable=False),
        sa.Column("appealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("exchanged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("after_sale", column)
    # Staff have the hours of a fresh case to answer those that wait.
    op.execute(
        "UPDATE after_sale SET due_at = now() + interval '48 hours' WHERE status = 'applied'"
    )
    op.execute("""
        UPDATE shop_order AS o SET open_cases = 1 FROM after_sale AS a
        WHERE a.order_id = o.id AND a.status IN ('applied', 'refunding')
    """)
    for name, rule in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_after_sale_{name}"), "after_sale", rule)
    op.create_index(
        "ix_after_sale_due_at",
        "after_sale",
        ["due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("after_sale_parcel")
    op.drop_table("after_sale_entry")
    op.drop_index("ix_after_sale_due_at", "after_sale")
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_after_sale_{name}"), "after_sale")
    for column in (
        "reason_code", "pictures", "takes_pieces", "accepted", "return_to", "appealed_at",
        "exchanged_at", "due_at",
    ):  # fmt: skip
        op.drop_column("after_sale", column)
    for name, rule in OLD_CHECKS.items():
        op.create_check_constraint(op.f(f"ck_after_sale_{name}"), "after_sale", rule)
    op.create_index(
        "uq_after_sale_open",
        "after_sale",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('applied', 'refunding')"),
    )
    op.drop_column("order_refund", "retained")
    op.drop_column("order_refund", "rest_fen")
    op.drop_constraint(op.f("ck_order_line_retained_within_payable"), "order_line")
    op.drop_column("order_line", "retained_fen")
    op.drop_constraint(op.f("ck_shop_order_open_cases_not_negative"), "shop_order")
    op.drop_column("shop_order", "open_cases")
