"""Whoever changes any stored byte of history, of whatever table, is found by the proof."""

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from distribution import verify
from distribution.commissions import rates
from distribution.ledger import chain, records
from distribution.ledger.models import RecordBlock
from distribution.reports import trial
from tests.builders.distribution import (
    NOON,
    adjust,
    make_chain,
    make_rate,
    make_rules,
    mature,
    pay,
    pay_out,
    refund,
    withdraw,
)

LATER = NOON + timedelta(hours=2)
EVENING = NOON + timedelta(hours=12)
CHANGED = {
    "bigint": "{0} + {by}",
    "integer": "{0} + {by}",
    "smallint": "{0} + {by}",
    "boolean": "NOT {}",
    "date": "{0} + {by}",
    "character varying": "left(md5({0} || 'x'), greatest(length({0}), 1))",
    "text": "md5({0} || 'x')",
    "jsonb": "jsonb_build_array({})",
    "timestamp with time zone": "{} + interval '1 microsecond'",
    "ARRAY": "array_append({0}, {by}::bigint)",
    "bytea": "set_byte({0}, 0, get_byte({0}, 0) # 1)",
}
"""How to change a value of a type."""
FILLED = {
    "bigint": "1",
    "integer": "1",
    "smallint": "1",
    "boolean": "true",
    "date": "now()::date",
    "character varying": "'x'",
    "text": "'x'",
    "jsonb": "'1'",
    "timestamp with time zone": "now()",
    "ARRAY": "'{1}'",
    "bytea": "'x'",
}
"""What to write where there was NULL."""


def chained(session):
    """Chain all there is; how many rows."""
    session.commit()
    found = chain.extend(session, now=LATER)
    found += sum(records.extend(session, name, now=LATER) for name in verify.RECORDS)
    session.commit()
    return found


@pytest.fixture
def history(session):
    """A row at least in every table of history, all of it in two blocks or more."""
    make_rules(session)
    make_chain(session, 1, 2, 3)
    pay(session, buyer_id=1)
    rate_id = make_rate(session, "sku", 9, level1_bp=0, level2_bp=0)
    chained(session)
    make_rules(session, level1_bp=800)
    make_chain(session, 4, 3)
    rates.withdraw(session, rate_id, changed_by="staff:1", now=NOON)
    refund(session, total_fen=5_000)
    mature(session)
    withdraw(session, member_id=2, amount_fen=400)
    pay_out(session, member_id=2, cash_fen=390, fee_fen=10)
    adjust(session, member_id=3)
    assert trial.close(session, day=NOON.date(), ends_at=EVENING, now=EVENING)
    assert chained(session) > 6
    assert list(verify.verify(session)) == []
    session.commit()


def columns(session):
    """Every column of history: table, name, type."""
    return session.execute(
        text(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = ANY (:names) ORDER BY 1, 2"
        ),
        {"names": list(verify.APPEND_ONLY)},
    ).all()


def unguard(session, table):
    """What the owner of the database could do: no triggers, no foreign keys, no checks."""
    session.execute(text("SET LOCAL session_replication_role = replica"))
    checks = "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = to_regclass(:t)"
    for name in session.scalars(text(checks), {"t": table}).all():
        session.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))


def tamper(session, table, column, kind, *, row, by):
    """Change one value of one row, a number by so much; False if there is none to change."""
    unguard(session, table)
    value = f"coalesce({CHANGED[kind].format(column, by=by)}, {FILLED[kind]})"
    offset = f"{row} % (SELECT greatest(count(*), 1) FROM {table})"
    at = f"(SELECT ctid FROM {table} ORDER BY ctid OFFSET {offset} LIMIT 1)"
    changed = session.execute(
        text(
            f"UPDATE {table} SET {column} = {value}"
            f" WHERE ctid = {at} AND {column} IS DISTINCT FROM {value} RETURNING 1"
        )
    )
    return changed.first() is not None


@pytest.mark.slow
@pytest.mark.parametrize(
    "examples", [120, pytest.param(2_000, marks=[pytest.mark.soak, pytest.mark.slow])]
)
def test_any_value_of_any_row_of_history(session, history, examples):
    everything = columns(session)
    assert {each.table_name for each in everything} == set(verify.APPEND_ONLY)

    @settings(
        max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(
        where=st.sampled_from(everything),
        row=st.integers(0, 30),
        by=st.sampled_from([1, -1, 1_000]),
    )
    def is_found(where, row, by):
        savepoint = session.begin_nested()
        with suppress(IntegrityError):  # What a key refuses cannot be stored.
            if tamper(session, *where, row=row, by=by):
                assert list(verify.verify(session)), f"{where}, row {row}: nobody noticed"
        savepoint.rollback()
        session.expire_all()

    is_found()


@pytest.mark.parametrize("table", verify.APPEND_ONLY)
def test_any_row_taken_away_from_the_middle(session, history, table):
    # The last block of a chain shows only against a hash that was kept elsewhere.
    followed = "true"
    if table == "record_block":
        followed = (
            "EXISTS (SELECT FROM record_block AS next"
            " WHERE next.name = it.name AND next.number > it.number)"
        )
    for row in session.scalars(text(f"SELECT ctid FROM {table} AS it WHERE {followed}")).all():
        with session.begin_nested() as savepoint:
            unguard(session, table)
            session.execute(text(f"DELETE FROM {table} WHERE ctid = '{row}'"))
            assert list(verify.verify(session)), f"{table} lost row {row}: nobody noticed"
            savepoint.rollback()
        session.expire_all()


def test_a_row_slipped_into_a_chained_stretch(session, history):
    session.execute(text("SELECT setval('commission_rules_version_seq', 2000)"))
    make_rules(session)
    chained(session)
    for step in (
        "CREATE TEMP TABLE slipped ON COMMIT DROP AS SELECT * FROM commission_rules LIMIT 1",
        "UPDATE slipped SET version = 1000",
        "INSERT INTO commission_rules SELECT * FROM slipped",
    ):
        session.execute(text(step))

    assert "ledger.records" in {breach.rule for breach in verify.verify(session)}


def test_blocks_of_a_table_that_has_no_chain(session, history):
    unguard(session, "record_block")
    session.execute(
        text("UPDATE record_block SET name = 'elsewhere' WHERE name = 'commission_rate'")
    )

    subjects = {breach.subject for breach in verify.verify(session)}

    assert "blocks of elsewhere" in subjects


class TestRecords:
    def test_what_is_chained_is_chained_once(self, session, history):
        assert chained(session) == 0

    def test_a_table_without_rows_has_no_block(self, session):
        assert [records.extend(session, name, now=NOON) for name in verify.RECORDS] == [0] * len(
            verify.RECORDS
        )
        assert records.head(session, "commission_rate") is None

    def test_an_id_that_was_never_committed_leaves_a_gap_and_no_breach(self, session):
        make_rules(session)
        session.rollback()
        make_rules(session)
        session.commit()

        assert records.extend(session, "commission_rules", now=NOON) == 1
        session.commit()
        make_rules(session)
        session.rollback()
        assert records.extend(session, "commission_rules", now=NOON) == 0
        assert list(records.verify(session, "commission_rules")) == []

    def test_nothing_is_passed_over_while_somebody_writes(self, session, monkeypatch):
        monkeypatch.setattr(records.horizon, "settled", lambda *_, **__: None)
        make_rules(session)

        assert records.extend(session, "commission_rules", now=NOON) == 0

    def test_a_block_has_a_limit_and_the_next_one_goes_on(self, session, monkeypatch):
        monkeypatch.setattr(records, "MOST", 2)
        for _ in range(3):
            make_rules(session)
        session.commit()

        steps = [records.extend(session, "commission_rules", now=NOON) for _ in range(3)]

        assert steps == [2, 1, 0]
        assert records.head(session, "commission_rules").number == 2
        assert list(records.verify(session, "commission_rules")) == []

    def test_every_table_has_a_key_that_a_sequence_or_a_lock_gives(self, session):
        in_turn = {"ledger_block", "trial_day", "trial_balance"}
        for name in set(verify.RECORDS) - in_turn:
            (key,) = RecordBlock.metadata.tables[name].primary_key.columns
            given = text("SELECT pg_get_serial_sequence(:name, :key)")
            assert session.scalar(given, {"name": name, "key": key.name}), name
