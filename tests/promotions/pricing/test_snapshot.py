"""The compiled set of promotions: windows, refused sets, limits, and cost."""

from datetime import datetime, timedelta

import pytest

from promotions.pricing import (
    GroupMode,
    Lane,
    MixedGroup,
    Scope,
    Slot,
    Snapshot,
    Targets,
    price,
)
from promotions.pricing import snapshot as snapshots
from promotions.pricing.canon import NaiveMoment
from promotions.pricing.money import NotWhole, OutOfRange
from promotions.pricing.promotion import EmptyWindow, NoSuchLane
from promotions.pricing.snapshot import DuplicatePromotion
from tests.builders.promotions import NOON, make_cart, make_line, make_promotion

HOUR = timedelta(hours=1)


def test_the_start_belongs_to_the_window_and_the_end_does_not():
    snapshot = Snapshot(1, [make_promotion(1, starts_at=NOON, ends_at=NOON + HOUR)])
    tick = timedelta(microseconds=1)

    discounts = [
        price(make_cart(now=now), snapshot).discount_fen
        for now in (NOON - tick, NOON, NOON + HOUR - tick, NOON + HOUR, NOON - tick)
    ]

    assert discounts == [0, 1_000, 1_000, 0, 0]


def test_one_snapshot_answers_for_any_moment_in_any_order():
    promotions = [
        make_promotion(n, starts_at=NOON + n * HOUR, ends_at=NOON + (n + 2) * HOUR)
        for n in range(5)
    ]
    snapshot = Snapshot(1, promotions)

    for hours in (3, 0, 6, 3, -1, 99):
        now = NOON + hours * HOUR
        running = [one.promotion_id for one in snapshot.running(now)]
        assert [one.promotion_id for one, _ in snapshot.candidates(make_cart(now=now))] == running
        assert running == [n for n in range(5) if n <= hours < n + 2]


def test_what_cannot_apply_is_not_even_looked_at():
    # P5 in cost: a thousand promotions on other goods or at other times give no candidates.
    others = [
        make_promotion(n, scope=Scope(include=Targets(sku_ids=frozenset({1_000 + n}))))
        for n in range(2, 502)
    ]
    later = [make_promotion(n, starts_at=NOON + HOUR) for n in range(502, 1_002)]
    snapshot = Snapshot(1, [make_promotion(1), *others, *later])

    assert [one.promotion_id for one, _ in snapshot.candidates(make_cart())] == [1]


def test_candidates_come_by_lane_then_priority_then_id():
    promotions = [
        make_promotion(1, lane=Lane.COUPON),
        make_promotion(4),
        make_promotion(3),
        make_promotion(2, priority=-1),
        make_promotion(5, lane=Lane.PRICE),
    ]

    found = Snapshot(1, promotions).candidates(make_cart())

    assert [one.promotion_id for one, _ in found] == [5, 3, 4, 2, 1]


def test_a_line_named_twice_counts_once():
    scope = Scope(include=Targets(sku_ids=frozenset({1}), spu_ids=frozenset({1})))

    ((_, lines),) = Snapshot(1, [make_promotion(1, scope=scope)]).candidates(make_cart())

    assert len(lines) == 1


def test_a_category_finds_what_is_anywhere_below_it():
    scope = Scope(include=Targets(category_ids=frozenset({1})))
    cup, book = make_line(1, category_path=(1, 2, 3)), make_line(2, category_path=(4,))

    found = Snapshot(1, [make_promotion(1, scope=scope)]).candidates(make_cart(cup, book))

    assert [lines for _, lines in found] == [(cup,)]


def test_the_limited_candidates_are_named():
    snapshot = Snapshot(
        1,
        [
            make_promotion(1, is_capped=True),
            make_promotion(2),
            make_promotion(3, is_capped=True, starts_at=NOON + HOUR),
        ],
    )

    assert snapshot.limited(make_cart(make_line())) == [1]


def test_an_id_occurs_once():
    with pytest.raises(DuplicatePromotion):
        Snapshot(1, [make_promotion(1), make_promotion(1)])


def test_a_group_has_one_mode():
    first = make_promotion(1, group="g", group_mode=GroupMode.FIRST)

    with pytest.raises(MixedGroup) as refused:
        Snapshot(1, [first, make_promotion(2, group="g")])
    Snapshot(1, [first, make_promotion(2, group="g", lane=Lane.COUPON)])

    assert refused.value.group == "g"


@pytest.mark.parametrize("version", [True, 1.0])
def test_a_version_is_a_whole_number(version):
    with pytest.raises(NotWhole):
        Snapshot(version)


class TestPromotion:
    @pytest.mark.parametrize("lane", [Lane.BASE, Lane.TENDER])
    def test_the_outer_lanes_hold_no_promotions(self, lane):
        with pytest.raises(NoSuchLane):
            make_promotion(lane=lane)

    @pytest.mark.parametrize("hours", [0, -1])
    def test_it_ends_after_it_starts(self, hours):
        with pytest.raises(EmptyWindow):
            make_promotion(ends_at=NOON + hours * HOUR)

    @pytest.mark.parametrize("field", ["starts_at", "ends_at"])
    def test_its_window_has_a_time_zone(self, field):
        with pytest.raises(NaiveMoment):
            make_promotion(**{field: datetime(2030, 1, 1)})  # noqa: DTZ001  # The point of the test.

    @pytest.mark.parametrize(
        ("field", "value", "refusal"),
        [
            ("priority", True, NotWhole),
            ("priority", 10**7, OutOfRange),
            ("max_discount_fen", 0, OutOfRange),
            ("max_discount_fen", 5.0, NotWhole),
        ],
    )
    def test_its_numbers_are_whole_and_in_range(self, field, value, refusal):
        with pytest.raises(refusal):
            make_promotion(**{field: value})


class TestBeforehand:
    @pytest.fixture
    def built(self, monkeypatch):
        """The indexes built since the last `clear()`, by the promotions in them."""
        made = []
        index = snapshots._Index

        def build(running):
            made.append([one.promotion_id for one in running])
            return index(running)

        monkeypatch.setattr(snapshots, "_Index", build)
        return made

    def test_what_was_prepared_is_not_built_when_it_is_asked_for(self, built):
        snapshot = Snapshot(1, [make_promotion(1), make_promotion(2, starts_at=NOON + HOUR)])
        snapshot.prepare(NOON, NOON + HOUR)
        assert built == [[1], [1, 2], [1, 2]]
        built.clear()

        for now in (NOON, NOON + HOUR, NOON):
            snapshot.candidates(make_cart(now=now))
            snapshot.coming([make_line(1)], now)

        assert built == []

    def test_only_the_latest_epochs_are_kept(self, built):
        starts = [make_promotion(n, starts_at=NOON + n * HOUR) for n in range(4)]
        snapshot = Snapshot(1, starts)
        for hours in (0, 1, 2, 3):
            snapshot.candidates(make_cart(now=NOON + hours * HOUR))
        built.clear()

        for hours in (1, 2, 3, 0):
            snapshot.candidates(make_cart(now=NOON + hours * HOUR))

        assert built == [[0]]


class TestComing:
    def coming(self, *promotions, now=NOON):
        found = Snapshot(1, promotions).coming([make_line(1), make_line(2)], now)
        return [(one.promotion_id, [line.line_id for line in lines]) for one, lines in found]

    def test_what_begins_later_is_coming_and_what_runs_or_is_over_is_not(self):
        later = make_promotion(1, starts_at=NOON + HOUR)
        runs = make_promotion(2)
        over = make_promotion(3, starts_at=NOON - HOUR, ends_at=NOON)

        assert self.coming(later, runs, over) == [(1, [1, 2])]

    def test_what_waits_for_its_next_slot_is_coming(self):
        # Noon in China is past the slot of the morning.
        slots = (Slot(from_minute=600, until_minute=720),)
        morning = make_promotion(1, starts_at=NOON - HOUR, slots=slots)

        assert self.coming(morning) == [(1, [1, 2])]
        assert self.coming(morning, now=NOON - HOUR / 2) == []

    def test_only_with_lines_in_scope(self):
        scope = Scope(include=Targets(sku_ids=frozenset({2})))
        other = Scope(include=Targets(sku_ids=frozenset({3})))

        assert self.coming(
            make_promotion(1, starts_at=NOON + HOUR, scope=scope),
            make_promotion(2, starts_at=NOON + HOUR, scope=other),
        ) == [(1, [2])]

    def test_a_coupon_template_is_not_coming(self):
        assert self.coming(make_promotion(1, starts_at=NOON + HOUR, needs_coupon=True)) == []
