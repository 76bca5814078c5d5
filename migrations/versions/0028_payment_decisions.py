"""What people decide about money: facts set aside, refunds that are stuck."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

INBOX = "'received', 'applied', 'ignored', 'quarantined'"
REFUND = "'pending', 'processing', 'abnormal', 'closed', 'success'"
REFUND_NOW = "'pending', 'processing', 'abnormal', 'closed', 'replaced', 'success'"
REASON_BEFORE = "(reason IS NOT NULL) = (status = 'quarantined')"
REASON = (
    "CASE WHEN status IN ('received', 'ignored') THEN reason IS NULL"
    " WHEN status = 'applied' THEN TRUE ELSE reason IS NOT NULL END"
)
NEEDS_BEFORE = "(amount_fen = 0) = (payment_id IS NULL) AND (amount_fen > 0 OR status = 'success')"
NEEDS = (
    "(amount_fen = 0 OR decision_id IS NOT NULL) = (payment_id IS NULL)"
    " AND (amount_fen > 0 OR status = 'success')"
)
STUCK = "status IN ('abnormal', 'closed') OR (status = 'pending' AND last_error IS NOT NULL)"


def upgrade() -> None:
    _check("pay_inbox", "status", f"status IN ({INBOX}, 'returned', 'dismissed')")
    _check("pay_inbox", "reason_fits_status", REASON)
    _decisions()
    op.add_column("payment", sa.Column("refund_sent_at", sa.DateTime(timezone=True)))
    op.add_column("refund", sa.Column("rescue_body", sa.LargeBinary()))
    op.add_column("refund", sa.Column("rescue_serial", sa.String(64)))
    op.add_column("refund", sa.Column("rescued_at", sa.DateTime(timezone=True)))
    _stray_refunds()
    _actions()
    for table in ("quarantine_decision", "refund_action"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_changing_history()"
        )


def downgrade() -> None:
    op.drop_table("refund_action")
    op.execute("DELETE FROM refund WHERE decision_id IS NOT NULL")
    for name in ("replaced_by_another", "of_something", "stray_money_is_of_no_order"):
        op.drop_constraint(op.f(f"ck_refund_{name}"), "refund", type_="check")
    op.execute("UPDATE refund SET status = 'closed' WHERE status = 'replaced'")
    _check("refund", "nothing_to_give_back_needs_no_payment", NEEDS_BEFORE)
    _check("refund", "status", f"status IN ({REFUND})")
    op.drop_index("ix_refund_stuck", "refund")
    op.drop_index("ix_refund_decision_id", "refund")
    op.drop_column("refund", "replaced_by_id")
    op.drop_column("refund", "decision_id")
    op.alter_column("refund", "order_id", nullable=False)
    for column in ("rescued_at", "rescue_serial", "rescue_body"):
        op.drop_column("refund", column)
    op.drop_column("payment", "refund_sent_at")
    op.drop_table("quarantine_decision")
    op.execute(
        "UPDATE pay_inbox SET status = 'quarantined' WHERE status IN ('returned', 'dismissed')"
    )
    op.execute("UPDATE pay_inbox SET reason = NULL WHERE status = 'applied'")
    _check("pay_inbox", "reason_fits_status", REASON_BEFORE)
    _check("pay_inbox", "status", f"status IN ({INBOX})")


def _check(table: str, name: str, rule: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)


def _decisions() -> None:
    table = "quarantine_decision"
    op.create_table(
        table,
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("decision", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("transaction_id", sa.String(32), nullable=True),
        sa.Column("out_trade_no", sa.String(64), nullable=True),
        sa.Column("mchid", sa.String(64), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "decision IN ('refund', 'apply', 'dismiss')", name=op.f(f"ck_{table}_decision")
        ),
        sa.CheckConstraint(
            "num_nonnulls(transaction_id, out_trade_no, mchid, amount_fen) IN (0, 4)",
            name=op.f(f"ck_{table}_money_is_whole"),
        ),
        sa.CheckConstraint(
            "decision <> 'refund' OR amount_fen > 0",
            name=op.f(f"ck_{table}_what_goes_back_is_something"),
        ),
        sa.ForeignKeyConstraint(["inbox_id"], ["pay_inbox.id"], name=op.f(f"fk_{table}_inbox_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f(f"fk_{table}_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(
        "uq_quarantine_decision_refunded",
        table,
        ["transaction_id"],
        unique=True,
        postgresql_where=sa.text("decision = 'refund'"),
    )
    op.create_index("ix_quarantine_decision_transaction_id", table, ["transaction_id"])
    op.create_index("ix_quarantine_decision_inbox_id", table, ["inbox_id"])


def _stray_refunds() -> None:
    op.alter_column("refund", "order_id", nullable=True)
    op.add_column("refund", sa.Column("decision_id", sa.BigInteger(), nullable=True))
    op.add_column("refund", sa.Column("replaced_by_id", sa.BigInteger(), nullable=True))
    op.create_index("ix_refund_decision_id", "refund", ["decision_id"])
    op.create_index("ix_refund_stuck", "refund", ["id"], postgresql_where=sa.text(STUCK))
    op.create_foreign_key(
        op.f("fk_refund_decision_id"), "refund", "quarantine_decision", ["decision_id"], ["id"]
    )
    op.create_foreign_key(
        op.f("fk_refund_replaced_by_id"), "refund", "refund", ["replaced_by_id"], ["id"]
    )
    _check("refund", "status", f"status IN ({REFUND_NOW})")
    _check("refund", "nothing_to_give_back_needs_no_payment", NEEDS)
    for name, rule in {
        "stray_money_is_of_no_order": (
            "decision_id IS NULL OR (amount_fen > 0 AND line_amounts IS NULL)"
        ),
        "of_something": "order_id IS NOT NULL OR decision_id IS NOT NULL",
        "replaced_by_another": "(replaced_by_id IS NOT NULL) = (status = 'replaced')",
    }.items():
        op.create_check_constraint(op.f(f"ck_refund_{name}"), "refund", rule)


def _actions() -> None:
    table = "refund_action"
    op.create_table(
        table,
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("refund_id", sa.BigInteger(), nullable=False),
        sa.Column("verb", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("detail", sa.String(64), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "verb IN ('retry', 'rescue', 'replace')", name=op.f(f"ck_{table}_verb")
        ),
        sa.ForeignKeyConstraint(["refund_id"], ["refund.id"], name=op.f(f"fk_{table}_refund_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f(f"fk_{table}_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index("ix_refund_action_refund_id", table, ["refund_id"])
