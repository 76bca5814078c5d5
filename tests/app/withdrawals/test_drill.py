"""Each withdrawal is paid out exactly once or returned exactly once, whatever fails on the way."""

import pytest

from tests.app.withdrawals.drill import drilled


@pytest.mark.slow
def test_withdrawals_survive_whatever_fails(paying, monkeypatch):
    happened, cash = drilled(paying, monkeypatch, seed=5, count=40, rounds=14)

    # The drill was one: workers died, people changed their minds, and some money went out.
    assert happened["killed"] > 10
    assert happened["confirm"]
    assert happened["cancel"] + happened["reject"]
    assert cash > 0


@pytest.mark.soak
def test_a_thousand_withdrawals_survive_whatever_fails(paying, monkeypatch):
    happened, cash = drilled(paying, monkeypatch, seed=1_000, count=1_000, rounds=40)

    assert happened["killed"] > 500
    assert cash > 0
