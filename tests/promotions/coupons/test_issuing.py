"""Putting coupons into hands: each limit holds, each source gives once, a refusal costs nothing."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from promotions import coupons
from promotions.coupons import NoSuchTemplate, Refused, issuing
from promotions.coupons.models import Coupon, CouponMemberCounter, CouponTemplate
from promotions.coupons.states import ClaimState, Way
from promotions.coupons.terms import beginning_of, china_day
from promotions.limits import SourceReused
from promotions.pricing import Buyer
from promotions.states import CampaignStatus
from tests.builders.coupons import DAY, make_template
from tests.builders.promotions import NOON

ME, OTHER = 7, 8
TOMORROW = beginning_of(china_day(NOON) + DAY)


def claim(session, promotion, member_id=ME, buyer=None, now=NOON):
    return coupons.claim(
        session,
        promotion_id=promotion.id,
        member_id=member_id,
        buyer=buyer or Buyer(),
        now=now,
    )


def give(session, promotion, source="order:A", member_id=ME, count=1, now=NOON):
    return coupons.issue(
        session,
        promotion_id=promotion.id,
        member_id=member_id,
        source=source,
        count=count,
        now=now,
    )


def push(session, promotion, *member_ids, source="push:1", count=1, now=NOON):
    return coupons.push(
        session,
        promotion_id=promotion.id,
        member_ids=member_ids,
        source=source,
        count=count,
        now=now,
    )


def refusal(work, *args, **fields):
    with pytest.raises(Refused) as refused:
        work(*args, **fields)
    return refused.value.state


def counted(session, promotion):
    """Coupons, what the template counts, and what all members' counters say."""
    rows = select(func.count(Coupon.id)).where(Coupon.promotion_id == promotion.id)
    terms = session.get(CouponTemplate, promotion.id, populate_existing=True)
    members = select(func.coalesce(func.sum(CouponMemberCounter.issued), 0)).where(
        CouponMemberCounter.promotion_id == promotion.id
    )
    return session.scalar(rows), terms.issued, int(session.scalar(members))


class TestClaim:
    def test_gives_a_coupon_with_its_validity(self, session):
        promotion = make_template(session, valid_days=3)

        coupon = session.get_one(Coupon, claim(session, promotion))

        assert (coupon.member_id, coupon.way, coupon.source) == (ME, Way.CLAIM, None)
        assert coupon.starts_at == coupon.issued_at == NOON
        assert coupon.ends_at == beginning_of(china_day(NOON) + 3 * DAY)

    def test_never_outlives_its_campaign_nor_begins_before_it(self, session):
        promotion = make_template(
            session,
            ends_at=NOON + 2 * DAY,
            valid_days=None,
            valid_starts_at=NOON - DAY,
            valid_ends_at=NOON + 9 * DAY,
        )

        coupon = session.get_one(Coupon, claim(session, promotion))

        assert (coupon.starts_at, coupon.ends_at) == (NOON, NOON + 2 * DAY)

    @pytest.mark.parametrize(
        ("fields", "moment", "state"),
        [
            ({"status": CampaignStatus.DRAFT}, NOON, ClaimState.CLOSED),
            ({"status": CampaignStatus.PAUSED}, NOON, ClaimState.CLOSED),
            ({"status": CampaignStatus.ENDED}, NOON, ClaimState.CLOSED),
            ({"is_claimable": False}, NOON, ClaimState.CLOSED),
            ({}, NOON - timedelta(seconds=1), ClaimState.NOT_YET),
            ({"ends_at": NOON + DAY}, NOON + DAY, ClaimState.OVER),
            ({"claim_ends_at": NOON + DAY}, NOON + DAY, ClaimState.OVER),
            ({"delay_days": 2, "ends_at": NOON + DAY}, NOON, ClaimState.OVER),
            ({"audience": {"is_new": True}}, NOON, ClaimState.NOT_FOR_YOU),
            ({"audience": {"levels": [3]}}, NOON, ClaimState.NOT_FOR_YOU),
        ],
    )
    def test_is_refused_for_the_first_reason(self, session, fields, moment, state):
        promotion = make_template(session, **fields)

        assert refusal(claim, session, promotion, now=moment) is state
        assert counted(session, promotion) == (0, 0, 0)

    def test_is_for_whom_the_campaign_is(self, session):
        promotion = make_template(session, audience={"levels": [3], "tags": ["vip"]})

        claim(session, promotion, buyer=Buyer(level=3, tags=frozenset({"vip"})))

        assert counted(session, promotion)[0] == 1

    def test_has_a_limit_for_life_and_one_for_the_day(self, session):
        promotion = make_template(session, member_max=3, member_day_max=2)
        for _ in range(2):
            claim(session, promotion)

        assert refusal(claim, session, promotion) is ClaimState.REACHED_TODAY
        before_midnight = TOMORROW - timedelta(microseconds=1)
        assert refusal(claim, session, promotion, now=before_midnight) is ClaimState.REACHED_TODAY
        claim(session, promotion, now=TOMORROW)
        assert refusal(claim, session, promotion, now=TOMORROW) is ClaimState.REACHED
        claim(session, promotion, member_id=OTHER)

    def test_the_last_one_is_the_last(self, session):
        promotion = make_template(session, max_issued=2)
        claim(session, promotion)
        claim(session, promotion, member_id=OTHER)

        assert refusal(claim, session, promotion, member_id=9) is ClaimState.CLAIMED_OUT
        assert counted(session, promotion) == (2, 2, 0)

    def test_lilishop_what_a_stale_look_allows_the_update_refuses(self, session, monkeypatch):
        """They add to the number they read before; here the row is the judge."""
        promotion = make_template(session, max_issued=1, member_max=1)
        claim(session, promotion)
        monkeypatch.setattr(issuing.queries, "claim_state", lambda *_: ClaimState.CLAIMABLE)

        assert refusal(claim, session, promotion) is ClaimState.REACHED
        assert refusal(claim, session, promotion, member_id=OTHER) is ClaimState.CLAIMED_OUT
        assert counted(session, promotion) == (1, 1, 1)

    def test_of_what_is_no_template_is_said_so(self, session):
        with pytest.raises(NoSuchTemplate):
            coupons.claim(session, promotion_id=1, member_id=ME, buyer=Buyer(), now=NOON)


class TestIssue:
    def test_gives_as_many_as_asked_once_for_a_source(self, session):
        promotion = make_template(session, max_issued=9)

        first = give(session, promotion, count=3)

        assert len(first) == 3
        assert give(session, promotion, count=3) == first
        assert counted(session, promotion) == (3, 3, 0)

    def test_the_same_source_for_another_number_is_refused(self, session):
        promotion = make_template(session)
        give(session, promotion, count=2)

        for count in (1, 3):
            with pytest.raises(SourceReused):
                give(session, promotion, count=count)
        assert counted(session, promotion)[0] == 2

    def test_one_source_may_give_of_several_templates_and_to_several_members(self, session):
        one, two = make_template(session), make_template(session)

        made = {*give(session, one), *give(session, two), *give(session, one, member_id=OTHER)}

        assert len(made) == 3

    def test_a_gift_is_promised_so_only_the_total_limits_it(self, session):
        promotion = make_template(session, member_max=1, member_day_max=1, max_issued=5)

        give(session, promotion, count=4)
        claim(session, promotion)

        assert refusal(give, session, promotion, source="order:B") is ClaimState.CLAIMED_OUT
        assert counted(session, promotion) == (5, 5, 2)

    def test_what_was_given_stays_given_when_the_campaign_is_over(self, session):
        promotion = make_template(session, ends_at=NOON + DAY)
        made = give(session, promotion)

        assert give(session, promotion, now=NOON + DAY) == made
        late = refusal(give, session, promotion, source="order:B", now=NOON + DAY)
        assert late is ClaimState.OVER

    def test_a_refusal_leaves_nothing_and_the_transaction_goes_on(self, session):
        promotion = make_template(session, max_issued=1)

        assert refusal(give, session, promotion, count=2) is ClaimState.CLAIMED_OUT
        assert counted(session, promotion) == (0, 0, 0)

        give(session, promotion, source="order:A")
        assert counted(session, promotion) == (1, 1, 0)

    def test_a_campaign_to_come_may_be_given_before_it_begins(self, session):
        promotion = make_template(session, starts_at=NOON + DAY)

        (coupon_id,) = give(session, promotion)

        assert session.get_one(Coupon, coupon_id).starts_at == NOON + DAY


class TestPush:
    def test_gives_each_member_theirs_once(self, session):
        promotion = make_template(session, max_issued=9)

        assert push(session, promotion, 1, 2, 3, count=2) == (3, 0)
        assert push(session, promotion, 2, 3, 4, count=2, source="push:1") == (3, 0)
        assert push(session, promotion, 1, 2, count=2) == (2, 0)

        assert counted(session, promotion) == (8, 8, 0)

    def test_skips_who_has_had_all_they_may_for_life(self, session):
        promotion = make_template(session, member_max=2, member_day_max=1)
        claim(session, promotion, member_id=1)

        assert push(session, promotion, 1, 2, count=2) == (1, 1)
        assert push(session, promotion, 1, source="push:2") == (1, 0)
        assert push(session, promotion, 1, source="push:3") == (0, 1)

    def test_of_more_than_anybody_may_have_gives_nobody_any(self, session):
        promotion = make_template(session, member_max=1)

        assert push(session, promotion, 1, 2, count=2) == (0, 2)
        assert counted(session, promotion) == (0, 0, 0)

    def test_gives_all_or_none_when_too_few_are_left(self, session):
        promotion = make_template(session, max_issued=3, member_max=5)

        assert refusal(push, session, promotion, 1, 2, count=2) is ClaimState.CLAIMED_OUT
        assert counted(session, promotion) == (0, 0, 0)
        assert issuing.room(session, promotion.id) == 3

    def test_is_refused_when_the_campaign_rests(self, session):
        promotion = make_template(session, status=CampaignStatus.PAUSED)

        assert refusal(push, session, promotion, 1) is ClaimState.CLOSED
        assert issuing.room(session, promotion.id) is None


class TestHeldByMember:
    def test_are_the_free_ones_of_published_campaigns_that_are_not_over(self, session):
        now = NOON + timedelta(hours=1)
        usable = give(session, make_template(session))
        upcoming = give(session, make_template(session, delay_days=9))
        soonest = give(session, make_template(session, valid_days=1))
        used = give(session, make_template(session))
        coupons.hold(session, source="order:A", coupon_ids=used, member_id=ME, now=now)
        give(session, make_template(session), member_id=OTHER)
        resting = make_template(session)
        give(session, resting)
        resting.status = CampaignStatus.PAUSED
        session.flush()

        held = coupons.held_by_member(session, ME, now)

        assert [one.coupon_id for one in held] == [*soonest, *usable, *upcoming]
        assert held[0].ends_at == TOMORROW
        later = coupons.held_by_member(session, ME, TOMORROW)
        assert [one.coupon_id for one in later] == [*usable, *upcoming]

    def test_are_the_ones_that_end_first_if_there_are_very_many(self, session, monkeypatch):
        monkeypatch.setattr("promotions.coupons.queries.HELD_MAX", 2)
        (last,) = give(session, make_template(session, valid_days=9), source="order:C")
        first = give(session, make_template(session), count=2)

        held = coupons.held_by_member(session, ME, NOON)
        with_last = coupons.held_by_member(session, ME, NOON, chosen=[last, 999])

        assert [one.coupon_id for one in held] == list(first)
        assert [one.coupon_id for one in with_last] == [last, first[0]]
