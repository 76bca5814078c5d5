"""The rules are versions: the latest is in force, none is ever edited, none breaks a promise."""

import dataclasses

import pytest

from distribution.commissions import rules
from distribution.commissions.policy import Rates
from distribution.commissions.rules import BadRules, CommissionRules
from tests.builders.distribution import NOON, make_rules


def test_a_shop_that_has_set_nothing_pays_one_level(session):
    found = rules.current(session)

    assert (found.version, found.levels, found.cap_bp) == (0, 1, 5000)


def test_a_change_is_a_new_version_and_the_latest_is_in_force(session):
    first = make_rules(session, levels=1, level2_bp=0)
    second = make_rules(session, levels=2, level1_bp=800, level2_bp=200, mature_days=15)

    assert second.version > first.version
    assert rules.current(session) == second
    assert (second.levels, second.rates, second.mature_days) == (2, Rates(800, 200), 15)


@pytest.mark.parametrize(
    "change",
    [
        {"levels": 3},
        {"levels": 0},
        {"level1_bp": -1},
        {"level1_bp": 4000, "level2_bp": 1001},
        {"cap_bp": 10_001},
        {"mature_days": -1},
        {"mature_days": 366},
    ],
)
def test_rules_that_break_a_promise_are_refused(session, change):
    with pytest.raises(BadRules):
        rules.change(
            session,
            dataclasses.replace(CommissionRules(), **change),
            changed_by="staff:1",
            now=NOON,
        )

    assert rules.current(session).version == 0
