"""The life of a coupon: each move once, by its member, on one order, and repeatable."""

from datetime import timedelta

import pytest

from promotions import coupons
from promotions.coupons import NotUsable, templates
from promotions.coupons.models import Coupon
from promotions.coupons.states import CouponStatus
from promotions.coupons.terms import beginning_of, china_day
from promotions.states import CampaignStatus
from tests.builders.coupons import DAY, make_coupon, make_template
from tests.builders.promotions import NOON

ME, OTHER = 7, 8
LATER = NOON + timedelta(minutes=5)
OVER = NOON + 30 * DAY


def hold(session, *held, source="order:A", member_id=ME, now=NOON):
    ids = [coupon.id for coupon in held]
    coupons.hold(session, source=source, coupon_ids=ids, member_id=member_id, now=now)


def shown(session, coupon):
    session.refresh(coupon)
    return coupon.status, coupon.held_by


@pytest.fixture
def coupon(session):
    return make_coupon(session, member_id=ME)


class TestHold:
    def test_sets_a_coupon_aside_for_one_order(self, session, coupon):
        hold(session, coupon, now=LATER)

        assert shown(session, coupon) == (CouponStatus.HELD, "order:A")
        assert coupon.changed_at == LATER

    def test_of_nothing_holds_nothing(self, session, coupon):
        hold(session)

        assert shown(session, coupon) == (CouponStatus.ISSUED, None)

    def test_again_by_the_same_order_changes_nothing(self, session, coupon):
        hold(session, coupon)
        hold(session, coupon, now=LATER)

        assert coupon.changed_at == NOON

    def test_again_by_the_same_order_once_used_changes_nothing(self, session, coupon):
        hold(session, coupon)
        coupons.use(session, source="order:A", now=NOON)

        hold(session, coupon)

        assert shown(session, coupon) == (CouponStatus.USED, "order:A")

    def test_by_another_order_is_refused(self, session, coupon):
        hold(session, coupon)

        with pytest.raises(NotUsable) as refused:
            hold(session, coupon, source="order:B")

        assert refused.value.coupon_id == coupon.id
        assert shown(session, coupon) == (CouponStatus.HELD, "order:A")

    def test_of_two_of_which_one_is_taken_is_refused(self, session, coupon):
        free = make_coupon(session, member_id=ME)
        hold(session, coupon)
        session.commit()

        with pytest.raises(NotUsable) as refused:
            hold(session, free, coupon, source="order:B")
        session.rollback()

        assert refused.value.coupon_id == coupon.id
        assert shown(session, free) == (CouponStatus.ISSUED, None)

    def test_likeshop_anothers_coupon_cannot_be_used_by_its_id(self, session, coupon):
        """Their order takes any coupon id and never asks whose it is."""
        with pytest.raises(NotUsable):
            hold(session, coupon, member_id=OTHER)

        assert shown(session, coupon) == (CouponStatus.ISSUED, None)

    def test_litemall_anothers_coupon_that_i_hold_nothing_of_stays_theirs(self, session, coupon):
        """Nor by the same order number, once its owner holds it."""
        hold(session, coupon)

        with pytest.raises(NotUsable):
            hold(session, coupon, member_id=OTHER)

    @pytest.mark.parametrize("away", [-1, 0, 1])
    def test_validity_is_half_open(self, session, away):
        coupon = make_coupon(
            session,
            member_id=ME,
            valid_days=None,
            valid_starts_at=NOON + DAY,
            valid_ends_at=NOON + 2 * DAY,
        )
        session.commit()
        moments = (coupon.starts_at, coupon.ends_at)
        for moment, is_first in zip(moments, (True, False), strict=True):
            if (away >= 0) == is_first:
                hold(session, coupon, now=moment + away * timedelta(microseconds=1))
            else:
                with pytest.raises(NotUsable):
                    hold(session, coupon, now=moment + away * timedelta(microseconds=1))
            session.rollback()


class TestUse:
    def test_takes_a_held_coupon_for_good(self, session, coupon):
        hold(session, coupon)

        assert coupons.use(session, source="order:A", now=LATER) == (coupon.id,)
        assert coupons.use(session, source="order:A", now=OVER) == ()

        assert shown(session, coupon) == (CouponStatus.USED, "order:A")
        assert coupon.used_at == LATER

    def test_after_its_end_still_counts_because_it_was_held_in_time(self, session, coupon):
        hold(session, coupon)

        coupons.use(session, source="order:A", now=OVER)

        assert shown(session, coupon) == (CouponStatus.USED, "order:A")

    def test_of_what_was_given_back_does_nothing(self, session, coupon):
        hold(session, coupon)
        coupons.release(session, source="order:A", now=NOON)

        assert coupons.use(session, source="order:A", now=NOON) == ()
        assert shown(session, coupon) == (CouponStatus.ISSUED, None)


class TestRelease:
    def test_gives_the_coupon_back_as_it_was(self, session, coupon):
        ends_at = coupon.ends_at
        hold(session, coupon)

        assert coupons.release(session, source="order:A", now=LATER) == (coupon.id,)
        assert coupons.release(session, source="order:A", now=LATER) == ()

        assert shown(session, coupon) == (CouponStatus.ISSUED, None)
        assert coupon.ends_at == ends_at

    def test_lets_another_order_have_it_and_then_leaves_it_alone(self, session, coupon):
        hold(session, coupon)
        coupons.release(session, source="order:A", now=NOON)
        hold(session, coupon, source="order:B")

        coupons.release(session, source="order:A", now=NOON)

        assert shown(session, coupon) == (CouponStatus.HELD, "order:B")

    def test_lets_the_same_order_have_it_again(self, session, coupon):
        hold(session, coupon)
        coupons.release(session, source="order:A", now=NOON)

        hold(session, coupon)

        assert shown(session, coupon) == (CouponStatus.HELD, "order:A")

    def test_after_its_end_expires_it_and_never_extends_it(self, session):
        coupon = make_coupon(session, member_id=ME, extend_days=9)
        hold(session, coupon)

        coupons.release(session, source="order:A", now=coupon.ends_at)

        assert shown(session, coupon) == (CouponStatus.EXPIRED, None)

    def test_of_a_used_one_does_nothing(self, session, coupon):
        hold(session, coupon)
        coupons.use(session, source="order:A", now=NOON)

        assert coupons.release(session, source="order:A", now=NOON) == ()
        assert shown(session, coupon) == (CouponStatus.USED, "order:A")


class TestGiveBack:
    def used(self, session, **more):
        coupon = make_coupon(session, member_id=ME, **more)
        hold(session, coupon, now=coupon.starts_at)
        coupons.use(session, source="order:A", now=coupon.starts_at)
        return coupon

    def test_within_its_validity_it_is_as_it_was(self, session):
        coupon = self.used(session, extend_days=9)
        ends_at = coupon.ends_at

        assert coupons.give_back(session, source="order:A", now=LATER) == (coupon.id,)
        assert coupons.give_back(session, source="order:A", now=LATER) == ()

        assert shown(session, coupon) == (CouponStatus.ISSUED, None)
        assert (coupon.ends_at, coupon.used_at) == (ends_at, None)

    def test_after_its_end_it_is_extended_by_whole_days(self, session):
        coupon = self.used(session, extend_days=2)

        coupons.give_back(session, source="order:A", now=OVER)

        assert shown(session, coupon) == (CouponStatus.ISSUED, None)
        assert coupon.ends_at == beginning_of(china_day(OVER) + 3 * DAY)
        hold(session, coupon, source="order:B", now=OVER + 2 * DAY)

    def test_after_its_end_without_extension_it_is_gone(self, session):
        coupon = self.used(session)

        assert coupons.give_back(session, source="order:A", now=OVER) == ()

        assert shown(session, coupon) == (CouponStatus.EXPIRED, None)

    def test_no_extension_outlives_the_campaign(self, session):
        coupon = self.used(session, extend_days=99, ends_at=OVER + DAY)
        other = self.used(session, extend_days=99, ends_at=OVER)

        assert coupons.give_back(session, source="order:A", now=OVER) == (coupon.id,)

        assert shown(session, coupon) == (CouponStatus.ISSUED, None)
        assert coupon.ends_at == OVER + DAY
        assert shown(session, other) == (CouponStatus.EXPIRED, None)

    def test_of_an_unpaid_order_does_nothing(self, session, coupon):
        hold(session, coupon)

        assert coupons.give_back(session, source="order:A", now=NOON) == ()
        assert shown(session, coupon) == (CouponStatus.HELD, "order:A")


class TestRevoke:
    def test_takes_back_what_is_unused(self, session, coupon):
        held, used = (make_coupon(session, member_id=ME) for _ in range(2))
        hold(session, used)
        coupons.use(session, source="order:A", now=NOON)
        hold(session, held, source="order:B")
        ids = [coupon.id, held.id, used.id]

        assert coupons.revoke(session, coupon_ids=ids, now=LATER) == (coupon.id,)
        assert coupons.revoke(session, coupon_ids=ids, now=LATER) == ()

        assert shown(session, coupon) == (CouponStatus.REVOKED, None)
        assert shown(session, held) == (CouponStatus.HELD, "order:B")

    def test_a_revoked_one_cannot_be_held(self, session, coupon):
        coupons.revoke(session, coupon_ids=[coupon.id], now=NOON)

        with pytest.raises(NotUsable):
            hold(session, coupon)

    def test_takes_back_the_gifts_of_an_order_and_nothing_else(self, session):
        promotion = make_template(session)
        wanted = {"promotion_id": promotion.id, "member_id": ME, "now": NOON}
        gifts = coupons.issue(session, source="order:A", count=2, **wanted)
        others = coupons.issue(session, source="order:B", **wanted)
        coupons.push(
            session,
            promotion_id=promotion.id,
            member_ids=[OTHER],
            source="order:A",
            now=NOON,
        )

        assert coupons.revoke_granted(session, source="order:A", now=NOON) == gifts
        assert coupons.revoke_granted(session, source="order:A", now=NOON) == ()

        left = session.get_one(Coupon, others[0])
        assert shown(session, left) == (CouponStatus.ISSUED, None)
        assert len(coupons.revoke_issued_for(session, source="order:A", now=NOON)) == 1

    def test_of_gifts_no_more_than_are_earned_remain_used_ones_among_them(self, session):
        promotion = make_template(session)
        wanted = {"promotion_id": promotion.id, "source": "order:A"}
        first, second, third = coupons.issue(session, member_id=ME, count=3, now=NOON, **wanted)
        hold(session, session.get_one(Coupon, first), source="order:B")

        taken = [
            coupons.revoke_surplus(session, earned=earned, now=NOON, **wanted)
            for earned in (3, 2, 2, 0)
        ]

        assert taken == [(), (second,), (), (third,)]
        assert shown(session, session.get_one(Coupon, first)) == (CouponStatus.HELD, "order:B")

    def test_a_gift_on_an_order_is_forfeited_once_it_is_not_earned_any_more(self, session):
        promotion = make_template(session, extend_days=9)
        wanted = {"promotion_id": promotion.id, "source": "order:A"}
        ids = coupons.issue(session, member_id=ME, count=4, now=NOON, **wanted)
        closed, unpaid, paid, over = (session.get_one(Coupon, each) for each in ids)
        for each, source in (
            (closed, "order:B"),
            (unpaid, "order:C"),
            (paid, "order:D"),
            (over, "order:E"),
        ):
            hold(session, each, source=source)
        for source in ("order:D", "order:E"):
            coupons.use(session, source=source, now=NOON)

        for earned in (2, 2):
            assert coupons.revoke_surplus(session, earned=earned, now=NOON, **wanted) == ()
        coupons.release(session, source="order:B", now=NOON)
        coupons.release(session, source="order:C", now=NOON)
        statuses = [shown(session, each)[0] for each in (closed, unpaid)]
        assert statuses == [CouponStatus.REVOKED, CouponStatus.REVOKED]

        assert coupons.revoke_granted(session, source="order:A", now=NOON) == ()
        assert coupons.give_back(session, source="order:D", now=NOON) == ()
        assert coupons.give_back(session, source="order:E", now=OVER) == ()
        statuses = [shown(session, each) for each in (paid, over)]
        assert statuses == [(CouponStatus.REVOKED, None)] * 2
        assert coupons.revoke_granted(session, source="order:A", now=NOON) == ()

    def test_a_forfeited_gift_stays_used_where_it_is_used(self, session):
        promotion = make_template(session)
        (gift,) = coupons.issue(
            session, promotion_id=promotion.id, source="order:A", member_id=ME, now=NOON
        )
        coupon = session.get_one(Coupon, gift)
        hold(session, coupon, source="order:B")
        coupons.revoke_granted(session, source="order:A", now=NOON)

        coupons.use(session, source="order:B", now=NOON)

        assert shown(session, coupon) == (CouponStatus.USED, "order:B")


class TestExpire:
    def test_expires_what_is_over_and_unused(self, session, coupon):
        held = make_coupon(session, member_id=ME)
        hold(session, held)
        fresh = make_coupon(session, member_id=ME, valid_days=90)

        assert coupons.expire(session, now=OVER) == 1
        assert coupons.expire(session, now=OVER) == 0

        assert shown(session, coupon) == (CouponStatus.EXPIRED, None)
        assert shown(session, held) == (CouponStatus.HELD, "order:A")
        assert shown(session, fresh) == (CouponStatus.ISSUED, None)

    def test_expires_what_no_campaign_stands_behind_any_more(self, session):
        promotion = make_template(session)
        coupon = make_coupon(session, member_id=ME, promotion=promotion)
        promotion.status = CampaignStatus.PAUSED
        session.flush()
        assert coupons.expire(session, now=NOON) == 0
        promotion.status = CampaignStatus.ENDED
        session.flush()

        assert coupons.expire(session, now=NOON) == 1

        assert shown(session, coupon) == (CouponStatus.EXPIRED, None)

    def test_takes_so_many_at_a_time(self, session):
        for _ in range(3):
            make_coupon(session, member_id=ME)

        assert [coupons.expire(session, now=OVER, limit=2) for _ in range(3)] == [2, 1, 0]

    def test_a_coupon_is_over_at_its_end_and_not_before(self, session, coupon):
        assert coupons.expire(session, now=coupon.ends_at - timedelta(microseconds=1)) == 0
        assert coupons.expire(session, now=coupon.ends_at) == 1


def test_a_template_that_is_not_there_is_said_so(session):
    with pytest.raises(coupons.NoSuchTemplate):
        templates.get(session, 1)
