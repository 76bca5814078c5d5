"""Ways of joining, grades of distributors and their history."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

APPEND_ONLY = ("distributor_status_log", "distributor_grade_log", "joining_rules")
OLD_STATUSES = ("pending", "active", "frozen", "left")
STATUSES = ("invited", "qualifying", "pending", "active", "frozen", "refused", "left")
WAYS = ("everyone", "open", "approval", "spending", "goods", "appointed")
CAUSES = ("earned", "review", "staff", "archived")
OLD_REASONS = ("upline_pending", "upline_frozen", "upline_left", "no_rate", "too_small")
REASONS = (
    "upline_invited", "upline_qualifying", "upline_pending", "upline_frozen", "upline_refused",
    "upline_left", "no_rate", "too_small",
)  # fmt: skip

PURCHASES = """
INSERT INTO purchase (order_source, buyer_id, upline_member_id, paid_fen, kept_fen, spu_ids,
                      paid_at, completed_at)
SELECT 'order:' || order_no, buyer_id,
       (SELECT upline_member_id FROM binding WHERE member_id = buyer_id),
       sum(order_line.payable_fen), sum(order_line.payable_fen - order_line.refunded_fen),
       coalesce(array_agg(DISTINCT spu_id ORDER BY spu_id)
                FILTER (WHERE order_line.payable_fen > order_line.refunded_fen), '{}'),
       paid_at, completed_at
FROM shop_order JOIN order_line ON order_id = shop_order.id AND kind = 'goods'
WHERE paid_at IS NOT NULL
GROUP BY shop_order.id
"""
CUSTOMERS = """
INSERT INTO direct_customer (upline_member_id, buyer_id, orders, kept_fen)
SELECT upline_member_id, buyer_id, count(*), sum(kept_fen) FROM purchase
WHERE completed_at IS NOT NULL AND kept_fen > 0 AND upline_member_id IS NOT NULL
GROUP BY upline_member_id, buyer_id
"""
FACTS = """
INSERT INTO member_facts
       (member_id, own_orders, own_spend_fen, level1_orders, level1_fen, direct_customers)
SELECT member_id, sum(own_orders), sum(own_spend_fen), sum(level1_orders), sum(level1_fen),
       sum(customers)
FROM (
    SELECT buyer_id AS member_id, count(*) AS own_orders, sum(kept_fen) AS own_spend_fen,
           0 AS level1_orders, 0 AS level1_fen, 0 AS customers
    FROM purchase WHERE completed_at IS NOT NULL AND kept_fen > 0 GROUP BY buyer_id
    UNION ALL
    SELECT upline_member_id, 0, 0, sum(orders), sum(kept_fen), count(*)
    FROM direct_customer GROUP BY upline_member_id
) AS side GROUP BY member_id
"""
RULES = """
INSERT INTO joining_rules (way, in_one_order, spu_ids, counts_at_payment, changed_by, changed_at)
SELECT joining, false, '{}', true, changed_by, changed_at
FROM (SELECT *, lag(joining) OVER (ORDER BY version) AS before FROM commission_rules) AS rule
WHERE joining IS DISTINCT FROM before
ORDER BY version
"""
STATUS_LOG = """
INSERT INTO distributor_status_log (member_id, status, reason, actor, changed_at)
SELECT member_id, status, status_reason, 'system', status_at FROM distributor ORDER BY member_id
"""


def upgrade() -> None:
    _widen("distributor", "status", STATUSES)
    _widen("commission", "reason", REASONS)
    _create_grades()
    _create_history()
    _create_purchases()
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_changing_history()"
        )
    for fill in (RULES, STATUS_LOG, PURCHASES, CUSTOMERS, FACTS):
        op.execute(fill)
    op.drop_column("commission_rules", "joining")


def downgrade() -> None:
    _give_back_joining()
    op.drop_table("member_facts")
    op.drop_table("direct_customer")
    op.drop_table("purchase")
    op.drop_table("joining_rules")
    op.drop_table("distributor_status_log")
    op.drop_table("distributor_grade_log")
    for column in (
        "is_grade_locked", "grade_review_at", "graded_at", "grade_id", "declared_at",
    ):  # fmt: skip
        op.drop_column("distributor", column)
    op.drop_table("distributor_grade")
    op.execute(
        "UPDATE distributor SET status = 'pending'"
        " WHERE status IN ('invited', 'qualifying', 'refused')"
    )
    op.execute(
        "UPDATE commission SET reason = 'upline_pending'"
        " WHERE reason IN ('upline_invited', 'upline_qualifying', 'upline_refused')"
    )
    _widen("distributor", "status", OLD_STATUSES)
    _widen("commission", "reason", OLD_REASONS)


def _words(column: str, words: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(word) for word in words)})"


def _widen(table: str, column: str, words: tuple[str, ...]) -> None:
    """Replace the CHECK of a column of words."""
    name = op.f(f"ck_{table}_{column}")
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, _words(column, words))


def _give_back_joining() -> None:
    op.add_column(
        "commission_rules",
        sa.Column("joining", sa.String(length=20), nullable=False, server_default="approval"),
    )
    op.alter_column("commission_rules", "joining", server_default=None)
    op.create_check_constraint(
        op.f("ck_commission_rules_joining"), "commission_rules", "joining IN ('open', 'approval')"
    )


def _create_grades() -> None:
    op.create_table(
        "distributor_grade",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("is_every", sa.Boolean(), nullable=False),
        sa.Column("own_orders", sa.BigInteger(), nullable=True),
        sa.Column("own_spend_fen", sa.BigInteger(), nullable=True),
        sa.Column("level1_orders", sa.BigInteger(), nullable=True),
        sa.Column("level1_fen", sa.BigInteger(), nullable=True),
        sa.Column("direct_customers", sa.BigInteger(), nullable=True),
        sa.Column("keep_days", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "keep_days BETWEEN 1 AND 3650", name=op.f("ck_distributor_grade_keep_days")
        ),
        sa.CheckConstraint(
            "keep_days IS NULL OR num_nonnulls(level1_orders, level1_fen, direct_customers) > 0",
            name=op.f("ck_distributor_grade_kept_by_conditions"),
        ),
        sa.CheckConstraint(
            "least(own_orders, own_spend_fen, level1_orders, level1_fen, direct_customers) > 0",
            name=op.f("ck_distributor_grade_conditions_positive"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(own_orders, own_spend_fen) = 0 OR (is_every AND"
            " num_nonnulls(level1_orders, level1_fen, direct_customers) > 0)",
            name=op.f("ck_distributor_grade_buying_alone_lifts_nobody"),
        ),
        sa.CheckConstraint("rank BETWEEN 1 AND 100", name=op.f("ck_distributor_grade_rank")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_distributor_grade")),
    )
    op.create_index(
        "uq_distributor_grade_rank",
        "distributor_grade",
        ["rank"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.add_column("distributor", sa.Column("declared_at", sa.DateTime(timezone=True)))
    op.add_column("distributor", sa.Column("grade_id", sa.BigInteger()))
    op.add_column("distributor", sa.Column("graded_at", sa.DateTime(timezone=True)))
    op.add_column("distributor", sa.Column("grade_review_at", sa.DateTime(timezone=True)))
    op.add_column(
        "distributor",
        sa.Column("is_grade_locked", sa.Boolean(), nullable=False, server_default="false"),
    )
    op.create_foreign_key(
        op.f("fk_distributor_grade_id"), "distributor", "distributor_grade", ["grade_id"], ["id"]
    )
    op.create_check_constraint(
        op.f("ck_distributor_review_has_grade"),
        "distributor",
        "grade_review_at IS NULL OR grade_id IS NOT NULL AND NOT is_grade_locked",
    )
    op.create_index(
        "ix_distributor_grade",
        "distributor",
        ["grade_id"],
        postgresql_where=sa.text("grade_id IS NOT NULL"),
    )
    op.create_table(
        "distributor_grade_log",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("from_grade_id", sa.BigInteger(), nullable=True),
        sa.Column("grade_id", sa.BigInteger(), nullable=True),
        sa.Column("cause", sa.String(length=20), nullable=False),
        sa.Column("is_locked", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(cause = 'staff') = (reason IS NOT NULL)",
            name=op.f("ck_distributor_grade_log_staff_say_why"),
        ),
        sa.ForeignKeyConstraint(
            ["from_grade_id"],
            ["distributor_grade.id"],
            name=op.f("fk_distributor_grade_log_from_grade_id"),
        ),
        sa.ForeignKeyConstraint(
            ["grade_id"], ["distributor_grade.id"], name=op.f("fk_distributor_grade_log_grade_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["distributor.member_id"],
            name=op.f("fk_distributor_grade_log_member_id"),
        ),
        sa.CheckConstraint(_words("cause", CAUSES), name=op.f("ck_distributor_grade_log_cause")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_distributor_grade_log")),
    )
    op.create_index(
        "ix_distributor_grade_log_member",
        "distributor_grade_log",
        ["member_id", sa.literal_column("id DESC")],
        unique=False,
    )


def _create_history() -> None:
    op.create_table(
        "distributor_status_log",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("from_status", sa.String(length=20), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["distributor.member_id"],
            name=op.f("fk_distributor_status_log_member_id"),
        ),
        sa.CheckConstraint(
            _words("from_status", STATUSES), name=op.f("ck_distributor_status_log_from_status")
        ),
        sa.CheckConstraint(
            _words("status", STATUSES), name=op.f("ck_distributor_status_log_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_distributor_status_log")),
    )
    op.create_index(
        "ix_distributor_status_log_member",
        "distributor_status_log",
        ["member_id", sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_table(
        "joining_rules",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("way", sa.String(length=20), nullable=False),
        sa.Column("spend_fen", sa.BigInteger(), nullable=True),
        sa.Column("in_one_order", sa.Boolean(), nullable=False),
        sa.Column("spu_ids", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("counts_at_payment", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.String(length=100), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(way = 'goods') = (cardinality(spu_ids) > 0)",
            name=op.f("ck_joining_rules_goods_are_chosen"),
        ),
        sa.CheckConstraint(
            "(way = 'spending') = (spend_fen IS NOT NULL)",
            name=op.f("ck_joining_rules_spending_has_amount"),
        ),
        sa.CheckConstraint(
            "NOT in_one_order OR way = 'spending'",
            name=op.f("ck_joining_rules_one_order_is_spending"),
        ),
        sa.CheckConstraint("spend_fen > 0", name=op.f("ck_joining_rules_amount_positive")),
        sa.CheckConstraint(_words("way", WAYS), name=op.f("ck_joining_rules_way")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_joining_rules")),
    )


def _create_purchases() -> None:
    op.create_table(
        "purchase",
        sa.Column("order_source", sa.String(length=100), nullable=False),
        sa.Column("buyer_id", sa.BigInteger(), nullable=False),
        sa.Column("upline_member_id", sa.BigInteger(), nullable=True),
        sa.Column("paid_fen", sa.BigInteger(), nullable=False),
        sa.Column("kept_fen", sa.BigInteger(), nullable=False),
        sa.Column("spu_ids", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kept_fen BETWEEN 0 AND paid_fen", name=op.f("ck_purchase_kept_within_paid")
        ),
        sa.CheckConstraint("upline_member_id <> buyer_id", name=op.f("ck_purchase_not_self")),
        sa.ForeignKeyConstraint(
            ["upline_member_id"],
            ["distributor.member_id"],
            name=op.f("fk_purchase_upline_member_id"),
        ),
        sa.PrimaryKeyConstraint("order_source", name=op.f("pk_purchase")),
    )
    op.create_index("ix_purchase_buyer", "purchase", ["buyer_id", "completed_at"], unique=False)
    op.create_index(
        "ix_purchase_upline",
        "purchase",
        ["upline_member_id", "completed_at"],
        unique=False,
        postgresql_where=sa.text("upline_member_id IS NOT NULL AND completed_at IS NOT NULL"),
    )
    op.create_table(
        "direct_customer",
        sa.Column("upline_member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("buyer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("kept_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "orders >= 0 AND kept_fen >= 0", name=op.f("ck_direct_customer_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["upline_member_id"],
            ["distributor.member_id"],
            name=op.f("fk_direct_customer_upline_member_id"),
        ),
        sa.PrimaryKeyConstraint("upline_member_id", "buyer_id", name=op.f("pk_direct_customer")),
    )
    op.create_table(
        "member_facts",
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("own_orders", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("own_spend_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("level1_orders", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("level1_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("direct_customers", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "least(own_orders, own_spend_fen, level1_orders, level1_fen, direct_customers) >= 0",
            name=op.f("ck_member_facts_not_negative"),
        ),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_member_facts")),
    )
