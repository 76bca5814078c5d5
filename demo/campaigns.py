"""
The campaigns of the demonstration shop, set up through the admin API as its merchant would.

All of them accept the tag `shop`, so they stack; coupons are one group, of which one is used.
"""

from collections.abc import Callable
from typing import Any

from demo.client import Client

STARTS_AT = "2026-01-01T00:00:00+08:00"
STACKS: dict[str, Any] = {"tags": ["shop"], "agrees_with": ["shop"], "starts_at": STARTS_AT}
COUPON: dict[str, Any] = {**STACKS, "group": "coupons"}

SAVE_TIERS = ((19900, 2000), (39900, 5000), (69900, 10000))
"""Threshold and what it saves, in fen."""
TEA, CLEANSER, BOX, SOAP = "正山小种红茶", "氨基酸洁面乳", "桌面收纳盒", "手工冷制皂"
TEA_OFF_BP, CLEANSER_OFF_BP = 2000, 5000
SOAP_FROM_FEN, SOAP_VALUE_FEN, SOAP_POINTS = 19900, 3200, 100
WELCOME_FROM_FEN, WELCOME_OFF_FEN, WELCOME_POINTS = 15000, 3000, 200
BOX_FIRST_FEN = 990
PACK_TITLE = "新人礼包"

Goods = dict[str, dict[str, Any]]
"""Title → the product as its page shows it."""


def save(_: Goods) -> dict[str, Any]:
    """满199减20, 满399减50, 满699减100."""
    tiers = [{"threshold": threshold, "off_fen": off} for threshold, off in SAVE_TIERS]
    return {**STACKS, "kind": "spend_and_save", "title": "全场满减", "terms": {"tiers": tiers}}


def tea(goods: Goods) -> dict[str, Any]:
    """8折, at most three pieces an order; more are sold at the normal price."""
    return {
        **STACKS,
        "kind": "limited_time",
        "title": "红茶限时8折",
        "terms": {"off_bp": TEA_OFF_BP, "max_units_per_order": 3},
        "includes": {"spu_ids": [goods[TEA]["id"]]},
    }


def cleanser(goods: Goods) -> dict[str, Any]:
    """第二件半价."""
    return {
        **STACKS,
        "kind": "nth_piece",
        "title": "洁面第二件半价",
        "terms": {"nth": 2, "off_bp": CLEANSER_OFF_BP},
        "includes": {"spu_ids": [goods[CLEANSER]["id"]]},
    }


def soap(goods: Goods) -> dict[str, Any]:
    """满199送手工皂一块和100积分."""
    sku_id = _sku(goods, SOAP)
    gift = {"sku_id": sku_id, "quantity": 1, "value_fen": SOAP_VALUE_FEN}
    tier = {"threshold": SOAP_FROM_FEN, "gifts": [gift], "points": SOAP_POINTS}
    return {
        **STACKS,
        "kind": "spend_and_gift",
        "title": "满199送手工皂",
        "terms": {"tiers": [tier]},
        "gift_stock": [{"sku_id": sku_id, "total": 100_000}],
    }


def hundred(_: Goods) -> dict[str, Any]:
    """满100减15, for everybody to claim."""
    return {
        **COUPON,
        "kind": "coupon_amount",
        "title": "满100减15券",
        "terms": {"threshold_fen": 10000, "off_fen": 1500},
        "issue": {"valid_days": 30, "member_max": 1},
    }


def welcome(_: Goods) -> dict[str, Any]:
    """满150减30, which only the pack gives."""
    return {
        **COUPON,
        "kind": "coupon_amount",
        "title": "新人满150减30券",
        "terms": {"threshold_fen": WELCOME_FROM_FEN, "off_fen": WELCOME_OFF_FEN},
        "issue": {"valid_days": 7, "is_claimable": False},
    }


def first_order(goods: Goods) -> dict[str, Any]:
    """收纳盒首单9.9元, which only the pack gives, and only for who has never paid."""
    price = {"sku_id": _sku(goods, BOX), "price_fen": BOX_FIRST_FEN}
    return {
        **STACKS,
        "kind": "coupon_price",
        "title": "收纳盒首单价",
        "terms": {"prices": [price]},
        "audience": {"is_new": True},
        "issue": {"valid_days": 7, "is_claimable": False},
    }


CAMPAIGNS: tuple[Callable[[Goods], dict[str, Any]], ...] = (
    save, tea, cleanser, soap, hundred, welcome, first_order,
)  # fmt: skip


def publish(merchant: Client, goods: Goods) -> None:
    """Set up and publish what is not there yet: campaigns, and the pack that gives from them."""
    known = {each["title"]: each["id"] for each in merchant.get("/promotions", limit=100)["items"]}
    for campaign in CAMPAIGNS:
        body = campaign(goods)
        if body["title"] not in known:
            known[body["title"]] = merchant.post("/promotions", **body)["id"]
            merchant.post(f"/promotions/{known[body['title']]}/publish")
    if PACK_TITLE not in {each["title"] for each in merchant.get("/packs")["items"]}:
        given = [known[body(goods)["title"]] for body in (welcome, first_order)]
        pack = merchant.post("/packs", **_pack(given))
        merchant.post(f"/packs/{pack['id']}/publish")


def _pack(template_ids: list[int]) -> dict[str, Any]:
    coupons, first = template_ids
    return {
        "title": PACK_TITLE,
        "eligibility": "never_registered",
        "starts_at": STARTS_AT,
        "claim_days": 7,
        "parts": [
            {"kind": "coupon", "promotion_id": coupons},
            {"kind": "first_order_price", "promotion_id": first},
            {"kind": "points", "points": WELCOME_POINTS},
        ],
    }


def _sku(goods: Goods, title: str) -> int:
    return int(goods[title]["skus"][0]["id"])
