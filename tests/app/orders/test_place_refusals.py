"""What place and preview refuse over HTTP; neither changes anything by it."""

import pytest
from sqlalchemy import text

from app.catalogue.models import SpuStatus
from app.orders import placing
from tests.builders.catalogue import make_freight_template, make_sku
from tests.builders.members import make_address, make_member

HUGE = 10**30


class TestRefusals:
    """What place refuses, preview refuses too, and neither changes anything."""

    @pytest.fixture
    def refused(self, place, preview, nothing_happened):
        def check(body, status, code):
            placed = place(body)
            assert (placed.status_code, placed.json["code"]) == (status, code), placed.json
            shown = {name: body[name] for name in body if name in PREVIEWED}
            previewed = preview(shown)
            assert (previewed.status_code, previewed.json["code"]) == (status, code)
            nothing_happened()
            return placed.json

        return check

    def test_more_than_there_is(self, refused, body, sku):
        body["lines"][0]["quantity"] = 11
        assert refused(body, 409, "out_of_stock")["available"] == 10

    def test_what_left_the_shelf_or_never_was(self, session, refused, body):
        off = make_sku(session, status=SpuStatus.OFF_SHELF)
        session.commit()
        for sku_id in (off.id, 2**62):
            body["lines"] = [{"sku_id": sku_id, "quantity": 1}]
            assert refused(body, 409, "sku_not_for_sale")["sku_id"] == sku_id

    def test_a_region_that_is_not_served(self, session, refused, body, buyer):
        template = make_freight_template(session, rules=[{"region_prefix": "11"}])
        far = make_sku(session, freight_template=template)
        session.commit()
        body["lines"] = [{"sku_id": far.id, "quantity": 1}]
        refused(body, 409, "region_not_served")

    def test_the_address_of_somebody_else(self, session, refused, body):
        other = make_address(session, member_id=make_member(session).id)
        session.commit()
        for address_id in (other.id, 2**62):
            refused(body | {"address_id": address_id}, 404, "address_not_found")

    @pytest.mark.parametrize("quantity", [0, -1, 1000, HUGE, 1.0, 1.5, "2", True, None, [], {}])
    def test_bad_quantities(self, refused, body, quantity):
        body["lines"][0]["quantity"] = quantity
        assert "lines.0.quantity" in refused(body, 422, "invalid_fields")["errors"]

    @pytest.mark.parametrize("sku_id", [0, -1, HUGE, "1", True, 1.0, None])
    def test_bad_sku_ids(self, refused, body, sku_id):
        body["lines"][0]["sku_id"] = sku_id
        refused(body, 422, "invalid_fields")

    def test_unknown_fields_anywhere(self, refused, body):
        refused(body | {"lines": [body["lines"][0] | {"price_fen": 1}]}, 422, "invalid_fields")

    def test_no_lines_or_two_sources_of_them(self, refused, body):
        refused(body | {"lines": []}, 422, "invalid_fields")
        refused(body | {"cart_item_ids": [1]}, 422, "invalid_fields")
        del body["lines"]
        refused(body, 422, "invalid_fields")
        refused(body | {"cart_item_ids": []}, 422, "invalid_fields")
        refused(body | {"cart_item_ids": [1, 1]}, 422, "invalid_fields")

    def test_one_sku_in_two_lines(self, refused, body):
        refused(body | {"lines": body["lines"] * 2}, 422, "invalid_fields")

    def test_too_many_lines(self, refused, body):
        lines = [{"sku_id": id_, "quantity": 1} for id_ in range(1, 52)]
        refused(body | {"lines": lines}, 422, "invalid_fields")

    @pytest.mark.parametrize(
        "change",
        [
            {"remark": "长" * 201},
            {"remark": 7},
            {"remark": "bell\x07"},
            {"remark": None},
            {"expected_payable_fen": -1},
            {"expected_payable_fen": HUGE},
            {"expected_payable_fen": 11_000.0},
            {"expected_payable_fen": "11000"},
            {"expected_payable_fen": True},
            {"address_id": "1"},
            {"address_id": None},
            {"discount_fen": 100},
            {"buyer_id": 1},
        ],
    )
    def test_other_bad_fields_of_an_order(self, place, body, change, nothing_happened):
        answer = place(body | change)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
        assert next(iter(change)) in answer.json["errors"]
        nothing_happened()

    @pytest.mark.parametrize("missing", ["address_id", "expected_payable_fen"])
    def test_what_may_not_be_missing(self, place, body, missing, nothing_happened):
        del body[missing]

        assert place(body).json["errors"].keys() == {missing}
        nothing_happened()

    def test_no_token(self, client, place, body, nothing_happened):
        assert place(body, headers={}).status_code == 401
        assert client.post("/api/v1/orders/preview", json=body).status_code == 401
        nothing_happened()


PREVIEWED = {"lines", "cart_item_ids", "address_id"}


class TestGoneAtTheLastMoment:
    """What was there when the order was priced is gone when it is held."""

    @pytest.fixture
    def meanwhile(self, monkeypatch):
        """Have something happen between pricing and holding."""

        def patch(statement):
            priced = placing.drafts.preview

            def preview(session, **what):
                draft = priced(session, **what)
                session.execute(text(statement))
                return draft

            monkeypatch.setattr(placing.drafts, "preview", preview)

        return patch

    def test_a_gift(self, place, body, with_gift, gift, meanwhile, nothing_happened):
        promotion = with_gift()
        meanwhile(f"UPDATE sku SET available = 0 WHERE id = {gift.id}")

        answer = place(body)

        assert (answer.status_code, answer.json["code"]) == (409, "promotion_gone")
        assert answer.json["promotion_id"] == promotion.id
        nothing_happened()

    def test_goods(self, place, body, with_gift, sku, meanwhile, nothing_happened):
        with_gift()
        meanwhile(f"UPDATE sku SET available = 1 WHERE id = {sku.id}")

        answer = place(body)

        assert (answer.status_code, answer.json["code"]) == (409, "out_of_stock")
        assert answer.json["sku_id"] == sku.id
        nothing_happened()

    def test_a_coupon(self, place, body, coupon_id, meanwhile, nothing_happened):
        meanwhile(f"UPDATE coupon SET status = 'revoked' WHERE id = {coupon_id}")

        answer = place(body | {"expected_payable_fen": 10_000})

        assert (answer.status_code, answer.json["code"]) == (409, "coupon_gone")
        assert answer.json["coupon_id"] == coupon_id
        nothing_happened()
