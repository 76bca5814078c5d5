"""What other malls get wrong about binding, each by its name; here it cannot happen."""

from datetime import timedelta

import pytest

from distribution import queries, team, verify
from distribution.team import joining, rebinding
from distribution.team.states import BindingMode
from tests.builders.distribution import (
    NOON,
    bind,
    make_binding_rules,
    make_chain,
    make_distributor,
    make_rules,
    pay,
)

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def proven(session):
    """Whatever a test did, the proof holds afterwards."""
    make_rules(session)
    yield
    assert list(verify.verify(session)) == []


def beneficiaries(session, order="order:1"):
    return [each.beneficiary_id for each in queries.explain(session, order)]


def test_b17_a_circle_of_three_is_refused_not_only_of_two(session):
    """CRMEB looks at the inviter's own upline only: A→B→C→A was possible."""
    make_chain(session, 1, 2, 3)
    make_distributor(session, member_id=1)

    with pytest.raises(team.BindingCycle):
        bind(session, member_id=3, upline_id=1)
    with pytest.raises(team.BindingCycle):
        rebinding.rebind(
            session, member_id=3, upline_id=1, actor="staff:1", reason="核实", now=NOON
        )

    pay(session, buyer_id=1)
    assert beneficiaries(session) == [2, 3]


def test_a_click_never_takes_over_who_is_protected_and_nothing_expires_with_a_cache(session):
    """lilishop keeps the attribution in a cache key that each click overwrites."""
    make_binding_rules(session, mode=BindingMode.PROTECTED, protect_days=30)
    bind(session, member_id=1, upline_id=2)

    with pytest.raises(team.AlreadyBound):
        bind(session, member_id=1, upline_id=3, now=NOON + 29 * DAY)

    pay(session, buyer_id=1, now=NOON + 29 * DAY)
    assert beneficiaries(session) == [2]


def test_the_second_level_is_who_it_was_at_payment(session):
    """yudao looks the second level up when it settles, whoever that is by then."""
    make_chain(session, 1, 2, 3)
    pay(session, buyer_id=1)
    make_distributor(session, member_id=4)

    rebinding.rebind(session, member_id=2, upline_id=4, actor="staff:1", reason="核实", now=NOON)
    pay(session, buyer_id=1, order="order:2", now=NOON + DAY)

    assert (beneficiaries(session), beneficiaries(session, "order:2")) == ([2, 3], [2, 4])


def test_a_chain_does_not_end_at_the_first_who_earns_nothing(session):
    """CoreShop stops at the first who is no distributor; likeshop skips a frozen one silently."""
    make_chain(session, 1, 2, 3)
    joining.freeze(session, member_id=2, reason="刷单", now=NOON)
    pay(session, buyer_id=1)

    first, second = queries.explain(session, "order:1")
    assert (first.beneficiary_id, first.amount_fen, first.reason) == (2, 0, "upline_frozen")
    assert (second.beneficiary_id, second.amount_fen) == (3, 500)


def test_what_was_bound_and_replaced_is_never_forgotten(session):
    """Where re-binding overwrites a column, nobody can say whose the buyer was."""
    make_binding_rules(session, mode=BindingMode.LAST_TOUCH)
    for upline_id in (2, 3):
        bind(session, member_id=1, upline_id=upline_id)
        pay(session, buyer_id=1, order=f"order:{upline_id}")

    assert [row.upline_member_id for row in rebinding.history(session, 1)] == [3, 2]
    assert (beneficiaries(session, "order:2"), beneficiaries(session, "order:3")) == ([2], [3])
