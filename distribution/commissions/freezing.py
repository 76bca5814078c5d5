"""
One statement that records an accrual: its key, its commissions, its entries and its balances.

It does what `ledger` does step by step, in the same order: the key is reserved, the accounts are
locked by id, and only then are entries written that refer to them (their foreign keys are checked
when the statement ends). Money only comes into frozen accounts here, so no balance decides anything
and nothing has to be read before it is written.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlalchemy.orm import Session

from distribution import ledger
from distribution.base import Moment
from distribution.ledger.states import AccountKind

_RECORD = text(
    """
    WITH posted AS (
        INSERT INTO posting (idem_key, kind, source, payload, payload_sha256,
                             effective_at, recorded_at)
        VALUES (:idem_key, 'accrue', :order_source, :payload, :payload_sha256, :now, :now)
        ON CONFLICT (idem_key) DO NOTHING
        RETURNING id),
    held AS (
        SELECT id, member_id, balance_fen FROM account
        WHERE id = ANY (:account_ids) AND EXISTS (SELECT FROM posted)
        ORDER BY id FOR NO KEY UPDATE),
    earned AS (
        INSERT INTO commission (
            order_source, line_source, level, beneficiary_id, buyer_id, sku_id, spu_id, quantity,
            paid_fen, base_kind, base_fen, grade_id, rule, rate_id, rate_bp, piece_fen, cap_bp,
            amount_fen, clawed_fen, state, reason, rules_version, binding_log_id,
            is_self_purchase, posting_id, accrued_at)
        SELECT :order_source, line_source, level, beneficiary_id, :buyer_id, sku_id, spu_id,
               quantity, paid_fen, base_kind, base_fen, grade_id, rule, rate_id, rate_bp,
               piece_fen, :cap_bp, amount_fen, 0, state, reason, :rules_version, binding_log_id,
               is_self_purchase, posted.id, :now
        FROM posted, jsonb_to_recordset(:earnings) AS earning (
            line_source text, level smallint, beneficiary_id bigint, sku_id bigint, spu_id bigint,
            quantity bigint, paid_fen bigint, base_kind text, base_fen bigint, grade_id bigint,
            rule text, rate_id bigint, rate_bp integer, piece_fen bigint, amount_fen bigint,
            state text, reason text, binding_log_id bigint, is_self_purchase boolean)
        RETURNING id, beneficiary_id, amount_fen),
    written AS (
        INSERT INTO entry (posting_id, member_id, commission_id, debit_account_id,
                           credit_account_id, amount_fen, credit_balance_fen)
        SELECT posted.id, member_id, earned.id, :expense_id, held.id, amount_fen,
               balance_fen + sum(amount_fen) OVER (PARTITION BY held.id ORDER BY earned.id)
        FROM posted, earned JOIN held ON member_id = beneficiary_id
        WHERE amount_fen > 0
        ORDER BY earned.id
        RETURNING credit_account_id, amount_fen),
    balanced AS (
        UPDATE account
        SET credited_fen = credited_fen + total.fen, version = version + total.entries
        FROM (SELECT credit_account_id, sum(amount_fen) AS fen, count(*) AS entries
              FROM written GROUP BY credit_account_id) AS total
        WHERE account.id = credit_account_id)
    SELECT id FROM posted
    """
).bindparams(
    bindparam("account_ids", type_=ARRAY(BigInteger)),
    bindparam("now", type_=Moment),
)


def idem_key(order_source: str) -> str:
    """The key that an order's accrual takes, whether it earns anybody anything or not."""
    return f"accrue:{order_source}"


def record(
    session: Session,
    *,
    order: Mapping[str, Any],
    payload: Mapping[str, Any],
    earnings: Sequence[Mapping[str, Any]],
    accounts: Mapping[int | None, int | None],
    now: datetime,
) -> None:
    """
    Record an order's accrual once: `earnings` are its commissions, with what each brings.

    `accounts` are the frozen accounts of the earners, and by None the shop's; missing ones are
    opened.

    :raises ledger.KeyReused: the order was accrued before from another payload.
    """
    key = idem_key(order["order_source"])
    stored = ledger.canonical(payload)
    digest = hashlib.sha256(stored).digest()
    earners = {each["beneficiary_id"] for each in earnings if each["amount_fen"]}
    ids = _opened(session, earners, accounts)
    given = {
        **order,
        "idem_key": key,
        "payload": stored,
        "payload_sha256": digest,
        "earnings": json.dumps(earnings),
        "account_ids": sorted(ids[earner] for earner in earners),
        "expense_id": ids[None],
        "now": now,
    }
    if session.scalar(_RECORD, given) is None:
        ledger.refuse_other(session, key, digest)


def _opened(
    session: Session, earners: set[int], accounts: Mapping[int | None, int | None]
) -> dict[int | None, int]:
    """The ids of the earners' accounts and of the shop's, all of them open."""
    known = {owner: found for owner, found in accounts.items() if found is not None}
    if {None, *earners} <= known.keys():
        return known
    opened = ledger.open_accounts(session, earners, {AccountKind.FROZEN})
    kinds = {AccountKind.FROZEN, AccountKind.EXPENSE}
    return {owner: found for (owner, kind), found in opened.items() if kind in kinds}
