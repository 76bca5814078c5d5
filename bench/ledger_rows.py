"""History by the million, loaded as rows: what the pages of `ledger_pages` are read from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.numeric import Int8

CHUNK = 100_000
"""How many entries one statement writes."""
OTHERS = 1_000
"""How many distributors share what is nobody's of interest."""

_DISTRIBUTORS = """
INSERT INTO distributor (member_id, status, invite_code, applied_at, approved_at, status_at)
SELECT id, 'active', right('0000000' || upper(to_hex(id)), 8), %(now)s, %(now)s, %(now)s
FROM generate_series(%(first)s, %(first)s + %(count)s - 1) AS id
"""
_ACCOUNTS = """
INSERT INTO account (member_id, kind, debited_fen, credited_fen, version, rolled_to)
SELECT id, kind, 0, 0, 0, 0
FROM generate_series(%(first)s, %(first)s + %(count)s - 1) AS id,
     unnest('{frozen,available,withdrawing,receivable}'::text[]) AS kind
UNION ALL SELECT NULL, 'expense', 0, 0, 0, 0
ON CONFLICT DO NOTHING
"""
_EARNED = """
WITH posted AS (
    INSERT INTO posting (idem_key, kind, source, payload, payload_sha256, effective_at, recorded_at)
    SELECT 'accrue:' || source, 'accrue', source, '{}', sha256('{}'), at, at
    FROM (SELECT format('pages:%%s:%%s', %(member)s, number) AS source,
                 %(now)s + number * interval '1 second' AS at
          FROM generate_series(%(from)s, %(to)s) AS number) AS sold
    RETURNING id, source, effective_at),
earned AS (
    INSERT INTO commission (order_source, line_source, level, beneficiary_id, buyer_id, sku_id,
        spu_id, quantity, paid_fen, base_kind, base_fen, rule, rate_bp, cap_bp, amount_fen,
        clawed_fen, state, rules_version, binding_log_id, is_self_purchase, posting_id, accrued_at)
    SELECT source, source || ':1', 1, %(member)s, %(member)s + 1000000, 1, 1, 1, 9900, 'paid',
           9900, 'shop', 1000, 5000, 990, 0, 'frozen', 1, 1, false, id, effective_at
    FROM posted RETURNING id, posting_id)
INSERT INTO entry (posting_id, member_id, commission_id, debit_account_id, credit_account_id,
                   amount_fen, credit_balance_fen)
SELECT posting_id, %(member)s, earned.id, shop.id, frozen.id, 990, 990
FROM earned
JOIN account AS shop ON shop.member_id IS NULL AND shop.kind = 'expense'
JOIN account AS frozen ON frozen.member_id = %(member)s AND frozen.kind = 'frozen'
"""
_MATURED = """
WITH posted AS (
    INSERT INTO posting (idem_key, kind, source, payload, payload_sha256, effective_at, recorded_at)
    SELECT 'pages:' || number, 'mature', 'pages:' || number, '{}', sha256('{}'), %(now)s, %(now)s
    FROM generate_series(%(from)s / %(others)s, %(to)s / %(others)s) AS number RETURNING id)
INSERT INTO entry (posting_id, member_id, debit_account_id, credit_account_id, amount_fen,
                   debit_balance_fen, credit_balance_fen)
SELECT posted.id, frozen.member_id, frozen.id, free.id, 1, 1, 1
FROM posted, account AS frozen
JOIN account AS free ON free.member_id = frozen.member_id AND free.kind = 'available'
WHERE frozen.kind = 'frozen' AND frozen.member_id >= %(first)s
  AND frozen.member_id < %(first)s + %(others)s
"""
_BOUND = """
INSERT INTO binding (member_id, upline_member_id, log_id, bound_at)
SELECT id, upline_id, id, %(now)s + (id - %(first)s) * interval '1 second'
FROM (SELECT id, CASE WHEN id < %(first)s + %(near)s THEN %(member)s
                      ELSE %(first)s + (id - %(first)s) %% %(near)s END AS upline_id
      FROM generate_series(%(first)s, %(first)s + %(people)s - 1) AS id) AS person
"""
_PLACED = """
INSERT INTO team_place (upline_id, member_id, level, bound_at)
SELECT upline_member_id, member_id, 1, bound_at FROM binding
WHERE member_id >= %(first)s AND member_id < %(first)s + %(people)s
UNION ALL
SELECT far.upline_member_id, near.member_id, 2, near.bound_at
FROM binding AS near JOIN binding AS far ON far.member_id = near.upline_member_id
WHERE near.member_id >= %(first)s AND near.member_id < %(first)s + %(people)s
"""
_COUNTED = """
INSERT INTO team_size (member_id, level1_count, level2_count)
SELECT upline_id, count(*) FILTER (WHERE level = 1), count(*) FILTER (WHERE level = 2)
FROM team_place WHERE upline_id = %(member)s GROUP BY upline_id
"""


@dataclass(frozen=True)
class Rows:
    """A connection that writes rows past keys and triggers, and the moment they are from."""

    connection: psycopg.Connection[Any]
    now: datetime

    def __post_init__(self) -> None:
        self.connection.execute("SET session_replication_role = replica")

    def distributors(self, first: int, count: int) -> None:
        """Active distributors with accounts, by id from `first` on."""
        for statement in (_DISTRIBUTORS, _ACCOUNTS):
            self._write(statement, first=first, count=count)

    def earned(self, member_id: int, count: int) -> None:
        """So many entries of a distributor, each of an order of its own."""
        for start in range(0, count, CHUNK):
            end = min(start + CHUNK, count) - 1
            self._write(_EARNED, member=member_id, **{"from": start, "to": end})

    def others(self, first: int, start: int, count: int) -> None:
        """Entries `start` to `start + count` of `OTHERS` distributors, by the thousand."""
        for begin in range(start, start + count, CHUNK):
            end = min(begin + CHUNK, start + count) - 1
            self._write(_MATURED, first=first, others=OTHERS, **{"from": begin, "to": end})

    def team(self, member_id: int, *, first: int, near: int, people: int) -> None:
        """So many people below a distributor, `near` of them directly."""
        self._write(_BOUND, member=member_id, first=first, near=near, people=people)
        self._write(_PLACED, first=first, people=people)
        self._write(_COUNTED, member=member_id)

    def settle(self) -> None:
        """Have the planner know what is there."""
        self.connection.execute("VACUUM ANALYZE")

    def _write(self, statement: str, **given: int) -> None:
        ids = {name: Int8(value) for name, value in given.items()}
        self.connection.execute(statement, {"now": self.now, **ids})
