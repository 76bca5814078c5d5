"""Grades: reached by selling, looked at again after their days, given by hand, on record."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from distribution import verify
from distribution.team import facts, grades, grading, joining, purchases
from distribution.team.conditions import BadConditions, Conditions, Facts
from distribution.team.grades import RankTaken, TooManyGrades, UnknownGrade
from distribution.team.purchases import Goods
from tests.builders.distribution import NOON, bind, make_distributor, make_rules, make_rung

SELLER = 2
DAY = timedelta(days=1)


@pytest.fixture
def team(session):
    """Distributor 2, who brought 11, 12 and 13."""
    make_rules(session)
    for member_id in (11, 12, 13):
        bind(session, member_id=member_id, upline_id=SELLER)


def sell(session, name, *, buyer_id=11, fen=1_000, now=NOON):
    """One order of somebody below the seller, paid and completed."""
    order = f"order:{name}"
    goods = [Goods(7, fen, fen)]
    purchases.paid(session, order_source=order, buyer_id=buyer_id, goods=goods, now=now)
    purchases.completed(session, [order], now=now)


def held(session, member_id=SELLER):
    return joining.get(session, member_id).grade_id


def give(session, grade_id, *, is_locked=False, now=NOON):
    grading.give(
        session, member_id=SELLER, grade_id=grade_id, is_locked=is_locked, reason="老客户",
        actor="staff:7", now=now,
    )  # fmt: skip


def record(session):
    """The seller's grades, the first one first: from, to, why."""
    rows = reversed(grading.history(session, SELLER))
    return [(each.from_grade_id, each.grade_id, each.cause) for each in rows]


class TestDefinition:
    def test_keeps_what_was_asked_for(self, session):
        made = make_rung(session, rank=3, keep_days=30, level1_fen=5, own_orders=1)

        assert grades.get(session, made.id) == made
        assert made.conditions == Conditions(level1_fen=5, own_orders=1)
        assert (made.rank, made.keep_days, made.is_archived) == (3, 30, False)

    def test_ranks_are_taken_once_among_grades_in_use(self, session):
        first = make_rung(session, rank=1)
        second = make_rung(session, rank=2)

        with pytest.raises(RankTaken):
            make_rung(session, rank=1)
        with pytest.raises(RankTaken):
            change(session, second.id, rank=1)
        grading.archive(session, first.id, now=NOON)

        assert make_rung(session, rank=1).rank == 1
        assert [each.rank for each in grades.in_use(session)] == [1, 2]
        assert len(grades.every(session)) == 3

    @pytest.mark.parametrize(
        "wrong",
        [
            {"own_spend_fen": 100},
            {"is_every": False, "own_orders": 1, "level1_orders": 1},
            {"level1_orders": 0},
            {"direct_customers": -1},
        ],
    )
    def test_that_pays_for_buying_or_makes_no_sense_is_refused(self, session, wrong):
        with pytest.raises(BadConditions):
            make_rung(session, **wrong)

        assert grades.every(session) == []

    def test_by_hand_only_has_no_days_to_be_kept_up_in(self, session):
        with pytest.raises(BadConditions):
            grades.create(
                session, name="店长", rank=1, conditions=Conditions(), keep_days=30, now=NOON
            )
        made = grades.create(
            session, name="店长", rank=1, conditions=Conditions(), keep_days=None, now=NOON
        )
        assert made.conditions.thresholds == {}

    def test_that_is_out_of_use_is_not_changed_or_archived_again(self, session):
        made = make_rung(session)
        grading.archive(session, made.id, now=NOON)

        with pytest.raises(UnknownGrade):
            change(session, made.id, rank=2)
        with pytest.raises(UnknownGrade):
            grading.archive(session, made.id, now=NOON)
        with pytest.raises(UnknownGrade):
            grades.get(session, 999)

    def test_may_ask_for_more_and_who_has_it_keeps_it(self, session, team):
        grade = make_rung(session, level1_orders=1)
        sell(session, "a")

        changed = change(session, grade.id, rank=4, level1_orders=50)
        grading.evaluate(session, [SELLER], now=NOON + DAY)

        assert (changed.rank, changed.conditions) == (4, Conditions(level1_orders=50))
        assert held(session) == grade.id

    def test_a_ladder_ends_somewhere(self, session):
        for rank in range(1, grades.MOST_GRADES + 1):
            make_rung(session, rank=rank)

        with pytest.raises(TooManyGrades):
            make_rung(session, rank=99)

    def test_other_mistakes_are_not_taken_for_a_rank(self, session):
        with pytest.raises(Exception, match="ck_distributor_grade_rank"):
            make_rung(session, rank=101)


def change(session, grade_id, *, rank, **conditions):
    asked = Conditions(**(conditions or {"level1_orders": 1}))
    return grades.change(session, grade_id, name="改", rank=rank, conditions=asked, keep_days=None)


class TestReaching:
    def test_lifts_at_the_order_that_is_enough_and_says_on_what_facts(self, session, team):
        grade = make_rung(session, level1_orders=2, direct_customers=2)
        sell(session, "a")
        sell(session, "b")
        assert held(session) is None

        sell(session, "c", buyer_id=12)

        assert held(session) == grade.id
        (entry,) = grading.history(session, SELLER)
        assert (entry.cause, entry.actor) == ("earned", "system")
        assert (
            Facts(**entry.facts) == facts.of(session, [SELLER])[SELLER] == Facts(0, 0, 3, 3_000, 2)
        )
        assert list(verify.verify(session)) == []

    def test_lifts_to_the_highest_that_is_met(self, session, team):
        make_rung(session, rank=1, level1_orders=1)
        top = make_rung(session, rank=9, level1_fen=1_000)
        make_rung(session, rank=10, level1_fen=1_001)

        sell(session, "a")

        assert held(session) == top.id
        assert record(session) == [(None, top.id, "earned")]

    def test_counts_a_large_order_that_went_back_for_nothing(self, session, team):
        make_rung(session, level1_fen=1_000)
        goods = [Goods(7, 5_000, 5_000)]
        purchases.paid(session, order_source="order:a", buyer_id=11, goods=goods, now=NOON)
        purchases.returned(session, order_source="order:a", goods=[Goods(7, 5_000, 0)])
        purchases.completed(session, ["order:a"], now=NOON)

        assert held(session) is None

    def test_people_who_were_only_recruited_lift_nobody(self, session, team):
        make_rung(session, direct_customers=1)

        grading.evaluate(session, [SELLER], now=NOON)

        assert held(session) is None

    def test_is_for_active_distributors(self, session, team):
        grade = make_rung(session, level1_orders=1)
        goods = [Goods(7, 10, 10)]
        purchases.paid(session, order_source="order:a", buyer_id=11, goods=goods, now=NOON)
        joining.freeze(session, member_id=SELLER, reason="刷单", now=NOON)
        purchases.completed(session, ["order:a"], now=NOON)
        assert held(session) is None

        joining.resume(session, member_id=SELLER, now=NOON)
        assert grading.review(session, after=0, now=NOON, limit=1) == SELLER

        assert held(session) == grade.id

    def test_a_shop_without_conditions_is_not_looked_at(self, session, team):
        by_hand = grades.create(
            session, name="店长", rank=1, conditions=Conditions(), keep_days=None, now=NOON
        )
        sell(session, "a")

        assert grading.evaluate(session, [SELLER], now=NOON) == 0
        give(session, by_hand.id)
        assert held(session) == by_hand.id
        assert grading.review(session, after=SELLER, now=NOON) is None


class TestKeepingUp:
    def test_falls_when_the_days_are_over_and_nothing_was_sold_in_them(self, session, team):
        low = make_rung(session, rank=1, level1_orders=2)
        high = make_rung(session, rank=2, keep_days=30, level1_orders=2)
        sell(session, "a")
        sell(session, "b", now=NOON + DAY)
        assert held(session) == high.id

        grading.evaluate(session, [SELLER], now=NOON + 30 * DAY)
        assert held(session) == high.id
        grading.evaluate(session, [SELLER], now=NOON + 31 * DAY)

        assert held(session) == low.id
        assert record(session) == [(None, high.id, "earned"), (high.id, low.id, "review")]
        assert list(verify.verify(session)) == []

    def test_is_confirmed_for_as_many_days_by_who_sold_enough(self, session, team):
        grade = make_rung(session, keep_days=30, level1_orders=1)
        sell(session, "a")
        sell(session, "b", now=NOON + 29 * DAY)

        grading.evaluate(session, [SELLER], now=NOON + 30 * DAY)

        found = joining.get(session, SELLER)
        assert (found.grade_id, found.grade_review_at) == (grade.id, NOON + 60 * DAY)
        assert found.graded_at == NOON
        assert len(record(session)) == 1

    def test_falls_to_nothing_where_nothing_is_met(self, session, team):
        grade = make_rung(session, keep_days=30, level1_orders=1)
        sell(session, "a")

        grading.evaluate(session, [SELLER], now=NOON + 30 * DAY)

        assert held(session) is None
        assert record(session)[-1] == (grade.id, None, "review")


class TestByHand:
    def test_is_given_with_a_reason_and_may_be_taken_again(self, session, team):
        grade = make_rung(session)

        give(session, grade.id)
        give(session, None)

        assert held(session) is None
        assert record(session) == [(None, grade.id, "staff"), (grade.id, None, "staff")]
        assert grading.history(session, SELLER)[0].reason == "老客户"
        assert list(verify.verify(session)) == []

    @pytest.mark.parametrize("is_locked", [True, False])
    def test_stays_as_it_is_only_if_it_is_locked(self, session, team, is_locked):
        low = make_rung(session, rank=1, keep_days=5, level1_orders=9)
        high = make_rung(session, rank=2, level1_orders=1)
        give(session, low.id, is_locked=is_locked)

        sell(session, "a")

        assert held(session) == (low.id if is_locked else high.id)
        grading.evaluate(session, [SELLER], now=NOON + 5 * DAY)
        assert held(session) == (low.id if is_locked else high.id)

    def test_locked_without_a_grade_keeps_somebody_out(self, session, team):
        make_rung(session, level1_orders=1)
        give(session, None, is_locked=True)

        sell(session, "a")

        assert held(session) is None

    def test_needs_a_distributor_and_a_grade_in_use(self, session, team):
        grade = make_rung(session)
        grading.archive(session, grade.id, now=NOON)

        for grade_id in (grade.id, 999):
            with pytest.raises(UnknownGrade):
                give(session, grade_id)
        with pytest.raises(joining.UnknownDistributor):
            grading.give(
                session, member_id=11, grade_id=None, is_locked=False, reason="误",
                actor="staff:7", now=NOON,
            )  # fmt: skip


class TestArchiving:
    def test_gives_who_has_it_the_best_they_have_reached_otherwise(self, session, team):
        make_distributor(session, member_id=3)
        low = make_rung(session, rank=1, level1_orders=1)
        high = make_rung(session, rank=2, level1_orders=1)
        sell(session, "a")
        assert held(session) == high.id
        grading.give(
            session, member_id=3, grade_id=high.id, is_locked=True, reason="店员",
            actor="staff:7", now=NOON,
        )  # fmt: skip

        assert grading.archive(session, high.id, now=NOON + DAY) == 2

        assert (held(session), held(session, 3)) == (low.id, None)
        assert record(session)[-1] == (high.id, low.id, "archived")
        assert not joining.get(session, 3).is_grade_locked
        assert list(verify.verify(session)) == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("UPDATE distributor SET grade_id = NULL, grade_review_at = NULL",
         "team.grade_is_the_log"),
        ("UPDATE distributor SET is_grade_locked = true", "team.grade_is_the_log"),
        ("UPDATE distributor_grade_log SET from_grade_id = grade_id", "team.grade_is_the_log"),
        ("DELETE FROM distributor_grade_log", "team.grade_is_the_log"),
        ("UPDATE distributor_grade SET archived_at = now()", "team.grade_is_in_use"),
    ],
)  # fmt: skip
def test_a_grade_that_is_not_what_the_log_says_is_found(session, team, change, rule):
    make_rung(session, level1_orders=1)
    sell(session, "a")
    assert list(verify.verify(session)) == []

    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(change))

    assert rule in {each.rule for each in verify.verify(session)}
