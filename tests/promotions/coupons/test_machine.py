"""Any order of events, with repetitions: the engine agrees with a plain model, and adds up."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from promotions import coupons
from promotions.coupons.models import Coupon, CouponCode
from promotions.coupons.states import CouponStatus, Way
from promotions.coupons.terms import china_day, extended_until
from promotions.coupons.verify import verify
from promotions.pricing import Buyer
from tests.builders.coupons import make_template
from tests.builders.promotions import NOON, STAFF
from tests.promotions.coupons.model import One, Shop

LIMITS = [(7, 3, 2), (None, 2, 1)]
EXTEND = 2
MEMBER = st.integers(1, 2)
TEMPLATE = st.integers(0, len(LIMITS) - 1)
ORDER = st.sampled_from(["order:A", "order:B"])
HOUR = timedelta(hours=1)


class Coupons(RuleBasedStateMachine):
    """Members, orders and staff, one step at a time, on tables that nobody else uses."""

    session = None

    @initialize()
    def open_shop(self):
        self.session.rollback()
        self.now = NOON
        self.shop = Shop(dict(enumerate(LIMITS)))
        self.codes, self.redeemed = [], {}
        names = ("max_issued", "member_max", "member_day_max")
        self.ids = []
        for limits in LIMITS:
            terms = dict(zip(names, limits, strict=True))
            made = make_template(self.session, valid_days=2, extend_days=EXTEND, **terms)
            self.ids.append(made.id)
            coupons.make_codes(
                self.session, promotion_id=made.id, count=2, staff_id=STAFF, now=NOON
            )
        rows = select(CouponCode.id, CouponCode.code).order_by(CouponCode.id)
        self.codes = self.session.execute(rows).all()

    @property
    def day(self):
        return china_day(self.now).toordinal()

    def any_in(self, status):
        return any(one.status is status for one in self.shop.coupons.values())

    def note(self, number, template, member, way, source):
        ends_at = self.session.get_one(Coupon, number).ends_at
        self.shop.coupons[number] = One(template, member, way, self.day, source, ends_at)

    @rule(hours=st.sampled_from([1, 13, 50]))
    def time_passes(self, hours):
        self.now += hours * HOUR

    @rule(template=TEMPLATE, member=MEMBER)
    def claim(self, template, member):
        allowed = self.shop.may_have(template, member, Way.CLAIM, self.day)
        try:
            number = coupons.claim(
                self.session,
                promotion_id=self.ids[template],
                member_id=member,
                buyer=Buyer(),
                now=self.now,
            )
        except coupons.Refused:
            assert not allowed
            return
        assert allowed
        self.note(number, template, member, Way.CLAIM, "")

    @rule(template=TEMPLATE, member=MEMBER, order=ORDER)
    def give(self, template, member, order):
        source = f"{order}:{template}"
        before = self.shop.given_for(source, member)
        allowed = bool(before) or self.shop.may_have(template, member, Way.GIFT, self.day, 2)
        try:
            given = coupons.issue(
                self.session,
                promotion_id=self.ids[template],
                member_id=member,
                source=source,
                count=2,
                now=self.now,
            )
        except coupons.Refused:
            assert not allowed
            return
        assert allowed
        assert not before or list(given) == before
        for number in set(given) - set(before):
            self.note(number, template, member, Way.GIFT, source)

    @rule(which=st.integers(0, 3), member=MEMBER)
    def redeem(self, which, member):
        code_id, code = self.codes[which]
        template, taken = which // 2, self.redeemed.get(which)
        allowed = self.shop.may_have(template, member, Way.CODE, self.day)
        try:
            number = coupons.redeem(self.session, code=code, member_id=member, now=self.now)
        except coupons.CodeTaken:
            assert taken is not None
            assert taken[1] != member
        except coupons.Refused:
            assert not allowed
        else:
            assert taken == (number, member) if taken else allowed
            if not taken:
                self.redeemed[which] = (number, member)
                self.note(number, template, member, Way.CODE, f"code:{code_id}")

    @rule(template=TEMPLATE, push=st.integers(1, 2))
    def push(self, template, push):
        source = f"push:{push}:{template}"
        had = [member for member in (1, 2) if self.shop.given_for(source, member)]
        lucky = [
            member
            for member in (1, 2)
            if member not in had
            and (self.shop.limits[template][1] is None or self.fits(template, member))
        ]
        total = self.shop.limits[template][0]
        issued = sum(one.template == template for one in self.shop.coupons.values())
        try:
            pushed = coupons.push(
                self.session,
                promotion_id=self.ids[template],
                member_ids=[1, 2],
                source=source,
                now=self.now,
            )
        except coupons.Refused:
            assert total is not None
            assert issued + len(lucky) > total
            return
        assert pushed == (len(had) + len(lucky), 2 - len(had) - len(lucky))
        new = self.session.scalars(select(Coupon).where(Coupon.source == source))
        for coupon in new:
            if coupon.id not in self.shop.coupons:
                self.note(coupon.id, template, coupon.member_id, Way.PUSH, source)

    def fits(self, template, member):
        unlimited = {**self.shop.limits, template: (None, self.shop.limits[template][1], None)}
        return Shop(unlimited, self.shop.coupons).may_have(template, member, Way.PUSH, self.day)

    @precondition(lambda self: self.any_in(CouponStatus.ISSUED))
    @rule(
        data=st.data(), member=MEMBER, order=ORDER, is_honest=st.sampled_from([True] * 4 + [False])
    )
    def hold(self, data, member, order, is_honest):
        numbers = sorted(
            number
            for number, one in self.shop.coupons.items()
            if not is_honest or (one.member == member and one.status is CouponStatus.ISSUED)
        )
        some = (
            st.lists(st.sampled_from(numbers), min_size=1, max_size=2) if numbers else st.just([])
        )
        wanted = data.draw(some)
        shop = [self.shop.coupons[number] for number in wanted]
        fine = all(
            one.member == member
            and (
                (one.status is CouponStatus.ISSUED and self.now < one.ends_at)
                or (one.order == order and one.status in (CouponStatus.HELD, CouponStatus.USED))
            )
            for one in shop
        )
        step = self.session.begin_nested()
        try:
            coupons.hold(
                self.session, source=order, coupon_ids=wanted, member_id=member, now=self.now
            )
        except coupons.NotUsable:
            step.rollback()
            assert not fine
            return
        step.commit()
        assert fine
        free = [n for n in set(wanted) if self.shop.coupons[n].status is CouponStatus.ISSUED]
        self.shop.move(free, CouponStatus.HELD, order)

    @precondition(lambda self: self.any_in(CouponStatus.HELD))
    @rule(order=ORDER)
    def use(self, order):
        held = self.shop.on(order, CouponStatus.HELD)
        assert list(coupons.use(self.session, source=order, now=self.now)) == held
        self.shop.move(held, CouponStatus.USED, order)

    @precondition(lambda self: self.any_in(CouponStatus.HELD))
    @rule(order=ORDER)
    def release(self, order):
        held = self.shop.on(order, CouponStatus.HELD)
        assert list(coupons.release(self.session, source=order, now=self.now)) == held
        for number in held:
            one = self.shop.coupons[number]
            after = CouponStatus.EXPIRED if one.ends_at <= self.now else CouponStatus.ISSUED
            self.shop.move([number], CouponStatus.REVOKED if one.is_forfeited else after)

    @precondition(lambda self: self.any_in(CouponStatus.USED))
    @rule(order=ORDER)
    def give_back(self, order):
        used = self.shop.on(order, CouponStatus.USED)
        forfeited = [number for number in used if self.shop.coupons[number].is_forfeited]
        kept = [number for number in used if number not in forfeited]
        assert list(coupons.give_back(self.session, source=order, now=self.now)) == kept
        for number in kept:
            one = self.shop.coupons[number]
            if one.ends_at <= self.now:
                one.ends_at = extended_until(extend_days=EXTEND, now=self.now)
        self.shop.move(kept, CouponStatus.ISSUED)
        self.shop.move(forfeited, CouponStatus.REVOKED)

    @precondition(lambda self: self.any_in(CouponStatus.ISSUED))
    @rule()
    def expire(self):
        over = [
            number
            for number, one in self.shop.coupons.items()
            if one.status is CouponStatus.ISSUED and one.ends_at <= self.now
        ]
        assert coupons.expire(self.session, now=self.now) == len(over)
        self.shop.move(over, CouponStatus.EXPIRED)

    @precondition(lambda self: self.any_in(CouponStatus.ISSUED) or self.any_in(CouponStatus.HELD))
    @rule(template=TEMPLATE, order=ORDER)
    def refund_takes_gifts_back(self, template, order):
        source = f"{order}:{template}"
        given = {n: one for n, one in self.shop.coupons.items() if one.source == source}
        unused = sorted(n for n, one in given.items() if one.status is CouponStatus.ISSUED)
        revoked = coupons.revoke_granted(self.session, source=source, now=self.now)
        assert list(revoked) == unused
        self.shop.move(unused, CouponStatus.REVOKED)
        for one in given.values():
            one.is_forfeited |= one.status in {CouponStatus.HELD, CouponStatus.USED}

    @invariant()
    def the_tables_say_what_the_model_says(self):
        self.session.expire_all()
        stored = {
            coupon.id: (
                coupon.member_id,
                coupon.status,
                coupon.held_by,
                coupon.ends_at,
                coupon.is_forfeited,
            )
            for coupon in self.session.scalars(select(Coupon))
        }
        assert stored == {
            number: (one.member, one.status, one.order, one.ends_at, one.is_forfeited)
            for number, one in self.shop.coupons.items()
        }
        assert list(verify(self.session)) == []


def run(session, examples, steps):
    machine = type("Machine", (Coupons,), {"session": session})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.slow
def test_coupons_live_as_the_model_says(session):
    run(session, examples=20, steps=40)


@pytest.mark.soak
def test_coupons_live_long_as_the_model_says(session):
    run(session, examples=300, steps=60)
