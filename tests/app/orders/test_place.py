"""Preview and place over HTTP: what an order costs, what it holds, and when it is refused."""

import pytest
from sqlalchemy import event, func, select, text

from app.carts.models import CartItem
from app.core.db import db
from app.orders import queries
from app.orders.models import Order
from tests.builders.catalogue import make_sku
from tests.builders.orders import make_order
from tests.builders.promotions import make_published

STATEMENTS_MAX = 12
"""Of a one-line order over HTTP, the guard's included; the queue's own statement comes on top."""
WITH_COUPON_MAX = 17
"""The same with a coupon: looked up, held, and a use of its template noted."""


@pytest.fixture
def statements(app):
    """The SQL sent since the last `clear()`."""
    sent: list[str] = []

    def note(connection, cursor, statement, *_):
        sent.append(statement)

    engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


class TestPreview:
    def test_shows_lines_freight_and_quote_and_writes_nothing(
        self, preview, body, sku, nothing_happened
    ):
        answer = preview({"lines": body["lines"], "address_id": body["address_id"]})

        assert answer.status_code == 200
        assert answer.json["quote"]["payable_fen"] == 11_000
        assert answer.json["quote"]["freight_fen"] == 1000
        assert answer.json["lines"][0]["payable_fen"] == 10_000
        assert answer.json["lines"][0]["title"] == "不锈钢保温杯"
        assert answer.json["address"]["phone"] == "13812345678"
        nothing_happened()

    def test_without_an_address_there_is_no_freight_yet(self, preview, body):
        answer = preview({"lines": body["lines"]})

        assert answer.json["quote"]["payable_fen"] == 10_000
        assert answer.json["address"] is None

    def test_reads_the_cart_and_leaves_it_alone(self, session, preview, client, sku, as_buyer):
        line = {"sku_id": sku.id, "quantity": 3}
        item = client.post("/api/v1/cart/items", json=line, headers=as_buyer).json

        answer = preview({"cart_item_ids": [item["id"]]})

        assert answer.json["lines"][0]["quantity"] == 3
        assert session.scalar(select(func.count()).select_from(CartItem)) == 1

    def test_refuses_lines_that_are_not_in_the_cart(self, preview, client, sku, as_stranger):
        line = {"sku_id": sku.id, "quantity": 3}
        item = client.post("/api/v1/cart/items", json=line, headers=as_stranger).json

        answer = preview({"cart_item_ids": [item["id"]]})

        assert (answer.status_code, answer.json["code"]) == (409, "cart_changed")

    def test_the_same_goods_in_any_order_make_the_same_quote(self, session, preview):
        first, second = make_sku(session, price_fen=1), make_sku(session, price_fen=77)
        session.commit()
        lines = [{"sku_id": sku.id, "quantity": 1} for sku in (first, second)]

        one, other = preview({"lines": lines}).json, preview({"lines": lines[::-1]}).json

        assert [line["sku_id"] for line in one["lines"]] == [first.id, second.id]
        assert one["lines"] == other["lines"]


class TestPlace:
    def test_holds_stock_and_keeps_what_was_bought(self, session, place, body, sku, breaches):
        answer = place(body | {"remark": " 请尽快发货 🙏 "})

        assert answer.status_code == 201, answer.json
        assert (answer.json["status"], answer.json["payable_fen"]) == ("unpaid", 11_000)
        session.refresh(sku)
        assert (sku.available, sku.held) == (8, 2)
        order = session.scalars(select(Order)).one()
        assert (order.items_fen, order.freight_fen, order.remark) == (10_000, 1000, "请尽快发货 🙏")
        assert (order.expires_at - order.placed_at).total_seconds() == 30 * 60
        assert breaches() == []

    def test_keeps_the_product_and_the_address_as_they_were(
        self, session, place, client, body, sku, buyer, as_buyer
    ):
        order_no = place(body).json["order_no"]
        session.execute(text("UPDATE spu SET title = '改名'"))
        sku.price_fen = 1
        session.execute(text("DELETE FROM member_address"))
        session.commit()

        shown = client.get(f"/api/v1/orders/{order_no}", headers=as_buyer).json

        assert shown["lines"][0]["title"] == "不锈钢保温杯"
        assert shown["lines"][0]["unit_price_fen"] == 5000
        assert shown["address"]["receiver"] == "王小明"
        assert shown["address"]["phone"] == "13812345678"

    def test_nothing_personal_is_readable_in_the_database(self, session, place, body):
        place(body)

        row = session.execute(text("SELECT shop_order::text FROM shop_order")).scalar_one()

        assert "13812345678" not in row
        assert b"13812345678".hex() not in row

    def test_takes_the_lines_out_of_the_cart(self, session, place, client, body, sku, as_buyer):
        other = make_sku(session)
        session.commit()
        items = [
            client.post(
                "/api/v1/cart/items", json={"sku_id": id_, "quantity": 2}, headers=as_buyer
            ).json
            for id_ in (sku.id, other.id)
        ]
        del body["lines"]

        answer = place(body | {"cart_item_ids": [items[0]["id"]]})

        assert answer.status_code == 201, answer.json
        assert session.scalars(select(CartItem.id)).all() == [items[1]["id"]]
        assert session.scalars(select(Order.origin)).one() == "cart"

    def test_a_cart_line_is_bought_once(self, session, place, client, body, sku, as_buyer):
        item = client.post(
            "/api/v1/cart/items", json={"sku_id": sku.id, "quantity": 2}, headers=as_buyer
        ).json
        del body["lines"]
        body["cart_item_ids"] = [item["id"]]

        place(body, key="first-key")
        again = place(body, key="second-key")

        assert (again.status_code, again.json["code"]) == (409, "cart_changed")
        assert session.scalar(select(func.count()).select_from(Order)) == 1

    def test_a_refused_order_leaves_the_cart_as_it_was(
        self, session, place, client, body, sku, as_buyer
    ):
        item = client.post(
            "/api/v1/cart/items", json={"sku_id": sku.id, "quantity": 2}, headers=as_buyer
        ).json
        del body["lines"]

        answer = place(body | {"cart_item_ids": [item["id"]], "expected_payable_fen": 1})

        assert answer.status_code == 409
        assert session.scalars(select(CartItem.id)).all() == [item["id"]]

    def test_the_same_key_again_gives_the_same_order(self, session, place, body):
        first, second = place(body), place(body)

        assert first.json == second.json
        assert second.headers["Idempotency-Replayed"] == "true"
        assert session.scalar(select(func.count()).select_from(Order)) == 1

    def test_the_same_key_for_another_body_is_refused(self, session, place, body):
        place(body)

        answer = place(body | {"remark": "另一单"})

        assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")
        assert session.scalar(select(func.count()).select_from(Order)) == 1

    def test_a_key_is_required(self, client, as_buyer, body, nothing_happened):
        answer = client.post("/api/v1/orders", json=body, headers=as_buyer)

        assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_missing")
        nothing_happened()

    def test_a_changed_price_is_refused_with_the_new_quote(
        self, session, place, body, sku, nothing_happened
    ):
        sku.price_fen = 5001
        session.commit()

        answer = place(body)

        assert (answer.status_code, answer.json["code"]) == (409, "price_changed")
        assert answer.json["quote"]["payable_fen"] == 11_002
        nothing_happened()
        assert place(body | {"expected_payable_fen": 11_002}).status_code == 201

    def test_promotions_are_held_with_the_order(self, session, place, body, now, breaches):
        promotion = make_published(
            session, steps=[(10_000, 1500)], max_uses=1, starts_at=now, now=now
        )
        session.commit()

        assert place(body).json["quote"]["payable_fen"] == 9500
        assert place(body | {"expected_payable_fen": 9500}).status_code == 201

        again = place(body | {"expected_payable_fen": 9500}, key="another-key")
        assert (again.status_code, again.json["code"]) == (409, "price_changed")
        (verdict,) = again.json["quote"]["trace"]
        assert (verdict["promotion_id"], verdict["code"]) == (promotion.id, "limit_reached")
        assert breaches() == []

    def test_an_order_that_costs_nothing_is_paid_at_once(
        self, session, place, body, sku, address_id, now, breaches
    ):
        free = make_sku(session, price_fen=100, available=5)
        make_published(session, steps=[(100, 100)], starts_at=now, now=now)
        session.commit()
        body["lines"] = [{"sku_id": free.id, "quantity": 1}]

        answer = place(body | {"expected_payable_fen": 0})

        assert (answer.status_code, answer.json["status"]) == (201, "paid")
        session.refresh(free)
        assert (free.available, free.held, free.sold) == (4, 0, 1)
        assert session.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 0
        assert breaches() == []

    def test_takes_few_statements(self, place, body, statements):
        place(body, key="warms-the-caches")
        statements.clear()

        assert place(body).status_code == 201

        assert len(statements) <= STATEMENTS_MAX, "\n".join(statements)

    def test_a_coupon_takes_few_more(self, place, body, coupon_id, statements):
        place(body | {"coupon_ids": []}, key="warms-the-caches")
        statements.clear()

        answer = place(body | {"expected_payable_fen": 10_000, "coupon_ids": [coupon_id]})

        assert answer.status_code == 201, answer.json
        assert len(statements) <= WITH_COUPON_MAX, "\n".join(statements)

    def test_the_bill_names_the_first_product(self, session, now):
        one = make_order(session, now=now)
        many = make_order(
            session,
            now=now,
            quantities={make_sku(session, title=title).id: 1 for title in ("青花瓷杯", "茶巾")},
        )

        assert queries.subject(session, order_id=one.id) == "不锈钢保温杯"
        assert queries.subject(session, order_id=many.id) == "青花瓷杯 等 2 种商品"
