"""The gate on a real Redis: it says no or maybe, counts, and gives back once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import redis

from app.flash_sales.gate import Busy, Gate, Word, keys_of, token_of
from tests.app.flash_sales.conftest import OTHER_SKU, SALE, SKU, attempt, truth

MIDNIGHT = timedelta(hours=3)


@pytest.fixture
def ask(gate, now):
    """Ask for a ticket; returns the word."""
    return lambda at=now, **of: gate.ask(attempt(**of), now=at).word


def test_a_gate_without_memory_admits_nobody(ask):
    assert ask() is Word.LOST


def test_it_admits_as_many_as_are_left_and_no_more(ask, build, gate):
    build(left=2)
    assert [ask(member_id=number) for number in (1, 2, 3)] == [
        Word.MAYBE,
        Word.MAYBE,
        Word.SOLD_OUT,
    ]
    assert gate.state(SALE).left == {SKU: 0, OTHER_SKU: 3}


def test_more_than_is_left_is_refused_and_what_is_left_is_told(gate, build, now, ask):
    build(left=2)
    verdict = gate.ask(attempt(quantity=3), now=now)
    assert (verdict.word, verdict.number) == (Word.SOLD_OUT, 2)
    assert ask(quantity=2) is Word.MAYBE


def test_skus_are_counted_apart(ask, build):
    build(left=1)
    assert ask() is Word.MAYBE
    assert ask(member_id=2) is Word.SOLD_OUT
    assert ask(member_id=2, sku_id=OTHER_SKU) is Word.MAYBE


def test_a_sku_the_gate_does_not_know_is_not_refused(ask, build):
    build()
    assert ask(sku_id=99) is Word.LOST


def test_the_same_key_is_known_and_takes_no_second_ticket(ask, build, gate):
    build(left=2)
    assert [ask(), ask(), ask()] == [Word.MAYBE, Word.KNOWN, Word.KNOWN]
    assert gate.state(SALE).left[SKU] == 1


def test_the_same_key_of_somebody_else_is_another_attempt(ask, build):
    build()
    assert [ask(member_id=1), ask(member_id=2)] == [Word.MAYBE, Word.MAYBE]


@pytest.mark.parametrize(
    ("limits", "quantities", "words"),
    [
        ({"max_uses": 1}, [3, 1], [Word.MAYBE, Word.LIMIT]),
        ({"max_units": 2}, [1, 1, 1], [Word.MAYBE, Word.MAYBE, Word.LIMIT]),
        ({"max_units": 2}, [3], [Word.LIMIT]),
        ({"max_uses": 2, "max_units": 5}, [4, 2, 1, 1], [Word.MAYBE, Word.LIMIT] * 2),
    ],
)
def test_a_member_has_no_more_than_one_person_may(ask, build, limits, quantities, words):
    build(**limits)
    said = [
        ask(key=f"key-number-{number}", quantity=quantity)
        for number, quantity in enumerate(quantities)
    ]
    # Two orders, or five pieces: 4 taken, 2 more are too many, 1 fits, no third order.
    assert said == ([Word.MAYBE, Word.LIMIT, Word.MAYBE, Word.LIMIT] if len(words) == 4 else words)
    assert ask(member_id=2) is Word.MAYBE


def test_what_members_had_before_counts(ask, build):
    build(max_units=2, members={1: (1, 2), 2: (1, 1)})
    assert ask(member_id=1) is Word.LIMIT
    assert ask(member_id=2) is Word.MAYBE
    assert ask(member_id=2, key="another-key") is Word.LIMIT


def test_counts_of_yesterday_are_no_counts(ask, build, now):
    build(max_units=2, until=now + MIDNIGHT)
    assert ask(at=now + MIDNIGHT - timedelta(milliseconds=2)) is Word.MAYBE
    assert ask(key="another-key", at=now + MIDNIGHT) is Word.LOST


def test_a_refusal_of_the_database_gives_ticket_and_count_back_once(ask, build, gate):
    build(left=1, max_units=1)
    assert ask() is Word.MAYBE
    assert [gate.give_back(attempt()), gate.give_back(attempt())] == [True, False]
    state = gate.state(SALE)
    assert (state.left[SKU], state.pending) == (1, [])
    assert ask() is Word.MAYBE, "the key may try again"


def test_what_is_committed_is_not_given_back_and_stays_known(ask, build, gate):
    build(left=1)
    ask()
    gate.clear(attempt())
    assert gate.give_back(attempt()) is False
    assert gate.state(SALE).left[SKU] == 0
    assert ask() is Word.KNOWN


def test_what_was_committed_without_the_gate_is_known_to_it_later(ask, build, gate, redis_client):
    gate.clear(attempt())
    build(left=0)
    assert ask() is Word.KNOWN
    assert redis_client.pttl(keys_of(SALE)[3]) > 0


def test_loading_counts_what_is_pending_on_top_of_the_truth(ask, build, gate):
    build(left=5, max_units=2)
    ask(quantity=2)
    build(left=5, max_units=2)
    assert gate.state(SALE).left[SKU] == 3
    assert ask(key="another-key") is Word.LIMIT


def test_loading_settles_and_gives_up(ask, build, gate, now):
    build(left=5)
    for member_id in (1, 2, 3):
        ask(member_id=member_id)
    done, dead, alive = (token_of(member_id, "the-key-of-mine") for member_id in (1, 2, 3))
    found = truth(left=4)._replace(settled=frozenset([done]))
    assert gate.load(SALE, gate.state(SALE), found, given_up=[dead], now=now)
    state = gate.state(SALE)
    assert [note.token for note in state.pending] == [alive]
    assert state.left[SKU] == 3
    assert [ask(member_id=1), ask(member_id=2)] == [Word.KNOWN, Word.MAYBE]


def test_of_two_that_load_at_once_one_does(gate, build, now):
    build()
    seen = gate.state(SALE)
    assert gate.load(SALE, seen, truth(left=1), given_up=[], now=now)
    assert not gate.load(SALE, seen, truth(left=9), given_up=[], now=now)
    assert gate.state(SALE).left[SKU] == 1


def test_loading_brings_limits_members_and_tokens_up_to_date(build, ask, gate):
    build(max_units=1, members=dict.fromkeys(range(1, 2500), (1, 1)))
    assert ask(member_id=2_499) is Word.LIMIT
    tokens = [token_of(number, "an-old-key") for number in range(2_500)]
    build(max_units=None, tokens=tokens)
    assert ask(member_id=2_499) is Word.MAYBE
    assert ask(member_id=2_400, key="an-old-key") is Word.KNOWN
    assert gate.tokens(SALE, most=5_000) >= set(tokens)
    assert gate.tokens(SALE, most=5) is None


def test_a_gate_is_gone_some_days_after_its_last_sweep(build, ask, redis_client):
    build(max_units=1)
    ask()
    assert all(0 < redis_client.ttl(key) <= 3 * 86_400 for key in keys_of(SALE))


def test_the_figures_count_who_asked_and_who_was_admitted(ask, build, gate, now):
    build(left=1)
    for member_id in (1, 2):
        ask(member_id=member_id)
    gate.ask(attempt(member_id=3), now=now, more=40)
    state = gate.state(SALE)
    assert (state.asked, state.admitted) == (43, 1)


def test_a_script_that_redis_has_forgotten_is_taught_again(ask, build, redis_client):
    build()
    redis_client.script_flush()
    assert ask() is Word.MAYBE


class TestWithoutRedis:
    @pytest.fixture
    def gate(self, tmp_path):
        return Gate(redis.Redis.from_url(f"unix://{tmp_path}/nobody.sock"))

    def test_it_says_so_and_leaves_redis_alone_for_a_moment(self, gate, ask, monkeypatch):
        assert ask() is Word.AWAY
        assert gate.breaker.is_doubtful
        monkeypatch.setattr(gate, "_admit", None)
        assert ask() is Word.AWAY, "nobody was asked"

    def test_nothing_it_is_told_fails(self, gate):
        assert gate.give_back(attempt()) is False
        gate.clear(attempt())
        assert gate.tokens(SALE, most=1) is None

    def test_one_caller_tries_again_after_a_moment(self, gate, ask, monkeypatch, redis_client):
        ask()
        monkeypatch.setattr("app.flash_sales.gate.REST_SECONDS", -1.0)
        gate.breaker.failed(redis.ConnectionError("still"))
        working = Gate(redis_client)
        working.breaker = gate.breaker
        monkeypatch.setattr("app.flash_sales.gate.REST_SECONDS", 60.0)
        assert working.breaker.allows(), "the first one tries"
        assert not working.breaker.allows(), "the others wait for it"
        working.breaker.succeeded()
        assert working.breaker.allows()


def test_only_a_few_go_to_the_database_without_the_gate(gate, monkeypatch):
    monkeypatch.setattr("app.flash_sales.gate.WAIT_SECONDS", 0.01)
    with gate.place(), gate.place(), gate.place(), gate.place():
        with pytest.raises(Busy) as busy, gate.place():
            pass
        assert busy.value.headers == {"Retry-After": "1"}
    with gate.place():
        pass


def test_a_crowd_takes_exactly_what_is_left(gate, build, now):
    build(left=20, max_uses=1)

    def buy(number):
        # Each member tries twice, with two keys.
        return gate.ask(attempt(member_id=number // 2, key=f"a-key-of-{number}"), now=now).word

    with ThreadPoolExecutor(16) as pool:
        words = list(pool.map(buy, range(200)))
    assert words.count(Word.MAYBE) == 20
    assert gate.state(SALE).left[SKU] == 0
