"""Coupons: how templates give them out, what was issued, per member too, and codes."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "coupon_template",
        sa.Column("promotion_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "valid_mode",
            sa.Enum(
                "fixed",
                "after_claim",
                name=op.f("ck_coupon_template_valid_mode"),
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("valid_starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid_days", sa.Integer(), nullable=True),
        sa.Column("delay_days", sa.Integer(), nullable=False),
        sa.Column("max_issued", sa.BigInteger(), nullable=True),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("member_max", sa.BigInteger(), nullable=True),
        sa.Column("member_day_max", sa.BigInteger(), nullable=True),
        sa.Column("is_claimable", sa.Boolean(), nullable=False),
        sa.Column("claim_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extend_days", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "CASE valid_mode WHEN 'fixed' THEN num_nonnulls(valid_starts_at, valid_ends_at) = 2 AND valid_days IS NULL ELSE num_nonnulls(valid_starts_at, valid_ends_at) = 0 AND valid_days IS NOT NULL END",
            name=op.f("ck_coupon_template_validity"),
        ),
        sa.CheckConstraint(
            "delay_days >= 0 AND extend_days >= 0",
            name=op.f("ck_coupon_template_days_not_negative"),
        ),
        sa.CheckConstraint(
            "issued <= max_issued", name=op.f("ck_coupon_template_issued_within_total")
        ),
        sa.CheckConstraint("issued >= 0", name=op.f("ck_coupon_template_issued_not_negative")),
        sa.CheckConstraint(
            "valid_days > 0 AND max_issued > 0 AND member_max > 0 AND member_day_max > 0",
            name=op.f("ck_coupon_template_positive"),
        ),
        sa.CheckConstraint(
            "valid_ends_at > valid_starts_at", name=op.f("ck_coupon_template_window")
        ),
        sa.ForeignKeyConstraint(
            ["promotion_id"], ["promotion.id"], name=op.f("fk_coupon_template_promotion_id")
        ),
        sa.PrimaryKeyConstraint("promotion_id", name=op.f("pk_coupon_template")),
    )
    op.create_table(
        "coupon",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("promotion_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "way",
            sa.Enum(
                "claim",
                "code",
                "push",
                "gift",
                name=op.f("ck_coupon_way"),
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "issued",
                "held",
                "used",
                "expired",
                "revoked",
                name=op.f("ck_coupon_status"),
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("source", sa.String(length=100), nullable=True),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_by", sa.String(length=100), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_forfeited", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(held_by IS NOT NULL) = (status IN ('held', 'used'))", name=op.f("ck_coupon_held_by")
        ),
        sa.CheckConstraint("(source IS NULL) = (way = 'claim')", name=op.f("ck_coupon_source")),
        sa.CheckConstraint(
            "NOT is_forfeited OR status IN ('held', 'used', 'revoked')",
            name=op.f("ck_coupon_forfeited"),
        ),
        sa.CheckConstraint(
            "(used_at IS NOT NULL) = (status = 'used')", name=op.f("ck_coupon_used_at")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_coupon_window")),
        sa.CheckConstraint("ordinal > 0", name=op.f("ck_coupon_ordinal_positive")),
        sa.ForeignKeyConstraint(
            ["promotion_id"], ["coupon_template.promotion_id"], name=op.f("fk_coupon_promotion_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupon")),
        sa.UniqueConstraint(
            "source",
            "promotion_id",
            "member_id",
            "ordinal",
            name=op.f("uq_coupon_source_promotion_id_member_id_ordinal"),
        ),
    )
    op.create_index(
        "ix_coupon_ends_at",
        "coupon",
        ["ends_at"],
        unique=False,
        postgresql_where=sa.text("status = 'issued'"),
    )
    op.create_index(
        "ix_coupon_held_by",
        "coupon",
        ["held_by"],
        unique=False,
        postgresql_where=sa.text("held_by IS NOT NULL"),
    )
    op.create_index(
        "ix_coupon_member_id", "coupon", ["member_id", "status", "ends_at", "id"], unique=False
    )
    op.create_index(
        "ix_coupon_promotion_id", "coupon", ["promotion_id", "status", "id"], unique=False
    )
    op.create_table(
        "coupon_member_counter",
        sa.Column("promotion_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("max_issued", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "issued <= max_issued", name=op.f("ck_coupon_member_counter_issued_within_limit")
        ),
        sa.CheckConstraint("issued > 0", name=op.f("ck_coupon_member_counter_issued_positive")),
        sa.ForeignKeyConstraint(
            ["promotion_id"],
            ["coupon_template.promotion_id"],
            name=op.f("fk_coupon_member_counter_promotion_id"),
        ),
        sa.PrimaryKeyConstraint(
            "promotion_id", "member_id", "day", name=op.f("pk_coupon_member_counter")
        ),
    )
    op.create_table(
        "coupon_code_batch",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("promotion_id", sa.BigInteger(), nullable=False),
        sa.Column("codes", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("codes > 0", name=op.f("ck_coupon_code_batch_codes_positive")),
        sa.ForeignKeyConstraint(
            ["promotion_id"],
            ["coupon_template.promotion_id"],
            name=op.f("fk_coupon_code_batch_promotion_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupon_code_batch")),
    )
    op.create_index(
        "ix_coupon_code_batch_promotion_id",
        "coupon_code_batch",
        ["promotion_id", "id"],
        unique=False,
    )
    op.create_table(
        "coupon_code",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("coupon_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["coupon_code_batch.id"], name=op.f("fk_coupon_code_batch_id")
        ),
        sa.ForeignKeyConstraint(
            ["coupon_id"], ["coupon.id"], name=op.f("fk_coupon_code_coupon_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupon_code")),
        sa.UniqueConstraint("code", name=op.f("uq_coupon_code_code")),
        sa.UniqueConstraint("coupon_id", name=op.f("uq_coupon_code_coupon_id")),
    )
    op.create_index("ix_coupon_code_batch_id", "coupon_code", ["batch_id", "id"], unique=False)
    op.create_table(
        "coupon_push",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("promotion_id", sa.BigInteger(), nullable=False),
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("member_ids", sa.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("per_member", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("stopped_by", sa.String(), nullable=True),
        sa.Column("members", sa.BigInteger(), nullable=False),
        sa.Column("reached_id", sa.BigInteger(), nullable=False),
        sa.Column("given", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.Column("revoked", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(finished_at IS NULL) = (status = 'running')", name=op.f("ck_coupon_push_finished_at")
        ),
        sa.CheckConstraint(
            "(member_ids IS NOT NULL) = (segment = 'members')",
            name=op.f("ck_coupon_push_member_ids"),
        ),
        sa.CheckConstraint(
            "segment IN ('all', 'new', 'members')", name=op.f("ck_coupon_push_segment")
        ),
        sa.CheckConstraint(
            "status IN ('running', 'done', 'stopped', 'revoked')",
            name=op.f("ck_coupon_push_status"),
        ),
        sa.CheckConstraint(
            "given >= 0 AND skipped >= 0 AND revoked >= 0", name=op.f("ck_coupon_push_not_negative")
        ),
        sa.CheckConstraint("per_member > 0", name=op.f("ck_coupon_push_per_member_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupon_push")),
    )
    op.create_index(
        "ix_coupon_push_promotion_id", "coupon_push", ["promotion_id", "id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("coupon_push")
    op.drop_table("coupon_code")
    op.drop_table("coupon_code_batch")
    op.drop_table("coupon_member_counter")
    op.drop_table("coupon")
    op.drop_table("coupon_template")
