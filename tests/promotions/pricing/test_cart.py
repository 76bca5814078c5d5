"""What may enter the engine, and the one text of it."""

import json
from datetime import datetime, timedelta, timezone

import pytest

from promotions.pricing import Allowance, Buyer, Cart, GiftChoice, HeldCoupon
from promotions.pricing.buyer import NeverValid
from promotions.pricing.canon import NaiveMoment, canonical
from promotions.pricing.cart import DuplicateEntry, DuplicateLine
from promotions.pricing.money import NotWhole, OutOfRange
from tests.builders.promotions import NOON, make_cart, make_line


@pytest.mark.parametrize(
    "field", ["line_id", "sku_id", "spu_id", "quantity", "unit_price_fen", "category_path"]
)
@pytest.mark.parametrize("value", [True, 1.5, "1"])
def test_a_line_takes_ints_only(field, value):
    fields = {"line_id": 1, "sku_id": 1, "spu_id": 1, "quantity": 1, "fen": 1}
    name = "fen" if field == "unit_price_fen" else field
    fields[name] = (value,) if field == "category_path" else value

    with pytest.raises(NotWhole):
        make_line(**fields)


@pytest.mark.parametrize("fields", [{"quantity": 0}, {"quantity": -1}, {"fen": -1}])
def test_a_line_has_units_and_no_negative_price(fields):
    with pytest.raises(OutOfRange):
        make_line(**fields)


@pytest.mark.parametrize("fields", [{"uses": True}, {"budget_fen": 1.0}, {"units": "1"}])
def test_an_allowance_takes_ints_only(fields):
    with pytest.raises(NotWhole):
        Allowance(promotion_id=1, **fields)


def test_freight_is_a_whole_number():
    with pytest.raises(NotWhole):
        make_cart(freight_fen=8.0)


def test_a_line_id_occurs_once():
    with pytest.raises(DuplicateLine):
        make_cart(make_line(1), make_line(1))


def test_the_moment_has_a_time_zone():
    with pytest.raises(NaiveMoment):
        make_cart(now=datetime(2026, 11, 11))  # noqa: DTZ001  # The point of the test.


def test_the_same_moment_elsewhere_is_the_same_cart():
    in_china = NOON.astimezone(timezone(timedelta(hours=8)))

    assert make_cart(now=in_china) == make_cart(now=NOON)


def held(coupon_id: int, **more) -> HeldCoupon:
    fields = {"promotion_id": 8, "starts_at": NOON, "ends_at": NOON + timedelta(days=1), **more}
    return HeldCoupon(coupon_id=coupon_id, **fields)


def full_cart() -> Cart:
    one = make_line(1, tags=frozenset({"b", "a"}))
    two = make_line(2, category_path=(3, 4), member_price_fen=9_000)
    return make_cart(
        two,
        one,
        allowances=(
            Allowance(promotion_id=9, uses=1, units=3, gifts=((6, 2), (5, 0))),
            Allowance(promotion_id=8, budget_fen=5),
        ),
        buyer=Buyer(tags=frozenset({"b", "a"}), level=2, is_new=True),
        coupons=(held(4), held(3)),
        coupon_ids=(4, 3, 4),
        declined=frozenset({8, 7}),
        gift_choices=(
            GiftChoice(promotion_id=9, sku_ids=(6, 5, 6)),
            GiftChoice(promotion_id=1, sku_ids=()),
        ),
        points_fen=200,
    )


def test_everything_is_kept_by_id():
    cart = full_cart()

    assert cart.to_json() == {
        "lines": [
            {
                "line_id": 1,
                "sku_id": 1,
                "spu_id": 1,
                "quantity": 1,
                "unit_price_fen": 10_000,
                "category_path": [],
                "tags": ["a", "b"],
                "member_price_fen": None,
            },
            {
                "line_id": 2,
                "sku_id": 2,
                "spu_id": 2,
                "quantity": 1,
                "unit_price_fen": 10_000,
                "category_path": [3, 4],
                "tags": [],
                "member_price_fen": 9_000,
            },
        ],
        "now": "2026-11-11T04:00:00+00:00",
        "freight_fen": 0,
        "allowances": [
            {"promotion_id": 8, "uses": None, "budget_fen": 5, "units": None, "gifts": []},
            {
                "promotion_id": 9,
                "uses": 1,
                "budget_fen": None,
                "units": 3,
                "gifts": [{"sku_id": 5, "left": 0}, {"sku_id": 6, "left": 2}],
            },
        ],
        "buyer": {"tags": ["a", "b"], "level": 2, "is_new": True},
        "coupons": [
            {
                "coupon_id": 3,
                "promotion_id": 8,
                "starts_at": "2026-11-11T04:00:00+00:00",
                "ends_at": "2026-11-12T04:00:00+00:00",
            },
            {
                "coupon_id": 4,
                "promotion_id": 8,
                "starts_at": "2026-11-11T04:00:00+00:00",
                "ends_at": "2026-11-12T04:00:00+00:00",
            },
        ],
        "coupon_ids": [3, 4],
        "declined": [7, 8],
        "gift_choices": [
            {"promotion_id": 1, "sku_ids": []},
            {"promotion_id": 9, "sku_ids": [5, 6]},
        ],
        "points_fen": 200,
    }


def test_the_canonical_text_is_sorted_compact_and_readable():
    assert canonical({"b": 1, "a": ["满减"]}) == '{"a":["满减"],"b":1}'.encode()


@pytest.mark.parametrize("cart", [full_cart(), make_cart()], ids=["full", "plain"])
def test_a_cart_is_read_back_as_it_was_written(cart):
    document = json.loads(canonical(cart.to_json()))

    assert Cart.from_json(document) == cart


@pytest.mark.parametrize(
    "fields",
    [
        {"coupons": (held(1), held(1))},
        {"allowances": (Allowance(promotion_id=1), Allowance(promotion_id=1, uses=1))},
        {"gift_choices": (GiftChoice(promotion_id=1, sku_ids=()),) * 2},
    ],
)
def test_a_coupon_an_allowance_and_a_choice_occur_once(fields):
    with pytest.raises(DuplicateEntry):
        make_cart(**fields)


@pytest.mark.parametrize(
    "make",
    [
        lambda: make_cart(points_fen=1.5),
        lambda: make_cart(declined=frozenset({"1"})),
        lambda: make_cart(coupon_ids=(True,)),
        lambda: make_line(member_price_fen="1"),
        lambda: Buyer(level=1.0),
        lambda: GiftChoice(promotion_id=1, sku_ids=("1",)),
        lambda: Allowance(promotion_id=1, gifts=((1, 1.5),)),
        lambda: Allowance(promotion_id=1, gifts=(("1", 1),)),
    ],
)
def test_what_the_buyer_brings_is_whole_numbers_too(make):
    with pytest.raises(NotWhole):
        make()


@pytest.mark.parametrize("field", ["starts_at", "ends_at"])
def test_a_coupon_is_valid_between_two_instants(field):
    with pytest.raises(NaiveMoment):
        held(1, **{field: datetime(2026, 11, 11)})  # noqa: DTZ001  # The point of the test.
    with pytest.raises(NeverValid):
        held(1, ends_at=NOON)


def test_the_level_price_counts_when_it_is_lower():
    prices = [make_line(fen=100, quantity=2, member_price_fen=fen) for fen in (None, 90, 101)]

    assert [line.base_price_fen for line in prices] == [100, 90, 100]
    assert [line.base_amount_fen for line in prices] == [200, 180, 200]
    assert [line.amount_fen for line in prices] == [200, 200, 200]
