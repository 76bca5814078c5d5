"""What a process remembers, and for how long."""

import pytest

from app.core import remembered
from app.core.remembered import Remembered


@pytest.fixture
def clock(monkeypatch):
    """The seconds of the process, as the test sets them."""
    seconds = [100.0]
    monkeypatch.setattr(remembered.time, "monotonic", lambda: seconds[0])
    return seconds


def test_a_value_is_remembered_for_its_seconds(clock):
    memory = Remembered(seconds=2.0, most=10)
    memory.put("a", 1)
    clock[0] = 101.9
    assert (memory.get("a"), memory.get("b")) == (1, None)
    clock[0] = 102.0
    assert memory.get("a") is None


def test_too_much_is_forgotten_all_at_once(clock):
    memory = Remembered(seconds=2.0, most=2)
    for key in "abc":
        memory.put(key, key)
    assert [memory.get(key) for key in "abc"] == [None, None, "c"]


def test_the_process_can_forget_everything():
    memory = Remembered(seconds=60.0, most=2)
    memory.put("a", 1)
    remembered.forget_all()
    assert memory.get("a") is None
