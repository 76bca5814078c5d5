"""Clicks, and bindings that may end or change."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

APPEND_ONLY = ("share_click", "binding_rules")


def upgrade() -> None:
    op.create_table(
        "binding_rules",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("mode", _words("mode", "permanent", "protected", "last_touch"), nullable=False),
        sa.Column("protect_days", sa.Integer(), nullable=False),
        sa.Column("extend_days", sa.Integer(), nullable=False),
        sa.Column(
            "bindable",
            _words("bindable", "everyone", "never_paid", "just_registered"),
            nullable=False,
        ),
        sa.Column("new_minutes", sa.Integer(), nullable=False),
        sa.Column("click_days", sa.Integer(), nullable=False),
        sa.Column("on_leaving", _words("on_leaving", "keep", "release"), nullable=False),
        sa.Column("changed_by", sa.String(length=100), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "protect_days BETWEEN 1 AND 3650", name=op.f("ck_binding_rules_protect_days")
        ),
        sa.CheckConstraint(
            "extend_days BETWEEN 0 AND 3650", name=op.f("ck_binding_rules_extend_days")
        ),
        sa.CheckConstraint(
            "new_minutes BETWEEN 1 AND 525600", name=op.f("ck_binding_rules_new_minutes")
        ),
        sa.CheckConstraint("click_days BETWEEN 1 AND 365", name=op.f("ck_binding_rules_click_days")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_binding_rules")),
    )
    op.create_table(
        "share_click",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("visitor_key", sa.String(length=64), nullable=True),
        sa.Column("upline_member_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("scene", sa.String(length=32), nullable=True),
        sa.Column("spu_id", sa.BigInteger(), nullable=True),
        sa.Column("clicked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(member_id IS NULL) <> (visitor_key IS NULL)", name=op.f("ck_share_click_by_somebody")
        ),
        sa.CheckConstraint("member_id <> upline_member_id", name=op.f("ck_share_click_not_self")),
        sa.CheckConstraint(
            "source IN ('link', 'code', 'invite_code', 'poster', 'coupon', 'channel')",
            name=op.f("ck_share_click_source"),
        ),
        sa.ForeignKeyConstraint(
            ["upline_member_id"],
            ["distributor.member_id"],
            name=op.f("fk_share_click_upline_member_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_click")),
    )
    for name, column in (("member", "member_id"), ("visitor", "visitor_key")):
        op.create_index(
            f"ix_share_click_{name}",
            "share_click",
            [column, sa.literal_column("id DESC")],
            unique=False,
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.create_index(
        "ix_share_click_upline",
        "share_click",
        ["upline_member_id", sa.literal_column("id DESC")],
        unique=False,
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_changing_history()"
        )
    _tell_more_in_the_log()
    op.add_column("binding", sa.Column("protection_ends_at", sa.DateTime(timezone=True)))
    op.create_check_constraint(
        op.f("ck_binding_protected_after_bound"), "binding", "protection_ends_at > bound_at"
    )


def _tell_more_in_the_log() -> None:
    op.add_column(
        "binding_log",
        sa.Column(
            "kind",
            _words("kind", "bind", "extend", "rebind", "unbind", table="binding_log"),
            nullable=False,
            server_default="bind",
        ),
    )
    op.alter_column("binding_log", "kind", server_default=None)
    op.add_column("binding_log", sa.Column("actor", sa.String(length=100)))
    op.add_column("binding_log", sa.Column("reason", sa.String(length=200)))
    op.add_column("binding_log", sa.Column("click_id", sa.BigInteger()))
    op.add_column("binding_log", sa.Column("protection_ends_at", sa.DateTime(timezone=True)))
    op.add_column("binding_log", sa.Column("logged_at", sa.DateTime(timezone=True)))
    # The table is append-only, so its rows are written anew instead of updated.
    op.execute(
        "ALTER TABLE binding_log ALTER logged_at TYPE timestamptz USING bound_at,"
        " ALTER logged_at SET NOT NULL, ALTER upline_member_id DROP NOT NULL"
    )
    op.create_foreign_key(
        op.f("fk_binding_log_click_id"), "binding_log", "share_click", ["click_id"], ["id"]
    )
    op.create_index(
        "ix_binding_log_click",
        "binding_log",
        ["click_id"],
        unique=False,
        postgresql_where=sa.text("click_id IS NOT NULL"),
    )
    for name, rule in (
        ("unbound_has_no_upline", "(kind = 'unbind') = (upline_member_id IS NULL)"),
        ("replaced_is_named", "(kind = 'bind') = (previous_upline_id IS NULL)"),
        ("staff_say_why", "origin <> 'staff' OR (actor IS NOT NULL AND reason IS NOT NULL)"),
    ):
        op.create_check_constraint(op.f(f"ck_binding_log_{name}"), "binding_log", rule)


def _words(name: str, *words: str, table: str = "binding_rules") -> sa.Enum:
    return sa.Enum(
        *words,
        name=op.f(f"ck_{table}_{name}"),
        native_enum=False,
        create_constraint=True,
        length=20,
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_binding_protected_after_bound"), "binding")
    op.drop_column("binding", "protection_ends_at")
    for name in ("staff_say_why", "replaced_is_named", "unbound_has_no_upline"):
        op.drop_constraint(op.f(f"ck_binding_log_{name}"), "binding_log")
    op.alter_column("binding_log", "upline_member_id", nullable=False)
    for column in ("logged_at", "protection_ends_at", "click_id", "reason", "actor", "kind"):
        op.drop_column("binding_log", column)
    op.drop_table("share_click")
    op.drop_table("binding_rules")
