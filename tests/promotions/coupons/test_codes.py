"""Codes: many at once, none to be guessed, each for one coupon and one member."""

import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from promotions import coupons
from promotions.coupons import CodeTaken, NoSuchBatch, Refused, UnknownCode, codes
from promotions.coupons.codes import ALPHABET, normal
from promotions.coupons.models import Coupon, CouponCode
from promotions.coupons.states import ClaimState, Way
from promotions.states import CampaignStatus
from tests.builders.coupons import make_template
from tests.builders.promotions import NOON, STAFF

ME, OTHER = 7, 8


def make(session, promotion, count=1):
    return coupons.make_codes(
        session, promotion_id=promotion.id, count=count, staff_id=STAFF, now=NOON
    )


def redeem(session, code, member_id=ME):
    return coupons.redeem(session, code=code, member_id=member_id, now=NOON)


@pytest.fixture
def promotion(session):
    return make_template(session, max_issued=5, member_max=2)


@pytest.fixture
def code(session, promotion):
    make(session, promotion)
    return session.scalar(select(CouponCode.code))


def test_the_alphabet_has_no_look_alikes():
    assert len(set(ALPHABET)) == len(ALPHABET) == 31
    assert not set("01OIL") & set(ALPHABET)


def test_every_symbol_is_as_likely_as_any_other():
    seen = Counter("".join(codes.generate(20_000)))

    expected = 20_000 * 12 / 31
    assert set(seen) == set(ALPHABET)
    assert all(abs(count - expected) < 0.1 * expected for count in seen.values())


@given(st.integers(0, 40))
def test_as_many_are_made_as_asked_for_and_no_two_alike(count):
    made = codes.generate(count)

    assert len(set(made)) == count
    assert all(len(code) == 12 and set(code) <= set(ALPHABET) for code in made)


@given(st.text(alphabet=" -\t", max_size=3), st.text(alphabet=ALPHABET, min_size=12, max_size=12))
def test_case_blanks_and_hyphens_do_not_count(filling, code):
    typed = filling.join(code.lower())

    assert normal(typed) == code


@pytest.mark.slow
def test_a_hundred_thousand_are_made_in_seconds(session, promotion):
    began = time.perf_counter()

    batch = make(session, promotion, count=100_000)

    assert time.perf_counter() - began < 20  # Some 3 s on one core that is free.
    assert session.scalar(select(func.count(CouponCode.id))) == batch.codes == 100_000


def test_one_that_exists_already_is_made_again(session, promotion, monkeypatch):
    blocks = iter([["A" * 12, "B" * 12], ["B" * 12, "C" * 12], ["D" * 12]])
    monkeypatch.setattr(codes, "generate", lambda count: next(blocks))

    make(session, promotion, count=2)
    make(session, promotion, count=2)

    made = session.scalars(select(CouponCode.code).order_by(CouponCode.code)).all()
    assert [code[0] for code in made] == ["A", "B", "C", "D"]


def test_only_what_may_be_issued_has_codes(session):
    draft = make_template(session, status=CampaignStatus.DRAFT)

    with pytest.raises(Refused):
        make(session, draft)
    with pytest.raises(coupons.NoSuchTemplate):
        coupons.make_codes(session, promotion_id=1, count=1, staff_id=STAFF, now=NOON)


class TestRedeem:
    def test_turns_a_code_into_a_coupon(self, session, code):
        coupon = session.get_one(Coupon, redeem(session, code))

        assert (coupon.member_id, coupon.way) == (ME, Way.CODE)

    def test_again_by_the_same_member_is_the_same_coupon(self, session, code):
        assert redeem(session, code) == redeem(session, code)
        assert session.scalar(select(func.count(Coupon.id))) == 1

    def test_by_another_member_afterwards_is_refused_and_leaves_nothing(self, session, code):
        redeem(session, code)

        with pytest.raises(CodeTaken):
            redeem(session, code, member_id=OTHER)

        assert session.scalar(select(func.count(Coupon.id))) == 1

    def test_of_what_is_no_code_is_refused(self, session, code):
        for wrong in ("", "X", code[:-1], code + "A", "É" * 12):
            with pytest.raises(UnknownCode):
                redeem(session, wrong)

    def test_obeys_the_limits_and_keeps_the_code_good(self, session, promotion, code):
        make(session, promotion, count=2)
        first, second, third = session.scalars(select(CouponCode.code).order_by(CouponCode.id))
        redeem(session, first)
        redeem(session, second)

        with pytest.raises(Refused) as refused:
            redeem(session, third)

        assert refused.value.state is ClaimState.REACHED
        redeem(session, third, member_id=OTHER)

    def test_of_a_revoked_batch_is_refused(self, session, promotion):
        batch = make(session, promotion, count=2)
        first, second = session.scalars(select(CouponCode.code))
        redeem(session, first)
        coupons.revoke_batch(session, batch_id=batch.id, now=NOON)

        for code in (first, second):
            with pytest.raises(UnknownCode):
                redeem(session, code)
        assert codes.redeemed(session, batch.id) == 1


def test_batches_and_codes_are_read_in_pages(session, promotion, monkeypatch):
    monkeypatch.setattr(codes, "BLOCK", 2)
    older, newer = make(session, promotion, count=5), make(session, promotion, count=1)
    first = session.scalar(select(CouponCode.code).order_by(CouponCode.id).limit(1))
    redeem(session, first)

    listed = codes.batches(session, promotion_id=promotion.id, before_id=None, limit=9)
    before = codes.batches(session, promotion_id=promotion.id, before_id=newer.id, limit=9)
    rows = list(codes.each(session, batch_id=older.id))

    assert [(batch.id, redeemed) for batch, redeemed in listed] == [(newer.id, 0), (older.id, 1)]
    assert [batch.id for batch, _ in before] == [older.id]
    assert len(rows) == 5
    assert (rows[0].code, rows[0].member_id, rows[1].member_id) == (first, ME, None)


def test_a_batch_that_is_not_there_is_said_so(session):
    with pytest.raises(NoSuchBatch):
        codes.get_batch(session, 1)
