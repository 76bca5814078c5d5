"""Facts as values: read strictly, judged, and joined so that no order of arrival matters."""

import contextlib
import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.payments import facts, schedule
from app.payments.facts import Known, MalformedFact, RefundStanding, Standing
from tests.app.payments.sequences import LOWER, MISFITS, UNSIGNED, plan, spoiled

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
TERMS = {"appid": "wx1", "mchid": "19", "amount_fen": 9900}
PAID: dict[str, Any] = {
    "appid": "wx1",
    "mchid": "19",
    "out_trade_no": "P1",
    "trade_state": "SUCCESS",
    "transaction_id": "42",
    "success_time": "2026-11-23T12:00:00+08:00",
    "amount": {"total": 9900, "currency": "CNY"},
    "payer": {"openid": "secret"},
}

moments = st.none() | st.datetimes(
    min_value=NOW.replace(year=2020, tzinfo=None),
    max_value=NOW.replace(year=2040, tzinfo=None),
    timezones=st.just(UTC),
)
knowledge = st.builds(
    Known, st.sampled_from(Standing), st.none() | st.sampled_from(["41", "42", "43"]), moments
)


class TestMerge:
    @given(knowledge, knowledge)
    def test_the_order_of_two_does_not_matter(self, one, other):
        assert facts.merge(one, other) == facts.merge(other, one)

    @given(knowledge, knowledge, knowledge)
    def test_the_grouping_of_three_does_not_matter(self, a, b, c):
        left = facts.merge(facts.merge(a, b), c)
        right = facts.merge(a, facts.merge(b, c))

        assert left == right

    @given(knowledge)
    def test_hearing_it_again_changes_nothing(self, known):
        assert facts.merge(known, known) == known

    @given(st.lists(knowledge, min_size=1), st.randoms())
    def test_knowledge_only_grows(self, heard, random):
        known = heard[0]
        for each in heard:
            grown = facts.merge(known, each)
            assert grown.standing >= known.standing
            known = grown
        random.shuffle(heard)
        again = heard[0]
        for each in heard:
            again = facts.merge(again, each)
        assert again == known


def folded(told: list[dict[str, Any] | None]) -> tuple[list[Known], int]:
    """What a mall without a database would know after these messages; None is a forgery."""
    known, quarantined = [Known(Standing.ABSENT), Known(Standing.ABSENT)], set()
    for resource in told:
        if resource is None:
            continue
        event = resource["event"]
        try:
            fact = facts.read_trade(resource)
            number = ["P1", "P2"].index(fact.out_trade_no)
        except (MalformedFact, ValueError):
            quarantined.add(event)
            continue
        if facts.trade_mismatch(fact, **TERMS):
            quarantined.add(event)
        else:
            known[number] = facts.merge(known[number], facts.told(fact))
    return known, len(quarantined)


@pytest.mark.slow
def test_ten_thousand_disorders_end_in_the_same_knowledge():
    for seed in range(10_000):
        made = plan(seed)
        truth = [{**PAID, "out_trade_no": f"P{n + 1}", "transaction_id": f"42{n}"} for n in (0, 1)]
        told: list[dict[str, Any] | None] = [
            None
            if each.flaw in UNSIGNED
            else {**spoiled(truth[each.attempt], each.flaw), "event": each.event}
            for each in made.messages
        ]
        # Whatever was lost is asked about in the end.
        told += [{**truth[n], "event": f"answer-{n}"} for n in made.paid]

        outcomes = []
        for order in range(3):
            Random(seed + order).shuffle(told)
            outcomes.append(folded(told))

        assert outcomes[0] == outcomes[1] == outcomes[2]
        known, quarantined = outcomes[0]
        paid_at = datetime(2026, 11, 23, 4, tzinfo=UTC)
        for number in range(2):
            expected = Known(Standing.PAID, f"42{number}", paid_at)
            assert (known[number] == expected) == (number in made.paid)
        assert quarantined == len({e.event for e in made.messages if e.flaw in MISFITS})


def test_the_plans_hold_every_kind_of_disorder():
    plans = [plan(seed) for seed in range(1000)]
    flaws = {each.flaw for made in plans for each in made.messages}

    assert {made.life for made in plans} == {"paid", "raced", "unpaid", "late", "duplicate"}
    assert flaws == {None, *UNSIGNED, *MISFITS, *LOWER}
    assert any(not made.messages for made in plans)


class TestRead:
    def test_a_payment_is_read_and_the_person_is_left_out(self):
        kept = facts.excerpt(PAID, facts.TRADE_FIELDS)

        fact = facts.read_trade(kept)

        assert fact == facts.read_trade(PAID)
        assert fact.paid_at == NOW
        assert "secret" not in json.dumps(kept)

    def test_fields_nobody_has_heard_of_are_no_error(self):
        assert facts.read_trade({**PAID, "new_field": {"x": None}})

    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
        st.sampled_from([*PAID, "refund_status", "status", "out_refund_no", "refund_id"]),
    )
    def test_no_field_of_any_form_is_more_than_malformed(self, value, name):
        for read in (facts.read_trade, facts.read_refund):
            with contextlib.suppress(MalformedFact):
                read({**PAID, "status": "SUCCESS", name: value})
            facts.excerpt({**PAID, name: value}, facts.TRADE_FIELDS + facts.REFUND_FIELDS)

    @pytest.mark.parametrize(
        ("state", "standing"),
        [
            ("SUCCESS", Standing.PAID),
            ("REFUND", Standing.PAID),
            ("NOTPAY", Standing.OPEN),
            ("USERPAYING", Standing.OPEN),
            ("PAYERROR", Standing.OPEN),
            ("CLOSED", Standing.CLOSED),
            ("REVOKED", Standing.CLOSED),
            ("SOMETHING_NEW", Standing.OPEN),
        ],
    )
    def test_every_state_has_its_standing(self, state, standing):
        assert facts.read_trade({**PAID, "trade_state": state}).standing is standing

    @pytest.mark.parametrize("name", ["status", "refund_status"])
    @pytest.mark.parametrize("state", ["PROCESSING", "SUCCESS", "CLOSED", "ABNORMAL", "NEW"])
    def test_a_refund_is_read_from_an_answer_and_from_a_notification(self, name, state):
        resource = {
            "out_refund_no": "R1",
            "out_trade_no": "P1",
            "refund_id": "50",
            name: state,
            "success_time": "2026-11-23T12:00:00+08:00",
            "amount": {"refund": 1, "total": 2},
        }

        fact = facts.read_refund(resource)

        expected = RefundStanding.__members__.get(state, RefundStanding.PROCESSING)
        assert fact.standing is expected
        assert (fact.refunded_at is not None) == (state == "SUCCESS")


class TestSchedule:
    def test_a_short_order_is_asked_about_until_its_expiry_only(self):
        expires_at, asked = NOW + timedelta(minutes=5), []
        for polls in range(10):
            due = schedule.next_attempt_poll(polls=polls, created_at=NOW, expires_at=expires_at)
            asked.append(due and (due - NOW).total_seconds())

        assert asked[:4] == [15, 60, 180, 330]
        assert asked[-1] is None

    def test_closing_is_tried_again_ever_more_rarely(self):
        waits = [schedule.next_closing(tries=n, now=NOW) - NOW for n in range(5)]

        assert [each.total_seconds() for each in waits] == [15, 60, 300, 300, 300]
