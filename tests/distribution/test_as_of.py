"""Any past moment: what the sums say is what a replay of the history until then says (L12)."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from distribution import queries
from distribution.ledger import as_of
from distribution.ledger.states import AccountKind
from tests.builders.distribution import NOON, make_chain, make_rules, mature, pay, refund

DEBIT_NORMAL = {"receivable", "expense"}
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["pay", "refund", "mature"]), st.integers(0, 2), st.integers(1, 10_000)
    ),
    max_size=12,
)


def hour(number):
    return NOON + timedelta(hours=number)


def trade(session, events):
    """Do what is asked, an event an hour; of refunds each one is more than the one before."""
    make_rules(session)
    make_chain(session, 1, 2, 3)
    refunded = {}
    for number, (what, order, fen) in enumerate(events):
        name, now = f"order:{order}", hour(number)
        if what == "pay":
            pay(session, buyer_id=1, order=name, now=now)
        elif what == "refund":
            refunded[name] = max(refunded.get(name, 0), fen)
            source = f"refund:{number}"
            total = refunded[name]
            refund(session, total_fen=total, order=name, source=source, now=now)
        else:
            mature(session, order=name, now=now)


def replay(session, *, effective, recorded):
    """The history row by row, into plain dictionaries."""
    rows = session.execute(
        text(
            "SELECT effective_at, recorded_at, amount_fen, d.member_id AS d_member,"
            " d.kind AS d_kind, c.member_id AS c_member, c.kind AS c_kind FROM entry"
            " JOIN posting ON posting.id = posting_id JOIN account AS d ON d.id = debit_account_id"
            " JOIN account AS c ON c.id = credit_account_id ORDER BY entry.id"
        )
    )
    found = {}
    for row in rows:
        if row.effective_at > effective or row.recorded_at > recorded:
            continue
        for member, kind, sign in ((row.d_member, row.d_kind, 1), (row.c_member, row.c_kind, -1)):
            balances = found.setdefault(member, {})
            change = row.amount_fen * (sign if kind in DEBIT_NORMAL else -sign)
            balances[kind] = balances.get(kind, 0) + change
    return found


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS, effective=st.integers(-1, 14), recorded=st.integers(-1, 14))
def test_any_past_moment_equals_a_replay_of_the_history_until_then(
    session, events, effective, recorded
):
    trade(session, events)
    moment = {"effective": hour(effective), "recorded": hour(recorded)}

    found = as_of.balances(session, **moment)

    assert found == replay(session, **moment)
    for member in (2, 3):
        alone = as_of.balances(session, **moment, member_id=member)
        assert alone == ({member: found[member]} if member in found else {})
    session.rollback()


def test_what_is_recorded_late_counts_from_then_on_for_when_it_happened(session):
    make_rules(session)
    make_chain(session, 1, 2)
    pay(session, buyer_id=1, now=hour(0))
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text("UPDATE posting SET recorded_at = recorded_at + interval '1 day'"))

    assert as_of.balances(session, effective=hour(1), recorded=hour(1)) == {}
    late = as_of.balances(session, effective=hour(1), recorded=hour(24))
    assert late == {None: {AccountKind.EXPENSE: 1_000}, 2: {AccountKind.FROZEN: 1_000}}
    session.rollback()


def test_as_of_now_is_what_the_accounts_hold(session):
    make_rules(session)
    make_chain(session, 1, 2)
    pay(session, buyer_id=1)
    mature(session)

    now = as_of.balances(session, effective=hour(99), recorded=hour(99), member_id=2)

    assert now[2][AccountKind.AVAILABLE] == queries.summary(session, 2).available_fen == 1_000
