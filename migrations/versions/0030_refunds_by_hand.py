"""Refunds that staff gave back outside of WeChat, because WeChat would not."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

VERB = "ck_refund_action_verb"
RECEIPT = "ck_refund_receipt_fits_status"
VERBS_BEFORE = "verb IN ('retry', 'rescue', 'replace')"
VERBS = "verb IN ('retry', 'rescue', 'replace', 'by_hand')"


def upgrade() -> None:
    op.add_column("refund", sa.Column("receipt_no", sa.String(64)))
    op.create_check_constraint(op.f(RECEIPT), "refund", "receipt_no IS NULL OR status = 'success'")
    _change_verbs(VERBS)


def downgrade() -> None:
    # History is append-only, but for a hand on the database itself.
    op.execute("ALTER TABLE refund_action DISABLE TRIGGER append_only")
    op.execute("DELETE FROM refund_action WHERE verb = 'by_hand'")
    op.execute("ALTER TABLE refund_action ENABLE TRIGGER append_only")
    _change_verbs(VERBS_BEFORE)
    op.drop_constraint(op.f(RECEIPT), "refund", type_="check")
    op.drop_column("refund", "receipt_no")


def _change_verbs(rule: str) -> None:
    op.drop_constraint(op.f(VERB), "refund_action", type_="check")
    op.create_check_constraint(op.f(VERB), "refund_action", rule)
