"""What distributors see: figures by period, places in teams, and the indexes of their pages."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

AMOUNTS = (
    "orders",
    "earned_fen",
    "clawed_fen",
    "matured_fen",
    "withdrawn_fen",
    "fee_fen",
    "tax_fen",
    "adjusted_fen",
    "frozen_fen",
    "available_fen",
    "withdrawing_fen",
    "receivable_fen",
)
STANDS = sa.text("level IS NOT NULL")


def upgrade() -> None:
    _make_periods()
    _make_places()
    _fill_places()
    _index_history()


def downgrade() -> None:
    for name in ("maturing", "held", "clawed", "beneficiary"):
        op.drop_index(f"ix_commission_{name}", "commission")
    op.create_index("ix_commission_beneficiary", "commission", ["beneficiary_id", "id"])
    for name in ("accounts", "commission", "member"):
        op.drop_index(f"ix_entry_{name}", "entry")
    op.create_index("ix_entry_member", "entry", ["member_id", sa.literal_column("id DESC")])
    for name in ("team_size", "team_place", "period_rollup", "distributor_period"):
        op.drop_table(name)


def _make_periods() -> None:
    op.create_table(
        "distributor_period",
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("unit", sa.String(20), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in AMOUNTS),
        sa.Column("first_entry_id", sa.BigInteger(), nullable=False),
        sa.Column("last_entry_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "net_fen",
            sa.BigInteger(),
            sa.Computed("earned_fen - clawed_fen", persisted=True),
            nullable=False,
        ),
        sa.CheckConstraint(
            "unit IN ('day', 'week', 'month', 'total')", name=op.f("ck_distributor_period_unit")
        ),
        sa.CheckConstraint(
            "orders >= 0 AND earned_fen >= 0 AND clawed_fen >= 0 AND matured_fen >= 0"
            " AND withdrawn_fen >= 0 AND fee_fen >= 0 AND tax_fen >= 0",
            name=op.f("ck_distributor_period_not_negative"),
        ),
        sa.CheckConstraint(
            "fee_fen + tax_fen <= withdrawn_fen",
            name=op.f("ck_distributor_period_kept_within_withdrawn"),
        ),
        sa.CheckConstraint(
            "frozen_fen + available_fen + withdrawing_fen - receivable_fen"
            " = earned_fen - clawed_fen - withdrawn_fen + adjusted_fen",
            name=op.f("ck_distributor_period_accounts_grew_by_what_came"),
        ),
        sa.CheckConstraint(
            "CASE unit WHEN 'week' THEN extract(isodow FROM starts_on) = 1"
            " WHEN 'month' THEN extract(day FROM starts_on) = 1"
            " WHEN 'total' THEN starts_on = DATE '1970-01-01' ELSE true END",
            name=op.f("ck_distributor_period_starts_where_it_starts"),
        ),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["distributor.member_id"],
            name=op.f("fk_distributor_period_member_id"),
        ),
        sa.PrimaryKeyConstraint(
            "member_id", "unit", "starts_on", name=op.f("pk_distributor_period")
        ),
    )
    op.create_index(
        "ix_distributor_period_rank",
        "distributor_period",
        ["unit", "starts_on", sa.literal_column("net_fen DESC"), "member_id"],
    )
    op.create_table(
        "period_rollup",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("rolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_period_rollup_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_period_rollup")),
    )


def _make_places() -> None:
    op.create_table(
        "team_place",
        sa.Column("upline_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=True),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("orders", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("earned_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("clawed_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "net_fen",
            sa.BigInteger(),
            sa.Computed("earned_fen - clawed_fen", persisted=True),
            nullable=False,
        ),
        sa.CheckConstraint("level IN (1, 2)", name=op.f("ck_team_place_one_or_two_levels")),
        sa.CheckConstraint(
            "level IS NULL OR bound_at IS NOT NULL", name=op.f("ck_team_place_stands_since")
        ),
        sa.CheckConstraint(
            "level IS NULL OR upline_id <> member_id", name=op.f("ck_team_place_not_self")
        ),
        sa.CheckConstraint(
            "orders >= 0 AND earned_fen >= 0 AND clawed_fen >= 0",
            name=op.f("ck_team_place_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["upline_id"], ["distributor.member_id"], name=op.f("fk_team_place_upline_id")
        ),
        sa.PrimaryKeyConstraint("upline_id", "member_id", name=op.f("pk_team_place")),
    )
    for name, key in (("joined", "bound_at"), ("amount", "net_fen")):
        op.create_index(
            f"ix_team_place_{name}",
            "team_place",
            ["upline_id", "level", key, "member_id"],
            postgresql_where=STANDS,
        )
    op.create_index(
        "ix_team_place_member", "team_place", ["member_id"], postgresql_where=STANDS
    )
    op.create_table(
        "team_size",
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("level1_count", sa.BigInteger(), nullable=False),
        sa.Column("level2_count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["distributor.member_id"], name=op.f("fk_team_size_member_id")
        ),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_team_size")),
    )


def _fill_places() -> None:
    """Everybody who is bound stands somewhere; what they brought the roll-up adds by itself."""
    op.execute(
        "INSERT INTO team_place (upline_id, member_id, level, bound_at)"
        " SELECT upline_member_id, member_id, 1, bound_at FROM binding"
        " UNION ALL SELECT far.upline_member_id, near.member_id, 2, near.bound_at"
        " FROM binding AS near JOIN binding AS far ON far.member_id = near.upline_member_id"
    )
    op.execute(
        "INSERT INTO team_size (member_id, level1_count, level2_count)"
        " SELECT upline_id, count(*) FILTER (WHERE level = 1), count(*) FILTER (WHERE level = 2)"
        " FROM team_place GROUP BY upline_id"
    )


def _index_history() -> None:
    op.drop_index("ix_entry_member", "entry")
    op.create_index("ix_entry_member", "entry", ["member_id", "id"])
    op.create_index(
        "ix_entry_accounts", "entry", ["debit_account_id", "credit_account_id", "id"]
    )
    op.create_index(
        "ix_entry_commission",
        "entry",
        ["commission_id"],
        postgresql_where=sa.text("commission_id IS NOT NULL"),
    )
    op.drop_index("ix_commission_beneficiary", "commission")
    op.create_index(
        "ix_commission_beneficiary",
        "commission",
        ["beneficiary_id", "level", "state", "accrued_at", "posting_id"],
    )
    for name, condition in (("clawed", "clawed_fen > 0"), ("held", "claims > 0")):
        op.create_index(
            f"ix_commission_{name}",
            "commission",
            ["beneficiary_id", "accrued_at", "posting_id"],
            postgresql_where=sa.text(condition),
        )
    op.create_index(
        "ix_commission_maturing",
        "commission",
        ["beneficiary_id", "mature_at"],
        postgresql_where=sa.text("state = 'frozen' AND mature_at IS NOT NULL"),
    )
