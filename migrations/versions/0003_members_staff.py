"""Members with their address book, staff accounts, and the audit log nobody can edit."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _members()
    _staff()
    op.execute(KEEP_AUDIT_LOG)


def downgrade() -> None:
    op.drop_table("audit_log")
    op.execute("DROP FUNCTION audit_log_is_append_only()")
    op.drop_table("staff")
    op.drop_table("former_identity")
    op.drop_table("member_address")
    op.drop_table("member")


def _moment(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _members() -> None:
    op.create_table(
        "member",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("openid", sa.String(), nullable=False),
        sa.Column("unionid", sa.String()),
        sa.Column("session_key_sealed", sa.LargeBinary()),
        sa.Column("nickname", sa.String(), server_default="", nullable=False),
        sa.Column("avatar_url", sa.String()),
        sa.Column("phone_sealed", sa.LargeBinary()),
        sa.Column("phone_country_code", sa.String()),
        sa.Column("phone_hash", sa.String()),
        sa.Column("status", sa.String(), server_default="active", nullable=False),
        _moment("created_at"),
        _moment("signed_in_at"),
        _moment("deleted_at", nullable=True),
        sa.CheckConstraint("status IN ('active', 'deleted')", name=op.f("ck_member_status")),
        sa.CheckConstraint(
            "(status = 'deleted') = (deleted_at IS NOT NULL)", name=op.f("ck_member_deleted_at")
        ),
        sa.CheckConstraint(
            "status = 'active' OR (openid LIKE 'deleted:%' AND unionid IS NULL"
            " AND session_key_sealed IS NULL AND phone_sealed IS NULL"
            " AND nickname = '' AND avatar_url IS NULL)",
            name=op.f("ck_member_deleted_is_anonymous"),
        ),
        sa.CheckConstraint(
            "(phone_sealed IS NULL) = (phone_hash IS NULL)"
            " AND (phone_sealed IS NULL) = (phone_country_code IS NULL)",
            name=op.f("ck_member_phone_is_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint("openid", name=op.f("uq_member_openid")),
    )
    for name in ("phone_hash", "unionid"):
        op.create_index(
            f"ix_member_{name}",
            "member",
            [name],
            postgresql_where=sa.text(f"{name} IS NOT NULL"),
        )
    op.create_table(
        "member_address",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("receiver_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("region_code", sa.CHAR(6), nullable=False),
        sa.Column("province", sa.String(), nullable=False),
        sa.Column("city", sa.String(), nullable=False),
        sa.Column("district", sa.String(), nullable=False),
        sa.Column("detail_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
        sa.CheckConstraint(
            "region_code ~ '^[1-8][0-9]{5}$'", name=op.f("ck_member_address_region_code")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_member_address_member_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_address")),
    )
    op.create_index("ix_member_address_member_id", "member_address", ["member_id"])
    op.create_index(
        "uq_member_address_default",
        "member_address",
        ["member_id"],
        unique=True,
        postgresql_where=sa.text("is_default"),
    )
    op.create_table(
        "former_identity",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        _moment("left_at"),
        sa.CheckConstraint(
            "kind IN ('openid', 'unionid', 'phone')", name=op.f("ck_former_identity_kind")
        ),
        sa.CheckConstraint("length(hash) = 64", name=op.f("ck_former_identity_hash_is_sha256")),
        sa.PrimaryKeyConstraint("kind", "hash", name=op.f("pk_former_identity")),
    )


def _staff() -> None:
    op.create_table(
        "staff",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        _moment("created_at"),
        _moment("password_changed_at"),
        sa.CheckConstraint("role IN ('owner', 'merchant')", name=op.f("ck_staff_role")),
        sa.CheckConstraint(
            "username = lower(username)", name=op.f("ck_staff_username_is_lower_case")
        ),
        sa.CheckConstraint(
            "password_hash LIKE '$argon2id$%'", name=op.f("ck_staff_password_is_hashed")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("username", name=op.f("uq_staff_username")),
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        _moment("tried_at"),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("body", postgresql.JSONB(none_as_null=True)),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("ip", sa.String(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_audit_log_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index("ix_audit_log_staff_id_id", "audit_log", ["staff_id", "id"])


# The one change allowed: an entry whose outcome is not known yet learns it.
KEEP_AUDIT_LOG = """
CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.status IS NULL THEN
        OLD.status := NEW.status;
        IF OLD IS NOT DISTINCT FROM NEW THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_log_keep BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only();
CREATE TRIGGER audit_log_keep_all BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
"""
