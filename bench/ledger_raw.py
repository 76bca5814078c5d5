"""The limit of the `ledger` bench: the same rows by raw psycopg, with no question asked."""

import hashlib
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

_TEAM = """
SELECT near.member_id, near.upline_member_id, near.log_id, one.id,
       far.upline_member_id, far.log_id, two.id, shop.id,
       (SELECT max(version) FROM commission_rules)
FROM binding AS near JOIN binding AS far ON far.member_id = near.upline_member_id
JOIN account AS one ON one.member_id = near.upline_member_id AND one.kind = 'frozen'
JOIN account AS two ON two.member_id = far.upline_member_id AND two.kind = 'frozen'
JOIN account AS shop ON shop.kind = 'expense'
WHERE near.member_id >= %s
"""
_POSTING = """
INSERT INTO posting (idem_key, kind, source, payload, payload_sha256, effective_at, recorded_at)
VALUES (%s, 'accrue', %s, %s, %s, %s, %s) RETURNING id
"""
_LOCK = "SELECT id, balance_fen FROM account WHERE id IN (%s, %s) ORDER BY id FOR NO KEY UPDATE"
_COMMISSION = """
INSERT INTO commission (order_source, line_source, level, beneficiary_id, buyer_id, sku_id, spu_id,
    quantity, paid_fen, base_kind, base_fen, rule, rate_bp, cap_bp, amount_fen, clawed_fen, state,
    rules_version, binding_log_id, is_self_purchase, posting_id, accrued_at)
VALUES (%(source)s, %(line)s, 1, %(near)s, %(buyer)s, 1, 1, 1, 9900, 'paid', 9900, 'shop', 1000,
        5000, 990, 0, 'frozen', %(version)s, %(near_log)s, false, %(posting)s, %(now)s),
       (%(source)s, %(line)s, 2, %(far)s, %(buyer)s, 1, 1, 1, 9900, 'paid', 9900, 'shop', 500,
        5000, 495, 0, 'frozen', %(version)s, %(far_log)s, false, %(posting)s, %(now)s)
RETURNING id
"""
_ENTRY = """
INSERT INTO entry (posting_id, member_id, commission_id, debit_account_id, credit_account_id,
                   amount_fen, credit_balance_fen)
VALUES (%s, %s, %s, %s, %s, 990, %s), (%s, %s, %s, %s, %s, 495, %s)
"""
_BALANCE = """
UPDATE account SET credited_fen = credited_fen + CASE id WHEN %s THEN 990 ELSE 495 END,
                   version = version + 1
WHERE id IN (%s, %s)
"""
_FILL = """
WITH posted AS (
    INSERT INTO posting (idem_key, kind, source, payload, payload_sha256, effective_at, recorded_at)
    VALUES (%(key)s, 'accrue', %(key)s, '{}', sha256('{}'), %(now)s, %(now)s) RETURNING id),
earned AS (
    INSERT INTO commission (order_source, line_source, level, beneficiary_id, buyer_id, sku_id,
        spu_id, quantity, paid_fen, base_kind, base_fen, rule, rate_bp, cap_bp, amount_fen,
        clawed_fen, state, rules_version, binding_log_id, is_self_purchase, posting_id, accrued_at,
        mature_at)
    SELECT %(key)s, %(key)s || ':' || number, 1, upline_member_id, binding.member_id, 1, 1, 1,
           9900, 'paid', 9900, 'shop', 1000, 5000, 990, 0, 'frozen', 1, log_id, false, posted.id,
           %(now)s, %(now)s
    FROM posted, generate_series(0, %(count)s - 1) AS number
    JOIN binding ON binding.member_id = %(first)s + number %% %(members)s
    RETURNING beneficiary_id, amount_fen)
UPDATE account SET credited_fen = credited_fen + fen
FROM (SELECT beneficiary_id, sum(amount_fen) AS fen FROM earned GROUP BY 1) AS total
WHERE member_id = beneficiary_id AND kind = 'frozen'
"""
_MATURE = """
WITH due AS (
    SELECT id, beneficiary_id, amount_fen - clawed_fen AS fen FROM commission
    WHERE state = 'frozen' AND mature_at <= %(now)s ORDER BY mature_at, id LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED),
posted AS (
    INSERT INTO posting (idem_key, kind, source, payload, payload_sha256, effective_at, recorded_at)
    SELECT 'mature:' || min(id), 'mature', 'batch', '{}', sha256('{}'), %(now)s, %(now)s FROM due
    RETURNING id),
marked AS (
    UPDATE commission SET state = 'matured', matured_posting_id = posted.id
    FROM due, posted WHERE commission.id = due.id RETURNING commission.id),
worth AS (
    SELECT beneficiary_id, sum(fen) AS fen, frozen.id AS frozen_id, free.id AS free_id,
           min(frozen.balance_fen) AS was_frozen, min(free.balance_fen) AS was_free
    FROM due JOIN account AS frozen ON frozen.member_id = beneficiary_id AND frozen.kind = 'frozen'
    JOIN account AS free ON free.member_id = beneficiary_id AND free.kind = 'available'
    GROUP BY 1, 3, 4),
written AS (
    INSERT INTO entry (posting_id, member_id, debit_account_id, credit_account_id, amount_fen,
                       debit_balance_fen, credit_balance_fen)
    SELECT posted.id, beneficiary_id, frozen_id, free_id, fen, was_frozen - fen, was_free + fen
    FROM posted, worth),
balanced AS (
    UPDATE account
    SET debited_fen = debited_fen + CASE kind WHEN 'frozen' THEN fen ELSE 0 END,
        credited_fen = credited_fen + CASE kind WHEN 'frozen' THEN 0 ELSE fen END,
        version = version + 1
    FROM worth WHERE account.id IN (frozen_id, free_id))
SELECT count(*) FROM marked
"""

Team = tuple[int, ...]


@dataclass
class Raw:
    """The limit's connections, one a thread, and the keys the rows point to."""

    url: str
    first_member: int
    now: datetime

    def __post_init__(self) -> None:
        self._local = threading.local()
        self.teams: dict[int, Team] = {
            row[0]: row for row in self.connection().execute(_TEAM, [self.first_member])
        }

    def connection(self) -> psycopg.Connection[Any]:
        """The connection of the thread that asks; every statement is prepared at its first use."""
        if not hasattr(self._local, "connection"):
            self._local.connection = psycopg.connect(self.url)
            self._local.connection.prepare_threshold = 0
        opened: psycopg.Connection[Any] = self._local.connection
        return opened

    def post(self, number: int, buyer_id: int) -> None:
        """One order of one line: a posting, two commissions, two entries, two balances."""
        buyer, near, near_log, one, far, far_log, two, shop, version = self.teams[buyer_id]
        source = f"bench:{number}"
        payload = b'{"buyer":%d,"lines":{"%s:1":[1,9900,1,null,true,[]]}}' % (
            buyer,
            source.encode(),
        )
        digest = hashlib.sha256(payload).digest()
        connection = self.connection()
        with connection.transaction():
            run = connection.execute
            key = f"accrue:{source}"
            ((posting,),) = run(_POSTING, [key, source, payload, digest, self.now, self.now])
            held = dict(run(_LOCK, [one, two]).fetchall())
            figures = {
                "source": source, "line": f"{source}:1", "buyer": buyer, "near": near, "far": far,
                "near_log": near_log, "far_log": far_log, "version": version, "posting": posting,
                "now": self.now,
            }  # fmt: skip
            (first,), (second,) = run(_COMMISSION, figures)
            first_row = [posting, near, first, shop, one, held[one] + 990]
            run(_ENTRY, [*first_row, posting, far, second, shop, two, held[two] + 495])
            run(_BALANCE, [one, one, two])

    def fill(self, key: str, count: int, members: int) -> None:
        """Commissions that are due, `count` of them in one posting, dealt out among members."""
        with self.connection() as connection:
            figures = {"key": key, "now": self.now, "count": count, "members": members}
            connection.execute(_FILL, {**figures, "first": self.first_member})
        self.close()

    def mature(self, limit: int) -> int:
        """One batch in one statement."""
        connection = self.connection()
        with connection.transaction():
            ((count,),) = connection.execute(_MATURE, {"now": self.now, "limit": limit})
        return int(count)

    def close(self) -> None:
        """Close this thread's connection."""
        self.connection().close()
        del self._local.connection
