"""`flask ledger verify`: says what it proved, and fails by name."""

from datetime import timedelta

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
