"""What is still payable, line by line, reckoned once somebody looks."""

from promotions.pricing import Offer
from promotions.pricing.combining import Candidate
from promotions.pricing.rule import Spread
from promotions.pricing.tally import Tally
from tests.builders.promotions import make_line, make_promotion


def candidate(*line_ids: int) -> Candidate:
    lines = tuple(make_line(line_id) for line_id in line_ids)
    return Candidate(make_promotion(), lines, frozenset(line_ids), 0)


def test_a_tally_never_changes():
    before = Tally({1: 100, 2: 50}, 30)

    after = before.after(candidate(1), Offer(shares={1: 40}, freight_fen=10))
    last = after.after(candidate(1, 2), Offer(shares={1: 10, 2: 5}))

    assert dict(before) == {1: 100, 2: 50}
    assert dict(last) == {1: 50, 2: 45}
    assert dict(after) == {1: 60, 2: 50}
    assert (len(last), before.freight_fen, after.freight_fen, last.freight_fen) == (2, 30, 20, 20)


def test_a_sum_is_known_without_looking_at_lines():
    def nobody_looks() -> dict[int, int]:
        raise AssertionError("the lines were looked at")

    before = Tally({1: 100, 2: 50}, 0)
    both = candidate(1, 2)
    assert before.payable_fen(both.line_ids) == 150

    after = before.after(both, Offer(shares=Spread(nobody_looks, 60)))

    assert after.payable_fen(both.line_ids) == 90


def test_sums_of_other_lines_are_reckoned():
    before = Tally({1: 100, 2: 50, 3: 7}, 0)
    both = candidate(1, 2)
    before.payable_fen(both.line_ids)

    after = before.after(both, Offer(shares={1: 20, 2: 10}))

    assert after.payable_fen(frozenset({2, 3})) == 47
    assert after.payable_fen(frozenset()) == 0


def test_a_spread_reads_like_its_shares():
    spread = Spread(lambda: {1: 100, 2: 50}, 60)

    assert spread == {1: 40, 2: 20}
    assert len(spread) == 2
    assert spread[1] == 40
