"""Pricing a cart by the buyer's own choice of coupons, promotions and gifts."""

import pytest

from promotions import coupons
from tests.builders.catalogue import make_sku
from tests.builders.promotions import AGREED, make_published


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


def test_the_cart_costs_what_the_order_will_in_whatever_order_it_was_filled(
    session, client, as_buyer, cart, show, sku, now, set_clock
):
    set_clock(now)
    cheap = make_sku(session, price_fen=1000, available=10)
    terms = {"off_bp": 5000, "max_units_per_order": 1}
    promotion = make_published(session, kind="limited_time", terms=terms, starts_at=now, now=now)
    session.commit()
    items = {line["sku_id"]: line["id"] for line in (cart(cheap), cart(sku))}

    quote = show()["quote"]
    ordered = client.post(
        "/api/v1/orders/preview", json={"cart_item_ids": list(items.values())}, headers=as_buyer
    ).json["quote"]

    assert quote["payable_fen"] == ordered["payable_fen"] == 3500
    of_line = {line["sku_id"]: line["line_id"] for line in quote["lines"]}
    assert of_line == items
    (adjustment,) = quote["adjustments"]
    assert adjustment["promotion_id"] == promotion.id
    assert adjustment["shares"] == [{"line_id": items[sku.id], "amount_fen": 2500}]


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


@pytest.fixture
def offers(session, sku, buyer, now):
    """Spend-and-save, a gift from 100 yuan on, and a coupon in the buyer's hands."""
    saves = make_published(
        session, steps=[(10_000, 500), (20_000, 2000)], starts_at=now, now=now, **AGREED
    )
    gift = make_sku(session, title="杯垫", price_fen=900)
    tier = {
        "threshold": 9000,
        "gifts": [{"sku_id": gift.id, "quantity": 1, "value_fen": 500}],
    }
    gives = make_published(
        session, kind="spend_and_gift", terms={"tiers": [tier]}, starts_at=now, now=now, **AGREED
    )
    template = make_published(
        session,
        kind="coupon_amount",
        title="十元券",
        terms={"threshold_fen": 5000, "off_fen": 1000},
        issue={"valid_days": 7},
        starts_at=now,
        now=now,
        **AGREED,
    )
    (coupon_id,) = coupons.issue(
        session, promotion_id=template.id, member_id=buyer.id, source="gift:1", now=now
    )
    session.commit()
    return saves, gives, coupon_id


def test_the_cart_shows_what_applies_what_comes_along_and_what_more_would_bring(
    cart, show, sku, offers
):
    saves, gives, coupon_id = offers
    cart(sku, 2)

    shown = show()

    assert shown["quote"]["payable_fen"] == 10_000 - 500 - 1000
    assert [one["promotion_id"] for one in shown["quote"]["adjustments"][:2]] == [
        saves.id,
        gives.id,
    ]
    assert [(one["title"], one["promotion_id"]) for one in shown["gifts"]] == [("杯垫", gives.id)]
    (nudge,) = shown["nudges"]
    assert (nudge["promotion_id"], nudge["gap"], nudge["saves_fen"]) == (saves.id, 10_000, 2000)
    assert "再买 100 元" in nudge["message"]
    (coupon,) = shown["coupons"]
    assert (coupon["coupon_id"], coupon["title"], coupon["saves_fen"]) == (
        coupon_id,
        "十元券",
        1000,
    )
    assert (coupon["is_usable"], coupon["is_applied"]) == (True, True)


def test_a_choice_prices_it_anew_and_keeps_nothing(cart, show, price, sku, offers):
    saves, gives, _ = offers
    cart(sku, 2)

    chosen = price(coupon_ids=[], declined_promotion_ids=[saves.id, gives.id]).json

    assert chosen["quote"]["payable_fen"] == 10_000
    assert chosen["gifts"] == []
    (coupon,) = chosen["coupons"]
    assert (coupon["is_usable"], coupon["is_applied"]) == (True, False)
    assert show()["quote"]["payable_fen"] == 8500


def test_a_coupon_that_needs_more_says_how_much(session, cart, show, offers):
    cheap = make_sku(session, price_fen=3000)
    session.commit()
    cart(cheap)

    (coupon,) = show()["coupons"]

    assert not coupon["is_usable"]
    assert coupon["message"].startswith("还差 20 元")


def test_the_coupons_of_others_are_not_shown(session, client, offers, sku, as_stranger):
    body = {"sku_id": sku.id, "quantity": 2}
    client.post("/api/v1/cart/items", json=body, headers=as_stranger)

    shown = client.get("/api/v1/cart", headers=as_stranger).json

    assert shown["coupons"] == []
    assert shown["quote"]["payable_fen"] == 9500
