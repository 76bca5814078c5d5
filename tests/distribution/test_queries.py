"""What a distributor sees adds up, entry by entry, with the reason for each."""

from distribution import queries
from distribution.queries import Move, Summary
from distribution.team import joining
from tests.builders.distribution import (
    NOON,
    bind,
    make_chain,
    make_rules,
    mature,
    pay,
    refund,
    withdraw,
)


def test_the_summary_of_somebody_without_accounts_is_all_zeros(session):
    assert queries.summary(session, 5) == Summary(0, 0, 0, 0, 0, 0, 0, 0)


def test_the_summary_tells_what_was_earned_taken_back_held_and_owed(session):
    make_rules(session)
    bind(session, member_id=1, upline_id=2)
    pay(session, buyer_id=1)
    mature(session)
    withdraw(session, member_id=2, amount_fen=600)
    refund(session, total_fen=10_000)
    pay(session, buyer_id=1, order="order:2", paid_fen=(500,))

    assert queries.summary(session, 2) == Summary(
        frozen_fen=50,
        available_fen=0,
        withdrawing_fen=600,
        receivable_fen=600,
        earned_fen=1_050,
        clawed_fen=1_000,
        withdrawn_fen=0,
        adjusted_fen=0,
    )


def test_the_statement_shows_each_entry_with_the_balance_it_led_to(session):
    make_rules(session)
    bind(session, member_id=1, upline_id=2)
    pay(session, buyer_id=1)
    refund(session, total_fen=4_000)
    mature(session)
    withdraw(session, member_id=2, amount_fen=500)
    refund(session, total_fen=10_000, source="refund:2")

    lines = queries.statement(session, 2)

    assert [(line.kind, *line.moves) for line in reversed(lines)] == [
        ("accrue", Move("frozen", 1_000, 1_000)),
        ("claw_back", Move("frozen", -400, 600)),
        ("mature", Move("frozen", -600, 0), Move("available", 600, 600)),
        ("hold", Move("available", -500, 100), Move("withdrawing", 500, 500)),
        ("claw_back", Move("available", -100, 0)),
        ("claw_back", Move("receivable", 500, 500)),
    ]
    assert (lines[-1].source, lines[-1].line_source, lines[-1].level) == (
        "order:1",
        "order:1/1",
        1,
    )


def test_the_statement_pages_without_gap_or_overlap(session):
    make_rules(session)
    bind(session, member_id=1, upline_id=2)
    pay(session, buyer_id=1, paid_fen=(1_000,) * 5)

    first = queries.statement(session, 2, limit=3)
    second = queries.statement(session, 2, limit=3, before=first[-1].entry_id)

    assert [line.line_source for line in (*first, *second)] == [
        f"order:1/{seq}" for seq in (5, 4, 3, 2, 1)
    ]


def test_explain_names_base_rate_rule_and_binding_of_each_line_and_level(session):
    in_force = make_rules(session)
    make_chain(session, 1, 2, 3)
    joining.freeze(session, member_id=3, reason="刷单", now=NOON)
    pay(session, buyer_id=1, paid_fen=(10_000,))

    first, second = queries.explain(session, "order:1")

    assert (first.level, first.beneficiary_id, first.base_fen, first.rate_bp) == (
        1,
        2,
        10_000,
        1000,
    )
    assert (first.amount_fen, first.state, first.reason) == (1_000, "frozen", None)
    assert (first.rules_version, first.rate_id) == (in_force.version, None)
    assert (first.bound_at, first.origin) == (NOON, "code")
    assert (second.beneficiary_id, second.amount_fen, second.reason) == (3, 0, "upline_frozen")
    assert queries.explain(session, "order:2") == []
