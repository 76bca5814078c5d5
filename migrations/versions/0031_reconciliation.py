"""Reconciliation: bills and their lines, the sums of each day, the differences found."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

BILLS = "bill IN ('trade', 'basic', 'operation')"
BOOKS = "book IN ('trade', 'funds')"
KINDS = "kind IN ('payment', 'refund', 'payout', 'fee', 'other')"
VERDICTS = ("missing_here", "missing_there", "amount_differs", "state_differs", "timing")
MOMENTS = (("payment", "paid_at"), ("refund", "submitted_at"), ("refund", "settled_at"))
"""By which a day's own rows are found; they lie nearly in the order of their ids."""


def _at(name: str, *, nullable: bool) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "reconciliation_day",
        sa.Column("bill_day", sa.Date(), nullable=False),
        _at("begun_at", nullable=False),
        _at("matched_at", nullable=True),
        sa.Column("inputs_sha256", sa.String(64), nullable=True),
        sa.CheckConstraint(
            "(matched_at IS NULL) = (inputs_sha256 IS NULL)",
            name=op.f("ck_reconciliation_day_matched_is_whole"),
        ),
        sa.PrimaryKeyConstraint("bill_day", name=op.f("pk_reconciliation_day")),
    )
    _bills()
    _sums()
    _breaks()
    for table, column in MOMENTS:
        op.create_index(
            f"ix_{table}_{column}",
            table,
            [column],
            postgresql_using="brin",
            postgresql_with={"autosummarize": "true"},
        )


def _day(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["bill_day"], ["reconciliation_day.bill_day"], name=op.f(f"fk_{table}_bill_day")
    )


def _bills() -> None:
    op.create_table(
        "bill_download",
        sa.Column("bill_day", sa.Date(), nullable=False),
        sa.Column("bill", sa.String(20), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("sha1", sa.String(40), nullable=True),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        _at("asked_at", nullable=True),
        _at("done_at", nullable=True),
        sa.Column("last_error", sa.String(200), nullable=True),
        sa.CheckConstraint(BILLS, name=op.f("ck_bill_download_bill")),
        sa.CheckConstraint(
            "status IN ('wanted', 'none', 'loaded')", name=op.f("ck_bill_download_status")
        ),
        sa.CheckConstraint(
            "(status = 'loaded') = (sha1 IS NOT NULL) AND (status = 'wanted') = (done_at IS NULL)",
            name=op.f("ck_bill_download_done_fits_status"),
        ),
        sa.CheckConstraint(
            "lines >= 0 AND (lines = 0 OR sha1 IS NOT NULL)", name=op.f("ck_bill_download_lines")
        ),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_bill_download_tries_not_negative")),
        _day("bill_download"),
        sa.PrimaryKeyConstraint("bill_day", "bill", name=op.f("pk_bill_download")),
    )
    op.create_table(
        "bill_line",
        sa.Column("bill_day", sa.Date(), nullable=False),
        sa.Column("bill", sa.String(20), nullable=False),
        sa.Column("line_no", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("out_no", sa.String(64), nullable=False),
        sa.Column("wechat_no", sa.String(64), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        _at("moved_at", nullable=False),
        sa.CheckConstraint(BILLS, name=op.f("ck_bill_line_bill")),
        sa.CheckConstraint(KINDS, name=op.f("ck_bill_line_kind")),
        sa.CheckConstraint("line_no > 0", name=op.f("ck_bill_line_line_no_positive")),
        sa.PrimaryKeyConstraint("bill_day", "bill", "line_no", name=op.f("pk_bill_line")),
    )
    op.create_index("ix_bill_line_out_no", "bill_line", ["out_no"])


def _sums() -> None:
    op.create_table(
        "reconciliation_sum",
        sa.Column("bill_day", sa.Date(), nullable=False),
        sa.Column("book", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("ours", sa.BigInteger(), nullable=False),
        sa.Column("matched", sa.BigInteger(), nullable=False),
        sa.Column("bill_fen", sa.BigInteger(), nullable=False),
        sa.Column("local_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(BOOKS, name=op.f("ck_reconciliation_sum_book")),
        sa.CheckConstraint(KINDS, name=op.f("ck_reconciliation_sum_kind")),
        sa.CheckConstraint(
            "lines >= 0 AND ours >= 0 AND matched >= 0",
            name=op.f("ck_reconciliation_sum_counts_not_negative"),
        ),
        _day("reconciliation_sum"),
        sa.PrimaryKeyConstraint("bill_day", "book", "kind", name=op.f("pk_reconciliation_sum")),
    )


def _breaks() -> None:
    words = ", ".join(f"'{verdict}'" for verdict in VERDICTS)
    op.create_table(
        "bill_break",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("bill_day", sa.Date(), nullable=False),
        sa.Column("book", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("out_no", sa.String(64), nullable=False),
        sa.Column("wechat_no", sa.String(64), nullable=True),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("resolver", sa.String(20), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("bill_fen", sa.BigInteger(), nullable=True),
        sa.Column("local_fen", sa.BigInteger(), nullable=True),
        sa.Column("ledger_fen", sa.BigInteger(), nullable=True),
        sa.Column("difference_fen", sa.BigInteger(), nullable=False),
        sa.Column("bill_state", sa.String(40), nullable=True),
        sa.Column("local_state", sa.String(40), nullable=True),
        _at("asked_at", nullable=True),
        sa.Column("answer", sa.String(200), nullable=True),
        sa.Column("how", sa.String(20), nullable=True),
        sa.Column("reason", sa.String(200), nullable=True),
        sa.Column("resolved_by", sa.BigInteger(), nullable=True),
        _at("found_at", nullable=False),
        _at("resolved_at", nullable=True),
        sa.CheckConstraint(BOOKS, name=op.f("ck_bill_break_book")),
        sa.CheckConstraint(KINDS, name=op.f("ck_bill_break_kind")),
        sa.CheckConstraint(f"verdict IN ({words})", name=op.f("ck_bill_break_verdict")),
        sa.CheckConstraint("status IN ('open', 'resolved')", name=op.f("ck_bill_break_status")),
        sa.CheckConstraint(
            "resolver IN ('wechat', 'next_bill', 'staff')", name=op.f("ck_bill_break_resolver")
        ),
        sa.CheckConstraint(
            "(status = 'resolved') = (how IS NOT NULL)"
            " AND (how IS NULL) = (resolved_at IS NULL)"
            " AND (resolved_by IS NULL) = (reason IS NULL)"
            " AND (resolved_by IS NULL OR how IS NOT NULL)",
            name=op.f("ck_bill_break_resolution_is_whole"),
        ),
        sa.CheckConstraint(
            "(asked_at IS NULL) = (answer IS NULL)", name=op.f("ck_bill_break_answer_fits_asking")
        ),
        _day("bill_break"),
        sa.ForeignKeyConstraint(["owner_id"], ["staff.id"], name=op.f("fk_bill_break_owner_id")),
        sa.ForeignKeyConstraint(
            ["resolved_by"], ["staff.id"], name=op.f("fk_bill_break_resolved_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bill_break")),
    )
    op.create_index(
        "uq_bill_break", "bill_break", ["bill_day", "book", "kind", "out_no"], unique=True
    )
    op.create_index(
        "ix_bill_break_open", "bill_break", ["id"], postgresql_where=sa.text("status = 'open'")
    )
    op.create_index("ix_bill_break_owner_id", "bill_break", ["owner_id"])


def downgrade() -> None:
    for table, column in MOMENTS:
        op.drop_index(f"ix_{table}_{column}", table)
    for table in ("bill_break", "reconciliation_sum", "bill_line", "bill_download"):
        op.drop_table(table)
    op.drop_table("reconciliation_day")
