"""The promotions engine: campaigns, their append-only history, limits and the snapshot version."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "promotion",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "published",
                "paused",
                "ended",
                name=op.f("ck_promotion_status"),
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column(
            "lane",
            sa.Enum(
                "base",
                "price",
                "line",
                "order",
                "coupon",
                "shipping",
                "tender",
                name=op.f("ck_promotion_lane"),
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("group_name", sa.String(length=40), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("tags", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("definition", postgresql.JSONB(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_promotion_window")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_promotion_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotion")),
    )
    op.create_index("ix_promotion_group", "promotion", ["lane", "group_name"], unique=False)
    op.create_index("ix_promotion_status", "promotion", ["status", "id"], unique=False)
    op.create_table(
        "snapshot_version",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_snapshot_version_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot_version")),
    )
    op.create_table(
        "promotion_counter",
        sa.Column("promotion_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("max_uses", sa.BigInteger(), nullable=True),
        sa.Column("budget_fen", sa.BigInteger(), nullable=True),
        sa.Column("uses_reserved", sa.BigInteger(), nullable=False),
        sa.Column("uses_used", sa.BigInteger(), nullable=False),
        sa.Column("reserved_fen", sa.BigInteger(), nullable=False),
        sa.Column("used_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "max_uses > 0 AND budget_fen > 0", name=op.f("ck_promotion_counter_caps_positive")
        ),
        sa.CheckConstraint(
            "num_nonnulls(max_uses, budget_fen) > 0", name=op.f("ck_promotion_counter_limited")
        ),
        sa.CheckConstraint(
            "reserved_fen >= 0 AND used_fen >= 0",
            name=op.f("ck_promotion_counter_budget_not_negative"),
        ),
        sa.CheckConstraint(
            "used_fen + reserved_fen <= budget_fen",
            name=op.f("ck_promotion_counter_budget_within_cap"),
        ),
        sa.CheckConstraint(
            "uses_reserved >= 0 AND uses_used >= 0",
            name=op.f("ck_promotion_counter_uses_not_negative"),
        ),
        sa.CheckConstraint(
            "uses_used + uses_reserved <= max_uses",
            name=op.f("ck_promotion_counter_uses_within_cap"),
        ),
        sa.ForeignKeyConstraint(
            ["promotion_id"], ["promotion.id"], name=op.f("fk_promotion_counter_promotion_id")
        ),
        sa.PrimaryKeyConstraint("promotion_id", name=op.f("pk_promotion_counter")),
    )
    op.create_table(
        "promotion_reservation",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("promotion_id", sa.BigInteger(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "reserved",
                "confirmed",
                "released",
                name=op.f("ck_promotion_reservation_status"),
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (status = 'reserved')",
            name=op.f("ck_promotion_reservation_settled"),
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_promotion_reservation_amount_positive")),
        sa.CheckConstraint("uses > 0", name=op.f("ck_promotion_reservation_uses_positive")),
        sa.ForeignKeyConstraint(
            ["promotion_id"], ["promotion.id"], name=op.f("fk_promotion_reservation_promotion_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotion_reservation")),
        sa.UniqueConstraint(
            "source", "promotion_id", name=op.f("uq_promotion_reservation_source_promotion_id")
        ),
    )
    op.create_index(
        "ix_promotion_reservation_promotion_id_status",
        "promotion_reservation",
        ["promotion_id", "status"],
        unique=False,
    )
    op.create_table(
        "promotion_version",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("promotion_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "action",
            sa.Enum(
                "created",
                "changed",
                "published",
                "paused",
                "resumed",
                "ended",
                name=op.f("ck_promotion_version_action"),
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("changed_by", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["promotion_id"], ["promotion.id"], name=op.f("fk_promotion_version_promotion_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotion_version")),
        sa.UniqueConstraint(
            "promotion_id", "version", name=op.f("uq_promotion_version_promotion_id_version")
        ),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON promotion_version "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_changing_history()"
    )
    # The first snapshot is the empty one; campaigns number theirs from 2.
    op.execute("CREATE SEQUENCE snapshot_number START WITH 2")
    op.execute("INSERT INTO snapshot_version (id, version, changed_at) VALUES (1, 1, now())")


def downgrade() -> None:
    op.execute("DROP SEQUENCE snapshot_number")
    op.drop_table("promotion_version")
    op.drop_index(
        "ix_promotion_reservation_promotion_id_status", table_name="promotion_reservation"
    )
    op.drop_table("promotion_reservation")
    op.drop_table("promotion_counter")
    op.drop_table("snapshot_version")
    op.drop_index("ix_promotion_status", table_name="promotion")
    op.drop_index("ix_promotion_group", table_name="promotion")
    op.drop_table("promotion")
