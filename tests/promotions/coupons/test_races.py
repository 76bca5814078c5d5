"""Many at once want the same coupon: exact counts, one owner, one order, none lost."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from promotions import coupons
from promotions.coupons.models import Coupon, CouponCode, CouponTemplate
from promotions.coupons.states import CouponStatus
from promotions.coupons.verify import verify
from promotions.pricing import Buyer
from tests.builders.coupons import make_coupon, make_template
from tests.builders.promotions import NOON, STAFF

THREADS = 64
ME = 7
REFUSALS = (coupons.Refused, coupons.NotUsable, coupons.CodeTaken)
pytestmark = pytest.mark.race


@pytest.fixture
def own_session(app, database_url):
    """Sessions of their own, one for each thread."""
    engine = create_engine(database_url, pool_size=THREADS, max_overflow=0)

    @contextmanager
    def opened():
        with Session(engine, expire_on_commit=False) as session:
            yield session

    yield opened
    engine.dispose()


@pytest.fixture
def together(own_session):
    """Run `work(session, number)` in all threads at one moment; None for those refused."""

    def go(work):
        start = threading.Barrier(THREADS)

        def run(number):
            with own_session() as own:
                own.connection()
                start.wait(timeout=60)
                try:
                    done = work(own, number)
                except REFUSALS:
                    own.rollback()
                    return None
                own.commit()
                return done

        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(run, range(THREADS)))

    return go


def claim(session, promotion_id, member_id):
    return coupons.claim(
        session, promotion_id=promotion_id, member_id=member_id, buyer=Buyer(), now=NOON
    )


def hold(session, coupon_id, source):
    coupons.hold(session, source=source, coupon_ids=[coupon_id], member_id=ME, now=NOON)
    return source


def issued(session):
    session.rollback()
    return session.scalar(select(func.count(Coupon.id)))


def test_lilishop_64_members_claim_the_last_10(session, together):
    """They write back the number they read, so 64 may have the last ten."""
    promotion = make_template(session, max_issued=10)
    session.commit()

    got = together(lambda own, number: claim(own, promotion.id, 100 + number))

    assert sum(each is not None for each in got) == issued(session) == 10
    assert session.get(CouponTemplate, promotion.id, populate_existing=True).issued == 10
    assert list(verify(session)) == []


def test_one_member_claims_64_times_at_once(session, together):
    promotion = make_template(session, member_max=3, member_day_max=2, max_issued=50)
    session.commit()

    got = together(lambda own, _: claim(own, promotion.id, ME))

    assert sum(each is not None for each in got) == issued(session) == 2
    assert list(verify(session)) == []


def test_crmeb_b4_and_mall_one_coupon_on_64_orders_is_on_one(session, together):
    """They mark it used without asking whether it is; in mall five orders took 824 yuan each."""
    coupon = make_coupon(session, member_id=ME)
    session.commit()

    won = [
        source
        for source in together(lambda own, number: hold(own, coupon.id, f"order:{number}"))
        if source is not None
    ]

    session.refresh(coupon)
    assert won == [coupon.held_by]
    assert coupon.status is CouponStatus.HELD


def test_crmeb_b4_an_order_that_fails_burns_no_coupon(session, own_session):
    """They consume it before the order's transaction, which then fails for want of stock."""
    coupon = make_coupon(session, member_id=ME)
    session.commit()
    with own_session() as order:
        hold(order, coupon.id, "order:A")
        order.rollback()

    assert hold(session, coupon.id, "order:B") == "order:B"


def test_none_is_lost_when_every_order_lets_go_again(session, together):
    promotion = make_template(session)
    made = [make_coupon(session, promotion=promotion, member_id=ME) for _ in range(8)]
    ids = [coupon.id for coupon in made]
    session.commit()

    def trade(own, number):
        source = f"order:{number}"
        hold(own, ids[number % 8], source)
        own.commit()
        coupons.release(own, source=source, now=NOON)
        return source

    together(trade)

    session.rollback()
    rows = session.execute(select(Coupon.status, Coupon.held_by)).all()
    assert rows == [(CouponStatus.ISSUED, None)] * 8


def test_orders_that_take_the_same_two_coupons_never_deadlock(session, together):
    one, two = (make_coupon(session, member_id=ME) for _ in range(2))
    session.commit()

    def take(own, number):
        ids = [one.id, two.id][:: 1 if number % 2 else -1]
        source = f"order:{number}"
        coupons.hold(own, source=source, coupon_ids=ids, member_id=ME, now=NOON)
        return source

    won = [source for source in together(take) if source is not None]

    session.rollback()
    assert set(session.scalars(select(Coupon.held_by))) == set(won)
    assert len(won) == 1


def test_paying_and_closing_at_once_ends_in_one_of_them(session, together):
    coupon = make_coupon(session, member_id=ME)
    hold(session, coupon.id, "order:A")
    session.commit()

    def settle(own, number):
        step = coupons.use if number % 2 else coupons.release
        return step(own, source="order:A", now=NOON) or None

    assert sum(each is not None for each in together(settle)) == 1
    session.refresh(coupon)
    is_used = coupon.status is CouponStatus.USED
    assert (coupon.held_by == "order:A") is is_used


def test_core_shop_one_code_redeemed_by_64_becomes_one_coupon(session, together):
    """They claim a code by its id, without asking whether it is still free."""
    promotion = make_template(session, max_issued=50)
    coupons.make_codes(session, promotion_id=promotion.id, count=1, staff_id=STAFF, now=NOON)
    session.commit()
    code = session.scalar(select(CouponCode.code))

    got = together(
        lambda own, number: coupons.redeem(own, code=code, member_id=100 + number, now=NOON)
    )

    assert sum(each is not None for each in got) == issued(session) == 1
    assert list(verify(session)) == []


def test_one_source_at_once_from_everywhere_gives_once(session, together):
    promotion = make_template(session, max_issued=9)
    session.commit()

    def give(own, _):
        return coupons.issue(
            own, promotion_id=promotion.id, member_id=ME, source="order:A", count=3, now=NOON
        )

    assert len(set(together(give))) == 1
    assert issued(session) == 3
    assert list(verify(session)) == []


def test_revoking_and_holding_at_once_ends_in_one_of_them(session, together):
    coupon = make_coupon(session, member_id=ME)
    session.commit()

    def work(own, number):
        if number % 2:
            return coupons.revoke(own, coupon_ids=[coupon.id], now=NOON) or None
        return hold(own, coupon.id, "order:A")

    together(work)

    session.refresh(coupon)
    assert (coupon.status, coupon.held_by) in [
        (CouponStatus.REVOKED, None),
        (CouponStatus.HELD, "order:A"),
    ]
