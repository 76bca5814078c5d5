"""Who may claim a pack, what they get, and that it is once for ever."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from promotions import buyers, points
from promotions.coupons.models import Coupon
from promotions.packs import claims, life, queries
from promotions.packs.claims import Refusal, Refused
from promotions.packs.models import PackClaim, PackClaimKey, PackCounter
from promotions.packs.queries import NoSuchPack
from promotions.packs.setup import Eligibility, PartKind
from promotions.packs.verify import verify
from promotions.states import CampaignStatus
from tests.builders.packs import (
    POINTS,
    coupons_of,
    make_gift_template,
    make_pack,
    make_person,
)
from tests.builders.promotions import NOON

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def claim(session, pack, person=None, now=NOON):
    """Claim as a request does: what is refused leaves nothing behind."""
    with session.begin_nested():
        return claims.claim(session, pack_id=pack.id, person=person or make_person(), now=now)


def refusal(session, pack, person=None, now=NOON):
    with pytest.raises(Refused) as refused:
        claim(session, pack, person, now)
    said = claims.refusal_of(session, pack, person or make_person(), now)
    assert said is refused.value.refusal
    return said


def had(session, member_id=1):
    coupons = session.execute(
        select(Coupon.promotion_id, func.count())
        .where(Coupon.member_id == member_id)
        .group_by(Coupon.promotion_id)
    )
    return {row[0]: row[1] for row in coupons}, points.balance(session, member_id)


def test_a_claim_gives_every_part(session):
    coupon, price, gift = (
        make_gift_template(session, kind)
        for kind in ("coupon_amount", "coupon_price", "coupon_exchange")
    )
    pack = make_pack(
        session,
        coupons_of(coupon, 3),
        coupons_of(price, kind=PartKind.FIRST_ORDER_PRICE),
        POINTS,
        coupons_of(gift, kind=PartKind.GIFT),
    )

    made = claim(session, pack)

    assert made.is_new
    assert made.claim.claimed_at == NOON
    assert had(session) == ({coupon.id: 3, price.id: 1, gift.id: 1}, 100)
    assert len(queries.coupons_of(session, made.claim)) == 5
    assert list(verify(session)) == []


def test_claiming_again_answers_the_same_claim_even_when_the_pack_is_over(session):
    pack = make_pack(session)
    first = claim(session, pack)
    life.end(session, pack_id=pack.id, staff_id=1, now=NOON)

    again = claim(session, pack, now=NOON + DAY)

    assert (again.claim.id, again.is_new) == (first.claim.id, False)
    assert had(session) == ({}, 100)


def test_a_pack_that_is_not_there_is_not_claimed(session):
    with pytest.raises(NoSuchPack):
        claims.claim(session, pack_id=404, person=make_person(), now=NOON)


def test_one_key_in_common_makes_one_person(session):
    pack, other = make_pack(session), make_pack(session)
    claim(session, pack, make_person(1, ["unionid:u", "phone:p"]))

    for key in ("unionid:u", "phone:p", "openid:1"):
        assert refusal(session, pack, make_person(2, [key])) is Refusal.ALREADY_CLAIMED
    assert claim(session, pack, make_person(2, ["phone:q"])).is_new
    assert claim(session, other, make_person(1, ["phone:p"])).is_new


def test_a_key_that_came_later_counts_too(session):
    pack, other = make_pack(session), make_pack(session)
    claim(session, pack, make_person(1))
    claim(session, other, make_person(1))

    claims.learn(session, member_id=1, keys=["openid:1", "phone:p"])
    claims.learn(session, member_id=9, keys=["phone:q"])

    assert refusal(session, pack, make_person(2, ["phone:p"])) is Refusal.ALREADY_CLAIMED
    assert refusal(session, other, make_person(2, ["phone:p"])) is Refusal.ALREADY_CLAIMED
    assert claim(session, pack, make_person(3, ["phone:q"])).is_new


def test_a_key_of_another_stays_theirs(session):
    pack = make_pack(session)
    first = claim(session, pack, make_person(1, ["phone:p"])).claim
    claim(session, pack, make_person(2))

    claims.learn(session, member_id=2, keys=["phone:p"])

    assert session.get(PackClaimKey, (pack.id, "phone:p")).claim_id == first.id


@pytest.mark.parametrize(
    ("step", "now", "said"),
    [
        (life.pause, NOON, Refusal.NOT_OPEN),
        (life.end, NOON, Refusal.NOT_OPEN),
        (None, NOON - HOUR, Refusal.NOT_YET),
        (None, NOON + DAY, Refusal.OVER),
    ],
)
def test_a_pack_is_claimed_only_while_it_runs(session, step, now, said):
    pack = make_pack(session, ends_at=NOON + DAY)
    if step:
        step(session, pack_id=pack.id, staff_id=1, now=NOON)

    assert refusal(session, pack, now=now) is said
    assert had(session) == ({}, 0)


class TestNeverRegistered:
    def pack(self, session, **more):
        return make_pack(session, eligibility=Eligibility.NEVER_REGISTERED, claim_days=7, **more)

    def test_is_for_the_first_account_of_a_person(self, session):
        pack = self.pack(session)
        again = make_person(2, is_first_account=False)

        assert refusal(session, pack, again) is Refusal.REGISTERED_BEFORE
        assert claim(session, pack).is_new

    def test_does_not_ask_about_payments(self, session):
        buyers.record(session, member_id=1, source="order:A", now=NOON)

        assert claim(session, self.pack(session)).is_new

    def test_ends_so_many_days_after_registering(self, session):
        pack = self.pack(session)
        at_noon = make_person(registered_at=NOON)
        deadline = NOON + 7 * DAY

        assert claims.claim_ends_at(pack, at_noon) == deadline
        assert refusal(session, pack, at_noon, now=deadline) is Refusal.TOO_LATE
        assert claim(session, pack, at_noon, now=deadline - timedelta(microseconds=1)).is_new

    def test_ends_with_the_pack_at_the_latest(self, session):
        pack = self.pack(session, ends_at=NOON + DAY)

        assert claims.claim_ends_at(pack, make_person()) == NOON + DAY


class TestNeverPaid:
    def test_is_for_who_has_not_paid_with_any_account(self, session):
        pack = make_pack(session)
        buyers.record(session, member_id=2, source="order:A", now=NOON)
        payer = make_person(1, accounts=frozenset({1, 2}))

        assert refusal(session, pack, payer) is Refusal.PAID_BEFORE
        assert claim(session, pack, make_person(3, is_first_account=False)).is_new

    def test_remembers_who_paid_and_left(self, session):
        pack = make_pack(session)
        buyers.record(session, member_id=1, source="order:A", now=NOON)
        buyers.leave(session, accounts=[1], keys=["openid:1", "phone:p"])

        back = make_person(2, ["phone:p"])

        assert refusal(session, pack, back) is Refusal.PAID_BEFORE

    def test_has_no_deadline_unless_it_says_so(self, session):
        pack = make_pack(session)

        assert claims.claim_ends_at(pack, make_person()) is None
        assert claim(session, pack, now=NOON + 999 * DAY).is_new


class TestLimits:
    @pytest.mark.parametrize(
        "caps", [{"max_claims": 2}, {"worth_fen": 100, "budget_fen": 299}], ids=["claims", "budget"]
    )
    def test_no_more_are_claimed_than_there_are(self, session, caps):
        pack = make_pack(session, **caps)
        for number in (1, 2):
            claim(session, pack, make_person(number))

        assert refusal(session, pack, make_person(3)) is Refusal.CLAIMED_OUT
        assert had(session, 3) == ({}, 0)
        counter = session.get(PackCounter, pack.id, populate_existing=True)
        assert (counter.claims, counter.spent_fen) == (2, 2 * pack.worth_fen)

    def test_a_template_that_was_stopped_stops_the_whole_pack(self, session):
        stopped, fine = make_gift_template(session), make_gift_template(session)
        pack = make_pack(session, POINTS, coupons_of(fine), coupons_of(stopped), max_claims=9)
        stopped.status = CampaignStatus.PAUSED
        session.flush()

        assert refusal(session, pack) is Refusal.CANNOT_GIVE
        assert had(session) == ({}, 0)
        assert session.scalar(select(func.count(PackClaim.id))) == 0
        assert session.get(PackCounter, pack.id, populate_existing=True).claims == 0

    def test_a_template_that_runs_out_stops_the_whole_pack(self, session):
        fine, few = make_gift_template(session), make_gift_template(session, max_issued=3)
        pack = make_pack(session, POINTS, coupons_of(fine), coupons_of(few, 2))
        claim(session, pack)

        assert refusal(session, pack, make_person(2)) is Refusal.CANNOT_GIVE
        assert had(session, 2) == ({}, 0)

    def test_what_is_refused_between_looking_and_taking_is_refused_whole(
        self, session, monkeypatch
    ):
        """The looks are answers to a page; here they saw what was so a moment before."""
        monkeypatch.setattr(claims, "refusal_of", lambda *_: None)
        few = make_gift_template(session, max_issued=1)
        pack = make_pack(session, coupons_of(few), POINTS)
        limited = make_pack(session, max_claims=1)
        for each in (pack, limited):
            claim(session, each, make_person(1, ["phone:p"]))

        for each, person, said in (
            (pack, make_person(2), Refusal.CANNOT_GIVE),
            (pack, make_person(2, ["phone:p"]), Refusal.ALREADY_CLAIMED),
            (limited, make_person(2), Refusal.CLAIMED_OUT),
        ):
            with pytest.raises(Refused) as refused:
                claim(session, each, person)
            assert refused.value.refusal is said
        assert had(session, 2) == ({}, 0)
        assert list(verify(session)) == []


def test_an_account_that_was_faster_on_another_device_has_the_same_claim(session, monkeypatch):
    pack = make_pack(session)
    first = claim(session, pack)
    monkeypatch.setattr(claims, "refusal_of", lambda *_: None)
    monkeypatch.setattr(claims, "claim_of", lambda *_, **__: None)

    again = claim(session, pack)

    assert (again.claim.id, again.is_new) == (first.claim.id, False)
    assert had(session) == ({}, 100)


class TestBugsOfOthers:
    def test_deleting_the_account_and_registering_again_earns_nothing(self, session):
        """CRMEB's registration listener gives the pack to every new row of the user table."""
        pack = make_pack(session)
        claim(session, pack, make_person(1, ["phone:p"]))

        reborn = make_person(2, ["openid:1"])

        assert refusal(session, pack, reborn) is Refusal.ALREADY_CLAIMED
        assert had(session, 2) == ({}, 0)

    def test_a_limit_holds_for_every_part_and_not_only_the_first(self, session):
        """likeshop's condition leaks between turns: from the second coupon on no limit applies."""
        first, second = (make_gift_template(session, max_issued=1) for _ in range(2))
        pack = make_pack(session, coupons_of(first), coupons_of(second))
        claim(session, pack)

        assert refusal(session, pack, make_person(2)) is Refusal.CANNOT_GIVE
        assert had(session, 1) == ({first.id: 1, second.id: 1}, 0)


def test_what_came_of_a_pack_is_counted(session):
    template = make_gift_template(session)
    pack, other = make_pack(session, coupons_of(template, 2), POINTS), make_pack(session)
    for number in (1, 2):
        claim(session, pack, make_person(number))
    claim(session, other)
    assert queries.outcome(session, pack.id) == (2, 4, 0, 0, 200)

    for coupon in session.scalars(select(Coupon).order_by(Coupon.id).limit(2)):
        coupon.status, coupon.held_by, coupon.used_at = "used", "order:A", NOON
    session.flush()

    assert queries.outcome(session, pack.id) == (2, 4, 2, 1, 200)
    assert queries.outcome(session, other.id) == (1, 0, 0, 0, 100)


def test_running_packs_and_the_claims_of_a_member_come_latest_first(session):
    first, second = make_pack(session), make_pack(session, ends_at=NOON + DAY)
    make_pack(session, starts_at=NOON + HOUR)
    life.create(session, setup=queries.setup_of(session, first), staff_id=1, now=NOON)
    for pack in (first, second):
        claim(session, pack)

    assert [pack.id for pack in queries.running(session, now=NOON)] == [second.id, first.id]
    claimed = queries.claims_of(session, 1)
    assert [pack.id for _, pack in claimed] == [second.id, first.id]
    assert queries.claims_of(session, 2) == []
