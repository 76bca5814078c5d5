"""A deal prices a cart that names it, alone or with coupons; and no other cart."""

from dataclasses import replace
from datetime import timedelta

import pytest

from promotions.pricing import BadTerms, Cart, Code, Deal, HeldCoupon, Snapshot, price
from promotions.pricing.canon import canonical
from promotions.pricing.kinds import KINDS
from tests.builders.promotions import NOON, make_cart, make_line, make_promotion, spend_and_save

TERMS = {
    "flash_sale": {},
    "group_buy": {"team_size": 3, "team_minutes": 60},
}


def deal(promotion_id=9, kind="flash_sale", *, price_fen=1_000, more=None, **fields):
    prices = [{"sku_id": 1, "price_fen": price_fen}]
    rule = KINDS[kind].parse({"prices": prices, **TERMS[kind], **(more or {})})
    return make_promotion(promotion_id, rule, is_deal=True, **fields)


def coupon_template(promotion_id=5, off_fen=300):
    rule = KINDS["coupon_amount"].parse({"off_fen": off_fen})
    return make_promotion(promotion_id, rule, needs_coupon=True)


def bought(*promotions, named=9, quantity=2, as_opener=False, **more):
    cart = make_cart(
        make_line(fen=10_000, quantity=quantity),
        deal=None if named is None else Deal(promotion_id=named, as_opener=as_opener),
        **more,
    )
    return price(cart, Snapshot(1, promotions))


def said(quote, promotion_id):
    return [one.code for one in quote.trace if one.promotion_id == promotion_id]


@pytest.mark.parametrize("kind", TERMS)
def test_prices_every_piece_of_the_cart_that_names_it(kind):
    quote = bought(deal(kind=kind))

    assert quote.payable_fen == 2 * 1_000
    assert quote.adjustments[0].units == {1: 2}


def test_is_no_candidate_for_a_cart_that_does_not_name_it():
    quote = bought(deal(), named=None)

    assert quote.payable_fen == 2 * 10_000
    assert not quote.trace


def test_keeps_everything_else_out_even_what_would_save_more():
    other = make_promotion(2, spend_and_save((100, 100)), tags=frozenset("a"))
    cheaper = make_promotion(3, KINDS["limited_time"].parse({"off_bp": 9_999}))

    quote = bought(deal(), other, cheaper)

    assert quote.payable_fen == 2 * 1_000
    assert {one.promotion_id for one in quote.trace} == {9}


def test_coupons_price_it_only_if_its_terms_allow_them():
    coupon = HeldCoupon(
        coupon_id=1, promotion_id=5, starts_at=NOON, ends_at=NOON + timedelta(days=1)
    )

    without = bought(deal(), coupon_template(), coupons=(coupon,))
    with_them = bought(deal(with_coupons=True), coupon_template(), coupons=(coupon,))

    assert without.payable_fen == 2_000
    assert with_them.payable_fen == 1_700
    assert [one.coupon_id for one in with_them.adjustments] == [None, 1]


@pytest.mark.parametrize("named", [8, 2], ids=["nothing", "no deal"])
def test_a_cart_that_names_what_is_no_deal_is_priced_by_nothing(named):
    quote = bought(deal(), make_promotion(2, spend_and_save((100, 100))), named=named)

    assert quote.payable_fen == 20_000
    assert not quote.trace


def test_one_that_is_not_running_prices_nothing():
    quote = bought(deal(starts_at=NOON + timedelta(seconds=1)))

    assert quote.payable_fen == 20_000
    assert not quote.trace


def test_more_pieces_than_an_order_may_have_are_refused():
    quote = bought(deal(more={"max_units_per_order": 1}))

    assert [(one.promotion_id, one.most) for one in quote.refusals] == [(9, 1)]


def test_a_price_that_is_none_saves_nothing():
    quote = bought(deal(price_fen=10_000))

    assert said(quote, 9) == [Code.NO_EFFECT]


def test_who_opens_a_team_pays_the_openers_price():
    group = deal(kind="group_buy", more={"opener_prices": [{"sku_id": 1, "price_fen": 700}]})

    assert bought(group, as_opener=True).payable_fen == 1_400
    assert bought(group, as_opener=False).payable_fen == 2_000


def test_coming_and_ordinary_pages_do_not_show_it():
    coming = deal(starts_at=NOON + timedelta(hours=1))

    assert Snapshot(1, [coming]).coming((make_line(),), NOON) == []


class TestTerms:
    @pytest.mark.parametrize(
        ("kind", "more", "field"),
        [
            ("flash_sale", {"prices": []}, "prices"),
            ("flash_sale", {"prices": [{"sku_id": 1, "price_fen": 1}] * 2}, "prices"),
            ("group_buy", {"opener_prices": []}, "opener_prices"),
            ("group_buy", {"opener_prices": [{"sku_id": 2, "price_fen": 1}]}, "opener_prices"),
        ],
    )
    def test_that_contradict_themselves_are_refused(self, kind, more, field):
        with pytest.raises(BadTerms) as refused:
            deal(kind=kind, more=more)

        assert refused.value.field == field

    @pytest.mark.parametrize(
        ("kind", "more"),
        [
            ("flash_sale", {"pay_minutes": 0}),
            ("flash_sale", {"pay_minutes": 61}),
            ("flash_sale", {"max_units_per_order": 0}),
            ("flash_sale", {"warm_up_minutes": -1}),
            ("group_buy", {"team_size": 1}),
            ("group_buy", {"team_size": 101}),
            ("group_buy", {"team_minutes": 0}),
        ],
    )
    def test_out_of_range_are_refused(self, kind, more):
        with pytest.raises(ValueError, match=" is "):
            deal(kind=kind, more=more)


class TestJson:
    def test_a_cart_with_a_deal_is_read_as_it_was_written(self):
        cart = make_cart(deal=Deal(promotion_id=9, as_opener=True))

        assert Cart.from_json(cart.to_json()) == cart

    def test_a_cart_without_one_keeps_the_bytes_it_always_had(self):
        cart = make_cart()

        assert b'"deal"' not in canonical(cart.to_json())
        assert Cart.from_json(cart.to_json()) == cart

    def test_another_deal_is_another_quote(self):
        quotes = [bought(deal(), named=named) for named in (9, None)]

        assert quotes[0].input_digest != quotes[1].input_digest

    def test_deals_do_not_disturb_each_other(self):
        both = bought(deal(), deal(8, price_fen=500))

        assert both.payable_fen == 2_000
        assert replace(both, snapshot_version=1).payable_fen == bought(deal()).payable_fen
