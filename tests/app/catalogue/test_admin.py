"""What staff do with categories, brands and freight templates, and who may not."""

import pytest

from app.catalogue import shelf
from app.catalogue.models import Category
from app.core.auth import Audience
from tests.builders.catalogue import (
    make_brand,
    make_category,
    make_freight_template,
    make_sku,
)

EVERY_ROUTE = [
    ("get", "/categories"),
    ("post", "/categories"),
    ("put", "/categories/1"),
    ("delete", "/categories/1"),
    ("get", "/brands"),
    ("post", "/brands"),
    ("put", "/brands/1"),
    ("delete", "/brands/1"),
    ("get", "/freight-templates"),
    ("post", "/freight-templates"),
    ("put", "/freight-templates/1"),
    ("delete", "/freight-templates/1"),
    ("get", "/products"),
    ("post", "/products"),
    ("get", "/products/1"),
    ("put", "/products/1"),
    ("post", "/products/1/on-shelf"),
    ("post", "/products/1/off-shelf"),
    ("put", "/skus/1/price"),
    ("get", "/skus/1/prices"),
    ("put", "/skus/1/stock"),
    ("post", "/skus/1/stock-adjustments"),
    ("get", "/skus/1/stock-adjustments"),
]

RULE = {"region_prefix": "", "first_fen": 800, "next_fen": 200}
TEMPLATE = {"name": "普通快递", "charge_by": "piece", "rules": [RULE]}


@pytest.mark.parametrize(("verb", "path"), EVERY_ROUTE)
def test_only_staff_may_call(client, token_for, verb, path):
    for headers in ({}, token_for(Audience.SHOPPER, 1)):
        response = getattr(client, verb)(f"/admin/v1{path}", json={}, headers=headers)
        assert response.status_code == 401


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("put", "/categories/1", {"name": "杯壶"}),
        ("delete", "/categories/1", None),
        ("put", "/brands/1", {"name": "山川"}),
        ("delete", "/brands/1", None),
        ("put", "/freight-templates/1", TEMPLATE),
        ("delete", "/freight-templates/1", None),
        ("get", "/products/1", None),
        ("post", "/products/1/on-shelf", None),
        ("post", "/products/1/off-shelf", None),
        ("put", "/skus/1/price", {"price_fen": 1}),
        ("get", "/skus/1/prices", None),
        ("put", "/skus/1/stock", {"available": 1, "reason": "盘点"}),
        ("post", "/skus/1/stock-adjustments", {"delta": 1, "reason": "盘点"}),
        ("get", "/skus/1/stock-adjustments", None),
    ],
)
def test_what_does_not_exist_is_not_found(staff, verb, path, body):
    response = staff(verb, path, body)

    assert response.status_code == 404
    assert response.json["code"].endswith("_not_found")


class TestCategories:
    def test_are_created_below_others_and_listed_from_the_root_down(self, staff):
        home = staff("post", "/categories", {"name": "家居"}).json
        cups = staff("post", "/categories", {"name": "杯壶", "parent_id": home["id"]})

        assert cups.status_code == 201
        assert cups.json == {
            "id": cups.json["id"],
            "parent_id": home["id"],
            "path": [home["id"], cups.json["id"]],
            "name": "杯壶",
            "image_url": None,
            "sort": 0,
            "is_visible": True,
        }
        assert staff("get", "/categories").json == {"items": [home, cups.json]}

    def test_move_with_everything_below_them(self, staff, session):
        home, gifts = make_category(session, name="家居"), make_category(session, name="礼品")
        cups = make_category(session, name="杯壶", parent=home)
        mugs = make_category(session, name="马克杯", parent=cups)
        make_sku(session, title="随行", category=mugs)
        session.commit()

        for parent, path in ((gifts.id, [gifts.id]), (None, [])):
            body = {"name": "杯壶", "parent_id": parent}
            assert staff("put", f"/categories/{cups.id}", body).json["path"] == [*path, cups.id]
            session.expire_all()
            assert session.get(Category, mugs.id).path == [*path, cups.id, mugs.id]
            assert len(shelf.list_products(session, q="礼品")["items"]) == len(path)

    def test_renaming_is_followed_by_search(self, staff, session):
        cups = make_category(session, name="杯壶")
        make_sku(session, title="随行", category=cups)
        session.commit()

        staff("put", f"/categories/{cups.id}", {"name": "水具", "is_visible": False, "sort": 3})

        assert len(shelf.list_products(session, q="水具")["items"]) == 1
        assert shelf.list_products(session, q="杯壶")["items"] == []

    def test_never_form_a_cycle(self, staff, session):
        home = make_category(session, name="家居")
        cups = make_category(session, name="杯壶", parent=home)
        session.commit()

        for target in (cups.id, home.id):
            body = {"name": "家居", "parent_id": target}
            response = staff("put", f"/categories/{home.id}", body)
            assert response.status_code == 422
            assert "parent_id" in response.json["errors"]

    def test_are_at_most_four_deep(self, staff, session):
        deep = None
        for name in "一二三四":
            deep = make_category(session, name=name, parent=deep)
        other = make_category(session, name="五")
        pair = make_category(session, name="六", parent=other)
        session.commit()

        below = staff("post", "/categories", {"name": "七", "parent_id": deep.id})
        moved = staff("put", f"/categories/{other.id}", {"name": "五", "parent_id": deep.path[2]})

        assert (below.status_code, moved.status_code) == (422, 422)
        assert staff("delete", f"/categories/{pair.id}").status_code == 204
        fits = staff("put", f"/categories/{other.id}", {"name": "五", "parent_id": deep.path[2]})
        assert fits.status_code == 200

    def test_are_deleted_only_when_empty(self, staff, session):
        home = make_category(session, name="家居")
        cups = make_category(session, name="杯壶", parent=home)
        make_sku(session, category=cups)
        empty = make_category(session)
        session.commit()

        for category_id in (home.id, cups.id):
            response = staff("delete", f"/categories/{category_id}")
            assert (response.status_code, response.json["code"]) == (409, "category_in_use")
        assert staff("delete", f"/categories/{empty.id}").status_code == 204

    @pytest.mark.parametrize(
        "change",
        [
            {"name": ""},
            {"name": "长" * 31},
            {"name": 5},
            {"name": "杯\x00壶"},
            {"parent_id": 10**6},
            {"parent_id": "1"},
            {"sort": -1},
            {"sort": 10**7},
            {"is_visible": "yes"},
            {"image_url": "http://img.example.com/a.jpg"},
            {"colour": "red"},
        ],
    )
    def test_refuse_wrong_fields_and_change_nothing(self, staff, session, change):
        cups = make_category(session, name="杯壶")
        session.commit()

        for verb, path in (("post", "/categories"), ("put", f"/categories/{cups.id}")):
            response = staff(verb, path, {"name": "新名", **change})
            assert response.status_code == 422
            assert list(response.json["errors"]) == list(change)
        assert [each["name"] for each in staff("get", "/categories").json["items"]] == ["杯壶"]


class TestBrands:
    def test_are_created_changed_listed_and_deleted(self, staff, session):
        brand = staff("post", "/brands", {"name": "山川"}).json
        sku = make_sku(session, title="随行", brand=make_brand(session, name="河流"))
        session.commit()
        body = {"name": "大山", "logo_url": "https://img.example.com/logo.png", "sort": 5}

        assert staff("put", f"/brands/{brand['id']}", body).json == {"id": brand["id"], **body}
        assert [each["name"] for each in staff("get", "/brands").json["items"]] == ["大山", "河流"]
        assert staff("delete", f"/brands/{brand['id']}").status_code == 204
        assert sku.id

    def test_renaming_is_followed_by_search(self, staff, session):
        brand = make_brand(session, name="河流")
        make_sku(session, title="随行", brand=brand)
        session.commit()

        staff("put", f"/brands/{brand.id}", {"name": "江海"})

        assert len(shelf.list_products(session, q="江海")["items"]) == 1

    def test_have_names_of_their_own(self, staff, session):
        make_brand(session, name="山川")
        other = make_brand(session, name="河流")
        session.commit()

        for verb, path in (("post", "/brands"), ("put", f"/brands/{other.id}")):
            response = staff(verb, path, {"name": "山川"})
            assert (response.status_code, response.json["code"]) == (409, "brand_name_taken")

    def test_are_kept_while_a_product_carries_them(self, staff, session):
        brand = make_brand(session)
        make_sku(session, brand=brand)
        session.commit()

        response = staff("delete", f"/brands/{brand.id}")

        assert (response.status_code, response.json["code"]) == (409, "brand_in_use")

    @pytest.mark.parametrize(
        "body",
        [{}, {"name": "长" * 31}, {"name": "山", "logo_url": "ftp://x"}, {"name": "山", "x": 1}],
    )
    def test_refuse_wrong_fields(self, staff, session, body):
        brand = make_brand(session)
        session.commit()

        for verb, path in (("post", "/brands"), ("put", f"/brands/{brand.id}")):
            assert staff(verb, path, body).status_code == 422


class TestFreightTemplates:
    def test_are_created_replaced_listed_and_deleted(self, staff):
        created = staff("post", "/freight-templates", TEMPLATE)
        assert created.status_code == 201
        rules = [
            {**RULE, "free_over_fen": 9900},
            {"region_prefix": "65", "is_served": False},
            {"region_prefix": "4201", "first_units": 1000, "next_units": 500},
        ]
        path = f"/freight-templates/{created.json['id']}"

        changed = staff("put", path, {"name": "重货", "charge_by": "weight", "rules": rules})

        assert changed.status_code == 200
        assert changed.json["charge_by"] == "weight"
        assert [each["region_prefix"] for each in changed.json["rules"]] == ["", "4201", "65"]
        assert changed.json["rules"][0] == {
            "region_prefix": "",
            "is_served": True,
            "first_units": 1,
            "first_fen": 800,
            "next_units": 1,
            "next_fen": 200,
            "free_over_fen": 9900,
        }
        assert staff("get", "/freight-templates").json == {"items": [changed.json]}
        assert staff("delete", path).status_code == 204

    def test_have_names_of_their_own(self, staff, session):
        other = make_freight_template(session)
        session.commit()
        staff("post", "/freight-templates", TEMPLATE)

        for verb, path in (
            ("post", "/freight-templates"),
            ("put", f"/freight-templates/{other.id}"),
        ):
            response = staff(verb, path, TEMPLATE)
            assert response.status_code == 409
            assert response.json["code"] == "freight_template_name_taken"

    def test_are_kept_while_a_product_uses_them(self, staff, session):
        template = make_freight_template(session)
        make_sku(session, freight_template=template)
        session.commit()

        response = staff("delete", f"/freight-templates/{template.id}")

        assert (response.status_code, response.json["code"]) == (409, "freight_template_in_use")

    @pytest.mark.parametrize(
        ("path", "change"),
        [
            ("charge_by", {"charge_by": "volume"}),
            ("rules", {"rules": []}),
            ("rules", {"rules": [{"region_prefix": "", "is_served": False}]}),
            ("rules.1.region_prefix", {"rules": [RULE, RULE]}),
            ("rules.0.region_prefix", {"rules": [{"region_prefix": "123"}]}),
            ("rules.0.first_fen", {"rules": [{**RULE, "first_fen": -1}]}),
            ("rules.0.next_fen", {"rules": [{**RULE, "next_fen": 10**9}]}),
            ("rules.0.next_units", {"rules": [{**RULE, "next_units": 0}]}),
            ("rules.0.free_over_fen", {"rules": [{**RULE, "free_over_fen": 0}]}),
            ("rules.0.first_units", {"rules": [{**RULE, "first_units": 1.5}]}),
            ("rules.0.price", {"rules": [{**RULE, "price": 1}]}),
            ("name", {"name": " "}),
        ],
    )
    def test_refuse_wrong_rules(self, staff, session, path, change):
        template = make_freight_template(session)
        session.commit()

        for verb, url in (
            ("post", "/freight-templates"),
            ("put", f"/freight-templates/{template.id}"),
        ):
            response = staff(verb, url, {**TEMPLATE, **change})
            assert response.status_code == 422
            assert list(response.json["errors"]) == [path]
