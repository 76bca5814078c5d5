"""What staff do with products."""

import pytest
from sqlalchemy import select

from app.catalogue import queries, service, shelf, stock, verify
from app.catalogue.models import PriceHistory, Sku, SpuStatus
from tests.builders.catalogue import (
    make_brand,
    make_category,
    make_freight_template,
    make_sku,
    sku_body,
    spu_body,
)


class TestCreate:
    def test_makes_a_draft_with_skus_stock_and_first_prices(
        self, staff, merchant, session, category
    ):
        brand, template = make_brand(session, name="山川"), make_freight_template(session)
        session.commit()
        body = spu_body(category, brand_id=brand.id, freight_template_id=template.id, tags=["新品"])

        response = staff("post", "/products", body)

        assert response.status_code == 201
        made = response.json
        assert (made["status"], made["listed_at"]) == ("draft", None)
        assert (made["min_price_fen"], made["max_price_fen"]) == (5900, 6900)
        assert [each["available"] for each in made["skus"]] == [20, 20]
        assert staff("get", f"/products/{made['id']}").json == made
        history = staff("get", f"/skus/{made['skus'][1]['id']}/prices").json
        assert [(each["price_fen"], each["market_price_fen"]) for each in history["items"]] == [
            (6900, 9900)
        ]
        assert history["items"][0]["staff_id"] == merchant.id
        assert list(verify.verify(session)) == []

    def test_a_single_sku_needs_no_spec(self, staff, category):
        response = staff("post", "/products", spu_body(category, spec=[], skus=[sku_body()]))

        assert response.status_code == 201
        assert response.json["skus"][0]["spec_values"] == []

    @pytest.mark.parametrize(
        ("path", "change"),
        [
            ("title", {"title": "长" * 61}),
            ("title", {"title": ""}),
            ("title", {"title": None}),
            ("description", {"description": "长" * 20_001}),
            ("images", {"images": []}),
            ("images.0", {"images": ["http://img.example.com/cup.jpg"]}),
            ("images.0", {"images": ["https://x/\"onload='"]}),
            ("images.0", {"images": [f"https://img.example.com/{'a' * 490}"]}),
            ("category_id", {"category_id": 10**6}),
            ("category_id", {"category_id": True}),
            ("brand_id", {"brand_id": 10**6}),
            ("freight_template_id", {"freight_template_id": 10**6}),
            ("sort", {"sort": -1}),
            ("status", {"status": "on_shelf"}),
            ("tags.0", {"tags": ["长" * 21]}),
            ("skus", {"skus": []}),
            ("skus.1.spec_values", {"skus": [sku_body("红"), sku_body("绿")]}),
            ("skus.1.spec_values", {"skus": [sku_body("红"), sku_body("红", "大")]}),
            ("skus.2.spec_values", {"skus": [sku_body("红"), sku_body("蓝"), sku_body("红")]}),
            ("spec.0.values", {"skus": [sku_body("红")]}),
            ("spec.0.values", {"spec": [{"name": "颜色", "values": ["红", "蓝", "红"]}]}),
            ("skus.0.price_fen", {"skus": [sku_body("红", price_fen=0), sku_body("蓝")]}),
            ("skus.0.price_fen", {"skus": [sku_body("红", price_fen=-1), sku_body("蓝")]}),
            ("skus.0.price_fen", {"skus": [sku_body("红", price_fen=10**9), sku_body("蓝")]}),
            ("skus.0.price_fen", {"skus": [sku_body("红", price_fen="59"), sku_body("蓝")]}),
            ("skus.0.price_fen", {"skus": [sku_body("红", price_fen=59.0), sku_body("蓝")]}),
            ("skus.0.initial_stock", {"skus": [sku_body("红", initial_stock=-1), sku_body("蓝")]}),
            ("skus.0.weight_g", {"skus": [sku_body("红", weight_g=10**9), sku_body("蓝")]}),
            ("skus.0.code", {"skus": [sku_body("红", code="中文"), sku_body("蓝")]}),
            ("skus.0.held", {"skus": [sku_body("红", held=1), sku_body("蓝")]}),
        ],
    )
    def test_refuses_what_is_wrong_and_writes_nothing(self, staff, session, category, path, change):
        existing = make_sku(session)
        session.commit()

        for verb, url in (("post", "/products"), ("put", f"/products/{existing.spu_id}")):
            response = staff(verb, url, {**spu_body(category), **change})
            assert response.status_code == 422
            assert path in response.json["errors"]
        session.expire_all()
        assert session.scalars(select(Sku.id)).all() == [existing.id]

    def test_two_spec_names_must_differ(self, staff, category):
        spec = [{"name": "颜色", "values": ["红"]}, {"name": "颜色", "values": ["红"]}]
        body = spu_body(category, spec=spec, skus=[sku_body("红", "红")])

        assert list(staff("post", "/products", body).json["errors"]) == ["spec"]

    def test_refuses_a_code_in_use_here_or_elsewhere(self, staff, session, category):
        taken = make_sku(session).code
        session.commit()

        for codes in ((taken, "B"), ("A", "A")):
            skus = [sku_body("红", code=codes[0]), sku_body("蓝", code=codes[1])]
            response = staff("post", "/products", spu_body(category, skus=skus))
            assert (response.status_code, response.json["code"]) == (409, "sku_code_taken")
        assert len(staff("get", "/products").json["items"]) == 1


class TestChange:
    def test_skus_keep_their_id_and_stock_by_their_spec(self, staff, session, category, product):
        red, blue = product["skus"]
        stock.hold(session, source="order:1", quantities={red["id"]: 5}, now=_moment(session))
        session.commit()
        body = spu_body(
            category,
            title="新保温杯",
            spec=[{"name": "颜色", "values": ["绿", "红"]}],
            skus=[sku_body("绿"), sku_body("红", code="RED", price_fen=4900)],
        )

        changed = staff("put", f"/products/{product['id']}", body).json

        skus = {each["spec_values"][0]: each for each in changed["skus"]}
        assert skus["红"]["id"] == red["id"]
        assert (skus["红"]["code"], skus["红"]["price_fen"]) == ("RED", 4900)
        assert (skus["红"]["available"], skus["红"]["held"]) == (15, 5)
        assert (skus["蓝"]["id"], skus["蓝"]["is_active"]) == (blue["id"], False)
        assert (skus["绿"]["available"], skus["绿"]["is_active"]) == (20, True)
        assert (changed["min_price_fen"], changed["max_price_fen"]) == (4900, 5900)
        assert list(verify.verify(session)) == []

    def test_a_combination_that_returns_is_the_one_it_was(self, staff, session, category, product):
        path, blue = f"/products/{product['id']}", product["skus"][1]
        spec = [{"name": "颜色", "values": ["红"]}]

        staff("put", path, spu_body(category, spec=spec, skus=[sku_body("红")]))
        again = staff("put", path, spu_body(category)).json

        assert (again["skus"][1]["id"], again["skus"][1]["is_active"]) == (blue["id"], True)
        assert again["skus"][1]["available"] == 20
        assert list(verify.verify(session)) == []

    def test_only_prices_that_change_are_written_into_history(self, staff, category, product):
        skus = [sku_body("红"), sku_body("蓝", price_fen=7900)]

        staff("put", f"/products/{product['id']}", spu_body(category, skus=skus))

        histories = [
            [row["price_fen"] for row in staff("get", f"/skus/{each['id']}/prices").json["items"]]
            for each in product["skus"]
        ]
        assert histories == [[5900], [7900, 6900]]

    def test_search_follows(self, staff, session, category, product):
        staff("post", f"/products/{product['id']}/on-shelf")

        staff("put", f"/products/{product['id']}", spu_body(category, title="焖烧罐"))

        assert len(shelf.list_products(session, q="焖烧")["items"]) == 1
        assert shelf.list_products(session, q="保温")["items"] == []

    def test_an_unknown_product_is_not_found(self, staff, category):
        response = staff("put", "/products/1000000", spu_body(category))

        assert (response.status_code, response.json["code"]) == (404, "spu_not_found")


class TestShelf:
    def test_goes_on_off_and_on_again_without_becoming_new(self, staff, client, product):
        path = f"/products/{product['id']}"

        on = staff("post", f"{path}/on-shelf").json
        assert on["status"] == "on_shelf"
        assert client.get(f"/api/v1{path}").status_code == 200
        off = staff("post", f"{path}/off-shelf").json
        assert off["status"] == "off_shelf"
        assert client.get(f"/api/v1{path}").status_code == 404
        assert staff("post", f"{path}/on-shelf").json["listed_at"] == on["listed_at"]

    def test_refuses_a_move_from_elsewhere(self, staff, product):
        path = f"/products/{product['id']}"

        draft_off = staff("post", f"{path}/off-shelf")
        staff("post", f"{path}/on-shelf")
        on_on = staff("post", f"{path}/on-shelf")

        for response in (draft_off, on_on):
            assert (response.status_code, response.json["code"]) == (409, "spu_status_refused")


class TestList:
    def test_filters_by_status_category_words_and_code(self, staff, session):
        home = make_category(session, name="家居")
        cups = make_category(session, name="杯壶", parent=home)
        draft = make_sku(session, title="随行", category=cups, status=SpuStatus.DRAFT)
        sold = make_sku(session, title="焖烧罐", category=home)
        session.commit()

        def shown(query):
            return [each["id"] for each in staff("get", f"/products?{query}").json["items"]]

        assert shown("") == [sold.spu_id, draft.spu_id]
        assert shown("status=draft") == [draft.spu_id]
        assert shown(f"category_id={home.id}") == [sold.spu_id, draft.spu_id]
        assert shown(f"category_id={cups.id}") == [draft.spu_id]
        assert shown("q=焖烧") == [sold.spu_id]
        assert shown("q=😀") == []
        assert shown(f"sku_code={draft.code}") == [draft.spu_id]

    def test_pages_by_cursor(self, staff, session):
        made = [make_sku(session).spu_id for _ in range(5)]
        session.commit()

        shown, query = [], "limit=2"
        while query:
            page = staff("get", f"/products?{query}").json
            shown += [each["id"] for each in page["items"]]
            query = page["next_cursor"] and f"limit=2&cursor={page['next_cursor']}"

        assert shown == made[::-1]

    @pytest.mark.parametrize("query", ["status=gone", "limit=0", "cursor=x", "page=2"])
    def test_refuses_a_query_it_does_not_understand(self, staff, query):
        assert staff("get", f"/products?{query}").status_code == 422


def test_an_unexpected_breach_of_the_schema_is_not_given_a_friendly_name(session, category):
    draft = service.SpuDraft(
        title="杯",
        subtitle="",
        description="",
        keywords="",
        images=["https://img.example.com/a.jpg"],
        spec=[],
        tags=[],
        category_id=category.id,
        brand_id=None,
        freight_template_id=None,
        sort=0,
        skus=[
            service.SkuDraft(
                code="A",
                spec_values=[],
                price_fen=5,
                market_price_fen=-1,
                cost_price_fen=None,
                weight_g=0,
                image_url=None,
                initial_stock=0,
            )
        ],
    )

    with pytest.raises(Exception, match="ck_sku_market_price_positive"):
        service.create(session, draft=draft, staff_id=None, now=_moment(session))


def _moment(session):
    """Any moment: the last price change on record, or the epoch of the tests."""
    recorded = session.scalar(select(PriceHistory.effective_at).limit(1))
    return recorded or queries.get_spu(session, spu_id=make_sku(session).spu_id).created_at
