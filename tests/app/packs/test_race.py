"""Many devices claim one pack over HTTP at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from promotions import points
from promotions.coupons.models import Coupon
from promotions.packs.models import PackClaim
from promotions.packs.verify import verify
from tests.builders.packs import POINTS, coupons_of

THREADS = 64
pytestmark = pytest.mark.race


def together(app, requests):
    """Send a claim of the pack with each of the headers at one moment; return the answers."""
    start = threading.Barrier(len(requests))

    def send(request):
        pack_id, headers = request
        start.wait(timeout=60)
        return app.test_client().post(
            "/api/v1/new-user-pack/claims", json={"pack_id": pack_id}, headers=headers
        )

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))


def test_64_devices_of_one_account_get_one_pack(app, session, newcomer, make_pack, make_template):
    pack = make_pack(coupons_of(make_template(), 2), POINTS)
    member, headers = newcomer(phone="13812345678")

    answers = together(
        app, [(pack.id, {**headers, "Idempotency-Key": f"device-{n:08}"}) for n in range(THREADS)]
    )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.get_data() for answer in answers}) == 1
    session.rollback()
    assert session.scalar(select(func.count(PackClaim.id))) == 1
    assert session.scalar(select(func.count(Coupon.id))) == 2
    assert points.balance(session, member.id) == 100
    assert list(verify(session)) == []


def test_many_accounts_of_one_phone_get_one_pack(app, session, newcomer, make_pack):
    pack = make_pack(POINTS)
    people = [newcomer(phone="13812345678") for _ in range(16)]

    answers = together(
        app,
        [(pack.id, {**headers, "Idempotency-Key": "the-only-one"}) for _, headers in people],
    )

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 15
    session.rollback()
    assert sum(points.balance(session, member.id) for member, _ in people) == 100
    assert list(verify(session)) == []
