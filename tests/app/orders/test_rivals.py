"""What other shops check when the cart is filled is checked again when the order is placed."""

import contextvars
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from tests.builders.promotions import make_published

DEVICES = 8


@pytest.fixture
def campaign(session, now):
    """10 yuan off what costs 110, once for each member, for an hour."""
    promotion = make_published(
        session,
        steps=[(5_000, 1_000)],
        member_max_uses=1,
        starts_at=now - timedelta(minutes=1),
        ends_at=now + timedelta(hours=1),
        now=now,
    )
    session.commit()
    return promotion


@pytest.fixture
def shown(preview, body):
    return lambda: preview({name: body[name] for name in ("lines", "address_id")}).json["quote"]


def test_crmeb_b18_a_price_seen_twice_is_had_once(place, body, shown, campaign, breaches):
    seen = [shown()["payable_fen"] for _ in range(2)]
    assert seen == [10_000, 10_000]
    wanted = body | {"expected_payable_fen": seen[0]}

    first, second = place(wanted), place(wanted, key="another-key")

    assert first.status_code == 201
    assert (second.status_code, second.json["code"]) == (409, "price_changed")
    assert second.json["quote"]["payable_fen"] == 11_000
    (verdict,) = second.json["quote"]["trace"]
    assert (verdict["promotion_id"], verdict["code"]) == (campaign.id, "limit_reached")
    assert breaches() == []


@pytest.mark.race
def test_crmeb_b18_one_member_on_many_devices_has_it_once(app, place, body, campaign, breaches):
    wanted = body | {"expected_payable_fen": 10_000}
    wanted["lines"] = [{**line, "quantity": 2} for line in body["lines"]]
    start = Barrier(DEVICES)

    def order(number):
        start.wait(timeout=30)
        return place(wanted, key=f"a-key-of-device-{number}").status_code

    with ThreadPoolExecutor(DEVICES) as pool:
        devices = [
            pool.submit(contextvars.Context().run, order, number) for number in range(DEVICES)
        ]
        answers = sorted(device.result() for device in devices)

    assert answers == [201] + [409] * (DEVICES - 1)
    assert breaches() == []


def test_crmeb_b2_a_price_seen_in_time_is_not_had_too_late(
    place, body, shown, campaign, set_clock, now, nothing_happened
):
    seen_fen = shown()["payable_fen"]
    set_clock(now + timedelta(hours=1))

    late = place(body | {"expected_payable_fen": seen_fen})

    assert seen_fen == 10_000
    assert (late.status_code, late.json["code"]) == (409, "price_changed")
    assert late.json["quote"]["payable_fen"] == 11_000
    nothing_happened()
