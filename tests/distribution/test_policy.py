"""The arithmetic: examples, and properties over everything a shop may sell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distribution.commissions import policy
from distribution.commissions.policy import Rates
from distribution.team import sharing

FEN = st.integers(0, 10_000_000_000)
BP = st.integers(0, 10_000)


@pytest.mark.parametrize(
    ("base_fen", "rate_bp", "earned_fen"),
    [(19_900, 1000, 1_990), (199, 500, 9), (1, 9_999, 0), (10_000, 0, 0), (1, 10_000, 1)],
)
def test_a_commission_is_the_share_of_what_was_paid_rounded_down(base_fen, rate_bp, earned_fen):
    assert policy.commission_fen(base_fen, rate_bp) == earned_fen


@pytest.mark.parametrize("level", [0, 3])
def test_there_is_no_rate_for_any_other_level(level):
    with pytest.raises(ValueError, match="levels 1 and 2"):
        Rates(1, 1).of(level)


@given(wanted_fen=st.lists(FEN, max_size=3), base_fen=FEN, cap_bp=BP)
def test_all_levels_together_never_get_more_than_the_cap_and_none_more_than_it_wants(
    wanted_fen, base_fen, cap_bp
):
    served = policy.within_cap(wanted_fen, base_fen=base_fen, cap_bp=cap_bp)

    assert sum(served) * 10_000 <= base_fen * cap_bp
    assert all(0 <= fen <= wanted for fen, wanted in zip(served, wanted_fen, strict=True))
    if served != wanted_fen:
        assert sum(served) == base_fen * cap_bp // 10_000


@given(paid_fen=st.integers(1, 10**10), data=st.data())
def test_refunds_of_any_sizes_take_back_what_one_refund_of_their_total_takes(paid_fen, data):
    amount_fen = data.draw(st.integers(0, paid_fen))
    cuts = sorted(data.draw(st.lists(st.integers(0, paid_fen), max_size=6)))
    taken_fen = [
        policy.clawed_target_fen(amount_fen, refunded_fen=total, paid_fen=paid_fen)
        for total in [0, *cuts, paid_fen]
    ]

    assert taken_fen == sorted(taken_fen)
    assert taken_fen[0] == 0
    assert taken_fen[-1] == amount_fen


@pytest.mark.parametrize("refunded_fen", [-1, 101])
def test_refunding_less_than_nothing_or_more_than_was_paid_is_refused(refunded_fen):
    with pytest.raises(ValueError, match="of 100 fen paid"):
        policy.clawed_target_fen(10, refunded_fen=refunded_fen, paid_fen=100)


def test_nothing_can_be_taken_back_of_a_line_that_cost_nothing():
    assert policy.clawed_target_fen(0, refunded_fen=0, paid_fen=0) == 0


@given(amount_fen=FEN, balance_fen=FEN)
def test_a_split_loses_nothing_and_never_overdraws(amount_fen, balance_fen):
    covered_fen, rest_fen = policy.split(amount_fen, balance_fen)

    assert covered_fen + rest_fen == amount_fen
    assert 0 <= covered_fen <= balance_fen
    assert rest_fen == 0 or covered_fen == balance_fen


class TestScene:
    def test_the_longest_scene_fits_the_32_characters_of_wechat(self):
        assert len(sharing.scene("ABCDEFGH", spu_id=2**63 - 1)) == 32

    @pytest.mark.parametrize("spu_id", [None, 1, 2**63 - 1])
    def test_gives_back_the_invite_code_it_carries(self, spu_id):
        assert sharing.invite_code_in(sharing.scene("23456789", spu_id=spu_id)) == "23456789"

    @pytest.mark.parametrize("carrier", sharing.MARKS)
    def test_says_what_handed_it_on(self, carrier):
        scene = sharing.scene("23456789", spu_id=2**63 - 1, carrier=carrier)

        assert len(scene) == 32
        assert sharing.carrier_of(scene) == carrier
        assert sharing.invite_code_in(scene) == "23456789"

    @pytest.mark.parametrize("scene", ["", "i=ABC", "i=ABCDEFG0", "s=1", "i=ABCDEFGH&s=", "x"])
    def test_gives_nothing_for_a_scene_that_is_not_ours(self, scene):
        assert sharing.invite_code_in(scene) is None
        assert sharing.carrier_of(scene) is None
