"""Set-ups of packs that contradict themselves, and packs as plain data."""

from datetime import timedelta

import pytest

from promotions.packs.setup import BadPack, Eligibility, PackFlaw, Part, PartKind
from tests.builders.packs import POINTS, make_setup
from tests.builders.promotions import NOON

COUPON = Part(kind=PartKind.COUPON, promotion_id=7, count=2)


def test_a_set_up_is_plain_data_and_parts_read_back():
    setup = make_setup(POINTS, COUPON, ends_at=NOON + timedelta(days=1), claim_days=3)

    document = setup.to_json()

    assert document == {
        "title": "新人礼包",
        "eligibility": "never_paid",
        "parts": [
            {"kind": "points", "points": 100},
            {"kind": "coupon", "promotion_id": 7, "count": 2},
        ],
        "starts_at": "2026-11-11T04:00:00+00:00",
        "ends_at": "2026-11-12T04:00:00+00:00",
        "claim_days": 3,
        "worth_fen": 0,
        "max_claims": None,
        "budget_fen": None,
    }
    assert tuple(Part.parse(part) for part in document["parts"]) == setup.parts
    assert make_setup().to_json()["ends_at"] is None


@pytest.mark.parametrize(
    ("more", "most"),
    [
        ({}, None),
        ({"max_claims": 5}, 5),
        ({"budget_fen": 950, "worth_fen": 100}, 9),
        ({"budget_fen": 950, "worth_fen": 100, "max_claims": 5}, 5),
    ],
)
def test_the_limits_allow_so_many_claims(more, most):
    setup = make_setup(**more)

    assert setup.most_claims == most
    assert setup.is_limited == (most is not None)


@pytest.mark.parametrize(
    ("part", "flaw"),
    [
        (Part(kind=PartKind.POINTS), PackFlaw.INCOMPLETE),
        (Part(kind=PartKind.POINTS, points=0), PackFlaw.NOT_POSITIVE),
        (Part(kind=PartKind.POINTS, points=-5), PackFlaw.NOT_POSITIVE),
        (Part(kind=PartKind.POINTS, points=5, promotion_id=7), PackFlaw.MIXED),
        (Part(kind=PartKind.COUPON), PackFlaw.INCOMPLETE),
        (Part(kind=PartKind.GIFT, promotion_id=7, points=5), PackFlaw.MIXED),
        (Part(kind=PartKind.COUPON, promotion_id=7, count=0), PackFlaw.NOT_POSITIVE),
        (Part(kind=PartKind.GIFT, promotion_id=7), PackFlaw.TWICE),
        (POINTS, PackFlaw.TWICE),
    ],
)
def test_a_part_that_makes_no_sense_is_refused(part, flaw):
    with pytest.raises(BadPack) as refused:
        make_setup(POINTS, COUPON, part)

    assert (refused.value.field, refused.value.flaw) == ("parts.2", flaw)


@pytest.mark.parametrize(
    ("more", "field", "flaw"),
    [
        ({"parts": ()}, "parts", PackFlaw.EMPTY),
        ({"ends_at": NOON}, "ends_at", PackFlaw.EMPTY_WINDOW),
        ({"eligibility": Eligibility.NEVER_REGISTERED}, "claim_days", PackFlaw.NO_DEADLINE),
        ({"claim_days": 0}, "claim_days", PackFlaw.NOT_POSITIVE),
        ({"max_claims": 0}, "max_claims", PackFlaw.NOT_POSITIVE),
        ({"budget_fen": -1}, "budget_fen", PackFlaw.NOT_POSITIVE),
        ({"worth_fen": -1}, "worth_fen", PackFlaw.NOT_POSITIVE),
        ({"budget_fen": 100}, "worth_fen", PackFlaw.BUDGET_WITHOUT_WORTH),
        ({"budget_fen": 99, "worth_fen": 100}, "budget_fen", PackFlaw.BUDGET_TOO_SMALL),
    ],
)
def test_a_set_up_that_contradicts_itself_is_refused(more, field, flaw):
    with pytest.raises(BadPack) as refused:
        make_setup(**more)

    assert (refused.value.field, refused.value.flaw) == (field, flaw)
