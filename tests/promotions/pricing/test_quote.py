"""The text of a quote: what an order stores and support reads."""

import hashlib
import json

from promotions.pricing import Scope, Targets
from tests.builders.promotions import make_cart, make_line, make_promotion, quote_of, spend_and_save

EXPECTED = {
    "engine_version": 2,
    "snapshot_version": 42,
    "is_optimal": True,
    "items_fen": 11_666,
    "member_saves_fen": 0,
    "discount_fen": 1_000,
    "freight_list_fen": 800,
    "freight_fen": 800,
    "tender_fen": 0,
    "payable_fen": 11_466,
    "lines": [
        {
            "line_id": 1,
            "sku_id": 1,
            "quantity": 1,
            "unit_price_fen": 5_000,
            "base_price_fen": 5_000,
            "amount_fen": 5_000,
            "discount_fen": 429,
            "payable_fen": 4_571,
            "tender_fen": 0,
            "discounts": [{"promotion_id": 7, "amount_fen": 429}],
        },
        {
            "line_id": 2,
            "sku_id": 2,
            "quantity": 2,
            "unit_price_fen": 3_333,
            "base_price_fen": 3_333,
            "amount_fen": 6_666,
            "discount_fen": 571,
            "payable_fen": 6_095,
            "tender_fen": 0,
            "discounts": [{"promotion_id": 7, "amount_fen": 571}],
        },
    ],
    "adjustments": [
        {
            "promotion_id": 7,
            "kind": "spend_and_save",
            "lane": "order",
            "title": "活动7",
            "amount_fen": 1_000,
            "freight_fen": 0,
            "shares": [
                {"line_id": 1, "amount_fen": 429},
                {"line_id": 2, "amount_fen": 571},
            ],
            "coupon_id": None,
            "units": [],
            "gifts": [],
            "points": 0,
            "coupons": [],
            "met": None,
        }
    ],
    "gifts": [],
    "refusals": [],
    "trace": [
        {
            "promotion_id": 7,
            "title": "活动7",
            "code": "applied",
            "amount_fen": 1_000,
            "by": None,
            "shortfall": None,
            "coupon_id": None,
        },
        {
            "promotion_id": 8,
            "title": "活动8",
            "code": "condition_failed",
            "amount_fen": 0,
            "by": None,
            "shortfall": {
                "measure": "amount_fen",
                "need": 6_000,
                "have": 5_000,
                "gap": 1_000,
                "saves_fen": 500,
            },
            "coupon_id": None,
        },
    ],
}


def test_a_quote_explains_every_fen():
    cart = make_cart(make_line(2, fen=3_333, quantity=2), make_line(1, fen=5_000), freight_fen=800)
    only_sku_1 = Scope(include=Targets(sku_ids=frozenset({1})))

    quote = quote_of(
        cart,
        make_promotion(7),
        make_promotion(8, spend_and_save((6_000, 500)), scope=only_sku_1),
        version=42,
    )

    assert quote.to_json() == {**EXPECTED, "input_digest": quote.input_digest}


def test_the_digests_are_of_the_canonical_texts():
    cart = make_cart()
    quote = quote_of(cart, make_promotion(1))

    text = quote.canonical()

    assert json.loads(text) == quote.to_json()
    assert quote.digest == hashlib.sha256(text).hexdigest()
    assert quote.input_digest == quote_of(cart).input_digest
    assert quote.input_digest != quote_of(make_cart(freight_fen=1)).input_digest
    assert b" " not in text


def test_a_share_of_nothing_is_not_listed():
    cart = make_cart(make_line(1), make_line(2, fen=0))

    quote = quote_of(cart, make_promotion(1))

    assert quote.lines[1].discounts == ()
    assert [share["line_id"] for share in quote.to_json()["adjustments"][0]["shares"]] == [1]
