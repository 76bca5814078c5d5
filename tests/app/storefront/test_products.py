"""Lists and product pages: what a visitor sees of goods."""

from contextlib import contextmanager

import pytest
from marshmallow import RAISE
from sqlalchemy import event

from app.catalogue.models import SpuStatus
from app.core.db import db
from app.core.http import page_of
from app.storefront import schemas
from tests.builders.catalogue import (
    make_brand,
    make_category,
    make_freight_template,
    make_sku,
    make_spu,
)


@contextmanager
def counted_statements(app):
    """The statements that reach the database meanwhile."""
    seen = []

    def note(connection, cursor, statement, *_):
        seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


class TestList:
    def test_shows_what_a_shopper_needs_and_fits_its_schema(self, client, session):
        spu = make_spu(session, title="保温杯", subtitle="礼盒", tags=["新品"], sales_count=7)
        make_sku(session, spu=spu, price_fen=5900, market_price_fen=8900, available=0)
        make_sku(session, spu=spu, price_fen=6900, available=0)
        session.commit()

        response = client.get("/api/v1/products")

        assert response.status_code == 200
        assert response.json == {
            "items": [
                {
                    "id": spu.id,
                    "title": "保温杯",
                    "subtitle": "礼盒",
                    "image_url": "https://img.example.com/cup.jpg",
                    "tags": ["新品"],
                    "min_price_fen": 5900,
                    "max_price_fen": 6900,
                    "crossed_out_fen": 8900,
                    "price_fen": 5900,
                    "promoted_price_fen": 5900,
                    "badges": [],
                    "flash_sale": None,
                    "sales_count": 7,
                    "is_sold_out": True,
                }
            ],
            "next_cursor": None,
        }
        page_of(schemas.ProductCardOut)(unknown=RAISE).load(response.json)

    @pytest.mark.parametrize(
        "query",
        [
            "cursor=nonsense",
            "cursor=WyJzYWxlcyIsMSwxXQ",  # One of the order by sales.
            "sort=new&cursor=WyJuZXciLDkyMjMzNzIwMzY4NTQ3NzU4MDcsMV0",  # Beyond all calendars.
            "sort=random",
            "limit=0",
            "limit=51",
            "limit=many",
            "category_id=0",
            "category_id=99999999999999999999",
            "colour=red",
            "q=%00",
            f"q={'长' * 51}",
        ],
    )
    def test_refuses_a_query_it_does_not_understand(self, client, query):
        response = client.get(f"/api/v1/products?{query}")

        assert response.status_code == 422
        assert response.json["code"] == "invalid_fields"

    def test_finds_nothing_in_words_without_a_letter(self, client, session):
        make_sku(session)
        session.commit()

        assert client.get("/api/v1/products?q=😀").json == {"items": [], "next_cursor": None}
        assert len(client.get("/api/v1/products?q=%20").json["items"]) == 1


class TestProduct:
    def test_shows_everything_and_fits_its_schema(self, client, session):
        category = make_category(session, name="杯壶", parent=make_category(session, name="家居"))
        brand = make_brand(session, name="山川")
        template = make_freight_template(session, rules=[{"free_over_fen": 9900}])
        spec = [{"name": "颜色", "values": ["红", "蓝"]}, {"name": "容量", "values": ["500ml"]}]
        spu = make_spu(
            session, category=category, brand=brand, freight_template=template, spec=spec
        )
        red = make_sku(
            session, spu=spu, spec_values=["红", "500ml"], price_fen=5900, market_price_fen=8900
        )
        make_sku(session, spu=spu, spec_values=["蓝", "500ml"], is_active=False)
        session.commit()

        response = client.get(f"/api/v1/products/{spu.id}")

        assert response.status_code == 200
        schemas.ProductOut(unknown=RAISE).load(response.json)
        assert response.json["spec"] == spec
        assert [each["name"] for each in response.json["categories"]] == ["家居", "杯壶"]
        assert response.json["brand"] == {"id": brand.id, "name": "山川", "logo_url": None}
        assert response.json["freight"] == {"first_fen": 800, "free_over_fen": 9900}
        assert response.json["skus"] == [
            {
                "id": red.id,
                "spec_values": ["红", "500ml"],
                "spec_text": "红 / 500ml",
                "price_fen": 5900,
                "promoted_price_fen": 5900,
                "promotion_id": None,
                "crossed_out_fen": 8900,
                "weight_g": 350,
                "image_url": None,
                "available": 10,
            }
        ]

    def test_ships_free_without_a_template_and_may_have_no_brand(self, client, session):
        sku = make_sku(session)
        session.commit()

        page = client.get(f"/api/v1/products/{sku.spu_id}").json

        assert page["freight"] is None
        assert page["brand"] is None

    def test_without_any_sku_on_offer_is_still_a_page(self, client, session):
        sku = make_sku(session, is_active=False)
        session.commit()

        assert client.get(f"/api/v1/products/{sku.spu_id}").json["skus"] == []

    @pytest.mark.parametrize("status", [SpuStatus.DRAFT, SpuStatus.OFF_SHELF])
    def test_off_the_shelf_is_not_found(self, client, session, status):
        sku = make_sku(session, status=status)
        session.commit()

        response = client.get(f"/api/v1/products/{sku.spu_id}")

        assert response.status_code == 404
        assert response.json["code"] == "spu_not_found"


class TestCategories:
    def test_the_tree_is_sorted_and_ends_at_hidden_nodes(self, client, session):
        home = make_category(session, name="家居")
        make_category(session, name="美食", sort=9)
        cups = make_category(session, name="杯壶", parent=home)
        hidden = make_category(session, name="库存", parent=home, is_visible=False)
        make_category(session, name="旧款", parent=hidden)
        session.commit()

        response = client.get("/api/v1/categories")

        schemas.CategoryTreeOut(unknown=RAISE).load(response.json)
        assert [each["name"] for each in response.json["items"]] == ["美食", "家居"]
        assert response.json["items"][1]["children"] == [
            {"id": cups.id, "name": "杯壶", "image_url": None, "children": []}
        ]


def test_every_page_is_one_statement_however_many_rows(app, client, session, followed):
    template = make_freight_template(session, rules=[{}, {"region_prefix": "65"}])
    spu = make_spu(session, freight_template=template, brand=make_brand(session))
    paths = ("/products?q=保温", f"/products?category_id={spu.category_id}", "/categories")

    def statements(path):
        with counted_statements(app) as seen:
            assert client.get(f"/api/v1{path}").status_code == 200
        return len(seen)

    for rows in (1, 20):
        for _ in range(rows):
            make_sku(session, spu=spu)
            make_sku(session, category=make_category(session, name="保温"))
        session.commit()
        assert [statements(path) for path in (*paths, f"/products/{spu.id}")] == [1, 1, 1, 1]


def test_limited_promotions_cost_one_statement_and_their_countdown_one_more(
    app, client, session, followed, publish
):
    spu = make_spu(session)
    make_sku(session, spu=spu)
    for number in range(10):
        publish(max_uses=5, steps=[(10_000, number + 1)])
    followed()

    with counted_statements(app) as seen:
        client.get("/api/v1/products")
    assert len(seen) == 2
    with counted_statements(app) as seen:
        client.get(f"/api/v1/products/{spu.id}")
    assert len(seen) == 3
