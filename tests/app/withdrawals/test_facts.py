"""What WeChat says of a payout, read strictly; and the pure rules beside it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.payments.facts import MalformedFact
from app.withdrawals import facts, identity, schedule
from app.withdrawals.models import PAYOUT_TRANSITIONS, PayoutStatus

BILL = {
    "mch_id": "1900000001",
    "out_bill_no": "W1",
    "transfer_bill_no": "133",
    "state": "SUCCESS",
    "transfer_amount": 100,
}


def test_each_of_the_eight_states_is_known():
    assert len(facts.STATES) == 8
    assert set(facts.STATES.values()) == set(PayoutStatus) - {
        PayoutStatus.NEW,
        PayoutStatus.PENDING,
    }


def test_a_state_of_the_future_is_not_final():
    assert facts.read({**BILL, "state": "ON_THE_MOON"}).status is PayoutStatus.ACCEPTED


@pytest.mark.parametrize("name", ["mch_id", "mchid"])
def test_the_merchant_is_read_in_either_spelling(name):
    bill = {key: value for key, value in BILL.items() if key != "mch_id"}

    assert facts.read({**bill, name: "19"}).mchid == "19"


@pytest.mark.parametrize(
    ("bill", "reason"),
    [
        ({**BILL, "state": "FAIL", "fail_reason": "OVERDUE_CLOSE"}, "OVERDUE_CLOSE"),
        ({**BILL, "state": "FAIL"}, "UNKNOWN"),
        ({**BILL, "fail_reason": "X"}, None),
    ],
)
def test_only_what_failed_has_a_reason(bill, reason):
    assert facts.read(bill).fail_reason == reason


@pytest.mark.parametrize("name", BILL)
@pytest.mark.parametrize("value", [None, "", "x" * 65, 1.5, True, -1, [], "a\nb"])
def test_a_field_of_another_form_is_malformed(name, value):
    with pytest.raises(MalformedFact):
        facts.read({**BILL, name: value})


@pytest.mark.parametrize("package", ["", "x" * 2001, 7, "a\x00b"])
def test_a_package_of_another_form_is_malformed(package):
    with pytest.raises(MalformedFact):
        facts.read_receipt({**BILL, "package_info": package})


def test_a_fact_about_other_money_is_told_from_ours():
    fact = facts.read(BILL)

    assert facts.mismatch(fact, mchid="1900000001", amount_fen=100) is None
    assert facts.mismatch(fact, mchid="1900000001", amount_fen=99) == "wrong_amount"
    assert facts.mismatch(fact, mchid="19", amount_fen=100) == "foreign_mchid"


def test_ranks_only_rise_along_the_moves():
    for status, targets in PAYOUT_TRANSITIONS.items():
        assert all(facts.RANKS[target] > facts.RANKS[status] for target in targets)


def test_questions_are_often_at_first_and_never_end():
    now = datetime(2026, 11, 23, tzinfo=UTC)
    waits = [schedule.next_poll(polls=polls, now=now) - now for polls in range(9)]

    assert waits == sorted(waits)
    assert waits[0] == timedelta(seconds=15)
    assert waits[-1] == timedelta(minutes=30)


@pytest.mark.parametrize(
    ("number", "born"),
    [
        ("11010519491231002X", date(1949, 12, 31)),
        ("110101198001010010", date(1980, 1, 1)),
        ("110105194912310020", None),
        ("11010519491231002x", None),
        ("110101199002300014", None),
        ("", None),
        ("1" * 17, None),
    ],
)
def test_an_identity_number_proves_itself(number, born):
    assert identity.born_on(number) == born


@pytest.mark.parametrize(
    ("now", "is_adult"),
    [
        (datetime(2026, 11, 22, 15, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 22, 16, 0, tzinfo=UTC), True),
    ],
)
def test_eighteen_is_reached_at_midnight_in_china(now, is_adult):
    assert identity.is_adult(date(2008, 11, 23), now=now) is is_adult


@given(st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_never_proves_itself(place, change):
    good = "11010519491231002X"
    wrong = str((int(good[place]) + change) % 10)

    assert identity.born_on(good[:place] + wrong + good[place + 1 :]) is None
