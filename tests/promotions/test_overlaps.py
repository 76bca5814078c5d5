"""Which campaigns meet, when for the first time, and what happens between them."""

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotions.overlaps import Meeting, among, first_shared_moment, meeting_of, share_buyers
from promotions.pricing import Audience, GroupMode, Lane, Scope, Slot, Targets
from tests.builders.promotions import NOON, make_cart, make_line, make_promotion, quote_of

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def of(*skus, **more):
    return Scope(include=Targets(sku_ids=frozenset(skus), **more))


class TestGoods:
    LINES = (
        make_line(1, spu_id=10, category_path=(1, 2), tags=frozenset({"新品"})),
        make_line(2, spu_id=20, category_path=(1, 3)),
        make_line(3, spu_id=30, category_path=(4,)),
    )

    @pytest.mark.parametrize(
        ("scope", "shared"),
        [
            (Scope(), (1, 2)),
            (of(1, 3), (1,)),
            (of(3), None),
            (Scope(include=Targets(category_ids=frozenset({1}))), (1, 2)),
            (Scope(include=Targets(category_ids=frozenset({2, 4}))), (1,)),
            (Scope(include=Targets(spu_ids=frozenset({20}), tags=frozenset({"新品"}))), (1, 2)),
            (Scope(exclude=Targets(spu_ids=frozenset({20}))), (1,)),
            (Scope(exclude=Targets(category_ids=frozenset({1}))), None),
            (of(1, tags=frozenset({"清仓"})), (1,)),
        ],
    )
    def test_are_shared_where_both_scopes_cover_them(self, scope, shared):
        mine = make_promotion(1, scope=Scope(include=Targets(category_ids=frozenset({1}))))
        other = make_promotion(2, scope=scope)

        found = among(mine, [other], self.LINES, now=NOON)

        assert [one.sku_ids for one in found] == ([] if shared is None else [shared])

    def test_a_campaign_does_not_meet_itself(self):
        mine = make_promotion(1)

        assert among(mine, [mine], self.LINES, now=NOON) == []

    def test_others_come_by_lane_and_rank(self):
        others = [
            make_promotion(2, lane=Lane.COUPON),
            make_promotion(3),
            make_promotion(4, priority=1),
        ]

        found = among(make_promotion(1), others, self.LINES, now=NOON)

        assert [one.other.promotion_id for one in found] == [4, 3, 2]
        assert [one.meeting for one in found][:2] == [Meeting.EXCLUDES, Meeting.EXCLUDES]


class TestBuyers:
    @pytest.mark.parametrize(
        ("one", "other", "meet"),
        [
            ({}, {"levels": frozenset({1})}, True),
            ({"levels": frozenset({1})}, {"levels": frozenset({2})}, False),
            ({"levels": frozenset({1, 2})}, {"levels": frozenset({2})}, True),
            ({"is_new": True}, {"is_new": False}, False),
            ({"is_new": True}, {}, True),
            ({"is_new": False}, {"is_new": False}, True),
            ({"tags": frozenset({"a"})}, {"tags": frozenset({"b"})}, True),
        ],
    )
    def test_are_shared_unless_nobody_can_be_both(self, one, other, meet):
        promotions = [
            make_promotion(number, audience=Audience(**audience))
            for number, audience in ((1, one), (2, other))
        ]

        for first, second in permutations(promotions):
            assert share_buyers(first, second) is meet
            assert bool(among(first, [second], [make_line()], now=NOON)) is meet


def slot(start, until, *weekdays):
    return Slot(from_minute=start, until_minute=until, weekdays=frozenset(weekdays))


SLOTS = st.lists(
    st.builds(
        lambda start, length, days: slot(start * 60, (start + length) * 60, *days),
        st.integers(0, 20),
        st.integers(1, 4),
        st.sets(st.integers(0, 6), max_size=3),
    ),
    max_size=2,
).map(tuple)
WINDOWS = st.tuples(st.integers(-50, 150), st.one_of(st.none(), st.integers(1, 200)))


def windowed(number, window, slots):
    start = NOON + window[0] * HOUR
    ends_at = None if window[1] is None else start + window[1] * HOUR
    return make_promotion(number, starts_at=start, ends_at=ends_at, slots=slots)


class TestTime:
    @given(WINDOWS, WINDOWS, SLOTS, SLOTS, st.integers(0, 100))
    def test_the_first_shared_moment_is_the_first_at_which_both_run(
        self, window, other, slots, other_slots, since
    ):
        one, two = windowed(1, window, slots), windowed(2, other, other_slots)
        start = NOON + since * HOUR
        # Everything opens and closes at full hours, and what never meets in two weeks never does.
        hours = (start + number * HOUR for number in range(24 * 30))
        expected = next((at for at in hours if one.is_running(at) and two.is_running(at)), None)

        assert first_shared_moment(one, two, since=start) == expected
        assert first_shared_moment(two, one, since=start) == expected

    def test_seconds_count(self):
        # Noon of the builders is 12:00 in China, a Wednesday.
        one = make_promotion(1, slots=(slot(12 * 60, 12 * 60 + 1),))
        two = make_promotion(2, starts_at=NOON + timedelta(seconds=59))

        assert first_shared_moment(one, two, since=NOON) == NOON + timedelta(seconds=59)
        assert first_shared_moment(one, two, since=NOON + MINUTE) == NOON + DAY

    def test_slots_that_never_meet_keep_campaigns_apart(self):
        one = make_promotion(1, slots=(slot(0, 60, 0),))
        two = make_promotion(2, slots=(slot(0, 60, 1), slot(60, 120, 0)))

        assert among(one, [two], [make_line()], now=NOON) == []

    def test_a_window_that_ends_where_the_other_starts_does_not_meet_it(self):
        one = make_promotion(1, ends_at=NOON + HOUR)
        two = make_promotion(2, starts_at=NOON + HOUR)

        assert first_shared_moment(one, two, since=NOON) is None


AGREE = {"tags": frozenset({"a"}), "agrees_with": frozenset({"a"})}


class TestMeeting:
    @pytest.mark.parametrize(
        ("one", "other", "meeting"),
        [
            ({}, {}, Meeting.EXCLUDES),
            (AGREE, AGREE, Meeting.STACKS),
            ({**AGREE, "stop_after": True}, AGREE, Meeting.EXCLUDES),
            ({"lane": Lane.PRICE, **AGREE}, {"lane": Lane.PRICE, **AGREE}, Meeting.EXCLUDES),
            ({"group": "g"}, {"group": "g"}, Meeting.GROUP_BEST),
            ({"group": "g"}, {"group": "h"}, Meeting.EXCLUDES),
            ({"lane": Lane.LINE}, {}, Meeting.BLOCKS),
            ({"lane": Lane.COUPON}, {}, Meeting.BLOCKED),
            ({"lane": Lane.LINE, **AGREE}, AGREE, Meeting.STACKS),
            ({"lane": Lane.LINE, **AGREE, "stop_after": True}, AGREE, Meeting.BLOCKS),
            ({"lane": Lane.SHIPPING}, {}, Meeting.STACKS),
            ({"lane": Lane.SHIPPING}, {"lane": Lane.SHIPPING}, Meeting.EXCLUDES),
        ],
    )
    def test_is_named(self, one, other, meeting):
        assert meeting_of(make_promotion(1, **one), make_promotion(2, **other)) is meeting

    @pytest.mark.parametrize("mode", GroupMode)
    def test_a_group_does_as_its_mode_says(self, mode):
        one, other = (make_promotion(number, group="g", group_mode=mode) for number in (1, 2))
        expected = {
            GroupMode.ALL: Meeting.STACKS,
            GroupMode.BEST: Meeting.GROUP_BEST,
            GroupMode.FIRST: Meeting.GROUP_FIRST,
            GroupMode.WORST: Meeting.GROUP_WORST,
        }

        assert meeting_of(one, other) is expected[mode]
        stray = make_promotion(3, group="g", group_mode=next(m for m in GroupMode if m is not mode))
        assert meeting_of(one, stray) is Meeting.MIXED_GROUP

    MANNERS = st.fixed_dictionaries(
        {
            "lane": st.sampled_from([Lane.PRICE, Lane.LINE, Lane.ORDER, Lane.COUPON]),
            "tags": st.frozensets(st.sampled_from("ab")),
            "agrees_with": st.frozensets(st.sampled_from("ab")),
            "stop_after": st.booleans(),
            "priority": st.integers(0, 1),
            "group": st.sampled_from([None, "g"]),
            "group_mode": st.sampled_from([GroupMode.ALL]),
        }
    )

    @given(MANNERS, MANNERS)
    def test_is_what_the_engine_then_does(self, one, other):
        pair = [make_promotion(1, **one), make_promotion(2, **other)]

        quote = quote_of(make_cart(make_line(fen=20_000)), *pair)

        applied = {adjustment.promotion_id for adjustment in quote.adjustments}
        expected = {
            Meeting.STACKS: ({1, 2},),
            Meeting.EXCLUDES: ({1}, {2}),
            Meeting.BLOCKS: ({1},),
            Meeting.BLOCKED: ({2},),
        }
        assert applied in expected[meeting_of(*pair)]
