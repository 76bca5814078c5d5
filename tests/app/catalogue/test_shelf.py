"""What shoppers see."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marshmallow import RAISE
from sqlalchemy import event

from app.catalogue import schemas, shelf
from app.catalogue.models import SpuStatus
from app.core.db import db
from app.core.http import page_of
from tests.builders.catalogue import (
    NOON,
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


def walk(session, **query):
    """The ids of all pages, one after another."""
    ids, cursor = [], None
    while True:
        page = shelf.list_products(session, cursor=cursor, **query)
        ids += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return ids


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
                    "sales_count": 7,
                    "is_sold_out": True,
                }
            ],
            "next_cursor": None,
        }
        page_of(schemas.ProductCardOut)(unknown=RAISE).load(response.json)

    def test_a_market_price_not_above_the_price_is_not_crossed_out(self, session):
        make_sku(session, price_fen=5900, market_price_fen=5900)

        assert shelf.list_products(session)["items"][0]["crossed_out_fen"] is None

    @pytest.mark.parametrize("status", [SpuStatus.DRAFT, SpuStatus.OFF_SHELF])
    def test_leaves_out_what_is_not_on_the_shelf(self, session, status):
        make_sku(session, status=status)

        assert shelf.list_products(session)["items"] == []

    def test_of_a_category_has_everything_below_it(self, session):
        home = make_category(session, name="家居")
        cups = make_category(session, name="杯壶", parent=home)
        in_cups = make_sku(session, category=cups)
        in_home = make_sku(session, category=home)
        make_sku(session)

        assert walk(session, category_id=home.id) == [in_home.spu_id, in_cups.spu_id]
        assert walk(session, category_id=cups.id) == [in_cups.spu_id]
        assert walk(session, category_id=cups.id + 10**6) == []

    def test_is_sorted_as_asked(self, session):
        made = {}
        for name, sort, price_fen, sales_count, day in (
            ("a", 1, 300, 20, 3),
            ("b", 3, 100, 30, 2),
            ("c", 2, 200, 10, 1),
        ):
            spu = make_spu(
                session, sort=sort, sales_count=sales_count, listed_at=NOON + timedelta(days=day)
            )
            make_sku(session, spu=spu, price_fen=price_fen)
            made[spu.id] = name

        shown = {
            sort: "".join(made[id_] for id_ in walk(session, sort=sort)) for sort in shelf.Sort
        }

        assert shown == {
            "default": "bca",
            "price_asc": "bca",
            "price_desc": "acb",
            "sales": "bac",
            "new": "abc",
        }

    @pytest.mark.parametrize("sort", shelf.Sort)
    @settings(
        max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        values=st.lists(st.integers(1, 3), max_size=12),
        limit=st.integers(1, 5),
        narrow=st.booleans(),
    )
    def test_pages_neither_skip_nor_repeat_under_ties(self, session, values, limit, sort, narrow):
        category = make_category(session)
        query = {"category_id": category.id, "q": "保温"} if narrow else {}
        spus = []
        for value in values:
            listed_at = NOON + timedelta(microseconds=value)
            spu = make_spu(
                session, category=category, sort=value, sales_count=value, listed_at=listed_at
            )
            make_sku(session, spu=spu, price_fen=value)
            spus.append((value, spu.id))

        expected = sorted(spus, reverse=sort != shelf.Sort.PRICE_ASC)
        assert walk(session, sort=sort, limit=limit, **query) == [id_ for _, id_ in expected]
        session.rollback()

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


def test_every_page_is_one_statement_however_many_rows(app, client, session):
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
