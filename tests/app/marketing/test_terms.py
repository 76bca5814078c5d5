"""The terms of each kind as staff send them: what is complete is taken, what is not is refused."""

from typing import Any

import marshmallow as ma
import pytest

from app.marketing.terms import TERMS, terms_field
from promotions import pricing
from tests.app.marketing.test_badges import LABELS

GOOD: dict[str, dict[str, Any]] = {kind: terms for kind, terms, _ in LABELS}


class Sent(ma.Schema):
    kind = ma.fields.String()
    terms = terms_field()


def errors_of(kind: str, terms: Any) -> dict[str, Any]:
    return Sent().validate({"kind": kind, "terms": terms})


def test_every_kind_has_a_schema():
    assert set(TERMS) == set(pricing.KINDS) == set(GOOD)


@pytest.mark.parametrize(("kind", "terms"), [(kind, terms) for kind, terms, _ in LABELS])
def test_what_a_schema_takes_the_rule_can_read(kind, terms):
    loaded = Sent().load({"kind": kind, "terms": terms})["terms"]

    rule = pricing.KINDS[kind].parse(loaded)

    assert rule == pricing.KINDS[kind].parse(terms)
    again = Sent().load({"kind": kind, "terms": rule.to_json()})["terms"]
    assert pricing.KINDS[kind].parse(again) == rule


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_unknown_fields_are_refused(kind):
    assert errors_of(kind, {**GOOD[kind], "surprise": 1}) == {"terms": {"surprise": ["未知字段"]}}


@pytest.mark.parametrize("kind", sorted(GOOD))
@pytest.mark.parametrize("wrong", [-1, 2**70, 1.5, "9", True, [], {"a": 1}])
def test_no_number_is_taken_that_is_none_or_out_of_range(kind, wrong):
    for field in GOOD[kind]:
        if isinstance(GOOD[kind][field], int):
            assert errors_of(kind, {**GOOD[kind], field: wrong}), field


REQUIRED = {
    "spend_and_save": {"tiers"},
    "spend_and_gift": {"tiers"},
    "nth_piece": {"nth", "off_bp"},
    "bundle": {"parts", "price_fen"},
    "buy_x_get_y": {"buy", "get"},
    "coupon_amount": {"off_fen"},
    "coupon_percent": {"off_bp"},
    "coupon_exchange": {"sku_id"},
    "coupon_price": {"prices"},
    "flash_sale": {"prices"},
    "group_buy": {"prices", "team_size", "team_minutes"},
    "bulk_buy": {"prices"},
}


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_what_is_missing_is_named(kind):
    missing = errors_of(kind, {}).get("terms", {})

    assert set(missing) == REQUIRED.get(kind, set())


PRICE = {"sku_id": 1, "price_fen": 1}


@pytest.mark.parametrize(
    ("kind", "terms"),
    [
        ("limited_time", {"prices": [PRICE] * 2_001}),
        ("limited_time", {"prices": [{"sku_id": 1}]}),
        ("limited_time", {"off_bp": 1, "over_limit": "sell"}),
        ("limited_time", {"off_bp": 1, "max_units_per_order": 0}),
        ("spend_and_save", {"tiers": []}),
        ("spend_and_save", {"tiers": [{"threshold": 1, "off_fen": 1}] * 11}),
        ("spend_and_save", {"tiers": [{"threshold": 0, "off_fen": 1}]}),
        ("spend_and_save", {"tiers": [{"threshold": 1, "free_freight": 1}]}),
        ("spend_and_save", {"measure": "kilos", "tiers": [{"threshold": 1, "off_fen": 1}]}),
        ("spend_and_gift", {"tiers": [{"threshold": 1, "gifts": [{"sku_id": 1}]}]}),
        ("spend_and_gift", {"tiers": [{"threshold": 1, "points": 1_000_001}]}),
        ("spend_and_gift", {"tiers": [{"threshold": 1, "coupons": [{"count": 1}]}]}),
        ("nth_piece", {"nth": 1, "off_bp": 1}),
        ("nth_piece", {"nth": 2, "off_bp": 0}),
        ("nth_piece", {"nth": 2, "off_bp": 1, "per": "order"}),
        ("bundle", {"parts": [], "price_fen": 1}),
        ("bundle", {"parts": [{"sku_id": 1}] * 21, "price_fen": 1}),
        ("buy_x_get_y", {"buy": 1, "get": 1, "get_sku_ids": [0]}),
        ("coupon_amount", {"off_fen": 0}),
        ("coupon_percent", {"off_bp": 10_001}),
        ("coupon_freight", {"off_fen": 0}),
        ("coupon_exchange", {"sku_id": 0}),
        ("coupon_price", {"prices": []}),
        ("flash_sale", {"prices": [PRICE], "pay_minutes": 61}),
        ("flash_sale", {"prices": [PRICE], "warm_up_minutes": 10_081}),
        ("group_buy", {"prices": [PRICE], "team_size": 101, "team_minutes": 60}),
        ("group_buy", {"prices": [PRICE], "team_size": 2, "team_minutes": 43_201}),
        ("bulk_buy", {"prices": [PRICE], "min_pieces": 1}),
        ("bulk_buy", {"prices": [PRICE], "tiers": [{"pieces": 0, "prices": [PRICE]}]}),
        ("bulk_buy", {"prices": [PRICE], "tiers": [{"pieces": 2, "prices": []}]}),
    ],
)
def test_what_is_out_of_range_is_refused(kind, terms):
    assert set(errors_of(kind, terms)) == {"terms"}


class TestOverHttp:
    PATH = "/admin/v1/promotions"

    @pytest.mark.parametrize("kind", [one for one in sorted(GOOD) if not one.startswith("coupon_")])
    def test_each_kind_is_drafted_and_shown_again(self, client, staff, body, kind):
        stock = [{"sku_id": each["sku_id"], "total": 5} for each in GOOD[kind].get("prices", ())]
        sent = {**body, "kind": kind, "terms": GOOD[kind]}
        if kind == "flash_sale":
            sent["stock"] = stock

        made = client.post(self.PATH, json=sent, headers=staff)

        assert made.status_code == 201, made.json
        assert made.json["terms"] == pricing.KINDS[kind].parse(GOOD[kind]).to_json()

    @pytest.mark.parametrize(
        ("kind", "terms", "field"),
        [
            ("limited_time", {}, "terms.prices"),
            ("bundle", {"parts": [{"sku_id": 1}], "price_fen": 1}, "terms.parts"),
            ("buy_x_get_y", {"buy": 1, "get": 1, "get_sku_ids": [1, 1]}, "terms.get_sku_ids"),
            ("nth_piece", {"nth": 2}, "terms.off_bp"),
        ],
    )
    def test_what_is_wrong_is_refused_with_its_path(self, client, staff, body, kind, terms, field):
        answer = client.post(self.PATH, json={**body, "kind": kind, "terms": terms}, headers=staff)

        assert answer.status_code == 422
        assert set(answer.json["errors"]) == {field}
