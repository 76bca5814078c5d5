"""What lifts a distributor: pure conditions, against a plain reading of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distribution.team.conditions import (
    OWN,
    SOLD,
    BadConditions,
    Conditions,
    Facts,
    Grade,
    best,
    verdict,
)

NAMES = (*OWN, *SOLD)
numbers = st.integers(0, 5)
facts = st.builds(Facts, *[numbers] * 5)
thresholds = st.fixed_dictionaries({}, optional={name: st.integers(1, 5) for name in NAMES})


def lawful(is_every, given_):
    """Whether such conditions may exist: buying oneself never lifts alone."""
    buys, sells = given_.keys() & set(OWN), given_.keys() & set(SOLD)
    return not buys or (is_every and bool(sells))


@given(st.booleans(), thresholds, facts)
def test_conditions_are_met_as_one_would_read_them(is_every, given_, found):
    conditions = Conditions(is_every, **given_)
    reached = [getattr(found, name) >= needed for name, needed in given_.items()]

    assert conditions.are_met(found) == (
        bool(reached) and (all(reached) if is_every else any(reached))
    )
    assert [(gap.condition, gap.needed, gap.reached) for gap in conditions.progress(found)] == [
        (name, given_[name], getattr(found, name)) for name in NAMES if name in given_
    ]


@given(st.booleans(), thresholds)
def test_buying_alone_lifts_nobody(is_every, given_):
    conditions = Conditions(is_every, **given_)
    only_buys = Facts(own_orders=10**9, own_spend_fen=10**9)

    if lawful(is_every, given_):
        conditions.check()
        assert not conditions.are_met(only_buys)
    else:
        with pytest.raises(BadConditions):
            conditions.check()


@pytest.mark.parametrize("needed", [0, -1, 10**12 + 1])
def test_a_threshold_that_makes_no_sense_is_refused(needed):
    with pytest.raises(BadConditions):
        Conditions(level1_orders=needed).check()


def test_there_is_no_condition_on_how_many_people_were_recruited():
    assert set(NAMES) == set(Facts._fields)
    assert not [name for name in NAMES if "recruit" in name or "team" in name or "level2" in name]


@given(
    st.lists(st.tuples(thresholds, st.booleans()), max_size=5),
    st.integers(-1, 4),
    facts,
    st.booleans(),
)
def test_the_verdict_goes_up_at_once_and_down_only_when_due(rungs, held_at, found, is_due):
    ladder = [
        Grade(rank, f"第{rank}级", rank, Conditions(is_every=is_every, **given_))
        for rank, (given_, is_every) in enumerate(rungs, 1)
    ]
    held = ladder[held_at] if 0 <= held_at < len(ladder) else None
    looks = {None: found}
    met = [grade.rank for grade in ladder if grade.conditions.are_met(found)]

    given_grade = verdict(held, ladder, looks, is_due=is_due)

    reached = max(met, default=0)
    held_rank = held.rank if held else 0
    keeps = held is not None and (held.rank in met or not is_due)
    expected = max(reached, held_rank) if held is None or keeps else reached
    assert (given_grade.rank if given_grade else 0) == expected
    assert best(ladder, looks) == (ladder[reached - 1] if reached else None)
