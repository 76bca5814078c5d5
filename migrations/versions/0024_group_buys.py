"""Teams of buyers, and the seats that orders have in them."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def _words(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=op.f(name), native_enum=False, create_constraint=True, length=20)


def upgrade() -> None:
    op.create_table(
        "buying_team",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("team_no", sa.String(length=40), nullable=False),
        sa.Column("promotion_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            _words("ck_buying_team_status", "opening", "open", "complete", "failed"),
            nullable=False,
        ),
        sa.Column("opener_id", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("team_minutes", sa.Integer(), nullable=False),
        sa.Column("places", _words("ck_buying_team_places", "held", "first_paid"), nullable=False),
        sa.Column(
            "when_late",
            _words("ck_buying_team_when_late", "join", "open", "refund"),
            nullable=False,
        ),
        sa.Column("newcomers_only", sa.Boolean(), nullable=False),
        sa.Column("auto_completes", sa.Boolean(), nullable=False),
        sa.Column("seats_taken", sa.Integer(), nullable=False),
        sa.Column("seats_held", sa.Integer(), nullable=False),
        sa.Column("seats_filled", sa.Integer(), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "fail_reason",
            _words("ck_buying_team_fail_reason", "expired", "stopped", "deserted", "never_opened"),
            nullable=True,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(fail_reason IS NOT NULL) = (status = 'failed')",
            name=op.f("ck_buying_team_failed_for"),
        ),
        sa.CheckConstraint(
            "(settled_at IS NOT NULL) = (status IN ('complete', 'failed'))",
            name=op.f("ck_buying_team_settled"),
        ),
        sa.CheckConstraint(
            "(status = 'complete') = (seats_taken + seats_filled = size)",
            name=op.f("ck_buying_team_complete_is_full"),
        ),
        sa.CheckConstraint(
            "CASE status WHEN 'opening' THEN opened_at IS NULL WHEN 'failed' THEN true"
            " ELSE opened_at IS NOT NULL END",
            name=op.f("ck_buying_team_opened"),
        ),
        sa.CheckConstraint(
            "places = 'first_paid' OR seats_taken + seats_held <= size",
            name=op.f("ck_buying_team_held_within_size"),
        ),
        sa.CheckConstraint(
            "(opened_at IS NULL) = (ends_at IS NULL)", name=op.f("ck_buying_team_has_end")
        ),
        sa.CheckConstraint(
            "auto_completes OR seats_filled = 0", name=op.f("ck_buying_team_filled")
        ),
        sa.CheckConstraint("ends_at > opened_at AND ends_at <= closes_at", name=op.f("ck_buying_team_window")),
        sa.CheckConstraint(
            "seats_taken + seats_filled <= size", name=op.f("ck_buying_team_seats_within_size")
        ),
        sa.CheckConstraint(
            "seats_taken >= 0 AND seats_held >= 0 AND seats_filled >= 0",
            name=op.f("ck_buying_team_seats_not_negative"),
        ),
        sa.CheckConstraint(
            "size BETWEEN 2 AND 100 AND team_minutes > 0", name=op.f("ck_buying_team_terms")
        ),
        sa.ForeignKeyConstraint(
            ["promotion_id"], ["promotion.id"], name=op.f("fk_buying_team_promotion_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_buying_team")),
        sa.UniqueConstraint("team_no", name=op.f("uq_buying_team_team_no")),
    )
    op.create_index(
        "ix_buying_team_ends_at",
        "buying_team",
        ["ends_at"],
        unique=False,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_index(
        "ix_buying_team_open",
        "buying_team",
        ["promotion_id", "opened_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_index(
        "ix_buying_team_promotion_id", "buying_team", ["promotion_id", "id"], unique=False
    )
    op.create_table(
        "team_seat",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.Column("held_team_id", sa.BigInteger(), nullable=False),
        sa.Column("opens_team", sa.Boolean(), nullable=False),
        sa.Column(
            "status",
            _words("ck_team_seat_status", "held", "taken", "released", "refunding", "refunded"),
            nullable=False,
        ),
        sa.Column(
            "outcome",
            _words("ck_team_seat_outcome", "taken", "moved", "opened", "to_refund"),
            nullable=True,
        ),
        sa.Column(
            "late_reason",
            _words("ck_team_seat_late_reason", "full", "failed", "over", "released"),
            nullable=True,
        ),
        sa.Column(
            "refund_reason",
            _words("ck_team_seat_refund_reason", "late", "expired", "stopped", "left"),
            nullable=True,
        ),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refunded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(late_reason IS NOT NULL)"
            " = (coalesce(outcome, '') IN ('moved', 'opened', 'to_refund'))",
            name=op.f("ck_team_seat_late_for"),
        ),
        sa.CheckConstraint(
            "(paid_at IS NULL) = (status IN ('held', 'released'))", name=op.f("ck_team_seat_paid")
        ),
        sa.CheckConstraint(
            "(refund_reason IS NOT NULL) = (status IN ('refunding', 'refunded'))",
            name=op.f("ck_team_seat_refunded_for"),
        ),
        sa.CheckConstraint(
            "(refunded_at IS NOT NULL) = (status = 'refunded')", name=op.f("ck_team_seat_refunded")
        ),
        sa.CheckConstraint(
            "(team_id <> held_team_id) = (coalesce(outcome, '') IN ('moved', 'opened'))",
            name=op.f("ck_team_seat_moved"),
        ),
        sa.CheckConstraint(
            "(outcome IS NULL) = (paid_at IS NULL)", name=op.f("ck_team_seat_paid_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["held_team_id"], ["buying_team.id"], name=op.f("fk_team_seat_held_team_id")
        ),
        sa.ForeignKeyConstraint(["team_id"], ["buying_team.id"], name=op.f("fk_team_seat_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team_seat")),
        sa.UniqueConstraint("source", name=op.f("uq_team_seat_source")),
    )
    op.create_index("ix_team_seat_member_id", "team_seat", ["member_id", "id"], unique=False)
    op.create_index(
        "ix_team_seat_refunding",
        "team_seat",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status = 'refunding'"),
    )
    op.create_index("ix_team_seat_team_id", "team_seat", ["team_id", "id"], unique=False)
    op.create_index(
        "uq_team_seat_member",
        "team_seat",
        ["team_id", "member_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('held', 'taken')"),
    )


def downgrade() -> None:
    op.drop_table("team_seat")
    op.drop_table("buying_team")
