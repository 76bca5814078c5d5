"""Many at once want one pack: one person gets it once, and no more are claimed than there are."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from promotions import points
from promotions.coupons.models import Coupon
from promotions.packs import claims
from promotions.packs.claims import Refused
from promotions.packs.models import PackClaim
from promotions.packs.verify import verify
from tests.builders.packs import (
    POINTS,
    coupons_of,
    make_gift_template,
    make_pack,
    make_person,
)
from tests.builders.promotions import NOON

THREADS = 64
pytestmark = pytest.mark.race


@pytest.fixture
def together(many_sessions):
    """Let 64 people claim at one moment; return what each got: a new claim, an old one, or None."""

    def race(pack, person_of):
        start = threading.Barrier(THREADS)

        def run(number):
            with many_sessions() as own:
                start.wait(timeout=60)
                try:
                    made = claims.claim(own, pack_id=pack.id, person=person_of(number), now=NOON)
                except Refused:
                    own.rollback()
                    return None
                own.commit()
                return made

        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(run, range(THREADS)))

    return race


def given(session):
    session.rollback()
    return (
        session.scalar(select(func.count(PackClaim.id))),
        session.scalar(select(func.count(Coupon.id))),
    )


def test_one_account_on_many_devices_gets_one_pack_and_every_device_sees_it(session, together):
    """likeshop's registerSendCoupon clears a cache flag last: whoever asks meanwhile gets more."""
    template = make_gift_template(session)
    pack = make_pack(session, coupons_of(template, 2), POINTS, max_claims=99)
    session.commit()

    answers = together(pack, lambda _: make_person(1, ["phone:p"]))

    assert sum(answer.is_new for answer in answers) == 1
    assert len({answer.claim.id for answer in answers}) == 1
    assert given(session) == (1, 2)
    assert points.balance(session, 1) == 100
    assert list(verify(session)) == []


def test_one_person_with_many_accounts_gets_one_pack(session, together):
    template = make_gift_template(session)
    pack = make_pack(session, coupons_of(template), POINTS)
    session.commit()

    answers = together(pack, lambda n: make_person(n + 1, ["unionid:u", "phone:p"]))

    assert sum(answer is not None for answer in answers) == 1
    assert given(session) == (1, 1)
    assert sum(points.balance(session, n + 1) for n in range(THREADS)) == 100
    assert list(verify(session)) == []


@pytest.mark.parametrize(
    "caps", [{"max_claims": 10}, {"worth_fen": 500, "budget_fen": 5_400}], ids=["claims", "budget"]
)
def test_of_many_people_exactly_as_many_get_a_pack_as_there_are(session, together, caps):
    template = make_gift_template(session, max_issued=999)
    pack = make_pack(session, coupons_of(template), POINTS, **caps)
    session.commit()

    answers = together(pack, lambda n: make_person(n + 1))

    assert sum(answer is not None for answer in answers) == 10
    assert given(session) == (10, 10)
    assert list(verify(session)) == []


def test_a_template_that_runs_out_under_many_leaves_no_half_pack(session, together):
    few, enough = make_gift_template(session, max_issued=15), make_gift_template(session)
    pack = make_pack(session, coupons_of(few, 2), coupons_of(enough), POINTS)
    session.commit()

    answers = together(pack, lambda n: make_person(n + 1))

    assert sum(answer is not None for answer in answers) == 7
    assert given(session) == (7, 21)
    assert list(verify(session)) == []
