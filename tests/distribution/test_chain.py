"""The chain: it grows block by block, and finds each stored byte that is not what it was."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from distribution import verify
from distribution.ledger import chain
from tests.builders.distribution import NOON, make_chain, make_rules, mature, pay, refund

LATER = NOON + timedelta(hours=2)


@pytest.fixture
def three_blocks(session):
    """An accrual, a claw-back, and a maturing, each in a block of its own."""
    make_rules(session)
    make_chain(session, 1, 2, 3)
    for work in (
        lambda: pay(session, buyer_id=1),
        lambda: refund(session, total_fen=5_000),
        lambda: mature(session),
    ):
        work()
        session.commit()
        assert chain.extend(session, now=LATER) == 1
    session.commit()


def tamper(session, change):
    """Change history as somebody who owns the database could."""
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(change))
    session.execute(text("SET LOCAL session_replication_role = origin"))


def broken(session):
    session.expire_all()
    return [each.number for each in chain.verify(session)]


def test_a_chain_nobody_touched_is_whole(session, three_blocks):
    assert broken(session) == []
    assert chain.head(session).number == 3
    assert list(verify.verify(session)) == []


def test_what_is_chained_is_chained_once(session, three_blocks):
    assert chain.extend(session, now=LATER) == 0


def test_a_shop_without_postings_has_no_chain(session):
    assert chain.extend(session, now=LATER) == 0
    assert chain.head(session) is None
    assert broken(session) == []


def test_the_postings_of_the_last_seconds_wait(session):
    pay(session, buyer_id=1)
    session.commit()

    assert chain.extend(session, now=NOON + timedelta(seconds=1)) == 0
    assert chain.extend(session, now=NOON + chain.DELAY) == 1


def test_an_id_that_was_never_committed_leaves_a_gap_and_no_breach(session):
    pay(session, buyer_id=1, order="order:1")
    session.commit()
    pay(session, buyer_id=1, order="order:2")
    session.rollback()
    pay(session, buyer_id=1, order="order:3")
    session.commit()

    assert chain.extend(session, now=LATER) == 2
    assert broken(session) == []


def test_nothing_is_passed_over_while_somebody_writes(session, monkeypatch):
    monkeypatch.setattr(chain.horizon, "PATIENCE_SECONDS", 0.05)
    with Session(session.get_bind()) as slow:
        pay(slow, buyer_id=1, order="order:1")
        pay(session, buyer_id=1, order="order:2")
        session.commit()

        assert chain.extend(session, now=LATER) == 0
        slow.commit()
    assert chain.extend(session, now=LATER) == 2


@pytest.mark.parametrize("block", [1, 2, 3])
@pytest.mark.parametrize(
    ("table", "column", "change"),
    [
        ("posting", "idem_key", "idem_key || '!'"),
        ("posting", "kind", "CASE kind WHEN 'mature' THEN 'accrue' ELSE 'mature' END"),
        ("posting", "source", "source || '!'"),
        ("posting", "payload", "set_byte(payload, 0, get_byte(payload, 0) # 1)"),
        ("posting", "payload_sha256", "sha256(payload_sha256)"),
        ("posting", "effective_at", "effective_at + interval '1 microsecond'"),
        ("posting", "recorded_at", "recorded_at - interval '1 microsecond'"),
        ("entry", "member_id", "member_id + 1"),
        ("entry", "commission_id", "coalesce(commission_id, 0) + 1"),
        ("entry", "debit_account_id", "debit_account_id + 1000"),
        ("entry", "credit_account_id", "credit_account_id + 1000"),
        ("entry", "amount_fen", "amount_fen + 1"),
        ("entry", "debit_balance_fen", "coalesce(debit_balance_fen, 0) + 1"),
        ("entry", "credit_balance_fen", "coalesce(credit_balance_fen, 0) + 1"),
    ],
)
def test_one_changed_byte_is_found_at_its_block(
    session, three_blocks, block, table, column, change
):
    key = "id" if table == "posting" else "posting_id"
    if column.startswith("payload"):  # The table itself would refuse what does not fit its hash.
        session.execute(text("ALTER TABLE posting DROP CONSTRAINT ck_posting_payload_is_hashed"))

    posting = f"(SELECT last_posting_id FROM ledger_block WHERE number = {block})"
    tamper(session, f"UPDATE {table} SET {column} = {change} WHERE {key} = {posting}")

    assert broken(session) == [block]
    session.rollback()


@pytest.mark.parametrize(
    ("change", "blocks"),
    [
        ("DELETE FROM entry WHERE id = (SELECT max(id) FROM entry)", [3]),
        ("DELETE FROM posting WHERE kind = 'claw_back'", [2]),
        ("UPDATE ledger_block SET sha256 = sha256('x') WHERE number = 1", [1, 2]),
        ("UPDATE ledger_block SET postings = 2 WHERE number = 2", [2]),
        ("DELETE FROM ledger_block WHERE number = 1", [2, 3]),
    ],
)
def test_what_is_missing_or_forged_is_found(session, three_blocks, change, blocks):
    tamper(session, change)

    assert broken(session) == blocks


def test_the_proof_names_the_block(session, three_blocks):
    tamper(session, "UPDATE posting SET source = 'x' WHERE kind = 'claw_back'")

    (breach,) = [each for each in verify.verify(session) if each.rule == "ledger.chain"]

    assert breach.subject == "block 2"
    assert "instead of" in breach.detail
