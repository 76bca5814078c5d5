"""Carts over HTTP: what the member is shown, and what goes in."""

import pytest
from sqlalchemy import insert, select

from app.carts.models import LINES_MAX, CartItem
from app.catalogue.models import Spu, SpuStatus
from tests.builders.catalogue import make_sku, make_spu
from tests.builders.promotions import make_published

HUGE = 10**30
BAD_QUANTITIES = [0, -1, 1000, HUGE, 1.0, 1.5, "1", True, None, [], {}]


class TestShow:
    def test_an_empty_cart_has_no_quote(self, show):
        nothing = {"coupons": [], "gifts": [], "gift_options": [], "nudges": []}
        assert show() == {"lines": [], "invalid_lines": [], "quote": None, **nothing}

    def test_the_total_is_the_quote_of_what_is_selected(
        self, session, client, cart, show, as_buyer
    ):
        cheap, dear = make_sku(session, price_fen=300), make_sku(session, price_fen=70_000)
        session.commit()
        cart(cheap, 3)
        left_out = cart(dear)
        body = {"item_ids": [left_out["id"]], "is_selected": False}
        client.post("/api/v1/cart/select", json=body, headers=as_buyer)

        shown = show()

        assert [line["sku_id"] for line in shown["lines"]] == [dear.id, cheap.id]
        assert shown["quote"]["payable_fen"] == 900
        assert shown["quote"]["freight_fen"] == 0

    def test_promotions_are_applied_and_the_next_step_is_a_nudge(
        self, session, cart, show, sku, now
    ):
        make_published(session, steps=[(10_000, 1000), (20_000, 3000)], starts_at=now, now=now)
        session.commit()
        cart(sku, 2)

        quote = show()["quote"]

        assert quote["payable_fen"] == 9000
        assert quote["adjustments"][0]["amount_fen"] == 1000
        assert quote["trace"][0]["shortfall"]["gap"] == 10_000
        assert "再买 100 元" in quote["trace"][0]["message"]

    def test_nothing_selected_costs_nothing(self, client, cart, show, sku, as_buyer):
        cart(sku)
        client.post("/api/v1/cart/select", json={"is_selected": False}, headers=as_buyer)

        assert show()["quote"] is None

    def test_lines_that_cannot_be_bought_say_why_and_are_not_in_the_price(
        self, session, cart, show
    ):
        fine = make_sku(session, price_fen=100)
        off = make_sku(session)
        dropped = make_sku(session, spu=make_spu(session))
        sold_out, short = make_sku(session), make_sku(session, available=3)
        session.commit()
        for sku in (fine, off, dropped, sold_out):
            cart(sku)
        cart(short, 3)
        session.get(Spu, off.spu_id).status = SpuStatus.OFF_SHELF
        dropped.is_active = False
        sold_out.available, short.available = 0, 2
        session.commit()

        shown = show()

        assert [line["sku_id"] for line in shown["lines"]] == [fine.id]
        assert [(line["reason"], line["message"]) for line in shown["invalid_lines"]] == [
            ("short", "库存不足，仅剩 2 件"),
            ("sold_out", "已售罄"),
            ("off_shelf", "商品已下架"),
            ("off_shelf", "商品已下架"),
        ]
        assert shown["quote"]["payable_fen"] == 100

    def test_others_do_not_see_it(self, client, cart, sku, as_stranger):
        cart(sku)

        assert client.get("/api/v1/cart", headers=as_stranger).json["lines"] == []


class TestAdd:
    def test_the_same_sku_is_one_line(self, cart, show, sku):
        first, second = cart(sku, 2), cart(sku, 3)

        assert first["id"] == second["id"]
        assert [line["quantity"] for line in show()["lines"]] == [5]

    def test_adding_selects_the_line(self, client, cart, sku, as_buyer):
        cart(sku)
        client.post("/api/v1/cart/select", json={"is_selected": False}, headers=as_buyer)

        assert cart(sku)["is_selected"] is True

    @pytest.mark.parametrize("quantity", BAD_QUANTITIES)
    def test_refuses_bad_quantities(self, client, show, sku, as_buyer, quantity):
        body = {"sku_id": sku.id, "quantity": quantity}
        answer = client.post("/api/v1/cart/items", json=body, headers=as_buyer)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
        assert "quantity" in answer.json["errors"]
        assert show()["lines"] == []

    @pytest.mark.parametrize("sku_id", [0, -1, HUGE, 1.0, "1", True, None])
    def test_refuses_bad_sku_ids(self, client, as_buyer, sku_id):
        body = {"sku_id": sku_id, "quantity": 1}
        answer = client.post("/api/v1/cart/items", json=body, headers=as_buyer)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")

    def test_refuses_unknown_fields(self, client, show, sku, as_buyer):
        body = {"sku_id": sku.id, "quantity": 1, "price_fen": 1}
        answer = client.post("/api/v1/cart/items", json=body, headers=as_buyer)

        assert answer.status_code == 422
        assert show()["lines"] == []

    def test_refuses_a_sku_that_is_unknown_or_off_the_shelf(self, session, client, as_buyer):
        off = make_sku(session, status=SpuStatus.OFF_SHELF)
        session.commit()

        for sku_id in (off.id, 2**62):
            body = {"sku_id": sku_id, "quantity": 1}
            answer = client.post("/api/v1/cart/items", json=body, headers=as_buyer)
            assert (answer.status_code, answer.json["code"]) == (409, "sku_not_for_sale")
            assert answer.json["sku_id"] == sku_id

    def test_refuses_more_than_there_are_together_with_what_is_in_it(
        self, client, cart, show, sku, as_buyer
    ):
        cart(sku, 8)

        body = {"sku_id": sku.id, "quantity": 3}
        answer = client.post("/api/v1/cart/items", json=body, headers=as_buyer)

        assert (answer.status_code, answer.json["code"]) == (409, "out_of_stock")
        assert answer.json["available"] == 10
        assert show()["lines"][0]["quantity"] == 8

    def test_refuses_more_than_999_pieces_of_one_sku(self, session, client, cart, as_buyer):
        plenty = make_sku(session, available=5000)
        session.commit()
        cart(plenty, 999)

        body = {"sku_id": plenty.id, "quantity": 1}
        answer = client.post("/api/v1/cart/items", json=body, headers=as_buyer)

        assert (answer.status_code, answer.json["code"]) == (409, "too_many_pieces")

    def test_holds_at_most_120_lines(self, session, client, cart, sku, buyer, as_buyer, now):
        spu = make_spu(session)
        skus = [make_sku(session, spu=spu) for _ in range(LINES_MAX)]
        rows = [
            {
                "member_id": buyer.id,
                "sku_id": each.id,
                "quantity": 1,
                "is_selected": True,
                "created_at": now,
                "updated_at": now,
            }
            for each in skus
        ]
        session.execute(insert(CartItem), rows)
        session.commit()

        body = {"sku_id": sku.id, "quantity": 1}
        answer = client.post("/api/v1/cart/items", json=body, headers=as_buyer)

        assert (answer.status_code, answer.json["code"]) == (409, "cart_full")
        assert cart(skus[0])["quantity"] == 2


def test_a_cart_knows_no_strangers(session, client, sku):
    for method, path in (
        ("GET", "/api/v1/cart"),
        ("POST", "/api/v1/cart/items"),
        ("PATCH", "/api/v1/cart/items/1"),
        ("DELETE", "/api/v1/cart/items/1"),
        ("POST", "/api/v1/cart/select"),
        ("POST", "/api/v1/cart/remove"),
    ):
        answer = client.open(path, method=method, json={"sku_id": sku.id, "quantity": 1})
        assert (answer.status_code, answer.json["code"]) == (401, "unauthorized")
    assert session.scalars(select(CartItem)).all() == []
