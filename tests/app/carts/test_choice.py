"""Pricing a cart by the buyer's own choice of coupons, promotions and gifts."""

import pytest


@pytest.fixture
def price(client, as_buyer):
    def post(headers=as_buyer, **choice):
        return client.post("/api/v1/cart/quote", json=choice, headers=headers)

    return post


def test_without_a_choice_it_is_the_cart(cart, show, price, sku, set_clock, now):
    set_clock(now)
    cart(sku, 2)

    answer = price()

    assert answer.status_code == 200, answer.json
    assert answer.json == show()


def test_needs_a_token(client):
    assert client.post("/api/v1/cart/quote", json={}).status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"coupon_ids": [0]},
        {"coupon_ids": ["1"]},
        {"coupon_ids": 1},
        {"coupon_ids": list(range(1, 52))},
        {"declined_promotion_ids": None},
        {"declined_promotion_ids": [1.0]},
        {"declined_promotion_ids": list(range(1, 202))},
        {"gift_choices": [{"promotion_id": 1}]},
        {"gift_choices": [{"promotion_id": 1, "sku_ids": []}]},
        {"gift_choices": [{"promotion_id": 1, "sku_ids": [True]}]},
        {"gift_choices": [{"promotion_id": 1, "sku_ids": [1], "price_fen": 0}]},
        {"gift_choices": [{"promotion_id": 1, "sku_ids": [1]}] * 2},
        {"points_fen": 1},
    ],
)
def test_a_wrong_choice_is_refused(cart, price, sku, wrong):
    cart(sku)

    answer = price(**wrong)

    assert answer.status_code == 422
    assert [path.split(".")[0] for path in answer.json["errors"]] == list(wrong)
