"""The labels of every kind of promotion, as shops write them."""

from typing import Any

import pytest

from app.marketing.badges import badge
from promotions.pricing import KINDS
from tests.builders.promotions import make_promotion

CUP = {"sku_id": 1, "quantity": 1, "value_fen": 500}
BAG = {**CUP, "sku_id": 2}
PRICES = [{"sku_id": 1, "price_fen": 990}, {"sku_id": 2, "price_fen": 1_990}]

LABELS: list[tuple[str, dict[str, Any], str]] = [
    ("limited_time", {"off_bp": 2_000}, "限时8折"),
    ("limited_time", {"off_bp": 10_000}, "限时免单"),
    ("limited_time", {"off_fen": 1_000}, "限时立减10元"),
    ("limited_time", {"prices": PRICES[:1]}, "限时9.9元"),
    ("limited_time", {"prices": PRICES, "max_units_per_order": 2}, "限时9.9元起（每单限2件）"),
    ("spend_and_save", {"tiers": [{"threshold": 10_000, "off_fen": 1_000}]}, "满100减10"),
    (
        "spend_and_save",
        {
            "tiers": [
                {"threshold": 9_900, "free_freight": True},
                {"threshold": 19_900, "off_bp": 1_500, "off_max_fen": 3_000, "free_freight": True},
            ]
        },
        "满99包邮；满199打8.5折（最高减30）包邮",
    ),
    (
        "spend_and_save",
        {"measure": "pieces", "tiers": [{"threshold": 3, "price_fen": 5_900}]},
        "满3件59元",
    ),
    (
        "spend_and_save",
        {"measure": "pieces", "tiers": [{"threshold": 2, "off_fen": 500}], "max_times": 3},
        "每满2件减5（最多3次）",
    ),
    ("spend_and_gift", {"tiers": [{"threshold": 19_900, "gifts": [CUP]}]}, "满199送赠品"),
    (
        "spend_and_gift",
        {
            "measure": "pieces",
            "tiers": [
                {"threshold": 2, "points": 100, "coupons": [{"promotion_id": 7, "count": 1}]},
                {"threshold": 3, "gifts": [CUP, BAG], "choose": 1},
            ],
        },
        "满2件送100积分、优惠券；满3件送赠品2选1",
    ),
    (
        "spend_and_gift",
        {"tiers": [{"threshold": 10_000, "points": 100}], "max_times": 3},
        "每满100送100积分（最多3次）",
    ),
    ("nth_piece", {"nth": 2, "off_bp": 5_000}, "第2件半价"),
    ("nth_piece", {"nth": 3, "off_bp": 10_000}, "第3件免费"),
    ("nth_piece", {"nth": 2, "off_bp": 3_000}, "第2件7折"),
    ("bundle", {"parts": [{"sku_id": 1, "quantity": 2}], "price_fen": 19_900}, "组合价199元"),
    ("buy_x_get_y", {"buy": 2, "get": 1}, "买2送1"),
    ("buy_x_get_y", {"buy": 2, "get": 1, "off_bp": 5_000}, "买2件，另1件半价"),
    ("coupon_amount", {"threshold_fen": 20_000, "off_fen": 3_000}, "满200减30"),
    ("coupon_amount", {"off_fen": 3_000}, "无门槛减30"),
    ("coupon_percent", {"off_bp": 2_000, "max_off_fen": 3_000}, "无门槛打8折（最高减30）"),
    ("coupon_percent", {"threshold_fen": 10_000, "off_bp": 1_000}, "满100打9折"),
    ("coupon_freight", {"threshold_fen": 9_900}, "满99包邮"),
    ("coupon_freight", {"off_fen": 800}, "无门槛运费减8"),
    ("coupon_exchange", {"sku_id": 1}, "免费兑换1件"),
    ("coupon_price", {"prices": PRICES}, "新人价9.9元起"),
    ("flash_sale", {"prices": PRICES}, "秒杀9.9元起"),
    ("flash_sale", {"prices": PRICES[:1], "pay_minutes": 3, "warm_up_minutes": 9}, "秒杀9.9元"),
    (
        "group_buy",
        {"prices": PRICES[:1], "team_size": 3, "team_minutes": 60, "opener_prices": PRICES[:1]},
        "3人团9.9元",
    ),
    (
        "bulk_buy",
        {
            "prices": PRICES[:1],
            "tiers": [{"pieces": 9, "prices": [{"sku_id": 1, "price_fen": 590}]}],
        },
        "团购低至5.9元",
    ),
    ("bulk_buy", {"prices": PRICES, "min_pieces": 20}, "团购9.9元起（满20件成团）"),
]


@pytest.mark.parametrize(("kind", "terms", "label"), LABELS)
def test_a_badge_says_the_terms(kind, terms, label):
    assert badge(make_promotion(rule=KINDS[kind].parse(terms))) == label


def test_every_kind_has_a_badge_of_its_own():
    assert {kind for kind, _, _ in LABELS} == set(KINDS)
