"""Threads that re-bind, take over, join and leave at once: no circle, no gap, no deadlock."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from distribution import team, verify
from distribution.team import joining, rebinding, teams
from distribution.team.models import Binding, BindingLog
from distribution.team.states import BindingMode, OnLeaving
from tests.builders.distribution import (
    NOON,
    bind,
    make_binding_rules,
    make_chain,
    make_distributor,
    make_rules,
    pay,
    uplines_of,
)

pytestmark = pytest.mark.race
THREADS = 16
DAY = timedelta(days=1)


@pytest.fixture
def waits(app, database_url):
    """Check that the second work waits until the first one's transaction has ended."""
    engine = create_engine(database_url)

    def check(first: Callable[[Session], object], second: Callable[[Session], object]) -> object:
        def work():
            with Session(engine) as other:
                result = second(other)
                other.commit()
                return result

        with Session(engine) as slow, ThreadPoolExecutor(1) as pool:
            first(slow)
            waiting = pool.submit(work)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.3)
            slow.commit()
            return waiting.result()

    yield check
    engine.dispose()


def refusal_of(call):
    """Do it; the name of the refusal, if it was refused."""
    try:
        call()
    except team.BindingRefused as refusal:
        return type(refusal).__name__


def rebinding_to(member, upline):
    """A worker: staff put the member below the upline."""
    return lambda s: refusal_of(
        lambda: rebinding.rebind(
            s, member_id=member, upline_id=upline, actor="staff:1", reason="归属有误", now=NOON
        )
    )


def touching(member, code):
    """A worker: the member follows a link of whoever has the code."""
    return lambda s: refusal_of(
        lambda: team.bind(s, member_id=member, invite_code=code, origin="link", now=NOON)
    )


def unbinding(s, member):
    """Staff take the member out; the name of the refusal, if it was refused."""
    return refusal_of(
        lambda: rebinding.unbind(s, member_id=member, actor="staff:1", reason="误绑", now=NOON)
    )


def codes_of(session, members):
    return {each: make_distributor(session, member_id=each).invite_code for each in members}


@pytest.mark.parametrize("attempt", range(5))
def test_two_heads_of_teams_rebound_below_each_other_at_once_never_make_a_circle(
    session, at_once, attempt
):
    make_rules(session)
    make_chain(session, 11, 1, 91)
    make_chain(session, 12, 2, 92)
    session.commit()

    refusals = at_once([rebinding_to(1, 2), rebinding_to(2, 1)])

    assert sorted(map(str, refusals)) == ["BindingCycle", "None"]
    assert list(verify.verify(session)) == []


@pytest.mark.parametrize("attempt", range(3))
@pytest.mark.parametrize("how", ["touch", "staff"])
def test_a_ring_of_bound_distributors_who_all_move_at_once_stays_open(
    session, at_once, attempt, how
):
    make_rules(session)
    make_binding_rules(session, mode=BindingMode.LAST_TOUCH)
    codes = codes_of(session, range(1, THREADS + 1))
    for member_id in codes:
        bind(session, member_id=member_id, upline_id=100 + member_id)
    session.commit()
    ring = [(member, member % THREADS + 1) for member in codes]

    refusals = at_once(
        [
            rebinding_to(member, upline) if how == "staff" else touching(member, codes[upline])
            for member, upline in ring
        ]
    )

    assert refusals.count("BindingCycle") == 1
    assert refusals.count(None) == THREADS - 1
    assert list(verify.verify(session)) == []


@pytest.mark.parametrize("attempt", range(3))
def test_chains_that_are_hung_below_each_others_ends_at_once_stay_trees(session, at_once, attempt):
    """The circle would be eight people long, and closes over people nobody moves."""
    make_rules(session)
    chains = [range(10 * n, 10 * n + 4) for n in range(1, 9)]
    for chain in chains:
        make_distributor(session, member_id=chain[0])
        make_chain(session, *chain)
    session.commit()
    moves = [(one[-1], other[0]) for one, other in pairwise([*chains, chains[0]])]

    refusals = at_once([rebinding_to(head, foot) for head, foot in moves])

    assert refusals.count("BindingCycle") == 1
    assert list(verify.verify(session)) == []


@pytest.mark.parametrize("attempt", range(5))
def test_a_member_who_joins_while_being_taken_over_never_ends_above_and_below_the_taker(
    session, at_once, attempt
):
    make_rules(session)
    make_binding_rules(session, mode=BindingMode.LAST_TOUCH)
    bind(session, member_id=1, upline_id=3)
    taker = make_distributor(session, member_id=2).invite_code
    session.commit()

    def joined_and_bound_to(s):
        code = joining.join(s, member_id=1, now=NOON).invite_code
        s.commit()
        return touching(2, code)(s)

    refusals = at_once([touching(1, taker), joined_and_bound_to])

    assert sorted(map(str, refusals)) == ["BindingCycle", "None"]
    assert list(verify.verify(session)) == []


@pytest.mark.parametrize("attempt", range(3))
def test_many_who_take_over_an_expired_binding_at_once_get_it_once(session, at_once, attempt):
    make_rules(session)
    make_binding_rules(session, mode=BindingMode.PROTECTED, protect_days=1)
    codes = codes_of(session, range(2, 10))
    bind(session, member_id=1, upline_id=20, now=NOON - DAY)
    session.commit()

    refusals = at_once([touching(1, code) for code in codes.values()])

    assert sorted(map(str, refusals)) == ["AlreadyBound"] * 7 + ["None"]
    assert session.scalar(select(func.count()).select_from(BindingLog)) == 2
    assert list(verify.verify(session)) == []


@pytest.mark.parametrize("attempt", range(3))
def test_orders_takeovers_and_staff_on_one_member_at_once_leave_a_log_without_gaps(
    session, at_once, attempt
):
    make_rules(session)
    make_binding_rules(session, mode=BindingMode.PROTECTED, protect_days=9, extend_days=20)
    codes_of(session, range(2, 6))
    bind(session, member_id=1, upline_id=2)
    session.commit()

    def ordering(number):
        def work(s):
            at = NOON + number * DAY / 10
            team.extend(s, member_id=1, source=f"order:{number}", now=at)
            pay(s, buyer_id=1, order=f"order:{number}", now=at)

        return work

    at_once(
        [
            *map(ordering, range(8)),
            *(rebinding_to(1, each) for each in range(2, 6)),
            lambda s: unbinding(s, 1),
        ]
    )

    gaps = {each.rule for each in verify.verify(session)}
    # The moves here are all of noon, the orders of later: only their order in time is made up.
    assert gaps <= {"commission.beneficiary_was_an_upline"}


def test_a_second_touch_waits_for_the_first_and_finds_the_member_bound(session, waits):
    codes = codes_of(session, (2, 3))
    session.commit()

    assert waits(touching(1, codes[2]), touching(1, codes[3])) == "AlreadyBound"


def test_joining_waits_for_a_binding_under_way(session, waits):
    codes = codes_of(session, (2,))
    session.commit()

    waits(touching(1, codes[2]), lambda s: joining.join(s, member_id=1, now=NOON))

    assert [each.member_id for each in uplines_of(session, 1)] == [2]


def test_who_leaves_waits_for_a_binding_under_way_and_is_found_by_the_release(session, waits):
    make_binding_rules(session, on_leaving=OnLeaving.RELEASE)
    codes = codes_of(session, (2,))
    session.commit()

    waits(touching(1, codes[2]), lambda s: joining.leave(s, member_id=2, now=NOON))

    assert teams.release(session, now=NOON) == 1


def test_a_touch_waits_for_who_is_leaving_and_is_refused(session, waits):
    codes = codes_of(session, (2,))
    session.commit()

    refused = waits(lambda s: joining.leave(s, member_id=2, now=NOON), touching(1, codes[2]))

    assert refused == "UplineNotActive"


def test_an_order_waits_for_a_takeover_and_prolongs_nothing_of_the_old_upline(session, waits):
    make_binding_rules(session, mode=BindingMode.PROTECTED, protect_days=9, extend_days=5)
    codes_of(session, (2, 3))
    bind(session, member_id=1, upline_id=2)
    session.commit()

    waits(
        rebinding_to(1, 3),
        lambda s: team.extend(s, member_id=1, source="order:1", now=NOON + 5 * DAY),
    )

    (latest, *_) = rebinding.history(session, 1)
    assert (latest.kind, latest.upline_member_id, latest.previous_upline_id) == ("extend", 3, 3)
    assert list(verify.verify(session)) == []


@pytest.mark.parametrize("attempt", range(5))
def test_nobody_is_left_with_who_leaves_while_binding_them(session, at_once, attempt):
    make_rules(session)
    make_binding_rules(session, on_leaving=OnLeaving.RELEASE)
    code = make_distributor(session, member_id=2).invite_code
    session.commit()

    at_once([
        lambda s: joining.leave(s, member_id=2, now=NOON),
        *(touching(member, code) for member in range(10, 18)),
    ])  # fmt: skip
    while teams.release(session, now=NOON):
        pass

    assert session.scalars(select(Binding)).all() == []
    assert list(verify.verify(session)) == []


def test_many_release_one_team_at_once_and_each_person_once(session, at_once):
    make_rules(session)
    make_binding_rules(session, on_leaving=OnLeaving.RELEASE)
    for member_id in range(10, 70):
        bind(session, member_id=member_id, upline_id=2)
    joining.leave(session, member_id=2, now=NOON)
    session.commit()

    released = at_once([lambda s: teams.release(s, now=NOON, limit=10)] * 8)

    assert sum(released) == 60
    assert list(verify.verify(session)) == []


@pytest.mark.parametrize("attempt", range(3))
def test_a_team_handed_over_while_its_people_and_the_taker_move_stays_a_tree(
    session, at_once, attempt
):
    """The taker is moved below one of the team while the team is moved below the taker."""
    make_rules(session)
    codes = codes_of(session, range(10, 18))
    for member_id in codes:
        bind(session, member_id=member_id, upline_id=2)
    make_distributor(session, member_id=3)
    make_chain(session, 3, 90)
    session.commit()

    def handing(s):
        return teams.hand_over(
            s, from_id=2, to_id=3, actor="staff:1", reason="已离职", now=NOON, limit=3
        )

    at_once([handing, handing, rebinding_to(3, 12), rebinding_to(12, 3), rebinding_to(3, 16)])
    while handing(session):
        pass

    assert list(verify.verify(session)) == []


def some_moves(number, codes):
    """A worker that touches, orders, re-binds, unbinds, leaves and comes back, by chance."""
    chance = random.Random(number)
    people = [*codes, *range(50, 60)]

    def moves(s):
        member, upline = chance.choice(people), chance.choice([*codes])
        yield 1, lambda: touching(member, codes[upline])(s)
        yield 0.4, lambda: rebinding_to(member, upline)(s)
        yield 0.3, lambda: team.extend(s, member_id=member, source=f"order:{number}", now=NOON)
        yield 0.2, lambda: unbinding(s, member)
        yield 0.1, lambda: joining.leave(s, member_id=upline, now=NOON)
        yield 1, lambda: back_again(s, upline)
        yield 1, lambda: teams.release(s, now=NOON, limit=3)

    def work(s):
        for _ in range(12):
            for likelihood, step in moves(s):
                if chance.random() < likelihood:
                    step()
                    s.commit()

    return work


def back_again(s, member):
    """Join and be approved again if they have left, unless somebody else is at it."""
    try:
        if joining.join(s, member_id=member, now=NOON).status == "pending":
            joining.approve(s, member_id=member, now=NOON)
    except joining.IllegalMove:
        s.rollback()


@pytest.mark.slow
@pytest.mark.parametrize("mode", [BindingMode.LAST_TOUCH, BindingMode.PROTECTED])
def test_sixteen_threads_of_mixed_moves_in_one_small_tree_keep_it_a_tree(session, at_once, mode):
    make_rules(session)
    make_binding_rules(session, mode=mode, on_leaving=OnLeaving.RELEASE, extend_days=60)
    codes = codes_of(session, range(1, 9))
    session.commit()

    at_once([some_moves(number, codes) for number in range(THREADS)])

    assert list(verify.verify(session)) == []
