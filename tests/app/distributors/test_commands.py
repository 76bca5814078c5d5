"""`flask ledger`: says what it proved, fails by name, and shows any past moment."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.distributors import jobs
from tests.builders.distribution import make_chain, make_rules, pay


def traded(session, now):
    make_rules(session)
    make_chain(session, 1, 2, 3)
    pay(session, buyer_id=1, now=now - timedelta(minutes=1))
    session.commit()


def test_an_empty_ledger_proves_itself(app):
    result = app.test_cli_runner().invoke(args=["ledger", "verify"])

    assert (result.exit_code, result.output) == (0, "the ledger proves itself\n")


def test_the_job_chains_and_the_proof_prints_the_head(app, session, now):
    traded(session, now)
    jobs.extend_chain()

    result = app.test_cli_runner().invoke(args=["ledger", "verify"])

    head = session.scalar(text("SELECT encode(sha256, 'hex') FROM ledger_block"))
    assert result.exit_code == 0, result.output
    assert f": {head}\n" in result.output
    assert result.output.startswith("block 1, posting ")


def test_a_changed_byte_is_named_by_its_block(app, session, now):
    traded(session, now)
    jobs.extend_chain()
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text("UPDATE posting SET recorded_at = recorded_at + interval '1 second'"))
    session.commit()

    result = app.test_cli_runner().invoke(args=["ledger", "verify"])

    assert result.exit_code == 1
    assert "✗ ledger.chain: block 1: " in result.output
    assert result.output.endswith("1 breaches\n")


def test_balances_of_a_past_moment_are_printed(app, session, now):
    traded(session, now)
    invoke = app.test_cli_runner().invoke

    after = invoke(args=["ledger", "as-of", now.isoformat(), now.isoformat()])
    alone = invoke(args=["ledger", "as-of", now.isoformat(), now.isoformat(), "--member", "3"])
    before = (now - timedelta(hours=1)).isoformat()

    assert after.output.splitlines() == [
        "shop  expense  1500 fen", "member 2  frozen  1000 fen", "member 3  frozen  500 fen",
    ]  # fmt: skip
    assert alone.output == "member 3  frozen  500 fen\n"
    assert invoke(args=["ledger", "as-of", now.isoformat(), before]).output == ""
    assert invoke(args=["ledger", "as-of", before, now.isoformat()]).output == ""


@pytest.mark.parametrize("moment", ["yesterday", "2026-11-11T20:00:00"])
def test_a_moment_says_its_offset(app, moment):
    result = app.test_cli_runner().invoke(args=["ledger", "as-of", moment, moment])

    assert result.exit_code == 2
    assert moment in result.output
