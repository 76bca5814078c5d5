"""Whoever changes a stored figure behind the engine's back is found, by the name of the rule."""

import pytest
from sqlalchemy import text

from distribution import commissions, verify
from distribution.ledger import rollup
from tests.builders.distribution import (
    NOON,
    make_chain,
    make_rate,
    make_rules,
    mature,
    pay,
    pay_out,
    refund,
    withdraw,
)


@pytest.fixture
def traded(session):
    """Two levels, a SKU with its own rate, claw-backs before and after maturing, a debt."""
    make_rules(session)
    make_rate(session, "sku", 9, level1_bp=2000, level2_bp=100)
    make_chain(session, 1, 2, 3)
    pay(session, buyer_id=1, paid_fen=(10_000, 20_000))
    refund(session, total_fen=5_000)
    mature(session)
    withdraw(session, member_id=2, amount_fen=2_400)
    withdraw(session, member_id=3, amount_fen=600)
    pay_out(session, member_id=3, cash_fen=500, fee_fen=60, tax_fen=40)
    refund(session, total_fen=20_000, seq=2, source="refund:2")
    rollup.roll_up(session)
    pay(session, buyer_id=1, order="order:2", sku_id=9)
    commissions.claim(session, claim_source="case:1", line_sources=["order:2/1"], now=NOON)
    session.commit()


def found(session):
    return {breach.rule for breach in verify.verify(session)}


def test_a_shop_that_was_not_tampered_with_has_no_breach(session, traded):
    assert list(verify.verify(session)) == []


def test_a_breach_says_who_and_what(session, traded):
    tamper(session, "UPDATE account SET credited_fen = credited_fen + 1"
                    " WHERE kind = 'withdrawing' AND member_id = 2")  # fmt: skip

    (breach, *_) = [each for each in verify.verify(session) if "balance" in each.rule]

    assert "withdrawing of 2" in breach.subject
    assert "2401" in breach.detail
    assert "2400" in breach.detail


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("UPDATE account SET credited_fen = credited_fen + 1 WHERE kind = 'frozen'",
         "ledger.accounts_sum_to_zero"),
        ("UPDATE account SET version = version + 1 WHERE kind = 'frozen'",
         "ledger.balance_is_sum_of_entries"),
        ("UPDATE account SET debited_fen = debited_fen + 1 WHERE kind = 'expense'",
         "ledger.accounts_sum_to_zero"),
        ("UPDATE account SET rolled_to = 0 WHERE kind = 'expense'",
         "ledger.balance_is_sum_of_entries"),
        ("UPDATE entry SET amount_fen = amount_fen + 1 WHERE id = (SELECT min(id) FROM entry)",
         "ledger.running_balance"),
        ("UPDATE entry SET credit_balance_fen = 7 WHERE id = (SELECT min(id) FROM entry)",
         "ledger.running_balance"),
        ("UPDATE entry SET debit_balance_fen = 7 WHERE id = (SELECT min(id) FROM entry)",
         "ledger.running_balance"),
        ("UPDATE entry SET member_id = 3 WHERE member_id = 2", "ledger.entry_fits_posting"),
        ("UPDATE posting SET kind = 'claw_back' WHERE kind = 'accrue'",
         "ledger.entry_fits_posting"),
        ("UPDATE posting SET kind = 'hold' WHERE kind = 'pay_out'", "ledger.entry_fits_posting"),
        ("DELETE FROM entry WHERE amount_fen = 40", "commission.earned_is_kept"),
        ("DELETE FROM entry WHERE id = (SELECT max(id) FROM entry)",
         "ledger.balance_is_sum_of_entries"),
        ("DELETE FROM posting", "commission.row_is_its_entries"),
        ("UPDATE commission SET state = 'clawed', clawed_fen = amount_fen WHERE state = 'frozen'",
         "commission.frozen_is_what_is_not_mature"),
        ("UPDATE commission SET clawed_fen = clawed_fen - 1 WHERE clawed_fen > 0",
         "commission.earned_is_kept"),
        ("UPDATE commission SET clawed_fen = clawed_fen - 1 WHERE clawed_fen > 0",
         "commission.row_is_its_entries"),
        ("DELETE FROM commission WHERE state = 'matured'",
         "commission.matured_is_what_was_released"),
        ("UPDATE commission SET mature_at = mature_at + interval '2 hours' WHERE state = 'matured'",
         "commission.matured_is_what_was_released"),
        (("UPDATE commission SET base_fen = base_fen + 1, paid_fen = paid_fen + 1"
         " WHERE rate_bp = 100"), "commission.base_is_what_was_paid"),
        ("UPDATE commission SET quantity = 2", "commission.base_is_what_was_paid"),
        ("UPDATE commission SET base_kind = 'profit'", "commission.base_is_what_was_paid"),
        ("UPDATE commission SET base_kind = 'profit'", "commission.rate_is_the_rules"),
        ("UPDATE commission SET buyer_id = 77", "commission.base_is_what_was_paid"),
        ("UPDATE commission SET accrued_at = accrued_at - interval '1 day'",
         "commission.base_is_what_was_paid"),
        ("UPDATE posting SET payload = '\\xff', payload_sha256 = sha256('\\xff')",
         "commission.base_is_what_was_paid"),
        ("UPDATE posting SET payload = '{}', payload_sha256 = sha256('{}')",
         "commission.base_is_what_was_paid"),
        ("UPDATE commission SET rules_version = 0 WHERE level = 2", "commission.rate_is_the_rules"),
        ("UPDATE commission SET rules_version = 99999", "commission.rate_is_the_rules"),
        ("UPDATE commission_rate SET level1_bp = 1", "commission.rate_is_the_rules"),
        ("UPDATE commission_rate SET target_id = 8", "commission.rate_is_the_rules"),
        ("UPDATE commission_rate SET scope = 'spu'", "commission.rate_is_the_rules"),
        ("UPDATE commission_rate SET scope = 'category'", "commission.rate_is_the_rules"),
        ("UPDATE commission_rate SET grade_id = 4", "commission.rate_is_the_rules"),
        ("UPDATE commission SET rule = 'spu' WHERE rule = 'sku'", "commission.rate_is_the_rules"),
        ("UPDATE commission SET rate_bp = rate_bp + 10", "commission.rate_is_the_rules"),
        (("UPDATE commission SET beneficiary_id = buyer_id, is_self_purchase = true,"
         " binding_log_id = NULL WHERE level = 1"), "commission.rate_is_the_rules"),
        ("UPDATE commission SET rate_bp = rate_bp + 10",
         "commission.amount_is_what_the_rule_says"),
        ("UPDATE commission SET cap_bp = 2050 WHERE rate_bp < 1000",
         "commission.amount_is_what_the_rule_says"),
        ("UPDATE commission SET claims = 1 WHERE level = 2", "commission.claims_are_counted"),
        ("DELETE FROM commission_claim", "commission.claims_are_counted"),
        ("UPDATE commission_rules SET levels = 1", "commission.rate_is_the_rules"),
        ("UPDATE commission SET cap_bp = 1000 WHERE rate_bp < 1000",
         "commission.levels_within_cap"),
        ("UPDATE commission SET beneficiary_id = 4 WHERE beneficiary_id = 3",
         "commission.beneficiary_was_an_upline"),
        ("UPDATE binding_log SET member_id = 8 WHERE member_id = 1",
         "commission.beneficiary_was_an_upline"),
        ("DELETE FROM commission WHERE level = 1", "commission.beneficiary_was_an_upline"),
        ("UPDATE binding SET upline_member_id = 3 WHERE member_id = 1", "team.binding_is_the_log"),
        ("DELETE FROM binding WHERE member_id = 1", "team.binding_is_the_log"),
        ("UPDATE binding SET upline_member_id = 1 WHERE member_id = 2", "team.no_cycles"),
    ],
)  # fmt: skip
def test_tampering_is_found(session, traded, change, rule):
    tamper(session, change)

    assert rule in found(session)


def test_money_to_withdraw_beside_a_debt_is_found(session, traded):
    tamper(session, "UPDATE account SET credited_fen = credited_fen + 1"
                    " WHERE kind = 'available' AND member_id = 2")  # fmt: skip

    assert "ledger.debts_are_repaid_first" in found(session)


@pytest.mark.parametrize(
    "change",
    ["ALTER TABLE entry DISABLE TRIGGER append_only", "DROP TRIGGER append_only ON entry"],
)
def test_history_without_its_guard_is_found(session, change):
    session.execute(text(change))

    assert found(session) == {"ledger.history_is_guarded"}

    session.rollback()


def test_every_rule_has_a_name_of_its_own():
    names = [proof.rule for proof in verify.PROOFS]

    assert len(set(names)) == len(names) >= 23


def tamper(session, change):
    """Change rows as somebody with the database's own rights could, past triggers and keys."""
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(change))
