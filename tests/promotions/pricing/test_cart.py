"""What may enter the engine, and the one text of it."""

from datetime import datetime, timedelta, timezone

import pytest

from promotions.pricing import Allowance
from promotions.pricing.cart import DuplicateLine, NaiveMoment, canonical
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


@pytest.mark.parametrize("fields", [{"uses": True}, {"budget_fen": 1.0}])
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


def test_lines_and_allowances_are_kept_by_id():
    one, two = make_line(1, tags=frozenset({"b", "a"})), make_line(2, category_path=(3, 4))
    allowances = (Allowance(promotion_id=9, uses=1), Allowance(promotion_id=8, budget_fen=5))

    cart = make_cart(two, one, allowances=allowances)

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
            },
            {
                "line_id": 2,
                "sku_id": 2,
                "spu_id": 2,
                "quantity": 1,
                "unit_price_fen": 10_000,
                "category_path": [3, 4],
                "tags": [],
            },
        ],
        "now": "2026-11-11T04:00:00+00:00",
        "freight_fen": 0,
        "allowances": [
            {"promotion_id": 8, "uses": None, "budget_fen": 5},
            {"promotion_id": 9, "uses": 1, "budget_fen": None},
        ],
    }


def test_the_canonical_text_is_sorted_compact_and_readable():
    assert canonical({"b": 1, "a": ["满减"]}) == '{"a":["满减"],"b":1}'.encode()
